"""Arrays: one bad activity rejects that one, nothing good is lost, and the answer tells each by its index."""

import json

import pytest

import expect
import pair

LIST = "/api/v1/activities"
GOOD = '{"userId":"arrays","action":"a"}'


def accepted_some(answer, accepted, rejected):
    """The 202 of an array; returns its results."""
    assert answer.status == 202, answer
    document = answer.json
    assert list(document) == ["status", "accepted", "rejected", "durability", "receipt", "results"], document
    assert (document["status"], document["accepted"], document["rejected"]) == ("success", accepted, rejected)
    assert document["durability"] == pair.DURABILITY and expect.TOKEN.fullmatch(document["receipt"])
    assert [result["index"] for result in document["results"]] == list(range(accepted + rejected))
    return document["results"]


def test_an_array_is_recorded(shared):
    """Guards the plain batch: every activity gets an id of its own, in order, and is stored once."""
    sent = [{"userId": "arrays-plain", "action": f"a{i}", "metadata": {"i": i}} for i in range(100)]
    results = accepted_some(shared.post(sent), 100, 0)
    assert all(list(result) == ["index", "id"] and expect.UUID7.fullmatch(result["id"]) for result in results)
    ids = [result["id"] for result in results]
    assert ids == sorted(set(ids))
    shared.wait_stored(ids[-1])
    rows = shared.walk("&userId=arrays-plain&order=asc")
    assert [(row["id"], row["action"], row["metadata"]) for row in rows] == [
        (activity_id, activity["action"], activity["metadata"]) for activity_id, activity in zip(ids, sent)]


def test_one_bad_item_rejects_that_item(shared):
    """Guards the good neighbours of bad activities, and the pointers that tell which member of which item is wrong."""
    sent = [{"userId": "arrays-mixed", "action": "first"}, {"userId": "arrays-mixed"}, 5, None,
            {"userId": "arrays-mixed", "action": "second"}, {"userId": "null", "action": "x", "y": 0}, [], "text",
            {"userId": "arrays-mixed", "action": "last", "metadata": {"a": [1, {"b": "],}"}]}}]
    results = accepted_some(shared.post(sent), 3, 6)
    pointers = {1: ["/action"], 2: [""], 3: [""], 5: ["/userId", "/y"], 6: [""], 7: [""]}
    for result in results:
        if result["index"] in pointers:
            assert list(result) == ["index", "error"]
            expect.check_problem(result["error"], 400, *pointers[result["index"]])
        else:
            assert list(result) == ["index", "id"]
    shared.wait_stored(results[-1]["id"])
    assert [row["action"] for row in shared.walk("&userId=arrays-mixed&order=asc")] == ["first", "second", "last"]


def test_nothing_accepted_is_400(shared):
    """Guards against a success that stored nothing: the answer is a problem that still lists every item."""
    document = expect.problem(shared.post([{"userId": "u"}, {}, 1]), 400)
    assert (document["accepted"], document["rejected"]) == (0, 3)
    assert [result["index"] for result in document["results"]] == [0, 1, 2]
    expect.check_problem(document["results"][1]["error"], 400, "/userId", "/action")


ITEMS_OF_TEXT = {
    "a broken number": "1.e5",
    "an unknown word": "nothing",
    "a doubled key": '{"userId":"u","userId":"u","action":"a"}',
    "a broken escape": '{"userId":"\\q","action":"a"}',
    "a lone surrogate": '{"userId":"\\ud800","action":"a"}',
    "a comma too many": '{"userId":"u","action":"a",}',
    "brackets of the wrong kind": '{"userId":["u"},"action":"a"]',
    "a colon too few": '{"userId" "u","action":"a"}',
}


@pytest.mark.parametrize("name", ITEMS_OF_TEXT)
def test_a_malformed_item_spares_its_neighbours(shared, name):
    """Guards the good items around one that is no JSON, as long as its brackets and quotes close."""
    body = f"[{GOOD},{ITEMS_OF_TEXT[name]},{GOOD}]".encode()
    results = accepted_some(shared.post(body), 2, 1)
    expect.check_problem(results[1]["error"], 400, *[fault["pointer"] for fault in results[1]["error"]["errors"]])


def test_an_item_of_invalid_utf8_spares_its_neighbours(shared):
    """Guards the same for bytes that are no UTF-8."""
    body = b"[" + GOOD.encode() + b',{"userId":"\xff\xfe","action":"a"},' + GOOD.encode() + b"]"
    accepted_some(shared.post(body), 2, 1)


@pytest.mark.parametrize("body", ["[", "[]", "[ ]", "[,]", f"[{GOOD}", f"[{GOOD},", f"[{GOOD},]", f"[,{GOOD}]", f"[{GOOD}]]",
                                  f"[{GOOD}] x", f"[{GOOD} {GOOD}]", f"[{GOOD}}}", '["', "[" * 100000, "[" * 1000 + "]" * 1000,
                                  f"[{GOOD}]\0", f"[{GOOD}][{GOOD}]", '[{"userId":"u","action":"a"'])
def test_a_malformed_array_stores_nothing(fresh_enough, body):
    """Guards all or nothing: an array that is cut off or goes on behind its end is refused as a whole."""
    service, stored = fresh_enough
    expect.problem(service.post(body.encode()), 400)
    service.wait_settled()
    assert service.get("/health").json["store"]["activities"] == stored


@pytest.fixture
def fresh_enough(shared):
    """The shared service and how many activities it holds."""
    shared.wait_settled()
    return shared, shared.get("/health").json["store"]["activities"]


def test_an_array_may_be_spaced_out(shared):
    """Guards white space of every kind around and between items."""
    accepted_some(shared.post(f"\r\n\t [ \n{GOOD}\t,\r\n {GOOD} ] \n".encode()), 2, 0)


def test_ten_thousand_and_one_more(shared):
    """Guards both sides of the limit for the number of items, and that the refused array stored nothing."""
    most = ",".join(f'{{"userId":"arrays-most","action":"a","id":"most-{i}"}}' for i in range(10000))
    answer = shared.post(f"[{most}]".encode())
    assert answer.status == 202 and answer.json["accepted"] == 10000, str(answer)[:1000]
    more = ",".join(f'{{"userId":"arrays-more","action":"a","id":"more-{i}"}}' for i in range(10001))
    expect.problem(shared.post(f"[{more}]".encode()), 413, detail="10000")
    shared.wait_settled()
    assert len(shared.walk("&userId=arrays-most")) == 10000
    assert shared.walk("&userId=arrays-more") == []


def test_a_large_item_is_rejected_alone(shared):
    """Guards the neighbours of an activity that is larger than one may be."""
    large = json.dumps({"userId": "arrays", "action": "a", "metadata": {"k": "v" * 131072}})
    results = accepted_some(shared.post(f"[{GOOD},{large},{GOOD}]".encode()), 2, 1)
    expect.check_problem(results[1]["error"], 413, "")


def test_the_first_of_two_with_one_id_wins(shared):
    """Guards "stored exactly once": the same id again is acknowledged, counted and not stored again, whatever it holds."""
    shared.wait_settled()
    before = shared.get("/health").json["worker"]
    first = {"userId": "arrays-once", "action": "first", "id": "once-1"}
    accepted_some(shared.post([first, first, {**first, "action": "other"}]), 3, 0)
    shared.record(first)
    shared.wait_settled()
    assert [row["action"] for row in shared.walk("&userId=arrays-once")] == ["first"]
    after = shared.get("/health").json["worker"]
    assert after["stored"] - before["stored"] == 1
    assert after["duplicate"] + after["conflict"] - before["duplicate"] - before["conflict"] == 3
    assert after["conflict"] - before["conflict"] >= 1


def test_the_requests_add_up(fresh):
    """Guards the edge's account: received = accepted + rejected, for singles and arrays."""
    fresh.record({"userId": "u", "action": "a"})
    fresh.post([{"userId": "u", "action": "a"}, {}, {"userId": "u", "action": "a"}])
    fresh.post([{}, {}])
    fresh.post({})
    assert fresh.get("/health").json["requests"] == {"received": 7, "accepted": 3, "rejected": 4}
