"""kill -9 at any moment, judged by the ledger of the load client: what was acknowledged is there, once, unaltered, in order."""

import random
import shutil
import time

import pytest

import service as services
import wire

KILLS = 20
WAYS = ([], ["--batch", 50], ["--ordered-user-per-connection"], ["--server-ids"], ["--ordered-user-per-connection", "--batch", 7],
        ["--bytes", 3000], ["--server-ids", "--ordered-user-per-connection"])


def run_and_kill(service, ledger, chance, way):
    """Load for a moment, then the kill in its midst; returns the load client's figures."""
    process = services.start_load(service, ledger, "--connections", 16, "--rate", 1500, "--seconds", 30, *way)
    time.sleep(chance.uniform(0.08, 0.3) * services.PATIENCE)
    service.kill()
    return services.finish_load(process)


def check(service, ledger, *arguments):
    return services.load("check", service, "--ledger", ledger, "--wait-seconds", 5 * services.PATIENCE, *arguments)


@pytest.mark.parametrize("flags", [[], ["--log-segment-bytes", "256KiB", "--threads", 1]], ids=["default", "small segments"])
def test_kill_under_load(make_service, tmp_path, flags):
    """Guards the first promise: after each of 20 kills under load everything acknowledged is stored, each once, content equal,
    and what one connection sent for one user is in that order; and it is ready again quickly."""
    chance = random.Random(20)
    ledger = tmp_path / "ledger"
    service = make_service(*flags).start()
    acknowledged = 0
    for number in range(KILLS // 2):
        acknowledged += run_and_kill(service, ledger, chance, WAYS[number % len(WAYS)])["acknowledged"]
        begun = time.monotonic()
        service.start()
        assert time.monotonic() - begun < 2 * services.PATIENCE, "ready again in less than 2 s"
        code, verdict = check(service, ledger)
        assert code == 0, f"after {number + 1} kills: {verdict}"
    assert acknowledged > 1000 and verdict["inOrder"] > 50
    service.restart()
    code, verdict = check(service, ledger, "--by-user")
    assert code == 0, verdict
    service.stop()


def newest_part(service):
    """The highest number that a part of the store ever got, as far as the folder tells."""
    return max((int(path.stem, 16) for path in (service.data / "store").glob("*.part")), default=0)


def test_kill_while_the_store_writes(make_service, tmp_path):
    """Guards the way from the log into parts: with a log so small that heads are written and parts merged all the time, so that
    kills hit both, everything acknowledged is there, once, and the start after it is quick."""
    chance = random.Random(22)
    ledger = tmp_path / "ledger"
    service = make_service("--log-bytes", "2MiB", "--log-segment-bytes", "256KiB").start()
    for number in range(6):
        before = newest_part(service)
        process = services.start_load(service, ledger, "--connections", 16, "--rate", 100, "--batch", 50, "--bytes", 1500,
                                      "--seconds", 60, *([] if number % 2 else ["--ordered-user-per-connection"]))
        wire.wait_until(lambda: newest_part(service) > before + 2, "the store writes parts", 20 * services.PATIENCE, 0.002)
        time.sleep(chance.uniform(0, 0.3) * services.PATIENCE)
        service.kill()
        assert services.finish_load(process)["acknowledged"] > 0
        begun = time.monotonic()
        service.start()
        assert time.monotonic() - begun < 2 * services.PATIENCE, "ready again in less than 2 s"
        code, verdict = check(service, ledger)
        assert code == 0, f"after {number + 1} kills: {verdict}"
    service.stop()


def test_kill_while_it_starts(make_service, tmp_path):
    """Guards recovery itself: a kill at any moment of a start harms nothing."""
    chance = random.Random(21)
    ledger = tmp_path / "ledger"
    service = make_service("--log-segment-bytes", "256KiB").start()
    assert run_and_kill(service, ledger, chance, ["--batch", 50])["acknowledged"] > 0
    for _ in range(12):
        service.launch()
        time.sleep(chance.uniform(0.001, 0.04) * services.PATIENCE)
        service.kill()
    service.start()
    code, verdict = check(service, ledger)
    assert code == 0, verdict
    service.stop()


def test_the_ledger_sees_a_loss(make_service, tmp_path):
    """Guards the judge: with a part of the log taken away between two starts the check fails, and names it as missing."""
    ledger = tmp_path / "ledger"
    service = make_service("--log-segment-bytes", "64KiB").start()
    figures = services.finish_load(services.start_load(service, ledger, "--connections", 8, "--count", 2000))
    assert figures["acknowledged"] == 2000
    assert check(service, ledger)[0] == 0
    service.kill()
    whole = tmp_path / "whole"
    shutil.copytree(service.data, whole)
    for path in service.segments()[2:4]:
        path.unlink()
    service.start()
    code, verdict = check(service, ledger, "--wait-seconds", 0.2)
    assert code == 1 and verdict["missing"] > 0 and verdict["doubled"] == verdict["altered"] == 0, verdict
    assert check(service, ledger, "--wait-seconds", 0.2, "--expect-loss")[0] == 0
    service.stop()
    shutil.rmtree(service.data)
    shutil.copytree(whole, service.data)
    service.start()
    assert check(service, ledger)[0] == 0
    service.stop()


def test_a_memory_log_loses(make_service, tmp_path):
    """Guards the judge once more: a log that promises nothing over a restart is seen to lose everything."""
    ledger = tmp_path / "ledger"
    service = make_service("--event-log", "memory").start()
    services.finish_load(services.start_load(service, ledger, "--connections", 4, "--count", 500))
    assert check(service, ledger)[0] == 0
    service.kill()
    service.start()
    code, verdict = check(service, ledger, "--wait-seconds", 0.2)
    assert code == 1 and verdict["missing"] == 500, verdict
    service.stop()
