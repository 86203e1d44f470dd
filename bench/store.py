"""The store on disk under a month of made-up activities: what it costs to fill, how large it is, how quickly it answers.

The activities are the load client's (--history-days 30): about 290 bytes, UUIDv7 ids of their times, users and 50 actions
drawn by a Zipf distribution with exponent 1, timestamps up to 2 s early or late.
"""

import bisect
import json
import os
import random
import resource
import shutil
import socket
import sqlite3
import time
import uuid
from pathlib import Path

import figures
import servers

USERS = 1_000_000
DAYS = 30
BATCH = 1000
MS_PER_DAY = 86_400_000
SEED = 7


class Walker:
    """One keep-alive connection that asks one question after the other and takes the time of each."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, query):
        begun = time.perf_counter()
        self.socket.sendall(f"GET /api/v1/activities?{query} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        data = self.socket.recv(1 << 20)
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(1 << 20)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")).split(b":")[1])
        while len(body) < length:
            body += self.socket.recv(1 << 20)
        seconds = time.perf_counter() - begun
        if not head.startswith(b"HTTP/1.1 200"):
            raise servers.BenchError(f"{query} was answered {head[:40]!r} {body[:200]!r}")
        return seconds, body

    def milliseconds(self, queries):
        """(p50, p99) over all of them."""
        times = sorted(self.get(query)[0] * 1000 for query in queries)
        return times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]

    def close(self):
        self.socket.close()


def draw_users(count):
    """So many different users, drawn by how active they are."""
    chance, sums, total = random.Random(SEED), [], 0.0
    for rank in range(USERS):
        total += 1 / (rank + 1)
        sums.append(total)
    drawn = {}
    while len(drawn) < count:
        drawn[bisect.bisect_right(sums, chance.random() * total)] = None
    return [f"u{user:06x}" for user in drawn]


def tree_bytes(folder):
    """What the folder takes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in Path(folder).rglob("*") if path.is_file())


def wait_until_quiet(server):
    """Until merging is done: the process uses hardly any CPU for a second."""
    deadline = time.monotonic() + servers.CAUGHT_UP_SECONDS
    while time.monotonic() < deadline:
        before = server.cpu_seconds()
        time.sleep(1)
        if server.cpu_seconds() - before < 0.02:
            return
    raise servers.BenchError("the store does not come to rest")


def written_bytes(server):
    for line in Path(f"/proc/{server.process.pid}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise servers.BenchError("the kernel does not say how many bytes a process wrote")


def fill(tools, folder, threads, count):
    """(figures of the load client, CPU seconds until everything is merged, peak bytes, bytes written)."""
    with servers.usertrail(tools, folder, threads, keep=True) as server:
        before = server.cpu_seconds()
        done = server.load(tools, "--connections", 4, "--batch", BATCH, "--count", count, "--users", USERS,
                           "--history-days", DAYS, "--seed", SEED, server_ids=False)
        server.wait_until_caught_up()
        wait_until_quiet(server)
        return done, server.cpu_seconds() - before, server.peak_bytes(), written_bytes(server)


def sqlite_rows(count):
    """Rows of the same kind, made beforehand so that making them costs nothing."""
    chance = random.Random(SEED)
    agents = [f"Mozilla/5.0 (X11; Linux x86_64) Browser/{100 + agent}.0" for agent in range(40)]
    begin, step = int(time.time() * 1000) - DAYS * MS_PER_DAY, DAYS * MS_PER_DAY / count
    rows = []
    for number in range(count):
        user = int(USERS ** chance.random()) - 1  # close to Zipf's distribution with exponent 1
        metadata = (f'{{"ip":"10.{user & 255}.{user >> 8 & 255}.{1 + number % 2}","userAgent":"{agents[user % 40]}",'
                    f'"path":"/products/{int(100_000 ** chance.random())}","sessionId":"{chance.getrandbits(64):016x}",'
                    f'"durationMs":{chance.randrange(8192)}}}')
        now = begin + int(number * step)
        rows.append((str(uuid.UUID(int=now << 80 | 7 << 76 | chance.getrandbits(76))), f"u{user:06x}",
                     f"ACTION_{int(50 ** chance.random())}", now + chance.randrange(-2000, 2000), metadata))
    return rows


def sqlite_cost(folder, count):
    """(activities per CPU-second, bytes each) of SQLite with the same three indexes, synced after each thousand."""
    path = folder / "oracle.sqlite"
    rows = sqlite_rows(count)
    database = sqlite3.connect(path, isolation_level=None)
    for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                 "CREATE TABLE activities (id TEXT PRIMARY KEY, userId TEXT, action TEXT, timestamp INTEGER, metadata TEXT) "
                 "WITHOUT ROWID",
                 "CREATE INDEX by_user ON activities (userId, timestamp, id)",
                 "CREATE INDEX by_action ON activities (action, timestamp, id)",
                 "CREATE INDEX by_time ON activities (timestamp, id)"):
        database.execute(line)
    before = resource.getrusage(resource.RUSAGE_SELF)
    for start in range(0, count, BATCH):
        database.execute("BEGIN")
        database.executemany("INSERT OR IGNORE INTO activities VALUES (?,?,?,?,?)", rows[start:start + BATCH])
        database.execute("COMMIT")
    after = resource.getrusage(resource.RUSAGE_SELF)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / seconds, os.path.getsize(path) / count


def fill_rows(tools, plan, threads, folder):
    count = plan.store_activities
    done, seconds, peak, written = fill(tools, folder / "store", threads, count)
    stored = tree_bytes(folder / "store")
    sqlite_speed, sqlite_bytes = sqlite_cost(folder, plan.sqlite_activities)
    speed = count / seconds
    ingest = figures.Row("a month in arrays of 1,000, stored and merged", "activities per CPU-s", 300_000, 500_000)
    ingest.values.append(speed)
    ingest.notes.append(f"{count:,} activities of {done['bodyBytes'] / count:.0f} bytes in {done['seconds']:.1f} s, "
                        f"{1e6 / speed:.2f} us of CPU each")
    beside = figures.Row("the same against SQLite", "activities per CPU-s / SQLite's", 5, 10)
    beside.values.append(speed / sqlite_speed)
    beside.notes.append(f"SQLite with the same three indexes, synced after each thousand: {sqlite_speed:,.0f} activities per "
                        f"CPU-s over {plan.sqlite_activities:,}, {sqlite_bytes:.0f} bytes each (through Python, which costs a "
                        f"microsecond or two)")
    size = figures.Row("on the disk after a clean stop", "bytes per activity", 52, 40, smaller=True)
    size.values.append(stored / count)
    ever = figures.Row("written over its life", "bytes / raw bytes", 1.6, 1.2, smaller=True)
    ever.values.append(written / done["bodyBytes"])
    memory = figures.Row("peak memory while filling", "MiB", 256, 128, smaller=True)
    memory.values.append(peak / 2**20)
    return [ingest, beside, size, ever, memory]


def ask_rows(tools, plan, threads, folder):
    users = draw_users(plan.store_users)
    begun = time.monotonic()
    with servers.usertrail(tools, folder / "store", threads, keep=True) as server:
        ready = figures.Row("restart until ready", "s", 1, 0.2, smaller=True)
        ready.values.append(time.monotonic() - begun)
        walker = Walker(server.port)
        rows = [ready]
        questions = (
            ("50 newest of a user", 2, 0.5, [f"limit=50&userId={user}" for user in users]),
            ("50 newest of an action", 2, 0.5,
             [f"limit=50&action={action}" for action in ("VIEW_PRODUCT", "PRINT_ACCOUNT", "SAVE_CART", "OPEN_ORDER")] * 100),
            ("50 newest of all", 2, 0.5, ["limit=50"] * 400),
            ("a user who does not exist", 0.3, 0.1, [f"limit=50&userId=nobody-{number}" for number in range(400)]),
        )
        for what, floor, aim, queries in questions:
            median, slowest = walker.milliseconds(queries)
            row = figures.Row(f"{what}, over HTTP", "ms, p99", floor, aim, smaller=True)
            row.values.append(slowest)
            row.notes.append(f"p50 {median:.2f} ms over {len(queries):,} requests")
            rows.append(row)
        rows.append(cursor_row(walker, plan.store_pages))
        walker.close()
        peak = server.peak_bytes()
    rows[0].notes.append(f"{peak / 2**20:.0f} MiB at most with all questions, as the first thing after the start")
    return rows


def cursor_row(walker, pages):
    """Pages far behind against the first ones, by cursor."""
    times, cursor = [], ""
    for _ in range(pages):
        seconds, body = walker.get(f"limit=50{cursor}")
        times.append(seconds)
        following = json.loads(body)["nextCursor"]
        if following is None:
            break
        cursor = f"&cursor={following}"
    hundred = min(100, max(1, len(times) // 4))
    row = figures.Row(f"page {len(times):,} by cursor", "time / that of page 1", 1.5, 1.1, smaller=True)
    row.values.append(sum(sorted(times[-hundred:])[:hundred * 3 // 4 + 1]) / sum(sorted(times[:hundred])[:hundred * 3 // 4 + 1]))
    row.notes.append(f"means of {hundred} pages at either end without their slowest quarter")
    return row


def bench_store(tools, plan, threads, folder):
    try:
        return fill_rows(tools, plan, threads, folder) + ask_rows(tools, plan, threads, folder)
    finally:
        shutil.rmtree(folder / "store", ignore_errors=True)
