"""Many requests at once on one connection: all run, answers come in their order, and the order of completion shows nowhere."""

import random
import select
import threading

import pytest
from http_wire import HOST, SLOWNESS, chunked, get, is_problem, post

TOTAL = 10000


def make_requests(seed, count):
    """(request, expected body) of all kinds, mixed."""
    generator = random.Random(seed)
    made = []
    for i in range(count):
        text = b"%d-%d" % (seed, i)
        kind = generator.randrange(6)
        if kind == 0:
            made.append((post(b"/echo", text), text))
        elif kind == 1:
            made.append((chunked(b"/echo", text, text), text + text))
        elif kind == 2:
            made.append((get(b"/delayed?" + text), text))
        elif kind == 3:
            made.append((post(b"/delayed", text), text))
        elif kind == 4:
            body = text * generator.randrange(1, 200)
            made.append((post(b"/echo", body), body))
        else:
            size = generator.randrange(0, 3000)
            made.append((get(b"/large?%d" % size), bytes(97 + j % 26 for j in range(size))))
    return made


def pipeline(client, requests, piece=1 << 20):
    """Sends everything while it reads, as a client must that does not want to stop the server."""
    data = b"".join(request for request, _ in requests)

    def send():
        for i in range(0, len(data), piece):
            client.send(data[i:i + piece])

    sender = threading.Thread(target=send)
    sender.start()
    for _, body in requests:
        answer = client.read()
        assert answer.status == 200 and answer.body == body
    sender.join()


def test_answers_keep_their_order(shared):
    with shared.client() as client:
        client.send(get(b"/offload?100") + get(b"/echo") + get(b"/offload?10") + get(b"/delayed?x") + post(b"/echo", b"y"))
        assert [client.read().body for _ in range(5)] == [b"200", b"", b"20", b"x", b"y"]


def test_requests_of_one_connection_run_at_the_same_time(start):
    server = start(loops=1)
    with server.client() as client:
        client.send(get(b"/never") + get(b"/mark") * 5)
        server.wait_until(lambda count: count["marks"] == 5)
        assert client.is_quiet()


@pytest.mark.parametrize("pipeline_max", [1, 2, 7, 64])
def test_the_limit_of_requests_under_way_holds(start, pipeline_max):
    server = start(loops=1, pipeline_max=pipeline_max)
    with server.client() as client:
        client.send(get(b"/never") + get(b"/mark") * 200)
        server.wait_until(lambda count: count["marks"] == pipeline_max - 1)
        assert client.is_quiet(0.1)
        assert server.count()["marks"] == pipeline_max - 1


@pytest.mark.parametrize("pipeline_max", [1, 3, 64])
@pytest.mark.parametrize("piece", [7, 1000, 1 << 20])
def test_pipelined_requests_beyond_every_limit(start, pipeline_max, piece):
    server = start(pipeline_max=pipeline_max)
    with server.client() as client:
        pipeline(client, make_requests(piece + pipeline_max, 300), piece)


def test_sequential_and_pipelined_give_the_same(shared):
    requests = make_requests(1, TOTAL // SLOWNESS)
    with shared.client() as client:
        for request, body in requests:
            assert client.ask(request).body == body
    with shared.client() as client:
        pipeline(client, requests)


def test_many_connections_pipeline_at_once(shared):
    failures = []

    def run(seed):
        try:
            with shared.client() as client:
                pipeline(client, make_requests(seed, 200), 501)
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_nothing_behind_a_closing_answer_is_answered(shared):
    with shared.client() as client:
        client.send(get(b"/echo") + get(b"/close") + get(b"/echo") + get(b"/offload?20"))
        assert client.read().body == b""
        assert client.read().body == b"bye"
        assert client.at_end()


def test_client_that_does_not_read_stops_being_read(start):
    """Neither memory nor requests pile up behind answers that nobody takes."""
    server = start(loops=1, pipeline_max=8)
    with server.client(receive_buffer=4096) as client:
        client.socket.setblocking(False)
        data = get(b"/large?1000000") * 2000
        sent = 0
        while select.select([], [client.socket], [], 0.5)[1] and sent < len(data):
            sent += client.socket.send(data[sent:])
        handled = server.count()["handled"]
        assert handled < 40, "more requests ran than answers were taken"
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
            peak = next(int(row.split()[1]) for row in status if row.startswith("VmRSS"))
        assert peak < 400 * 1024  # KiB, sanitizers included


def test_slow_reader_gets_all_of_a_large_answer(start):
    server = start()
    with server.client(receive_buffer=4096) as client:
        client.send(get(b"/large?3000000") + get(b"/mark"))
        body = client.read().body
        assert len(body) == 3000000 and body[:27] == b"abcdefghijklmnopqrstuvwxyza"
        assert client.read().body == b"marked"


def test_early_answer_behind_others_comes_in_order(shared):
    with shared.client() as client:
        client.send_what_goes(get(b"/offload?100") + post(b"/early", b"x" * 500000) + get(b"/mark"))
        assert client.read().body == b"200"
        assert is_problem(client.read(), 401)
        assert client.at_end()


def test_waiting_head_and_body_in_pieces(shared):
    with shared.client() as client:
        client.send(get(b"/delayed?1") + b"POST /echo HTTP/1.1\r\n" + HOST)
        assert client.read().body == b"1"
        client.send(b"Content-Length: 4\r\n\r\nab")
        assert client.is_quiet()
        client.send(b"cd" + get(b"/echo"))
        assert client.read().body == b"abcd"
        assert client.read().status == 200


