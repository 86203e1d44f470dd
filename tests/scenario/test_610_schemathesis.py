"""schemathesis on the document as it is served: made-up requests of every operation, right ones and wrong ones, held to what the
document says of their answers. All of its checks but the one that nothing right is refused: metadata that is too deep, times
too far ahead, or cursors that nobody gave out are right by the document."""

import json
import os
import subprocess

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

# What a pair of log and store answers alike is shown by the other tests.
pytestmark = pair.needs(pair.LOCAL, "the requests are of one client at a time, and the same for every pair")


def run(location, service, *arguments, folder):
    """(exit code, end of what it says). The same requests in every run."""
    assert TOOL.is_file(), f"{TOOL} is not there; tools/setup test installs what the tests need"
    result = subprocess.run(
        [TOOL, "--config-file", CONFIGURATION, "run", location, "--url", service.url, "--exclude-checks", "positive_data_acceptance",
         "--seed", "1", "--generation-database", "none", "--max-redirects", "0", "--continue-on-failure", "--warnings", "off",
         "--no-color", *(word for path in openapi.ENDLESS for word in ("--exclude-path", path)), *map(str, arguments)],
        cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=SECONDS_MAX * services.PATIENCE, check=False)
    lines = [line[:300] for line in (result.stdout + result.stderr).splitlines()]
    return result.returncode, "\n".join(lines)[-SHOWN_CHARACTERS_MAX:]


def test_the_program_answers_as_the_document_says(fresh, tmp_path):
    """Guards every operation against answers that are not described, whatever is asked: no error of the server, no answer of
    another shape or type, nothing wrong accepted, no method beside those that are described."""
    served = tmp_path / "openapi.json"  # a file, since the tool leaves out the operation that it reads the document by
    served.write_bytes(fresh.get("/openapi.json").body)
    code, said = run(served, fresh, "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing", folder=tmp_path)
    assert code == 0 and "No issues found" in said, said
    operations = sum(member in item for path, item in openapi.DOCUMENT["paths"].items() if path not in openapi.ENDLESS
                     for member in ("get", "post", "delete"))
    assert f"Tested: {operations}" in said, said
    assert fresh.get("/health").json["status"] == "ok"


def test_what_was_recorded_can_be_read_until_it_is_erased(fresh, tmp_path):
    """Guards requests that follow each other: what a POST named is there for a GET, and what was erased is not."""
    document = json.loads(fresh.get("/openapi.json").body)
    post = document["paths"]["/api/v1/activities"]["post"]
    post["parameters"] = [parameter for parameter in post["parameters"] if openapi.resolve(parameter)["name"] != "dry_run"]
    recording = tmp_path / "openapi.json"  # a try names an id, too, but records nothing that could be found
    recording.write_text(json.dumps(document))
    code, said = run(recording, fresh, "--max-examples", EXAMPLES, "--phases", "stateful", "--mode", "positive", folder=tmp_path)
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
    code, said = run(changed, fresh, "--max-examples", 3, "--phases", "examples,fuzzing", folder=tmp_path)
    assert code == 1 and "FAILURES" in said, said
