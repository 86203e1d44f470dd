"""Retention: what is too old or too much goes, is counted, and does not come back."""

import random
import time

import service as services
import wire

DAY = 24 * 3600
COUNT = 200


def aged(days, count=COUNT, metadata_bytes=2):
    """Activities of that age, which their ids tell, with metadata that does not shrink much."""
    made = random.Random(days)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * DAY))
    return [{"userId": f"u{number % 5}", "action": "aged", "id": f"d{days}-{number:04}", "timestamp": at,
             "metadata": {"x": made.randbytes(metadata_bytes // 2).hex()}} for number in range(count)]


def record_parts(service, *parts):
    """Each in a part of its own, which a clean stop writes; before any retention applies."""
    for activities in parts:
        service.start()
        service.record(activities)
        service.stop()
    assert len(part_files(service)) == len(parts)


def part_files(service):
    return sorted((service.data / "store").glob("*.part"))


def expired(service):
    return service.get("/health").json["worker"]["expired"]


def wait_expired(service, count):
    wire.wait_until(lambda: expired(service) >= count, f"{count} expired", 20 * services.PATIENCE, 0.01)
    assert expired(service) == count


def ages(service):
    return sorted({int(row["id"][1:].split("-")[0]) for row in service.walk()})


def test_old_activities_go(make_service):
    """Guards the promise to forget: a part that is too old is gone after a start, counted, and stays gone; others stay."""
    service = make_service()
    record_parts(service, aged(50), aged(10))
    service.start("--retention-days", 30)
    wait_expired(service, COUNT)
    assert ages(service) == [10] and len(service.walk()) == COUNT
    assert service.get("/api/v1/activities/d50-0000").status == 404
    assert service.get("/health").json["store"]["activities"] == COUNT
    service.restart("--retention-days", 30)
    service.restart()  # without a retention: it does not come back
    assert expired(service) == 0 and ages(service) == [10] and len(part_files(service)) == 1
    service.stop()


def test_old_activities_that_just_came_go(make_service):
    """Guards against a replay that brings back what had expired: of recent activities, those that are too old go, to the row."""
    service = make_service("--retention-days", 30).start()
    service.record([activity for pair in zip(aged(50), aged(10)) for activity in pair])
    service.wait_settled()
    for _ in range(2):  # nothing is in a part yet: each start gets all of them out of the log
        service.kill()
        service.start()
        wait_expired(service, COUNT)
        assert ages(service) == [10] and len(service.walk()) == COUNT
    service.restart()
    assert expired(service) == 0 and ages(service) == [10]
    service.stop()


def test_the_memory_store_forgets(make_service):
    """Guards the same for the store that is filled from the log at every start."""
    service = make_service("--store", "memory", "--retention-days", 30).start()
    service.record(aged(50) + aged(10))
    service.restart()
    wait_expired(service, COUNT)
    assert ages(service) == [10] and len(service.walk()) == COUNT
    service.stop()


def test_everything_is_kept_by_default(make_service):
    """Guards against forgetting what nobody said to forget."""
    service = make_service()
    record_parts(service, aged(9000), aged(50))
    service.start()
    service.record(aged(8000))
    service.restart()
    assert expired(service) == 0 and ages(service) == [50, 8000, 9000]
    service.stop()


def test_a_store_that_is_too_large(make_service):
    """Guards the disk: the parts that came first go, whatever times their clients said; the newest stays, also when a part that is
    written later makes room for itself."""
    service = make_service()
    large = {"count": 1000, "metadata_bytes": 900}
    record_parts(service, aged(3, **large), aged(7, **large), aged(5, **large))
    sizes = [path.stat().st_size for path in part_files(service)]
    assert 1 << 19 < min(sizes) and max(sizes) < 1 << 20, "the test counts on it"
    service.start("--retention-bytes", "1MiB")
    wait_expired(service, 2000)
    assert ages(service) == [5] and len(service.walk()) == 1000
    assert "the oldest activities were dropped" in service.stderr
    service.record(aged(1, **large))
    service.stop()
    assert len(part_files(service)) == 1
    service.start("--retention-bytes", "1MiB")
    assert expired(service) == 0 and ages(service) == [1] and len(service.walk()) == 1000
    service.stop()
