"""Everything is bounded, and each bound has its own clear answer."""

import socket
import time

import pytest
from http_wire import HOST, chunked, get, is_problem, post


def check_closed(client, status, before=None):
    answer = client.read()
    assert is_problem(answer, status) and answer.fields["connection"] == "close"
    assert client.at_end()
    return answer


def test_target_at_and_above_its_limit(start):
    server = start(target_bytes_max=100)
    with server.client() as client:
        assert client.get(b"/request?" + b"x" * 91).status == 200
        client.send(get(b"/request?" + b"x" * 92) + get(b"/mark"))
        check_closed(client, 414)


@pytest.mark.parametrize("size", [9000, 20000, 200000])
def test_long_target_is_refused_before_its_end(start, size):
    server = start()
    with server.client() as client:
        client.send_what_goes(b"GET /" + b"x" * size)
        check_closed(client, 414)


@pytest.mark.parametrize("piece", [1, 100, 5000, 17 * 1024])
def test_header_of_17_kib(start, piece):
    server = start()
    data = get(b"/mark", b"X-Large: " + b"x" * 17 * 1024 + b"\r\n")
    with server.client() as client:
        if piece == 1:
            client.send(data[:16000])
            for i in range(16000, 16600):
                client.send_what_goes(data[i:i + 1])
        for i in range(16600 if piece == 1 else 0, len(data), max(piece, 100)):
            client.send_what_goes(data[i:i + max(piece, 100)])
        check_closed(client, 431)
    assert server.count()["marks"] == 0


def test_header_at_its_limit(start):
    server = start(header_bytes_max=1000)
    room = 1000 - len(get(b"/echo", b"X: \r\n"))
    with server.client() as client:
        assert client.get(b"/echo", b"X: " + b"x" * room + b"\r\n").status == 200
        client.send(get(b"/echo", b"X: " + b"x" * (room + 1) + b"\r\n"))
        check_closed(client, 431)


def test_number_of_fields(start):
    server = start(headers_max=20)
    with server.client() as client:
        assert client.get(b"/echo", b"X: y\r\n" * 19).status == 200
        client.send(get(b"/echo", b"X: y\r\n" * 20))
        check_closed(client, 431)


def test_body_above_its_limit_by_length_is_refused_at_once(shared):
    with shared.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % ((1 << 20) + 1))
        check_closed(client, 413)
    with shared.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 9223372036854775807\r\n\r\n")
        check_closed(client, 413)


def test_body_above_its_limit_without_waiting_for_continue(shared):
    with shared.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        check_closed(client, 413)


@pytest.mark.parametrize("chunk", [1000, 65536, (1 << 20) + 1])
def test_chunked_body_above_its_limit_is_refused_when_it_passes(shared, chunk):
    with shared.client() as client:
        count = (1 << 20) // chunk + 1
        client.send_what_goes(chunked(b"/echo", *[b"x" * chunk] * count) + get(b"/mark"))
        check_closed(client, 413)


def test_client_that_sends_a_huge_body_reads_its_413(shared):
    with shared.client() as client:
        client.send_what_goes(post(b"/echo", b"x" * (20 << 20)))
        check_closed(client, 413)


def test_chunk_size_above_the_limit_is_refused_before_the_data(shared):
    with shared.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n")
        check_closed(client, 413)


def test_memory_for_bodies_is_shared_and_given_back(start):
    server = start(body_memory_bytes_max=1 << 20)
    body = b"x" * 600000
    with server.client() as first, server.client() as second:
        first.send(post(b"/echo", body)[:-1])
        server.wait_until(lambda count: count["requests"] >= 2)
        time.sleep(0.1)
        second.send_what_goes(post(b"/echo", body))
        answer = check_closed(second, 503)
        assert int(answer.fields["retry-after"]) > 0
        first.send(b"x")
        assert first.read().body == body
    for _ in range(20):
        server.wait_until(lambda count: count["open"] == 1)
        with server.client() as client:
            assert client.ask(post(b"/echo", body)).body == body
            client.send(post(b"/echo", body)[:-10])


def test_a_promised_body_takes_no_memory(start):
    server = start(body_memory_bytes_max=1 << 20)
    clients = [server.client() for _ in range(50)]
    for client in clients:
        client.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\nxxxx")
    with server.client() as client:
        assert client.ask(post(b"/echo", b"abc")).body == b"abc"
    for client in clients:
        client.close()


def test_connections_above_the_cap(start):
    server = start(connections_max=10)
    clients = [server.client() for _ in range(10)]
    for client in clients:
        assert client.get(b"/echo").status == 200
    for _ in range(30):
        with server.client() as client:
            client.send_what_goes(get(b"/mark"))
            assert int(check_closed(client, 503).fields["retry-after"]) > 0
    with server.client() as client:
        check_closed(client, 503)  # also one that says nothing
    for client in clients:
        assert client.get(b"/echo").status == 200
    clients.pop().close()
    ends = time.monotonic() + 10
    while True:
        with server.client() as client:
            client.send_what_goes(get(b"/echo"))
            if client.read().status == 200:
                break
        assert time.monotonic() < ends
    for client in clients:
        client.close()
    server.wait_until(lambda count: "refused" not in count or count["refused"] >= 31)
    assert server.count()["marks"] == 0


def test_offloads_above_their_limit(start):
    server = start(offloads_max=2)
    clients = [server.client() for _ in range(5)]
    for client in clients:
        client.send(get(b"/offload?300"))
    answers = sorted(client.read().status for client in clients)
    assert answers == [200, 200, 503, 503, 503]
    assert clients[0].get(b"/offload?1").body == b"2"
    for client in clients:
        client.close()


def test_out_of_descriptors(start, monkeypatch):
    """Clients are sent away or wait, the server neither spins nor dies, and serves again afterwards."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        server = start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    clients = []
    for _ in range(120):
        sock = socket.create_connection(server.address)
        sock.settimeout(5)
        clients.append(sock)
    time.sleep(0.3)
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:
        before = sum(int(field) for field in stat.read().rsplit(") ", 1)[1].split()[11:13])
    time.sleep(1)
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:
        after = sum(int(field) for field in stat.read().rsplit(") ", 1)[1].split()[11:13])
    assert after - before < 30, "the server spins"  # hundredths of a second
    for sock in clients:
        sock.close()
    time.sleep(0.3)
    with server.client() as client:
        assert client.get(b"/echo").status == 200
