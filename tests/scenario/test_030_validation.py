"""The rules for one activity, each from both sides of its limit: input, status, pointers to the members at fault."""

import datetime
import json

import pytest

import expect

KIB = 1024
WIDE = "\U0001d538"  # one code point, four bytes, two UTF-16 units


def activity(**members):
    return {"userId": "validation", "action": "a", **members}


def nested(depth):
    """Metadata with so many levels, itself the first."""
    return json.loads('{"n":' * (depth - 1) + "{}" + "}" * (depth - 1))


def metadata_of(size):
    """Metadata of exactly so many bytes as compact JSON."""
    return {"k": "v" * (size - len('{"k":""}'))}


def ahead(**duration):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**duration)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


ACCEPTED = {
    "userId of one character": activity(userId="u"),
    "userId of 256 code points": activity(userId="u" * 256),
    "userId of 1,024 bytes": activity(userId=WIDE * 256),
    "userId with spaces and marks": activity(userId=" /?#%&+=<>\"'\\ "),
    "userId that only looks like a placeholder": activity(userId="Null"),
    "userId with a zero-width character": activity(userId="a\u200bb"),
    "userId not normalised": activity(userId="e\u0301"),
    "action of 256 code points": activity(action="\u00e9" * 256),
    "action that is a placeholder": activity(action="null"),
    "id of one character": activity(id="-"),
    "id of 128 characters": activity(id="Az09._:-" * 16),
    "metadata empty": activity(metadata={}),
    "metadata of 64 KiB": activity(metadata=metadata_of(64 * KIB)),
    "metadata of 32 levels": activity(metadata=nested(32)),
    "metadata with empty key": activity(metadata={"": 1}),
    "metadata with NUL in a value": activity(metadata={"k": "a\u0000b"}),
    "metadata with keys equal but for case": activity(metadata={"k": 1, "K": 2}),
    "metadata with the same key at different levels": activity(metadata={"k": {"k": [{"k": 1}, {"k": 2}]}}),
    "timestamp 1970": activity(timestamp="1970-01-01T00:00:00Z"),
    "timestamp in the future": activity(timestamp=ahead(hours=23, minutes=59)),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(shared, name):
    """Guards the near side of each limit: what the rules allow is stored exactly as it was sent."""
    sent = ACCEPTED[name]
    row = shared.wait_stored(expect.accepted_one(shared.post(sent)))
    for member in ("userId", "action", "metadata", "id"):
        if member in sent:
            assert row[member] == sent[member]


REFUSED = {
    "nothing": ({}, "/userId", "/action"),
    "no userId": ({"action": "a"}, "/userId"),
    "no action": ({"userId": "u"}, "/action"),
    "userId empty": (activity(userId=""), "/userId"),
    "userId null": (activity(userId=None), "/userId"),
    "userId a number": (activity(userId=101), "/userId"),
    "userId true": (activity(userId=True), "/userId"),
    "userId an object": (activity(userId={"$ne": None}), "/userId"),
    "userId an array": (activity(userId=["u"]), "/userId"),
    "userId of 257 code points": (activity(userId="u" * 257), "/userId"),
    "userId of 257 wide code points": (activity(userId=WIDE * 257), "/userId"),
    "userId 'null'": (activity(userId="null"), "/userId"),
    "userId 'undefined'": (activity(userId="undefined"), "/userId"),
    "userId '[object Object]'": (activity(userId="[object Object]"), "/userId"),
    "userId with NUL": (activity(userId="a\u0000b"), "/userId"),
    "userId with a line feed": (activity(userId="a\nb"), "/userId"),
    "userId with a tab": (activity(userId="\t"), "/userId"),
    "userId with DEL": (activity(userId="a\u007f"), "/userId"),
    "userId with a C1 control": (activity(userId="a\u0085"), "/userId"),
    "userId with the last C1 control": (activity(userId="\u009f"), "/userId"),
    "action empty": (activity(action=""), "/action"),
    "action a number": (activity(action=1), "/action"),
    "action null": (activity(action=None), "/action"),
    "action of 257 code points": (activity(action="\u00e9" * 257), "/action"),
    "action with a C0 control": (activity(action="a\u001f"), "/action"),
    "id empty": (activity(id=""), "/id"),
    "id of 129 characters": (activity(id="x" * 129), "/id"),
    "id with a slash": (activity(id="a/b"), "/id"),
    "id with a space": (activity(id="a b"), "/id"),
    "id with a letter outside ASCII": (activity(id="\u00e9"), "/id"),
    "id with NUL": (activity(id="a\u0000"), "/id"),
    "id 'stream'": (activity(id="stream"), "/id"),
    "id 'export'": (activity(id="export"), "/id"),
    "id a number": (activity(id=1), "/id"),
    "id null": (activity(id=None), "/id"),
    "metadata an array": (activity(metadata=[]), "/metadata"),
    "metadata a string": (activity(metadata="{}"), "/metadata"),
    "metadata null": (activity(metadata=None), "/metadata"),
    "metadata a number": (activity(metadata=0), "/metadata"),
    "metadata of 64 KiB and one byte": (activity(metadata=metadata_of(64 * KIB + 1)), "/metadata"),
    "metadata of 33 levels": (activity(metadata=nested(33)), "/metadata"),
    "metadata of 33 levels in arrays": (activity(metadata={"a": json.loads("[" * 32 + "]" * 32)}), "/metadata"),
    "metadata of 901 levels": (activity(metadata={"a": json.loads("[" * 900 + "]" * 900)}), "/metadata"),
    "metadata with NUL in a key": (activity(metadata={"a\u0000b": 1}), "/metadata/ab"),
    "another member": (activity(ip="127.0.0.1"), "/ip"),
    "another member that only differs in case": (activity(userid="u"), "/userid"),
    "a member that the service fills in": (activity(receivedAt="2024-01-15T10:00:00Z"), "/receivedAt"),
    "a member whose name needs escapes": (activity(**{"a/b~c": 1}), "/a~1b~0c"),
    "several faults": ({"userId": 1, "action": "", "x": 0}, "/userId", "/action", "/x"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(shared, name):
    """Guards the far side of each limit: 400, and a pointer to each member that is at fault."""
    sent, *pointers = REFUSED[name]
    expect.problem(shared.post(sent), 400, *pointers)


GOOD_TIMES = {
    "2024-01-15T10:00:00Z": "2024-01-15T10:00:00.000Z",
    "2024-01-15t10:00:00z": "2024-01-15T10:00:00.000Z",
    "2024-01-15T10:00:00.1Z": "2024-01-15T10:00:00.100Z",
    "2024-01-15T10:00:00.123456789Z": "2024-01-15T10:00:00.123Z",
    "2024-01-15T10:00:00.999999Z": "2024-01-15T10:00:00.999Z",
    "2024-01-15T10:00:00+02:00": "2024-01-15T08:00:00.000Z",
    "2024-01-15T10:00:00-23:59": "2024-01-16T09:59:00.000Z",
    "2024-02-29T23:59:59.5+00:00": "2024-02-29T23:59:59.500Z",
    "2000-02-29T00:00:00-00:00": "2000-02-29T00:00:00.000Z",
    "1970-01-01T01:00:00+01:00": "1970-01-01T00:00:00.000Z",
    "2016-12-31T23:59:60Z": "2017-01-01T00:00:00.000Z",
}


@pytest.mark.parametrize("text", GOOD_TIMES)
def test_timestamps_are_told_in_utc(shared, text):
    """Guards the reading of offsets, fractions and leap days: every time is answered in UTC with milliseconds."""
    row = shared.wait_stored(expect.accepted_one(shared.post(activity(timestamp=text))))
    assert row["timestamp"] == GOOD_TIMES[text]


@pytest.mark.parametrize("text", [
    "", "now", "2024-01-15", "2024-01-15T10:00:00", "2024-01-15 10:00:00Z", "2024-01-15T10:00Z", "2024-1-15T10:00:00Z",
    "2024-01-15T10:00:00+0200", "2024-01-15T10:00:00.Z", "2024-01-15T10:00:00,5Z", "2024-01-15T24:00:00Z", "2024-01-15T10:60:00Z",
    "2024-01-15T10:00:61Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
    "2024-04-31T00:00:00Z", "2024-01-00T00:00:00Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00+00:01",
    "10000-01-01T00:00:00Z", "2024-01-15T10:00:00+24:00", "2024-01-15T10:00:00+00:60", "2024-01-15T10:00:00ZZ",
    " 2024-01-15T10:00:00Z", "2024-01-15T10:00:00Z ", "\u0662024-01-15T10:00:00Z", "9999-12-31T23:59:59Z",
    "+2024-01-15T10:00:00Z"])
def test_bad_timestamps(shared, text):
    """Guards against guessing at times: what is no RFC 3339 date-time, or far ahead, is refused."""
    expect.problem(shared.post(activity(timestamp=text)), 400, "/timestamp")


@pytest.mark.parametrize("value", [0, 1705312800, 1705312800000, None, True, {}, []])
def test_timestamps_of_other_types(shared, value):
    """Guards against taking seconds for milliseconds: a number is no timestamp."""
    expect.problem(shared.post(activity(timestamp=value)), 400, "/timestamp")


def test_a_timestamp_too_far_ahead(shared):
    """Guards the pages of newest activities against clocks that run ahead."""
    document = expect.problem(shared.post(activity(timestamp=ahead(hours=24, minutes=2))), 400, "/timestamp")
    assert "ahead" in document["detail"]


def test_the_time_of_receipt_is_the_default(shared):
    """Guards activities without a timestamp: they get the time at which they came."""
    before = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    row = shared.wait_stored(shared.record(activity())["id"])
    after = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.999Z")
    assert before <= row["timestamp"] <= after


def test_the_detail_begins_with_the_member(shared):
    """Guards clients that show only one sentence: it names the member and says what to change."""
    document = expect.problem(shared.post({"action": "a"}), 400, "/userId")
    assert document["detail"] == document["message"] == "userId: is required"


def test_the_limits_are_settings(make_service):
    """Guards that the numbers are configurable: smaller ones hold, with the same pointers."""
    service = make_service("--user-id-length", 3, "--action-length", 4, "--metadata-bytes", 17, "--metadata-depth", 2,
                           "--activity-bytes", "1KiB", "--batch-activities", 2, "--timestamp-ahead", "1h").start()
    service.record({"userId": "\u00e9\u00e9\u00e9", "action": "abcd", "metadata": {"a": {"b": 12345}}})
    expect.problem(service.post({"userId": "abcd", "action": "abcde"}), 400, "/userId", "/action")
    expect.problem(service.post({"userId": "u", "action": "a", "metadata": {"a": {"b": 123456}}}), 400, "/metadata")
    expect.problem(service.post({"userId": "u", "action": "a", "metadata": {"a": {"b": {}}}}), 400, "/metadata")
    expect.problem(service.post({"userId": "u", "action": "a", "timestamp": ahead(hours=2)}), 400, "/timestamp")
    expect.problem(service.post(b" " * 1024 + b"{}"), 413, "")
    assert service.post([{"userId": "u", "action": "a"}] * 2).status == 202
    expect.problem(service.post([{"userId": "u", "action": "a"}] * 3), 413)
    service.stop()


# --- texts that are no JSON, or JSON of another kind ---

def good_with(metadata):
    return b'{"userId":"u","action":"a","metadata":' + metadata + b"}"


MALFORMED = {
    "cut": b'{"userId":"u","action":"a"',
    "cut in a string": b'{"userId":"u',
    "cut in an escape": b'{"userId":"u\\u00',
    "one brace": b"{",
    "a comma too many": b'{"userId":"u","action":"a",}',
    "a comma too few": b'{"userId":"u" "action":"a"}',
    "single quotes": b"{'userId':'u','action':'a'}",
    "a comment": b'{"userId":"u",/* me */"action":"a"}',
    "something behind it": b'{"userId":"u","action":"a"} {"userId":"u","action":"a"}',
    "a NUL behind it": b'{"userId":"u","action":"a"}\x00',
    "a NUL inside": b'{"userId":"u",\x00"action":"a"}',
    "a line feed in a string": b'{"userId":"u\n","action":"a"}',
    "a byte order mark": b'\xef\xbb\xbf{"userId":"u","action":"a"}',
    "UTF-16": '{"userId":"u","action":"a"}'.encode("utf-16-le"),
    "an invalid byte": b'{"userId":"\xff","action":"a"}',
    "an overlong form": b'{"userId":"\xc0\xaf","action":"a"}',
    "a surrogate in UTF-8": b'{"userId":"\xed\xa0\x80","action":"a"}',
    "a code point beyond Unicode": b'{"userId":"\xf4\x90\x80\x80","action":"a"}',
    "a character cut in two": b'{"userId":"\xe2\x82","action":"a"}',
    "a lone high surrogate": b'{"userId":"\\ud83d","action":"a"}',
    "a lone low surrogate": b'{"userId":"\\ude00","action":"a"}',
    "surrogates in the wrong order": good_with(b'{"k":"\\ude00\\ud83d"}'),
    "a lone surrogate in a key": good_with(b'{"\\ud800":1}'),
    "an invalid byte in metadata": good_with(b'{"k":"\x80"}'),
    "an invalid byte in a key": good_with(b'{"\x80":1}'),
    "a bad escape": good_with(b'{"k":"\\x41"}'),
    "a number with a leading zero": good_with(b'{"k":01}'),
    "a number with a plus": good_with(b'{"k":+1}'),
    "a number without digits behind the point": good_with(b'{"k":1.}'),
    "a number without digits before the point": good_with(b'{"k":.5}'),
    "a hexadecimal number": good_with(b'{"k":0x10}'),
    "NaN": good_with(b'{"k":NaN}'),
    "Infinity": good_with(b'{"k":-Infinity}'),
    "True": good_with(b'{"k":True}'),
    "an unknown word": good_with(b'{"k":undefined}'),
    "100,000 open brackets": b'{"userId":' + b"[" * 100000,
    "100,000 open objects": good_with(b'{"a":' * 20000),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(shared, name):
    """Guards the parser's border: what is no JSON in UTF-8 is refused as a whole, and the service goes on."""
    expect.problem(shared.post(MALFORMED[name]), 400, "")
    assert shared.get("/livez").status == 200


@pytest.mark.parametrize("text", [b"1", b"-", b'"text"', b"true", b"null", b"nul"])
def test_json_of_another_kind(shared, text):
    """Guards against bodies that are JSON but no activity."""
    expect.problem(shared.post(text), 400, "")


DOUBLED = {
    "userId": (b'{"userId":"u","action":"a","userId":"v"}', "/userId"),
    "action": (b'{"action":"a","userId":"u","action":"a"}', "/action"),
    "metadata": (b'{"userId":"u","action":"a","metadata":{},"metadata":{}}', "/metadata"),
    "userId by an escape": (b'{"userId":"u","action":"a","user\\u0049d":"v"}', "/userId"),
    "a key of metadata": (good_with(b'{"k":1,"l":2,"k":3}'), "/metadata/k"),
    "a key of metadata by an escape": (good_with(b'{"k":1,"\\u006b":2}'), "/metadata/k"),
    "a key deep inside": (good_with(b'{"o":[{"p":{"k":1,"k":1}}]}'), "/metadata/o/0/p/k"),
    "a key among many": (good_with(json.dumps({f"k{i}": i for i in range(500)}).encode()[:-1] + b',"k250":0}'), "/metadata/k250"),
}


@pytest.mark.parametrize("name", DOUBLED)
def test_doubled_keys(shared, name):
    """Guards against two readers seeing two different activities in one text."""
    body, pointer = DOUBLED[name]
    expect.problem(shared.post(body), 400, pointer)


# --- sizes of bodies ---

def padded(size):
    """An activity of exactly so many bytes, most of it insignificant white space."""
    return GOOD_START + b" " * (size - len(GOOD_START) - 1) + b"}"


GOOD_START = b'{"userId":"validation","action":"a"'


def test_one_activity_of_128_kib(shared):
    """Guards both sides of the limit for the text of one activity."""
    expect.accepted_one(shared.post(padded(128 * KIB)))
    expect.problem(shared.post(padded(128 * KIB + 1)), 413, "")


def test_a_body_of_16_mib(shared):
    """Guards both sides of the limit for a body: one byte more is refused before it is read, and the service goes on."""
    with shared.connect() as connection:
        size = 16 * KIB * KIB
        body = b"[" + GOOD_START + b"}" + b" " * (size - len(GOOD_START) - 3) + b"]"
        assert len(body) == size
        answer = connection.post("/logs", body)
        assert answer.status == 202 and answer.json["accepted"] == 1, answer
    with shared.connect() as connection:
        connection.send(connection.head("POST", "/logs", [("Content-Type", "application/json"), ("Content-Length", size + 1)]))
        expect.problem(connection.read_answer(), 413)
        assert connection.is_closed_by_server()


@pytest.mark.parametrize("length", [str(10**12), str(2**63 - 1), str(2**63), str(2**64), "9" * 40])
def test_a_length_beyond_everything(shared, length):
    """Guards against lengths that overflow: refused at once, without waiting for the body."""
    with shared.connect() as connection:
        connection.send(connection.head("POST", "/logs", [("Content-Length", length)]))
        answer = connection.read_answer()
        assert answer.status in (400, 413), answer
        expect.problem(answer, answer.status)


def test_a_chunked_body_beyond_the_limit(shared):
    """Guards the same limit for a body that does not tell its length: refused as soon as it is too large."""
    with shared.connect() as connection:
        connection.send(connection.head("POST", "/logs", [("Transfer-Encoding", "chunked")]))
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(20):
                connection.send(chunk)
        except OSError:
            pass  # it stopped reading, which is what it should do
        expect.problem(connection.read_answer(), 413)
