"""after=<receipt>: whoever has a receipt reads what it names, from whichever question, or is told that it is not stored yet."""

import base64
import concurrent.futures
import time

import pytest

import expect
import pair
import service as services

LIST = "/api/v1/activities"


def activity(user, **members):
    return {"userId": user, "action": "written", "timestamp": "2024-01-15T10:00:00Z", **members}


def variants(text):
    """A receipt with each of its bytes changed, cut off behind each, and with something behind it."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for at in range(len(raw)):
        for bit in (1, 128):
            changed = raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1:]
            yield base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
    yield from (text[:length] for length in range(len(text)))
    yield from (text + more for more in ("A", "=", "AAAA", "%20", "%00"))


def test_every_question_reads_ones_own_write(shared):
    """Guards each question that takes a receipt: asked at once behind the 202, it has the activity every time."""
    for number in range(pair.some(100)):
        user = f"reader-{number}"
        document = shared.record(activity(user, id=f"own-{number}"))
        after = f"after={document['receipt']}"
        rows = expect.page(shared.get(f"{LIST}?userId={user}&{after}"))
        assert [row["id"] for row in rows] == [f"own-{number}"]
        assert shared.get(f"{LIST}/own-{number}?{after}").json["userId"] == user
        counted = shared.get(f"/api/v1/stats?by=user&userId={user}&{after}")
        assert counted.json["data"] == [{"key": user, "count": 1}]


@pytest.mark.parametrize("kind, target", [("list", LIST + "?userId={}&"), ("one", LIST + "/{}?"),
                                          ("stats", "/api/v1/stats?by=user&userId={}&")])
def test_each_question_waits_by_itself(shared, kind, target):
    """Guards against a question that takes the parameter and does not wait: it is the first one behind a large batch."""
    for number in range(pair.some(20)):
        last = f"{kind}-{number}"
        batch = [activity("many", id=f"{last}-{i}") for i in range(500)] + [activity(last, id=last)]
        receipt = shared.record(batch)["receipt"]
        answer = shared.get(f"{target.format(last)}after={receipt}")
        assert answer.status == 200 and f'"{last}"' in answer.text, answer


def test_a_batch_is_there_as_a_whole(shared):
    """Guards receipts of several partitions: everything that the answer names is in the page."""
    document = shared.record([activity(f"part-{number}", action="batch") for number in range(60)])
    rows = expect.page(shared.get(f"{LIST}?action=batch&limit=100&after={document['receipt']}"))
    assert {row["userId"] for row in rows} == {f"part-{number}" for number in range(60)}


def test_a_refused_or_repeated_activity_keeps_nobody_waiting(shared):
    """Guards receipts of what is in the log and was not stored as new: it is stored already."""
    shared.record(activity("again", id="again-1"))
    document = shared.record(activity("again", id="again-1"))
    answer = shared.get(f"{LIST}?userId=again&count=true&after={document['receipt']}")
    assert answer.json["count"] == 1


def test_a_tampered_receipt_is_refused(shared):
    """Guards the promise against receipts of nobody: each byte changed, each length cut, and what is none."""
    receipt = shared.record(activity("honest"))["receipt"]
    assert shared.get(f"{LIST}?after={receipt}").status == 200
    for variant in variants(receipt):
        detail = expect.problem(shared.get(f"{LIST}?after={variant}"), 400)["detail"]
        assert "after" in detail, (variant, detail)
    for target in (f"{LIST}/some-id?", "/api/v1/stats?by=user&"):
        expect.problem(shared.get(f"{target}after={receipt[:-1]}"), 400, detail="after: this is not a receipt")
    expect.problem(shared.get(f"{LIST}?after={receipt}&after={receipt}"), 400, detail="after may")
    expect.problem(shared.get(f"{LIST}?after="), 400, detail="after")


def test_a_receipt_of_another_log_is_refused(shared, make_service):
    """Guards against waiting for what never comes: the answer says whose receipt it is not."""
    other = make_service().start()
    receipt = other.record(activity("other"))["receipt"]
    for target in (f"{LIST}?", f"{LIST}/some-id?", "/api/v1/stats?by=user&"):
        expect.problem(shared.get(f"{target}after={receipt}"), 400, detail="of another event log")
    other.stop()


@pair.needs_kept_log
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_receipt_outlives_the_process(make_service, end):
    """Guards a receipt that is used behind a restart, when the store has to be filled from the log again. A group of workers takes
    longer to let the new one in than a receipt is waited for."""
    service = make_service().start()
    receipt = service.record([activity("lasting", id=f"l-{number}") for number in range(1000)])["receipt"]
    service.kill() if end == "kill" else service.stop()
    service.start()
    target = f"{LIST}?userId=lasting&count=true"
    answer = service.read_own(target, receipt) if pair.LOG == "kafka" else service.get(f"{target}&after={receipt}")
    assert answer.status == 200 and answer.json["count"] == 1000, answer
    service.stop()


def test_a_question_without_a_receipt_waits_for_nothing(shared):
    """Guards what others pay, and that an absent receipt is none that is empty."""
    assert shared.get(f"{LIST}?limit=1").status == 200


@pair.names_its_own
def test_what_is_not_stored_in_time_is_told(make_service):
    """Guards the bound of two seconds, and pool and loops against those who wait: a store that is full takes nothing, many wait
    for it, and whoever waits for nothing is answered meanwhile."""
    service = make_service("--store", "memory", "--event-log", "memory", "--store-memory-bytes", "1MiB", "--query-timeout", "5s",
                           "--threads", "2").start()
    filling = [activity("full", metadata={"k": "v" * 10000}) for _ in range(400)]
    receipt = service.record(filling)["receipt"]

    def ask(_):
        with service.connect() as connection:
            begun = time.monotonic()
            return connection.get(f"{LIST}?after={receipt}"), time.monotonic() - begun

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(ask, number) for number in range(40)]
        time.sleep(0.3)
        begun = time.monotonic()
        assert service.get(f"{LIST}?limit=1").status == 200
        assert time.monotonic() - begun < 1.0 * services.PATIENCE
        for answer, seconds in (one.result() for one in waiting):
            assert expect.problem(answer, 503)["type"] == "/problems/not-yet-stored"
            assert 1.9 <= seconds < 4 * services.PATIENCE, seconds
    service.close()


@pair.names_its_own
def test_who_leaves_or_is_sent_away_harms_nothing(make_service):
    """Guards waits whose client or server goes: connections that are cut while they wait, and an end of the server."""
    service = make_service("--store", "memory", "--event-log", "memory", "--store-memory-bytes", "1MiB").start()
    receipt = service.record([activity("full", metadata={"k": "v" * 10000}) for _ in range(400)])["receipt"]
    for _ in range(20):
        with service.connect() as connection:
            connection.send(connection.encode("GET", f"{LIST}?after={receipt}"))
    staying = service.connect()
    staying.send(staying.encode("GET", f"{LIST}?after={receipt}"))
    time.sleep(0.2)
    assert service.get("/livez").status == 200
    service.process.terminate()
    assert staying.read_answer().status == 503
    service.wait_end()
