"""Time and number are bounded: slow clients, idle ones, too many of them. The limits are set short by flags."""

import json
import re
import selectors
import socket
import time

import pytest

import expect
import service as services
import wire

LIST = "/api/v1/activities"
GOOD = {"userId": "deadlines", "action": "a"}
SLOW_CLIENTS = 300


@pytest.fixture(scope="module")
def hasty():
    """A service that waits one second at most."""
    kinds = ("header", "body", "idle", "write")
    with services.running(*(f"--{kind}-timeout=1s" for kind in kinds)) as one:
        yield one


def test_a_header_that_does_not_end(hasty):
    """Guards the deadline for headers: 408, then the end."""
    with hasty.connect() as connection:
        start = time.monotonic()
        connection.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        expect.problem(connection.read_answer(), 408)
        assert 0.7 < time.monotonic() - start < 5 * services.PATIENCE
        assert connection.is_closed_by_server()


@pytest.mark.parametrize("way", [[("Content-Length", 100)], [("Transfer-Encoding", "chunked")]])
def test_a_body_that_does_not_end(hasty, way):
    """Guards the deadline for bodies, which is another one than that for headers: 408, then the end."""
    with hasty.connect() as connection:
        start = time.monotonic()
        connection.send(connection.head("POST", LIST, way) + b"3\r\n{\r\n"[:4])
        expect.problem(connection.read_answer(), 408)
        assert 0.7 < time.monotonic() - start < 5 * services.PATIENCE
        assert connection.is_closed_by_server()


@pytest.mark.parametrize("streamed", [False, True])
def test_lines_have_a_rate_instead(hasty, streamed):
    """Guards imports that take long: who sends enough goes on beyond the deadline of a body, and who does not is told 408 with
    the line to go on from, and cut."""
    headers = [("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked")]
    headers += [("Accept", "application/x-ndjson")] if streamed else []
    line = json.dumps({**GOOD, "metadata": {"fill": "x" * 400}}).encode() + b"\n"
    with hasty.connect() as connection:
        connection.send(connection.head("POST", LIST, headers))
        for _ in range(15):  # some 2 KB a second, of which 500 bytes are wanted
            connection.send(wire.chunk(line))
            time.sleep(0.2)
        start = time.monotonic()
        connection.send(b"1\r\n{\r\n")
        if streamed:
            verdicts = [json.loads(text) for text in re.findall(rb"{.*}", connection.read_to_end())]
            assert [verdict.get("line") for verdict in verdicts[:-1]] == list(range(1, 16))
            problem = verdicts[-1]["error"]
        else:
            problem = expect.problem(connection.read_answer(), 408)
            assert connection.is_closed_by_server()
    assert (problem["status"], problem["accepted"], problem["line"]) == (408, 15, 16)
    assert time.monotonic() - start < 6 * services.PATIENCE


@pytest.mark.parametrize("requests", [0, 1])
def test_an_idle_connection(hasty, requests):
    """Guards the deadline for connections without a request, new or kept: closed without a word."""
    start = time.monotonic()
    with hasty.connect() as connection:
        for _ in range(requests):
            assert connection.get("/livez").status == 200
        assert connection.is_closed_by_server()
        assert 0.7 < time.monotonic() - start < 5 * services.PATIENCE


def test_a_busy_connection_lives_on(hasty):
    """Guards connections that are used again and again: each deadline begins anew with each request."""
    with hasty.connect() as connection:
        for _ in range(12):
            assert connection.get("/livez").status == 200
            time.sleep(0.15)


def test_an_answer_that_nobody_takes(make_service):
    """Guards memory against clients that ask and do not read: such a connection is cut, and the service goes on."""
    service = make_service("--write-timeout", "1s").start()
    service.post([{**GOOD, "metadata": {"k": "v" * 5000}} for _ in range(1000)])
    service.wait_settled()
    before = service.count_sockets()
    with service.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        begun = time.monotonic()
        connection.send(connection.encode("GET", f"{LIST}?limit=1000") * 8)
        wire.wait_until(lambda: service.count_sockets() == before + 1, "it is connected")
        wire.wait_until(lambda: service.count_sockets() == before, "it is cut")
        assert 0.7 < time.monotonic() - begun < 6 * services.PATIENCE
    service.stop()


def crawl(service, seconds, every):
    """Opens many connections that send one byte now and then, half of them in the header and half in the body. Returns how
    many ended, with what, how many did not, and how long a good client waited at most."""
    watcher = selectors.DefaultSelector()
    head = b"POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
    clients = []
    for number in range(SLOW_CLIENTS):
        client = wire.Connection(service.port)
        client.send(head + (b"\r\n{" if number % 2 else b"X: "))
        client.socket.setblocking(False)
        watcher.register(client.socket, selectors.EVENT_READ, client)
        clients.append(client)
    ended, worst = [], 0.0
    end, next_byte = time.monotonic() + seconds, time.monotonic()
    while len(ended) < SLOW_CLIENTS and time.monotonic() < end:
        if time.monotonic() >= next_byte:
            next_byte += every
            for client in clients:
                try:
                    client.socket.send(b" " if client.socket.fileno() >= 0 else b"")
                except OSError:
                    pass  # it was cut meanwhile; its answer is read below
            begun = time.monotonic()
            expect.accepted_one(service.post(GOOD))
            worst = max(worst, time.monotonic() - begun)
        for key, _ in watcher.select(max(0.0, min(next_byte, end) - time.monotonic())):
            client = key.data
            try:
                if client._fill():
                    continue
            except OSError:
                pass
            ended.append(client.buffered)
            watcher.unregister(client.socket)
            clients.remove(client)
            client.close()
    for client in clients:
        client.close()
    return ended, len(clients), worst


def test_many_slow_clients(make_service):
    """Guards against clients that keep connections with a byte now and then: 300 of them end by the deadlines, which are
    totals, while a good client is served all the time."""
    service = make_service("--header-timeout", "2s", "--body-timeout", "2s").start()
    begun = time.monotonic()
    ended, left, worst = crawl(service, 10 * services.PATIENCE, 0.25)
    assert left == 0 and len(ended) == SLOW_CLIENTS
    assert time.monotonic() - begun < 6 * services.PATIENCE
    assert worst < 1.5 * services.PATIENCE, f"a good client waited {worst} s"
    told = [answer for answer in ended if answer.startswith(b"HTTP/1.1 408 ")]
    assert len(told) > SLOW_CLIENTS / 2, "most of them are told why, unless a reset overtook the answer"
    service.stop()


def test_a_deadline_is_not_pushed_back(make_service):
    """Guards the judge of the test above: with long deadlines the same clients live on."""
    service = make_service("--header-timeout", "60s", "--body-timeout", "60s").start()
    ended, left, _ = crawl(service, 3, 0.25)
    assert (len(ended), left) == (0, SLOW_CLIENTS)
    service.stop()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_cap_on_connections(make_service, threads):
    """Guards the cap, which counts over all event loops: one more is told 503 with Retry-After; when one leaves there is room."""
    service = make_service("--connections", 20, "--threads", threads).start()
    service.forget_connection()
    wire.wait_until(lambda: fill(service, 20), "20 connections are served")
    service.stop()


def fill(service, count):
    """Whether so many connections are served and one more is refused; closed ones may take a moment to be forgotten."""
    connections = [service.connect() for _ in range(count)]
    try:
        if any(connection.get("/livez").status != 200 for connection in connections):
            return False
        for _ in range(5):
            with service.connect() as refused:
                expect.problem(refused.read_answer(), 503)
                assert refused.is_closed_by_server()
        assert all(connection.get("/livez").status == 200 for connection in connections)
        connections.pop().close()

        def one_more():
            with service.connect() as connection:
                return connection.get("/livez").status == 200

        return wire.wait_until(one_more, "a connection that left makes room")
    finally:
        for connection in connections:
            connection.close()


def test_the_memory_for_bodies(make_service):
    """Guards the sum of all bodies held at once: beyond it 503, and when they are gone there is room again."""
    service = make_service("--body-memory-bytes", "4MiB").start()
    size = 3 << 20
    with service.connect() as first, service.connect() as second:
        first.send(first.head("POST", LIST, [("Content-Length", size)]) + b" " * (size - 100))
        wire.wait_until(lambda: service.get("/livez").status == 200, "it goes on")
        time.sleep(0.2 * services.PATIENCE)
        try:
            second.send(second.head("POST", LIST, [("Content-Length", size)]) + b" " * size)
        except OSError:
            pass  # it stopped reading
        expect.problem(second.read_answer(), 503)
        body = b'{"userId":"u","action":"a"}'
        first.send(b" " * (100 - len(body)) + body)
        assert first.read_answer().status == 413  # one activity of 3 MiB; but it was read to its end
    wire.wait_until(lambda: service.post(b"[" + body + b" " * size + b"]").status == 202, "there is room again")
    service.stop()


def test_the_number_of_questions(make_service):
    """Guards the pool that answers questions: beyond its bound 503 with Retry-After at once, and afterwards it answers again."""
    service = make_service("--queries", 1).start()
    service.post([{**GOOD, "metadata": {"k": "v" * 3000}} for _ in range(1000)])
    service.wait_settled()
    with service.connect() as connection:
        connection.send(connection.encode("GET", f"{LIST}?limit=1000") * 12)
        answers = [connection.read_answer() for _ in range(12)]
    assert {answer.status for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status == 503:
            expect.problem(answer, 503)
    assert service.get(LIST).status == 200
    service.stop()


def test_the_memory_of_rejected_items(make_service):
    """Guards memory against arrays of nothing but faults, each of which is told at length: what all requests take together has
    a bound, beyond it 503, and afterwards there is room again."""
    service = make_service("--body-memory-bytes", "2MiB").start()
    faulty = b"[" + b"7," * 9999 + b'{"userId":"u","action":"a"}]'
    expect.problem(service.post(faulty), 503)
    answer = service.post(b"[" + b"7," * 99 + b'{"userId":"u","action":"a"}]')
    assert answer.status == 202 and answer.json["rejected"] == 99
    service.stop()
    service = make_service().start()
    answer = service.post(faulty)
    assert answer.status == 202 and answer.json["rejected"] == 9999
    service.stop()
