"""The document of the API and the page that shows it, as the running program serves them."""

import gzip
import html.parser
import json
import posixpath
import re

import pytest

import expect
import openapi
import service as services
import wire

DASHBOARD = services.ROOT / "build/dashboard/node_modules"
SWAGGER_UI = services.ROOT / "build/swagger-ui/node_modules/swagger-ui-dist"
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY")
ALLOWED = {"get": ["GET", "HEAD"], "post": ["POST"], "delete": ["DELETE"]}


@pytest.fixture(scope="module")
def document(shared):
    return shared.get("/openapi.json").json


@pytest.fixture
def known(shared):
    """Values for the parts of a path: of something that is there, where there can be."""
    shared.record({"id": "openapi-1", "userId": "openapi", "action": "a"})
    shared.record({"id": "openapi-2", "userId": "openapi-erased", "action": "a"})
    shared.wait_stored("openapi-1")
    shared.wait_stored("openapi-2")
    return {"id": "openapi-1", "userId": "openapi-erased", "file": "docs.css", "asset": "dashboard.css"}


def target_of(path, values):
    return re.sub(r"\{([^}]*)\}", lambda match: values[match.group(1)], path)


def test_the_document_is_the_one_of_the_sources(document):
    """Guards against a document that lags behind: what is served is what the tests hold the answers to."""
    assert document == openapi.DOCUMENT
    assert document["openapi"].startswith("3.1.")


@pytest.mark.parametrize("path", [path for path, _ in openapi.paths()])
def test_what_is_described_answers_and_nothing_else(shared, known, path):
    """Guards the document against a path or a method that is not there, and the program against one that is not described."""
    item = openapi.find_item(path)
    described = [name for member in openapi.DOCUMENT["paths"] and item if member in ALLOWED for name in ALLOWED[member]]
    target = target_of(path, known)
    body = {"userId": "openapi", "action": "a"} if "requestBody" in item.get("post", {}) else None
    missing = "/problems/not-found" if path == "/api/v1/refused/{id}/resend" else "/problems/no-checkpoints"
    for method in EVERY_METHOD:
        if method == "GET" and path in openapi.ENDLESS:
            continue  # test_560_stream.py
        answer = shared.request(method, target, body if method == "POST" else None)
        if method in described:
            assert answer.status in (200, 202, 308, 400, 404), answer
            if answer.status == 404:  # of the operation itself, not of the path
                assert method == "HEAD" or answer.json["type"] in (missing, "/problems/no-links"), answer
        else:
            assert answer.status == 405, answer
            assert answer.header("allow").split(", ") == [*described, "OPTIONS"]


def test_an_answer_that_is_not_described_is_found():
    """Guards the check itself, which every other test relies on."""
    def problem(status, slug):
        return wire.Answer(status, [("content-type", openapi.PROBLEM)], json.dumps({"type": f"/problems/{slug}"}).encode())

    openapi.check("GET", "/livez?x=1", problem(400, "invalid-parameter"))
    openapi.check("GET", "/logs", problem(431, "header-too-large"))
    openapi.check("PUT", "/livez", problem(405, "method-not-allowed"))
    openapi.check("GET", "/nowhere", problem(404, "no-such-route"))
    openapi.check("POST", "/logs", wire.Answer(202, [], b'{"results":[{"error":{"type":"/problems/invalid-activity"}}]}'))
    for method, target, answer in (
            ("GET", "/livez", problem(400, "no-such-type")), ("GET", "/livez", problem(503, "no-space")),
            ("GET", "/livez", problem(404, "not-found")), ("GET", "/livez", problem(405, "method-not-allowed")),
            ("PUT", "/livez", problem(400, "invalid-parameter")), ("GET", "/nowhere", problem(404, "not-found")),
            ("GET", "/livez", wire.Answer(204)), ("GET", "/nowhere", wire.Answer(200)),
            ("POST", "/logs", wire.Answer(202, [], b'{"results":[{"error":{"type":"/problems/no-such-type"}}]}'))):
        with pytest.raises(AssertionError):
            openapi.check(method, target, answer)


# --- how files are served ---

class Page(html.parser.HTMLParser):
    """What a page names, and what stands in it that a strict policy would not run."""

    def __init__(self, text):
        super().__init__()
        self.named, self.inline, self.within = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        named = {"script": "src", "link": "href", "img": "src", "a": "href"}.get(tag)
        if named in values:
            self.named.append(values[named])
        self.inline += [name for name in values if name == "style" or name.startswith("on")]
        self.inline += [value for value in values.values() if (value or "").lower().startswith("javascript:")]
        self.inline += ["style"] if tag == "style" else []
        self.within = tag

    def handle_endtag(self, tag):
        self.within = None

    def handle_data(self, data):
        if self.within == "script" and data.strip():
            self.inline.append(data)


def policy_of(answer):
    """Directive -> its sources."""
    words = [directive.split() for directive in answer.header("content-security-policy").split(";")]
    return {name: sources for name, *sources in words}


# Each page, and the folder that its files are named relative to.
@pytest.mark.parametrize("path, folder", [("/docs/", "/docs/"), ("/", "/")])
def test_a_page_is_strict_and_complete(shared, path, folder):
    """Guards the pages: all that they name is served by this server, with the type that a browser wants, and nothing stands in
    them that the policy forbids, which leaves no script but those files."""
    answer = shared.get(path)
    assert (answer.status, answer.header("content-type")) == (200, "text/html; charset=utf-8"), answer
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"] and policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["img-src"] == ["'self'", "data:"] and policy["connect-src"] == ["'self'"]
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == ["'none'"]
    page = Page(answer.text)
    assert page.inline == []
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "json": "application/json",
             "/": "text/html; charset=utf-8"}
    for name in page.named:
        if name != "data:,":
            assert not name.startswith(("/", "http")), "works behind a proxy with a prefix, and without a network"
            file = shared.get(posixpath.normpath(folder + name) + "/" * name.endswith("/"))
            assert (file.status, file.header("content-type")) == (200, types["/" if name.endswith("/") else name.rpartition(".")[2]]), file
            assert file.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize("path, file, folder", [("/docs/", "swagger-ui-bundle.js", SWAGGER_UI),
                                                ("/", "dashboard/uplot.js", DASHBOARD / "uplot")])
def test_a_page_has_its_libraries(shared, path, file, folder):
    """Guards the build: what tools/setup brought is in the program, and without it the page leads to what is there."""
    assert (file in Page(shared.get(path).text).named) == folder.is_dir(), "built before tools/setup brought it"
    assert "openapi.json" in shared.get(path).text


def test_the_address_of_the_page(shared):
    """Guards what people type: /docs leads to the folder that the page's files are relative to."""
    answer = shared.get("/docs")
    assert (answer.status, answer.header("location")) == (308, "docs/"), answer
    expect.problem(shared.get("/docs/no-such-file.js"), 404, detail="no such file")
    expect.problem(shared.get("/docs/..%2Fopenapi.json"), 404)
    expect.problem(shared.get("/docs/?x=1"), 400)
    expect.problem(shared.get("/dashboard/no-such-file.js"), 404, detail="no such file")
    expect.problem(shared.get("/dashboard/index.html"), 404)
    expect.problem(shared.get("/?userId=1"), 400)


@pytest.mark.skipif(not SWAGGER_UI.is_dir(), reason="tools/setup could not bring Swagger UI")
def test_swagger_ui_is_the_one_of_the_registry(shared):
    """Guards the bytes on their way through the build, and the notices that its licence asks for."""
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui-bundle.js.LICENSE.txt"):
        assert shared.get(f"/docs/{name}").body == (SWAGGER_UI / name).read_bytes()
    assert shared.get("/docs/swagger-ui.LICENSE.txt").body == (SWAGGER_UI / "LICENSE").read_bytes()
    assert shared.get("/docs/swagger-ui.NOTICE.txt").body == (SWAGGER_UI / "NOTICE").read_bytes()
    locked = json.loads((services.ROOT / "src/interfaces/api/docs/package-lock.json").read_text())
    installed = json.loads((SWAGGER_UI / "package.json").read_text())
    assert installed["version"] == locked["packages"]["node_modules/swagger-ui-dist"]["version"]


@pytest.mark.skipif(not DASHBOARD.is_dir(), reason="tools/setup could not bring the libraries of the dashboard")
def test_the_libraries_of_the_dashboard_are_the_ones_of_the_registry(shared):
    """Guards the bytes on their way through the build, and the notices that their licences ask for."""
    for name, path in (("preact.js", "preact/dist/preact.umd.js"), ("preact-hooks.js", "preact/hooks/dist/hooks.umd.js"),
                       ("htm.js", "htm/dist/htm.umd.js"), ("uplot.js", "uplot/dist/uPlot.iife.min.js"), ("uplot.css", "uplot/dist/uPlot.min.css"),
                       *((f"{library}.LICENSE.txt", f"{library}/LICENSE") for library in ("preact", "htm", "uplot"))):
        assert shared.get(f"/dashboard/{name}").body == (DASHBOARD / path).read_bytes()
    locked = json.loads((services.ROOT / "src/interfaces/dashboard/package-lock.json").read_text())["packages"]
    for library in ("preact", "htm", "uplot"):
        installed = json.loads((DASHBOARD / library / "package.json").read_text())
        assert installed["version"] == locked[f"node_modules/{library}"]["version"]


@pytest.mark.parametrize("target", ["/openapi.json", "/docs/", "/docs/docs.css", "/", "/dashboard/dashboard.css"])
def test_who_takes_gzip_gets_it(shared, target):
    """Guards both representations: the same content, tags of their own, and a cache that keeps them apart."""
    plain = shared.get(target)
    packed = shared.get(target, [("Accept-Encoding", "br, gzip")])
    assert plain.header("content-encoding") is None and packed.header("content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body)
    assert plain.header("etag") != packed.header("etag")
    for answer in (plain, packed):
        assert re.fullmatch(r'"[0-9a-f]{16}(-gzip)?"', answer.header("etag"))
        assert answer.header("vary") == "Accept-Encoding" and answer.header("cache-control") == "no-cache"
        assert answer.header("content-type") == plain.header("content-type")


@pytest.mark.parametrize("target", ["/openapi.json", "/docs/", "/docs/docs.css", "/", "/dashboard/dashboard.css"])
def test_who_has_it_is_told_so(shared, target):
    """Guards conditional requests: 304 for the tag of the same representation, the whole for any other."""
    plain, packed = (shared.get(target, [("Accept-Encoding", coding)]).header("etag") for coding in ("identity", "gzip"))
    for method in ("GET", "HEAD"):
        for coding, same, other in (("identity", plain, packed), ("gzip", packed, plain)):
            accepts = ("Accept-Encoding", coding)
            answer = shared.request(method, target, headers=[accepts, ("If-None-Match", f'"x", W/{same}')])
            assert (answer.status, answer.body, answer.header("etag")) == (304, b"", same), answer
            assert answer.header("content-encoding") is None and answer.header("vary") == "Accept-Encoding"
            assert shared.request(method, target, headers=[accepts, ("If-None-Match", other)]).status == 200
            assert shared.request(method, target, headers=[accepts, ("If-None-Match", "*")]).status == 304
