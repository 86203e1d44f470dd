"""Flags, environment and file; what is refused before anything is touched; help and version."""

import json
import re
import socket

import pytest

import expect
import service as services

FINE, FAILED, USAGE = 0, 1, 2


def refused(*arguments, extra=None, folder=None):
    """The message of a start that is refused for its settings."""
    result = services.run_program("serve", *arguments, extra=extra, folder=folder)
    assert result.returncode == USAGE, result
    assert result.stdout == "" and result.stderr.startswith("usertrail: "), result
    return result.stderr


@pytest.mark.parametrize("arguments, words", [
    (["--lissten", "127.0.0.1:0"], "--lissten"),
    (["--unknown"], "--unknown"),
    (["--listen"], "--listen"),
    (["something"], "something"),
    (["-v"], "-v"),
    (["--threads", "many"], "--threads"),
    (["--threads", "-1"], "--threads"),
    (["--threads", "257"], "256"),
    (["--threads="], "--threads"),
    (["--log-bytes", "8GB"], "--log-bytes"),
    (["--log-bytes", "99999999999999TiB"], "--log-bytes"),
    (["--log-bytes", "1KiB"], "--log-bytes"),
    (["--retention-days", "-1"], "--retention-days"),
    (["--retention-days", "30d"], "--retention-days"),
    (["--retention-days", "36501"], "36500"),
    (["--retention-bytes", "20"], "at least 1MiB"),
    (["--retention-bytes", "1048575"], "at least 1MiB"),
    (["--retention-bytes", "20GB"], "--retention-bytes"),
    (["--idle-timeout", "10"], "--idle-timeout"),
    (["--idle-timeout", "1d"], "--idle-timeout"),
    (["--role", "boss"], "all, api, worker"),
    (["--event-log", "disk"], "local, kafka, memory"),
    (["--store", ""], "local, mongodb, memory"),
    (["--data-dir", ""], "--data-dir"),
    (["--allow-anonymous=yes"], "--allow-anonymous"),
    (["--listen", "3000"], "127.0.0.1:3000"),
    (["--listen", "example.org:3000"], "--listen"),
    (["--listen", "127.0.0.1:70000"], "--listen"),
    (["--listen", "127.0.0.1:"], "--listen"),
    (["--listen", "::1:3000"], "--listen"),
    (["--listen", "127.0.0.1:3000x"], "--listen"),
    (["--config", "/nowhere/usertrail.conf"], "/nowhere/usertrail.conf"),
    (["--config"], "--config"),
])
def test_wrong_flags(arguments, words, tmp_path):
    """Guards against starting with something else than was meant: exit code 2 and a message that names it."""
    assert words in refused(*arguments, folder=tmp_path)
    assert list(tmp_path.iterdir()) == [], "nothing is touched"


@pytest.mark.parametrize("arguments, words", [
    (["--role", "api"], "--role api"),
    (["--role", "worker"], "--role worker"),
    (["--role", "api", "--event-log", "kafka"], "--store mongodb"),
    (["--role", "worker", "--store", "mongodb"], "--event-log kafka"),
])
def test_roles_need_what_they_can_share(arguments, words, tmp_path):
    """Guards against processes that never see each other's activities: it says what there is instead."""
    message = refused(*arguments, folder=tmp_path)
    assert words in message and "use" in message
    assert list(tmp_path.iterdir()) == []


KAFKA = ["--event-log", "kafka", "--kafka-brokers", "127.0.0.1:1", "--connect-timeout", "60s"]
MONGODB = ["--store", "mongodb", "--connect-timeout", "60s"]


@pytest.mark.parametrize("arguments, words", [
    ([*KAFKA, "--kafka.no.such.thing", "1"], "no.such.thing"),
    ([*KAFKA, "--kafka.linger.ms", "soon"], "linger.ms"),
    ([*KAFKA, "--kafka.acks", "1"], "acks is not to be set"),
    ([*KAFKA, "--kafka.delivery.report.only.error", "true"], "delivery.report.only.error is not to be set"),
    ([*KAFKA, "--kafka.security.protocol", "sasl_ssl", "--kafka.sasl.mechanism", "PLAIN", "--kafka.sasl.password", "hidden-word"],
     "sasl.username and sasl.password must be set"),
    ([*KAFKA, "--kafka.security.protocol", "ssl", "--kafka.ssl.ca.location", "/nowhere/ca.pem"], "ssl.ca.location"),
    ([*KAFKA, "--kafka.max.poll.interval.ms", "100"], "max.poll.interval.ms"),
    ([*KAFKA, *MONGODB, "--kafka.session.timeout.ms", "1"], "session.timeout.ms (1) must be larger than heartbeat.interval.ms (3000)"),
    ([*KAFKA, *MONGODB, "--kafka.heartbeat.interval.ms", "10000"], "larger than heartbeat.interval.ms (10000)"),
    ([*KAFKA, "--kafka.queue.buffering.max.messages", "1"], "queue.buffering.max.messages must be at least 100000"),
    ([*KAFKA, "--kafka.queue.buffering.max.kbytes", "65535"], "queue.buffering.max.kbytes must be at least 65536"),
    ([*MONGODB, "--mongodb-uri", "localhost:27017"], "mongodb://host:port/database"),
    ([*MONGODB, "--mongodb-uri", "mongodb://user:hidden-word%@localhost/db"], "mongodb://host:port/database"),
])
def test_what_the_clients_of_kafka_and_mongodb_refuse(arguments, words, tmp_path):
    """Guards against learning of a wrong property only once the servers answer: serve and check-config say the same, at once,
    and repeat no password."""
    message = refused(*arguments, "--data-dir", tmp_path / "data", "--listen", "127.0.0.1:0", folder=tmp_path)
    assert words in message and "hidden-word" not in message
    checked = services.run_program("check-config", *arguments)
    assert checked.returncode == USAGE and checked.stderr == message
    assert list(tmp_path.iterdir()) == [], "nothing is touched"


@pytest.mark.parametrize("arguments", [
    KAFKA,
    [*KAFKA, "--kafka.session.timeout.ms", "1"],  # nobody joins a group
    [*KAFKA, *MONGODB, "--role", "api", "--kafka.session.timeout.ms", "1"],
    [*KAFKA, *MONGODB, "--kafka.session.timeout.ms", "3001", "--kafka.queue.buffering.max.messages", "0"],
    [*KAFKA, *MONGODB, "--role", "worker", "--kafka.queue.buffering.max.messages", "1"],  # nobody sends through it
    [*KAFKA, "--kafka.queue.buffering.max.messages", "100000", "--kafka.queue.buffering.max.kbytes", "65536"],
    [*KAFKA, "--kafka.security.protocol", "sasl_ssl", "--kafka.sasl.mechanism", "SCRAM-SHA-256", "--kafka.sasl.username", "u",
     "--kafka.sasl.password", "p", "--kafka.compression.codec", "gzip"],
    [*MONGODB, "--mongodb-uri", "mongodb://user:p%40ss@localhost:27017,other:27017/db?replicaSet=rs0&tls=true"],
    [*MONGODB, "--mongodb-uri", "mongodb+srv://user:pass@cluster.example.invalid/db"],
])
def test_what_they_take(arguments):
    """Guards the judge of the test above, and that nobody is asked: neither of these servers exists."""
    result = services.run_program("check-config", *arguments)
    assert result.returncode == FINE, result


def test_servers_that_are_away(tmp_path):
    """Guards the exit codes: servers that do not answer are no wrong configuration, and are told within the time to connect,
    without the password of their URI."""
    away = {"--event-log": ("kafka", "--kafka-brokers", "127.0.0.1:1"),
            "--store": ("mongodb", "--mongodb-uri", "mongodb://user:hidden-word@127.0.0.1:1/db?serverSelectionTimeoutMS=500")}
    unresolved = ("mongodb", "--mongodb-uri", "mongodb+srv://user:hidden-word@cluster.example.invalid/db")
    for flag, words, expected in (("--event-log", away["--event-log"], "no Kafka broker answered"),
                                  ("--store", away["--store"], "look at mongodb-uri: MongoDB"),
                                  ("--store", unresolved, "cannot be resolved")):
        result = services.run_program("serve", flag, *words, "--connect-timeout", "1s", "--data-dir", tmp_path / "data",
                                      "--listen", "127.0.0.1:0", timeout=15)
        assert result.returncode == FAILED and expected in result.stderr, result
        assert "hidden-word" not in result.stderr
        assert ("the start waits for it" in result.stderr) == (flag == "--store")


KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""


@pytest.mark.parametrize("text, mode, flags, words", [
    (None, None, [], "No such file"),
    (KEY, 0o644, [], "chmod 600"),
    ("no key\n", 0o600, [], "no private key in PEM"),
    (KEY.replace("VwBCIE", "VuBCIE"), 0o600, [], "not Ed25519"),
    (KEY, 0o600, ["--checkpoint-name", "two words"], "name in checkpoints"),
])
def test_keys_that_will_not_do(text, mode, flags, words, tmp_path):
    """Guards against a service that runs for months and signs nothing: a key that will not do is told at the start."""
    file = tmp_path / "key.pem"
    if text is not None:
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
    assert words in refused("--checkpoint-key-file", file, *flags, folder=tmp_path)
    assert services.run_program("check-config", "--checkpoint-key-file", file, *flags).returncode == USAGE
    assert not (tmp_path / "data").exists()


def test_key_that_will_do(make_service, tmp_path):
    """Guards the judge of the test above."""
    file = tmp_path / "key.pem"
    file.write_text(KEY, encoding="utf-8")
    file.chmod(0o600)
    flags = ["--checkpoint-key-file", file, "--checkpoint-name", "example.com/trail"]
    for store in ("local", "memory", "mongodb"):
        assert services.run_program("check-config", *flags, "--store", store).returncode == FINE
    service = make_service(*flags).start()
    assert service.post({"userId": "u", "action": "a"}).status == 202
    service.stop()


@pytest.mark.parametrize("address", ["0.0.0.0:3000", "[::]:3000", "192.0.2.1:3000", "[2001:db8::1]:3000", "126.255.255.255:1"])
def test_other_machines_are_kept_out(address, tmp_path):
    """Guards the data: an address that others can reach needs an explicit word while there is no API key."""
    assert "--allow-anonymous" in refused("--listen", address, folder=tmp_path)
    for arguments in (["--allow-anonymous"], ["--allow-anonymous=true"]):
        result = services.run_program("check-config", "--listen", address, *arguments)
        assert result.returncode == FINE, result
    assert services.run_program("check-config", "--listen", address, "--allow-anonymous=false").returncode == USAGE


@pytest.mark.parametrize("address", ["127.0.0.1:3000", "127.255.255.254:3000", "[::1]:3000", "localhost:3000"])
def test_loopback_needs_no_word(address):
    """Guards the judge of the test above, and the spellings of this machine."""
    assert services.run_program("check-config", "--listen", address).returncode == FINE


def action_length_of(service):
    """The setting as the service applies it: how long an action may be."""
    for length in range(1, 300):
        if service.post({"userId": "u", "action": "a" * (length + 1)}).status == 400:
            return length
    return None


def test_flag_over_environment_over_file(make_service, tmp_path):
    """Guards the order of the three sources, and each way to name the file."""
    file = tmp_path / "usertrail.conf"
    file.write_text("# a comment\n\n  action-length = 3 \r\nuser-id-length=30\n", encoding="utf-8")
    for flags, variables, wanted in (
            ([], {}, 256), (["--config", file], {}, 3), ([f"--config={file}"], {}, 3), ([], {"USERTRAIL_CONFIG": str(file)}, 3),
            (["--config", file], {"USERTRAIL_ACTION_LENGTH": "4"}, 4), ([], {"USERTRAIL_ACTION_LENGTH": "4"}, 4),
            (["--config", file, "--action-length", "5"], {"USERTRAIL_ACTION_LENGTH": "4"}, 5),
            (["--action-length=5"], {"USERTRAIL_CONFIG": "/nowhere", "USERTRAIL_ACTION_LENGTH": "4"}, None),
            (["--action-length=5", "--action-length=6", "--config", file], {"USERTRAIL_CONFIG": "/nowhere"}, 6)):
        if wanted is None:
            refused(*flags, extra=variables, folder=tmp_path)
            continue
        service = make_service(*flags, extra=variables).start()
        if wanted == 256:
            assert service.post({"userId": "u", "action": "a" * 256}).status == 202
        else:
            assert action_length_of(service) == wanted
        service.stop()


@pytest.mark.parametrize("text, words", [
    ("lissten = 127.0.0.1:0\n", "1: there is no setting"),
    ("# fine\naction-length\n", "2: "),
    ("action-length = long\n", "1"),
    ("action-length = 0\n", "1 to 1024"),
    ("[section]\n", "1: "),
    ("action-length = 3\n\naction-length = 4\n", '3: "action-length" is set a second time'),
    ("action-length = 3" + " " * 5000 + "\n", "longer"),
])
def test_wrong_files(text, words, tmp_path):
    """Guards against a misspelt key that is silently ignored: the message names file and line."""
    file = tmp_path / "usertrail.conf"
    file.write_text(text, encoding="utf-8")
    message = refused("--config", file, folder=tmp_path)
    assert words in message and "usertrail.conf" in message


def test_variables(make_service):
    """Guards both sides of the environment: a wrong value is refused, a name that is no setting is only warned about, since
    orchestrators inject such."""
    assert "USERTRAIL_THREADS" in refused(extra={"USERTRAIL_THREADS": "lots"})
    service = make_service(extra={"USERTRAIL_SERVICE_HOST": "10.0.0.1", "USERTRAIL_TEST_SOMETHING": "1"}).start()
    assert "USERTRAIL_SERVICE_HOST" in service.stderr and "ignored" in service.stderr
    assert "USERTRAIL_TEST_SOMETHING" not in service.stderr
    service.stop()


def test_help_lists_every_setting():
    """Guards the help: every key with its default, in each way to ask for it."""
    texts = [services.run_program(*arguments) for arguments in (["serve", "--help"], ["help", "serve"], ["serve", "-h"],
                                                              ["serve", "--threads", "1", "--help"])]
    assert len({(result.returncode, result.stdout, result.stderr) for result in texts}) == 1
    assert texts[0].returncode == FINE and texts[0].stderr == ""
    keys = set(re.findall(r"^\s+--([a-z-]+)", texts[0].stdout, re.MULTILINE))
    reference = services.run_program("configuration")
    assert reference.returncode == FINE
    documented = set(re.findall(r"`(?:--)?([a-z]+(?:-[a-z]+)*)`", reference.stdout))
    assert {"listen", "data-dir", "role", "event-log", "store", "threads", "log-bytes", "idle-timeout"} <= keys
    assert keys - {"config", "help"} <= documented
    for key in keys - {"config", "help"}:
        assert ("" if key.startswith("otel-") else "USERTRAIL_") + key.upper().replace("-", "_") in texts[0].stdout + reference.stdout


@pytest.mark.parametrize("arguments, code", [(["--help"], FINE), (["help"], FINE), (["-h"], FINE), ([], USAGE),
                                             (["nothing"], USAGE), (["help", "nothing"], USAGE), (["--nothing"], USAGE)])
def test_the_program_without_a_command(arguments, code):
    """Guards the first thing that somebody types: it lists the commands, or says that there is no such."""
    result = services.run_program(*arguments)
    assert result.returncode == code
    assert "help" in result.stdout + result.stderr
    assert (result.stdout == "") == (code == USAGE)


def test_version():
    """Guards both ways to ask for the version."""
    result = services.run_program("version")
    assert result.returncode == FINE and re.fullmatch(r"usertrail \d+\.\d+\.\d+ \(.+\)\n", result.stdout)
    assert services.run_program("--version").stdout == result.stdout


def test_the_version_is_the_one_that_runs(shared):
    """Guards the health page: it names the version of the program."""
    assert shared.get("/health").json["version"] in services.run_program("version").stdout


def test_a_wrong_folder(tmp_path):
    """Guards a data folder that cannot be one: exit code 1 and a message that names it."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    result = services.run_program("serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "file" / "data")
    assert result.returncode == FAILED and str(tmp_path / "file")[-40:] in result.stderr  # the end of a long one is shown


def test_ipv6(make_service):
    """Guards the other family of addresses: the ready line and the socket agree."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    service = make_service("--listen", "[::1]:0").launch()
    ready = services.wire.wait_until(lambda: services.READY.search(service.stderr), "it says it is ready", 30)
    assert ready.group(1) == "[::1]"
    with services.wire.Connection(int(ready.group(2)), host="::1") as connection:
        connection.send(b"GET /readyz HTTP/1.1\r\nHost: [::1]\r\n\r\n")
        assert connection.read_answer().status == 200
    service.stop()


@pytest.mark.parametrize("form", ["json", "text", "auto"])
def test_lines_on_stderr(make_service, form):
    """Guards what collects the program's lines: away from a terminal each is one JSON object, unless text is asked for."""
    service = make_service("--log-format", form).start()
    service.stop()
    lines = service.stderr.splitlines()
    assert any("ready on http://127.0.0.1:" in line for line in lines)
    for line in lines:
        if form == "text":
            assert re.match(r"[0-9T:.-]+Z (debug|info|warning|error) ", line), line
        else:
            entry = json.loads(line)
            assert list(entry)[:3] == ["time", "level", "message"], line


def test_the_level_of_lines(make_service):
    """Guards the setting that makes it quieter, and the one line that whoever starts it waits for."""
    service = make_service("--log-level", "error").start()
    service.stop()
    line, = service.stderr.splitlines()
    assert "ready on http://127.0.0.1:" in line


def test_tracing_changes_no_answer(make_service):
    """Guards the tracing decorators of both ports: the same answers, and lines that tell each call."""
    service = make_service("--trace-ports", "--log-level", "debug").start()
    row = service.wait_stored(expect.accepted_one(service.post({"userId": "u", "action": "a"})))
    assert service.walk() == [row]
    service.stop()
    assert any(json.loads(line)["level"] == "debug" for line in service.stderr.splitlines())
