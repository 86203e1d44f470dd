"""Logs that were not left as they had been written: torn at the end, damaged in the middle, parts gone. With a store in memory,
which is filled from the log at each start, so that what the log lost is seen."""

import re
import struct
import subprocess

import pytest

import expect

MAGIC = b"\xf8UT\x01"  # begins each commit; see segment_format.h
HEADER = struct.Struct("<4sI16sQQIIQII")
HEADER_BYTES = 64


def commits_of(path):
    """(start, end, number of frames) of each commit of a segment."""
    data, at, found = path.read_bytes(), 0, []
    while data[at:at + 4] == MAGIC:
        body, count = HEADER.unpack_from(data, at)[5:7]
        found.append((at, at + HEADER_BYTES + body, count))
        at = found[-1][1]
    return found


def flip(path, offset, bit=0):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


@pytest.fixture
def make_service(make_service):
    return lambda *flags, **options: make_service("--store", "memory", *flags, **options)


@pytest.fixture
def killed(fresh):
    """A service that was killed after 60 activities, each of which is a commit of its own; and their ids in order."""
    ids = [fresh.record({"userId": "u", "action": "a", "id": f"damage-{number:02}", "metadata": {"k": "v" * 200}})["id"]
           for number in range(60)]
    fresh.kill()
    segment, = [path for path in fresh.segments() if commits_of(path)]
    assert len(commits_of(segment)) == 60, "the tests below count on it"
    return fresh, segment, ids


def ids_of(service):
    return [row["id"] for row in service.walk("&order=asc")]


@pytest.mark.parametrize("missing", [1, 7, 200, "body", "half of the header", "none"])
def test_a_torn_tail(killed, missing):
    """Guards the start after a crash in the middle of a write: what is incomplete at the very end goes, everything before it
    stays, and the log goes on behind it."""
    service, segment, ids = killed
    start, end, _ = commits_of(segment)[-1]
    named = {"body": end - start - HEADER_BYTES, "half of the header": end - start - HEADER_BYTES // 2, "none": 0}
    cut = named.get(missing, missing)
    data = segment.read_bytes()
    segment.write_bytes(data[:end - cut] + bytes(len(data) - end + cut))
    service.start()
    wanted = ids if missing == "none" else ids[:-1]
    assert ids_of(service) == wanted
    service.record({"userId": "u", "action": "a", "id": "after"})
    service.wait_stored("after")
    for _ in range(2):
        service.restart()
        assert sorted(ids_of(service)) == sorted([*wanted, "after"])


def test_a_file_that_ends_early(killed):
    """Guards the same for a file whose end is gone, not overwritten by zeros."""
    service, segment, ids = killed
    segment.write_bytes(segment.read_bytes()[:commits_of(segment)[-1][1] - 3])
    service.start()
    assert ids_of(service) == ids[:-1]
    service.record({"userId": "u", "action": "a", "id": "after"})
    service.restart()
    assert sorted(ids_of(service)) == sorted([*ids[:-1], "after"])


@pytest.mark.parametrize("place", ["magic", "header", "frame header", "text"])
@pytest.mark.parametrize("number", [0, 30, 58])
def test_a_flipped_bit(killed, place, number):
    """Guards everything around damage: one commit is hit, it is reported and never served altered, all others are served, and
    the log goes on."""
    service, segment, ids = killed
    start, end, _ = commits_of(segment)[number]
    flip(segment, {"magic": start, "header": start + 30, "frame header": start + HEADER_BYTES + 14, "text": end - 20}[place], 3)
    service.start()
    found = service.walk("&order=asc")
    # Whether the header or the activity itself is hit decides whether the activity can be saved.
    assert [row["id"] for row in found] in (ids[:number] + ids[number + 1:], ids)
    if place == "text":
        assert len(found) == 59
    health = service.get("/health").json
    assert health["eventLog"]["missing"] == 60 - len(found)
    assert health["status"] == ("ok" if len(found) == 60 else "degraded")
    assert all(row["metadata"] == {"k": "v" * 200} for row in found)
    assert re.search(r'"level":"(warning|error)"', service.stderr), service.stderr
    assert segment.name in service.stderr or re.search("damage|corrupt", service.stderr), service.stderr
    service.record({"userId": "u", "action": "a", "id": "after"})
    service.restart()
    assert "after" in ids_of(service)


def test_an_intact_log_reports_nothing(killed):
    """Guards the judge of the test above: without damage there is no warning."""
    service, _, ids = killed
    service.start()
    assert ids_of(service) == ids
    assert '"level":"error"' not in service.stderr
    service.restart()
    assert '"level":"error"' not in service.stderr and '"level":"warning"' not in service.stderr


def test_random_damage(killed):
    """Guards the reader against anything: many random bytes in many random places; it starts, serves only what was sent and
    tells that something is gone."""
    service, segment, ids = killed
    end = commits_of(segment)[-1][1]
    original = segment.read_bytes()
    for seed in range(8):
        data = bytearray(original)
        state = seed + 1
        for _ in range(1 + seed * 4):
            state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
            data[(state >> 33) % end] = state >> 57
        segment.write_bytes(data)
        service.start()
        found = service.walk("&order=asc")
        assert all(row["metadata"] == {"k": "v" * 200} for row in found)
        assert [row["id"] for row in found] == [activity_id for activity_id in ids if activity_id in {row["id"] for row in found}]
        assert len(found) >= 60 - 2 * (1 + seed * 4)
        service.kill()
        for path in service.segments():
            if path != segment:
                path.unlink()


def test_a_segment_that_is_gone(make_service):
    """Guards against a hole that nobody sees: a file missing in the middle is told, everything else is served."""
    service = make_service("--log-segment-bytes", "64KiB").start()
    for start in range(0, 600, 20):
        service.post([{"userId": "u", "action": "a", "id": f"{number:03}", "metadata": {"k": "v" * 900}}
                      for number in range(start, start + 20)])
    service.stop()
    segments = [path for path in service.segments() if commits_of(path)]
    assert len(segments) > 5
    segments[3].unlink()
    service.start()
    assert 500 < len(service.walk()) < 600
    assert re.search(r'"level":"(warning|error)"', service.stderr), service.stderr
    service.record({"userId": "u", "action": "a", "id": "after"})
    service.restart()
    assert "after" in ids_of(service)
    service.stop()


def test_a_segment_of_something_else(make_service):
    """Guards against serving bytes that are no log, and against destroying what may be somebody's only copy: nothing of them
    is ever an activity, they are kept aside, and the log works."""
    service = make_service()
    (service.data / "log").mkdir(parents=True)
    foreign = b'{"id":"x","userId":"u","action":"a"}\n' * 1000
    (service.data / "log" / "0000000001.segment").write_bytes(foreign)
    service.start()
    assert service.walk() == []
    kept, = (service.data / "log" / "set-aside").iterdir()
    assert kept.read_bytes() == foreign
    service.record({"userId": "u", "action": "a", "id": "after"})
    service.restart()
    assert ids_of(service) == ["after"]
    service.stop()


def test_the_files_are_removed_under_it(fresh):
    """Guards "202 means durable" where somebody removes the folder of a running service: what would be gone after a restart
    is not promised, the ready probe says why, and a restart begins anew."""
    fresh.wait_stored(fresh.record({"userId": "u", "action": "a"})["id"])
    for path in fresh.segments():
        path.unlink()
    for _ in range(2):
        expect.problem(fresh.post({"userId": "u", "action": "a"}), 503)
    assert "removed" in expect.problem(fresh.get("/readyz"), 503)["detail"]
    assert len(fresh.walk()) >= 1
    fresh.kill()
    fresh.start()
    fresh.record({"userId": "u", "action": "a"})


@pytest.mark.parametrize("how", ["gone", "empty", "changed"])
def test_the_id_of_the_log(killed, how):
    """Guards a log whose small file with its id was lost: nothing is taken for another log's, and it is told."""
    service, _, ids = killed
    path = service.data / "log" / "log-id"
    before = path.read_bytes()
    path.unlink()
    if how != "gone":
        path.write_bytes(b"" if how == "empty" else before.replace(b"-", b"_"))
    service.start()
    assert ids_of(service) == ids
    assert '"level":"error"' in service.stderr
    service.restart()
    assert ids_of(service) == ids
    # "usertrail-event-log FORMAT ID CRC": of the newest format, since nobody knows what it was.
    name, version, log_id, _ = before.split()
    assert path.read_bytes().split()[:3] == [name, b"2", log_id] and version == b"1"
    assert '"level":"error"' not in service.stderr


def test_a_segment_with_an_impossible_number(make_service):
    """Guards against counting on from a number that somebody made up: the log works, also after a restart."""
    service = make_service()
    (service.data / "log").mkdir(parents=True)
    (service.data / "log" / "9223372036854775807.segment").touch()
    service.start()
    service.record({"userId": "u", "action": "a", "id": "kept"})
    service.restart()
    assert ids_of(service) == ["kept"]
    service.stop()


@pytest.mark.parametrize("name", ["0000000009.segment", "00000000001.segment"])
def test_a_copy_of_a_segment(make_service, name):
    """Guards a folder into which somebody copied a segment: it is refused by name or ignored, and hides nothing."""
    service = make_service("--log-segment-bytes", "64KiB").start()
    for number in range(200):
        service.record({"userId": "u", "action": "a", "id": f"copy-{number:03}", "metadata": {"k": "v" * 1000}})
    service.stop()
    first, *others = sorted(service.segments())
    assert len(others) >= 2
    copy = first.with_name(name)
    copy.write_bytes(first.read_bytes())
    service.launch()
    if name == "0000000009.segment":
        assert service.wait_end() == 1
        assert "move it out" in service.stderr
        copy.unlink()
        service.launch()
    service.wait_ready()
    assert len(ids_of(service)) == 200
    service.stop()


def test_folders_are_private(fresh):
    """Guards the data from other users of the machine."""
    fresh.record({"userId": "u", "action": "a"})
    modes = subprocess.run(["find", fresh.data, "-perm", "/o+rwx"], capture_output=True, text=True, check=True)
    assert modes.stdout == ""
