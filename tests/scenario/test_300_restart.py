"""What a restart keeps: with the local log everything, in order; with the memory log nothing, and it says so before."""

import json
import threading

import pytest

import expect
import pair
import wire
from service import free_port

LIST = "/api/v1/activities"


@pytest.mark.parametrize("end", pair.ends())
def test_everything_is_there_again(fresh, end):
    """Guards the promise of 202 over an end of either kind: the same rows to the last byte, in the same order."""
    for number in range(50):
        fresh.record({"userId": f"u{number % 7}", "action": "a\u00e9", "metadata": {"n": number, "big": 12345678901234567890}})
    fresh.post([{"userId": "array", "action": "b", "id": f"i{number}"} for number in range(500)])
    fresh.wait_settled()
    before = fresh.get(f"{LIST}?limit=1000").text
    assert json.loads(before)["results"] == 550
    for _ in range(3):
        getattr(fresh, end)()
        fresh.start()
        assert fresh.get(f"{LIST}?limit=1000").text == before
        assert fresh.get("/health").json["store"]["activities"] == 550


@pair.needs_kept_log
def test_new_ids_stay_behind_old_ones(fresh):
    """Guards the order of ids over restarts: what is recorded later has a greater id, and nothing is recorded twice."""
    ids = []
    for _ in range(4):
        ids += [fresh.record({"userId": "u", "action": "a"})["id"] for _ in range(10)]
        fresh.restart()
    assert ids == sorted(set(ids))
    assert [row["id"] for row in fresh.wait_count(len(ids), "&order=asc")] == ids


@pair.needs_kept_log
def test_an_id_sent_again_after_a_restart(fresh):
    """Guards "stored exactly once" over restarts: a client's retry with its id finds the first one."""
    fresh.record({"userId": "u", "action": "first", "id": "retry-1"})
    fresh.kill()
    fresh.start()
    fresh.record({"userId": "u", "action": "second", "id": "retry-1"})
    fresh.wait_stored("retry-1")
    fresh.wait_settled()
    assert [row["action"] for row in fresh.walk()] == ["first"]
    fresh.restart()
    assert [row["action"] for row in fresh.walk()] == ["first"]


@pair.needs_kept_log
def test_the_order_of_each_connection(fresh):
    """Guards "what did this user do?": what one connection sends in sequence without timestamps comes back in that order,
    with others sending at the same time, and after a kill."""
    failures = []

    def send(user):
        try:
            with fresh.connect() as connection:
                for start in range(0, 200, 10):
                    bodies = [{"userId": user, "action": f"{number:03}"} for number in range(start, start + 10)]
                    if start % 20:
                        answer = connection.post(LIST, bodies)
                        assert answer.status == 202
                    else:
                        connection.send(b"".join(connection.encode("POST", LIST, body) for body in bodies))
                        assert [connection.read_answer().status for _ in bodies] == [202] * 10
        except Exception as problem:  # told by the test's own thread
            failures.append(problem)

    users = [f"user-{number}" for number in range(8)]
    threads = [threading.Thread(target=send, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures[0]
    for _ in range(2):
        fresh.wait_settled()
        for user in users:
            rows = fresh.walk(f"&userId={user}&order=asc", 33)
            assert [row["action"] for row in rows] == [f"{number:03}" for number in range(200)]
        fresh.kill()
        fresh.start()


@pair.needs_kept("kill")
def test_receipts_and_time_of_receipt_survive(fresh):
    """Guards replay: an activity without a timestamp keeps the time at which it came, not that of the restart."""
    row = fresh.wait_stored(fresh.record({"userId": "u", "action": "a"})["id"])
    fresh.kill()
    fresh.start()
    assert fresh.wait_stored(row["id"]) == row


@pair.names_its_own
def test_the_memory_log(make_service):
    """Guards the word in the answer: a log in memory says "memory", serves like the others, and is empty after a restart. (The
    negative control of the tests above: they would see a loss.)"""
    service = make_service("--event-log", "memory", "--store", "memory").start()
    activity_id = expect.accepted_one(service.post({"userId": "u", "action": "a"}), "memory")
    document = service.post([{"userId": "u", "action": "a"}]).json
    assert document["durability"] == "memory"
    service.wait_stored(activity_id)
    service.wait_settled()
    assert len(service.walk()) == 2
    assert service.get("/health").json["eventLog"]["kind"] == "memory"
    service.restart()
    assert service.walk() == []
    service.stop()


@pair.needs_local_log
def test_not_ready_before_everything_is_there(make_service):
    """Guards clients from half an answer after a start: until the store holds all that the log held, /readyz says 503."""
    port = free_port()
    service = make_service("--listen", f"127.0.0.1:{port}").start()
    count = pair.some(60000)
    for start in range(0, count, 6000):
        service.post([{"userId": "u", "action": "a", "id": str(start + number)} for number in range(6000)])
    service.kill()
    service.launch()
    early = 0
    while True:
        try:
            with wire.Connection(port) as connection:
                if connection.get("/readyz").status == 200:
                    assert connection.get("/health").json["store"]["activities"] == count
                    break
                early += 1
        except (ConnectionError, wire.Closed):
            early += 1
    assert early > 0
    service.wait_ready()
    service.stop()


@pair.names_its_own
def test_many_segments(make_service):
    """Guards the border between two files of the log: many small ones, and every activity once and in order. With a store in
    memory, for which the log keeps them all."""
    service = make_service("--log-segment-bytes", "64KiB", "--store", "memory").start()
    sent = [{"userId": "u", "action": "a", "id": f"{number:05}", "timestamp": "2024-01-15T10:00:00Z",
             "metadata": {"k": "v" * 900}} for number in range(2000)]
    for start in range(0, 2000, 20):
        assert service.post(sent[start:start + 20]).status == 202
    large = {"userId": "u", "action": "large", "id": "large", "metadata": {"k": "v" * 60000}}
    assert service.post([{**large, "id": f"large-{number}"} for number in range(5)]).status == 202  # more than a segment at once
    for end in (service.stop, service.kill, service.stop):
        service.wait_settled()
        assert [row["id"] for row in service.walk("&order=asc&action=a")] == [activity["id"] for activity in sent]
        assert len(service.walk("&action=large")) == 5
        assert len(service.segments()) > 20
        end()
        service.start()
    service.stop()
