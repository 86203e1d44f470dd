"""Methods, and the headers of a POST that are judged before its body is read."""

import pytest

import expect

LIST = "/api/v1/activities"
EVERY_METHOD = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "QUERY", "get", "FOO-BAR")
ALLOWED = {LIST: "GET, HEAD, POST, OPTIONS", f"{LIST}/x": "GET, HEAD, OPTIONS", "/livez": "GET, HEAD, OPTIONS",
           "/readyz": "GET, HEAD, OPTIONS", "/health": "GET, HEAD, OPTIONS",
           "/api/v1/refused": "GET, HEAD, OPTIONS", "/api/v1/users?userId=methods": "GET, HEAD, DELETE, OPTIONS",
           "/api/v1/users/methods": "GET, HEAD, DELETE, OPTIONS", "/api/v1/users/methods/activities": "GET, HEAD, OPTIONS",
           "/api/v1/users/activities?userId=methods": "GET, HEAD, OPTIONS"}
GOOD = b'{"userId":"methods","action":"a"}'


@pytest.mark.parametrize("path", ALLOWED)
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_405_names_what_is_allowed(shared, path, method):
    """Guards the promise that every method which a path does not have is answered with those it has."""
    if method in ALLOWED[path].split(", "):
        assert shared.request(method, path, GOOD if method == "POST" else None).status in (200, 202, 204, 404)
        return
    answer = shared.request(method, path)
    if method == "HEAD":
        assert answer.status == 405
    else:
        expect.problem(answer, 405)
    assert answer.header("allow") == ALLOWED[path]


@pytest.mark.parametrize("path", ALLOWED)
def test_options(shared, path):
    """Guards OPTIONS: no body, and the methods."""
    answer = shared.request("OPTIONS", path)
    assert (answer.status, answer.header("allow"), answer.body) == (204, ALLOWED[path], b"")


def test_options_of_the_whole_server(shared):
    """Guards the one request whose target is no path."""
    assert shared.request("OPTIONS", "*").status == 204


@pytest.mark.parametrize("target", [LIST, f"{LIST}?userId=methods-head", f"{LIST}/no-such-id", "/livez", "/health", "/nothing",
                                    f"{LIST}?nonsense=1"])
def test_head_is_get_without_the_body(fresh, target):
    """Guards HEAD: the status and the headers of GET, also the length, and not one byte more."""
    fresh.wait_stored(fresh.record({"userId": "methods-head", "action": "a"})["id"])
    get = fresh.get(target)
    head = fresh.request("HEAD", target)
    assert (head.status, head.body) == (get.status, b"")
    assert [name for name, _ in head.headers] == [name for name, _ in get.headers]
    assert head.header("content-type") == get.header("content-type")
    if target != "/health":  # which counts requests
        assert head.header("content-length") == get.header("content-length")
    assert fresh.get("/livez").status == 200


def test_an_unknown_id_is_404(shared):
    """Guards reading by an id that nobody has, however odd it is."""
    for activity_id in ("x", "0198c0de-0000-7000-8000-000000000000", "%20", "a%2Fb", "%C3%A9", "x" * 128, "x" * 129, "%00", "%"):
        expect.problem(shared.get(f"{LIST}/{activity_id}"), 404)


def test_get_by_id_is_the_row_itself(shared):
    """Guards the shape of a single activity: the row, not a list around it; its id may be percent-encoded."""
    shared.record({"userId": "methods", "action": "a", "id": "by:id.1"})
    shared.wait_stored("by:id.1")
    answer = shared.get(f"{LIST}/by%3Aid.1")
    assert answer.header("content-type") == "application/json"
    expect.row(answer.json)
    assert answer.json["id"] == "by:id.1"


def test_a_post_without_a_length_is_411(shared):
    """Guards against taking a request without a body for one with an empty body."""
    with shared.connect() as connection:
        connection.send(connection.head("POST", LIST, [("Content-Type", "application/json")]))
        expect.problem(connection.read_answer(), 411)


def test_an_empty_body_is_400(shared):
    """Guards the forgotten body: the answer says that nothing was sent."""
    expect.problem(shared.post(b""), 400, "")
    expect.problem(shared.post(b" \r\n\t "), 400, "")


@pytest.mark.parametrize("content_type", [
    "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON",
    'application/json; charset="utf-8"', "application/json; charset=utf-8; profile=x", "application/json ; x=y", None])
def test_content_types_of_json(shared, content_type):
    """Guards clients that spell the content type in any allowed way, or leave it out."""
    with shared.connect() as connection:
        headers = [("Content-Length", len(GOOD))] + ([("Content-Type", content_type)] if content_type else [])
        connection.send(connection.head("POST", LIST, headers) + GOOD)
        expect.accepted_one(connection.read_answer())


@pytest.mark.parametrize("content_type", [
    "text/html", "application/xml", "application/jsonx", "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "*/*",
    "application/octet-stream"])
def test_other_content_types_are_415(shared, content_type):
    """Guards against reading something else as JSON: the answer says which header to send."""
    document = expect.problem(shared.post(GOOD, [("Content-Type", content_type)]), 415)
    assert "application/json" in document["detail"]


@pytest.mark.parametrize("coding", ["br", "compress", "gzip, identity", "gzip, gzip", "aws-chunked"])
def test_content_codings_that_are_not_decoded_are_415(shared, coding):
    """Guards against parsing compressed bytes as JSON; the answer says what can be decoded."""
    document = expect.problem(shared.post(GOOD, [("Content-Encoding", coding)]), 415)
    assert "Content-Encoding" in document["detail"] and "gzip, deflate, zstd" in document["detail"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_body_that_is_not_what_its_coding_says_is_400(shared, coding):
    assert expect.problem(shared.post(GOOD, [("Content-Encoding", coding)]), 400)["type"] == "/problems/bad-content-encoding"


def test_post_takes_no_parameters(shared):
    """Guards against parameters that would be ignored silently."""
    expect.problem(shared.post(GOOD, target=f"{LIST}?userId=x"), 400, detail="userId")
