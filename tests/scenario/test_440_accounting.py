"""The sums of /api/v1/accounting and /metrics, held against a ledger outside of the system: known duplicates, conflicts and
rejects, kills and the replays behind them. Each position of the log has one outcome, whatever happened on the way."""

import json
import time

import pytest

import expect
import pair
import service as services
from sums import ACCOUNTING, OUTCOMES, Ledger, account, activity, expect_as_in, mixture, wait_handled


def test_an_empty_service_adds_up(fresh):
    """Guards the shape before anything happened, and what is refused by name."""
    document = account(fresh)
    assert document["edge"]["received"] == 0 and document["logs"][0]["positions"] == 0
    assert document["minutes"] == [] and document["minutesKept"] == 60
    expect.problem(fresh.get(f"{ACCOUNTING}?limit=1"), 400)
    expect.problem(fresh.post({"userId": "a", "action": "b"}, target=ACCOUNTING), 405)


def test_the_sums_are_those_of_a_ledger(fresh):
    """Guards every outcome that a client can bring about, in the sums, in the minutes and for Prometheus."""
    ledger = Ledger()
    begun = int(time.time() // 60)
    for begin in range(0, 200, 50):
        ledger.post(fresh, *mixture(begin, 50))
    document = expect_as_in(ledger, fresh)
    assert ledger.outcomes["stored"] == 200 and ledger.outcomes["duplicate"] == ledger.outcomes["conflict"] == 20
    minutes = document["minutes"]
    assert 1 <= len(minutes) <= int(time.time() // 60) - begun + 1
    for name in ("received", "accepted", "rejected"):
        assert sum(minute[name] for minute in minutes) == ledger.edge[name]
    for name in ("stored", "duplicate", "conflict", "refused", "erased"):
        assert sum(minute[name] for minute in minutes) == ledger.outcomes[name]
    health = fresh.get("/health").json["worker"]
    for name in ("stored", "duplicate", "conflict", "refused", "erased"):
        assert health[name] == ledger.outcomes[name]
    answer = fresh.get("/metrics")
    assert answer.status == 200 and answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    log = document["logs"][0]["logId"]
    lines = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#"))
    assert lines["usertrail_received_activities_total"] == str(ledger.edge["received"])
    for name in OUTCOMES:
        assert lines[f'usertrail_activities_total{{log="{log}",outcome="{name}"}}'] == str(ledger.outcomes[name])
    assert lines[f'usertrail_accounting_difference{{log="{log}"}}'] == "0"


def test_every_kind_of_body_is_counted(fresh):
    """Guards the edge where activities come as lines, as CloudEvents, once more under a key, or only to be tried."""
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in (activity(1), {"userId": 1}, activity(2), activity(2)))
    answer = fresh.request("POST", "/api/v1/activities", lines, [("Content-Type", "application/x-ndjson")])
    assert answer.status == 202 and answer.json["accepted"] == 3 and answer.json["rejected"] == 1
    event = {"specversion": "1.0", "id": "e", "source": "/test", "type": "act", "subject": "user-1"}
    for _ in range(2):
        answer = fresh.request("POST", "/api/v1/activities", json.dumps(event).encode(),
                               [("Content-Type", "application/cloudevents+json")])
        assert answer.status == 202, answer
    for _ in range(3):
        answer = fresh.post({"userId": "user-2", "action": "act"}, [("Idempotency-Key", '"k"')])
        assert answer.status == 202, answer
    assert fresh.post({"userId": "user-2", "action": "act"}, target="/api/v1/activities?dry_run=1").status == 200
    wait_handled(fresh, 8)
    document = account(fresh)
    assert {name: document["edge"][name] for name in ("received", "accepted", "rejected")} == {"received": 9, "accepted": 8,
                                                                                              "rejected": 1}
    log = document["logs"][0]
    assert (log["stored"], log["duplicate"], log["conflict"], log["pending"]) == (4, 4, 0, 0)


@pair.needs_kept_log
def test_the_sums_survive_kills(make_service):
    """Guards the sums over kills at any time, the replays behind them, and a clean restart: counted once, as in the ledger."""
    service = make_service("--log-bytes", "2MiB", "--log-segment-bytes", "256KiB") if pair.LOG == "local" else make_service()
    service.start()
    ledger = Ledger()
    rounds, count = (1 if pair.GROUP else 4, pair.some(1000))
    for turn in range(rounds):
        for begin in range(turn * count, (turn + 1) * count, 100):
            ledger.post(service, *mixture(begin, 100))
        if turn % 2 == 0:
            expect_as_in(ledger, service)
        service.kill()
        ledger.forget_edge()
        service.start()
        account(service)
    expect_as_in(ledger, service)
    service.restart()
    document = expect_as_in(ledger, service)
    assert ledger.outcomes["stored"] == rounds * count and document["logs"][0]["replayed"] == 0
    service.stop()


@pair.needs_kept_log
@pair.needs(not pair.GROUP, "tests/distributed/test_260_sums.py kills workers of a group under load")
def test_what_a_kill_cuts_off_adds_up(make_service, tmp_path):
    """Guards the sums where the client was not answered: as many are stored as there are activities, and none twice."""
    service = make_service().start()
    ledger = tmp_path / "ledger"
    acknowledged = 0
    for turn in range(3):
        process = services.start_load(service, ledger, "--connections", 16, "--rate", 200 if pair.SCANS else 1500, "--seconds", 30,
                                      *([] if turn % 2 else ["--batch", 7]))
        time.sleep(0.4 * services.PATIENCE)
        service.kill()
        acknowledged += services.finish_load(process)["acknowledged"]
        service.start()
    wait_handled(service, acknowledged)
    service.wait_settled()
    log = account(service)["logs"][0]
    assert log["stored"] == len(service.walk()) > 0
    assert log["conflict"] == log["refused"] == log["erased"] == log["empty"] == 0
    service.stop()


def test_erasures_add_up(fresh):
    """Guards what an erasure leaves: what it removed was stored, and what comes from before it is erased."""
    ledger = Ledger()
    ledger.post(fresh, *[activity(number, user="gone" if number % 4 else "stays") for number in range(400)])
    expect_as_in(ledger, fresh)
    assert fresh.request("DELETE", "/api/v1/users/gone").json["erased"] == 300
    document = expect_as_in(ledger, fresh)
    removed = fresh.get("/health").json["erasures"]["activities"]
    assert document["logs"][0]["stored"] - removed == fresh.get("/health").json["store"]["activities"] == 100


def test_the_ledger_sees_what_was_not_counted(fresh):
    """Negative control: a ledger that knows of one activity more, or of another end of one, is not satisfied."""
    ledger = Ledger()
    ledger.post(fresh, *mixture(0, 20))
    expect_as_in(ledger, fresh)
    for wrong in ({"stored": -1}, {"stored": -1, "duplicate": 1}, {"conflict": -1}, {"conflict": -1, "empty": 1}):
        with pytest.raises(AssertionError):
            expect_as_in(ledger.twisted(**wrong), fresh)


@pair.names_its_own
def test_what_the_log_lost_is_empty(make_service):
    """Negative control on the disk: with a part of the log taken away between two starts, what was lost is told as empty."""
    service = make_service("--log-segment-bytes", "64KiB").start()
    ledger = Ledger()
    for begin in range(0, 2000, 100):
        ledger.post(service, *mixture(begin, 100))
    expect_as_in(ledger, service)
    service.kill()
    service.segments()[1].unlink()
    ledger.forget_edge()
    service.start()
    with pytest.raises(AssertionError):
        expect_as_in(ledger, service)
    log = account(service)["logs"][0]
    assert log["empty"] > 0 and log["stored"] < ledger.outcomes["stored"]
    assert log["positions"] == sum(ledger.outcomes.values())
    service.stop()
