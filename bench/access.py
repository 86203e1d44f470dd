"""What it costs to know who asks and to hold them to limits, and what it costs to encrypt: singles over kept connections, beside
plain ones.

With a key and both limits the difference is a few percent of a request, less than what one process differs from the next by where
its memory lies. So both servers run at the same time and are loaded in turn, each pair of turns gives a ratio, and several pairs of
servers are started. The load client does not speak TLS: there the client is this process, for both sides.
"""

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

LOADED_CONNECTIONS = 64  # of the load client
OFFERED_SHARE = 0.7  # of what the plain server answers at full speed
OFFERED_EVERY = 4  # so many turns
CONNECTIONS = 16  # of this process
SETTLE_SECONDS = 1  # the worker takes no longer for what is still in the log
ACTIVITY = b'{"userId":"bench","action":"LOOK","metadata":{"path":"/products/1"}}'
RATE = 10**7  # of limits that count and never stop anybody


def make_key(tools, folder):
    """(path of the keys file, key)."""
    path = folder / "keys"
    path.unlink(missing_ok=True)
    said = subprocess.run([tools["program"], "keys", "create", "--keys-file", path, "--name", "bench", "--scopes", "read,write"],
                          capture_output=True, text=True, check=True, timeout=20)
    return path, said.stdout.split()[-1]


def connect(port, secure):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return secure.wrap_socket(connection) if secure else connection


def post_singles(port, secure, count):
    """So many, one after the other; each must be accepted."""
    request = (b"POST /api/v1/activities HTTP/1.1\r\nHost: localhost\r\n"
               b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ACTIVITY) + ACTIVITY)
    with connect(port, secure) as connection:
        for _ in range(count):
            connection.sendall(request)
            answer = connection.recv(65536)
            while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                answer += connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 202"):
                raise servers.BenchError(f"a single was answered {answer[:200]!r}")


def speed(server, secure, count):
    """Requests per CPU second of the server."""
    before, failures = server.cpu_seconds(), []

    def one():
        try:
            post_singles(server.port, secure, count // CONNECTIONS)
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


def limited(path, key):
    """How the program is started, and asked, with keys and with limits that count and never stop anybody."""
    limits = [word for name in ("key", "address") for word in (f"--limit-{name}-rate", str(RATE), f"--limit-{name}-burst", str(RATE))]
    return ("--keys-file", path, *limits), {"headers": {"Authorization": f"Bearer {key}"}}


def speed_in_turn(sides, tools, plan, *load):
    """Requests per CPU-second of each server, loaded one after the other; and how many a second they were."""
    speeds = {}
    for name, server in sides:
        done, seconds = servers.cost(server, tools, True, "--connections", LOADED_CONNECTIONS, "--seconds", plan.access_seconds, *load)
        speeds[name] = done["requestsAnswered"] / seconds, done["requestsAnswered"] / done["seconds"]
    return speeds


def keys_row(tools, plan, threads, folder):
    row = figures.Row("singles with a key and both limits", "requests per CPU-s / without", 0.95, 0.98)
    flags, asked = limited(*make_key(tools, folder))
    full, offered = [], []
    for _ in range(plan.access_rounds):
        with servers.usertrail(tools, folder / "plain", threads, "--store", "memory") as plain, \
                servers.usertrail(tools, folder / "keyed", threads, "--store", "memory", *flags, **asked) as keyed:
            sides = [("plain", plain), ("keys", keyed)]
            for _, server in sides:
                server.load(tools, "--connections", LOADED_CONNECTIONS, "--count", plan.warm_up_requests)
            for turn in range(plan.access_turns):
                sides.reverse()
                full.append(speed_in_turn(sides, tools, plan))
                if turn % OFFERED_EVERY == 0:
                    rate = round(OFFERED_SHARE * full[-1]["plain"][1])
                    offered.append(speed_in_turn(sides, tools, plan, "--rate", rate))
    row.values.extend(ratios_of(full, 0))
    own, bare = (statistics.median(1e6 / turn[name][0] for turn in full) for name in ("keys", "plain"))
    row.notes.append(f"{own:.2f} us of CPU a request against {bare:.2f}, of {LOADED_CONNECTIONS} connections that wait for each answer; "
                     f"{len(full)} pairs of turns, median {spread(row.values)}")
    row.notes.append(f"asked as often, {OFFERED_SHARE:.0%} of what the server without answers at most: {spread(ratios_of(offered, 0))}; "
                     f"at full speed, requests a second: {spread(ratios_of(full, 1))} of the "
                     f"{statistics.median(turn['plain'][1] for turn in full):,.0f} without, with the client on the same cores")
    return row


def ratios_of(turns, figure):
    """Of requests per CPU-second (0) or per second (1)."""
    return [turn["keys"][figure] / turn["plain"][figure] for turn in turns]


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.3f} (half of them {low:.3f} to {high:.3f})"


def tls_row(tools, plan, threads, folder):
    certificates = Certificates(Path(folder) / "certificates")
    secure = ssl.create_default_context(cafile=certificates.authority)
    secure.check_hostname = False
    kinds = {
        "plain": ((), None),
        "tls": (("--tls-cert-file", certificates.chain, "--tls-key-file", certificates.key), secure),
    }
    speeds = {kind: [] for kind in kinds}
    for _ in range(plan.tls_rounds):
        for kind, (flags, context) in kinds.items():
            with servers.usertrail(tools, folder / "data", threads, "--store", "memory", *flags, secure=context is not None) as server:
                speeds[kind].append(speed(server, context, plan.tls_requests))
    row = figures.Row("singles over TLS, kept connections", "requests per CPU-s / plain", 0.6, 0.8)
    row.values.extend(own / plain for own, plain in zip(speeds["tls"], speeds["plain"]))
    row.notes.append(f"{1e6 / statistics.median(speeds['tls']):.2f} us of CPU a request against "
                     f"{1e6 / statistics.median(speeds['plain']):.2f}, from {CONNECTIONS} connections that wait for each answer")
    return row


def bench_access(tools, plan, threads, folder):
    return [keys_row(tools, plan, threads, folder), tls_row(tools, plan, threads, folder)]
