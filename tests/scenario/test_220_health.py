"""The command that health checks of containers run: one line, and an exit code that says whether the server is ready."""

import contextlib
import socket
import threading
import time

import pytest

import service as services


def health(*arguments, code, extra=None):
    result = services.run_program("health", *arguments, extra=extra)
    assert result.returncode == code, (result.stdout, result.stderr)
    line = result.stdout + result.stderr
    assert line.count("\n") == 1 and line.endswith("\n"), line
    return line


@contextlib.contextmanager
def answering(data):
    """Answers the first connection with these bytes and closes; None: holds it open and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve():
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                connection.settimeout(20)
                connection.recv(4096)
                if data is None:
                    connection.recv(4096)
                else:
                    connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.close()
        thread.join(30)


def test_a_server_that_is_ready(shared):
    """Guards the line and the exit code 0 of a server that is well, for both probes, with a slash behind the address or not."""
    assert health("--url", shared.url, code=0) == f'{shared.url}/readyz answers 200: {{"status":"ready"}}\n'
    assert health(f"--url={shared.url}/", code=0).startswith(f"{shared.url}/readyz answers 200")
    assert health("--live", "--url", shared.url, code=0).startswith(f"{shared.url}/livez answers 200")


def test_no_proxy_is_taken(shared):
    """Guards that the variables of some proxy do not make a healthy server look ill, or an ill one healthy."""
    health("--url", shared.url, code=0, extra={"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"})


def test_nobody_is_there():
    """Guards the exit code 1 where nobody listens, and that the line says so."""
    url = f"http://127.0.0.1:{services.free_port()}"
    assert f"usertrail: {url}/readyz does not answer: " in health("--url", url, code=1)


def test_a_server_that_leaves(make_service):
    """Guards that a server which drains is not ready and says why, while it is still alive."""
    one = make_service("--shutdown-delay", "3s").start()
    with services.wire.Connection(one.port, 20):
        one.process.terminate()
        line = services.wire.wait_until(lambda: leaving(one), "a 503", 10 * services.PATIENCE, 0.02)
    assert "shutting down" in line and f"{one.url}/readyz answers 503: " in line
    health("--live", "--url", one.url, code=0)
    assert one.wait_end() == 0


def leaving(one):
    result = services.run_program("health", "--url", one.url)
    return result.stderr if result.returncode == 1 else None


@pytest.mark.parametrize("status", ["204 No Content", "302 Found\r\nLocation: /livez", "404 Not Found", "500 Oops"])
def test_only_200_is_fine(status):
    """Guards that no other answer counts, and that no redirect is followed."""
    with answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()) as url:
        assert f"answers {status[:3]}\n" in health("--url", url, code=1)


def test_a_hostile_answer_stays_one_line():
    """Guards the terminal and the log of whoever asks: control characters become spaces, and a long text is cut."""
    body = b"\x1b[2J" + b"a\nb\r" + b"x" * 100_000
    with answering(b"HTTP/1.1 500 Oops\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body) as url:
        line = health("--url", url, code=1)
    assert "\x1b" not in line and "[2Ja b x" in line and len(line) < 700


def test_a_server_that_says_nothing():
    """Guards the limit of time in all, which must end before the one of whoever runs the check."""
    with answering(None) as url:
        started = time.monotonic()
        assert "did not answer in time" in health("--timeout", "1", "--url", url, code=1)
        assert 0.9 < time.monotonic() - started < 3 * services.PATIENCE


@pytest.mark.parametrize("arguments", [
    ["stray"], ["--bogus"], ["--url"], ["--timeout", "0", "--url", "http://127.0.0.1:1"], ["--timeout=1h"], ["--live=1"],
    ["--url", "ftp://127.0.0.1/"], ["--url", "http://[x]"], ["--url", "http://127.0.0.1:99999"], ["--url", "x" * 2000]])
def test_wrong_usage(arguments):
    """Guards that a mistyped check is told apart from a server that is ill, and says where to read on."""
    assert "`usertrail health --help` tells more" in health(*arguments, code=2)
