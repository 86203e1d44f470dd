"""Exports: all activities that match in one answer, in bounded memory, at the pace of who reads them."""

import csv
import io
import json
import re
import threading
import time

import pytest

import expect
import pair
import service as services
import wire

EXPORT = "/api/v1/activities/export"
LINES = ("Content-Type", "application/x-ndjson")


def fill(service, user, count, metadata=None):
    body = b"".join(json.dumps({"userId": user, "action": f"a{n % 3}", "id": f"{user}-{n:06}", "timestamp": f"2024-03-01T10:{n // 60 % 60:02}:{n % 60:02}Z",
                                "metadata": {"n": n, **(metadata or {})}}).encode() + b"\n" for n in range(count))
    assert service.request("POST", "/api/v1/activities", body, [LINES]).json["accepted"] == count
    service.wait_count(count, f"&userId={user}", 60)


def lines(answer):
    assert answer.status == 200 and answer.header("content-type") == "application/x-ndjson", answer
    return [json.loads(line) for line in answer.text.splitlines()]


def test_all_that_match(shared):
    """Guards the borders of pages: everything once, in order, in both orders, as the list shows it."""
    count = pair.some(9000)
    fill(shared, "export-all", count)
    answer = shared.get(f"{EXPORT}?userId=export-all")
    rows = lines(answer)
    assert rows == shared.walk("&userId=export-all&order=asc") and len(rows) == count
    assert answer.header("content-disposition") == 'attachment; filename="activities.ndjson"'
    assert answer.header("cache-control") == "no-store"
    assert lines(shared.get(f"{EXPORT}?userId=export-all&order=desc")) == rows[::-1]
    assert lines(shared.get(f"{EXPORT}?userId=export-all&action=a1")) == [row for row in rows if row["action"] == "a1"]
    assert lines(shared.get(f"{EXPORT}?userId=export-all&metadata.n=77")) == [row for row in rows if row["metadata"]["n"] == 77]
    window = "&from=2024-03-01T10:10:00Z&to=2024-03-01T10:11:00Z"
    assert lines(shared.get(f"{EXPORT}?userId=export-all{window}")) == [row for row in rows if "T10:10:" in row["timestamp"]]


def test_nothing_matches(shared):
    answer = shared.get(f"{EXPORT}?userId=export-nobody")
    assert (answer.status, answer.body) == (200, b"")
    assert shared.get(f"{EXPORT}?userId=export-nobody&format=csv").body == b"id,userId,action,timestamp,metadata\r\n"


@pytest.mark.parametrize("alias", ["/api/v1/logs", "/api/logs", "/logs", "/api/activities"])
def test_aliases(shared, alias):
    shared.record({"userId": "export-alias", "action": "a", "id": "export-alias-1"})
    shared.wait_stored("export-alias-1")
    assert [row["id"] for row in lines(shared.get(f"{alias}/export?userId=export-alias"))] == ["export-alias-1"]


def test_for_spreadsheets(shared):
    """Guards against fields that run as formulas, and against a reader that finds other columns."""
    actions = ["plain", "a,b", 'say "hi"', "=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "é✓"]
    for number, action in enumerate(actions):
        shared.record({"userId": "export-csv", "action": action, "id": f"export-csv-{number}", "metadata": {"text": 'a"b,\n'}})
    shared.wait_count(len(actions), "&userId=export-csv")
    answer = shared.get(f"{EXPORT}?userId=export-csv&format=csv")
    assert answer.header("content-type") == "text/csv; charset=utf-8; header=present"
    assert answer.header("content-disposition") == 'attachment; filename="activities.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
    assert [row["action"] for row in sorted(rows, key=lambda row: row["id"])] == [
        "'" + action if action[0] in "=+-@" else action for action in actions]
    assert all(json.loads(row["metadata"]) == {"text": 'a"b,\n'} and row["userId"] == "export-csv" for row in rows)
    assert not re.search(r"(^|,)\"?[=+@-]", answer.text, re.MULTILINE)


@pytest.mark.parametrize("query", ["format=xml", "format=", "limit=10", "page=1", "cursor=x", "order=up", "userid=x", "userId[$ne]=x",
                                   "format=csv&format=csv", "metadata.$where=1", "metadata.n=1"])
def test_wrong_parameters(shared, query):
    expect.problem(shared.get(f"{EXPORT}?{query}"), 400)


def test_the_head_alone(shared):
    answer = shared.request("HEAD", f"{EXPORT}?userId=x")
    assert answer.status == 200 and answer.body == b""
    assert shared.get("/livez").status == 200
    expect.problem(shared.request("DELETE", EXPORT), 405)


@pair.names_its_own
def test_slow_readers(make_service):
    """Twenty that take nothing hold one page each and nobody else; one that reads slowly gets all; those that stay away are cut."""
    service = make_service("--write-timeout", "3s", "--queries", "8").start()
    fill(service, "export-slow", 40000, {"text": "x" * 300})
    before, sockets = service.peak_bytes(), service.count_sockets()
    idle = []
    for _ in range(20):
        connection = service.connect()
        connection.send(connection.head("GET", f"{EXPORT}?userId=export-slow"))
        assert connection._read_head().status == 200
        idle.append(connection)
    with service.connect() as connection:
        connection.send(connection.head("GET", f"{EXPORT}?userId=export-slow"))
        assert connection._read_head().status == 200
        received = 0
        while chunk := connection.take_chunk():
            received += chunk.count(b"\n")
            time.sleep(0.01)
    assert received == 40000
    if not services.SANITIZED:  # which keeps what is freed
        assert service.peak_bytes() - before < (20 + 4) * (4 << 20)
    begun = time.monotonic()
    assert service.get("/livez").status == 200 and time.monotonic() - begun < 1
    wire.wait_until(lambda: service.count_sockets() <= sockets, "those that take nothing are cut", 30 * services.PATIENCE)
    for connection in idle:
        assert not connection.read_to_end().endswith(b"\r\n0\r\n\r\n")
        connection.close()


@pair.names_its_own
def test_clients_that_go_away(fresh):
    fill(fresh, "export-gone", 20000)
    for turn in range(40):
        with fresh.connect() as connection:
            connection.send(connection.head("GET", f"{EXPORT}?userId=export-gone"))
            if turn % 2:
                connection._read_head()
                connection.take_chunk()
    assert len(lines(fresh.get(f"{EXPORT}?userId=export-gone"))) == 20000


def test_while_more_comes(shared):
    """An export under way sees each activity at most once, and all that were there when it began."""
    count = pair.some(6000)
    fill(shared, "export-live", count)
    stop = threading.Event()

    def go_on():
        with shared.connect() as connection:
            number = 0
            while not stop.is_set():
                connection.post("/api/v1/activities", [{"userId": "export-live", "action": "new", "id": f"export-live-new-{number}-{i}"} for i in range(50)])
                number += 1
                time.sleep(pair.PAUSE_SECONDS)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for _ in range(3):
            ids = [row["id"] for row in lines(shared.get(f"{EXPORT}?userId=export-live"))]
            assert len(ids) == len(set(ids)) and {f"export-live-{n:06}" for n in range(count)} <= set(ids)
    finally:
        stop.set()
        thread.join()


@pair.names_its_own
def test_it_ends_at_a_shutdown(make_service):
    """Guards a clean stop: an export that is taken goes on, one that is not is cut, and the program ends."""
    service = make_service("--drain-timeout", "2s").start()
    fill(service, "export-stop", 30000, {"text": "x" * 200})
    with service.connect() as connection, service.connect() as idle:
        for one in (connection, idle):
            one.send(one.head("GET", f"{EXPORT}?userId=export-stop"))
            assert one._read_head().status == 200
        thread = threading.Thread(target=service.stop)
        thread.start()
        received = sum(chunk.count(b"\n") for chunk in connection.chunks())
        thread.join(20 * services.PATIENCE)
    assert received == 30000 and not thread.is_alive()
    assert wire.wait_until(lambda: service.process is None or service.process.poll() is not None, "its end")
