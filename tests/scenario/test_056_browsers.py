"""Pages in browsers: those of listed origins may send and read, others may not, and no name that leads here makes one of ours."""

import json
import re

import pytest

import expect
import service as services

LIST = "/api/v1/activities"
SHOP = "https://shop.example"
ONE = {"userId": "browsers", "action": "a"}
TEXT = ("Content-Type", "text/plain;charset=UTF-8")


@pytest.fixture(scope="module")
def listed():
    """A service that takes pages of two origins."""
    with services.running("--cors-origins", f"{SHOP},http://localhost:8080") as running:
        yield running


def readable(answer, origin=SHOP):
    assert answer.header("access-control-allow-origin") == origin, answer
    assert answer.header("access-control-allow-credentials") == "true"
    assert "Retry-After" in answer.header("access-control-expose-headers")
    assert answer.header("vary") == "Origin"
    return answer


def unreadable(answer):
    assert not [name for name, _ in answer.headers if name.startswith("access-control")], answer
    return answer


# --- beacons and preflights ---

def test_a_beacon_is_recorded(listed):
    """Guards navigator.sendBeacon: JSON as text/plain from a listed page, one activity or an array."""
    one = readable(listed.post(ONE, [TEXT, ("Origin", SHOP)]))
    listed.wait_stored(expect.accepted_one(one))
    many = readable(listed.post([ONE, {}], [TEXT, ("Origin", "http://localhost:8080")]), "http://localhost:8080")
    assert (many.json["accepted"], many.json["rejected"]) == (1, 1)


def test_text_without_a_page_is_recorded(shared):
    """Guards programs that send text/plain: without an Origin nobody was led here by a page."""
    expect.accepted_one(shared.post(ONE, [TEXT]))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://shop.example", f"{SHOP}:443", f"{SHOP}/", f"{SHOP}.evil.example", ""])
@pytest.mark.parametrize("content_type", ["text/plain", "TEXT/PLAIN; charset=utf-8", None])
def test_text_of_other_pages_is_refused(listed, origin, content_type):
    """Guards against any page that a user has open: what a browser sends without asking is not taken, and nothing stored."""
    before = listed.get("/health").json["requests"]
    headers = [("Origin", origin), ("Content-Length", 34)]
    with listed.connect() as connection:
        head = [*headers, ("Content-Type", content_type)] if content_type else headers
        connection.send(connection.head("POST", LIST, head) + b'{"userId":"browsers","action":"a"}')
        document = expect.problem(unreadable(connection.read_answer("POST")), 403)
    assert document["type"] == "/problems/origin-not-allowed"
    assert listed.get("/health").json["requests"] == before


def test_no_page_is_listed_by_default(shared):
    """Guards the default: no page of another site reads or sends anything, and answers say nothing of it."""
    expect.problem(unreadable(shared.post(ONE, [TEXT, ("Origin", SHOP)])), 403)
    answer = unreadable(shared.get("/livez", [("Origin", SHOP)]))
    assert answer.status == 200 and answer.header("vary") is None


def preflight(service, path, origin, *fields, method="POST"):
    headers = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if fields:
        headers.append(("Access-Control-Request-Headers", ",".join(fields)))
    return service.request("OPTIONS", path, None, headers)


def test_a_browser_is_told_what_a_page_may_send(listed):
    """Guards fetch() with JSON, a key and a name for the request: the browser asks first, and is told yes to these."""
    answer = readable(preflight(listed, LIST, SHOP, "content-type", "authorization", "idempotency-key", "x-other", "ce-id"))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-methods") == answer.header("allow")
    assert "POST" in answer.header("allow").split(", ")
    assert answer.header("access-control-allow-headers") == "content-type, authorization, idempotency-key, ce-id"
    assert int(answer.header("access-control-max-age")) > 0
    unasked = readable(preflight(listed, LIST, SHOP, "x-other"))
    assert unasked.header("access-control-allow-headers") is None


@pytest.mark.parametrize("path", [LIST, "/api/v1/users/u", "/livez", "/nowhere"])
def test_other_pages_are_told_nothing(listed, path):
    """Guards the answer that makes a browser refuse: the same as without any page."""
    answer = unreadable(preflight(listed, path, "https://evil.example", "content-type"))
    assert answer.status == (404 if path == "/nowhere" else 204)
    assert answer.header("vary") == "Origin"


ANSWERS = {
    "200": lambda service, headers: service.get("/livez", headers),
    "a page": lambda service, headers: service.get(LIST, headers),
    "400 of a question": lambda service, headers: service.get(f"{LIST}?x=1", headers),
    "400 of an activity": lambda service, headers: service.post({}, headers),
    "400 of a broken body": lambda service, headers: service.post(b"{", headers),
    "200 of a stream": lambda service, headers: service.post(
        json.dumps(ONE).encode(), [*(field for field in headers if field[0] != "Content-Type"), ("Content-Type", "application/x-ndjson"),
                                   ("Accept", "application/x-ndjson")]),
    "404": lambda service, headers: service.get("/nowhere", headers),
    "404 of an activity": lambda service, headers: service.get(f"{LIST}/none", headers),
    "405": lambda service, headers: service.request("PUT", LIST, None, headers),
    "411": lambda service, headers: service.request("POST", LIST, None, headers),
    "413 of the transport": lambda service, headers: service.request("POST", LIST, b"", [*headers, ("Content-Length", 1 << 30)]),
    "415": lambda service, headers: service.post(b"x", [*headers, ("Content-Type", "text/html")]),
    "403 of the name": lambda service, headers: named(service, "evil.example", headers),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_can_be_read(listed, name):
    """Guards pages that show why something failed: errors are as readable as successes, and only for listed pages."""
    digits = re.match("[0-9]+", name)
    answer = readable(ANSWERS[name](listed, [("Origin", SHOP)]))
    assert digits is None or answer.status == int(digits.group())
    unreadable(ANSWERS[name](listed, [("Origin", "https://evil.example"), ("Content-Type", "application/json")]
                             if name != "415" else [("Origin", "https://evil.example")]))


@pytest.mark.parametrize("origins", ["*", "null", "shop.example", "https://shop.example/", "https://Shop.example", "https://a:443",
                                     "https://a,,https://b", "https://*.example"])
def test_origins_are_exact(origins):
    """Guards against a list that lets in more than it seems to, or nobody at all: the start fails and says which."""
    result = services.run_program("check-config", "--cors-origins", origins)
    assert result.returncode == 2 and "--cors-origins" in result.stderr, result


# --- names ---

def named(service, host, headers=(), method="GET", target="/livez"):
    with service.connect() as connection:
        connection.authority = host
        return connection.request(method, target, None, headers)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "localhost.", "a.b.localhost:3000", "127.0.0.1", "127.9.8.7:80", "[::1]",
                                  "[::1]:3000", "[0:0:0:0:0:0:0:1]"])
def test_names_of_this_machine_are_answered(shared, host):
    """Guards everybody who works on the machine itself, by whatever of its names."""
    assert named(shared, host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.",
                                  "127.1", "0x7f.0.0.1", "2130706433", "0.0.0.0", "10.0.0.1:3000", "[::]", "[fe80::1]",
                                  "[::ffff:10.0.0.1]", "%6cocalhost", ".localhost", "a..localhost"])
@pytest.mark.parametrize("method, target", [("GET", LIST), ("GET", "/health"), ("POST", LIST), ("DELETE", "/api/v1/users/u"),
                                            ("OPTIONS", LIST), ("OPTIONS", "*"), ("GET", "/nowhere")])
def test_other_names_are_refused(shared, host, method, target):
    """Guards against DNS rebinding: a page whose name was made to lead here is answered 403, whatever it asks."""
    document = expect.problem(named(shared, host, method=method, target=target), 403)
    assert document["type"] == "/problems/host-not-allowed" and "--allow-anonymous" in document["detail"]


def test_a_name_may_be_missing_before_1_1(shared):
    """Guards simple probes of HTTP/1.0, which no browser speaks."""
    with shared.connect() as connection:
        connection.send(b"GET /livez HTTP/1.0\r\n\r\n")
        assert connection.read_answer().status == 200


def test_anonymous_means_any_name(make_service):
    """Guards services in containers: who says --allow-anonymous is asked by names of pods, nodes and balancers."""
    service = make_service("--allow-anonymous").start()
    assert named(service, "usertrail.default.svc:3000").status == 200
    assert named(service, "10.1.2.3:3000").status == 200
    assert named(service, "usertrail.example", method="POST", target=LIST).status == 411
    service.stop()


def test_the_health_command_asks_by_a_name_of_this_machine(shared):
    """Guards health checks of containers, which run beside the service."""
    result = services.run_program("health", "--url", shared.url)
    assert result.returncode == 0, result
