"""Deadlines are totals: a client that sends a byte now and then gains nothing by it."""

import select
import threading
import time

import pytest
from http_wire import HOST, PATIENCE_SECONDS, get, is_problem, post

SLOW_CLIENTS = 300


def trickle(clients, pieces, pause, started):
    """Sends one piece after the other on each client until the server has answered it; returns the seconds until the answers."""
    answered = {}
    sent = [0] * len(clients)
    while len(answered) < len(clients) and time.monotonic() - started < PATIENCE_SECONDS:
        time.sleep(pause)
        readable, _, _ = select.select([client.socket for client in clients], [], [], 0)
        for index, client in enumerate(clients):
            if client.socket in readable:
                answered.setdefault(index, time.monotonic() - started)
            if index not in answered and sent[index] < len(pieces):
                client.send_what_goes(pieces[sent[index]:sent[index] + 1])
                sent[index] += 1
    return answered


@pytest.mark.parametrize("name, options, head, slow", [
    ("header", {"header_timeout_ms": 1000}, b"", b"GET /mark HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1000),
    ("field", {"header_timeout_ms": 1000}, b"GET /mark HTTP/1.1\r\nHost: a\r\nX: ", b"y" * 1000),
    ("body", {"body_timeout_ms": 1000}, b"POST /mark HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", b"z" * 999),
    ("chunks", {"body_timeout_ms": 1000}, b"POST /mark HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
     b"1\r\nz\r\n" * 1000),
], ids=["header", "field", "body", "chunks"])
def test_300_slow_clients_at_once(start, name, options, head, slow):
    server = start(**options)
    clients = [server.client() for _ in range(SLOW_CLIENTS)]
    started = time.monotonic()
    for client in clients:
        if head:
            client.send(head)
    with server.client() as quick:  # others notice nothing
        assert quick.get(b"/echo").status == 200
    answered = trickle(clients, slow, 0.1, started)
    assert len(answered) == SLOW_CLIENTS, name
    assert min(answered.values()) > 0.7
    for client in clients:
        assert is_problem(client.read(), 408)
        assert client.at_end()
        client.close()
    assert server.count()["marks"] == 0


def test_idle_connections_close_silently(start):
    server = start(idle_timeout_ms=300)
    started = time.monotonic()
    with server.client() as fresh, server.client() as used, server.client() as blank:
        assert used.get(b"/echo").status == 200
        blank.send(b"\r\n")
        assert fresh.at_end() and used.at_end() and blank.at_end()
        assert 0.1 < time.monotonic() - started < PATIENCE_SECONDS


def test_empty_lines_do_not_keep_a_connection(start):
    server = start(idle_timeout_ms=500)
    with server.client() as client:
        for _ in range(40):
            time.sleep(0.2)
            client.send_what_goes(b"\r\n")
            if select.select([client.socket], [], [], 0)[0]:
                return
        pytest.fail("it lives on")


def test_a_request_under_way_is_not_idle(start):
    server = start(idle_timeout_ms=200, header_timeout_ms=200, body_timeout_ms=200)
    with server.client() as client:
        assert client.get(b"/offload?700").body == b"1400"
        assert client.get(b"/echo").status == 200


def test_time_starts_anew_with_each_request(start):
    server = start(header_timeout_ms=1500, body_timeout_ms=1500)
    with server.client() as client:
        for _ in range(4):
            data = post(b"/echo", b"ab")
            client.send(data[:10])
            time.sleep(0.25)
            client.send(data[10:-1])
            time.sleep(0.25)
            client.send(data[-1:])
            assert client.read().body == b"ab"


def test_slow_request_behind_running_ones_waits_for_its_turn(start):
    server = start(header_timeout_ms=200)
    with server.client() as client:
        client.send(get(b"/offload?800") + b"GET /ma")
        assert client.read().body == b"1600"
        assert is_problem(client.read(), 408) and client.at_end()


def test_continue_and_no_body(start):
    server = start(body_timeout_ms=300)
    with server.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert client.read().status == 100
        assert is_problem(client.read(), 408) and client.at_end()


def test_answer_that_is_not_taken(start):
    server = start(write_timeout_ms=300)
    clients = [server.client(receive_buffer=4096) for _ in range(5)]
    for client in clients:
        client.send(get(b"/large?20000000"))
    server.wait_until(lambda count: count["handled"] >= 5 and count["open"] == 1)
    for client in clients:
        client.close()


def test_answer_that_is_taken_slowly_but_steadily(start):
    """A slow line is no reason to cut an answer."""
    server = start(write_timeout_ms=1000)
    with server.client(receive_buffer=16384) as client:
        client.send(get(b"/large?12000000"))
        client.socket.setblocking(True)
        started = time.monotonic()
        got = 0
        while time.monotonic() - started < 3:
            got += len(client.socket.recv(1 << 16))
            time.sleep(0.02)
        while got < 12000000:
            received = client.socket.recv(1 << 20)
            assert received, "cut"
            got += len(received)


def test_refused_client_that_does_not_close_is_cut(start):
    server = start()
    with server.client() as client:
        client.send(b"nonsense\r\n")
        assert client.read().status == 400
        server.wait_until(lambda count: count["open"] == 1)


def test_client_that_sends_for_ever_behind_its_answer_is_cut(start):
    server = start()
    with server.client() as client:
        ends = threading.Event()

        def send():
            try:
                while not ends.is_set():
                    client.socket.sendall(b"x" * 65536)
            except OSError:
                pass

        client.send(b"nonsense\r\n")
        sender = threading.Thread(target=send)
        sender.start()
        assert client.read().status == 400
        server.wait_until(lambda count: count["open"] == 1)
        ends.set()
        sender.join()
