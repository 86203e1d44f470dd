"""`usertrail tail`: the newest activities of a folder or a server, and what comes, over breaks of the connection and of the server."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time

import pytest

import keys
import pair
import service as services
import terminal
import wire

sys.path.insert(0, str(services.ROOT / "tests" / "servers"))

import certificates  # noqa: E402


class Tail:
    """A `tail -f` whose lines are read while it runs."""

    def __init__(self, *arguments, extra=None):
        self.process = subprocess.Popen([services.BINARY, "tail", "-f", *map(str, arguments)], env=services.environment(extra),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.errors = b""
        self.readers = [threading.Thread(target=self._read_lines), threading.Thread(target=self._read_errors)]
        for reader in self.readers:
            reader.start()

    def _read_lines(self):
        for line in self.process.stdout:
            self.lines.append(line.decode())

    def _read_errors(self):
        with contextlib.suppress(ValueError):
            while piece := os.read(self.process.stderr.fileno(), 4096):
                self.errors += piece

    def ids(self):
        return [json.loads(line)["id"] for line in list(self.lines)]

    def wait_ids(self, wanted):
        wire.wait_until(lambda: self.ids() == wanted, f"{wanted}, not {self.ids()} {self.errors}", 30 * services.PATIENCE, 0.01)

    def wait_said(self, words):
        wire.wait_until(lambda: words in self.errors.decode(), f"{words!r} in {self.errors}", 30 * services.PATIENCE, 0.01)

    def close(self):
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(20)
        self.process.stdout.close()
        self.process.stderr.close()
        assert not services.DEFECT_REPORT.search(self.errors.decode()), self.errors


@pytest.fixture
def tail():
    running = []

    def start(*arguments, **options):
        running.append(Tail(*arguments, **options))
        return running[-1]

    yield start
    for one in running:
        one.close()


def record(service, *ids, user="u", action="a"):
    service.record([{"id": name, "userId": user, "action": action} for name in ids])


@pair.needs_local_store
def test_the_newest_come_last(make_service):
    """Guards tail without -f: as many of the newest as asked for, the oldest of them first, of a folder and of a server."""
    service = make_service().start()
    service.record([{"id": f"n-{number:02}", "userId": f"u{number % 2}", "action": "a", "timestamp": f"2026-01-14T10:00:{number:02}Z"}
                    for number in range(30)])
    service.wait_count(30)
    service.restart()

    def ids(*arguments):
        result = services.run_program("tail", *arguments)
        assert result.returncode == 0 and result.stderr == "", result
        return [json.loads(line)["id"] for line in result.stdout.splitlines()]

    for source in ([service.data], ["--url", service.url]):
        assert ids(*source) == [f"n-{number}" for number in range(20, 30)]
        assert ids(*source, "-n", "3") == ids("--limit=3", *source) == ["n-27", "n-28", "n-29"]
        assert ids(*source, "-n", "2", "--user", "u0") == ["n-26", "n-28"]
        assert len(ids(*source, "-n", "1000")) == 30
    service.stop()


@pair.needs_local_log
def test_the_server_of_a_folder_is_followed(make_service, tail):
    """Guards the address in the lock of a folder: its server is the one that is followed."""
    service = make_service().start()
    one = tail(service.data, "-n", "0")
    time.sleep(0.5)  # until it is connected
    record(service, "new-1", "new-2")
    one.wait_ids(["new-1", "new-2"])
    service.stop()


@pair.needs_log_that_keeps
def test_what_comes_is_followed(make_service, tail):
    """Guards tail -f: the newest first, then each that comes, once and in order; filters hold."""
    service = make_service().start()
    record(service, "old-1", "old-2", "old-3")
    service.wait_count(3)
    all_of_it = tail("--url", service.url, "-n", "2")
    filtered = tail("--url", f"{service.url}/", "--user", "v", "--action", "b", "-n", "0")
    all_of_it.wait_ids(["old-2", "old-3"])
    time.sleep(0.5)  # until the others are connected, too
    record(service, "new-1", "new-2")
    record(service, "new-3", user="v", action="b")
    all_of_it.wait_ids(["old-2", "old-3", "new-1", "new-2", "new-3"])
    filtered.wait_ids(["new-3"])
    for one in (all_of_it, filtered):
        assert one.errors == b"" and one.process.poll() is None
    service.stop()


@pair.needs_kept_log
def test_a_server_that_goes_and_comes(make_service, tail):
    """Guards the place in the stream: what was recorded while the server restarted, or was killed, is printed once it is back, each
    once, and stderr says what happened."""
    port = services.free_port()
    service = make_service("--listen", f"127.0.0.1:{port}").start()
    record(service, "r-0")
    service.wait_count(1)
    one = tail("--url", service.url)
    one.wait_ids(["r-0"])
    wanted = ["r-0"]
    for turn, end in enumerate((service.stop, service.kill, service.stop)):
        record(service, f"r-{turn}-a")
        wanted.append(f"r-{turn}-a")
        one.wait_ids(wanted)
        end()
        one.wait_said("trying again")
        service.start()
        record(service, f"r-{turn}-b", f"r-{turn}-c")
        wanted += [f"r-{turn}-b", f"r-{turn}-c"]
        one.wait_ids(wanted)
        one.wait_said("connected again")
    assert b"gap" not in one.errors
    assert one.errors.count(b"connected again") == 3
    service.stop()


@pair.needs_local_log
def test_gaps_are_told(make_service, tail):
    """Guards against taking the rest for everything: a server that was set up anew while tail waited has none of the place, and
    stderr says so; what comes then is printed."""
    port = services.free_port()
    service = make_service("--listen", f"127.0.0.1:{port}").start()
    record(service, "g-1")
    service.wait_count(1)
    one = tail("--url", service.url)
    one.wait_ids(["g-1"])
    record(service, "g-2")
    one.wait_ids(["g-1", "g-2"])
    service.stop()
    other = make_service("--listen", f"127.0.0.1:{port}").start()
    one.wait_said("a gap: ")
    record(other, "g-3")
    one.wait_ids(["g-1", "g-2", "g-3"])
    other.stop()


@pair.needs_log_that_keeps
def test_what_is_there_and_what_comes_meet(make_service, tail):
    """Guards the border between the newest and the stream: while activities come all the time none is printed twice, and behind the
    first of the stream none is missing."""
    service = make_service().start()
    ended = threading.Event()
    sent = []

    def send():
        with service.connect() as connection:
            while not ended.is_set():
                sent.append(f"m-{len(sent):06}")
                connection.post(services.COLLECTION, {"id": sent[-1], "userId": "u", "action": "a"})

    sender = threading.Thread(target=send)
    sender.start()
    try:
        wire.wait_until(lambda: len(sent) > 300, "some activities", 30 * services.PATIENCE)
        followers = [tail("--url", service.url, "-n", "1000") for _ in range(4)]
        count = len(sent) + 500
        wire.wait_until(lambda: len(sent) > count, "more activities", 30 * services.PATIENCE)
    finally:
        ended.set()
        sender.join(30)
    for one in followers:
        wire.wait_until(lambda one=one: sent[-1] in one.ids(), "the last one", 30 * services.PATIENCE, 0.05)
        ids = one.ids()
        assert len(set(ids)) == len(ids)
        assert ids[-500:] == sent[-500:] and one.errors == b""
    service.stop()


@pair.needs_local_log
def test_the_server_must_be_there_at_first(make_service):
    """Guards a mistyped address: nobody waits for it, and the exit code says so."""
    result = services.run_program("tail", "-f", "--url", f"http://127.0.0.1:{services.free_port()}")
    assert result.returncode == 1 and "does not answer" in result.stderr and result.stdout == ""
    service = make_service().start()
    service.stop()
    result = services.run_program("tail", "-f", service.data)
    assert result.returncode == 1 and result.stdout == "", result
    assert services.run_program("tail", "-f", service.home).returncode == 1


def test_keys_and_refusals(make_service, tmp_path, tail):
    """Guards servers with keys: from a file or the environment, and a refusal ends it with words."""
    keyed = keys.Keyed(make_service, tmp_path)
    service = keyed.service
    keyed.record({"id": "k-1", "userId": "u", "action": "a"})
    keyed.wait_settled()
    path = tmp_path / "key"
    path.write_text(keyed.keys["read"] + "\n")
    path.chmod(0o600)
    tail("--url", service.url, "--key-file", path).wait_ids(["k-1"])
    tail("--url", service.url, extra={"USERTRAIL_KEY": keyed.keys["read"]}).wait_ids(["k-1"])
    for arguments, extra, code, words in (
            ([], None, 1, "401"), ([], {"USERTRAIL_KEY": keyed.keys["write"]}, 1, "403"), ([], {"USERTRAIL_KEY": "wrong"}, 1, "401"),
            (["--key-file", tmp_path / "absent"], None, 2, "absent"), ([], {"USERTRAIL_KEY": "a\nb"}, 2, "USERTRAIL_KEY")):
        for follow in ([], ["-f"]):
            result = services.run_program("tail", *follow, "--url", service.url, *arguments, extra=extra)
            assert result.returncode == code and words in result.stderr and result.stdout == "", result
    path.chmod(0o644)
    assert services.run_program("tail", "--url", service.url, "--key-file", path).returncode == 2
    assert "USERTRAIL_KEY" not in services.run_program("check-config", extra={"USERTRAIL_KEY": "x"}).stderr


@pair.needs_kept_log
def test_over_tls(make_service, tmp_path, tail):
    """Guards whose word counts: on this machine's own addresses anybody's, unless --cacert asks for proof; and that a connection
    over TLS which breaks is taken up again and ends nothing."""
    made = certificates.Certificates(tmp_path / "names")
    port = services.free_port()
    service = make_service("--tls-cert-file", made.chain, "--tls-key-file", made.key, "--listen", f"127.0.0.1:{port}",
                           tls=ssl.create_default_context(cafile=made.authority)).start()
    record(service, "s-1")
    service.wait_count(1)
    for arguments, code in ((["--cacert", made.authority], 0), ([], 0), (["--cacert", made.stranger], 1), (["--cacert", tmp_path / "absent"], 2)):
        for command in (["query"], ["tail"], ["export"], ["stats", "--by", "user"], ["refused", "list"], ["health"]):
            result = services.run_program(*command, "--url", service.url, *arguments)
            assert result.returncode == code, (command, arguments, result)
            assert ("certificate" in result.stderr) == (code == 1), result
    assert "certificate" in services.run_program("query", "--url", f"https://trail.localhost:{port}").stderr
    one = tail("--url", service.url, "--cacert", made.authority)
    one.wait_ids(["s-1"])
    for name in ("s-2", "s-3"):
        service.kill()
        one.wait_said("trying again")
        service.start()
        record(service, name)
    one.wait_ids(["s-1", "s-2", "s-3"])
    service.stop()


def test_who_reads_goes_away(make_service):
    """Guards pipelines: tail ends without a word soon after its reader did, also while nothing comes."""
    service = make_service().start()
    process = subprocess.Popen([services.BINARY, "tail", "-f", "--url", service.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=services.environment())
    time.sleep(0.5)
    assert process.poll() is None
    process.stdout.close()
    assert process.wait(10 * services.PATIENCE) == 0 and process.stderr.read() == b""
    process.stderr.close()
    process = subprocess.Popen([services.BINARY, "tail", "-f", "--url", service.url], stdout=subprocess.DEVNULL, env=services.environment())
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(10 * services.PATIENCE) == -signal.SIGINT
    service.stop()


def test_a_terminal_shows_a_table(make_service):
    """Guards tail -f for people: a table that fits, rows as they come, nothing that a terminal obeys, Ctrl-C ends it."""
    service = make_service().start()
    record(service, "t-1", user="first")
    service.wait_count(1)
    with terminal.Terminal("tail", "-f", "--url", service.url, columns=70) as shown:
        shown.read_until("first")
        service.record({"userId": "second", "action": "look", "metadata": {"text": "\u009b31m\u001b[2J\u202e"}})
        shown.read_until("second")
        text = terminal.expect_nothing_to_obey(shown.text)
        assert text.count("TIME") == 1 and all(terminal.columns_of(line) <= 70 for line in text.splitlines())
        shown.type("\x03")
        assert shown.wait() == -signal.SIGINT
    service.stop()


@pytest.mark.parametrize("arguments, words", [
    (["-f", "--format", "json"], "ndjson"), (["-n", "0"], "--follow"), (["-n", "x"], "--limit"), (["-n", "100001"], "--limit"), (["-n"], "needs a value"),
    (["-f", "-f"], "once only"), (["-x"], "-x"), (["DIR", "DIR"], "one folder"), (["DIR", "--url", "http://127.0.0.1:1"], "not both"),
    (["--from", "2024-01-15T10:00:00Z"], "no option"), (["--url", "localhost"], "no address"), (["-f", "--url", "ftp://127.0.0.1"], "no address"),
    (["--url="], "--url"), (["--cacert", "/absent", "--url", "https://127.0.0.1:1", "-f"], ""),
])
def test_wrong_arguments_are_refused(arguments, words, tmp_path):
    """Guards the exit code that scripts see."""
    result = services.run_program("tail", *[tmp_path if argument == "DIR" else argument for argument in arguments])
    assert result.returncode == (2 if words else 1) or "cacert" in str(arguments), result
    assert result.stdout == "" and words in result.stderr
