"""CloudEvents 1.0 in each mode of their HTTP binding: what becomes of them, and that none is lost or stored twice."""

import base64
import hashlib
import json
import struct
import uuid

import pytest

import expect

LIST = "/api/v1/activities"
ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"


def as_type(content_type):
    return [("Content-Type", content_type)]


def event(**attributes):
    return {"specversion": "1.0", "id": "A234", "source": "/shop", "type": "com.shop.buy", "subject": "events", **attributes}


def id_of(source, event_id):
    def with_length(text):
        return struct.pack("<Q", len(text.encode())) + text.encode()

    digest = bytearray(hashlib.sha256(b"usertrail cloud event\n" + with_length(source) + with_length(event_id)).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def test_a_structured_event_is_an_activity(shared):
    """Guards the example of the specification: each attribute becomes the member that it means."""
    sent = event(id="structured", subject="events-structured", time="2018-04-05T17:31:00.5Z", datacontenttype="application/json",
                 data={"appinfoA": "abc", "appinfoB": 123, "appinfoC": True})
    activity_id = expect.accepted_one(shared.post(sent, as_type(ONE)))
    assert activity_id == id_of("/shop", "structured")
    row = shared.wait_stored(activity_id)
    assert (row["userId"], row["action"], row["timestamp"], row["metadata"]) == (
        "events-structured", "com.shop.buy", "2018-04-05T17:31:00.500Z", sent["data"])


def test_an_event_again_is_stored_once(shared):
    """Guards producers that repeat themselves: source and id name an event, in whatever mode it comes."""
    sent = event(id="again", subject="events-again", data={"n": 1})
    ids = [expect.accepted_one(shared.post(sent, as_type(ONE))) for _ in range(3)]
    ids += [result["id"] for result in shared.post([sent, sent], as_type(MANY)).json["results"]]
    fields = [(f"ce-{name}", value) for name, value in sent.items() if name != "data"]
    ids.append(expect.accepted_one(shared.post({"n": 1}, [*fields, *as_type("application/json")])))
    assert set(ids) == {id_of("/shop", "again")}
    other = expect.accepted_one(shared.post({**sent, "source": "/other"}, as_type(ONE)))
    assert other == id_of("/other", "again")
    shared.wait_stored(other)
    assert len(shared.walk("&userId=events-again")) == 2


def test_a_batch_tells_each_event(shared):
    """Guards batches: as arrays, one bad event is rejected alone."""
    answer = shared.post([event(id="b1", subject="events-batch", time="2024-01-15T10:00:00Z"), {**event(), "subject": None}, 7,
                          event(id="b2", subject="events-batch", time="2024-01-15T11:00:00Z", data=[1])], as_type(MANY))
    assert answer.status == 202, answer
    document = answer.json
    assert (document["accepted"], document["rejected"]) == (2, 2)
    expect.check_problem(document["results"][1]["error"], 400, "/subject")
    expect.check_problem(document["results"][2]["error"], 400, "")
    shared.wait_stored(document["results"][3]["id"])
    assert [row["metadata"] for row in shared.walk("&userId=events-batch&order=asc")] == [{}, {"data": [1]}]
    expect.problem(shared.post([], as_type(MANY)), 400)
    expect.problem(shared.post(event(), as_type(MANY)), 400)
    expect.problem(shared.post([event()], as_type(ONE)), 400, "")


DATA = {
    "an object": ({"data": {"z": 1, "a": [None]}}, {"z": 1, "a": [None]}),
    "an empty object": ({"data": {}}, {}),
    "none": ({}, {}),
    "null": ({"data": None}, {"data": None}),
    "a number": ({"data": 1.5}, {"data": 1.5}),
    "a string": ({"data": "text"}, {"data": "text"}),
    "an array": ({"data": [[]]}, {"data": [[]]}),
    "XML": ({"data": "<a/>", "datacontenttype": "text/xml"}, {"data": "<a/>", "cloudevent": {"datacontenttype": "text/xml"}}),
    "bytes": ({"data_base64": "AP8=", "datacontenttype": "image/png"},
              {"data_base64": "AP8=", "cloudevent": {"datacontenttype": "image/png"}}),
    "a schema": ({"data": {"n": 1}, "dataschema": "https://x/y"}, {"n": 1, "cloudevent": {"dataschema": "https://x/y"}}),
    "extensions": ({"data": {"n": 1}, "traceparent": "00-1", "sampled": True, "none": None},
                   {"n": 1, "cloudevent": {"traceparent": "00-1", "sampled": True}}),
}


@pytest.mark.parametrize("name", DATA)
def test_data_is_kept(shared, name):
    """Guards what users put into events: every kind of data, and what stands beside it, comes back."""
    attributes, metadata = DATA[name]
    sent = event(id=f"data-{name}", **attributes)
    row = shared.wait_stored(expect.accepted_one(shared.post(sent, as_type(ONE))))
    assert row["metadata"] == metadata and list(row["metadata"]) == list(metadata)


REFUSED = {
    "nothing": ({}, "/specversion", "/id", "/source", "/type", "/subject"),
    "an activity": ({"userId": "u", "action": "a"}, "/userId", "/specversion", "/id", "/source", "/type", "/subject"),
    "another version": (event(specversion="0.3"), "/specversion"),
    "no subject": ({**event(), "subject": None}, "/subject"),
    "a subject that is a placeholder": (event(subject="undefined"), "/subject"),
    "a subject with a control character": (event(subject="a\u0000"), "/subject"),
    "a subject that is too long": (event(subject="u" * 257), "/subject"),
    "a type that is too long": (event(type="t" * 257), "/type"),
    "a number as id": (event(id=1), "/id"),
    "an empty source": (event(source=""), "/source"),
    "a time that is none": (event(time="today"), "/time"),
    "both kinds of data": (event(data=1, data_base64="AA=="), "/data_base64"),
    "bad base64": (event(data_base64="AA="), "/data_base64"),
    "an object as extension": (event(extension={}), "/extension"),
    "a name in upper case": (event(userId="u"), "/userId"),
    "data with too many levels": (event(data={"a": json.loads("[" * 32 + "]" * 32)}), "/data"),
    "data that is too large": (event(data="v" * 64 * 1024), "/data"),
    "attributes that are too many": (event(**{f"x{i}": 1 for i in range(66)}), "/x64", "/x65"),
    "a member that is taken": (event(ext=1, data={"cloudevent": 1}), "/data/cloudevent"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_events(shared, name):
    """Guards what is told of a bad event: a pointer into the event, as it was sent, for each fault."""
    sent, *pointers = REFUSED[name]
    expect.problem(shared.post(sent, as_type(ONE)), 400, *pointers)


def binary(**attributes):
    return [(f"ce-{name}", value) for name, value in event(**attributes).items()]


def test_a_binary_event_is_an_activity(shared):
    """Guards the binary mode: attributes from the header, percent-decoded, and the body as data."""
    fields = binary(id="binary%201", subject="events-%E2%82%AC", time="2024-01-15T10:00:00Z", ext="%22x%22")
    activity_id = expect.accepted_one(shared.post(b'{"n": 1.0}', [*fields, *as_type("application/json; charset=utf-8")]))
    assert activity_id == id_of("/shop", "binary 1")
    row = shared.wait_stored(activity_id)
    assert (row["userId"], row["timestamp"]) == ("events-\u20ac", "2024-01-15T10:00:00.000Z")
    assert row["metadata"] == {"n": 1.0, "cloudevent": {"ext": '"x"'}}


BODIES = {
    "text": ("text/plain", b"a\n\xc3\xa9", {"data": "a\n\u00e9", "cloudevent": {"datacontenttype": "text/plain"}}),
    "text that is no UTF-8": ("text/plain", b"\xe9", {"data_base64": "6Q==", "cloudevent": {"datacontenttype": "text/plain"}}),
    "bytes": ("image/png", bytes(range(256)),
              {"data_base64": base64.b64encode(bytes(range(256))).decode(), "cloudevent": {"datacontenttype": "image/png"}}),
    "other JSON": ("application/vnd.x+json", b"[1]", {"data": [1]}),
    "nothing": ("application/json", b"", {}),
}


@pytest.mark.parametrize("name", BODIES)
def test_binary_bodies_are_kept(shared, name):
    """Guards data of every type that comes as a body."""
    content_type, body, metadata = BODIES[name]
    answer = shared.post(body, [*binary(id=f"body-{name}".replace(" ", "%20")), *as_type(content_type)])
    assert shared.wait_stored(expect.accepted_one(answer))["metadata"] == metadata


def test_a_binary_event_without_a_body(shared):
    """Guards events that say all by their attributes: they need neither a body nor its length."""
    answer = shared.request("POST", LIST, None, binary(id="bodiless"))
    assert shared.wait_stored(expect.accepted_one(answer))["metadata"] == {}


@pytest.mark.parametrize("fields, pointer", [
    ([("ce-id", "1")], "/specversion"), (binary(subject="%zz"), "/subject"), (binary(subject="%ff"), "/subject"),
    (binary() + [("ce-id", "2")], "/id"), (binary() + [("ce-data", "2")], "/data")])
def test_refused_binary_events(shared, fields, pointer):
    """Guards the same of attributes in the header."""
    document = expect.problem(shared.post(b"{}", [*fields, *as_type("application/json")]), 400,
                              *([pointer] if pointer != "/specversion" else ["/specversion", "/source", "/type", "/subject"]))
    assert document["errors"][0]["pointer"] == pointer


def test_a_body_does_not_reach_into_the_attributes(shared):
    """Guards whose activity it is: data that closes its own brackets is no data."""
    answer = shared.post(b'{"n":1},"subject":"somebody-else"', [*binary(), *as_type("application/json")])
    expect.problem(answer, 400, "/data")


def test_events_can_be_tried(shared):
    """Guards the dry run of each mode: the id that the event would have, and nothing kept."""
    target = f"{LIST}?dry_run=1"
    sent = event(id="tried", subject="events-tried")
    one = shared.post(sent, as_type(ONE), target=target)
    many = shared.post([sent], as_type(MANY), target=target)
    fields = shared.post(b"{}", [*binary(id="tried", subject="events-tried"), *as_type("application/json")], target=target)
    assert [answer.status for answer in (one, many, fields)] == [200] * 3
    wanted = id_of("/shop", "tried")
    assert one.json["id"] == fields.json["id"] == many.json["results"][0]["id"] == wanted
    last = shared.record({"userId": "events-tried", "action": "last"})
    shared.wait_stored(last["id"])
    assert len(shared.walk("&userId=events-tried")) == 1
