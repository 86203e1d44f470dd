"""What it costs to know who asks, to hold them to limits, and to encrypt: the same singles over kept connections, plain, with a key
and both limits, and over TLS. The client is this process for all of them, so that only the server's CPU time differs."""

import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import figures
import servers

sys.path.insert(0, str(servers.ROOT / "tests/servers"))
from certificates import Certificates  # noqa: E402

CONNECTIONS = 16
SETTLE_SECONDS = 1  # the worker takes no longer for what is still in the log
ACTIVITY = b'{"userId":"bench","action":"LOOK","metadata":{"path":"/products/1"}}'
RATE = 10**7  # of limits that count and never stop anybody


def make_key(tools, folder):
    """(path of the keys file, key)."""
    path = folder / "keys"
    path.unlink(missing_ok=True)
    said = subprocess.run([tools["program"], "keys", "create", "--keys-file", path, "--name", "bench", "--scopes", "write"],
                          capture_output=True, text=True, check=True, timeout=20)
    return path, said.stdout.split()[-1]


def connect(port, secure):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return secure.wrap_socket(connection) if secure else connection


def post_singles(port, secure, fields, count):
    """So many, one after the other; each must be accepted."""
    request = (b"POST /api/v1/activities HTTP/1.1\r\nHost: localhost\r\n" + fields
               + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ACTIVITY) + ACTIVITY)
    with connect(port, secure) as connection:
        for _ in range(count):
            connection.sendall(request)
            answer = connection.recv(65536)
            while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                answer += connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 202"):
                raise servers.BenchError(f"a single was answered {answer[:200]!r}")


def speed(server, secure, fields, count):
    """Requests per CPU second of the server."""
    before, failures = server.cpu_seconds(), []

    def one():
        try:
            post_singles(server.port, secure, fields, count // CONNECTIONS)
        except (OSError, servers.BenchError) as problem:
            failures.append(problem)

    clients = [threading.Thread(target=one) for _ in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    time.sleep(SETTLE_SECONDS)
    if failures:
        raise servers.BenchError(f"{len(failures)} connections failed: {failures[0]}")
    return count // CONNECTIONS * CONNECTIONS / (server.cpu_seconds() - before)


def bench_access(tools, plan, threads, folder):
    certificates = Certificates(Path(folder) / "certificates")
    path, key = make_key(tools, folder)
    secure = ssl.create_default_context(cafile=certificates.authority)
    secure.check_hostname = False
    limits = [word for name in ("key", "address") for word in (f"--limit-{name}-rate", str(RATE), f"--limit-{name}-burst", str(RATE))]
    kinds = {
        "plain": ((), None, b""),
        "keys": (("--keys-file", path, *limits), None, b"Authorization: Bearer %s\r\n" % key.encode()),
        "tls": (("--tls-cert-file", certificates.chain, "--tls-key-file", certificates.key), secure, b""),
    }
    speeds = {kind: [] for kind in kinds}
    for _ in range(plan.access_rounds):
        for kind, (flags, context, fields) in kinds.items():
            with servers.usertrail(tools, folder / "data", threads, "--store", "memory", *flags, secure=context is not None) as server:
                speeds[kind].append(speed(server, context, fields, plan.access_requests))
    rows = [figures.Row("singles with a key and both limits", "requests per CPU-s / without", 0.95, 0.98),
            figures.Row("singles over TLS, kept connections", "requests per CPU-s / plain", 0.6, 0.8)]
    for row, kind in zip(rows, ("keys", "tls")):
        row.values.extend(own / plain for own, plain in zip(speeds[kind], speeds["plain"]))
        row.notes.append(f"{1e6 / statistics.median(speeds[kind]):.2f} us of CPU a request against "
                         f"{1e6 / statistics.median(speeds['plain']):.2f}, from {CONNECTIONS} connections that wait for each answer")
    return rows
