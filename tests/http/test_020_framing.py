"""Where a request ends must never be in doubt (RFC 9112, request smuggling): one 400, then the end of the connection. Each
case stands between a good request, which is answered first, and one that must never run, and is sent in every way to cut
it in two, too."""

import time

import pytest
from http_wire import HOST, chunked, get, is_problem

MARK = get(b"/mark", b"Connection: close\r\n")


def line(text):
    return text + b"\r\n" + HOST + b"\r\n"


def head(*fields, start=b"POST /echo HTTP/1.1"):
    return start + b"\r\n" + HOST + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def chunks(text, *fields):
    return head(b"Transfer-Encoding: chunked", *fields) + text


BAD = {
    # Host
    "host missing": b"GET /echo HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "host twice": b"GET /echo HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "host twice, in HTTP/1.0": b"GET /echo HTTP/1.0\r\n" + HOST + b"host: b\r\n\r\n",
    "host empty": b"GET /echo HTTP/1.1\r\nHost:\r\n\r\n",
    "host only blank": b"GET /echo HTTP/1.1\r\nHost: \t \r\n\r\n",
    "host list": b"GET /echo HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "host list without blank": b"GET /echo HTTP/1.1\r\nHost: a,b\r\n\r\n",
    "host with user": b"GET /echo HTTP/1.1\r\nHost: user@a\r\n\r\n",
    "host with path": b"GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "host with bad port": b"GET /echo HTTP/1.1\r\nHost: a:8o\r\n\r\n",
    "host with big port": b"GET /echo HTTP/1.1\r\nHost: a:65536\r\n\r\n",
    "host with two ports": b"GET /echo HTTP/1.1\r\nHost: a:1:2\r\n\r\n",
    "host with open bracket": b"GET /echo HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "host only a port": b"GET /echo HTTP/1.1\r\nHost: :80\r\n\r\n",
    "host with bad escape": b"GET /echo HTTP/1.1\r\nHost: a%4\r\n\r\n",
    "host with high byte": b"GET /echo HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n",
    "host missing, absolute target": b"GET http://a/echo HTTP/1.1\r\n\r\n",
    # Content-Length
    "length twice": head(b"Content-Length: 3", b"Content-Length: 3") + b"abc",
    "length twice, different": head(b"Content-Length: 3", b"content-length: 0") + b"abc",
    "length signed": head(b"Content-Length: +3") + b"abc",
    "length negative": head(b"Content-Length: -3") + b"abc",
    "length hex": head(b"Content-Length: 0x3") + b"abc",
    "length listed": head(b"Content-Length: 3, 3") + b"abc",
    "length listed without blank": head(b"Content-Length: 3,3") + b"abc",
    "length empty": head(b"Content-Length:") + b"abc",
    "length blank": head(b"Content-Length: \t") + b"abc",
    "length in words": head(b"Content-Length: three") + b"abc",
    "length with blank inside": head(b"Content-Length: 1 0") + b"abc",
    "length with point": head(b"Content-Length: 3.0") + b"abc",
    "length quoted": head(b'Content-Length: "3"') + b"abc",
    "length above 2^64": head(b"Content-Length: 18446744073709551619") + b"abc",
    "length above 2^63": head(b"Content-Length: 9223372036854775808") + b"abc",
    "length of 40 digits": head(b"Content-Length: 4" + b"0" * 39) + b"abc",
    "length with NUL": head(b"Content-Length: 3\0") + b"abc",
    "length with underscore": head(b"Content-Length: 1_0") + b"abc",
    "length with vertical tab": head(b"Content-Length: \x0b3") + b"abc",
    "length and coding": head(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
    "coding and length": head(b"Transfer-Encoding: chunked", b"Content-Length: 3") + b"3\r\nabc\r\n0\r\n\r\n",
    "coding and length 0": head(b"Transfer-Encoding: chunked", b"Content-Length: 0") + b"0\r\n\r\n",
    # Transfer-Encoding
    "coding gzip": head(b"Transfer-Encoding: gzip") + b"abc",
    "coding identity": head(b"Transfer-Encoding: identity") + b"abc",
    "coding gzip, chunked": head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "coding chunked, gzip": head(b"Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n",
    "coding chunked, chunked": head(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "coding chunked, identity": head(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "coding in two fields": head(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "coding chunked in two fields": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "coding empty": head(b"Transfer-Encoding:") + b"0\r\n\r\n",
    "coding empty element": head(b"Transfer-Encoding: , chunked") + b"0\r\n\r\n",
    "coding empty, then chunked": head(b"Transfer-Encoding:", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "coding with parameter": head(b"Transfer-Encoding: chunked;q=1") + b"0\r\n\r\n",
    "coding quoted": head(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n",
    "coding xchunked": head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "coding chunkedx": head(b"Transfer-Encoding: chunkedx") + b"0\r\n\r\n",
    "coding with vertical tab": head(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
    "coding in HTTP/1.0": head(b"Transfer-Encoding: chunked", start=b"POST /echo HTTP/1.0") + b"0\r\n\r\n",
    # lines and names
    "space before colon": head(b"Content-Length : 3") + b"abc",
    "tab before colon": head(b"Accept\t: a"),
    "space before coding's colon": head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "no colon": head(b"Content-Length 3"),
    "empty name": head(b": value"),
    "name with blank": head(b"Content Length: 3"),
    "name with NUL": head(b"Content-Length\0: 3"),
    "name with high byte": head(b"X\xff: 3"),
    "name with parenthesis": head(b"X(y): 3"),
    "value with NUL": head(b"X: a\0b"),
    "value with bell": head(b"X: a\x07b"),
    "value with delete": head(b"X: a\x7fb"),
    "fold by space": head(b"X: a", b" b"),
    "fold by tab": head(b"X: a", b"\tb"),
    "fold of the coding": head(b"Transfer-Encoding:", b" chunked") + b"0\r\n\r\n",
    "fold of the length": head(b"Content-Length:", b" 3") + b"abc",
    "fold before the first field": b"GET /echo HTTP/1.1\r\n " + HOST + b"\r\n",
    "fold that is blank": head(b"X: a", b" "),
    "bare LF after the request line": b"GET /echo HTTP/1.1\n" + HOST + b"\r\n",
    "bare LF after a field": b"GET /echo HTTP/1.1\r\nHost: a\n\r\n",
    "bare LF at the end": b"GET /echo HTTP/1.1\r\n" + HOST + b"\n",
    "bare LF everywhere": b"GET /echo HTTP/1.1\nHost: a\n\n",
    "bare LF in a value": head(b"X: a\nTransfer-Encoding: chunked") + b"0\r\n\r\n",
    "bare LF before": b"\nGET /echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "bare CR before": b"\rGET /echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "bare CR in a value": head(b"X: a\rb"),
    "bare CR as line end": b"GET /echo HTTP/1.1\r\nX: a\rHost: b\r\n\r\n",
    "bare CR hides a coding": head(b"X:\rTransfer-Encoding: chunked") + b"0\r\n\r\n",
    "CR CR LF": b"GET /echo HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "CR X instead of the empty line": b"GET /echo HTTP/1.1\r\nHost: a\r\n\rX",
    "CR X and a length": b"POST /echo HTTP/1.1\r\nHost: a\r\n\rContent-Length: 3\r\n\r\nabc",
    "nine empty lines": b"\r\n" * 9 + get(b"/echo"),
    # the request line
    "no method": line(b" /echo HTTP/1.1"),
    "method with colon": line(b"GE:T /echo HTTP/1.1"),
    "method with NUL": line(b"G\0T /echo HTTP/1.1"),
    "method too long": line(b"A" * 33 + b" /echo HTTP/1.1"),
    "two spaces behind the method": line(b"GET  /echo HTTP/1.1"),
    "tab behind the method": line(b"GET\t/echo HTTP/1.1"),
    "two spaces behind the target": line(b"GET /echo  HTTP/1.1"),
    "space inside the target": line(b"GET /ec ho HTTP/1.1"),
    "space at the end": line(b"GET /echo HTTP/1.1 "),
    "no version": line(b"GET /echo"),
    "no version but a space": line(b"GET /echo "),
    "only a method": line(b"GET"),
    "target with fragment": line(b"GET /echo#x HTTP/1.1"),
    "target with control character": line(b"GET /e\x01cho HTTP/1.1"),
    "target with NUL": line(b"GET /echo\0 HTTP/1.1"),
    "target with delete": line(b"GET /echo\x7f HTTP/1.1"),
    "target with high byte": line(b"GET /ech\xc3\xb6 HTTP/1.1"),
    "target relative": line(b"GET echo HTTP/1.1"),
    "target asterisk": line(b"GET * HTTP/1.1"),
    "target authority": line(b"CONNECT a:80 HTTP/1.1"),
    "target of another scheme": line(b"GET ftp://a/echo HTTP/1.1"),
    "target without authority": line(b"GET http:///echo HTTP/1.1"),
    "target with user": line(b"GET http://u:p@a/echo HTTP/1.1"),
    "target with bad port": line(b"GET http://a:x/echo HTTP/1.1"),
    "version lower case": line(b"GET /echo http/1.1"),
    "version without digits": line(b"GET /echo HTTP/"),
    "version long": line(b"GET /echo HTTP/1.10"),
    "version short": line(b"GET /echo HTTP/1"),
    "version RTSP": line(b"GET /echo RTSP/1.0"),
    "version ICE": line(b"SOURCE /echo ICE/1.0"),
    "a TLS client": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
    "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    # chunks
    "chunk size missing": chunks(b"\r\nabc\r\n0\r\n\r\n"),
    "chunk size in words": chunks(b"three\r\nabc\r\n0\r\n\r\n"),
    "chunk size with 0x": chunks(b"0x3\r\nabc\r\n0\r\n\r\n"),
    "chunk size signed": chunks(b"+3\r\nabc\r\n0\r\n\r\n"),
    "chunk size negative": chunks(b"-3\r\nabc\r\n0\r\n\r\n"),
    "chunk size with underscore": chunks(b"1_0\r\nabc\r\n0\r\n\r\n"),
    "chunk size above 2^64": chunks(b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    "chunk size with blank before": chunks(b" 3\r\nabc\r\n0\r\n\r\n"),
    "chunk size with blank behind": chunks(b"3 \r\nabc\r\n0\r\n\r\n"),
    "chunk size with tab behind": chunks(b"3\t\r\nabc\r\n0\r\n\r\n"),
    "chunk size with NUL": chunks(b"3\0\r\nabc\r\n0\r\n\r\n"),
    "chunk size ends by LF": chunks(b"3\nabc\r\n0\r\n\r\n"),
    "chunk size ends by CR": chunks(b"3\rabc\r\n0\r\n\r\n"),
    "chunk size ends by CR CR LF": chunks(b"3\r\r\nabc\r\n0\r\n\r\n"),
    "chunk data ends by LF": chunks(b"3\r\nabc\n0\r\n\r\n"),
    "chunk data ends by CR": chunks(b"3\r\nabc\r0\r\n\r\n"),
    "chunk data too long": chunks(b"3\r\nabcd\r\n0\r\n\r\n"),
    "chunk data too short": chunks(b"3\r\nab\r\n0\r\n\r\n"),
    "chunk data without end": chunks(b"3\r\nabc0\r\n\r\n"),
    "last chunk ends by LF": chunks(b"0\n\r\n"),
    "last line ends by LF": chunks(b"0\r\n\n"),
    "last line is CR X": chunks(b"0\r\n\rX"),
    "extension with LF": chunks(b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    "extension ends by LF": chunks(b"3;a\nabc\r\n0\r\n\r\n"),
    "extension value ends by LF": chunks(b"3;a=b\nabc\r\n0\r\n\r\n"),
    "extension with LF in quotes": chunks(b"3;a=\"x\n\"\r\nabc\r\n0\r\n\r\n"),
    "extension with CR": chunks(b"3;a\rb\r\nabc\r\n0\r\n\r\n"),
    "extension with CR in quotes": chunks(b"3;a=\"x\r\"\r\nabc\r\n0\r\n\r\n"),
    "extension with NUL": chunks(b"3;a\0\r\nabc\r\n0\r\n\r\n"),
    "extension of the last chunk with LF": chunks(b"0;a\n\r\n"),
    "extension too long": chunks(b"3;a=" + b"x" * 2000 + b"\r\nabc\r\n0\r\n\r\n"),
    "extensions too many": chunks(b"1;aaaaaaaaaaaa\r\nx\r\n" * 100 + b"0\r\n\r\n"),
    "zeros before the size": chunks(b"0" * 40000 + b"3\r\nabc\r\n0\r\n\r\n"),
    "trailer with LF": chunks(b"0\r\nX: a\n\r\n"),
    "trailer with space before colon": chunks(b"0\r\nX : a\r\n\r\n"),
    "trailer with fold": chunks(b"0\r\nX: a\r\n b\r\n\r\n"),
    "trailer with NUL": chunks(b"0\r\nX: a\0\r\n\r\n"),
    "trailer with bare CR": chunks(b"0\r\nX: a\rb\r\n\r\n"),
    "trailer too large": chunks(b"0\r\n" + b"X: " + b"a" * 20000 + b"\r\n\r\n"),
    "trailer of too many fields": chunks(b"0\r\n" + b"Xxxxxxxxxxxx: a\r\n" * 2000 + b"\r\n"),
    "trailer with a length": chunks(b"0\r\nContent-Length: 3\r\n\r\n"),
}
SPLIT_BYTES_MAX = 300  # of the long cases only the beginning is cut


def check_refused(client, status=400):
    answer = client.read()
    assert is_problem(answer, status)
    assert answer.fields["connection"] == "close"
    assert client.at_end()


@pytest.mark.parametrize("case", BAD)
def test_bad_request_is_refused_once(shared, case):
    before = shared.count()["marks"]
    with shared.client() as client:
        client.send_what_goes(BAD[case] + MARK)
        check_refused(client)
    with shared.client() as client:
        client.send_what_goes(get(b"/offload?20") + get(b"/echo") + BAD[case] + MARK)
        assert client.read().body == b"40"
        assert client.read().status == 200
        check_refused(client)
    assert shared.count()["marks"] == before


@pytest.mark.parametrize("case", BAD)
def test_bad_request_is_refused_however_it_is_cut(shared, case):
    data = BAD[case] + MARK
    before = shared.count()["marks"]
    positions = range(1, min(len(BAD[case]) + 2, SPLIT_BYTES_MAX))
    clients = [shared.client() for _ in positions]
    for client, position in zip(clients, positions):
        client.send(data[:position])
    time.sleep(0.01)
    for client, position in zip(clients, positions):
        client.send_what_goes(data[position:])
    for client in clients:
        check_refused(client)
        client.close()
    assert shared.count()["marks"] == before


GOOD = {
    "length": (b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    "length with zeros": (head(b"Content-Length: 0003") + b"abc", b"abc"),
    "length with blanks around": (head(b"Content-Length: \t 3  ") + b"abc", b"abc"),
    "chunks": (chunked(b"/echo", b"abc", b"d" * 20), b"abc" + b"d" * 20),
    "coding in capitals": (head(b"TRANSFER-ENCODING: CHUNKED") + b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "extensions": (chunks(b'3;a;b=c;d="e;\\"f"\r\nabc\r\n0;last\r\n\r\n'), b"abc"),
    "trailer": (chunked(b"/echo", b"abc", trailer=b"X: y\r\nZ:\r\n"), b"abc"),
    "size in capitals": (chunks(b"0A\r\n0123456789\r\n000\r\n\r\n"), b"0123456789"),
    "empty lines before": (b"\r\n\r\n" + get(b"/echo"), b""),
    "value with high bytes and tab": (head(b"X: \xff\t\x80", b"Content-Length: 1") + b"x", b"x"),
    "continue": (head(b"Content-Length: 2") + b"ok", b"ok"),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_request_is_taken_however_it_is_cut(shared, case):
    data, body = GOOD[case]
    both = data + MARK
    before = shared.count()["marks"]
    clients = [shared.client() for _ in range(1, len(data) + 2)]
    for position, client in enumerate(clients, 1):
        client.send(both[:position])
    time.sleep(0.01)
    for position, client in enumerate(clients, 1):
        client.send(both[position:])
    for client in clients:
        assert client.read().body == body
        assert client.read().body == b"marked" and client.at_end()
        client.close()
    assert shared.count()["marks"] == before + len(clients)


def test_requests_come_byte_by_byte(shared):
    good = b"".join(data for data, _ in GOOD.values())
    with shared.client() as client:
        for i in range(len(good)):
            client.send(good[i:i + 1])
        for _, body in GOOD.values():
            assert client.read().body == body


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/9.9",
                                     b"HTTP/0.0"])
def test_other_versions(shared, version):
    with shared.client() as client:
        client.send(get(b"/mark", version=version) + MARK)
        check_refused(client, 505)


def test_http_2_preface(shared):
    with shared.client() as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        check_refused(client, 505)
