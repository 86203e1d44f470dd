"""Connections: order of pipelined answers, requests in pieces, expectations, sizes of headers, clients that go away."""

import pytest

import expect

LIST = "/api/v1/activities"
GOOD = {"userId": "transport", "action": "a"}


def test_pipelined_answers_keep_their_order(shared):
    """Guards the order of answers that are ready at different times: durable writes, reads by other threads, refusals at once."""
    with shared.connect() as connection:
        requests, wanted = b"", []
        for number in range(300):
            kind = number % 6
            if kind == 0:
                requests += connection.encode("POST", LIST, {**GOOD, "id": f"order-{number}"})
                wanted.append((202, f'"id":"order-{number}"'))
            elif kind == 1:
                requests += connection.encode("GET", f"{LIST}?userId=nobody-{number}&limit={number}")
                wanted.append((200, '"results":0'))
            elif kind == 2:
                requests += connection.encode("GET", f"{LIST}?unknown-{number}=1")
                wanted.append((400, f"unknown-{number}"))
            elif kind == 3:
                requests += connection.encode("GET", "/livez")
                wanted.append((200, "alive"))
            elif kind == 4:
                requests += connection.encode("POST", LIST, {"userId": "u", f"member-{number}": 1, "action": "a"})
                wanted.append((400, f"member-{number}"))
            else:
                requests += connection.encode("GET", f"/nothing/{number}")
                wanted.append((404, "no-such-route"))
        connection.send(requests)
        for number, (status, text) in enumerate(wanted):
            answer = connection.read_answer()
            assert answer.status == status and text in answer.text, f"{number}: {answer}"


def test_a_head_in_a_pipeline(shared):
    """Guards the border of answers behind one that has a length and no body."""
    with shared.connect() as connection:
        connection.send(connection.encode("HEAD", "/livez") + connection.encode("OPTIONS", LIST)
                        + connection.encode("GET", "/livez"))
        assert connection.read_answer("HEAD").status == 200
        assert connection.read_answer().status == 204
        assert connection.read_answer().json == {"status": "alive"}


@pytest.mark.parametrize("way", ["length", "chunked"])
def test_split_at_every_byte(shared, way):
    """Guards the parser's memory of where it is: a request is the same wherever the network cuts it in two."""
    with shared.connect() as connection:
        body = '{"userId":"transport","action":"s\u00e9parated","metadata":{"k":"\\u00e9"}}'.encode()
        headers = [("X", "y")] if way == "length" else [("Transfer-Encoding", "chunked")]
        sent = body if way == "length" else b"%x\r\n%s\r\n3;x\r\n%s\r\n0\r\nT: u\r\n\r\n" % (len(body) - 3, body[:-3], body[-3:])
        request = connection.encode("POST", LIST, sent, headers)
        for place in range(1, len(request)):
            connection.send(request[:place])
            assert shared.get("/livez").status == 200  # by then the first piece has been looked at
            connection.send(request[place:])
            last = expect.accepted_one(connection.read_answer())
        row = shared.wait_stored(last)
        assert (row["action"], row["metadata"]) == ("s\u00e9parated", {"k": "\u00e9"})


def test_byte_by_byte(shared):
    """Guards the same for a request that comes in single bytes, with the next one right behind it."""
    with shared.connect() as connection:
        request = connection.encode("POST", LIST, GOOD) + connection.encode("GET", "/livez")
        for place in range(len(request)):
            connection.send(request[place:place + 1])
        expect.accepted_one(connection.read_answer())
        assert connection.read_answer().status == 200


def test_expect_continue(shared):
    """Guards clients that ask before they send: 100 comes once, before the body, then the answer."""
    with shared.connect() as connection:
        body = b'{"userId":"transport","action":"a"}'
        connection.send(connection.head("POST", LIST, [("Content-Length", len(body)), ("Expect", "100-continue")]))
        interim = connection.read_answer(interim=True)
        assert (interim.status, interim.headers) == (100, [])
        connection.send(body)
        expect.accepted_one(connection.read_answer(interim=True))
        assert connection.get("/livez").status == 200


def test_expect_continue_is_not_sent_for_what_is_refused(shared):
    """Guards against asking for a body that is refused anyway: the answer comes at once, without 100."""
    for target, headers, status in ((LIST, [("Content-Type", "text/html")], 415), ("/nothing", [], 404),
                                    (LIST, [("Content-Length", 20 << 20)], 413)):
        with shared.connect() as connection:
            length = [] if any(name == "Content-Length" for name, _ in headers) else [("Content-Length", 10)]
            connection.send(connection.head("POST", target, [("Expect", "100-continue"), *length, *headers]))
            expect.problem(connection.read_answer(interim=True), status)


def test_expect_continue_with_the_body_at_once(shared):
    """Guards clients that do not wait for the 100: one answer to one request, and the connection goes on."""
    with shared.connect() as connection:
        connection.send(connection.encode("POST", LIST, GOOD, [("Expect", "100-Continue")]) + connection.encode("GET", "/livez"))
        expect.accepted_one(connection.read_answer())
        assert connection.read_answer().status == 200


def test_other_expectations_are_417(shared):
    """Guards against promising what is not done."""
    with shared.connect() as connection:
        connection.send(connection.encode("POST", LIST, GOOD, [("Expect", "200-ok")]))
        expect.problem(connection.read_answer(), 417)


@pytest.mark.parametrize("size, status", [(15 * 1024, 200), (17 * 1024, 431)])
def test_large_headers(shared, size, status):
    """Guards both sides of the limit for a header, in one field and in many."""
    for fields in ([("X-Large", "x" * (size - 100))], [(f"X-{i}", "y" * 990) for i in range(size // 1024)]):
        with shared.connect() as connection:
            answer = connection.get("/livez", fields)
            assert answer.status == status, answer
            if status == 431:
                expect.problem(answer, 431)
                assert connection.is_closed_by_server()


def test_many_fields(shared):
    """Guards the number of header fields: very many small ones are refused, too."""
    with shared.connect() as connection:
        expect.problem(connection.get("/livez", [(f"X{i}", "") for i in range(1500)]), 431)


def test_an_endless_header(shared):
    """Guards memory: a header that never ends is refused as soon as it is too large."""
    with shared.connect() as connection:
        try:
            connection.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ")
            for _ in range(100):
                connection.send(b"x" * 10000)
        except OSError:
            pass  # it stopped reading
        expect.problem(connection.read_answer(), 431)


@pytest.mark.parametrize("size, status", [(8192, 404), (8193, 414), (12000, 414)])
def test_long_targets(shared, size, status):
    """Guards both sides of the limit for path and query."""
    with shared.connect() as connection:
        expect.problem(connection.get("/" + "x" * (size - 1)), status)
    with shared.connect() as connection:
        expect.problem(connection.get("/x?" + "y" * (size - 3)), status)


def test_connection_close(shared):
    """Guards clients that ask for the end: the answer says so, too, and nothing behind it runs."""
    with shared.connect() as connection:
        connection.send(connection.encode("GET", "/livez", headers=[("Connection", "close")])
                        + connection.encode("GET", "/livez"))
        answer = connection.read_answer()
        assert answer.status == 200 and answer.header("connection") == "close"
        assert connection.is_closed_by_server()


def test_http_1_0(shared):
    """Guards old clients: without keep-alive the end of the connection is the end of the answer."""
    with shared.connect() as connection:
        connection.send(b"GET /livez HTTP/1.0\r\n\r\n")
        assert connection.read_answer().status == 200
        assert connection.is_closed_by_server()


def test_a_half_closed_connection_is_answered(shared):
    """Guards clients that close their side after the request, as some tools do."""
    with shared.connect() as connection:
        connection.send(connection.encode("POST", LIST, GOOD) + connection.encode("GET", f"{LIST}?userId=nobody"))
        connection.socket.shutdown(1)
        expect.accepted_one(connection.read_answer())
        assert connection.read_answer().json["results"] == 0
        assert connection.is_closed_by_server()


def test_clients_that_go_away(shared):
    """Guards the service against connections that vanish at any place: in the header, in the body, before the answer."""
    requests = [b"", b"G", b"GET /livez HTTP/1.1\r\nHost"]
    with shared.connect() as connection:
        whole = connection.encode("POST", LIST, GOOD)
        requests += [whole[:-5], whole, whole * 50, connection.encode("GET", f"{LIST}?limit=1000") * 20]
    for round_number in range(10):
        for data in requests:
            connection = shared.connect()
            if round_number % 2:
                connection.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: closed by a reset
            connection.send(data)
            connection.close()
    assert shared.get("/livez").status == 200
    shared.wait_settled()


def test_every_field_stands_once(shared):
    """Guards proxies: no header field is doubled, and the length is that of the body."""
    answer = shared.get(f"{LIST}?userId=nobody")
    names = [name for name, _ in answer.headers]
    assert len(names) == len(set(names))
    assert int(answer.header("content-length")) == len(answer.body)
