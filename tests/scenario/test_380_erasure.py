"""Erasing a user over HTTP: what leaves the answers, what stays away, and what the receipt says of it."""

import json
import re
import urllib.parse

import pytest

import expect
import pair
import service as services

LIST = "/api/v1/activities"
USERS = "/api/v1/users"


def activities(user, count, first=0, **members):
    return [{"userId": user, "action": "a", "id": f"e-{number:05}", **members} for number in range(first, first + count)]


def erase(service, user, by_query=False):
    encoded = urllib.parse.quote(user, safe="")
    return service.request("DELETE", f"{USERS}?userId={encoded}" if by_query else f"{USERS}/{encoded}")


RECORD = {"storeId": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "hash": re.compile(r"[0-9a-f]{64}")}


def assert_chain(chain, erased):
    """What a receipt says of its record, which is that of a chain."""
    assert list(chain) == ["storeId", "record", "hash", "sealed"], chain
    assert all(pattern.fullmatch(chain[name]) for name, pattern in RECORD.items()), chain
    assert chain["record"] >= 1 and 0 <= chain["sealed"] <= erased, chain


def receipt(answer, user, erased, refused=0, **told):
    """The 200 of an erasure; returns its document."""
    assert answer.status == 200, answer
    assert answer.header("content-type") == "application/json", answer
    document = answer.json
    assert list(document) == ["status", "userId", "erasedAt", "erased", "refused", "receipt", "outOfReach"], document
    assert document["status"] == "success" and document["userId"] == user and document["erased"] == erased, document
    assert document["refused"] == refused, document
    assert expect.TIME.fullmatch(document["erasedAt"]), document
    expected = {"store": pair.STORE, "durable": pair.STORE_SURVIVES, "chain": document["receipt"]["chain"], **told}
    assert document["receipt"] == expected and list(document["receipt"]) == list(expected), document
    if document["receipt"]["store"] == "local":
        assert_chain(document["receipt"]["chain"], erased)
    else:
        assert document["receipt"]["chain"] is None, document
    for place in document["outOfReach"]:
        assert set(place) == {"what", "detail"} and all(place.values()), document
    return document


def left(service, user):
    return len(service.walk("&userId=" + urllib.parse.quote(user, safe="")))


def test_a_user_is_gone_from_every_answer(fresh):
    """Guards the erasure itself: pages, single activities and counts know nothing of the user, at once; others stay; a repetition
    finds nothing; what comes afterwards is stored."""
    fresh.record(activities("gone", 300) + activities("stays", 50, 300))
    fresh.wait_settled()
    document = receipt(erase(fresh, "gone"), "gone", 300)
    assert [place["what"] for place in document["outOfReach"]] == [
        "event-log", *["refused-topic"] * (pair.LOG == "kafka"), *["store-files"] * (pair.STORE == "local"),
        "refused-unnamed", "copies"]
    assert left(fresh, "gone") == 0 and len(fresh.walk()) == 50
    expect.problem(fresh.get(f"{LIST}/e-00000"), 404)
    health = fresh.get("/health").json
    assert health["store"]["activities"] == 50 and health["erasures"] == {"count": 1, "activities": 300}
    receipt(erase(fresh, "gone"), "gone", 0)
    fresh.record(activities("gone", 1))  # the id is free again
    fresh.wait_stored("e-00000")
    fresh.wait_settled()
    receipt(erase(fresh, "gone"), "gone", 1)


@pytest.mark.parametrize("by_query", [False, True])
@pytest.mark.parametrize("user", ["a/b", "ü ✓", "50%", "+1 555", "a?b=c&d", "../..", ".", "%2F", '"q"\\', "x" * 256])
def test_any_user_can_be_named(shared, user, by_query):
    """Guards the spelling of users in a target: whatever can be posted can be erased, percent-encoded in the path or the query."""
    other = user[:-1] + "~"
    shared.record([{"userId": name, "action": "a"} for name in (user, user, other)])
    shared.wait_settled()
    receipt(erase(shared, user, by_query), user, 2)
    assert left(shared, user) == 0 and left(shared, other) == 1
    receipt(erase(shared, other, not by_query), other, 1)


def test_a_slash_that_a_proxy_decoded(shared):
    """Guards against erasing somebody else: a path with one more segment names nobody, and the query string helps."""
    shared.record({"userId": "team", "action": "a"})
    shared.wait_settled()
    expect.problem(shared.request("DELETE", f"{USERS}/team/7"), 404)
    receipt(shared.request("DELETE", f"{USERS}?userId=team/7"), "team/7", 0)
    assert left(shared, "team") == 1


@pytest.mark.parametrize("target", [USERS, f"{USERS}/", f"{USERS}?userId=", f"{USERS}?userId=a&userId=b", f"{USERS}?user=a",
                                    f"{USERS}/null", f"{USERS}/%00", f"{USERS}/%ff", f"{USERS}/%", f"{USERS}/%0A",
                                    f"{USERS}/{'x' * 257}", f"{USERS}/a?userId=b", f"{USERS}/a?dry_run=1"])
def test_what_is_no_user_is_refused(shared, target):
    """Guards everybody from a request that does not say whom it means."""
    expect.problem(shared.request("DELETE", target), 400)


def test_a_body_is_refused(shared):
    """Guards against a client that names the user in a body, which means nothing in a DELETE: refused, and nobody is erased."""
    shared.record({"userId": "body", "action": "a"})
    shared.wait_settled()
    expect.problem(shared.request("DELETE", f"{USERS}/body", {"userId": "body"}), 413)
    assert left(shared, "body") == 1
    receipt(shared.request("DELETE", f"{USERS}/body", headers=[("Content-Length", 0)]), "body", 1)


def test_an_unknown_user_is_erased_beforehand(fresh):
    """Guards that an erasure binds what comes later out of a log, which is why nobody has to know the user."""
    receipt(erase(fresh, "nobody"), "nobody", 0)
    fresh.restart()
    fresh.record(activities("nobody", 3))  # received afterwards
    assert len(fresh.wait_count(3)) == 3


@pair.needs_kept_log
@pair.needs_kept_store
@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("sealed", [False, True], ids=["in the log", "in a part"])
def test_an_erasure_survives(make_service, end, sealed):
    """Guards tombstones: after a restart, clean or not, the user stays away, whether their rows stand in a part or come again out
    of the log, where they are dropped and counted."""
    service = make_service().start()
    service.record(activities("gone", 200) + activities("stays", 100, 200))
    service.wait_settled()
    if sealed:
        service.restart()
    receipt(erase(service, "gone"), "gone", 200)
    service.record(activities("gone", 5, 900))
    service.wait_settled()
    for turn in range(2):
        getattr(service, end)()
        service.start()
        service.wait_settled()
        assert left(service, "gone") == 5 and left(service, "stays") == 100
        worker = service.get("/health").json["worker"]
        replayed = end == "kill" and not sealed and pair.STORE == "local"
        assert worker["erased"] == (200 if replayed else 0), f"turn {turn}: {worker}"
    assert pair.STORE != "local" or services.run_program("verify", service.data).returncode == 0
    service.stop()


def test_what_waits_in_the_log_is_covered(make_service):
    """Guards what was acknowledged and not yet stored when its user was erased: the store drops it when it comes."""
    service = make_service().start()
    for turn in range(30):
        service.record(activities("gone", 500, turn * 500))
        answer = erase(service, "gone")  # the worker is still at it
        receipt(answer, "gone", answer.json["erased"])
        last = service.record({"userId": "stays", "action": "a"})["id"]
        service.wait_stored(last)
        if pair.LOG == "kafka":
            service.wait_settled()  # the two users are in different partitions
        assert left(service, "gone") == 0, f"turn {turn}"
    service.wait_settled()  # rows can be asked for before their batch has its verdicts
    health = service.get("/health").json
    assert health["worker"]["erased"] + health["erasures"]["activities"] == 15000
    assert health["worker"]["stored"] == health["store"]["activities"] + health["erasures"]["activities"]
    assert len(service.walk()) == 30
    service.stop()


@pair.names_its_own
def test_the_memory_store_says_that_it_forgets(make_service):
    """Guards honesty: a store in memory erases at once and is filled again at the next start, and its receipt says so."""
    service = make_service("--store", "memory").start()
    service.record(activities("gone", 20) + activities("stays", 10, 20))
    service.wait_settled()
    document = receipt(erase(service, "gone"), "gone", 20, store="memory", durable=False, chain=None)
    assert [place["what"] for place in document["outOfReach"]] == ["event-log", "refused-unnamed", "copies"]
    assert "after a restart" in document["outOfReach"][0]["detail"]
    assert left(service, "gone") == 0 and left(service, "stays") == 10
    service.restart()
    service.wait_settled()
    receipt(erase(service, "gone"), "gone", 20, store="memory", durable=False, chain=None)
    service.stop()


@pair.needs_local_store
def test_rows_leave_the_files(make_service):
    """Guards what the receipt says of files: when a part is next merged, the erased rows are not in it any more."""
    service = make_service().start()
    service.record(activities("gone", 500, metadata={"mark": "erased-mark"}) + activities("stays", 500, 500))
    service.wait_settled()
    service.restart()
    receipt(erase(service, "gone"), "gone", 500)
    store = service.data / "store"

    def rows_in_files():
        result = services.run_program("verify", service.data)
        return sum(int(line.split(": ")[1].split()[0]) for line in result.stdout.splitlines() if line.startswith("part "))

    services.wire.wait_until(lambda: rows_in_files() == 500, "the part is written anew", 20 * services.PATIENCE)
    assert len(list(store.glob("*.part"))) == 1 and len(service.walk()) == 500
    service.stop()


def test_the_answer_is_json_for_any_user(shared):
    """Guards the receipt's text against users that would break it."""
    user = 'ü"\\/\u2028<x>'
    assert json.loads(erase(shared, user).body.decode("utf-8"))["userId"] == user
