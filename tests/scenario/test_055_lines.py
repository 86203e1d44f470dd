"""NDJSON: any number of activities in one request, taken while they arrive, each line with a verdict of its own."""

import concurrent.futures
import contextlib
import gzip
import json
import random
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest

import expect
import pair
import service as services
import wire

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "http"))
import zstd_tool  # noqa: E402

LIST = "/api/v1/activities"
KIND = ("Content-Type", "application/x-ndjson")
VERDICTS = ("Accept", "application/x-ndjson")
LINE_BYTES_MAX = 128 * 1024
in_front_of_the_log = pair.needs(pair.LOCAL, "what lies before the log is the same for every pair")
ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd_tool.compress}


def line_of(user, number, **members):
    return json.dumps({"userId": user, "action": "a", "id": f"{user}-{number:05}" if isinstance(number, int) else f"{user}-{number}", "metadata": {"n": number}, **members}).encode()


def lines_of(user, count):
    return b"".join(line_of(user, number) + b"\n" for number in range(count))


def post(service, body, *headers):
    return service.request("POST", LIST, body, [KIND, *headers])


def verdicts(answer):
    """The lines of a streamed answer, and the last one, which tells of all."""
    assert answer.status == 200 and answer.header("content-type") == "application/x-ndjson", answer
    lines = [json.loads(line) for line in answer.text.splitlines()]
    return lines[:-1], lines[-1]


def stored(service, user, count):
    service.wait_count(count, f"&userId={user}")
    return [row["metadata"].get("n") for row in service.walk(f"&userId={user}&order=asc")]


def test_lines_are_recorded(shared):
    """Guards the order and content of what one request brings, which is larger than any body that is gathered may have items."""
    count = pair.some(12000)
    answer = post(shared, lines_of("lines-plain", count))
    document = answer.json
    assert answer.status == 202 and list(document) == ["status", "accepted", "rejected", "durability", "receipt", "results"]
    assert (document["accepted"], document["rejected"], document["results"]) == (count, 0, [])
    assert document["durability"] == pair.DURABILITY and expect.TOKEN.fullmatch(document["receipt"])
    assert sorted(stored(shared, "lines-plain", count)) == list(range(count))


def test_a_verdict_for_each_line(shared):
    """Guards the streamed answer: verdicts in the order of the lines, ids that can be asked for, sums behind them."""
    body = line_of("lines-each", 0) + b"\n{}\n\n" + line_of("lines-each", 1, id=None)[:-1] + b"\n" + line_of("lines-each", 2)
    each, last = verdicts(post(shared, body, VERDICTS))
    assert [verdict["line"] for verdict in each] == [1, 2, 4, 5]
    assert [verdict.get("id") for verdict in each] == ["lines-each-00000", None, None, "lines-each-00002"]
    expect.check_problem(each[1]["error"], 400, "/userId", "/action")
    expect.check_problem(each[2]["error"], 400, "")
    assert list(last) == ["status", "accepted", "rejected", "durability", "receipt"]
    assert (last["status"], last["accepted"], last["rejected"]) == ("success", 2, 2)
    assert stored(shared, "lines-each", 2) == [0, 2]


def test_a_verdict_comes_before_the_next_line_is_sent(shared):
    """Guards both directions at once: who sends a line and waits learns what became of it."""
    with shared.connect() as connection:
        connection.send(connection.head("POST", LIST, [KIND, VERDICTS, ("Transfer-Encoding", "chunked")]))
        for number in range(5):
            line = line_of("lines-dialogue", number) + b"\n"
            connection.send(wire.chunk(line))
            if number == 0:
                assert connection._read_head().status == 200
            assert json.loads(connection.take_chunk()) == {"line": number + 1, "id": f"lines-dialogue-{number:05}"}
        connection.send(b"0\r\n\r\n")
        assert json.loads(b"".join(connection.chunks()))["accepted"] == 5
        assert connection.get("/livez").status == 200


@in_front_of_the_log
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b" \r\n \t\r\n"], ids=["LF", "CRLF", "blank", "space"])
@pytest.mark.parametrize("last", [True, False])
def test_ends_of_lines(shared, end, last):
    user = f"lines-end-{end.hex()}-{last}"
    body = end.join(line_of(user, number) for number in range(20)) + (end if last else b"")
    assert post(shared, body).json["accepted"] == 20
    assert stored(shared, user, 20) == list(range(20))


@in_front_of_the_log
def test_every_cut(shared):
    """Guards lines against the places where reads end, also within characters, escapes and ends of lines."""
    body = '{"userId":"lines-cut","action":"é\\u00e9","id":"cut-%d"}\r\n{"x":1}\n\n{"userId":"lines-cut","action":"b","id":"cut2-%d"}'
    for at in range(1, len((body % (0, 0)).encode())):
        text = (body % (at, at)).encode()
        with shared.connect() as connection:
            connection.send(connection.head("POST", LIST, [KIND, ("Content-Length", len(text))]) + text[:at])
            time.sleep(0.001)
            connection.send(text[at:])
            document = connection.read_answer().json
        assert (document["accepted"], document["rejected"]) == (2, 1), at
        assert [result["line"] for result in document["results"]] == [2]
    shared.wait_count(2 * (len((body % (0, 0)).encode()) - 1), "&userId=lines-cut")


@in_front_of_the_log
def test_random_pieces(shared):
    source = random.Random(20261130)
    for turn in range(8):
        user = f"lines-pieces-{turn}"
        body, at = lines_of(user, 3000), 0
        with shared.connect() as connection:
            connection.send(connection.head("POST", LIST, [KIND, ("Transfer-Encoding", "chunked")]))
            while at < len(body):
                size = source.choice([1, 3, 200, 4000, 70000])
                piece = body[at:at + size]
                at += size
                connection.send(wire.chunk(piece))
            connection.send(b"0\r\n\r\n")
            assert connection.read_answer().json["accepted"] == 3000
        assert stored(shared, user, 3000) == list(range(3000))


def test_one_bad_line_in_ten_thousand(shared):
    count = pair.some(10000)
    lines = [line_of("lines-bad", number) for number in range(count)]
    lines[1777] = b'{"userId":"lines-bad","action":7}'
    document = post(shared, b"\n".join(lines)).json
    assert (document["accepted"], document["rejected"]) == (count - 1, 1) and "truncated" not in document
    assert [result["line"] for result in document["results"]] == [1778]
    expect.check_problem(document["results"][0]["error"], 400, "/action")
    assert sorted(stored(shared, "lines-bad", count - 1)) == [number for number in range(count) if number != 1777]


@in_front_of_the_log
def test_lines_that_lean_on_the_next_one(shared):
    """Guards against a reader in place that goes on behind the end of its line."""
    good = line_of("lines-lean", 1)
    for bad in (b'{"userId":"u","action":"a","metadata":', b'{"userId":"u","action":"', b'{"userId":"u","action":"a"', b'{"a":tru', b"1",
                b'{"userId":"u","action":"\xc3', b'{"userId":"u","metadata":{"n":1', b"[", b'"', b'{"userId":"u"}}', b"\x00", b"\xef\xbb\xbf" + good):
        document = post(shared, bad + b"\n" + good + b"\n" + bad).json
        assert (document["accepted"], document["rejected"]) == (1, 2), bad
        assert [result["line"] for result in document["results"]] == [1, 3], bad
    assert stored(shared, "lines-lean", 1) == [1]


@in_front_of_the_log
def test_rejected_lines_are_listed_up_to_a_thousand(shared):
    body = b"{}\n" * 2500 + line_of("lines-listed", 0)
    document = post(shared, body).json
    assert (document["accepted"], document["rejected"], document["truncated"]) == (1, 2500, True)
    assert [result["line"] for result in document["results"]] == list(range(1, 1001))
    each, last = verdicts(post(shared, body, VERDICTS))
    assert len(each) == 2501 and last["rejected"] == 2500


@in_front_of_the_log
def test_nothing_accepted(shared):
    document = expect.problem(post(shared, b"{}\n{}"), 400)
    assert document["type"] == "/problems/nothing-accepted" and len(document["results"]) == 2
    for body in (b"", b"\n\n \r\n"):
        assert expect.problem(post(shared, body), 400)["type"] == "/problems/invalid-request"
    each, last = verdicts(post(shared, b"{}\n{}", VERDICTS))
    assert len(each) == 2 and (last["accepted"], last["rejected"]) == (0, 2) and "durability" not in last
    assert expect.problem(post(shared, b"", VERDICTS), 400)["type"] == "/problems/invalid-request"


@in_front_of_the_log
def test_a_long_line_passes_through(make_service):
    """64 MB without an end are one rejected line, and are never held."""
    service = make_service().start()
    before = service.peak_bytes()
    body = line_of("lines-long", 0) + b"\n" + b"x" * 64_000_000 + b"\n" + line_of("lines-long", 1)
    answer = post(service, body)
    assert (answer.json["accepted"], answer.json["rejected"]) == (2, 1), answer
    assert answer.json["results"][0]["line"] == 2
    expect.check_problem(answer.json["results"][0]["error"], 413, "")
    assert stored(service, "lines-long", 2) == [0, 1]
    assert service.peak_bytes() - before < 16 << 20 or services.PATIENCE > 1


@in_front_of_the_log
@pytest.mark.parametrize("number", [-1, 0, 1])
def test_the_longest_line(shared, number):
    head = json.dumps({"userId": "lines-longest", "action": "a", "id": f"longest-{number + 1}"}).encode()
    line = head[:-1] + b" " * (LINE_BYTES_MAX + number - len(head)) + b"}"
    assert len(line) == LINE_BYTES_MAX + number
    document = post(shared, line + b"\n" + line_of("lines-longest", f"b{number}")).json
    assert (document["accepted"], document["rejected"]) == ((1, 1) if number == 1 else (2, 0))


@pytest.mark.parametrize("coding", ENCODERS)
def test_compressed_lines(shared, coding):
    user, count = f"lines-{coding}", pair.some(5000)
    body = ENCODERS[coding](lines_of(user, count))
    assert post(shared, body, ("Content-Encoding", coding)).json["accepted"] == count
    each, last = verdicts(post(shared, body, ("Content-Encoding", coding), VERDICTS))  # the same once more: nothing doubles
    assert len(each) == count == last["accepted"]
    assert sorted(stored(shared, user, count)) == list(range(count))


@in_front_of_the_log
@pytest.mark.parametrize("coding", ENCODERS)
def test_a_single_activity_and_an_array_may_be_compressed_too(shared, coding):
    header = [("Content-Encoding", coding)]
    user = f"whole-{coding}"
    assert shared.post(ENCODERS[coding](line_of(user, 0)), header).status == 202
    assert shared.post(ENCODERS[coding](b"[" + line_of(user, 1) + b"," + line_of(user, 2) + b"]"), header).json["accepted"] == 2
    assert stored(shared, user, 3) == [0, 1, 2]
    for codings in (["br"], ["gzip, gzip"], ["gzip", "gzip"], ["identity", "gzip"]):  # one coding, in one field
        fields = [("Content-Encoding", value) for value in codings]
        expect.problem(shared.post(gzip.compress(line_of(user, 0)), fields), 415, detail="Content-Encoding")


def deflated_zeros(count):
    """So many times 16 MiB, each a block that leans on none before it, so that one of them is all that has to be made."""
    encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (encoder.compress(bytes(1 << 24)) + encoder.flush(zlib.Z_FULL_FLUSH)) * count


# Each is some 10 MB of at least 10 GB; the checksums behind them would be wrong, and are never read.
BOMBS = {
    "gzip": lambda: b"\x1f\x8b\x08" + bytes(6) + b"\x03" + deflated_zeros(640),
    "deflate": lambda: b"\x78\xda" + deflated_zeros(640),
    # A window of 128 KiB, and blocks that say one byte as often (RFC 8878, 3.1.1).
    "zstd": lambda: b"\x28\xb5\x2f\xfd\x00\x38" + b"\x02\x00\x10\x00" * 2_500_000,
}


@in_front_of_the_log
@pytest.mark.parametrize("coding", BOMBS)
def test_a_bomb(make_service, coding):
    """10 GB from 10 MB: refused within little memory, whatever the body is said to be, and by several at once."""
    service = make_service().start()
    bomb = BOMBS[coding]()
    assert 9_000_000 < len(bomb) < 11_000_000
    before = service.peak_bytes()

    def answers(kind, *headers):
        with service.connect() as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(connection.encode("POST", LIST, bomb, [("Content-Type", kind), ("Content-Encoding", coding), *headers]))
            return connection.read_answer()

    for kind in ("application/json", "text/plain", "application/x-ndjson", "application/cloudevents+json",
                 "application/cloudevents-batch+json"):
        expect.problem(answers(kind), 413)
        assert service.peak_bytes() - before < 32 << 20 or services.PATIENCE > 1
    expect.problem(answers(KIND[1], VERDICTS), 413)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: answers(KIND[1]), range(4)):
            expect.problem(answer, 413)
    assert service.peak_bytes() - before < 32 << 20 or services.PATIENCE > 1
    assert service.post(line_of("after", 0)).status == 202


def test_a_dry_run(shared):
    body = line_of("lines-dry", 0) + b"\n{}\n"
    answer = shared.request("POST", LIST + "?dry_run=1", body, [KIND])
    assert (answer.status, answer.json["accepted"], answer.json["rejected"], answer.json["dryRun"]) == (200, 1, 1, True)
    assert "receipt" not in answer.json
    each, last = verdicts(shared.request("POST", LIST + "?dry_run=1", body, [KIND, VERDICTS]))
    assert each[0] == {"line": 1, "id": "lines-dry-00000"} and last["dryRun"]
    time.sleep(0.1)
    assert shared.walk("&userId=lines-dry") == []


def test_a_retry_by_its_key(shared):
    """Guards exact retries of lines without ids: the same key and lines are the same activities."""
    body = b'{"userId":"lines-retry","action":"a"}\n' * 3
    first, _ = verdicts(post(shared, body, VERDICTS, ("Idempotency-Key", '"lines-1"')))
    second, _ = verdicts(post(shared, body, VERDICTS, ("Idempotency-Key", '"lines-1"')))
    assert first == second and len({verdict["id"] for verdict in first}) == 3
    shared.wait_settled()
    shared.wait_count(3, "&userId=lines-retry")


@in_front_of_the_log
def test_parameters_are_refused_before_the_body_is_read(shared):
    with shared.connect() as connection:
        connection.send(connection.head("POST", LIST + "?dryrun=1", [KIND, ("Content-Length", 1000000)]))
        assert "dryrun" in expect.problem(connection.read_answer(), 400)["detail"]
        assert connection.is_closed_by_server()


def test_a_body_that_breaks_off(shared):
    """Guards what came before: it is told, stays, and the client knows where to go on."""
    body = lines_of("lines-broken", 100)
    for headers in ([], [VERDICTS]):
        with shared.connect() as connection:
            connection.send(connection.head("POST", LIST, [KIND, *headers, ("Content-Length", 1000000)]) + body + b'{"userId":"half')
            if headers:
                wire.wait_until(lambda: connection._fill() and b'"line":100' in connection.buffered, "all verdicts")
            else:
                shared.wait_count(100, "&userId=lines-broken")
            connection.socket.shutdown(1)
            if headers:
                rest = connection.read_to_end()
                last = json.loads(rest.split(b"\r\n")[-4].strip())["error"]
            else:
                last = expect.problem(connection.read_answer(), 400)
        assert (last["accepted"], last["rejected"], last["line"]) == (100, 0, 101), last
        assert last["durability"] == pair.DURABILITY
    assert stored(shared, "lines-broken", 100) == list(range(100))


@in_front_of_the_log
def test_a_client_that_does_not_read_its_verdicts(make_service):
    """It is cut off, holds little memory, and harms nobody."""
    service = make_service("--write-timeout", "1s").start()
    before = service.peak_bytes()
    with service.connect() as connection:
        connection.socket.settimeout(20)
        connection.send(connection.head("POST", LIST, [KIND, VERDICTS, ("Content-Length", 200_000_000)]))
        sent = 0
        with pytest.raises(OSError):
            while sent < 200_000_000:
                sent += connection.socket.send(b"{}\n" * 20000)
        assert sent < 50_000_000
    assert service.post(line_of("after", 0)).status == 202
    assert service.peak_bytes() - before < 24 << 20 or services.PATIENCE > 1


@in_front_of_the_log
def test_clients_that_go_away(fresh):
    """In the middle of lines, batches and verdicts: what was promised is there, and nothing is left behind."""
    source = random.Random(20261130)
    for turn in range(60):
        body = lines_of(f"lines-gone-{turn}", 2000)
        with fresh.connect() as connection:
            headers = [KIND, ("Content-Length", len(body))] + ([VERDICTS] if turn % 2 else [])
            connection.send(connection.head("POST", LIST, headers) + body[:source.randrange(len(body))])
            if turn % 3 == 0:
                time.sleep(0.002)
    fresh.wait_settled()
    assert fresh.post(line_of("after", 0)).status == 202


def test_many_imports_at_once(fresh):
    """Each gets all of its own lines in, in order, and is answered for them alone."""
    failures, count = [], pair.some(4000)

    def one(number):
        user = f"lines-many-{number}"
        with fresh.connect(60) as connection:
            answer = connection.request("POST", LIST, lines_of(user, count), [KIND] + ([VERDICTS] if number % 2 else []))
            accepted = verdicts(answer)[1]["accepted"] if number % 2 else answer.json["accepted"]
        if accepted != count:
            failures.append(answer)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for number in (0, 7, 15):
        assert stored(fresh, f"lines-many-{number}", count) == list(range(count))


@in_front_of_the_log
def test_a_full_log(make_service):
    """Guards the weakest promise: what was answered before the log was full stays, the rest is told from its line on."""
    for headers in ([], [VERDICTS]):
        service = make_service("--log-bytes", "1MiB", "--store", "memory").start()
        answer = post(service, lines_of("lines-full", 30000), *headers)
        if headers:
            each, last = verdicts(answer)
            document = last["error"]
            assert document["status"] == 507 and document["accepted"] == len(each)
        else:
            document = expect.problem(answer, 507)
            assert answer.header("retry-after") is not None
        assert 0 < document["accepted"] < 30000 and document["line"] == document["accepted"] + 1
        service.forget_connection()
        service.wait_count(document["accepted"], "&userId=lines-full")
        again = expect.problem(post(service, lines_of("lines-full", 30000), *headers), 507)
        assert (again["accepted"], again["line"]) == (0, 1)


@pair.needs_kept("kill")
@pair.needs_kept_log
def test_killed_under_import(fresh):
    """Every verdict that was read is kept over a kill."""
    ids, ready = [], threading.Event()

    def read():
        try:
            with fresh.connect() as connection:
                connection.send(connection.head("POST", LIST, [KIND, VERDICTS, ("Content-Length", 100_000_000)]))
                threading.Thread(target=feed, args=(connection,), daemon=True).start()
                assert connection._read_head().status == 200
                rest = b""
                while True:
                    rest += connection.take_chunk()
                    *whole, rest = rest.split(b"\n")
                    ids.extend(json.loads(line)["id"] for line in whole)
                    if len(ids) > 3000:
                        ready.set()
        except (wire.Closed, AssertionError, OSError, ValueError):
            ready.set()

    def feed(connection):
        number = 0
        try:
            while True:
                connection.send(b"".join(line_of("lines-killed", number + i) + b"\n" for i in range(500)))
                number += 500
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    assert ready.wait(60) and len(ids) > 3000
    fresh.kill()
    reader.join(30)
    fresh.start()
    wire.wait_until(lambda: set(ids) <= {row["id"] for row in fresh.walk("&userId=lines-killed")}, "all that had a verdict", 60, 0.5)
