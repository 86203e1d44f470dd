"""docs/api.md and docs/clients: every command and program is run as it stands there, and answers what stands below it."""

import http.client
import http.server
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

import keys
import openapi
import pages
import pair
import service as services
from signing import Keys, needs_openssl

ADDRESS = "http://127.0.0.1:3000"
STORED_SECONDS_MAX = 10  # a worker brings what was posted into the store behind the answer
PROGRAM_SECONDS_MAX = 90  # compiling one included

# They show answers of the default pair.
pytestmark = pair.names_its_own

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the curl command is missing")


# --- docs/api.md ---

def run_command(command, service, folder):
    result = subprocess.run(["bash", "-euc", command.replace(ADDRESS, service.url)], cwd=folder, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=20 * services.PATIENCE, check=False)
    return result.stdout


def matches(example, service, folder):
    """Runs a command until it answers as shown: questions may come before the store has the answer."""
    command, language, shown = example
    deadline = time.monotonic() + STORED_SECONDS_MAX * services.PATIENCE
    while not pages.same_shape(language, shown, answered := run_command(command, service, folder)):
        changes = "-X POST" in command or "-X DELETE" in command
        assert not changes and time.monotonic() < deadline, f"{command}\nanswers\n{answered}\nand not as\n{shown}"
        time.sleep(0.05)


@needs_curl
@needs_openssl
def test_every_command_answers_as_shown(make_service, tmp_path):
    """Guards the page against commands and answers that are no longer true."""
    service = make_service("--checkpoint-key-file", Keys(tmp_path).private).start()
    examples = pages.examples("api.md", "sh")
    assert len(examples) > 15
    for example in examples:
        if "/checkpoint" in example[0]:
            service.restart()  # a clean stop seals, and only then there is something to sign
        matches(example, service, tmp_path)


def test_every_route_has_a_command():
    """Guards the page against a route that it forgets."""
    used = set()
    for command, _, _ in pages.examples("api.md", "sh"):
        method = re.search(r"-X (\w+)", command)
        for path in re.findall(re.escape(ADDRESS) + r"(/[^\s'\"?]*)", command):
            used.add((method[1] if method else "GET", id(openapi.find_item(path))))
    described = {(method.upper(), id(item)): path for path, item in openapi.paths() for method in ("get", "post", "delete")
                 if method in item}
    assert not [f"{method} {path}" for (method, item), path in described.items() if (method, item) not in used]


def test_another_answer_is_found():
    """Guards the comparison itself."""
    shown = '{"id":"a","n":1,"rows":[{"x":null}]}'
    assert pages.same_shape("json", shown, '{"id":"b","n":2,"rows":[{"x":null}]}')
    for other in ('{"id":"a","n":1}', '{"id":"a","n":"1","rows":[{"x":null}]}', '{"id":"a","n":1,"rows":[]}', "", "{",
                  '{"n":1,"id":"a","rows":[{"x":null}]}', '{"id":"a","n":1,"rows":[{"x":1}]}'):
        assert not pages.same_shape("json", shown, other)
    assert pages.same_shape("text", f"time 2026-01-14T10:11:02.914Z\n{'a' * 44}\n", f"time 2027-01-14T10:11:02.914Z\n{'b' * 44}\n")
    assert not pages.same_shape("text", "200\n", "400\n")
    assert not pages.same_shape("text", "200 text/html\n", "200 text/css\n")
    assert not pages.same_shape("text", "a\n", "a\nb\n")


# --- docs/clients ---

class Unreliable(http.server.BaseHTTPRequestHandler):
    """Stands before a service: the answer to the first POST is lost on its way, the next two are told to come later."""

    later = {2: 503, 3: 429}

    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=20)
        upstream.request(self.command, self.path, body or None, {"Content-Type": self.headers.get("Content-Type") or "text/plain"})
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        return answer.status, answer.getheader("Content-Type"), content

    def answer(self, status, content_type, content, *headers):
        self.send_response(status)
        for name, value in (("Content-Type", content_type), ("Content-Length", len(content)), *headers):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.answer(*self.forward())

    def do_POST(self):
        self.server.posts += 1
        if self.server.posts in self.later:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(self.later[self.server.posts], "application/problem+json", b'{"type":"/problems/busy","detail":"later"}', ("Retry-After", 1))
            return
        answer = self.forward()
        if self.server.posts == 1:
            self.close_connection = True
        else:
            self.answer(*answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def unreliable(fresh):
    """(service, address of what stands before it, the server that counts)."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unreliable)
    server.daemon_threads = True
    server.upstream, server.posts = fresh.port, 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield fresh, f"http://127.0.0.1:{server.server_port}", server
    server.shutdown()
    thread.join()
    server.server_close()


CLIENTS = {
    "node": ("js", "client.mjs", ["node"]),
    "python": ("python", "client.py", ["/usr/bin/python3"]),
    "go": ("go", "client.go", ["go", "run"]),
}


def run_client(name, url, folder, **variables):
    language, file, command = CLIENTS[name]
    (program, _, shown), = pages.examples(f"clients/{name}.md", language)
    (folder / file).write_text(program, encoding="utf-8")
    environment = {**os.environ, "USERTRAIL_URL": url, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GO111MODULE": "off",
                   **variables}
    result = subprocess.run([*command, file], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=PROGRAM_SECONDS_MAX * services.PATIENCE, check=False)
    return result, shown


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_does_what_its_page_says(fresh, tmp_path, name):
    """Guards the programs that people begin with: they run as they stand there and print what stands below them."""
    if shutil.which(CLIENTS[name][2][0]) is None:
        pytest.skip(f"{name} is not on this machine")
    result, shown = run_client(name, fresh.url, tmp_path)
    assert (result.returncode, result.stdout) == (0, shown), result.stderr
    assert [row["id"] for row in fresh.walk(f"&userId={name}")] == [f"{name}-3", f"{name}-2", f"{name}-1"]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_sends_its_key(make_service, tmp_path, name):
    """Guards the programs against a service that wants a key for each of their requests."""
    if shutil.which(CLIENTS[name][2][0]) is None:
        pytest.skip(f"{name} is not on this machine")
    file = tmp_path / "keys"
    key = keys.create(file, name, "read,write")
    service = make_service("--keys-file", file).start()
    result, shown = run_client(name, service.url, tmp_path, USERTRAIL_KEY=key)
    assert (result.returncode, result.stdout) == (0, shown), result.stderr


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_repeats_and_nothing_is_doubled(unreliable, tmp_path, name):
    """Guards the retry of these programs: a lost answer, a busy service and a limit change nothing of the outcome."""
    if shutil.which(CLIENTS[name][2][0]) is None:
        pytest.skip(f"{name} is not on this machine")
    service, url, server = unreliable
    result, shown = run_client(name, url, tmp_path)
    assert (result.returncode, result.stdout) == (0, shown), result.stderr
    assert server.posts == 7, "four requests, one of them four times"
    assert [row["id"] for row in service.walk(f"&userId={name}")] == [f"{name}-3", f"{name}-2", f"{name}-1"]
    assert service.get("/health").json["worker"]["duplicate"] >= 2


# --- docs/migrating.md ---


@pytest.mark.skipif(shutil.which("jq") is None, reason="the jq command is missing")
def test_an_exported_collection_is_imported(tmp_path, make_service):
    """Guards the filter of the page: it makes what the page shows of the line that it shows, other documents come along, and what was
    imported is what was exported, once, however often."""
    page = (services.ROOT / "docs/migrating.md").read_text()
    exported, made = re.findall(r"```json\n(.*)\n```", page)
    command = re.search(r"(?ms)^jq -c .*?activities\.ndjson$", page).group(0)
    others = ['{"_id":7,"userId":42,"action":"a","createdAt":{"$date":"2024-01-15T10:00:00.000Z"}}',
              '{"_id":"text-id","userId":"u","action":"a","timestamp":"2024-01-15T11:00:00+01:00","metadata":{"n":[1,{"x":null}]}}']
    (tmp_path / "collection.ndjson").write_text("\n".join([exported, *others]) + "\n")
    subprocess.run(["bash", "-euc", command], cwd=tmp_path, stdin=subprocess.DEVNULL, check=True, timeout=20)
    assert (tmp_path / "activities.ndjson").read_text().splitlines()[0] == made
    service = make_service().start()
    for _ in range(2):
        result = services.run_program("import", tmp_path / "activities.ndjson", "--server", service.url)
        assert result.returncode == 0, result.stderr
    rows = {row["id"]: row for row in service.wait_count(3)}
    assert (rows["7"]["userId"], rows["7"]["timestamp"]) == ("42", "2024-01-15T10:00:00.000Z")
    assert rows["text-id"]["metadata"] == {"n": [1, {"x": None}]} and rows["text-id"]["timestamp"] == "2024-01-15T10:00:00.000Z"


# --- tests that pages name ---


def named_tests():
    """What docs/ says shows a promise, as FILE or FILE::FUNCTION."""
    text = "".join(path.read_text() for path in (services.ROOT / "docs").glob("*.md"))
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", text)))


def test_the_tests_that_pages_name_are_there():
    """Guards docs/failures.md against a promise whose test was renamed or taken away."""
    named = named_tests()
    assert len(named) > 40
    for one in named:
        file, _, function = one.partition("::")
        assert f"def {function}(" in (services.ROOT / file).read_text() or not function, one
