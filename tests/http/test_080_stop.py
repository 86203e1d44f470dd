"""Stopping: no new connections, idle ones close, requests under way are answered, and it ends in time."""

import threading
import time

import pytest
from http_wire import HOST, PATIENCE_SECONDS, get, is_problem, post


def test_requests_under_way_finish_and_idle_connections_close(start):
    server = start(drain_ms=5000)
    with server.client() as idle, server.client() as busy, server.client() as sending:
        assert idle.get(b"/echo").status == 200
        busy.send(get(b"/offload?500") + get(b"/offload?300"))
        data = post(b"/echo", b"body")
        sending.send(data[:-2])
        time.sleep(0.1)
        started = time.monotonic()
        server.terminate()
        assert idle.at_end()
        assert time.monotonic() - started < 2  # long before the time for draining is over
        sending.send(data[-2:])
        answer = sending.read()
        assert answer.body == b"body" and answer.fields["connection"] == "close" and sending.at_end()
        answer = busy.read()
        assert answer.body == b"1000" and "connection" not in answer.fields
        answer = busy.read()
        assert answer.body == b"600" and answer.fields["connection"] == "close" and busy.at_end()
    server.process.wait(PATIENCE_SECONDS)
    assert time.monotonic() - started < 4


def test_what_does_not_finish_is_cut(start):
    server = start(drain_ms=300)
    with server.client() as never, server.client() as half, server.client(receive_buffer=4096) as deaf:
        never.send(get(b"/never"))
        half.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\na")
        deaf.send(get(b"/large?20000000"))
        time.sleep(0.2)
        started = time.monotonic()
        server.terminate()
        server.process.wait(PATIENCE_SECONDS)
        assert 0.2 < time.monotonic() - started < PATIENCE_SECONDS / 2


def test_clients_that_do_not_close_hold_nothing_up(start):
    server = start(drain_ms=30000)
    clients = [server.client() for _ in range(10)]
    for client in clients:
        client.send(get(b"/offload?900"))  # longer than ten handshakes take beside other work
    fresh = server.client()
    time.sleep(0.05)
    started = time.monotonic()
    server.terminate()
    server.process.wait(PATIENCE_SECONDS)
    assert time.monotonic() - started < 8
    for client in clients:
        assert client.read().fields["connection"] == "close"
        client.close()
    fresh.close()


def test_no_new_connections_while_stopping(start):
    server = start(drain_ms=1000)
    with server.client() as client:
        client.send(get(b"/offload?500"))
        time.sleep(0.1)
        server.terminate()
        time.sleep(0.2)
        with pytest.raises(OSError):
            server.client()
        assert client.read().status == 200


@pytest.mark.parametrize("drain_ms", [0, 50, 3000])
@pytest.mark.parametrize("round_number", range(3))
def test_stop_under_load(start, drain_ms, round_number):
    """Every answer that comes is whole and in its place; the server ends with code 0, so nothing was lost inside."""
    server = start(drain_ms=drain_ms, loops=3)
    failures = []

    def load(index):
        i = 0
        try:
            while True:
                with server.client() as client:
                    while True:
                        requests = [post(b"/echo", b"%d" % i), get(b"/delayed?%d" % i), get(b"/offload?1"),
                                    post(b"/delayed", b"%d" % i)]
                        client.send(b"".join(requests))
                        bodies = [b"%d" % i, b"%d" % i, b"2", b"%d" % i]
                        for body in bodies:
                            answer = client.read()
                            if answer.status == 503:  # the pool is full
                                assert is_problem(answer, 503)
                                continue
                            if answer.body != body:
                                failures.append((index, answer, body))
                            if "connection" in answer.fields:
                                raise EOFError
                        i += 1
        except (OSError, EOFError):
            pass

    threads = [threading.Thread(target=load, args=(index,)) for index in range(12)]
    for thread in threads:
        thread.start()
    time.sleep(0.3 + 0.05 * round_number)
    server.terminate()
    server.process.wait(PATIENCE_SECONDS)
    for thread in threads:
        thread.join()
    assert not failures
