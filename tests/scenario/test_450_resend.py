"""Refused activities that are sent again after the cause was mended: one, all of them, twice, and with the process killed in
between; each is stored once, and what cannot be sent stays in the list and says why."""

import json
import random
import shutil
import threading
import time

import expect
import pair
import refused_file
import service as services
import wire
from refusals import REFUSED, listed, resend

pytestmark = pair.names_its_own


def message(number, **members):
    return json.dumps({"id": f"r-{number}", "userId": f"user-{number % 5}", "action": "act", "metadata": {"n": number}, **members}).encode()


def log_of(service):
    service.wait_settled()
    document = service.get("/api/v1/accounting").json
    assert document["closes"], document
    return document["logs"][0]


def test_one_is_sent(make_service):
    """Guards one entry: it is stored as it was, with its id, leaves the list, stays away behind a restart, and is told in the
    sums beside what requests brought."""
    service, ids = refused_file.make(make_service, message(1, timestamp="2024-01-15T10:30:00.000Z"), b'{"userId":"foreign","action":"act"}')
    service.start()
    assert listed(service) == ids[::-1]
    answer = resend(service, f"/{ids[0]}/resend")
    assert answer.status == 200 and answer.json == {"status": "success", "id": ids[0], "activityId": "r-1", "durability": "local-disk"}
    row = service.wait_stored("r-1")
    assert row["userId"] == "user-1" and row["metadata"] == {"n": 1} and row["timestamp"] == "2024-01-15T10:30:00.000Z"
    foreign = resend(service, f"/{ids[1]}/resend").json["activityId"]
    assert foreign == f"{refused_file.LOG}-0-1-1700000000000"
    assert service.wait_stored(foreign)["timestamp"] == "2023-11-14T22:13:20.000Z"
    expect.problem(resend(service, f"/{ids[0]}/resend"), 404)
    assert listed(service) == [] and service.get("/health").json["refused"]["listed"] == 0
    assert service.get("/api/v1/accounting").json["edge"]["resent"] == 2
    service.restart()
    assert listed(service) == [] and len(service.walk()) == 2
    assert log_of(service)["stored"] == 2
    service.stop()


def test_what_cannot_be_sent_stays(make_service):
    """Guards the words: what still is no activity is told by name and stays; what is not there is not there."""
    service, ids = refused_file.make(make_service, b"not JSON", b'{"userId":"a"}', b"", message(3))
    service.start()
    for entry, word in zip(ids, ("JSON", "/action", "nothing to send"), strict=False):
        assert word in expect.problem(resend(service, f"/{entry}/resend"), 409)["detail"]
    expect.problem(resend(service, f"/{refused_file.LOG}-0-99/resend"), 404)
    expect.problem(resend(service, "/x/resend"), 404)
    expect.problem(service.get(f"{REFUSED}/resend"), 405)
    expect.problem(resend(service, "/resend?limit=0"), 400)
    expect.problem(resend(service, "/resend?cursor=x"), 400)
    assert listed(service) == ids[::-1] and service.walk() == []
    answer = resend(service).json
    assert answer["resent"] == 1 and answer["listed"] == 3 and [kept["id"] for kept in answer["kept"]] == ids[:3]
    assert all(kept["reason"] for kept in answer["kept"])
    assert listed(service) == ids[2::-1]
    service.stop()


def test_all_are_sent_by_pages(make_service):
    """Guards the whole list by pages: a cursor leads past what stays, and each activity is stored once, in order."""
    raws = [b"{}" if number % 10 == 4 else message(number) for number in range(95)]
    service, ids = refused_file.make(make_service, *raws)
    service.start()
    resent, kept, cursor, pages = 0, [], "", 0
    while True:
        answer = resend(service, f"/resend?limit=20{cursor}").json
        resent, kept, pages = resent + answer["resent"], kept + answer["kept"], pages + 1
        assert answer["listed"] == 95 - resent
        if answer["nextCursor"] is None:
            break
        cursor = f"&cursor={answer['nextCursor']}"
    assert (resent, len(kept), pages) == (85, 10, 5)
    assert listed(service) == [ids[number] for number in range(94, -1, -1) if number % 10 == 4]
    assert {row["id"] for row in service.wait_count(85)} == {f"r-{number}" for number in range(95) if number % 10 != 4}
    assert resend(service, "/resend?limit=1000").json["resent"] == 0
    assert log_of(service)["stored"] == 85
    service.stop()


def test_cursors_with_each_byte_changed(make_service):
    """Guards pages of the list, also where they are sent again: a cursor is taken as it was given or not at all, so that none leads
    past entries, or sends others than were meant."""
    service, ids = refused_file.make(make_service, *map(message, range(6)))
    service.start()
    for ask, target in ((service.get, f"{REFUSED}?limit=2"), (lambda one: service.request("POST", one, b""), f"{REFUSED}/resend?limit=2")):
        before = listed(service)
        first = ask(target).json
        cursor = first["nextCursor"]
        for at in range(len(cursor)):
            for other in "A", "z", "_", "%00", "":
                if (changed := cursor[:at] + other + cursor[at + 1:]) != cursor:
                    expect.problem(ask(f"{target}&cursor={changed}"), 400, detail="cursor")
        for changed in (cursor + "A", cursor + "=", cursor * 2, cursor[1:], cursor[:-1], cursor.swapcase()):
            expect.problem(ask(f"{target}&cursor={changed}"), 400, detail="cursor")
        assert len(listed(service)) == len(before) - first.get("resent", 0)
        assert ask(f"{target}&cursor={cursor}").status == 200
    assert len(listed(service)) == 2 and set(listed(service)) < set(ids)
    service.stop()


def test_sent_twice_is_stored_once(make_service, tmp_path):
    """Guards the moment between the log and the list: with the list put back as it was before, as a crash there leaves it,
    everything can be sent again, and is a duplicate that the sums tell."""
    service, ids = refused_file.make(make_service, *(message(number) for number in range(30)))
    service.start()
    before = tmp_path / "refused"
    shutil.copytree(service.data / "refused", before)
    assert resend(service, "/resend?limit=100").json["resent"] == 30
    service.kill()
    shutil.rmtree(service.data / "refused")
    shutil.copytree(before, service.data / "refused")
    service.start()
    assert listed(service) == ids[::-1]
    assert resend(service, "/resend?limit=100").json["resent"] == 30
    service.wait_count(30)
    log = log_of(service)
    assert (log["stored"], log["duplicate"], log["positions"]) == (30, 30, 60)
    assert listed(service) == []
    service.stop()


def test_kills_while_all_are_sent(make_service):
    """Guards resending against kills at any moment: in the end the list is empty and each activity is stored once, as it was."""
    chance = random.Random(45)
    count, kills = 600, 8
    service, ids = refused_file.make(make_service, *(message(number) for number in range(count)))
    service.start()

    def send_on():
        while True:
            try:
                if resend(service, "/resend?limit=15").json["listed"] == 0:
                    return
            except (wire.Closed, OSError, AttributeError):
                return

    for _ in range(kills):
        sender = threading.Thread(target=send_on)
        sender.start()
        time.sleep(chance.uniform(0.005, 0.05) * services.PATIENCE)
        service.process.kill()
        sender.join()
        service.kill()
        service.start()
    left = len(listed(service))
    send_on()
    assert listed(service) == [] and left < len(ids)
    rows = service.wait_count(count)
    assert {row["id"]: row["metadata"] for row in rows} == {f"r-{number}": {"n": number} for number in range(count)}
    log = log_of(service)
    assert log["stored"] == count and log["conflict"] == log["refused"] == log["empty"] == 0
    assert log["positions"] == count + log["duplicate"]
    service.stop()


def test_an_erased_user_stays_erased(make_service):
    """Guards erasures: what was received before its user was erased does not come back out of the list, which it left."""
    service, ids = refused_file.make(make_service, message(1), message(2))
    service.start()
    assert service.request("DELETE", "/api/v1/users/user-1").json["refused"] == 1
    expect.problem(resend(service, f"/{ids[0]}/resend"), 404)
    assert resend(service).json["resent"] == 1
    service.wait_stored("r-2")
    log = log_of(service)
    assert (log["stored"], log["erased"]) == (1, 0) and [row["id"] for row in service.walk()] == ["r-2"]
    assert listed(service) == [] and len(ids) == 2
    service.stop()
