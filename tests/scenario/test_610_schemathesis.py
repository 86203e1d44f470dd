"""schemathesis on the document as it is served: made-up requests of every operation, right ones and wrong ones, held to what the
document says of their answers. All of its checks but the one that nothing right is refused: metadata that is too deep, times
too far ahead, or cursors that nobody gave out are right by the document."""

import contextlib
import json
import os
import select
import socket
import subprocess
import threading

import pytest

import openapi
import pair
import service as services

TOOL = services.ROOT / "build/tools/schemathesis/bin/st"
CONFIGURATION = services.ROOT / "tests/scenario/schemathesis.toml"
HOOKS = services.ROOT / "tests/scenario/schemathesis_hooks.py"
EXAMPLES = 10 if services.SANITIZED else 40  # of each operation
SECONDS_MAX = 110
SHOWN_CHARACTERS_MAX = 6000
QUIET_SECONDS = 0.1  # after which somebody hangs up who has an answer without an end
METHODS = ("get", "post", "delete")
PHASES = "examples,coverage,fuzzing"
WITHOUT_END = [path for path in openapi.DOCUMENT["paths"] if path in openapi.ENDLESS]
WITH_END = [path for path in openapi.DOCUMENT["paths"] if path not in openapi.ENDLESS]

# What a pair of log and store answers alike is shown by the other tests.
pytestmark = pair.needs(pair.LOCAL, "the requests are of one client at a time, and the same for every pair")


def paths(option, chosen):
    return [word for path in chosen for word in (option, path)]


def run(location, url, *arguments, folder):
    """(exit code, end of what it says). The same requests in every run."""
    assert TOOL.is_file(), f"{TOOL} is not there; tools/setup test installs what the tests need"
    result = subprocess.run(
        [TOOL, "--config-file", CONFIGURATION, "run", location, "--url", url, "--exclude-checks", "positive_data_acceptance",
         "--seed", "1", "--generation-database", "none", "--max-redirects", "0", "--continue-on-failure", "--warnings", "off",
         "--no-color", *map(str, arguments)],
        cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=SECONDS_MAX * services.PATIENCE, check=False)
    lines = [line[:300] for line in (result.stdout + result.stderr).splitlines()]
    return result.returncode, "\n".join(lines)[-SHOWN_CHARACTERS_MAX:]


def operations(chosen):
    return sum(method in openapi.DOCUMENT["paths"][path] for path in chosen for method in METHODS)


class HangingUp:
    """Passes bytes between clients and a service, as they are. An answer that has no end gets one where nothing came for a while:
    the tool looks at whole answers only. What it then sees is what came, on a connection that it must not use again."""

    def __init__(self, service):
        self.target = ("127.0.0.1", service.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.hung_up = 0

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):  # the end
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client):
        with contextlib.suppress(OSError), client, socket.create_connection(self.target) as server:
            answer = b""
            while True:
                endless = b"content-type: text/event-stream" in answer.lower()
                ready, _, _ = select.select([client, server], [], [], QUIET_SECONDS if endless else None)
                if not ready:
                    client.sendall(b"0\r\n\r\n")  # between two chunks, as the service sends whole ones
                    self.hung_up += 1
                    return
                for one, other in ((client, server), (server, client)):
                    if one in ready:
                        if not (data := one.recv(65536)):
                            return
                        other.sendall(data)
                        answer = answer + data if one is server else b""


def test_the_program_answers_as_the_document_says(fresh, tmp_path):
    """Guards every operation against answers that are not described, whatever is asked: no error of the server, no answer of
    another shape or type, nothing wrong accepted, no method beside those that are described."""
    served = tmp_path / "openapi.json"  # a file, since the tool leaves out the operation that it reads the document by
    served.write_bytes(fresh.get("/openapi.json").body)
    code, said = run(served, fresh.url, "--max-examples", EXAMPLES, "--phases", PHASES, *paths("--include-path", WITH_END),
                     folder=tmp_path)
    assert code == 0 and "No issues found" in said and f"Tested: {operations(WITH_END)}" in said, said
    assert fresh.get("/health").json["status"] == "ok"


def test_answers_without_an_end_are_as_the_document_says(fresh, tmp_path):
    """Guards the live tail in the same way, with activities to be shown."""
    fresh.wait_stored(fresh.record([{"userId": f"user-{n}", "action": "act"} for n in range(50)])["results"][-1]["id"])
    served = tmp_path / "openapi.json"
    served.write_bytes(fresh.get("/openapi.json").body)
    with HangingUp(fresh) as relay:
        code, said = run(served, relay.url, "--max-examples", EXAMPLES, "--phases", PHASES, *paths("--include-path", WITHOUT_END),
                         folder=tmp_path)
    assert code == 0 and "No issues found" in said and f"Tested: {operations(WITHOUT_END)}" in said, said
    assert relay.hung_up >= EXAMPLES / 2, "hardly any stream was opened"
    assert fresh.get("/health").json["status"] == "ok"


def test_what_was_recorded_can_be_read_until_it_is_erased(fresh, tmp_path):
    """Guards requests that follow each other: what a POST named is there for a GET, and what was erased is not."""
    document = json.loads(fresh.get("/openapi.json").body)
    post = document["paths"]["/api/v1/activities"]["post"]
    post["parameters"] = [parameter for parameter in post["parameters"] if openapi.resolve(parameter)["name"] != "dry_run"]
    recording = tmp_path / "openapi.json"  # a try names an id, too, but records nothing that could be found
    recording.write_text(json.dumps(document))
    code, said = run(recording, fresh.url, *paths("--include-path", WITH_END), "--max-examples", EXAMPLES, "--phases", "stateful", "--mode", "positive", folder=tmp_path)
    assert code == 0 and "No issues found" in said and "API Links:" in said, said
    assert fresh.get("/health").json["status"] == "ok"


@pytest.mark.parametrize("path, lie", [
    ("/livez", {"200": {"description": "x", "content": {"application/json": {"schema": {"type": "array"}}}}}),
    ("/livez", {"200": {"description": "x", "content": {"text/plain": {"schema": {"type": "string"}}}}}),
    ("/api/v1/stats", {"200": {"description": "x"}}),
])
def test_a_document_that_lies_is_found(fresh, tmp_path, path, lie):
    """Guards the test above: it can fail. The document describes an answer that the program does not give."""
    document = json.loads(json.dumps(openapi.DOCUMENT))
    document["paths"] = {path: document["paths"][path]}
    document["paths"][path]["get"]["responses"] = lie
    changed = tmp_path / "openapi.json"
    changed.write_text(json.dumps(document))
    code, said = run(changed, fresh.url, "--max-examples", 3, "--phases", "examples,fuzzing", folder=tmp_path)
    assert code == 1 and "FAILURES" in said, said
