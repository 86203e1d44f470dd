"""Clients vanish in every state; what works for them elsewhere finds nobody and harms nothing. The server checks on its way
out that every completion was delivered and no connection is left (and the sanitizers that nothing leaks)."""

import random
import socket
import time

import pytest
from http_wire import HOST, chunked, get, post

STATES = {
    "connected": b"",
    "in an empty line": b"\r",
    "in the method": b"GE",
    "in the target": b"GET /ech",
    "in a field": b"GET /echo HTTP/1.1\r\nHost: a\r\nX: ",
    "before the last line": b"GET /echo HTTP/1.1\r\nHost: a\r\n",
    "in a body": post(b"/echo", b"x" * 100000)[:-5],
    "in a chunk": chunked(b"/echo", b"x" * 10000)[:-2000],
    "in a trailer": chunked(b"/echo", b"x", trailer=b"X: ")[:-4],
    "before 100 Continue is used": b"POST /echo HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    "while another thread answers": get(b"/delayed?x"),
    "while a pool thread works": get(b"/offload?50"),
    "while nobody will answer": get(b"/never"),
    "with many under way": (get(b"/delayed?x") + get(b"/offload?20") + post(b"/delayed", b"y" * 1000)) * 15,
    "behind the limit": get(b"/never") + get(b"/mark") * 100,
    "while it is answered": get(b"/large?3000000") * 3,
    "refused": b"nonsense\r\n",
    "refused, sending on": b"nonsense\r\n" + b"x" * 300000,
    "refused early, sending on": post(b"/early", b"x" * 300000),
    "answered": get(b"/echo"),
    "answered with close": get(b"/close"),
}


def leave_by_end(client):
    client.socket.shutdown(socket.SHUT_WR)
    client.close()


@pytest.mark.parametrize("leave", ["close", "reset", "end"])
@pytest.mark.parametrize("state", STATES)
def test_disconnect(shared, state, leave):
    clients = [shared.client() for _ in range(6)]
    for client in clients:
        client.send_what_goes(STATES[state])
    for delay, client in zip((0, 0, 0.001, 0.003, 0.01, 0.03), clients):
        time.sleep(delay)
        try:
            {"close": client.close, "reset": client.reset, "end": lambda c=client: leave_by_end(c)}[leave]()
        except OSError:
            pass
    with shared.client() as client:
        assert client.get(b"/echo").status == 200


def test_all_of_them_are_gone(start):
    """All but those whose requests are never answered: a client may close its side and still wait."""
    server = start()
    generator = random.Random(7)
    states = [data for data in STATES.values() if b"/never" not in data]
    for _ in range(300):
        client = server.client()
        client.send_what_goes(generator.choice(states))
        if generator.random() < 0.3:
            time.sleep(0.002)
        client.reset() if generator.random() < 0.5 else client.close()
    server.wait_until(lambda count: count["open"] == 1 and count["completed"] == count["delayed"])
    assert server.count()["accepted"] >= 300


def test_late_completion_does_not_answer_the_next_request(start):
    """Slots are used again at once; a completion for the one before must not reach them."""
    server = start(loops=1)
    for i in range(200):
        lost = server.client()
        lost.send(get(b"/delayed?lost-%d" % i) * 3)
        lost.reset()
        with server.client() as client:
            assert client.get(b"/delayed?mine-%d" % i).body == b"mine-%d" % i
