"""The log of a service: a line an event, JSON for machines and text for people, with names of requests, and nothing in it that somebody
put there to forge a line or to act on a terminal."""

import json
import re

import pytest

import keys
import pair
import service as services
import terminal

NAME = re.compile(r"[0-9a-f]{16}-[0-9]+")
HOSTILE = 'x\r\n{"level":"error","message":"forged"}\u001b[2J\u009b31m\u202e\u2028 level=error "'


def lines_of(service):
    """Each line must be one JSON object."""
    return [json.loads(line) for line in service.stderr.split("\n") if line]


def about(service, name):
    return [line for line in lines_of(service) if line.get("requestId") == name]


@pytest.fixture(scope="module")
def talking():
    with services.running("--log-level", "debug", "--log-format", "json") as service:
        yield service


def test_answers_name_their_request(talking):
    """Guards finding a request again: its own name comes back where it is one, another is made where it is not, each once."""
    given = "0192f0c1-7d2e-7000-8000-000000000000"
    for target in ("/livez", "/api/v1/activities", "/absent", "/api/v1/activities?limit=x", "/openapi.json", "/docs"):
        assert talking.get(target, [("X-Request-Id", given)]).header("x-request-id") == given
    made = [talking.get("/livez").header("x-request-id") for _ in range(5)]
    assert len(set(made)) == 5 and all(NAME.fullmatch(name) for name in made)
    for bad in ("a b", "x" * 129, '"', "a,b", "a\tb", "ü", "{}"):
        assert NAME.fullmatch(talking.get("/livez", [("X-Request-Id", bad)]).header("x-request-id"))
    both = talking.get("/livez", [("X-Request-Id", "one"), ("X-Request-Id", "two")])
    assert NAME.fullmatch(both.header("x-request-id"))
    assert talking.post({"userId": "u", "action": "a"}, [("X-Request-Id", given)]).header("x-request-id") == given
    assert talking.post({"userId": ""}, [("X-Request-Id", given)]).header("x-request-id") == given
    assert talking.request("OPTIONS", "/api/v1/activities").header("x-request-id")


def test_lines_of_access(talking):
    """Guards lines at level debug: method, route, status, time and name of each request, and nobody's id, query or body."""
    secrets = ["secret-user", "secret-action", "secret-text", "secret-value"]
    talking.post({"userId": secrets[0], "action": secrets[1], "metadata": {"t": secrets[2]}}, [("X-Request-Id", "post-1")])
    talking.get(f"/api/v1/users/{secrets[0]}/activities?action={secrets[1]}&metadata.t={secrets[3]}&userId=x", [("X-Request-Id", "get-1")])
    talking.get(f"/{secrets[3]}?{secrets[0]}", [("X-Request-Id", "get-2")])
    wanted = {"post-1": ("POST", "/api/v1/activities", 202), "get-1": ("GET", "/api/v1/users/{id}/activities", 400), "get-2": ("GET", "none", 404)}
    for name, (method, route, status) in wanted.items():
        line, = services.wire.wait_until(lambda name=name: about(talking, name), f"a line about {name}", 10)
        assert (line["method"], line["route"], line["status"], line["level"]) == (method, route, status, "debug") and line["ms"] >= 0
    for secret in secrets:
        assert secret not in talking.stderr


def test_without_debug_there_are_none(make_service):
    """Guards quiet: nothing is said of requests at the usual level, and a name is sent nevertheless."""
    service = make_service().start()
    assert service.get("/livez", [("X-Request-Id", "quiet-1")]).header("x-request-id") == "quiet-1"
    service.record({"userId": "u", "action": "a"})
    service.stop()
    assert "quiet-1" not in service.stderr and "request answered" not in service.stderr


@pytest.mark.parametrize("form", ["json", "text"])
def test_hostile_input_forges_nothing(make_service, tmp_path, form):
    """Guards the log against whatever a client sends, in both formats: lines stay lines, and nothing in them acts on a terminal."""
    keyed = keys.Keyed(make_service, tmp_path, "--log-level", "debug", "--log-format", form)
    service = keyed.service
    for number in range(3):
        keyed.ask("POST", services.COLLECTION, "all", {"id": f"h-{number}", "userId": "u", "action": "a", "metadata": {"t": HOSTILE}})
    raw = HOSTILE.encode()
    with service.connect() as connection:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: \xff\x1b[2J\xc2\x9b\r\nUser-Agent: " + raw.replace(b"\r\n", b" ") + b"\r\n\r\n")
        connection.read_answer()
    for target in ("/%0d%0a%1b%5b2J", "/api/v1/users/%0aforged%1b%5b2J", "/api/v1/activities?userId=%0aforged"):
        keyed.ask("GET", target, "all")
    with service.connect() as connection:
        connection.send(b"\x1b[2J / HTTP/1.1\r\n\r\n")
        connection.read_to_end()
    service.stop()
    data = service.stderr_path.read_bytes()
    text = data.decode("utf-8")  # strictly
    assert "forged" not in text
    for key in keyed.keys.values():
        assert key not in text
    for line in text.split("\n")[:-1]:
        terminal.expect_nothing_to_obey(line)
        if form == "json":
            assert set(json.loads(line)) >= {"time", "level", "message"}
        else:
            assert re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+Z (debug|info|warning|error) +\S", line), line


@pair.needs_local_log
def test_names_of_files_forge_nothing(make_service, tmp_path):
    """Guards what comes from the disk: a folder whose name would end a line, in both formats and in what stderr says of a failure."""
    folder = tmp_path / "a\n\u001b[2Jb\u009bc"
    folder.mkdir()
    for form in ("json", "text"):
        service = make_service("--log-format", form, "--data-dir", folder).start()
        service.record({"userId": "u", "action": "a"})
        second = services.run_program("serve", "--data-dir", folder, "--listen", "127.0.0.1:0", "--log-format", form)
        assert second.returncode == 1
        service.kill()
        service.launch()
        service.wait_ready()
        service.stop()
        for line in service.stderr.split("\n")[:-1]:
            terminal.expect_nothing_to_obey(line)
        terminal.expect_nothing_to_obey(second.stderr)
        assert second.stderr.count("\n") == 1, second.stderr


def test_a_terminal_gets_text_with_colours(tmp_path):
    """Guards the two ways to read it: text on a terminal, in colours unless somebody wants none; JSON elsewhere."""
    for extra, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with terminal.Terminal("serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data", "--shutdown-delay", "0ms", extra=extra) as shown:
            shown.read_until("ready on")
            shown.type("\x03")
            assert shown.wait() == 0
            assert ("\x1b[" in shown.text) == coloured
            terminal.expect_nothing_to_obey(shown.text)
            assert re.search(r"^\S+Z info +ready on http://127", terminal.COLOUR.sub("", shown.text), re.MULTILINE), shown.text
    with terminal.Terminal("serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data", "--log-format", "json") as shown:
        shown.read_until("ready on")
        assert shown.text.startswith('{"time":') and "\x1b[" not in shown.text
