"""No room, a slow disk, a disk that fails: nothing is promised that is not kept, reads go on, and what is there stays."""

import select
import shutil
import subprocess
import time

import pytest

import expect
import metrics
import service as services

LIST = "/api/v1/activities"
SOURCE = services.ROOT / "tests" / "scenario" / "fail_disk.c"


def activity(number, size=1000):
    return {"userId": "full", "action": "a", "id": f"full-{number:05}", "metadata": {"k": "v" * size}}


def fill(service, most=5000):
    """Posts until it is refused; returns how many were acknowledged and the refusal."""
    for number in range(most):
        answer = service.post(activity(number))
        if answer.status != 202:
            return number, answer
    raise AssertionError(f"{most} activities and still room")


def check_reads(service, count):
    service.wait_settled()
    assert [row["id"] for row in service.walk("&order=asc")] == [activity(number)["id"] for number in range(count)]
    assert service.get(f"{LIST}/{activity(0)['id']}").status == 200
    assert service.get("/readyz").status == 200 and service.get("/livez").status == 200


def test_the_log_is_full(make_service):
    """Guards the bound on the log when the store makes nothing durable: 507 with Retry-After, reads go on, and all that was
    acknowledged is there, also after a restart and after the bound was raised."""
    service = make_service("--log-segment-bytes", "64KiB", "--store", "memory").start("--log-bytes", "1MiB")
    count, answer = fill(service)
    expect.problem(answer, 507)
    assert 700 < count < 1100
    check_reads(service, count)
    assert service.get("/health").json["eventLog"]["state"] != "ok"
    expect.problem(service.post([activity(9000), activity(9001)]), 507)
    assert service.stderr.count("the event log is full") == 1
    for end in (service.stop, service.kill):
        end()
        service.start("--log-bytes", "1MiB")
        check_reads(service, count)
        expect.problem(service.post(activity(9000)), 507)
    service.stop()
    service.start("--log-bytes", "2MiB")
    service.record(activity(count))
    check_reads(service, count + 1)
    service.stop()


def test_the_log_is_full_for_many_at_once(make_service, tmp_path):
    """Guards the edge of the bound under load: every single answer is kept, 202 or 507 alike."""
    service = make_service("--log-bytes", "2MiB", "--log-segment-bytes", "256KiB", "--store", "memory").start()
    process = services.start_load(service, tmp_path / "ledger", "--connections", 16, "--seconds", 2 * services.PATIENCE)
    figures = services.finish_load(process)
    assert figures["acknowledged"] > 1000 and figures["statuses"].get("507", 0) > 0, figures
    services.check_ledger_over_a_kill(service, tmp_path / "ledger")
    service.stop()


def test_a_batch_larger_than_the_log(make_service):
    """Guards against a batch that can never fit: refused, nothing of it stored, and smaller ones still fit."""
    service = make_service("--log-bytes", "1MiB", "--log-segment-bytes", "64KiB").start()
    answer = service.post([activity(number, 10000) for number in range(200)])
    assert answer.status in (413, 507), answer
    service.record(activity(0))
    check_reads(service, 1)
    service.stop()


@pytest.fixture(scope="module")
def fail_disk(tmp_path_factory):
    """The library that makes the disk fail."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the failing disk with")
    library = tmp_path_factory.mktemp("fail-disk") / "fail_disk.so"
    subprocess.run([compiler, "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, SOURCE, "-ldl"], check=True)
    return library


class Disk:
    """Switches the faults of one service."""

    def __init__(self, service):
        self.folder = service.data

    def switch(self, kind, on):
        """As fail_disk.c says."""
        path = self.folder.with_name(f"{self.folder.name}.{kind}")
        if on:
            path.touch()
        else:
            path.unlink()

    def count_syncs(self):
        """How many there were since "count-sync" was switched on."""
        return self.folder.with_name(f"{self.folder.name}.count-sync").stat().st_size


@pytest.fixture
def on_bad_disk(make_service, fail_disk):
    def make(*flags):
        service = make_service(*flags, extra={"LD_PRELOAD": str(fail_disk)})
        service.extra["FAIL_DISK_FOLDER"] = str(service.data)
        return service, Disk(service)

    return make


def test_the_disk_is_full(on_bad_disk):
    """Guards a full disk: 507 with Retry-After, reads go on, and when there is space again it records again by itself."""
    service, disk = on_bad_disk("--log-segment-bytes", "64KiB")
    service.start()
    for number in range(100):
        service.record(activity(number))
    for _ in range(2):
        disk.switch("enospc", True)
        refused = [service.post(activity(9000 + number)) for number in range(300)]
        assert expect.problem(refused[-1], 507)
        assert {answer.status for answer in refused} <= {202, 507}
        disk.switch("enospc", False)
        services.wire.wait_until(lambda: service.post(activity(100)).status == 202, "it records again",
                                 15 * services.PATIENCE, 0.1)
    kept = {activity(9000 + number)["id"] for number, answer in enumerate(refused) if answer.status == 202}
    service.wait_settled()
    for _ in range(2):
        found = {row["id"] for row in service.walk()}
        assert {activity(number)["id"] for number in range(101)} | kept <= found
        service.kill()
        service.start()
    service.stop()


def test_a_start_on_a_full_disk(on_bad_disk):
    """Guards what is there while there is no room: after a clean end it starts, answers questions and says 507 to the rest."""
    service, disk = on_bad_disk("--log-segment-bytes", "64KiB")
    service.start()
    for number in range(10):
        service.record(activity(number))
    service.stop()
    disk.switch("enospc", True)
    service.start()
    check_reads(service, 10)
    # The segment that is open may have some room left.
    refused = [service.post(activity(9000 + number)) for number in range(300)]
    expect.problem(refused[-1], 507)
    disk.switch("enospc", False)
    services.wire.wait_until(lambda: service.post(activity(10)).status == 202, "it records again", 15 * services.PATIENCE, 0.1)
    service.stop()


def test_a_write_fails(on_bad_disk):
    """Guards against promising what could not be written: no 202 while writes fail, reads go on, what was there stays."""
    service, disk = on_bad_disk()
    service.start()
    for number in range(20):
        service.record(activity(number))
    disk.switch("eio-write", True)
    for number in range(5):
        answer = service.post(activity(9000 + number))
        assert answer.status in (503, 507), answer
        expect.problem(answer, answer.status)
    service.wait_stored(activity(19)["id"])
    assert len(service.walk()) == 20
    disk.switch("eio-write", False)
    service.kill()
    service.start()
    assert [row["id"] for row in service.walk("&order=asc")] == [activity(number)["id"] for number in range(20)]
    service.record(activity(20))
    service.stop()


def test_a_failed_sync_is_in_the_metrics(on_bad_disk):
    """Guards what the alerts on a dead disk look at."""
    service, disk = on_bad_disk()
    service.start()
    service.record(activity(0))
    told = ("usertrail_log_sync_failures_total", {"folder": "log"}), ("usertrail_event_log_accepting", {})
    for expected, status in (([0, 1], 503), ([1, 0], 503)):
        families = metrics.scrape(service)
        assert [metrics.value(families, name, **labels) for name, labels in told] == expected
        disk.switch("eio-sync", True)
        assert service.post(activity(1)).status == status
        disk.switch("eio-sync", False)
    service.kill()


def has_answer(connection, seconds=0.0):
    """Whether an answer has come, or does within so many seconds."""
    return bool(select.select([connection.socket], [], [], seconds)[0])


QUIET_SECONDS = 0.1  # what would come too early has come by then


def test_no_202_before_the_sync(on_bad_disk):
    """Guards the order that the promise rests on: the answer waits for the sync, while reads and refusals do not."""
    service, disk = on_bad_disk()
    service.start()
    service.wait_stored(service.record(activity(0))["id"])
    for body in (activity(1), [activity(2), activity(3)]):
        disk.switch("hold-sync", True)
        with service.connect() as connection:
            connection.send(connection.encode("POST", LIST, body))
            assert service.get("/livez").status == service.get(f"{LIST}/{activity(0)['id']}").status == 200
            expect.problem(service.post({}), 400, "/userId", "/action")
            assert not has_answer(connection, QUIET_SECONDS), "answered before the sync"
            disk.switch("hold-sync", False)
            assert connection.read_answer().status == 202
    service.stop()


def test_one_sync_for_all_that_wait(on_bad_disk):
    """Guards group commit: what arrives during a sync shares the next one, so 50 clients wait for a few, not for 50."""
    service, disk = on_bad_disk()
    service.start()
    connections = [service.connect() for _ in range(50)]
    disk.switch("hold-sync", True)
    disk.switch("count-sync", True)
    for number, connection in enumerate(connections):
        connection.send(connection.encode("POST", LIST, activity(number)))
    assert not any(has_answer(connection) for connection in connections)
    time.sleep(3 * QUIET_SECONDS)  # all of them are read by now, or nearly
    disk.switch("hold-sync", False)
    assert [connection.read_answer().status for connection in connections] == [202] * 50
    assert 1 <= disk.count_syncs() <= 10
    for connection in connections:
        connection.close()
    service.stop()


def test_the_queue_before_the_log_is_bounded(on_bad_disk):
    """Guards memory against a disk that is slower than the clients: beyond the queue 503 with Retry-After, nothing of it
    stored, and everything acknowledged is."""
    service, disk = on_bad_disk("--log-queue-bytes", "1MiB")
    service.start()
    disk.switch("hold-sync", True)
    bodies = [[activity(10 * number + item, 20000) for item in range(10)] for number in range(20)]
    connections = [service.connect() for _ in bodies]
    for connection, body in zip(connections, bodies):
        connection.send(connection.encode("POST", LIST, body))
    services.wire.wait_until(lambda: any(has_answer(connection) for connection in connections), "one is refused",
                             20 * services.PATIENCE)
    disk.switch("hold-sync", False)
    answers = [connection.read_answer() for connection in connections]
    for answer in answers:
        if answer.status != 202:
            expect.problem(answer, 503)
    kept = [row["id"] for answer, body in zip(answers, bodies) if answer.status == 202 for row in body]
    assert 0 < len(kept) < 200
    service.wait_settled()
    assert sorted(row["id"] for row in service.walk()) == sorted(kept)
    for connection in connections:
        connection.close()
    service.stop()


def test_an_end_waits_for_the_disk(on_bad_disk):
    """Guards requests that wait for the disk when SIGTERM comes: they are answered, and what they recorded is there."""
    service, disk = on_bad_disk()
    service.start()
    disk.switch("hold-sync", True)
    with service.connect() as connection:
        connection.send(connection.encode("POST", LIST, activity(0)))
        assert not has_answer(connection, QUIET_SECONDS)
        service.process.terminate()
        assert not has_answer(connection, QUIET_SECONDS) and service.process.poll() is None
        disk.switch("hold-sync", False)
        expect.accepted_one(connection.read_answer())
    assert service.wait_end() == 0
    service.start()
    check_reads(service, 1)
    service.stop()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_sync_fails(on_bad_disk, end):
    """Guards the one error that must not be tried again: after a failed sync nothing is accepted any more, the ready probe says
    so, reads go on; a new process starts from what is on the disk."""
    service, disk = on_bad_disk()
    service.start()
    for number in range(20):
        service.record(activity(number))
    disk.switch("eio-sync", True)
    expect.problem(service.post(activity(20)), 503)
    disk.switch("eio-sync", False)  # a second try would now succeed, and would lie
    for number in range(21, 25):
        expect.problem(service.post(activity(number)), 503)
    expect.problem(service.get("/readyz"), 503)
    service.wait_stored(activity(19)["id"])
    assert len(service.walk()) >= 20 and service.get("/livez").status == 200
    if end == "stop":
        service.process.terminate()
        assert service.wait_end() in (0, 1)
    else:
        service.kill()
    service.start()
    found = [row["id"] for row in service.walk("&order=asc")]
    # The one whose sync failed may be there or not; the later ones were never written.
    assert found[:20] == [activity(number)["id"] for number in range(20)] and found[20:] in ([], [activity(20)["id"]])
    service.record(activity(30))
    service.stop()


def test_a_sync_fails_under_load(on_bad_disk, tmp_path):
    """Guards every acknowledgement around the failure: the ledger holds after a restart."""
    service, disk = on_bad_disk()
    service.start()
    process = services.start_load(service, tmp_path / "ledger", "--connections", 16, "--seconds", 1.2 * services.PATIENCE)
    time.sleep(0.5 * services.PATIENCE)
    disk.switch("eio-sync", True)
    figures = services.finish_load(process)
    assert figures["acknowledged"] > 0 and figures["statuses"].get("503", 0) > 0, figures
    disk.switch("eio-sync", False)
    service.kill()
    service.start()
    code, verdict = services.load("check", service, "--ledger", tmp_path / "ledger")
    assert code == 0, verdict
    service.stop()


def test_the_failing_disk_does_nothing_by_itself(on_bad_disk):
    """Guards the judge of the tests above: without a fault switched on everything is recorded."""
    service, _ = on_bad_disk()
    service.start()
    for number in range(50):
        service.record(activity(number))
    check_reads(service, 50)
    service.restart()
    check_reads(service, 50)
    service.stop()


def test_a_file_may_not_grow(make_service):
    """Guards a limit on file sizes (ulimit -f, quotas): no space is what it is, not a crash."""
    service = make_service("--log-segment-bytes", "64KiB", file_bytes_max=40000)
    service.launch()
    services.wire.wait_until(lambda: services.READY.search(service.stderr) or service.process.poll() is not None,
                             "start or end", 20)
    if service.process.poll() is not None:
        assert service.wait_end() == 1 and "usertrail: " in service.stderr, service.stderr
        return
    service.wait_ready()
    statuses = {service.post(activity(number)).status for number in range(100)}
    assert statuses <= {202, 503, 507} and len(statuses) == 2
    assert service.get("/livez").status == 200
    service.kill()


def test_the_store_is_full(make_service):
    """Guards the bound on the memory store: what does not fit waits in the log, is counted, and nothing acknowledged is lost."""
    service = make_service().start("--store", "memory", "--store-memory-bytes", "1MiB")
    acknowledged = 0
    for number in range(3000):
        if service.post(activity(number)).status == 202:
            acknowledged += 1
    assert service.get("/livez").status == 200
    health = services.wire.wait_until(lambda: (found := service.get("/health").json)["worker"]["state"] == "retrying" and found,
                                      "the worker says that it cannot go on", 20 * services.PATIENCE)
    assert health["status"] == "degraded" and health["worker"]["pending"] > 1000 and "maximum" in health["worker"]["reason"]
    assert health["store"]["bytes"] <= 1 << 20
    service.process.terminate()
    service.wait_end()
    service.start()
    check_reads(service, acknowledged)
    service.stop()


def erase(service, user):
    return service.request("DELETE", f"/api/v1/users/{user}")


def with_one_user(on_bad_disk):
    """(service, disk, user): a store on a disk that may be made bad, with twenty activities of one user."""
    service, disk = on_bad_disk()
    service.start()
    for number in range(20):
        service.record(activity(number))
    service.restart()
    return service, disk, activity(0)["userId"]


def test_an_erasure_on_a_full_disk(on_bad_disk):
    """Guards the word "erased": without space for the tombstone it is 507 and nobody is erased; with space it works by itself."""
    service, disk, user = with_one_user(on_bad_disk)
    disk.switch("enospc", True)
    for _ in range(2):
        document = expect.problem(erase(service, user), 507)
        assert "nothing is promised" in document["detail"]
        assert len(service.walk(f"&userId={user}")) == 20
    disk.switch("enospc", False)
    answer = erase(service, user)
    assert answer.status == 200 and answer.json["erased"] == 20, answer
    service.kill()
    service.start()
    assert service.walk() == []
    service.stop()


def test_an_erasure_whose_sync_fails(on_bad_disk):
    """Guards the same from a tombstone that may not be on the disk: 503, nobody is erased, and another try writes it anew."""
    service, disk, user = with_one_user(on_bad_disk)
    disk.switch("eio-sync", True)
    assert "nothing is promised" in expect.problem(erase(service, user), 503)["detail"]
    disk.switch("eio-sync", False)
    assert len(service.walk(f"&userId={user}")) == 20
    service.kill()
    service.start()
    assert len(service.walk()) == 20
    answer = erase(service, user)
    assert answer.status == 200 and answer.json["erased"] == 20, answer
    service.kill()
    service.start()
    assert service.walk() == []
    service.stop()
