"""Limits and denied actions on the real program: buckets of keys and addresses, what clients are told, who is behind a proxy."""

import base64
import concurrent.futures
import hashlib
import json
import os
import re
import socket
import struct
import threading
import time

import pytest

import expect
import keys
import service as services

LIST = services.COLLECTION
CHEAP = "/api/v1/checkpoint"  # answered 404 by the loop itself, where nobody signs any


def limited(answer):
    document = expect.problem(answer, 429)
    assert document["type"] == "/problems/rate-limited"
    assert int(answer.header("retry-after")) >= 1, answer
    return answer


def items(field):
    """A list of structured fields whose items are strings with numbers as parameters (RFC 9651)."""
    found = {}
    for item in field.split(", "):
        assert re.fullmatch(r'"[a-z]+"(;[a-z]=[0-9]+)+', item), field
        name, *parameters = item.split(";")
        found[name.strip('"')] = {key: int(value) for key, value in (text.split("=") for text in parameters)}
    return found


def told(answer):
    """What an answer says of limits: (policy, standing)."""
    return items(answer.header("ratelimit-policy")), items(answer.header("ratelimit"))


def test_a_key_has_its_burst_and_then_waits(make_service, tmp_path):
    """Guards the bucket of a key as its client sees it: counted down, refused with the time to wait, and back after that."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", 1, "--limit-key-burst", 3)
    for left in (2, 1, 0):
        answer = keyed.ask("GET", LIST, "read")
        assert answer.status == 200
        policy, standing = told(answer)
        assert policy == {"key": {"q": 3, "w": 3}} and standing["key"]["r"] == left and 1 <= standing["key"]["t"] <= 3
    answer = limited(keyed.ask("GET", LIST, "read"))
    assert told(answer)[1]["key"]["r"] == 0
    assert keyed.ask("GET", LIST, "all").status == 200  # another key
    for probe in ("/livez", "/readyz", "/health"):
        assert keyed.ask("GET", probe).header("ratelimit") is None
    assert keys.access(keyed.service)["limited"] == 1
    time.sleep(int(answer.header("retry-after")))
    assert keyed.ask("GET", LIST, "read").status == 200


def test_an_array_costs_what_it_holds(make_service, tmp_path):
    """Guards that batches are no way around a limit: they count as their activities, and what is owed is waited for."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", 10, "--limit-key-burst", 20)
    batch = [{"userId": "u", "action": "a"} for _ in range(12)]
    assert told(keyed.ask("POST", LIST, "write", batch))[1]["key"]["r"] == 8
    answer = keyed.ask("POST", LIST, "write", [*batch, *batch, *batch])  # more than there is, and than ever can be
    assert answer.status == 202 and answer.json["accepted"] == 36
    assert int(limited(keyed.ask("POST", LIST, "write", batch[0])).header("retry-after")) == 3
    limited(keyed.ask("POST", LIST, "write", batch))
    keyed.wait_settled()
    health = keyed.service.get("/health").json
    assert health["requests"]["accepted"] == 48 and health["worker"]["stored"] == 48


NDJSON = ("Content-Type", "application/x-ndjson")


@pytest.mark.parametrize("streamed", [False, True])
def test_lines_cost_what_they_are(make_service, tmp_path, streamed):
    """Guards that NDJSON is no way around a limit: what is beyond it is refused from a line on, which is told; what was before it
    is recorded, and the sums add up."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", 10, "--limit-key-burst", 20)
    body = b"".join(b'{"userId":"u","action":"a","id":"line-%d"}\n' % number for number in range(1, 20_001))
    answer = keyed.ask("POST", LIST, "write", body, [NDJSON] + [("Accept", "application/x-ndjson")] * streamed)
    if streamed:
        assert answer.status == 200, answer
        verdicts = [json.loads(line) for line in answer.text.splitlines()]
        document = verdicts[-1]["error"]
        assert [verdict["line"] for verdict in verdicts[:-1]] == list(range(1, document["line"]))
    else:
        document = limited(answer).json
    assert document["type"] == "/problems/rate-limited" and document["status"] == 429
    assert document["accepted"] == document["line"] - 1 < 20_000 and document["accepted"] >= 1
    limited(keyed.ask("POST", LIST, "write", {"userId": "u", "action": "a"}))
    keyed.wait_settled()
    health = keyed.service.get("/health").json
    assert health["worker"]["stored"] == document["accepted"] == health["requests"]["accepted"]


def test_lines_within_a_limit_cost_one_each(make_service, tmp_path):
    """Guards the count of lines: as many as there are tokens, blank ones and the request itself not counted beside them."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", 1, "--limit-key-burst", 50)
    body = b"\n".join([b'{"userId":"u","action":"a"}', b"", b"nonsense"] * 10)
    answer = keyed.ask("POST", LIST, "write", body, [NDJSON])
    assert answer.status == 202 and answer.json["accepted"] == answer.json["rejected"] == 10
    assert 29 <= told(keyed.ask("POST", LIST, "write", b'{"userId":"u","action":"a"}', [NDJSON]))[1]["key"]["r"] <= 30


def test_a_rate_holds_in_the_long_run(make_service, tmp_path):
    """Guards the rate within 5 %: who asks as often as possible for three seconds gets the burst and the rate."""
    rate, burst = 300, 30
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", rate, "--limit-key-burst", burst)
    let_in = 0
    with keyed.service.connect() as connection:
        began = time.monotonic()
        while time.monotonic() - began < 3:
            answer = connection.get(CHEAP, keys.bearer(keyed.keys["admin"]))
            let_in += answer.status == 404
        took = time.monotonic() - began
    assert 0.95 * (burst + rate * took) <= let_in <= 1.05 * (burst + rate * took), (let_in, took)


def memory_bytes(service):
    """What the process holds of the machine's memory now."""
    with open(f"/proc/{service.process.pid}/statm", encoding="ascii") as text:
        return int(text.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def made_up_keys(count):
    """Keys, and their lines of the file: as `usertrail keys create` makes them, without a process for each."""
    for number in range(count):
        secret = base64.urlsafe_b64encode(number.to_bytes(24, "big")).decode()
        key = f"ut_{number:016x}_{secret}"
        yield key, f"k{number} admin * 2026-01-01T00:00:00.000Z {number:016x} {hashlib.sha256(key.encode()).hexdigest()}\n"


def bursts(service, pieces, together):
    """(begin, end, statuses) of each piece: requests that are sent as they are, over one connection, in step with others."""
    told = []
    with service.connect() as connection:
        for number, piece in enumerate(pieces):
            if number % 100 == 0:
                together.wait()
            began = time.monotonic()
            connection.send(piece)
            statuses = [connection.read_answer().status for _ in range(piece.count(b"\r\n\r\n"))]
            told.append((began, time.monotonic(), statuses))
    return told


def test_ten_thousand_keys_in_bursts(make_service, tmp_path):
    """Guards many keys at once, over several connections of different loops: each key by itself gets its burst, within 5 % and
    what came in the time that it took, and all of them do with the memory that was there before."""
    count, rate, burst, asked, clients = 10_000, 1, 20, 8, 3
    made = list(made_up_keys(count))
    path = tmp_path / "keys"
    path.write_text("".join(line for _, line in made))
    service = make_service("--keys-file", path, "--limit-key-rate", rate, "--limit-key-burst", burst, "--threads", 3).start()
    assert keys.access(service)["keys"] == count
    pieces = [(f"GET {CHEAP} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n" * asked).encode() for key, _ in made]
    bursts(service, pieces[:1], threading.Barrier(1))
    before = memory_bytes(service)
    together = threading.Barrier(clients)
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        told = list(pool.map(lambda _: bursts(service, pieces[1:], together), range(clients)))
    tight = 0
    for of_key in zip(*told, strict=True):
        statuses = sum((statuses for _, _, statuses in of_key), [])
        assert set(statuses) <= {404, 429}, statuses
        took = max(end for _, end, _ in of_key) - min(begin for begin, _, _ in of_key)
        assert burst <= statuses.count(404) <= 1.05 * burst + rate * took, (statuses.count(404), took)
        tight += 1.05 * burst + rate * took < asked * clients
    assert tight > count / 2 or services.SANITIZED, f"only {tight} keys could have had too much"
    if not services.SANITIZED:  # which keeps what is freed
        assert memory_bytes(service) - before < 16 << 20


def test_an_address_has_a_limit_of_its_own(make_service, tmp_path):
    """Guards who tries keys: an address waits whatever it shows, and what it says of itself changes nothing."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-address-rate", 1, "--limit-address-burst", 4)
    for number in range(4):
        spoofed = [("X-Forwarded-For", f"10.0.0.{number}"), ("Forwarded", f"for=10.0.0.{number}"), ("X-Real-IP", "10.9.9.9")]
        answer = keyed.ask("GET", LIST, "nonsense", headers=spoofed)
        assert answer.status == 401 and told(answer)[1]["address"]["r"] == 3 - number
    limited(keyed.ask("GET", LIST, "read", headers=[("X-Forwarded-For", "10.0.0.99")]))
    assert keyed.ask("GET", "/livez").status == 200


def test_who_is_behind_a_trusted_proxy(make_service):
    """Guards X-Forwarded-For: a trusted proxy's last word counts, whatever a client wrote before it."""
    service = make_service("--limit-address-rate", 1, "--limit-address-burst", 2, "--trusted-proxies", "127.0.0.0/8, 10.0.0.0/8").start()

    def left(*fields):
        with service.connect() as connection:
            answer = connection.get(LIST, [("X-Forwarded-For", field) for field in fields])
            return told(answer)[1]["address"]["r"] if answer.status == 200 else "limited"

    assert left("203.0.113.1") == 1
    assert left("198.51.100.7, 203.0.113.1") == 0  # the first is the client's own word
    assert left("198.51.100.8, 203.0.113.1, 10.1.1.1") == "limited"
    assert left("198.51.100.9", "203.0.113.1") == "limited"
    assert left("203.0.113.2") == 1
    assert left("nonsense, 203.0.113.2:4711") == 0
    assert left("2001:db8:1:2::3") == 1
    assert left("2001:db8:1:2:ffff::4") == 0  # one network, one bucket
    assert left("2001:db8:1:3::3") == 1
    assert left() == 1  # the proxy itself


def test_both_limits_are_told(make_service, tmp_path):
    """Guards the fields with two policies, on answers of all kinds."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", 100, "--limit-address-rate", 50, "--limit-address-burst", 200)
    for answer in (keyed.ask("GET", LIST, "read"), keyed.ask("POST", LIST, "write", {"userId": "u", "action": "a"}),
                   keyed.ask("GET", f"{LIST}?x=1", "read"), keyed.ask("GET", "/api/v1/refused", "admin")):
        policy, standing = told(answer)
        assert policy == {"address": {"q": 200, "w": 4}, "key": {"q": 100, "w": 1}}
        assert standing["address"]["r"] < 200 and 98 <= standing["key"]["r"] <= 99


def test_a_request_that_broke_off_leaves_nothing_behind(make_service, tmp_path):
    """Guards the memory of requests, which is used again: what was told to one that never ended is not told to the next."""
    keyed = keys.Keyed(make_service, tmp_path, "--limit-key-rate", 100, "--threads", 1)
    for _ in range(5):
        with keyed.service.connect() as connection:
            connection.send(connection.head("POST", LIST, [NDJSON, ("Content-Length", 1000), *keys.bearer(keyed.keys["write"])]))
            connection.send(b'{"userId":"u"')
            time.sleep(0.02)
            # A reset, since whoever closes in peace is still answered, and that clears what is looked for here.
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for _ in range(5):
        answer = keyed.ask("GET", "/livez")
        assert answer.status == 200 and answer.header("ratelimit") is None, answer


@pytest.mark.parametrize("flags, words", [
    (["--limit-key-rate", "5"], "no keys to limit"), (["--limit-address-rate", "-1"], "--limit-address-rate"),
    (["--trusted-proxies", "localhost"], "--trusted-proxies"), (["--trusted-proxies", "10.0.0.0/33"], "10.0.0.0/33"),
    (["--deny-file", "missing"], "missing")])
def test_settings_that_cannot_be_meant(flags, words, tmp_path):
    """Guards the start: what cannot be meant is told before anything is served."""
    result = services.run_program("check-config", *flags, folder=tmp_path)
    assert result.returncode == 2 and words in result.stderr, result.stderr


def test_denied_actions_are_not_recorded(make_service, tmp_path):
    """Guards the rules: whole actions and beginnings of them, one by one and in arrays, read again by a signal."""
    path = tmp_path / "deny"
    path.write_text("# what nobody needs\nheartbeat\ndebug.*\n")
    service = make_service("--deny-file", path).start()

    def post(*actions):
        return service.post([{"userId": "u", "action": action} for action in actions])

    document = expect.problem(service.post({"userId": "u", "action": "heartbeat"}), 403, "/action")
    assert document["type"] == "/problems/action-denied"
    answer = post("heartbeat", "heartbeats", "debug.x", "debug", "login").json
    assert answer["accepted"] == 3 and answer["rejected"] == 2
    assert [result["error"]["type"] for result in answer["results"] if "error" in result] == ["/problems/action-denied"] * 2
    assert expect.problem(post("heartbeat", "debug."), 400)["type"] == "/problems/nothing-accepted"
    lines = b"\n".join(b'{"userId":"u","action":"%s"}' % action for action in (b"login", b"debug.y"))
    answer = service.post(lines, [NDJSON]).json
    assert answer["accepted"] == 1 and answer["results"][0]["error"]["type"] == "/problems/action-denied"
    path.write_text("login\n")
    assert keys.reload(service)["reloads"] == 1
    assert post("heartbeat", "login").json["accepted"] == 1
    path.write_bytes(b"a\n\xff\n")
    assert keys.reload(service)["failedReloads"] == 1
    assert "line 2" in service.stderr
    assert post("a", "login").json["accepted"] == 1
    requests = service.get("/health").json["requests"]
    assert requests["received"] == requests["accepted"] + requests["rejected"] == 14
