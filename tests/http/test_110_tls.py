"""What is TLS's own. The rest of this folder runs over TLS, too, with HTTP_TEST_TLS set (http_wire_tls_test)."""

import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import warnings

import http_wire
import pytest
import tls_wire
from http_wire import HOST, PATIENCE_SECONDS, SLOWNESS, get, post

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
FAILURES = (ssl.SSLError, OSError, EOFError)
versions = pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])


@pytest.fixture(scope="module")
def names():
    return tls_wire.authority()


@pytest.fixture
def serve(start, names):
    def start_server(**options):
        return start(**{"cert": names.chain, "key": names.key, **options})
    return start_server


@pytest.fixture(scope="module")
def shared(names):
    server = http_wire.Server(cert=names.chain, key=names.key)
    yield server
    server.stop()


def raw_connection(server):
    raw = socket.create_connection(server.address)
    raw.settimeout(PATIENCE_SECONDS)
    return raw


def read_to_end(raw):
    received = b""
    try:
        while more := raw.recv(1 << 16):
            received += more
    except ConnectionResetError:
        pass
    return received


def client_of(server, version=None, **options):
    return server.client(tls={"client_context": tls_wire.context(version), **options})


# --- what is agreed on ---


@versions
def test_a_version_that_is_served(shared, version):
    with client_of(shared, version) as client:
        assert client.socket.tls.version() == "TLSv" + {VERSIONS[0]: "1.2", VERSIONS[1]: "1.3"}[version]
        assert client.ask(post(b"/echo", b"x" * 100000)).body == b"x" * 100000
        assert client.get(b"/close").body == b"bye"
        assert client.at_end()  # an end that was not announced would be an error


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=["1.0", "1.1"])
def test_a_version_that_is_refused(serve, version):
    server = serve()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = tls_wire.context(version)
    made.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
        server.client(tls={"client_context": made})
    assert server.count()["handshakesFailed"] == 1


@pytest.mark.parametrize("ciphers", ["AES128-SHA:@SECLEVEL=0", "NULL:@SECLEVEL=0", "DHE+AES:ECDHE+AESGCM"])
def test_ciphers(shared, ciphers):
    """Those without authentication or encryption are not for us; who offers a good one among others gets it."""
    made = tls_wire.context(VERSIONS[0])
    made.set_ciphers(ciphers)
    if "NULL" in ciphers:
        with pytest.raises(ssl.SSLError):
            shared.client(tls={"client_context": made})
    else:
        with shared.client(tls={"client_context": made}) as client:
            assert client.get(b"/echo").status == 200


@pytest.mark.parametrize("offered, chosen", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None)])
def test_protocols_by_name(shared, offered, chosen):
    made = tls_wire.context()
    if offered:
        made.set_alpn_protocols(offered)
    with shared.client(tls={"client_context": made}) as client:
        assert client.socket.tls.selected_alpn_protocol() == chosen
        assert client.get(b"/echo").status == 200


def test_a_client_that_speaks_another_protocol_only(shared):
    made = tls_wire.context()
    made.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        shared.client(tls={"client_context": made})


@versions
def test_tickets_spare_the_next_handshake(shared, version):
    made = tls_wire.context(version)
    with shared.client(tls={"client_context": made}) as client:
        assert client.get(b"/echo").status == 200 and not client.socket.tls.session_reused
        session = client.socket.tls.session
    for _ in range(4):  # on whichever loop
        with shared.client(tls={"client_context": made, "session": session}) as client:
            assert client.socket.tls.session_reused and client.get(b"/echo").status == 200


def test_no_renegotiation(shared):
    command = [shutil.which("openssl"), "s_client", "-connect", "%s:%d" % shared.address, "-tls1_2", "-CAfile",
               str(tls_wire.authority().authority)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        time.sleep(0.5 * SLOWNESS)
        process.stdin.write(b"R\n")
        process.stdin.flush()
        said = process.communicate(timeout=PATIENCE_SECONDS)[0].decode()
    assert "RENEGOTIATING" in said and "no renegotiation" in said
    with shared.client() as client:
        assert client.get(b"/echo").status == 200


def test_a_client_that_does_not_trust_it(serve, names):
    server = serve()
    with pytest.raises(ssl.SSLCertVerificationError):
        server.client(tls={"client_context": tls_wire.context(trusted=names.stranger)})
    server.wait_until(lambda count: count["handshakesFailed"] == 1 and count["open"] == 1)


# --- how the bytes come ---


@versions
@pytest.mark.parametrize("seed", range(4))
def test_random_cuts_of_the_stream(shared, version, seed):
    cuts = random.Random(seed)
    with client_of(shared, version, cuts=cuts) as client:
        body = cuts.randbytes(50000)
        client.send(post(b"/echo", body) + get(b"/delayed?1") + post(b"/mirror", body) + get(b"/mark"))
        assert client.read().body == body and client.read().body == b"1"
        assert client.read().body == body and client.read().body == b"marked"


@versions
def test_each_byte_alone(shared, version):
    cuts = random.Random(1)
    cuts.choice = lambda pieces: 1
    with client_of(shared, version, cuts=cuts) as client:
        assert client.get(b"/request?" + b"q" * 300).status == 200


@versions
def test_small_and_large_records(shared, version):
    with client_of(shared, version) as client:
        wire = post(b"/echo", bytes(range(256)) * 300)
        for byte in wire[:200]:
            client.send(bytes([byte]))
        client.send(wire[200:])
        assert client.read().body == bytes(range(256)) * 300


@versions
def test_large_answers_behind_small_ones(shared, version):
    with client_of(shared, version) as client:
        client.send(get(b"/echo") + get(b"/large?70000") + get(b"/large?16384") + get(b"/pieces?300000") + get(b"/large?5000000")
                    + get(b"/mark"))
        assert client.read().body == b""
        for length in (70000, 16384):
            assert client.read().body == (b"abcdefghijklmnopqrstuvwxyz" * (length // 26 + 1))[:length]
        assert client.read().body == b"p" * 300000
        assert len(client.read().body) == 5000000
        assert client.read().body == b"marked"


# --- how it ends ---


@versions
def test_requests_and_the_end_in_one_piece(shared, version):
    """What was sent before the end is answered, also what there was no room for when the end came."""
    with client_of(shared, version) as client:
        tls = client.socket.tls
        tls.write((get(b"/delayed?1") + get(b"/large?200000")) * 60 + get(b"/mark"))
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        client.socket.raw.sendall(client.socket.outgoing.read())
        for _ in range(60):
            assert client.read().body == b"1"
            assert len(client.read().body) == 200000
        assert client.read().body == b"marked"
        assert client.at_end()


@versions
def test_an_end_that_is_not_announced(shared, version):
    with client_of(shared, version) as client:
        client.send(get(b"/offload?50") + get(b"/mark"))
        client.socket.raw.shutdown(socket.SHUT_WR)
        assert client.read().body == b"100" and client.read().body == b"marked"
        assert client.at_end()


def test_idle_clients_are_told_that_it_ends(serve):
    server = serve(idle_timeout_ms=200 * SLOWNESS)
    with server.client() as client:
        assert client.get(b"/echo").status == 200
        assert client.at_end()


@versions
def test_an_answer_that_is_ended_while_it_waits(serve, version):
    """All of it comes: what is encrypted, the rest of that part, and what was written behind it."""
    server = serve(loops=1, drain_ms=int(PATIENCE_SECONDS * 1000))
    body = random.Random(5).randbytes(240000)
    with client_of(server, version) as client:
        client.send(b"POST /mirror HTTP/1.1\r\n" + HOST + b"Content-Length: 50000000\r\n\r\n")
        sender = threading.Thread(target=lambda: [client.send(body) for _ in range(80)])
        sender.start()
        time.sleep(0.5 * SLOWNESS)
        server.terminate()
        time.sleep(0.2 * SLOWNESS)
        received = client.read().body
        sender.join()
    assert received == (body * 80)[:len(received)] and len(body) < len(received) < 80 * len(body)


# --- who does not speak it ---


@pytest.mark.parametrize("method", [b"GET", b"POST", b"HEAD", b"PUT"])
def test_plain_http_is_told_so(serve, method):
    server = serve()
    with raw_connection(server) as raw:
        raw.sendall(method + b" /echo HTTP/1.1\r\n" + HOST + b"\r\n")
        received = read_to_end(raw)
    head, body = received.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"Content-Length: %d\r\n" % len(body) in head and b"https://" in body
    assert server.count()["handshakesFailed"] == 1 and server.count()["requests"] == 2


def test_tls_on_a_plain_port(start):
    if http_wire.WITH_TLS:
        pytest.skip("there is no plain port")
    server = start()
    with pytest.raises(FAILURES):
        server.client(tls={})
    with server.client() as client:
        assert client.get(b"/echo").status == 200


@pytest.mark.parametrize("seed", range(3))
def test_garbage(serve, seed):
    server = serve()
    source = random.Random(seed)
    for _ in range(100):
        with raw_connection(server) as raw:
            try:
                raw.sendall(source.choice([b"", b"\x16\x03\x01", b"\x16\x03\x01\x00\x05", b"\x17\x03\x03\x40\x00", b"\x15\x03\x03\x00\x02"])
                            + source.randbytes(source.randrange(1, 3000)))
                raw.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            assert b"HTTP/1.1 200" not in read_to_end(raw)
    server.wait_until(lambda count: count["open"] == 1)
    assert server.count()["handshakesFailed"] == 100


@versions
@pytest.mark.parametrize("when", ["handshake", "requests"])
def test_bytes_that_were_changed(serve, version, when):
    """Nothing but a connection ends, and no request is made of what was changed."""
    server = serve()
    source = random.Random(when)
    for _ in range(100):
        with raw_connection(server) as raw:
            if when == "handshake":
                raw = Changed(raw, source)
            try:
                client = tls_wire.Socket(raw, tls_wire.context(version))
                with client.lock:
                    client.tls.write(post(b"/mark", b"x" * source.randrange(1, 40000)))
                wire = bytearray(client.outgoing.read())
                wire[source.randrange(len(wire))] ^= 1 << source.randrange(8)
                client.raw.sendall(wire)
                client.raw.shutdown(socket.SHUT_WR)
                while client.recv(1 << 16):
                    pass
            except FAILURES:
                pass
    server.wait_until(lambda count: count["open"] == 1)
    count = server.count()
    assert count["marks"] == 0 and count["handshakesFailed"] >= 90


class Changed:
    """A socket that changes a bit of what is sent first or second."""

    def __init__(self, raw, source):
        self.raw, self.source, self.left = raw, source, source.choice([1, 1, 2])

    def __getattr__(self, name):
        return getattr(self.raw, name)

    def sendall(self, data):
        self.left -= 1
        if self.left == 0 and data:
            changed = bytearray(data)
            changed[self.source.randrange(len(changed))] ^= 1 << self.source.randrange(8)
            data = bytes(changed)
        self.raw.sendall(data)


def hello_of(version):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = tls_wire.context(version).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@versions
def test_a_handshake_that_breaks_off_anywhere(serve, version):
    server = serve()
    hello = hello_of(version)
    for at in range(1, len(hello), 7):
        with raw_connection(server) as raw:
            raw.sendall(hello[:at])
            if at % 2:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.wait_until(lambda count: count["open"] == 1)
    assert server.count()["handshakesFailed"] >= len(range(1, len(hello), 7)) // 2  # a reset tells nothing


# --- time and room ---


@versions
@pytest.mark.parametrize("sent", ["a part of its beginning", "its beginning"])
def test_a_handshake_that_stalls(serve, version, sent):
    server = serve(header_timeout_ms=500 * SLOWNESS, idle_timeout_ms=60000)
    hello = hello_of(version)
    with raw_connection(server) as raw:
        began = time.monotonic()
        raw.sendall(hello[:100] if sent.startswith("a part") else hello)
        read_to_end(raw)
        assert 0.4 * SLOWNESS <= time.monotonic() - began < 3 * SLOWNESS
    assert server.count()["handshakesFailed"] == 1


def test_a_handshake_that_trickles(serve):
    """The time is a total: a byte now and then does not prolong it."""
    server = serve(header_timeout_ms=500 * SLOWNESS, idle_timeout_ms=60000)
    hello = hello_of(VERSIONS[1])
    with raw_connection(server) as raw:
        began = time.monotonic()
        with pytest.raises(OSError):
            for byte in hello:
                raw.sendall(bytes([byte]))
                time.sleep(0.05 * SLOWNESS)
        assert time.monotonic() - began < 3 * SLOWNESS


def test_a_client_that_says_nothing(serve):
    server = serve(header_timeout_ms=60000, idle_timeout_ms=300 * SLOWNESS)
    with raw_connection(server) as raw:
        began = time.monotonic()
        assert read_to_end(raw) == b""
        assert time.monotonic() - began >= 0.2 * SLOWNESS


def test_records_that_never_become_whole_do_not_keep_a_connection(serve):
    server = serve(header_timeout_ms=60000, idle_timeout_ms=400 * SLOWNESS)
    with server.client() as client:
        client.socket.tls.write(get(b"/echo"))
        wire = client.socket.outgoing.read()
        began = time.monotonic()
        with pytest.raises(OSError):
            for at in range(len(wire) - 1):
                client.socket.raw.sendall(wire[at:at + 1])
                time.sleep(0.05 * SLOWNESS)
        assert time.monotonic() - began < 4 * SLOWNESS


def test_the_cap_of_connections(serve):
    server = serve(connections_max=5)
    clients = [server.client() for _ in range(5)]
    assert all(client.get(b"/echo").status == 200 for client in clients)
    with server.client() as one_more:
        http_wire.is_problem(one_more.read(), 503)
        assert one_more.at_end()
    clients.pop().close()
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        with server.client() as client:
            try:
                client.send_what_goes(get(b"/echo"))
                if client.read().status == 200:
                    break
            except FAILURES:
                pass
        assert time.monotonic() < ends
        time.sleep(0.01)
    for client in clients:
        client.close()


def resident_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(row.split()[1]) for row in status if row.startswith("VmRSS"))


def test_idle_connections_are_small(serve):
    server = serve(loops=1)
    with server.client() as client:
        client.ask(post(b"/echo", b"x" * 100000))
    before = resident_kib(server)
    clients = [server.client() for _ in range(300)]
    for client in clients:
        assert len(client.ask(post(b"/echo", b"x" * 20000)).body) == 20000
    each = (resident_kib(server) - before) / 300
    for client in clients:
        client.close()
    if SLOWNESS == 1:  # sanitizers have their own idea of memory
        assert each < 28, f"{each} KiB a connection"


def test_slow_readers_share_the_memory_of_answers(serve):
    """What is encrypted and not taken is at most a record for each, beyond what the bound has room for."""
    server = serve(loops=1, answer_memory_bytes_max=60 << 20)
    clients = [server.client(receive_buffer=4096) for _ in range(200)]
    for client in clients:
        client.send(get(b"/large?200000"))
    server.wait_until(lambda count: count["handled"] >= 200)
    for client in clients:
        assert len(client.read().body) == 200000
        client.close()


# --- another certificate ---


def serial_of(server):
    with server.client(tls={"client_context": any_context()}) as client:
        return client.socket.tls.getpeercert(True)


def any_context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def reload(server):
    server.process.send_signal(signal.SIGHUP)
    return server.process.stdout.readline().decode()


@pytest.fixture
def files(names, tmp_path):
    """Copies that a test may replace."""
    paths = {"cert": tmp_path / "chain.pem", "key": tmp_path / "key.pem"}
    shutil.copy(names.chain, paths["cert"])
    shutil.copy(names.key, paths["key"])
    return paths


def test_reload(start, files, tmp_path):
    server = start(**files)
    other = tls_wire.certificates.Certificates(tmp_path / "other")
    before = serial_of(server)
    with server.client() as old:
        assert old.get(b"/echo").status == 200
        shutil.copy(other.chain, files["cert"])
        shutil.copy(other.key, files["key"])
        assert reload(server).startswith("ok ")
        assert serial_of(server) not in (before, None)
        assert old.get(b"/echo").status == 200
        with server.client(tls={"client_context": tls_wire.context(trusted=other.authority)}) as new:
            assert new.get(b"/echo").status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            server.client()


@pytest.mark.parametrize("broken", ["cert", "key"])
@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n", None],
                         ids=["empty", "damaged", "missing"])
def test_a_reload_that_fails_keeps_what_was_there(start, files, broken, content):
    server = start(**files)
    before = serial_of(server)
    if content is None:
        files[broken].unlink()
    else:
        files[broken].write_bytes(content)
    said = reload(server)
    assert not said.startswith("ok ") and files[broken].name in said
    assert serial_of(server) == before


def test_reloads_while_clients_come(start, files):
    server = start(**files)
    ends = threading.Event()
    failures = []

    def come():
        while not ends.is_set():
            try:
                with server.client() as client:
                    assert client.get(b"/echo").status == 200
            except Exception as failure:
                failures.append(failure)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    said = [reload(server) for _ in range(50)]
    ends.set()
    for thread in threads:
        thread.join()
    assert failures == [] and all(line.startswith("ok ") for line in said)


# --- files that are wrong ---


def refusal(**options):
    with pytest.raises(RuntimeError) as raised:
        http_wire.Server(**options)
    return str(raised.value)


def test_key_of_another_certificate(names, tmp_path):
    other = tls_wire.certificates.Certificates(tmp_path / "other")
    assert "does not belong to the certificate" in refusal(cert=names.chain, key=other.key)


def test_files_that_hold_something_else(names, tmp_path):
    text, secret = tmp_path / "text", tmp_path / "secret"
    text.write_text("nothing\n")
    tls_wire.certificates.openssl("rsa", "-aes128", "-passout", "pass:word", "-in", names.key, "-out", secret)
    assert "holds no certificates in PEM" in refusal(cert=text, key=names.key)
    assert "holds no private key in PEM" in refusal(cert=names.chain, key=text)
    assert "protected by a passphrase" in refusal(cert=names.chain, key=secret)
    assert "No such file" in refusal(cert=tmp_path / "none", key=names.key)
    assert "no regular file" in refusal(cert=tmp_path, key=names.key)


def test_a_key_that_is_too_weak(tmp_path):
    key, certificate = tmp_path / "weak.key", tmp_path / "weak.pem"
    tls_wire.certificates.openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "2", "-subj", "/CN=weak", "-keyout", key,
                                  "-out", certificate)
    assert "is not taken: ee key too small" in refusal(cert=certificate, key=key)
