"""Starts the servers that are compared, tells what they cost, and drives them with the load client."""

import contextlib
import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 20
CAUGHT_UP_SECONDS = 120
LOAD_SECONDS_MAX = 600

_libc = ctypes.CDLL(None)


class BenchError(Exception):
    """The measurement cannot go on; the text says why and what to do."""


def find_tools():
    """Paths by name. `make bench` names the folders in the environment; otherwise the release build's are used."""
    build = Path(os.environ.get("USERTRAIL_TEST_BUILD_DIR", ROOT / "build/release"))
    tools = {
        "program": Path(os.environ.get("USERTRAIL_TEST_BINARY", ROOT / "build/usertrail")),
        "load": build / "tests/load/usertrail-load",
        "epoll": build / "bench/bench_epoll_server",
        "probe": build / "bench/bench_fdatasync_probe",
        "producer": build / "bench/bench_raw_producer",
        "bulk": build / "bench/bench_raw_bulk",
        "build": build,
    }
    for path in tools.values():
        if not path.exists():
            raise BenchError(f"{path} is not there; build it first: tools/build release")
    return tools


def cpu_seconds(process):
    """User and system time of the whole process so far, by the process's own clock: /proc tells it in steps of 10 ms."""
    clock = ctypes.c_int()
    if _libc.clock_getcpuclockid(process.pid, ctypes.byref(clock)) != 0:
        raise BenchError(f"process {process.pid} has no clock; it has probably ended")
    return time.clock_gettime(clock.value)


class Server:
    """A running server process. `port` is where it listens on 127.0.0.1."""

    def __init__(self, process, port, secure=False, headers=None):
        self.process = process
        self.port = port
        self.secure = secure  # it speaks TLS; nobody here looks at its certificate
        self.headers = headers or {}  # of every request, also of the load client

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self):
        return cpu_seconds(self.process)

    def peak_bytes(self):
        """The greatest resident size so far."""
        return self._memory_bytes("VmHWM")

    def resident_bytes(self):
        return self._memory_bytes("VmRSS")

    def _memory_bytes(self, name):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise BenchError(f"the server's /proc/PID/status has no {name}")

    def request(self, method, path, body=None):
        """Returns (status, body as bytes, length of the whole answer)."""
        connection = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=ssl._create_unverified_context())
                      if self.secure else http.client.HTTPConnection("127.0.0.1", self.port, timeout=30))
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, {**headers, **self.headers})
            answer = connection.getresponse()
            text = answer.read()
            head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
            return answer.status, text, len(f"HTTP/1.1 {answer.status} {answer.reason}") + 4 + head + len(text)
        finally:
            connection.close()

    def wait_until_caught_up(self):
        """Posts one activity more and waits until it can be read: the log keeps the order, so all before it are stored."""
        name = f"bench-{time.monotonic_ns()}"
        status, text, _ = self.request("POST", "/api/v1/activities", json.dumps({"userId": name, "action": "END"}))
        if status != 202:
            raise BenchError(f"the service answered {status} to the closing activity: {text[:200]!r}")
        deadline = time.monotonic() + CAUGHT_UP_SECONDS
        while time.monotonic() < deadline:
            status, text, _ = self.request("GET", f"/api/v1/activities?userId={name}")
            if status == 200 and json.loads(text)["results"] == 1:
                return
            time.sleep(0.02)
        raise BenchError(f"the worker did not catch up within {CAUGHT_UP_SECONDS} s")

    def load(self, tools, *arguments, server_ids=True, complete=True):
        """Runs the load client against this server; returns its figures. `complete`: all must be acknowledged."""
        result = subprocess.run(self.load_command(tools, *arguments, server_ids=server_ids), capture_output=True, text=True,
                                timeout=LOAD_SECONDS_MAX, check=False)
        return read_figures(result.returncode, result.stdout, result.stderr, complete)

    def load_command(self, tools, *arguments, server_ids=True):
        ids = ["--server-ids"] if server_ids else []
        fields = [word for name, value in self.headers.items() for word in ("--header", f"{name}: {value}")]
        return [tools["load"], "run", "--url", self.url, *ids, *fields, "--quiet", "--json", "-", *map(str, arguments)]


def read_figures(code, said, complaints, complete):
    """What a load client that has ended told; `complete`: all must have been acknowledged."""
    if code != 0:
        raise BenchError(f"the load client failed: {complaints.strip()} {said.strip()}")
    figures = json.loads(said)
    if complete and figures["acknowledged"] != figures["sent"]:
        raise BenchError(f"not everything was acknowledged, so the figures would mislead: {said.strip()}")
    return figures


def answer_bytes(server, activity):
    """The length of this service's whole answer to one activity."""
    status, text, length = server.request("POST", "/api/v1/activities", activity)
    if status != 202:
        raise BenchError(f"POST answered {status}: {text[:300]!r}")
    return length


def cost(server, tools, caught_up, *arguments):
    """(the load client's figures, CPU seconds of the server)."""
    before = server.cpu_seconds()
    done = server.load(tools, *arguments)
    if caught_up:
        server.wait_until_caught_up()
    return done, server.cpu_seconds() - before


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print("a server did not end within 30 s of SIGTERM and was killed", file=sys.stderr)


@contextlib.contextmanager
def usertrail(tools, folder, threads, *flags, keep=False, **asked):
    """The program with a fresh data folder, gone afterwards; with `keep` whatever is there, and it stays. `asked`: how Server asks
    it, where the flags make that differ."""
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = folder.parent / f"{folder.name}.log"
    command = [tools["program"], "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", folder, "--threads", str(threads),
               *flags]
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        server = Server(process, port, **asked)
        wait_until_ready(server, log)
        yield server
    finally:
        stop(process)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(server, log):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if server.request("GET", "/readyz")[0] == 200:
                return
        time.sleep(0.02)
    raise BenchError(f"the program did not get ready: {log.read_text(errors='replace')[-1000:]}")


@contextlib.contextmanager
def listening(command, **environment):
    """A server that prints "listening PORT" once it does."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, **environment})
    try:
        words = process.stdout.readline().split()
        if len(words) != 2:
            raise BenchError(f"{command[0]} did not start")
        yield Server(process, int(words[1]))
    finally:
        stop(process)
        process.stdout.close()


def bare_epoll(tools, answer_bytes, threads):
    return listening([tools["epoll"], "--threads", str(threads), "--answer-bytes", str(answer_bytes)])


def probe_disk(tools, folder, write_bytes, count, blocks):
    """The disk's own fdatasync: p50, p90, p99 and max in microseconds. `blocks`: what is written over, "zeros" or space that
    was only reserved, "fallocate"."""
    command = [tools["probe"], folder, str(write_bytes), str(count), blocks]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
