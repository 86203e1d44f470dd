"""The store on disk: what it makes durable, what a restart finds, and what it says of files that are not as they were."""

import pytest

import expect
import service as services

LIST = "/api/v1/activities"


def activities(first, count, **members):
    return [{"userId": f"u{number % 7}", "action": f"a{number % 3}", "id": f"s-{number:06}", "metadata": {"n": number}, **members}
            for number in range(first, first + count)]


def parts_of(service):
    return sorted((service.data / "store").glob("*.part"))


def record(service, first, count):
    for start in range(first, first + count, 1000):
        assert service.post(activities(start, min(1000, first + count - start))).status == 202


def test_a_stop_leaves_all_in_the_store(fresh):
    """Guards quick restarts: behind a clean stop the log is empty, nothing is replayed, and everything is there."""
    record(fresh, 0, 5000)
    fresh.stop()
    assert len(parts_of(fresh)) == 1 and [path.stat().st_size for path in fresh.segments()] == [64], "a seal is all that is left"
    fresh.start()
    health = fresh.get("/health").json
    assert health["store"] == {**health["store"], "kind": "local", "durable": True, "activities": 5000}
    assert health["worker"]["stored"] == 0 and health["worker"]["redelivered"] == 0
    assert sorted(row["id"] for row in fresh.walk(limit=1000)) == [activity["id"] for activity in activities(0, 5000)]
    assert len(fresh.walk("&userId=u3&action=a1", 50)) == len([n for n in range(5000) if n % 7 == 3 and n % 3 == 1])


def test_a_log_that_was_kept_for_another_store(make_service):
    """Guards the disk: a log that was sealed before the store covered it is given back at the next stop, too."""
    service = make_service()
    service.start("--store", "memory")
    record(service, 0, 1000)
    service.stop()
    assert sum(path.stat().st_size for path in service.segments()) > 50_000
    service.start()
    service.wait_settled()
    service.stop()
    assert [path.stat().st_size for path in service.segments()] == [64]
    service.start()
    assert len(service.walk()) == 1000
    service.stop()


def test_parts_and_the_log_together(fresh):
    """Guards the seam between what is in parts and what is replayed: kills at any moment neither lose nor double."""
    for turn in range(6):
        record(fresh, turn * 700, 700)
        record(fresh, turn * 700, 50)  # sent again
        (fresh.stop if turn % 3 == 2 else fresh.kill)()
        fresh.start()
    fresh.wait_settled()
    assert sorted(row["id"] for row in fresh.walk(limit=1000)) == [activity["id"] for activity in activities(0, 4200)]
    fresh.record({"userId": "u0", "action": "other", "id": "s-000000"})
    fresh.wait_settled()
    assert fresh.get("/health").json["worker"]["conflict"] == 1
    assert fresh.get(f"{LIST}/s-000000").json["action"] == "a0"


def test_late_activities(fresh):
    """Guards the order of answers: days late or in order, before or after a restart, rows come by their timestamps."""
    days = [f"2024-03-{day:02}T12:00:00Z" for day in range(1, 31)]
    for turn, step in enumerate((7, 11, 13)):
        for number in range(30):
            fresh.record({"userId": "late", "action": f"t{turn}", "timestamp": days[number * step % 30]})
        fresh.restart()
    rows = fresh.walk("&userId=late", 7)
    assert len(rows) == 90
    assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)


def test_a_small_log_never_fills(make_service, tmp_path):
    """Guards against a store that waits too long: the log is relieved in time, so that many times its size goes through it."""
    service = make_service("--log-bytes", "2MiB", "--log-segment-bytes", "256KiB").start()
    process = services.start_load(service, tmp_path / "ledger", "--connections", 8, "--count", 20000)
    figures = services.finish_load(process)
    assert figures["bodyBytes"] > 4 << 20 and figures["statuses"] == {"202": figures["acknowledged"]}, figures
    services.check_ledger_over_a_kill(service, tmp_path / "ledger")
    service.stop()


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)


def test_a_damaged_page_is_told(fresh):
    """Guards against wrong answers: a flipped bit is an error that names the part, never a changed row; the rest is served."""
    record(fresh, 0, 2000)
    fresh.stop()
    part, = parts_of(fresh)
    flip(part, 100)  # in the first page, that of the oldest rows
    fresh.start()
    answer = fresh.get(f"{LIST}?order=asc&limit=5")
    assert expect.problem(answer, answer.status)["status"] >= 500
    assert fresh.get(f"{LIST}?limit=5").json["results"] == 5
    assert fresh.get("/livez").status == 200


@pytest.mark.parametrize("damage, words", [
    (lambda part, manifest: part.unlink(), "part"),
    (lambda part, manifest: part.write_bytes(part.read_bytes()[:-1]), "part 1"),
    (lambda part, manifest: flip(part, part.stat().st_size - 40), "part 1"),
    (lambda part, manifest: flip(manifest, 30), "manifest"),
    (lambda part, manifest: flip(manifest, 9), "newer version"),
    (lambda part, manifest: manifest.unlink(), "manifest is gone"),
])
def test_a_store_that_cannot_be_opened(fresh, damage, words):
    """Guards against serving half a store as if it were whole: the start ends with a message that says what is wrong."""
    record(fresh, 0, 100)
    fresh.stop()
    part, = parts_of(fresh)
    damage(part, fresh.data / "store" / "manifest")
    fresh.launch()
    assert fresh.wait_end() == 1
    assert words in fresh.stderr, fresh.stderr
    assert len(parts_of(fresh)) == (0 if words == "part" else 1), "nothing is removed"


def test_leftovers_are_removed(fresh):
    """Guards the folder from what crashes leave behind: a part that no manifest names is gone after the next start."""
    record(fresh, 0, 100)
    fresh.stop()
    part, = parts_of(fresh)
    (part.parent / "00000000000000ff.part").write_bytes(part.read_bytes())
    (part.parent / "notes.txt").write_text("somebody's own")
    fresh.start()
    assert parts_of(fresh) == [part] and (part.parent / "notes.txt").exists()
    assert len(fresh.walk()) == 100


HEX_WORDS = ("deadbeef0", "abcdefab12", "0badcafe", "deadbeef0g", "12345678a", "f" * 61 + "1", "a" * 62 + "1", "1" * 62 + "a",
             "d74b9780239f8b43d74b9780239f8b43d74b9780239f8b43d74b9780239f8b43", "-7.50", "00120", "x86_64")


def test_words_that_look_like_numbers(fresh):
    """Guards what is taken out of metadata before it is compressed: hexadecimal words of any length come back as they were."""
    rows = [{"userId": "hex", "action": "A", "id": f"h-{number:06}", "metadata": {"word": HEX_WORDS[number % len(HEX_WORDS)],
                                                                                 "more": f"{number:x}{'ab' * (number % 30)}{number % 7}"}}
            for number in range(3000)]
    for start in range(0, len(rows), 1000):
        assert fresh.post(rows[start:start + 1000]).status == 202
    fresh.stop()
    assert len(parts_of(fresh)) == 1
    fresh.start()
    found = {row["id"]: row["metadata"] for row in fresh.walk(limit=1000)}
    assert found == {row["id"]: row["metadata"] for row in rows}
