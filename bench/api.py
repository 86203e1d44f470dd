"""Ways in and out beside arrays and pages: lines, compressed lines, exports. What is compared is the same activities each time,
sent from memory by this process over a few connections, so that only the server's CPU time counts."""

import gzip
import json
import socket
import statistics
import threading
import time

import figures
import servers
from history import History

CONNECTIONS = 4
BLOCK = 1000  # activities of an array, and of what is sent at a time
SEED = 11
KINDS = {"arrays": "application/json", "lines": "application/x-ndjson", "gzip": "application/x-ndjson"}


def make_activities(count):
    """As JSON, without ids, so that they can be sent again and again."""
    return [b'{"userId":"%s","action":"%s","timestamp":"%s","metadata":%s}' % (
        user.encode(), action.encode(), time_text(at_ms), metadata.encode())
        for batch in History(count, SEED).batches(BLOCK) for _, user, action, at_ms, metadata in batch]


def time_text(at_ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_ms // 1000)).encode() + b".%03dZ" % (at_ms % 1000)


class Sender:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def post(self, kind, pieces, length, coding=b""):
        """One request; returns how many activities the answer accepted."""
        self.socket.sendall(b"POST /api/v1/activities HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n"
                            % (KINDS[kind].encode(), coding, length))
        for piece in pieces:
            self.socket.sendall(piece)
        status = int(self.stream.readline().split()[1])
        size = 0
        while (line := self.stream.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        answer = json.loads(self.stream.read(size))
        if status != 202:
            raise servers.BenchError(f"{kind} were answered {status} {answer}")
        return answer["accepted"]

    def send(self, kind, bodies):
        if kind == "arrays":
            return sum(self.post(kind, [body], len(body)) for body in bodies)
        coding = b"Content-Encoding: gzip\r\n" if kind == "gzip" else b""
        return self.post(kind, bodies, sum(map(len, bodies)), coding)


def make_bodies(kind, activities):
    blocks = [activities[at:at + BLOCK] for at in range(0, len(activities), BLOCK)]
    if kind == "arrays":
        return [b"[" + b",".join(block) + b"]" for block in blocks]
    lines = [b"\n".join(block) + b"\n" for block in blocks]
    return [gzip.compress(b"".join(lines), 6)] if kind == "gzip" else lines


def ingest(tools, folder, threads, kind, bodies, rounds):
    """Activities per CPU second."""
    with servers.usertrail(tools, folder, threads, "--store", "memory") as server:
        before, accepted = server.cpu_seconds(), []

        def one():
            sender = Sender(server.port)
            accepted.extend(sender.send(kind, bodies) for _ in range(rounds))

        senders = [threading.Thread(target=one) for _ in range(CONNECTIONS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        server.wait_until_caught_up()
        return sum(accepted) / (server.cpu_seconds() - before)


def ingest_rows(tools, plan, threads, folder):
    activities = make_activities(plan.line_activities)
    bodies = {kind: make_bodies(kind, activities) for kind in KINDS}
    lines = figures.Row("lines (NDJSON), logged and stored", "activities per CPU-s / those in arrays of 1,000", 0.9, 1.0)
    compressed = figures.Row("lines as gzip", "activities per CPU-s / those of plain lines", 0.6, 0.8)
    speeds = {kind: [] for kind in KINDS}
    for _ in range(plan.line_rounds):
        for kind in KINDS:
            speeds[kind].append(ingest(tools, folder / "data", threads, kind, bodies[kind], plan.line_repetitions))
        lines.values.append(speeds["lines"][-1] / speeds["arrays"][-1])
        compressed.values.append(speeds["gzip"][-1] / speeds["lines"][-1])
    text = sum(map(len, bodies["lines"]))
    lines.notes.append(f"{statistics.median(speeds['lines']):,.0f} against {statistics.median(speeds['arrays']):,.0f}, activities of "
                       f"{text / len(activities):.0f} bytes")
    compressed.notes.append(f"{statistics.median(speeds['gzip']):,.0f}; {text / len(bodies['gzip'][0]):.1f} times smaller")
    return [lines, compressed]


def read_export(port, query):
    """(lines, bytes) of an export that is complete."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET /api/v1/activities/export{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        lines = received = 0
        end = b""
        while data := connection.recv(1 << 20):
            lines += data.count(b"}\n") + (end[-1:] == b"}" and data[:1] == b"\n")
            received += len(data)
            end = (end + data)[-7:]
    if end != b"\r\n0\r\n\r\n":
        raise servers.BenchError("the export is not complete")
    return lines, received


def export_rows(tools, plan, threads, folder):
    row = figures.Row("export of all as lines, from the store on disk", "activities per CPU-s", 1_000_000, 1_500_000)
    count = plan.exported_activities
    with servers.usertrail(tools, folder / "export", threads) as server:
        server.load(tools, "--connections", 4, "--batch", BLOCK, "--count", count, "--history-days", 30, "--users", 10000)
        server.wait_until_caught_up()
        time.sleep(plan.settle_seconds)
        for _ in range(plan.line_rounds):
            before = server.cpu_seconds()
            lines, received = read_export(server.port, "")
            row.values.append(lines / (server.cpu_seconds() - before))
            if lines != count + 1:  # the one by which the server showed that it had caught up
                raise servers.BenchError(f"{lines} of {count + 1} activities were exported")
    row.notes.append(f"{1e6 / row.median():.2f} us of CPU each, {received / lines:.0f} bytes")
    return [row]


def bench_api(tools, plan, threads, folder):
    return ingest_rows(tools, plan, threads, folder) + export_rows(tools, plan, threads, folder)
