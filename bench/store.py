"""The store on disk under a month of made-up activities: what it costs to fill, how large it is, how quickly it answers.

The activities are the load client's (--history-days 30): about 290 bytes, UUIDv7 ids of their times, users and 50 actions
drawn by a Zipf distribution with exponent 1, timestamps up to 2 s early or late.
"""

import bisect
import json
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

import figures
import servers
from history import DAYS, USERS, zipf_sums
from sqlite_beside import sqlite_cost

BATCH = 1000
SEED = 7


class Walker:
    """One keep-alive connection that asks one question after the other and takes the time of each."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, query, path="activities"):
        begun = time.perf_counter()
        self.socket.sendall(f"GET /api/v1/{path}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
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

    def milliseconds(self, queries, path="activities"):
        """(p50, p99) over all of them."""
        return percentiles(self.get(query, path)[0] * 1000 for query in queries)

    def close(self):
        self.socket.close()


def draw_users(count):
    """So many different users, drawn by how active they are."""
    chance, sums = random.Random(SEED), zipf_sums(USERS, 1)
    drawn = {}
    while len(drawn) < count:
        drawn[bisect.bisect_right(sums, chance.random() * sums[-1])] = None
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


def fill_rows(tools, plan, threads, folder):
    count = plan.store_activities
    ingest = figures.Row("a month in arrays of 1,000, stored and merged", "activities per CPU-s", 300_000, 500_000)
    size = figures.Row("on the disk after a clean stop", "bytes per activity", 52, 40, smaller=True)
    ever = figures.Row("written over its life", "bytes / raw bytes", 1.6, 1.2, smaller=True)
    memory = figures.Row("peak memory while filling", "MiB", 256, 128, smaller=True)
    for _ in range(plan.fill_rounds):
        shutil.rmtree(folder / "store", ignore_errors=True)
        done, seconds, peak, written = fill(tools, folder / "store", threads, count)
        ingest.values.append(count / seconds)
        size.values.append(tree_bytes(folder / "store") / count)
        ever.values.append(written / done["bodyBytes"])
        memory.values.append(peak / 2**20)
    ingest.notes.append(f"{count:,} activities of {done['bodyBytes'] / count:.0f} bytes, in {done['seconds']:.1f} s the last time, "
                        f"{1e6 / ingest.median():.2f} us of CPU each")
    return [ingest, size, ever, memory]


def sqlite_row(plan, folder, speed):
    """Last of all, since the gigabytes that it leaves to be written would be in the way of everything else."""
    sqlite_speed, sqlite_bytes, json_bytes = sqlite_cost(folder / "sqlite", plan.sqlite_activities, BATCH, SEED)
    row = figures.Row("the same against SQLite", "activities per CPU-s / SQLite's", 5, 10)
    row.values.append(speed / sqlite_speed)
    row.notes.append(f"SQLite with the same three indexes and 256 MiB of cache, synced after each thousand: {sqlite_speed:,.0f} "
                     f"activities per CPU-s over {plan.sqlite_activities:,} of {json_bytes:.0f} bytes, {sqlite_bytes:.0f} bytes each "
                     f"on the disk (through Python, which costs a microsecond or two)")
    return row


def latency_row(walker, what, limits, queries, path="activities"):
    return page_row(what, limits, walker.milliseconds(queries, path), len(queries))


def page_row(what, limits, times, count):
    row = figures.Row(f"{what}, over HTTP", "ms, p99", *limits, smaller=True)
    row.values.append(times[1])
    row.notes.append(f"p50 {times[0]:.2f} ms over {count:,} requests")
    return row


def ask_rows(tools, plan, threads, folder):
    users = draw_users(plan.store_users)
    actions = [f"limit=50&action={action}" for action in ("VIEW_PRODUCT", "PRINT_ACCOUNT", "SAVE_CART", "OPEN_ORDER")]
    begun = time.monotonic()
    with servers.usertrail(tools, folder / "store", threads, keep=True) as server:
        ready = figures.Row("restart until ready", "s", 1, 0.2, smaller=True)
        ready.values.append(time.monotonic() - begun)
        resident = server.resident_bytes()
        pages = time_pages(server.port, users)
        walker = Walker(server.port)
        rows = [ready,
                page_row("50 newest of a user", (2, 0.5), percentiles(page[0] for page in pages.values()), len(pages)),
                latency_row(walker, "50 newest of an action", (2, 0.5), actions * 100),
                latency_row(walker, "50 newest of all", (2, 0.5), ["limit=50"] * 400),
                latency_row(walker, "a user who does not exist", (0.3, 0.1),
                            [f"limit=50&userId=nobody-{number}" for number in range(400)]),
                latency_row(walker, "counts by action over all days", (20, 5), ["by=action"] * 200, "stats"),
                latency_row(walker, "counts by hour over all days", (20, 5), ["by=hour&limit=1000"] * 200, "stats"),
                cursor_row(walker, plan.store_pages)]
        walker.close()
        peak = server.peak_bytes()
    with servers.usertrail(tools, folder / "empty", threads) as server:
        each = (resident - server.resident_bytes()) / plan.store_activities
    rows[0].notes.append(f"{peak / 2**20:.0f} MiB at most with all questions, as the first thing after the start")
    rows[0].notes.append(f"{each:.2f} bytes of memory stay for each activity, so 100 million need {each * 1e8 / 2**20:.0f} MiB, and "
                         f"at most two heads of 64 MiB and the parts that are merged beside them")
    return [*rows, *growth_rows(tools, plan, threads, folder, pages), *export_rows(tools, plan, threads, folder)]


def time_pages(port, users):
    """(milliseconds, whether it is full) of the page of each user, asked once."""
    walker = Walker(port)
    pages = {}
    for user in users:
        seconds, body = walker.get(f"limit=50&userId={user}")
        pages[user] = (seconds * 1000, json.loads(body)["results"] == 50)
    walker.close()
    return pages


def percentiles(times):
    times = sorted(times)
    return times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]


def growth_rows(tools, plan, threads, folder, many):
    """A user's page among all activities against one among a tenth of them; of the same length, since most users have fewer than
    fifty activities among a tenth, and a short page is quicker everywhere."""
    fill(tools, folder / "tenth", threads, plan.store_activities // 10)
    with servers.usertrail(tools, folder / "tenth", threads, keep=True) as server:
        few = time_pages(server.port, many)
    shutil.rmtree(folder / "tenth", ignore_errors=True)
    full = [user for user in many if many[user][1] and few[user][1]] or list(many)
    rows = []
    for name, large, small in zip(("p50", "p99"), *(percentiles(pages[user][0] for user in full) for pages in (many, few))):
        row = figures.Row(f"a user's full page, {name}", f"time / that among {plan.store_activities // 10:,}", 1.5, 1.2, smaller=True)
        row.values.append(large / small)
        row.notes.append(f"{large:.2f} ms against {small:.2f} ms, of {len(full):,} users who have fifty activities in both")
        rows.append(row)
    everybody = [percentiles(page[0] for page in pages.values())[1] for pages in (many, few)]
    rows[1].notes.append(f"of all users, also those whose page is longer now: {everybody[0]:.2f} ms against {everybody[1]:.2f} ms, "
                         f"{everybody[0] / everybody[1]:.2f}")
    return rows


def export_rows(tools, plan, threads, folder):
    """Arrays at half of the greatest rate, alone and while everything is exported."""
    load = ("--connections", 4, "--batch", BATCH, "--users", USERS, "--seed", SEED)
    exported = f"{plan.store_activities:,}"
    with servers.usertrail(tools, folder / "store", threads, keep=True) as server:
        most = server.load(tools, *load, "--count", plan.array_activities)
        rate = round(most["requestsAnswered"] / most["seconds"] / 2)
        paced = (*load, "--rate", rate, "--seconds", plan.export_seconds)
        alone = server.load(tools, *paced)
        begun = time.monotonic()
        export = subprocess.Popen([tools["program"], "export", folder / "store"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            beside = server.load(tools, *paced)
            whole = export.poll() is None
            export.wait(servers.LOAD_SECONDS_MAX)
        finally:
            export.kill()
    row = figures.Row("arrays at half speed beside a full export", "p99 / p99 alone", 3, 1.5, smaller=True)
    row.values.append(beside["latencyMicroseconds"]["p99"] / alone["latencyMicroseconds"]["p99"])
    row.notes.append(f"{beside['latencyMicroseconds']['p99'] / 1000:.1f} ms against {alone['latencyMicroseconds']['p99'] / 1000:.1f} "
                     f"ms at {rate * BATCH:,} activities/s for {plan.export_seconds} s; the export of {exported} and more took "
                     f"{time.monotonic() - begun:.0f} s{'' if whole else ', less than the load'}")
    return [row]


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
        filled = fill_rows(tools, plan, threads, folder)
        asked = ask_rows(tools, plan, threads, folder)
        beside = sqlite_row(plan, folder, filled[0].median())
        return [filled[0], beside, *filled[1:], *asked]
    finally:
        shutil.rmtree(folder / "store", ignore_errors=True)
