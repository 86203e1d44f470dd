"""Answers that nobody takes hold a bounded amount of memory, and nothing but that."""

import contextlib
import time

from http_wire import PATIENCE_SECONDS, SLOWNESS, get, is_problem, post

MIB = 1 << 20


def peak_bytes(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return 1024 * next(int(row.split()[1]) for row in status if row.startswith("VmHWM"))


def wait_for_large(server, size):
    """Until a large answer is to be had again."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        with server.client() as client:
            answer = client.get(b"/large?%d" % size)
        if answer.status == 200:
            assert len(answer.body) == size
            return
        assert is_problem(answer, 503) and time.monotonic() < ends
        time.sleep(0.02)


def test_answers_that_nobody_takes_have_a_bound_in_common(start):
    """512 MB of answers come due that no client reads."""
    server = start(answer_memory_bytes_max=32 * MIB)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(server.client(receive_buffer=4096)) for _ in range(4)]
        for client in silent:
            client.send(get(b"/delayed-large?2000000") * 64)
        server.wait_until(lambda count: count["completed"] == 4 * 64)
        with server.client() as client:
            assert client.get(b"/large?10000").status == 200
            assert client.ask(post(b"/echo", b"x" * 10000)).status == 200
            answer = client.get(b"/large?28000000")  # the kernel has taken some of the others
            assert is_problem(answer, 503) and answer.fields["retry-after"] == "1"
            assert "connection" not in answer.fields
            assert client.get(b"/echo").status == 200
        freed_but_kept = 300 * MIB if SLOWNESS > 1 else 0  # by the sanitizer
        assert peak_bytes(server) < 100 * MIB + freed_but_kept
    wait_for_large(server, 30 * MIB)


def test_answers_beyond_the_bound_are_refused_in_their_order(start):
    server = start(answer_memory_bytes_max=8 * MIB)
    with server.client(receive_buffer=4096) as client:
        client.send(get(b"/never-was") + get(b"/delayed-large?1000000") * 63)
        server.wait_until(lambda count: count["completed"] == 63)
        assert is_problem(client.read(), 404)
        answers = [client.read() for _ in range(63)]
        taken = [answer for answer in answers if answer.status == 200]
        assert 4 < len(taken) < 63
        assert all(len(answer.body) == 1000000 for answer in taken)
        assert all(is_problem(answer, 503) for answer in answers if answer.status != 200)
        for _ in range(20):  # everything was given back
            assert len(client.get(b"/large?7000000").body) == 7000000


def test_answers_of_clients_that_vanish_are_given_back(start):
    server = start(answer_memory_bytes_max=8 * MIB)
    for _ in range(10):
        with server.client(receive_buffer=4096) as client:
            client.send(get(b"/delayed-large?3000000") * 8)
            done = server.count()["delayed"]
            server.wait_until(lambda count, done=done: count["completed"] >= max(done, 1))
            client.reset()
        wait_for_large(server, 7 * MIB)


def test_an_answer_to_head_takes_none(start):
    server = start(answer_memory_bytes_max=MIB)
    with server.client() as client:
        answer = client.ask(get(b"/large?2000000").replace(b"GET", b"HEAD"), head=True)
        assert answer.status == 200 and answer.fields["content-length"] == "2000000"
        assert is_problem(client.get(b"/large?2000000"), 503)


def test_a_single_large_answer_is_served(start):
    server = start()
    with server.client() as client:
        assert len(client.get(b"/large?%d" % (64 * MIB)).body) == 64 * MIB


def test_no_request_begins_behind_a_mebibyte_of_answers(start):
    """What a client has sent ahead waits until it takes answers, and then goes on."""
    server = start(loops=1)
    with server.client(receive_buffer=4096) as client:
        client.send(get(b"/large?1500000") * 64 + get(b"/mark"))
        time.sleep(0.3)
        assert server.count()["handled"] < 20
        assert peak_bytes(server) < 60 * MIB * (1 if SLOWNESS == 1 else 4)
        assert all(len(client.read().body) == 1500000 for _ in range(64))
        assert client.read().body == b"marked"


def test_answers_that_wait_for_an_earlier_one_do_not_stop_it(start):
    """The mebibyte is behind a request whose answer comes late."""
    server = start(loops=1)
    with server.client() as client:
        client.send(get(b"/offload?200") + get(b"/large?1500000") * 10 + get(b"/mark"))
        assert client.read().body == b"400"
        assert all(len(client.read().body) == 1500000 for _ in range(10))
        assert client.read().body == b"marked"


def test_slow_readers_do_not_hold_the_memory_for_bodies(start):
    """An answered request needs its body no more, whoever takes the answer when."""
    server = start(body_memory_bytes_max=MIB)
    body = b"x" * 600000
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            slow = stack.enter_context(server.client(receive_buffer=4096))
            slow.send(post(b"/large?9000000", body))
            assert slow.read_head()[0] == 200
            with server.client() as client:
                assert client.ask(post(b"/echo", body)).body == body


def test_what_waits_behind_a_large_answer_goes_on_at_once(start):
    """No other event of the loop wakes it up; the last write is sometimes done before the loop looks for events."""
    server = start(loops=1)
    for _ in range(30):
        with server.client(receive_buffer=4096) as client:
            client.send(get(b"/large?3000000") + get(b"/mark"))
            assert len(client.read().body) == 3000000
            assert client.read().body == b"marked"
