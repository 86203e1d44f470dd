"""Framing (RFC 9112), strictly: whatever two parsers could read in two ways is one 400 and the end of the connection. Behind
each such request stands another one that must not run; whether it did is asked of the service afterwards."""

import itertools
import random

import pytest

import expect

NUMBERS = itertools.count()
BODY = b'{"userId":"framing","action":"a"}'
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def smuggled(activity_id):
    body = b'{"userId":"framing","action":"smuggled","id":"%s"}' % activity_id.encode()
    return b"POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def post(*fields, line=b"POST /logs HTTP/1.1", host=b"Host: localhost", body=BODY):
    """A POST with these raw field lines; each is ended by CR LF."""
    lines = [line] + ([host] if host else []) + list(fields)
    return b"".join(one + b"\r\n" for one in lines) + b"\r\n" + body


def get(*fields, line=b"GET /livez HTTP/1.1", host=b"Host: localhost"):
    return post(*fields, line=line, host=host, body=b"")


LENGTH = b"Content-Length: %d" % len(BODY)
TE = b"Transfer-Encoding: chunked"


def chunks(data):
    return post(TE, body=data)


def attack(service, data):
    """Sends a request with another behind it; returns all answers and whether the one behind was carried out."""
    activity_id = f"smuggled-{next(NUMBERS)}"
    with service.connect() as connection:
        connection.send(data.replace(b"@SMUGGLED@", smuggled(activity_id)) + smuggled(activity_id))
        answers = connection.read_answers_to_end()
    service.wait_settled()
    return answers, service.get(f"/logs/{activity_id}").status == 200


HIDDEN = b"0\r\n\r\n@SMUGGLED@"
REFUSED = {
    "Host missing": get(host=None),
    "Host missing on a POST": post(LENGTH, host=None),
    "Host twice": get(b"Host: localhost"),
    "Host twice and different": get(b"host: y"),
    "Host empty": get(host=b"Host:"),
    "Host with a space": get(host=b"Host: a b"),
    "Host a list": get(host=b"Host: a,b"),
    "Host with a path": get(host=b"Host: a/b"),
    "Host with user information": get(host=b"Host: a@b"),
    "Host with a bad port": get(host=b"Host: a:b"),
    "Content-Length twice": post(LENGTH, LENGTH),
    "Content-Length twice and different": post(LENGTH, b"Content-Length: 0"),
    "Content-Length twice, first zero": post(b"Content-Length: 0", LENGTH),
    "Content-Length listed": post(b"Content-Length: %d, %d" % (len(BODY), len(BODY))),
    "Content-Length listed without a space": post(b"Content-Length: 0,%d" % len(BODY)),
    "Content-Length with a plus": post(b"Content-Length: +%d" % len(BODY)),
    "Content-Length negative": post(b"Content-Length: -1"),
    "Content-Length minus zero": post(b"Content-Length: -0"),
    "Content-Length hexadecimal": post(b"Content-Length: 0x%x" % len(BODY)),
    "Content-Length with an exponent": post(b"Content-Length: 3e1"),
    "Content-Length with a fraction": post(b"Content-Length: 33.0"),
    "Content-Length empty": post(b"Content-Length:"),
    "Content-Length of spaces": post(b"Content-Length:  "),
    "Content-Length with a space inside": post(b"Content-Length: 3 3"),
    "Content-Length with a semicolon": post(b"Content-Length: 33;"),
    "Content-Length with a vertical tab": post(b"Content-Length: \x0b33"),
    "Content-Length that overflows": post(b"Content-Length: 18446744073709551649"),
    "Content-Length in other digits": post("Content-Length: \u0663\u0663".encode()),
    "Content-Length on a GET, twice": get(b"Content-Length: 0", b"Content-Length: 0"),
    "Content-Length with Transfer-Encoding": post(LENGTH, TE, body=CHUNKED),
    "Transfer-Encoding with Content-Length": post(TE, LENGTH, body=CHUNKED),
    "both, hiding a request (CL.TE)": post(b"Content-Length: 5", TE, body=HIDDEN),
    "both, hiding a request (TE.CL)": post(TE, b"Content-Length: 400", body=HIDDEN),
    "both, Content-Length zero": post(b"Content-Length: 0", TE, body=CHUNKED),
    "a coding gzip": post(b"Transfer-Encoding: gzip", body=CHUNKED),
    "a coding before chunked": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKED),
    "a coding behind chunked": post(b"Transfer-Encoding: chunked, gzip", body=CHUNKED),
    "a coding identity": post(b"Transfer-Encoding: identity", LENGTH),
    "chunked and identity": post(b"Transfer-Encoding: chunked, identity", body=CHUNKED),
    "chunked listed twice": post(b"Transfer-Encoding: chunked, chunked", body=CHUNKED),
    "Transfer-Encoding twice": post(TE, TE, body=CHUNKED),
    "Transfer-Encoding twice, one identity": post(TE, b"Transfer-Encoding: identity", body=CHUNKED),
    "Transfer-Encoding empty": post(b"Transfer-Encoding:", LENGTH),
    "Transfer-Encoding in quotes": post(b'Transfer-Encoding: "chunked"', body=CHUNKED),
    "Transfer-Encoding with a prefix": post(b"Transfer-Encoding: xchunked", body=CHUNKED),
    "Transfer-Encoding with a parameter": post(b"Transfer-Encoding: chunked;q=1", body=CHUNKED),
    "Transfer-Encoding with a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED),
    "Transfer-Encoding with a comma": post(b"Transfer-Encoding: ,chunked", body=CHUNKED),
    "Transfer-Encoding in HTTP/1.0": post(TE, line=b"POST /logs HTTP/1.0", body=CHUNKED),
    "a space before a colon": post(b"Content-Length : %d" % len(BODY)),
    "a tab before a colon": post(b"Content-Length\t: %d" % len(BODY)),
    "a space before the colon of Transfer-Encoding": post(b"Transfer-Encoding : chunked", body=CHUNKED),
    "a space before the colon of another field": get(b"X-Y : z"),
    "a folded line": get(b"X: a", b" b"),
    "a line folded by a tab": get(b"X: a", b"\tb"),
    "a folded Transfer-Encoding": post(b"Transfer-Encoding:", b" chunked", body=CHUNKED),
    "a folded first line": get(host=b" Host: localhost"),
    "a bare LF behind the request line": b"GET /livez HTTP/1.1\nHost: localhost\r\n\r\n",
    "a bare LF behind a field": b"GET /livez HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "a bare LF at the end of the header": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\n",
    "bare LFs everywhere": b"GET /livez HTTP/1.1\nHost: localhost\n\n",
    "a bare CR behind a field": b"GET /livez HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
    "a bare CR in a value": get(b"X: a\rb"),
    "two CRs at the end of a line": get(b"X: a\r"),
    "a NUL in a value": get(b"X: a\0b"),
    "a NUL in a name": get(b"X\0Y: a"),
    "a NUL in the target": get(line=b"GET /li\0vez HTTP/1.1"),
    "a NUL in the method": get(line=b"GE\0T /livez HTTP/1.1"),
    "a NUL before the request": b"\0" + get(),
    "a control character in a value": get(b"X: a\x01b"),
    "DEL in a value": get(b"X: a\x7fb"),
    "a field without a colon": get(b"X"),
    "a field without a name": get(b": x"),
    "a space in a name": get(b"X Y: z"),
    "a bracket in a name": get(b"X[]: z"),
    "a letter outside ASCII in a name": get("\u00e9: z".encode()),
    "two spaces in the request line": get(line=b"GET  /livez HTTP/1.1"),
    "a space behind the request line": get(line=b"GET /livez HTTP/1.1 "),
    "a space in the target": get(line=b"GET /li vez HTTP/1.1"),
    "a tab in the request line": get(line=b"GET\t/livez HTTP/1.1"),
    "a space before the method": get(line=b" GET /livez HTTP/1.1"),
    "no version": get(line=b"GET /livez"),
    "no target": get(line=b"GET HTTP/1.1"),
    "a version in small letters": get(line=b"GET /livez http/1.1"),
    "a version with more digits": get(line=b"GET /livez HTTP/1.10"),
    "a version with one digit": get(line=b"GET /livez HTTP/1"),
    "another protocol": get(line=b"GET /livez ICY/1.1"),
    "a target without a slash": get(line=b"GET livez HTTP/1.1"),
    "a fragment in the target": get(line=b"GET /livez#x HTTP/1.1"),
    "an asterisk for GET": get(line=b"GET * HTTP/1.1"),
    "an authority for GET": get(line=b"GET x:80 HTTP/1.1"),
    "a comma in the method": get(line=b"GE,T /livez HTTP/1.1"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "a chunk size with a plus": chunks(b"+1\r\n1\r\n0\r\n\r\n"),
    "a chunk size with a minus": chunks(b"-1\r\n1\r\n0\r\n\r\n"),
    "a chunk size with 0x": chunks(b"0x1\r\n1\r\n0\r\n\r\n"),
    "a chunk size with a space before": chunks(b" 1\r\n1\r\n0\r\n\r\n"),
    "a chunk size with a letter": chunks(b"1g\r\n1\r\n0\r\n\r\n"),
    "a chunk size that is empty": chunks(b"\r\n1\r\n0\r\n\r\n"),
    "a chunk size that overflows": chunks(b"10000000000000001\r\n1\r\n0\r\n\r\n"),
    "a chunk size of 16 digits": chunks(b"ffffffffffffffff\r\n1\r\n0\r\n\r\n"),
    "a chunk size ended by LF": chunks(b"1\n1\r\n0\r\n\r\n"),
    "a chunk ended by LF": chunks(b"1\r\n1\n0\r\n\r\n"),
    "a chunk without an end": chunks(b"1\r\n10\r\n\r\n"),
    "a chunk longer than told": chunks(b"1\r\n12\r\n0\r\n\r\n"),
    "a last chunk ended by LF": chunks(b"1\r\n1\r\n0\n\n"),
    "an end of chunks by LF": chunks(b"1\r\n1\r\n0\r\n\n"),
    "a chunk extension with LF": chunks(b"1;a=\n1\r\n0\r\n\r\n"),
    "a chunk extension with CR": chunks(b"1;a=\rb\r\n1\r\n0\r\n\r\n"),
    "a chunk extension with NUL": chunks(b"1;a=\0\r\n1\r\n0\r\n\r\n"),
    "a trailer with a space before its colon": chunks(b"1\r\n1\r\n0\r\nX : y\r\n\r\n"),
    "a trailer that is a Content-Length": chunks(b"1\r\n1\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "a trailer that is a Transfer-Encoding": chunks(b"1\r\n1\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "a trailer that is folded": chunks(b"1\r\n1\r\n0\r\nX: y\r\n z\r\n\r\n"),
    "a trailer with a bare LF": chunks(b"1\r\n1\r\n0\r\nX: y\n\r\n"),
}
# Either answer is right: the request is no HTTP/1.1, or it is longer than anything that is taken.
OTHER_STATUS = {"a chunk size of 16 digits": 413, "a chunk size that overflows": 413}


@pytest.mark.parametrize("name", REFUSED)
def test_one_400_then_the_end(shared, name):
    """Guards against request smuggling: one problem, the connection closes, and what stands behind never runs."""
    answers, ran = attack(shared, REFUSED[name])
    assert not ran, "the request behind it was carried out"
    assert len(answers) == 1, [str(answer) for answer in answers]
    expect.problem(answers[0], OTHER_STATUS.get(name) if answers[0].status == OTHER_STATUS.get(name) else 400)
    assert answers[0].header("connection") == "close"


@pytest.mark.parametrize("line", [b"GET /livez HTTP/2.0", b"GET /livez HTTP/0.9", b"GET /livez HTTP/1.2", b"PRI * HTTP/2.0"])
def test_other_versions(shared, line):
    """Guards against answering a protocol that is not spoken as if it were."""
    answers, ran = attack(shared, get(line=line))
    assert not ran and len(answers) == 1
    expect.problem(answers[0], 505)


TAKEN = {
    "one length": post(LENGTH),
    "a length with leading zeros": post(b"Content-Length: 00%d" % len(BODY)),
    "chunks": post(TE, body=CHUNKED),
    "chunks in capitals": post(b"TRANSFER-ENCODING:CHUNKED", body=CHUNKED),
    "chunks of one byte": post(TE, body=b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"),
    "chunks with extensions and trailers": post(TE, body=b'%X;a;b="c"\r\n%s\r\n00;d\r\nX: y\r\n\r\n'
                                                % (len(BODY), BODY)),
    "white space around a value": post(b"Content-Length:\t %d  " % len(BODY)),
    "names in any case": post(b"cOnTeNt-LeNgTh: %d" % len(BODY), host=b"hOST: localhost"),
    "a value in Latin-1": post(LENGTH, b"X: \xe9"),
    "a value that is empty": post(LENGTH, b"X:"),
    "a host with a port": post(LENGTH, host=b"Host: [::1]:3000"),
    "an absolute target": post(LENGTH, line=b"POST http://x/logs HTTP/1.1"),
    "HTTP/1.0 that keeps alive": post(LENGTH, b"Connection: keep-alive", line=b"POST /logs HTTP/1.0"),
    "an empty line before it": b"\r\n" + post(LENGTH),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_right_is_taken(shared, name):
    """Guards the judge of the tests above: with a right request before it, the one behind does run and is stored."""
    activity_id = f"behind-{next(NUMBERS)}"
    with shared.connect() as connection:
        connection.send(TAKEN[name] + smuggled(activity_id))
        expect.accepted_one(connection.read_answer())
        assert expect.accepted_one(connection.read_answer()) == activity_id
    assert shared.wait_stored(activity_id)["action"] == "smuggled"


@pytest.mark.parametrize("head", [b"POST /nothing HTTP/1.1", b"PUT /logs HTTP/1.1", b"GET /livez HTTP/1.1", b"GET /logs HTTP/1.1",
                                  b"OPTIONS /logs HTTP/1.1", b"DELETE /logs HTTP/1.1", b"POST /logs?x=1 HTTP/1.1"])
def test_an_unread_body_is_no_request(shared, head):
    """Guards requests whose body nobody wants: its bytes are never taken for the next request."""
    activity_id = f"smuggled-{next(NUMBERS)}"
    body = smuggled(activity_id)
    with shared.connect() as connection:
        connection.send(head + b"\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert connection.read_answer().status in (200, 204, 400, 404, 405, 413)
        connection.socket.shutdown(1)
        assert connection.read_answers_to_end() == []
    shared.wait_settled()
    assert shared.get(f"/logs/{activity_id}").status == 404


def test_random_bytes(shared):
    """Guards against crashes: lines of random bytes are answered with one 400 at most, and the service goes on."""
    chance = random.Random(4711)
    for _ in range(150):
        data = bytes(chance.choice(b"GET /livezHTP1.\r\n\r\n: \0\xff{}[],xaA09;") for _ in range(chance.randrange(1, 200)))
        with shared.connect() as connection:
            connection.send(data)
            connection.socket.shutdown(1)
            answers = connection.read_answers_to_end()
            assert [answer.status for answer in answers if answer.status != 200][:-1] == []
    assert shared.get("/livez").status == 200
