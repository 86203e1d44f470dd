"""Started by others than a person: streams that are closed, streams that nobody reads."""

import fcntl
import os
import signal
import socket
import subprocess

import pytest

import service as services
import wire

F_SETPIPE_SZ = 1031


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port, path="/readyz"):
    try:
        with wire.Connection(port) as connection:
            return connection.get(path).status == 200
    except OSError:
        return False


def launch(port, data, redirection="", stderr=subprocess.DEVNULL):
    command = [str(services.BINARY), "serve", "--shutdown-delay", "0ms", "--listen", f"127.0.0.1:{port}", "--data-dir", str(data)]
    process = subprocess.Popen(["bash", "-c", f'exec "$@" {redirection}', "bash", *command], env=services.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
    wire.wait_until(lambda: answers(port), "it is ready", 20 * services.PATIENCE)
    return process


def end(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(20 * services.PATIENCE) == 0


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams(tmp_path, closed):
    """Guards the log's files from lines meant for a stream that was closed before the program began."""
    for start in range(2):
        port = free_port()
        process = launch(port, tmp_path / "data", closed)
        try:
            with wire.Connection(port) as connection:
                if start == 0:
                    for number in range(20):
                        body = {"userId": "u", "action": "a", "id": f"kept-{number}"}
                        assert connection.post("/logs", body).status == 202
                else:
                    assert connection.get("/logs?limit=100").json["results"] == 20
            end(process)
        finally:
            process.kill()
            process.wait()


def test_nobody_reads_stderr(tmp_path):
    """Guards requests and the end from a pipe on stderr that is full: lines are dropped, nothing waits for them."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 512)
    os.set_blocking(writer, True)
    port = free_port()
    process = launch(port, tmp_path / "data", "", writer)
    try:
        with wire.Connection(port) as connection:
            assert connection.post("/logs", {"userId": "u", "action": "a"}).status == 202
        end(process)
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)
