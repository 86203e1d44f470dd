"""Requests that a client calls by a name, so that it may send them again, and those that are only tried."""

import hashlib
import json
import struct
import uuid

import pytest

import expect

COLLECTION = "/api/v1/activities"


def named(key):
    return [("Idempotency-Key", f'"{key}"')]


def id_of(key, index, text):
    """As the documentation says it: a UUID of version 8 out of label, key name, key, index and bytes."""
    def with_length(part):
        return struct.pack("<Q", len(part)) + part

    content = b"usertrail retry\n" + with_length(b"") + with_length(key) + struct.pack("<Q", index) + with_length(text)
    digest = bytearray(hashlib.sha256(content).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def test_a_retry_stores_once(shared):
    """Guards the client that lost its answer: the same request with the same key is the same activity, however often."""
    body = {"userId": "retry-one", "action": "a", "metadata": {"n": 1}}
    ids = {expect.accepted_one(shared.post(body, named("one"))) for _ in range(5)}
    text = json.dumps(body, separators=(",", ":")).encode()
    assert ids == {id_of(b"one", 0, text)}
    shared.wait_stored(ids.pop())
    last = shared.record({"userId": "retry-one", "action": "last"})
    shared.wait_stored(last["id"])
    assert [row["action"] for row in shared.walk("&userId=retry-one")] == ["last", "a"]


def test_a_retry_of_an_array_stores_each_item_once(shared):
    """Guards batches: every item keeps its id, two equal items stay two, and an item with an id of its own keeps that."""
    item = {"userId": "retry-array", "action": "same"}
    body = [item, item, {"userId": "retry-array"}, {**item, "id": "retry-array-own"}]
    answers = [shared.post(body, named("array")).json for _ in range(3)]
    found = [[result.get("id") for result in answer["results"]] for answer in answers]
    text = json.dumps(item, separators=(",", ":")).encode()
    assert found == [[id_of(b"array", 0, text), id_of(b"array", 1, text), None, "retry-array-own"]] * 3
    last = shared.record({"userId": "retry-array", "action": "last"})
    shared.wait_stored(last["id"])
    assert len(shared.walk("&userId=retry-array")) == 4


def test_other_content_is_another_activity(shared):
    """Guards against the loss of an activity to a key that was used before: only the very same bytes are a retry."""
    posted = [(b'{"userId":"retry-other","action":"a"}', "k"), (b'{"userId":"retry-other","action":"b"}', "k"),
              (b'{"userId":"retry-other", "action":"a"}', "k"), (b'{"userId":"retry-other","action":"a"}', "l")]
    ids = [expect.accepted_one(shared.post(body, named(key))) for body, key in posted]
    assert len(set(ids)) == len(ids)
    again = expect.accepted_one(shared.post(b' \r\n{"userId":"retry-other","action":"a"}\n', named("k")))
    assert again == ids[0], "white space around an activity is not its own"
    alone = shared.post(b'[{"userId":"retry-other","action":"a"}]', named("k")).json
    assert alone["results"][0]["id"] == ids[0]


@pytest.mark.parametrize("value", ["k", "", '""', '"k', "'k'", '"a"b"', '"a\\b"', '"k";p=1', '"k", "l"', f'"{"k" * 256}"', '"\u00e9"'])
def test_bad_keys_are_refused(shared, value):
    """Guards against a key that is understood in two ways: what is no string of structured fields is told."""
    document = expect.problem(shared.post({"userId": "u", "action": "a"}, [("Idempotency-Key", value)]), 400)
    assert "Idempotency-Key" in document["detail"]


def test_a_key_has_its_limits(shared):
    """Guards both: 255 characters are taken, and the same key twice in one request is not."""
    expect.accepted_one(shared.post({"userId": "u", "action": "a"}, named("k" * 255)))
    expect.problem(shared.post({"userId": "u", "action": "a"}, named("k") + named("k")), 400)


def test_a_key_survives_a_kill(fresh):
    """Guards the retry behind a crash: the activity is there once."""
    body = {"userId": "retry-kill", "action": "a"}
    before = expect.accepted_one(fresh.post(body, named("kill")))
    fresh.kill()
    fresh.start()
    assert expect.accepted_one(fresh.post(body, named("kill"))) == before
    last = fresh.record({"userId": "retry-kill", "action": "last"})
    fresh.wait_stored(last["id"])
    assert len(fresh.walk("&userId=retry-kill")) == 2


# --- only tried ---

def counted(service):
    return service.get("/health").json["requests"]


def tried(service, body, headers=()):
    before = counted(service)
    answer = service.post(body, headers, target=f"{COLLECTION}?dry_run=1")
    assert counted(service) == before, "what is tried is not counted"
    return answer


def test_a_dry_run_of_one(shared):
    """Guards the try: 200, the id that the activity would have, and neither durability nor receipt, since nothing is kept."""
    answer = tried(shared, {"userId": "dry", "action": "a", "id": "dry-one"})
    assert answer.status == 200 and answer.header("content-type") == "application/json"
    assert list(answer.json) == ["status", "message", "id", "dryRun"]
    assert answer.json["id"] == "dry-one" and answer.json["dryRun"] is True
    assert expect.UUID7.fullmatch(tried(shared, {"userId": "dry", "action": "a"}).json["id"])
    key = named("dry")
    first = tried(shared, {"userId": "dry", "action": "a"}, key).json["id"]
    assert tried(shared, {"userId": "dry", "action": "a"}, key).json["id"] == first
    last = shared.record({"userId": "dry", "action": "last"})
    shared.wait_stored(last["id"])
    assert [row["action"] for row in shared.walk("&userId=dry")] == ["last"]


def test_a_dry_run_of_an_array(shared):
    """Guards the verdict of each item of a try."""
    answer = tried(shared, [{"userId": "dry", "action": "a", "id": "dry-two"}, {"userId": "dry"}])
    assert answer.status == 200
    document = answer.json
    assert list(document) == ["status", "accepted", "rejected", "dryRun", "results"]
    assert (document["accepted"], document["rejected"], document["dryRun"]) == (1, 1, True)
    assert document["results"][0] == {"index": 0, "id": "dry-two"}
    expect.check_problem(document["results"][1]["error"], 400, "/action")


@pytest.mark.parametrize("body, pointers", [({"userId": "u"}, ["/action"]), (b"{", [""]), ([1, 2], []), (b"[1", []), ([], [])])
def test_a_dry_run_tells_what_is_wrong(shared, body, pointers):
    """Guards that a try is refused like the request itself would be."""
    refused = expect.problem(tried(shared, body), 400, *pointers)
    really = expect.problem(shared.post(body), 400, *pointers)
    assert {key: value for key, value in refused.items() if key != "dryRun"} == really


@pytest.mark.parametrize("query", ["dry_run", "dry_run=", "dry_run=2", "dry_run=yes", "dry_run=1&dry_run=0", "dryrun=1", "dry_run=1&x=1"])
def test_a_misspelt_try_is_no_request(shared, query):
    """Guards against a try that is taken for the real thing."""
    answer = shared.post({"userId": "dry-misspelt", "action": "a"}, target=f"{COLLECTION}?{query}")
    assert expect.problem(answer, 400)["type"] == "/problems/invalid-parameter"
