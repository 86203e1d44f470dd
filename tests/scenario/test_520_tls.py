"""TLS, with the real program and certificates of an authority made for the tests."""

import json
import shutil
import signal
import ssl
import sys
import time

import pytest

import service as services
import wire

sys.path.insert(0, str(services.ROOT / "tests" / "servers"))

import certificates  # noqa: E402

USAGE = 2
RECORD = {"userId": "user-tls", "action": "read", "timestamp": "2024-03-01T10:00:00Z", "metadata": {"over": "TLS"}}


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    return certificates.Certificates(tmp_path_factory.mktemp("tls") / "names")


def flags_of(names):
    return ["--tls-cert-file", names.chain, "--tls-key-file", names.key]


@pytest.fixture(scope="module")
def shared(names):
    with services.running(*flags_of(names), tls=ssl.create_default_context(cafile=names.authority)) as running:
        yield running


def test_record_and_ask(shared):
    assert f"ready on https://127.0.0.1:{shared.port}" in shared.stderr
    row = shared.wait_stored(shared.record(RECORD)["id"])
    assert row["metadata"] == {"over": "TLS"}
    array = [{**RECORD, "metadata": {"n": number, "text": "x" * 300}} for number in range(2000)]
    assert shared.record(array)["accepted"] == 2000
    shared.wait_count(2000, "&userId=user-tls&metadata.text=" + "x" * 300)
    assert shared.connection.socket.version() == "TLSv1.3"


def test_lines_and_verdicts(shared):
    """A stream in both directions: verdicts come while lines are sent."""
    line = json.dumps({**RECORD, "userId": "user-lines"}).encode() + b"\n"
    with shared.connect() as connection:
        connection.send(connection.head("POST", services.COLLECTION, [
            ("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson"), ("Transfer-Encoding", "chunked")]))
        for _ in range(40):
            connection.send(wire.chunk(line * 500))
        connection.send(b"0\r\n\r\n")
        answer = connection.read_answer()
    verdicts = answer.body.splitlines()
    assert answer.status in (200, 202) and len(verdicts) >= 20000 and all(b'"error"' not in verdict for verdict in verdicts)


def test_plain_http_is_told_so(shared):
    with wire.Connection(shared.port) as connection:
        connection.send(connection.head("GET", "/livez"))
        assert connection.read_to_end().startswith(b"HTTP/1.1 400 ")


def test_health_asks_without_looking_at_the_certificate_here(shared):
    for url in (shared.url, f"https://localhost:{shared.port}"):
        result = services.run_program("health", "--url", url)
        assert result.returncode == 0 and "answers 200" in result.stdout, result
    assert services.run_program("health", "--url", shared.url.replace("https", "http")).returncode == 1


@pytest.mark.parametrize("command", ["health", "import"])
def test_others_must_prove_who_they_are(make_service, names, tmp_path, command):
    """A name that happens to lead here (libcurl knows that by itself) is as good as any: nothing is sent to who cannot prove
    to have it."""
    service = make_service(*flags_of(names), tls=any_context()).start()
    url = f"https://trail.localhost:{service.port}"
    if command == "health":
        result = services.run_program("health", "--url", url)
        assert result.returncode == 1 and "certificate" in result.stderr.lower(), result
    else:
        lines = tmp_path / "one.ndjson"
        lines.write_text(json.dumps(RECORD) + "\n")
        result = services.run_program("import", lines, "--server", url, "--give-up-after", "2")
        assert result.returncode == 1 and "certificate" in result.stderr.lower(), result
        assert service.get("/health").json["worker"]["pending"] == 0 and not service.walk()
    service.stop()


def any_context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


@pytest.mark.parametrize("way", ["folder", "server"])
def test_import(make_service, names, tmp_path, way):
    """The lock of the folder says that its server speaks TLS."""
    service = make_service(*flags_of(names), tls=any_context()).start()
    path = tmp_path / "lines.ndjson"
    path.write_text("".join(json.dumps({**RECORD, "metadata": {"n": number}}) + "\n" for number in range(3000)))
    there = ["--data-dir", service.data] if way == "folder" else ["--server", service.url]
    result = services.run_program("import", path, *there, timeout=60)
    assert result.returncode == 0, result
    service.wait_count(3000)
    service.restart()
    service.wait_count(3000)


# --- another certificate ---


def certificate_of(service):
    with service.connect() as connection:
        return connection.socket.getpeercert(True)


def wait_said(service, words):
    wire.wait_until(lambda: words in service.stderr, words, 20 * services.PATIENCE)


def test_sighup_reads_the_files_again(make_service, names, tmp_path):
    """New connections get the new certificate, old ones go on, and broken files change nothing."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    shutil.copy(names.chain, chain)
    shutil.copy(names.key, key)
    service = make_service("--tls-cert-file", chain, "--tls-key-file", key, tls=any_context()).start()
    first = certificate_of(service)
    with service.connect() as old:
        assert old.get("/livez").status == 200
        other = certificates.Certificates(tmp_path / "other")
        shutil.copy(other.chain, chain)
        service.process.send_signal(signal.SIGHUP)  # the key is still the old one
        wait_said(service, "the certificate stays as it was")
        assert certificate_of(service) == first
        shutil.copy(other.key, key)
        service.process.send_signal(signal.SIGHUP)
        wait_said(service, "new connections get the certificate")
        assert certificate_of(service) == ssl.PEM_cert_to_DER_cert(other.chain.read_text())
        assert old.get("/livez").status == 200 and old.socket.getpeercert(True) == first
    service.wait_stored(service.record(RECORD)["id"])
    service.stop()


# --- files ---


def refused(*flags, folder):
    """Both commands that read the settings say the same and end with 2."""
    result = services.run_program("serve", *flags, "--data-dir", folder / "data", "--listen", "127.0.0.1:0")
    assert result.returncode == USAGE and result.stderr.count("\n") == 1, result
    assert services.run_program("check-config", *flags).stderr == result.stderr
    assert not (folder / "data").exists()
    return result.stderr


def test_one_without_the_other(names, tmp_path):
    assert "TLS needs both" in refused("--tls-cert-file", names.chain, folder=tmp_path)
    assert "TLS needs both" in refused("--tls-key-file", names.key, folder=tmp_path)


def test_files_that_do_not_do(names, tmp_path):
    other = certificates.Certificates(tmp_path / "other")
    assert "does not belong" in refused("--tls-cert-file", names.chain, "--tls-key-file", other.key, folder=tmp_path)
    assert "No such file" in refused("--tls-cert-file", tmp_path / "none", "--tls-key-file", names.key, folder=tmp_path)
    assert "no private key" in refused("--tls-cert-file", names.chain, "--tls-key-file", names.chain, folder=tmp_path)
    assert "no certificates" in refused("--tls-cert-file", names.key, "--tls-key-file", names.key, folder=tmp_path)


def test_an_expired_certificate_is_a_warning(make_service, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "expired.pem"
    request = tmp_path / "request.pem"
    certificates.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", request)
    certificates.openssl("x509", "-req", "-in", request, "-signkey", key, "-days", "0", "-out", certificate)
    time.sleep(1.1)  # it ends with the second in which it was made
    service = make_service("--tls-cert-file", certificate, "--tls-key-file", key, tls=any_context()).start()
    assert "has expired" in service.stderr
    result = services.run_program("check-config", "--tls-cert-file", certificate, "--tls-key-file", key)
    assert result.returncode == 0 and "has expired" in result.stderr
    service.stop()


def test_files_are_named_by_the_environment(make_service, names, tmp_path):
    shutil.copy(names.key, tmp_path / "key.pem")
    extra = {"USERTRAIL_TLS_CERT_FILE": str(names.chain), "USERTRAIL_TLS_KEY_FILE": str(tmp_path / "key.pem")}
    service = make_service(extra=extra, tls=any_context()).start()
    service.wait_stored(service.record(RECORD)["id"])
    service.stop()
