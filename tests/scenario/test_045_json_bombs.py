"""Bodies that are made to cost much: depth, width and length, alone, in arrays and as events, in bounded memory and time."""

import time

import pytest

import expect
import pair
import service as services

MIB = 1 << 20
KIB = 1 << 10
BODY = 16 * MIB  # the largest that is taken

# A body is held once, what is read out of it and an answer that tells each of 10,000 items eight faults come on top, the
# latter three times for a moment: where it is made, where it is kept until its turn, and on its way.
# Where it is accepted, a client of Kafka has it twice more, encoded and until it is acknowledged.
EXTRA_BYTES_MAX = (64 + 32 * (pair.LOG == "kafka")) * MIB
SECONDS_MAX = 5

ONE = "application/json"
EVENT = "application/cloudevents+json"
EVENTS = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
ACTIVITY = b'{"userId":"bombs","action":"a","metadata":{"a":'
ATTRIBUTES = b'{"specversion":"1.0","id":"bomb","source":"/bombs","type":"a","subject":"bombs"'
FIELDS = [("ce-specversion", "1.0"), ("ce-id", "bomb"), ("ce-source", "/bombs"), ("ce-type", "a"), ("ce-subject", "bombs")]


def filled(head, unit, tail=b"", size=BODY):
    """As many units between head and tail as fit."""
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def array_of(item, count):
    return b"[" + b",".join([item] * count) + b"]"


def lines_of(line, count):
    return b"\n".join([line] * count)


def keys(count):
    return b",".join(b'"k%d":0' % number for number in range(count))


def faults(members):
    return b"{" + members + b',"' + b"k" * 1300 + b'":0}'


BOMBS = {
    "depth of arrays": (lambda: filled(b"", b"["), ONE, 400),
    "depth of objects": (lambda: filled(b"", b'{"a":'), ONE, 413),
    "depth that closes": (lambda: ACTIVITY + b"[" * 60000 + b"]" * 60000 + b"}}", ONE, 400),
    "depth in an item": (lambda: filled(b"[" + ACTIVITY, b"["), ONE, 400),
    "depth that closes in items": (lambda: array_of(ACTIVITY + b"[" * 60000 + b"]" * 60000 + b"}}", 130), ONE, 400),
    "depth of data": (lambda: filled(ATTRIBUTES + b',"data":', b"["), EVENT, 413),
    "depth of data that closes": (lambda: ATTRIBUTES + b',"data":' + b"[" * 60000 + b"]" * 60000 + b"}", EVENT, 400),
    "depth of data in a batch": (lambda: array_of(ATTRIBUTES + b',"data":' + b"[" * 60000 + b"]" * 60000 + b"}", 130), EVENTS, 400),
    "depth beside attributes": (lambda: filled(b"", b"[", size=127 * KIB), None, 400),
    "width of an array": (lambda: filled(b"[", b"{},", b"{}]"), ONE, 413),
    "width of nothing": (lambda: array_of(b"0", 10000), ONE, 400),
    "width of metadata": (lambda: filled(ACTIVITY + b"[", b"[],", b"0]}}", 127 * KIB), ONE, 400),
    "width of metadata that is too large": (lambda: filled(ACTIVITY + b"[", b"[],", b"0]}}"), ONE, 413),
    "width of metadata in items": (lambda: array_of(filled(ACTIVITY + b"[", b"[],", b"0]}}", 127 * KIB), 128), ONE, 400),
    "width of keys": (lambda: ACTIVITY + b"{" + keys(8000) + b"}}}", ONE, 400),
    "width of keys that are one": (lambda: filled(ACTIVITY + b"{", b'"k":0,', b'"k":0}}}', 127 * KIB), ONE, 400),
    "width of keys in items": (lambda: array_of(b'{"userId":"bombs","action":"a","metadata":{' + keys(6000) + b"}}", 220), ONE, 202),
    "width of members": (lambda: b'{"userId":"bombs","action":"a",' + keys(9000) + b"}", ONE, 400),
    "width of data": (lambda: array_of(filled(ATTRIBUTES + b',"data":[', b"[],", b"0]}", 127 * KIB), 128), EVENTS, 400),
    "width of attributes": (lambda: ATTRIBUTES + b"," + keys(9000) + b"}", EVENT, 400),
    "width of attributes that are one": (lambda: filled(ATTRIBUTES, b',"k":0', b"}", 127 * KIB), EVENT, 400),
    "width of attributes in a batch": (lambda: array_of(ATTRIBUTES + b"," + keys(9000) + b"}", 150), EVENTS, 400),
    "a long key": (lambda: filled(b'{"', b"k", b'":0}'), ONE, 413),
    "a long key that fits": (lambda: filled(b'{"', b"k", b'":0}', 127 * KIB), ONE, 400),
    "long keys in items": (lambda: array_of(filled(b'{"', b"/", b'":0}', 127 * KIB), 128), ONE, 400),
    "a long name of an attribute": (lambda: filled(ATTRIBUTES + b',"', b"k", b'":{}}', 127 * KIB), EVENT, 400),
    "a long key of data": (lambda: filled(ATTRIBUTES + b',"data":{"', b"k", b'":0}}', 127 * KIB), EVENT, 400),
    "a long number": (lambda: filled(ACTIVITY, b"9", b"}}", 127 * KIB), ONE, 400),
    "a long text of escapes": (lambda: array_of(filled(ACTIVITY + b'"', b"\\u0001", b'"}}', 60 * KIB), 260), ONE, 202),
    "a long source": (lambda: filled(ATTRIBUTES[:-len(b',"subject":"bombs"')].replace(b'"/bombs"', b'"'), b"s", b'"}', 127 * KIB), EVENT, 400),
    "bytes beside attributes": (lambda: bytes(range(256)) * (BODY // 256), "image/png", 413),
    "base64 beside attributes": (lambda: b"\xff" * 127 * KIB, "image/png", 413),
    "faults": (lambda: array_of(faults(b'"userId":1,"action":2,"timestamp":3,"id":4,"metadata":5,"m":6,"n":7'), 10000), ONE, 400),
    "depth of lines": (lambda: lines_of(ACTIVITY + b"[" * 120000, 130), LINES, 400),
    "depth that closes in lines": (lambda: lines_of(ACTIVITY + b"[" * 60000 + b"]" * 60000 + b"}}", 130), LINES, 400),
    "width of metadata in lines": (lambda: lines_of(filled(ACTIVITY + b"[", b"[],", b"0]}}", 127 * KIB), 128), LINES, 400),
    "width of keys that are one in lines": (lambda: lines_of(filled(ACTIVITY + b"{", b'"k":0,', b'"k":0}}}', 127 * KIB), 128), LINES, 400),
    "width of members in lines": (lambda: lines_of(b'{"userId":"bombs","action":"a",' + keys(9000) + b"}", 150), LINES, 400),
    "a line that never ends": (lambda: filled(ACTIVITY + b'"', b"x"), LINES, 400),
    "lines of nothing": (lambda: filled(b"", b"\n"), LINES, 400),
    "lines of one byte": (lambda: filled(b"", b"1\n", size=2 * MIB), LINES, 400),
    "long keys in lines": (lambda: lines_of(filled(b'{"', b"/", b'":0}', 127 * KIB), 128), LINES, 400),
    "faults of lines": (lambda: lines_of(faults(b'"userId":1,"action":2,"timestamp":3,"id":4,"metadata":5,"m":6,"n":7'), 10000), LINES, 400),
    "faults of events": (lambda: array_of(faults(b'"A":1,"B":2,"C":3,"D":4,"E":5,"F":6,"G":7'), 10000), EVENTS, 400),
}


def forget_peak(service):
    with open(f"/proc/{service.process.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


# Without servers and with all of them: what other pairs could add is what they do with bodies that are accepted.
in_front_of_the_log = pair.needs(pair.LOCAL or pair.GROUP, "what lies before the log is the same for every pair")


def bombs():
    """As parameters: only what is accepted gets as far as a log."""
    return [pytest.param(name, marks=[] if status == 202 else in_front_of_the_log) for name, (_, _, status) in BOMBS.items()]


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_costs_no_more_than_a_body(shared, name):
    """Guards memory and time: whatever a body of at most 16 MiB holds, it is answered in words at once and in bounded memory."""
    make, content_type, status = BOMBS[name]
    body = make()
    assert len(body) <= BODY
    headers = [("Content-Type", content_type or ONE)]
    if "beside attributes" in name:
        headers += FIELDS
    forget_peak(shared)
    before = shared.peak_bytes()
    started = time.monotonic()
    answer = shared.post(body, headers)
    seconds = time.monotonic() - started
    if not services.SANITIZED:
        extra = shared.peak_bytes() - before
        assert extra <= EXTRA_BYTES_MAX, f"{extra / MIB:.1f} MiB more than {before / MIB:.1f} MiB"
    assert answer.status == status, str(answer)[:1000]
    if status == 202:
        assert answer.json["accepted"] + answer.json["rejected"] == len(answer.json["results"])
    else:
        expect.check_problem(answer.json, status, *[fault["pointer"] for fault in answer.json.get("errors", [])])
    assert seconds < SECONDS_MAX * services.PATIENCE, f"{seconds:.1f} s"
    assert shared.get("/livez").status == 200


@in_front_of_the_log
def test_a_bomb_leaves_nothing_behind(shared):
    """Guards against memory that only grows: after all of them, ten times the dearest ones cost no more than once."""
    if services.SANITIZED:
        pytest.skip("sanitizers keep freed memory to find uses of it")
    dear = [BOMBS[name] for name in ("faults", "faults of events", "width of metadata in items")]
    bodies = [(make(), [("Content-Type", content_type)]) for make, content_type, _ in dear]
    for body, headers in bodies:
        shared.post(body, headers)
    forget_peak(shared)
    before = shared.peak_bytes()
    for _ in range(10):
        for body, headers in bodies:
            shared.post(body, headers)
    extra = shared.peak_bytes() - before
    assert extra <= EXTRA_BYTES_MAX, f"{extra / MIB:.1f} MiB more than {before / MIB:.1f} MiB"
