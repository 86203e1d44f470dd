"""What a service manager hears, on a socket of the test's, and what SIGHUP reads again."""

import contextlib
import os
import signal
import socket
import time

import pytest

import keys
import service as services
import wire


@contextlib.contextmanager
def listening(folder, abstract):
    """A socket as systemd has one, and what NOTIFY_SOCKET says of it."""
    name = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if abstract else name)
        listener.settimeout(20 * services.PATIENCE)
        yield listener, ("@" + name[1:] if abstract else name)


def hear(listener):
    """One message, as names and values."""
    return dict(line.split("=", 1) for line in listener.recv(4096).decode().splitlines())


def hear_nothing(listener):
    listener.settimeout(0.2)
    with pytest.raises(TimeoutError):
        listener.recv(4096)
    listener.settimeout(20 * services.PATIENCE)


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_a_life_as_systemd_hears_it(make_service, tmp_path, abstract):
    """Guards Type=notify and notify-reload: ready when it is, reloading with the time of it, stopping before it ends."""
    with listening(tmp_path, abstract) as (listener, address):
        service = make_service(extra={"NOTIFY_SOCKET": address}).launch()
        assert hear(listener) == {"STATUS": "filling the store from the event log"}
        ready = hear(listener)
        service.wait_ready()
        assert ready == {"READY": "1", "STATUS": f"ready on http://127.0.0.1:{service.port}"}
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        service.process.send_signal(signal.SIGHUP)
        reloading = hear(listener)
        assert reloading["RELOADING"] == "1" and "STATUS" in reloading
        assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert hear(listener) == ready
        service.process.send_signal(signal.SIGTERM)
        assert hear(listener)["STOPPING"] == "1"
        assert service.wait_end() == 0
        hear_nothing(listener)


def test_a_start_that_fails_is_never_ready(make_service, tmp_path):
    """Guards systemd from a service that says that it is ready and is not."""
    with listening(tmp_path, False) as (listener, address):
        (tmp_path / "file").write_text("no folder")
        service = make_service("--data-dir", tmp_path / "file", extra={"NOTIFY_SOCKET": address}).launch()
        assert service.wait_end() == 1
        hear_nothing(listener)


def test_a_socket_that_nobody_has(make_service, tmp_path):
    """Guards the service from its environment: it says so and serves."""
    service = make_service(extra={"NOTIFY_SOCKET": str(tmp_path / "absent")}).start()
    assert "service manager cannot be told" in service.stderr
    service.stop()


def reloads(service):
    return service.get("/health").json["reloads"]


def hang_up(service, taken):
    """SIGHUP, until it is counted as what it should be."""
    before = reloads(service)
    service.process.send_signal(signal.SIGHUP)
    name = "done" if taken else "refused"
    wire.wait_until(lambda: reloads(service) == {**before, name: before[name] + 1}, f"a reload that is {name}", 10)


def test_the_level_of_lines_is_read_again(make_service, tmp_path):
    """Guards a look at what goes on without a restart: the level in the file holds after SIGHUP; a broken file changes nothing and
    is counted; a flag overrides the file as at the start."""
    file = tmp_path / "usertrail.conf"
    file.write_text("log-level = error\n")
    service = make_service("--config", file).start()
    assert reloads(service) == {"done": 0, "refused": 0} and "shutting" not in service.stderr
    hang_up(service, True)
    assert "nothing to read again" not in service.stderr  # a line of the level info
    file.write_text("log-level = info\n")
    hang_up(service, True)
    assert "the level of log lines is another one" in service.stderr and "nothing to read again" not in service.stderr
    hang_up(service, True)
    assert "nothing to read again" in service.stderr
    file.write_text("log-level = loud\n")
    hang_up(service, False)
    assert "the level of log lines stays as it was" in service.stderr and "loud" in service.stderr
    metrics = service.get("/metrics").body.decode()
    assert "\nusertrail_reloads_total 3\n" in metrics and "\nusertrail_refused_reloads_total 1\n" in metrics
    service.stop()
    file.write_text("log-level = error\n")
    service.start("--log-level", "info")
    hang_up(service, True)
    assert "another one" not in service.stderr
    service.stop()


def test_what_is_refused_is_counted_once(make_service, tmp_path):
    """Guards the counters of keys, rules and level together: a reload is refused if any of them is."""
    path = tmp_path / "keys"
    keys.create(path, "a", "read")
    service = make_service("--keys-file", path).start()
    hang_up(service, True)
    whole = path.read_text()
    path.write_text("nonsense\n")
    hang_up(service, False)
    assert keys.access(service)["failedReloads"] == 1
    path.write_text(whole)
    os.chmod(path, 0o600)
    hang_up(service, True)
    assert reloads(service) == {"done": 2, "refused": 1}
    service.stop()
