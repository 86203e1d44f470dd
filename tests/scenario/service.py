"""Starts, watches and ends the real program: one Service is one process after the other on one data folder.

USERTRAIL_TEST_BINARY names the program, USERTRAIL_TEST_BUILD_DIR the folder of the tools built beside it, and
USERTRAIL_TEST_SANITIZED says that both are several times slower than usual.
"""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pair
import wire

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ.get("USERTRAIL_TEST_BINARY", ROOT / "build" / "usertrail"))
BUILD_FOLDER = Path(os.environ.get("USERTRAIL_TEST_BUILD_DIR", ROOT / "build" / "release"))
LOAD_CLIENT = BUILD_FOLDER / "tests" / "load" / "usertrail-load"
SANITIZED = bool(os.environ.get("USERTRAIL_TEST_SANITIZED"))
PATIENCE = 4 if SANITIZED else 1  # factor for time limits that only say "not for ever"

IDLE_SECONDS_MAX = 30  # the server closes later

READY = re.compile(r"ready on https?://([0-9.]+|\[[0-9a-f:]+\]):([0-9]+)")
DEFECT_REPORT = re.compile(r"ERROR: \w*Sanitizer|runtime error:|WARNING: ThreadSanitizer|broken invariant")
COLLECTION = "/api/v1/activities"


def environment(extra=None):
    """Without settings that the machine happens to have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("USERTRAIL_", "OTEL_"))}
    return {**kept, **(extra or {})}


def run_program(*arguments, extra=None, timeout=20, folder=None):
    """Runs a command of the program to its end."""
    result = subprocess.run([BINARY, *map(str, arguments)], env=environment(extra), timeout=timeout * PATIENCE, cwd=folder,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert not DEFECT_REPORT.search(result.stderr), result.stderr
    return result


def free_port():
    """One that nobody has now; for tests that need the same address twice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """`flags` are for every start. Without --data-dir it has a folder of its own, which close() removes."""

    def __init__(self, *flags, extra=None, file_bytes_max=None, prefix=(), tls=None):
        self.home = Path(tempfile.mkdtemp(prefix="usertrail-scenario-"))
        self.data = self.home / "data"
        self.flags = [str(flag) for flag in flags]
        if not {"--event-log", "--store"} & set(self.flags):
            self.flags = [*pair.flags(), *self.flags]
        self.extra = extra
        self.file_bytes_max = file_bytes_max
        self.prefix = list(prefix)
        self.tls = tls  # the context of its clients
        self.process = None
        self.port = None
        self.starts = 0
        self.connection = None
        self.answered_at = 0.0

    # --- life ---

    def launch(self, *flags):
        """Starts the process and does not wait for it."""
        assert self.process is None, "it runs already"
        self.starts += 1
        command = [*self.prefix, str(BINARY), "serve", "--shutdown-delay", "0ms", *self.flags, *map(str, flags)]
        given = {word.split("=")[0] for word in command} | set(self.extra or {})
        if not {"--listen", "USERTRAIL_LISTEN"} & given:
            command += ["--listen", "127.0.0.1:0"]
        if "--data-dir" not in given:
            command += ["--data-dir", str(self.data)]
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(command, env=environment(self.extra), stdin=subprocess.DEVNULL, cwd=self.home,
                                            stdout=stderr, stderr=stderr, preexec_fn=self._limit)
        return self

    def start(self, *flags, timeout=30.0):
        """Starts and waits until /readyz answers 200."""
        self.launch(*flags)
        self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=30.0):
        ready = wire.wait_until(lambda: READY.search(self.stderr) or self.process.poll() is not None,
                                f"a line that says it is ready in {self.stderr_path}", timeout * PATIENCE, 0.003)
        assert ready is not True, f"ended with {self.process.returncode}: {self.stderr}"
        self.port = int(ready.group(2))
        answer = self.get("/readyz")
        assert answer.status == 200, answer

    def wait_end(self, timeout=20.0):
        """The exit code; the process must end by itself."""
        code = self.process.wait(timeout * PATIENCE)
        self._ended()
        return code

    def stop(self, timeout=20.0):
        """A clean end: SIGTERM, exit code 0, nothing that a sanitizer or an assertion says."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait_end(timeout)
        assert code == 0, f"exit code {code}: {self.stderr}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._ended()

    def restart(self, *flags):
        self.stop()
        return self.start(*flags)

    def close(self):
        """Whatever happened before: no process and no folder is left."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None
        self.forget_connection()
        shutil.rmtree(self.home, ignore_errors=True)

    def _ended(self):
        self.process = None
        self.forget_connection()
        report = DEFECT_REPORT.search(self.stderr)
        assert not report, self.stderr

    def _limit(self):
        if self.file_bytes_max is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes_max, self.file_bytes_max))

    # --- what it says ---

    @property
    def stderr_path(self):
        return self.home / f"stderr-{self.starts}"

    @property
    def stderr(self):
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def count_sockets(self):
        """How many the process has open."""
        count = 0
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(entry).startswith("socket:")
        return count

    def peak_bytes(self):
        """The most memory that the process had resident at once, as the kernel remembers it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) << 10

    def connect(self, timeout=20.0):
        return wire.Connection(self.port, timeout * PATIENCE, tls=self.tls)

    # --- one request after the other over one kept connection ---

    def forget_connection(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(self, method, target, body=None, headers=()):
        """Connects anew when the server closed the connection after the last answer, or may do so since it is idle."""
        if time.monotonic() - self.answered_at > IDLE_SECONDS_MAX:
            self.forget_connection()
        if self.connection is None:
            self.connection = self.connect()
        try:
            answer = self.connection.request(method, target, body, headers)
        except (wire.Closed, OSError):
            self.forget_connection()
            raise
        if (answer.header("connection") or "").lower() == "close":
            self.forget_connection()
        self.answered_at = time.monotonic()
        return answer

    def get(self, target, headers=()):
        return self.request("GET", target, headers=headers)

    def post(self, body, headers=(), target=COLLECTION):
        return self.request("POST", target, body, headers)

    # --- what tests mostly want ---

    def record(self, body):
        """Posts what must be accepted; returns the answer's document."""
        answer = self.post(body)
        assert answer.status == 202, answer
        return answer.json

    def wait_stored(self, activity_id, timeout=20.0):
        """A 202 says durable, not yet queryable."""
        return wire.wait_until(lambda: self._row(activity_id), f"{activity_id} can be read", timeout * PATIENCE, 0.002)

    def _row(self, activity_id):
        answer = self.get(f"{COLLECTION}/{activity_id}")
        return answer.json if answer.status == 200 else None

    def read_own(self, target, receipt, timeout=60.0):
        """What a client does that was told 503 not-yet-stored: it asks again. A group of workers that lets a new one in takes
        longer than one question waits."""
        sign = "&" if "?" in target else "?"
        return wire.wait_until(lambda: (answer := self.get(f"{target}{sign}after={receipt}")).status != 503 and answer,
                               "what the receipt names is stored", timeout * PATIENCE)

    def wait_count(self, count, query="", timeout=30.0):
        """Waits until a walk finds as many activities, and returns them."""
        rows = wire.wait_until(lambda: len(found := self.walk(query)) >= count and found, f"{count} activities of {query!r}",
                               timeout * PATIENCE, 0.02)
        assert len(rows) == count, f"{len(rows)} activities of {query!r}, not {count}"
        return rows

    def wait_settled(self, timeout=30.0):
        """Until the store holds whatever was acknowledged before."""
        wire.wait_until(lambda: self.get("/health").json["worker"]["pending"] == 0, "nothing pending", timeout * PATIENCE, 0.003)

    def walk(self, query="", limit=1000):
        """All matching activities over cursors."""
        rows = []
        for page in self.pages(query, limit):
            rows += page["data"]
        return rows

    def pages(self, query="", limit=1000):
        cursor = ""
        while True:
            answer = self.get(f"{COLLECTION}?limit={limit}{query}{cursor}")
            assert answer.status == 200, answer
            page = answer.json
            assert page["results"] == len(page["data"]) <= limit
            yield page
            if page["nextCursor"] is None:
                return
            following = f"&cursor={page['nextCursor']}"
            assert following != cursor, "a walk that does not get on"
            cursor = following

    def segments(self):
        """The files of the local event log that hold activities, oldest first."""
        return sorted((self.data / "log").glob("*.segment"))


@contextlib.contextmanager
def running(*flags, **options):
    """A service that is ready, ends cleanly when the block does, and leaves nothing behind."""
    service = Service(*flags, **options)
    try:
        service.start()
        yield service
        if service.process is not None:
            service.stop()
    finally:
        service.close()


@contextlib.contextmanager
def running_with_parts(batches):
    """A service that has recorded the batches, which are its `rows`: a part for each but the last, which is in memory, where the
    pair keeps what a restart finds."""
    with running() as service:
        service.rows = []
        for batch in batches:
            if service.rows and pair.keeps_stored("stop"):
                service.restart()
            service.record(batch)
            service.rows += batch
            if not pair.LOG_SURVIVES:
                service.wait_settled()
        service.wait_count(len(service.rows))
        yield service


def load(command, service, *arguments, timeout=120):
    """Runs usertrail-load to its end; returns (exit code, figures)."""
    result = subprocess.run([LOAD_CLIENT, command, "--url", service.url, "--json", "-", *map(str, arguments)], text=True,
                            timeout=timeout * PATIENCE, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert result.stdout.startswith("{"), f"exit code {result.returncode}: {result.stdout}{result.stderr}"
    return result.returncode, json.loads(result.stdout)


def start_load(service, ledger, *arguments):
    """The load client in the background; end it with finish_load."""
    command = [LOAD_CLIENT, "run", "--url", service.url, "--json", "-", "--ledger", ledger, *arguments]
    return subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def finish_load(process, timeout=60):
    """The figures of a load client that ends by itself."""
    try:
        output, errors = process.communicate(timeout=timeout * PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert output.startswith("{"), f"exit code {process.returncode}: {output}{errors}"
    return json.loads(output)


def check_ledger_over_a_kill(service, ledger):
    """What the ledger says is in the service, and is there again after a kill."""
    for again in (True, False):
        code, verdict = load("check", service, "--ledger", ledger)
        assert code == 0, verdict
        if again:
            service.kill()
            service.start()


def sleep_until(deadline):
    """`deadline` of the monotonic clock."""
    time.sleep(max(0.0, deadline - time.monotonic()))
