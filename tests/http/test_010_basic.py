"""What every client does: ask, be answered, ask again on the same connection."""

import re

import pytest
from http_wire import HOST, chunked, get, is_problem, post


def test_get_is_answered_with_its_fields(shared):
    with shared.client() as client:
        answer = client.get(b"/request?a=b&c=%20", b"X-One:  first \r\nEmpty:\r\nx-one: second\r\n")
    lines = answer.body.decode().splitlines()
    assert lines == ["method=0 path=/request query=a=b&c=%20 absent=0 body=0/0", "Host=[test.example]", "X-One=[first]",
                     "Empty=[]", "x-one=[second]"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.fields["date"])
    assert "connection" not in answer.fields


def test_empty_query_differs_from_none(shared):
    with shared.client() as client:
        assert b"query= absent=0" in client.get(b"/request?").body
        assert b"query= absent=1" in client.get(b"/request").body


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4095, 4096, 4097, 65535, 65536, 65537, 200000, 1 << 20])
def test_body_comes_whole_with_padding(shared, size):
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    with shared.client() as client:
        assert client.ask(post(b"/echo", body)).body == body
        assert client.ask(chunked(b"/echo", *[body[i:i + 7777] for i in range(0, size, 7777)])).body == body


def test_connection_is_kept_for_many_requests(shared):
    with shared.client() as client:
        for i in range(500):
            assert client.ask(post(b"/echo", b"%d" % i)).body == b"%d" % i


@pytest.mark.parametrize("token", [b"TRACE", b"CONNECT", b"PROPFIND", b"PRI", b"X", b"get", b"M-SEARCH", b"SOURCE",
                                   b"!#$%&'*+-.^_`|~0a", b"A" * 32])
def test_other_methods_are_framed_like_any(shared, token):
    """405 comes from the handler; the body belongs to the request and the connection lives on without one."""
    with shared.client() as client:
        answer = client.ask(token + b" /echo HTTP/1.1\r\n" + HOST + b"\r\n")
        assert is_problem(answer, 405) and answer.fields["allow"] == "GET, HEAD, POST"
        answer = client.ask(token + b" /mark HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\nab")
        assert is_problem(answer, 405) and answer.fields["connection"] == "close"
        assert client.at_end()


@pytest.mark.parametrize("method, number", [(b"GET", 0), (b"POST", 2), (b"OPTIONS", 3), (b"DELETE", 4), (b"PUT", 5),
                                            (b"PATCH", 6)])
def test_known_methods_reach_the_handler(shared, method, number):
    with shared.client() as client:
        answer = client.ask(method + b" /request HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx")
        assert answer.body.startswith(b"method=%d path=/request" % number) and b"body=1/1" in answer.body


def test_post_without_length_has_no_body(shared):
    with shared.client() as client:
        assert b"method=2 path=/request query= absent=1 body=0/0" in client.ask(
            b"POST /request HTTP/1.1\r\n" + HOST + b"\r\n").body
        assert b"body=1/0" in client.ask(post(b"/request", b"")).body


def test_head_has_length_but_no_body(shared):
    with shared.client() as client:
        answer = client.ask(b"HEAD /large?1000 HTTP/1.1\r\n" + HOST + b"\r\n", head=True)
        assert answer.status == 200 and answer.fields["content-length"] == "1000"
        assert client.get(b"/echo").status == 200
        answer = client.ask(b"HEAD /nothing HTTP/1.1\r\n" + HOST + b"\r\n", head=True)
        assert answer.status == 404 and int(answer.fields["content-length"]) > 0
        assert client.get(b"/echo").status == 200


def test_204_has_no_length_and_fields_cannot_be_forged(shared):
    with shared.client() as client:
        answer = client.get(b"/fields")
        assert answer.status == 204 and answer.fields["x-good"] == "yes"
        assert not {"content-length", "content-type", "x-forged", "x-evil"} & set(answer.fields)


@pytest.mark.parametrize("target, seen", [
    (b"/request?x", b"path=/request query=x"),
    (b"http://test.example/request", b"path=/request query= absent=1"),
    (b"HTTP://Other.example:8080/request?y=http://z", b"path=/request query=y=http://z"),
    (b"https://[::1]:3000/request", b"path=/request"),
    (b"http://test.example", b"path=/ query= absent=1"),
    (b"http://test.example?q", b"path=/ query=q"),
    (b"/request?%C3%A4{}|^\"<>[]", b"query=%C3%A4{}|^\"<>[]"),
])
def test_targets(shared, target, seen):
    with shared.client() as client:
        assert seen in client.get(target).body


@pytest.mark.parametrize("target", [b"*", b"http://test.example"])
def test_options_for_the_whole_server(shared, target):
    with shared.client() as client:
        assert b"method=3 path=* " in client.ask(b"OPTIONS " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n").body


@pytest.mark.parametrize("host", [b"a", b"a.b-c_d~", b"127.0.0.1:3000", b"[::1]", b"[::ffff:1.2.3.4]:80", b"a:", b"%41b",
                                  b"x:65535"])
def test_hosts_that_are_fine(shared, host):
    with shared.client() as client:
        assert client.ask(b"GET /echo HTTP/1.1\r\nHost: " + host + b"\r\n\r\n").status == 200


@pytest.mark.parametrize("fields, version, kept", [
    (b"", b"HTTP/1.1", True),
    (b"Connection: close\r\n", b"HTTP/1.1", False),
    (b"Connection: CLOSE\r\n", b"HTTP/1.1", False),
    (b"Connection: te, close\r\n", b"HTTP/1.1", False),
    (b"Connection: te\r\nConnection: close\r\n", b"HTTP/1.1", False),
    (b"Connection: keep-alive, close\r\n", b"HTTP/1.1", False),
    (b"Connection: keep-alive\r\n", b"HTTP/1.1", True),
    (b"", b"HTTP/1.0", False),
    (b"Connection: keep-alive\r\n", b"HTTP/1.0", True),
    (b"Connection: keep-alive, close\r\n", b"HTTP/1.0", False),
])
def test_connection_persists_as_asked(shared, fields, version, kept):
    with shared.client() as client:
        before = shared.count()["marks"]
        client.send(get(b"/echo", fields, version) + get(b"/mark", b"Connection: close\r\n"))
        answer = client.read()
        assert answer.status == 200
        if kept:
            assert answer.fields.get("connection") == ("keep-alive" if version == b"HTTP/1.0" else None)
            assert client.read().body == b"marked"
        else:
            assert answer.fields["connection"] == "close"
        assert client.at_end()
        assert shared.count()["marks"] == before + kept


def test_http_1_0_needs_no_host(shared):
    with shared.client() as client:
        assert client.ask(b"GET /echo HTTP/1.0\r\n\r\n").status == 200 and client.at_end()


def test_upgrade_is_not_taken_up(shared):
    """h2c and websocket offers are ignored; what follows is HTTP/1.1 as before."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    with shared.client() as client:
        client.send(get(b"/echo", upgrade) + post(b"/echo", b"body", upgrade) + get(b"/mark"))
        assert client.read().status == 200
        assert client.read().body == b"body"
        assert client.read().body == b"marked"


def test_handler_may_close(shared):
    with shared.client() as client:
        answer = client.get(b"/close")
        assert answer.body == b"bye" and answer.fields["connection"] == "close" and client.at_end()


def test_empty_lines_before_a_request(shared):
    with shared.client() as client:
        assert client.ask(b"\r\n\r\n" + get(b"/echo")).status == 200
        client.send(b"\r")
        assert client.ask(b"\n" + get(b"/echo")).status == 200


@pytest.mark.parametrize("expectation", [b"100-continue", b"100-Continue"])
def test_100_continue(shared, expectation):
    fields = b"Expect: " + expectation + b"\r\n"
    with shared.client() as client:
        for body in (b"abc", b"x" * 100000):
            head, _ = post(b"/echo", body, fields).split(b"\r\n\r\n")
            assert client.ask(head + b"\r\n\r\n").status == 100
            assert client.ask(body).body == body


def test_100_continue_waits_for_earlier_answers(shared):
    with shared.client() as client:
        client.send(get(b"/offload?200") + b"POST /echo HTTP/1.1\r\n" + HOST
                    + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.is_quiet(0.1)
        assert client.read().body == b"400"
        assert client.read().status == 100
        assert client.ask(b"ab").body == b"ab"


def test_100_continue_is_not_sent_when_refused(shared):
    with shared.client() as client:
        answer = client.ask(b"POST /early HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert is_problem(answer, 401) and answer.fields["connection"] == "close" and client.at_end()


def test_100_continue_is_not_sent_without_a_body_or_to_http_1_0(shared):
    with shared.client() as client:
        assert client.get(b"/echo", b"Expect: 100-continue\r\n").status == 200
        answer = client.ask(b"POST /echo HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx")
        assert answer.status == 200 and answer.body == b"x"


def test_other_expectations_fail(shared):
    with shared.client() as client:
        assert is_problem(client.get(b"/mark", b"Expect: the best\r\n"), 417) and client.at_end()


def test_early_answer_without_a_body_keeps_the_connection(shared):
    with shared.client() as client:
        assert is_problem(client.get(b"/early"), 401)
        assert is_problem(client.ask(post(b"/early", b"")), 401)
        assert client.get(b"/echo").status == 200


def test_early_answer_reaches_a_client_that_sends_on(shared):
    """Closing with the body unread would reset the connection and could destroy the answer."""
    with shared.client() as client:
        client.send_what_goes(post(b"/early", b"x" * (8 << 20)))
        answer = client.read()
        assert is_problem(answer, 401) and answer.fields["connection"] == "close" and client.at_end()


def test_half_closed_client_gets_its_answers(shared):
    import socket
    with shared.client() as client:
        client.send(get(b"/offload?50") + get(b"/delayed?2") + get(b"/echo"))
        client.socket.shutdown(socket.SHUT_WR)
        assert [client.read().body, client.read().body, client.read().body] == [b"100", b"2", b""]
        assert client.at_end()
    with shared.client() as client:
        client.send(get(b"/echo") + b"GET /mark HTTP/1.1\r\nHost")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read().status == 200
        assert is_problem(client.read(), 400) and client.at_end()


@pytest.mark.parametrize("target", [b"/echo", b"/fields", b"/delayed", b"/offload", b"/large?100000", b"/pieces?100000", b"/nowhere",
                                    b"/early"])
def test_a_field_is_put_into_whichever_answer(shared, target):
    """Guards what is said of every answer: handlers at once, later and from the pool, and problems; not the next request's."""
    with shared.client() as client:
        assert client.get(target, b"X-Put: here\r\n").fields["x-put"] == "here"
        assert "x-put" not in client.get(target).fields
        assert client.get(target, b"X-Put: again\r\n").fields["x-put"] == "again"


def test_a_field_is_put_into_what_the_transport_refuses(shared):
    """Guards the same for a body that is too large, which no handler ever sees."""
    with shared.client() as client:
        answer = client.ask(b"POST /echo HTTP/1.1\r\n" + HOST + b"X-Put: here\r\nContent-Length: 2000000\r\n\r\n")
        assert is_problem(answer, 413) and answer.fields["x-put"] == "here"
