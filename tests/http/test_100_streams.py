"""Bodies that are taken while they arrive, answers that are written while they are read, and bodies with a content coding."""

import gzip
import os
import random
import threading
import time
import zlib

import http_wire
import pytest
import zstd_tool
from http_wire import chunked, is_problem, post

SEED = 20261130


def figures(data):
    """What /take answers."""
    total = 0
    for byte in data:
        total = (total * 31 + byte) % 2**64
    return f"{len(data)} {total}".encode()


def noise(count):
    return random.Random(SEED).randbytes(count)


def deflate_bare(data):
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


ENCODERS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "GZIP": gzip.compress, "deflate": zlib.compress, "zstd": zstd_tool.compress}
coded = pytest.mark.parametrize("coding", ENCODERS)


def encoding(name):
    return f"Content-Encoding: {name}\r\n".encode()


# --- bodies ---


@pytest.mark.parametrize("count", [0, 1, 65536, 300001])
def test_a_body_is_taken_as_it_arrives(shared, count):
    data = noise(count)
    with shared.client() as client:
        assert client.ask(post(b"/take", data)).body == figures(data)
        assert client.ask(chunked(b"/take", *[data[at:at + 7777] for at in range(0, count, 7777)])).body == figures(data)
        assert client.get(b"/mark").body == b"marked"


def test_it_may_be_far_larger_than_a_body_that_is_gathered(shared):
    with shared.client() as client:
        is_problem(client.ask(post(b"/echo", b"", b"")[:-2].replace(b"Content-Length: 0", b"Content-Length: 5000000") + b"\r\n"), 413)
    with shared.client() as client:
        client.send(b"POST /take HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 50000000\r\n\r\n")
        for _ in range(50):
            client.send(bytes(1000000))
        assert client.read().body == b"50000000 0"


def test_a_slow_handler_slows_its_client_down(shared):
    """It takes one piece a millisecond; nothing is lost, and what waits is not kept here."""
    data = noise(3000000)
    with shared.client() as client:
        sender = threading.Thread(target=client.send, args=(post(b"/take?slow", data) + post(b"/echo", b"behind"),))
        sender.start()
        assert client.read().body == figures(data)
        assert client.read().body == b"behind"
        sender.join()


def test_every_split_of_a_request(shared):
    """A pipelined request behind it is found wherever the bytes are cut."""
    wire = chunked(b"/take", b"abc", b"defgh") + post(b"/take", gzip.compress(b"xyz"), encoding("gzip")) + http_wire.get(b"/mark")
    for cut in range(1, len(wire)):
        with shared.client() as client:
            client.send(wire[:cut])
            client.is_quiet(0.001)
            client.send(wire[cut:])
            assert client.read().body == figures(b"abcdefgh")
            assert client.read().body == figures(b"xyz")
            assert client.read().body == b"marked"


def test_a_handler_may_answer_before_the_end(shared):
    with shared.client() as client:
        client.send(b"POST /take?early HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 1000\r\n\r\nno more!")
        answer = client.read()
        assert (answer.status, answer.fields["connection"]) == (403, "close")
        client.send_what_goes(bytes(992) + http_wire.get(b"/mark"))
        assert client.at_end()


def test_continue_is_said_for_a_body_that_is_taken(shared):
    with shared.client() as client:
        client.send(b"POST /take HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.read_head()[0] == 100
        client.send(b"abc")
        assert client.read().body == figures(b"abc")


def test_a_body_that_breaks_off(shared):
    with shared.client() as client:
        client.send(b"POST /take HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 1000\r\n\r\nabc")
        client.socket.shutdown(1)
        is_problem(client.read(), 400)
    with shared.client() as client:
        is_problem(client.ask(chunked(b"/take", b"abc")[:-5] + b"x\r\n"), 400)
    with shared.client() as client:
        client.send(b"POST /take HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 1000\r\n\r\nabc")
        client.reset()


def test_a_minimum_rate_instead_of_a_deadline(start):
    server = start(body_timeout_ms=300 * http_wire.SLOWNESS, body_rate_min=200)
    data = noise(8000)
    with server.client() as client:
        client.send(b"POST /take HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 8000\r\n\r\n")
        for at in range(0, 8000, 500):  # over five times the time that a gathered body has
            client.send(data[at:at + 500])
            time.sleep(0.1 * http_wire.SLOWNESS)
        assert client.read().body == figures(data)
    with server.client() as client:
        client.send(b"POST /take HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 8000\r\n\r\n")
        began = time.monotonic()
        while client.is_quiet(0.05 * http_wire.SLOWNESS):
            client.send_what_goes(b"a")
            assert time.monotonic() - began < http_wire.PATIENCE_SECONDS
        is_problem(client.read(), 408)
        assert client.at_end()


# --- content codings ---


@coded
@pytest.mark.parametrize("path", [b"/take", b"/echo"])
@pytest.mark.parametrize("data", [b"", b"a", b"abc" * 1000, noise(200000), noise(65536), b"ab" * 65536],
                         ids=["empty", "byte", "text", "noise", "one buffer", "two buffers"])
def test_a_coded_body(shared, coding, path, data):
    with shared.client() as client:
        for wire in (post(path, ENCODERS[coding](data), encoding(coding)),
                     chunked(path, *[bytes([byte]) for byte in ENCODERS[coding](data)[:2000]], ENCODERS[coding](data)[2000:] or b"",
                             fields=encoding(coding)).replace(b"0\r\n\r\n0\r\n\r\n", b"0\r\n\r\n")):
            answer = client.ask(wire)
            assert answer.status == 200 and answer.body == (data if path == b"/echo" else figures(data))


def test_bare_deflate(shared):
    with shared.client() as client:
        assert client.ask(post(b"/echo", deflate_bare(b"bare" * 99), encoding("deflate"))).body == b"bare" * 99


def test_several_members_and_frames(shared):
    with shared.client() as client:
        assert client.ask(post(b"/echo", gzip.compress(b"one ") + gzip.compress(b"two"), encoding("gzip"))).body == b"one two"
        assert client.ask(post(b"/echo", zstd_tool.compress(b"one ") + zstd_tool.compress(b"two"), encoding("zstd"))).body == b"one two"


@coded
def test_a_cut_or_broken_coding(shared, coding):
    data = noise(5000)
    whole = ENCODERS[coding](data)
    broken = whole[:100] + bytes([whole[100] ^ 0xff]) + whole[101:]
    for body in (whole[:-1], whole[:7], whole + b"x", broken[:300], b"\xff\xff" + whole):
        with shared.client() as client:
            answer = client.ask(post(b"/take", body, encoding(coding)))
            assert is_problem(answer, 400) and answer.json()["type"] == "/problems/bad-content-encoding"
            assert client.at_end()


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "", "zstd;q=1", "identity, gzip"])
def test_codings_that_are_not_understood(shared, coding):
    with shared.client() as client:
        answer = client.ask(post(b"/echo", b"abc", encoding(coding)))
        assert (answer.status, answer.body) == (415, b"gzip, deflate, zstd")


@coded
def test_a_decoded_body_has_the_same_maximum(shared, coding):
    data = bytes(range(256)) * 4097  # a little above 1 MiB, of which hardly anything is sent
    with shared.client() as client:
        answer = client.ask(post(b"/echo", ENCODERS[coding](data), encoding(coding)))
        assert is_problem(answer, 413)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_stopped_by_its_ratio(start, coding):
    server = start()
    with server.client() as client:
        answer = client.ask(post(b"/take", ENCODERS[coding](bytes(50000000)), encoding(coding)))
        assert is_problem(answer, 413) and "larger by decoding" in answer.json()["detail"]
    kibibytes = int(next(line for line in open(f"/proc/{server.process.pid}/status", encoding="ascii")
                         if line.startswith("VmHWM")).split()[1])
    assert kibibytes < 64 * 1024 * http_wire.SLOWNESS
    with server.client() as client:  # what repeats itself a lot is no bomb
        data = noise(1000) * 150
        assert client.ask(post(b"/take", ENCODERS[coding](data), encoding(coding))).body == figures(data)


def test_a_window_that_is_too_large(shared):
    """16 MiB by a frame that says so, and has one block of nothing (RFC 8878 section 3.1.1)."""
    frame = b"\x28\xb5\x2f\xfd" + bytes([0x00, (24 - 10) << 3]) + b"\x01\x00\x00"
    with shared.client() as client:
        is_problem(client.ask(post(b"/take", frame, encoding("zstd"))), 400)


def test_decoders_are_charged_to_the_memory_of_bodies(start):
    server = start(body_memory_bytes_max=1 << 20)
    clients = [server.client() for _ in range(20)]
    for client in clients:
        client.send(b"POST /take HTTP/1.1\r\n" + http_wire.HOST + encoding("gzip") + b"Content-Length: 9\r\n\r\n")
    server.wait_until(lambda count: count["requests"] >= 20)
    refused = [client for client in clients if not client.is_quiet(0.01)]
    assert 5 <= len(refused) <= 15 and all(client.read().status == 503 for client in refused)
    for client in clients:
        client.close()
    server.wait_until(lambda count: count["open"] == 1)  # which is the one that asks
    data = noise(1000)
    with server.client() as client:
        assert client.ask(post(b"/take", gzip.compress(data), encoding("gzip"))).body == figures(data)


# --- answers ---


@pytest.mark.parametrize("count", [0, 1, 16384, 10000000])
def test_an_answer_in_pieces(shared, count):
    with shared.client() as client:
        answer = client.get(b"/pieces?%d" % count)
        assert answer.fields["transfer-encoding"] == "chunked" and "content-length" not in answer.fields
        assert answer.body == b"p" * count
        assert client.get(b"/mark").body == b"marked"


def test_answers_keep_their_order_around_one_in_pieces(shared):
    with shared.client() as client:
        client.send(http_wire.get(b"/delayed?first") + http_wire.get(b"/pieces?40000") + http_wire.get(b"/mark")
                    + http_wire.get(b"/pieces?9") + http_wire.get(b"/mark"))
        assert [client.read().body for _ in range(5)] == [b"first", b"p" * 40000, b"marked", b"p" * 9, b"marked"]


def test_the_head_alone(shared):
    with shared.client() as client:
        client.send(b"HEAD /pieces HTTP/1.1\r\n" + http_wire.HOST + b"\r\n")
        assert client.read(head=True).status == 200
        assert client.get(b"/mark").body == b"marked"


def test_a_client_of_http_1_0(shared):
    with shared.client() as client:
        client.send(http_wire.get(b"/pieces?50000", b"Connection: keep-alive\r\n", version=b"HTTP/1.0"))
        status, fields = client.read_head()
        assert (status, fields["connection"]) == (200, "close") and "transfer-encoding" not in fields
        while len(client.bytes) < 50000:
            assert client._more()
        assert client.bytes == b"p" * 50000
        client.bytes = b""
        assert client.at_end()


def test_an_answer_that_cannot_be_completed(shared):
    """What came is not taken for all of it."""
    with shared.client() as client:
        client.send(http_wire.get(b"/abort") + http_wire.get(b"/mark"))
        client.read_head()
        assert client.read_chunk() == b"half"
        with pytest.raises(EOFError):
            client.read_chunk()


def test_an_answer_without_end_stays_small(start):
    """The writer waits for the client; what is not taken is bounded, and the client is cut after a while."""
    server = start(write_timeout_ms=300 * http_wire.SLOWNESS)
    with server.client(receive_buffer=4096) as client:
        client.send(http_wire.get(b"/pieces"))
        server.wait_until(lambda count: count["gone"] == 1)
    with server.client() as client:
        client.send(http_wire.get(b"/pieces"))
        client.read_head()
        for _ in range(1000):
            assert client.read_chunk()
        client.reset()
    server.wait_until(lambda count: count["gone"] == 2)


def test_writers_hear_that_the_server_stops(start):
    server = start(drain_ms=5000)
    with server.client() as client:
        client.send(http_wire.get(b"/pieces"))
        client.read_head()
        assert client.read_chunk()
        server.terminate()
        assert sum(map(len, client.read_chunks())) > 0  # it ends in good order
        assert client.bytes == b""


# --- both at once ---


def test_a_mirror(shared):
    data = noise(5000000)
    received = []
    with shared.client() as client:
        client.send(b"POST /mirror HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: %d\r\n\r\n" % len(data) + data[:10])
        client.read_head()
        received.append(client.read_chunk())
        assert received == [data[:10]]  # before the rest was sent
        sender = threading.Thread(target=client.send, args=(data[10:] + http_wire.get(b"/mark"),))
        sender.start()
        received += client.read_chunks()
        assert b"".join(received) == data
        sender.join()
        assert client.read().body == b"marked"


def test_a_mirror_that_nobody_looks_into(start):
    """It takes no more than it can give back; who does not read is cut."""
    server = start(write_timeout_ms=500 * http_wire.SLOWNESS)
    with server.client(receive_buffer=4096) as client:
        client.send(b"POST /mirror HTTP/1.1\r\n" + http_wire.HOST + b"Content-Length: 100000000\r\n\r\n")
        client.socket.settimeout(0.2)
        sent = 0
        with pytest.raises(OSError):
            while sent < 100000000:
                sent += client.socket.send(bytes(65536))
        assert sent < 50000000
        server.wait_until(lambda count: count["gone"] == 1)


def test_a_mirror_of_a_coded_body_that_grows(shared):
    data = noise(20000) * 60
    with shared.client() as client:
        assert client.ask(post(b"/mirror", zstd_tool.compress(data), encoding("zstd"))).body == data


def test_a_mirror_breaks_when_its_body_does(shared):
    with shared.client() as client:
        client.send(b"POST /mirror HTTP/1.1\r\n" + http_wire.HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        client.read_head()
        assert client.read_chunk() == b"abc"
        client.send(b"no chunk")
        with pytest.raises(EOFError):
            client.read_chunk()


def test_many_at_once_in_random_pieces(shared):
    """Each client sends and reads at its own pace, with and without coding."""
    failures = []

    def one(seed):
        source = random.Random(seed)
        data = source.randbytes(source.randrange(1, 400000)) + bytes(source.randrange(50000))
        coding = source.choice([None, "gzip", "deflate", "zstd"])
        body = data if coding is None else ENCODERS[coding](data)
        wire = post(b"/mirror", body, b"" if coding is None else encoding(coding))
        with shared.client() as client:
            def send():
                at = 0
                while at < len(wire):
                    step = source.choice([1, 100, 5000, 70000])
                    client.send(wire[at:at + step])
                    at += step
            sender = threading.Thread(target=send)
            sender.start()
            failures.append(seed)
            if client.read().body == data:
                failures.remove(seed)
            sender.join()

    threads = [threading.Thread(target=one, args=(SEED + number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and len(threads) == 24


def test_clients_that_leave_at_any_time(start):
    server = start()
    source = random.Random(SEED)
    body = gzip.compress(noise(100000))
    for _ in range(100):
        with server.client() as client:
            wire = post(source.choice([b"/mirror", b"/take?slow", b"/take"]), body, encoding("gzip"))
            client.send(wire[:source.randrange(1, len(wire))])
            if source.random() < 0.5:
                client.reset()
    server.wait_until(lambda count: count["open"] == 1)
    assert os.path.exists(f"/proc/{server.process.pid}")
