"""Importing a file, with the real program: into a folder, through the server that runs on it, ended in the middle and begun again."""

import contextlib
import http.server
import json
import os
import random
import signal
import subprocess
import threading
from pathlib import Path

import pytest

import service as services
import test_080_real_data as real
import wire

LINES = 60_000


def line_of(number):
    """Every third brings an id; the others are told apart by their place alone, some of them are the same to the byte."""
    row = {"userId": f"user-{number % 97}", "action": f"action {number % 5}",
           "timestamp": f"2024-03-{1 + number % 28:02}T10:{number % 60:02}:00.000Z", "metadata": {"n": number // 4, "text": "ü ✓"}}
    if number % 3 == 0:
        row["id"] = f"own-{number}"
    return json.dumps(row, ensure_ascii=number % 2 == 0)


def content_of(rows):
    """What a row says besides its id, if that was made here."""
    return sorted(json.dumps([row["id"] if row["id"].startswith("own-") else None, row["userId"], row["action"], row["timestamp"],
                              row["metadata"]], sort_keys=True) for row in rows)


def oracle(lines):
    rows = [json.loads(line) for line in lines]
    return content_of([{"id": "", **row} for row in rows])


@pytest.fixture(scope="module")
def large():
    return [line_of(number) for number in range(LINES)]


@pytest.fixture
def source(large, tmp_path):
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(large), encoding="utf-8")
    return path


def run(*arguments, code=0, **options):
    result = services.run_program("import", *arguments, timeout=60, **options)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


def export(folder):
    result = services.run_program("export", folder)
    assert result.returncode == 0 and result.stderr == "", result
    return [json.loads(line) for line in result.stdout.splitlines()]


def start(*arguments):
    return subprocess.Popen([str(word) for word in (services.BINARY, "import", *arguments)], env=services.environment(),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, code):
    output, errors = process.communicate(timeout=60 * services.PATIENCE)
    assert process.returncode == code, (output, errors)
    assert not services.DEFECT_REPORT.search(errors), errors
    return errors


def errors_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_into_a_folder_and_again(source, large, tmp_path):
    """Guards the import without a server: every line is stored, and the same file once more doubles nothing."""
    data = tmp_path / "made" / "data"
    result = run(source, "--data-dir", data)
    assert result.stdout.startswith(f"{LINES} activities imported into the folder {data} in ") and "there before" not in result.stdout
    rows = export(data)
    assert content_of(rows) == oracle(large)
    assert {path.name for path in tmp_path.iterdir()} == {"made", "source.ndjson"}
    result = run(source, "--data-dir", data)
    assert f"; {LINES} of them were there before" in result.stdout
    assert export(data) == rows
    with services.running("--data-dir", data) as service:
        assert len(service.walk()) == LINES
    assert services.run_program("verify", data).returncode == 0


def test_through_the_server_that_runs_there(source, large, make_service):
    """Guards finding the server by the lock, and that it makes no difference to what is stored."""
    service = make_service().start()
    result = run(source, "--data-dir", service.data)
    assert result.stdout.startswith(f"{LINES} activities imported into the server http://127.0.0.1:{service.port} in ")
    run(source, "--server", f"{service.url}/")
    service.wait_settled()
    service.stop()
    rows = export(service.data)
    assert content_of(rows) == oracle(large)
    run(source, "--data-dir", service.data)
    assert export(service.data) == rows


@pytest.mark.parametrize("name", real.FILES)
def test_export_and_import_are_inverse(name, make_service, tmp_path):
    """Guards real activities: export, import into another folder and export again give the same bytes."""
    path = real.FOLDER / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    first, second, server = tmp_path / "first", tmp_path / "second", make_service().start()
    files = [tmp_path / f"{number}.ndjson" for number in range(3)]
    run(path, "--data-dir", first, "--state", tmp_path / "state", "--errors", tmp_path / "errors")
    services.run_program("export", first, "--output", files[0])
    run(files[0], "--data-dir", second)
    services.run_program("export", second, "--output", files[1])
    run(files[0], "--data-dir", server.data)
    server.wait_settled()
    server.stop()
    services.run_program("export", server.data, "--output", files[2])
    whole = files[0].read_bytes()
    assert whole.count(b"\n") == len(path.read_text(encoding="utf-8").splitlines())
    assert files[1].read_bytes() == whole and files[2].read_bytes() == whole
    assert not (tmp_path / "errors").exists() and not (tmp_path / "state").exists()


def test_standard_input(large, tmp_path):
    """Guards a stream: the same ids as from a file, without a state, also when it comes in drops."""
    text = "\r\n".join(large[:3000]) + "\r\n"
    (tmp_path / "same").write_text("\n".join(large[:3000]))
    run(tmp_path / "same", "--data-dir", tmp_path / "data")
    rows = export(tmp_path / "data")
    command = [services.BINARY, "import", "-", "--data-dir", tmp_path / "data"]
    process = subprocess.Popen(command, env=services.environment(), cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    raw = text.encode()
    for begin in range(0, len(raw), 50_001):
        process.stdin.write(raw[begin:begin + 50_001])
        process.stdin.flush()
    output, errors = process.communicate(timeout=60 * services.PATIENCE)
    assert process.returncode == 0 and errors == b"" and b"3000 of them were there before" in output, (output, errors)
    assert export(tmp_path / "data") == rows
    assert {path.name for path in tmp_path.iterdir()} == {"data", "same"}


BAD = {
    3: ('{"userId":"a"}', "/action"),
    5: ("not JSON", ""),
    9: ('{"userId":"a","action":"b","colour":"red"}', "/colour"),
    1500: ('{"userId":"a","action":"b","timestamp":"yesterday"}', "/timestamp"),
    2999: ('["userId"]', ""),
}


@pytest.mark.parametrize("with_server", [False, True])
def test_bad_lines_harm_nothing_else(with_server, make_service, tmp_path):
    """Guards the file of refused lines: number, reason and text of each, from whoever refused it; the others arrive."""
    lines = [line_of(number) for number in range(3000)]
    for number, (text, _) in BAD.items():
        lines[number - 1] = text
    lines[1] = " \t"
    lines.append(json.dumps({"userId": "late", "action": "x" * 300}))  # too long by a rule that only the target knows
    lines.append("{" + "x" * 40_000_000)
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(lines) + "\n")
    service = make_service()
    if with_server:
        service.start()
    result = run(path, "--data-dir", service.data, code=1)
    assert "7 lines were refused" in result.stderr and result.stdout.startswith("2994 activities imported")
    if with_server:
        service.wait_settled()
        service.stop()
    assert len(export(service.data)) == 2994
    found = errors_of(tmp_path / "source.ndjson.import-errors.ndjson")
    assert [entry["line"] for entry in found] == [*sorted(BAD), 3001, 3002]
    for entry in found[:-2]:
        text, pointer = BAD[entry["line"]]
        assert entry["text"] == text and entry["error"]["errors"][0]["pointer"] == pointer and entry["error"]["detail"]
    assert found[-2]["error"]["errors"][0]["pointer"] == "/action"
    assert len(found[-1]["text"]) == 1024 and "40000001" in found[-1]["error"]["detail"]
    assert not (tmp_path / "source.ndjson.import-state").exists()


def test_mended_lines_come_in_later(tmp_path):
    """Guards the way people work: mend what was refused, import the file again, and only that is new."""
    lines = [line_of(number) for number in range(1, 100)]
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join([*lines[:50], "broken", *lines[51:]]))
    run(path, "--data-dir", tmp_path / "data", code=1)
    assert len(export(tmp_path / "data")) == 98
    path.write_text("\n".join(lines))
    assert "98 of them were there before" in run(path, "--data-dir", tmp_path / "data").stdout
    assert content_of(export(tmp_path / "data")) == oracle(lines)
    assert [entry["line"] for entry in errors_of(tmp_path / "source.ndjson.import-errors.ndjson")] == [51]  # as it was


def expect_kept(path, text, words, *arguments, **options):
    """The import is refused before anything is touched."""
    result = run(*arguments, code=2, **options)
    assert words in result.stderr and result.stdout == "" and path.read_text() == text, result.stderr


def test_no_file_of_the_user_is_lost(tmp_path):
    """Guards what lies there against the two files that an import writes, by whatever name they come."""
    source, notes, data = tmp_path / "source.ndjson", tmp_path / "notes.txt", tmp_path / "data"
    text = line_of(1) + "\nbroken\n"
    source.write_text(text)
    notes.write_text("mine\n")
    (tmp_path / "link").symlink_to(source)
    for option in ("--errors", "--state"):
        for name in (source, tmp_path / "link", "source.ndjson"):
            expect_kept(source, text, "over the input", source, "--data-dir", data, option, name, folder=tmp_path)
    source.rename(tmp_path / "s.draft")
    expect_kept(tmp_path / "s.draft", text, "over the input", tmp_path / "s.draft", "--data-dir", data, "--state", tmp_path / "s")
    (tmp_path / "s.draft").rename(source)
    expect_kept(notes, "mine\n", "is there already", source, "--data-dir", data, "--errors", notes)
    expect_kept(notes, "mine\n", "the same file", source, "--data-dir", data, "--errors", tmp_path / "x", "--state", tmp_path / "x")
    assert not data.exists() and {path.name for path in tmp_path.iterdir()} == {"source.ndjson", "notes.txt", "link"}
    default = tmp_path / "source.ndjson.import-errors.ndjson"
    default.write_text("mine\n")
    expect_kept(default, "mine\n", "is not the file of refused lines", source, "--data-dir", data)


def test_an_older_file_of_refused_lines(tmp_path):
    """Guards it until a line is refused: then it is replaced if its name was nobody's choice."""
    older, source = tmp_path / "import-errors.ndjson", tmp_path / "source.ndjson"
    kept = '{"line":7,"error":{"detail":"older"},"text":"older"}\n' * 9
    older.write_text(kept)
    run("-", "--data-dir", tmp_path / "data", folder=tmp_path)  # standard input is empty
    assert older.read_text() == kept
    source.write_text("broken\n" + line_of(1))
    expect_kept(older, kept, "is there already", source, "--data-dir", tmp_path / "data", "--errors", older)
    older.rename(tmp_path / "source.ndjson.import-errors.ndjson")
    run(source, "--data-dir", tmp_path / "data", code=1)
    assert [(entry["line"], entry["text"]) for entry in errors_of(tmp_path / "source.ndjson.import-errors.ndjson")] == [(1, "broken")]


@contextlib.contextmanager
def scripted(answer):
    """A server that answers what `answer(number of the request, activities)` says: code, headers, document."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # the name that http.server wants
            rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                requests.append(rows)
                code, headers, document = answer(len(requests), rows)
            body = json.dumps(document).encode()
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    requests, lock = [], threading.Lock()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def accept(rows):
    return 202, {}, {"status": "success", "results": [{"index": index, "id": row["id"]} for index, row in enumerate(rows)]}


@pytest.mark.parametrize("code", [429, 503, 507])
def test_a_server_that_is_busy_is_asked_again(code, tmp_path):
    """Guards patience: what was not taken is sent again, with the same ids, and the person is told when it lasts."""
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(line_of(number) for number in range(10)))
    with scripted(lambda number, rows: accept(rows) if number > 3 else (code, {"Retry-After": "0"}, {"detail": "not now"})) as (url, requests):
        result = run(path, "--server", url)
    assert len(requests) == 4 and all(rows == requests[0] for rows in requests) and all(row["id"] for row in requests[0])
    assert f"the server answers {code}: not now; trying again" in result.stderr and "10 activities imported" in result.stdout


def test_patience_has_an_end(tmp_path):
    """Guards against waiting for ever: exit code 1, what the server said, and what is left to do."""
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(line_of(number) for number in range(10)))
    with scripted(lambda number, rows: (507, {"Retry-After": "1"}, {"detail": "full"})) as (url, requests):
        result = run(path, "--server", url, "--give-up-after", 1, code=1)
    assert len(requests) == 2, "one more when patience ends"
    assert "the server answers 507: full" in result.stderr and "nothing was imported" in result.stderr
    with scripted(lambda number, rows: (401, {}, {"detail": "who are you"})) as (url, requests):
        result = run(path, "--server", url, code=1)
    assert len(requests) == 1
    assert "the server answers 401: who are you; name a file that holds a key by --key-file" in result.stderr


def test_arrays_become_as_small_as_the_server_wants(tmp_path):
    """Guards a server with other limits: arrays are cut until they fit, and a line that never fits is refused alone."""
    def answer(_, rows):
        if len(rows) > 100 or any(row["userId"] == "user-7" and "id" in row and row["id"] == "own-2043" for row in rows):
            return 413, {}, {"detail": "too large"}
        return accept(rows)

    path = tmp_path / "source.ndjson"
    lines = [line_of(number) for number in range(2000)]
    lines[1234] = json.dumps({"id": "own-2043", "userId": "user-7", "action": "a"})
    path.write_text("\n".join(lines))
    with scripted(answer) as (url, requests):
        run(path, "--server", url, code=1)
    taken = [row["id"] for rows in requests if answer(0, rows)[0] == 202 for row in rows]
    assert len(taken) == len(set(taken)) == 1999 and "own-2043" not in taken
    assert len(requests) < 200  # one line that is refused does not send all the others one by one
    assert [(entry["line"], entry["error"]["detail"]) for entry in errors_of(tmp_path / "source.ndjson.import-errors.ndjson")] == \
        [(1235, "too large")]


def test_the_small_limits_of_a_real_server(large, make_service, tmp_path):
    """Guards the same with this program's own words about arrays that are too long."""
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(large[:5000]))
    service = make_service("--batch-activities", 70).start()
    run(path, "--data-dir", service.data)
    service.wait_settled()
    service.stop()
    assert content_of(export(service.data)) == oracle(large[:5000])


@pytest.fixture(scope="module")
def slow_lines():
    """So many that no machine imports them before a signal comes."""
    padding = "p" * 600
    return [json.dumps({"userId": f"user-{number % 97}", "action": "a", "timestamp": "2024-01-15T10:00:00.000Z",
                        "metadata": {"n": number, "padding": padding}}) for number in range(150_000)]


def numbers_of(rows):
    return sorted(row["metadata"]["n"] for row in rows)


def accepted(service):
    return service.get("/health").json["requests"]["accepted"]


def wait_for_some(process, service, count):
    """Until the server has accepted so many more, or the import is through."""
    goal = accepted(service) + count
    wire.wait_until(lambda: process.poll() is not None or accepted(service) >= goal, "some activities", 30 * services.PATIENCE, 0.001)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_import_that_was_ended_goes_on(number, slow_lines, make_service, tmp_path):
    """Guards exactly once over the end of the program at any moment, clean or not."""
    chance = random.Random(380)
    service = make_service().start()
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(slow_lines))
    codes = []
    while len(codes) < 3 and 0 not in codes:
        process = start(path, "--data-dir", service.data)
        # A server that is busy tells late how far it is: the first signal is sent early, or the import may be through.
        wait_for_some(process, service, 1 + chance.randrange(20_000 if codes else 500))
        process.send_signal(number)
        output, errors = process.communicate(timeout=60 * services.PATIENCE)
        codes.append(process.returncode)
        if number != signal.SIGKILL and codes[-1] != 0:
            assert codes[-1] == 1 and output == "" and "the same command goes on there" in errors
    assert codes[0] == (-signal.SIGKILL if number == signal.SIGKILL else 1)
    result = run(path, "--data-dir", service.data)
    assert number == signal.SIGKILL or 0 in codes or "going on behind line" in result.stderr
    service.wait_settled()
    service.stop()
    assert numbers_of(export(service.data)) == list(range(len(slow_lines)))
    assert not (tmp_path / "source.ndjson.import-state").exists()


def waits_for_signals(process):
    """It has blocked them to take them in its own time; before that SIGINT ends it as any program."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("SigBlk:"):
                return bool(int(line.split()[1], 16) & 1 << (signal.SIGINT - 1))
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_import_into_a_folder_that_was_ended_goes_on(number, slow_lines, tmp_path):
    """Guards the same without a server: log and store are whole after either end."""
    data, path = tmp_path / "data", tmp_path / "source.ndjson"
    path.write_text("\n".join(slow_lines))
    for _ in range(3):
        process = start(path, "--data-dir", data)
        wire.wait_until(lambda: process.poll() is not None or (data / "store").exists() and waits_for_signals(process),
                        "a folder", 30 * services.PATIENCE, 0.001)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        process.send_signal(number)
        process.communicate(timeout=60 * services.PATIENCE)
        assert process.returncode in ((1, 0) if number == signal.SIGINT else (-signal.SIGKILL, 0))
    run(path, "--data-dir", data)
    assert numbers_of(export(data)) == list(range(len(slow_lines)))
    assert services.run_program("verify", data).returncode == 0


def test_a_server_that_goes_away(slow_lines, make_service, tmp_path):
    """Guards the words when the other side dies, and that the import goes on there, in the folder itself, too."""
    service = make_service().start()
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(slow_lines))
    process = start(path, "--data-dir", service.data, "--give-up-after", 1)
    wait_for_some(process, service, 3000)
    service.kill()
    errors = finish(process, 1)
    assert "does not answer: " in errors and ("the same command goes on there" in errors or "nothing was imported" in errors)
    run(path, "--data-dir", service.data)
    assert numbers_of(export(service.data)) == list(range(len(slow_lines)))


def test_a_server_that_comes_back(slow_lines, make_service, tmp_path):
    """Guards a restart in the middle: the import waits for it and nothing is lost or doubled."""
    port = services.free_port()
    service = make_service("--listen", f"127.0.0.1:{port}").start()
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(slow_lines))
    process = start(path, "--server", f"http://127.0.0.1:{port}")
    wait_for_some(process, service, 3000)
    service.kill()
    service.start()
    finish(process, 0)
    service.wait_settled()
    service.stop()
    assert numbers_of(export(service.data)) == list(range(len(slow_lines)))


def stopped_in_the_middle(tmp_path, lines):
    """A file and the state of its import, of which a part is through. Its last arrays fail: which of those under way at a time is
    answered first is nobody's to say, but all before them are through."""
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(lines))
    with scripted(lambda _, rows: (500, {}, {"detail": "no"}) if has(rows, "own-19998") else accept(rows)) as (url, _):
        result = run(path, "--server", url, code=1)
    assert (tmp_path / "source.ndjson.import-state").exists() and "the same command goes on there" in result.stderr, result
    return path, url


def test_a_state_is_for_its_file_and_place_only(large, tmp_path):
    """Guards against skipping what was never sent: another destination, a changed file or a damaged state end with words."""
    path, url = stopped_in_the_middle(tmp_path, large[:20_000])
    state = tmp_path / "source.ndjson.import-state"
    kept, whole = state.read_bytes(), path.read_bytes()
    result = run(path, "--data-dir", tmp_path / "other", code=1)
    assert f"it is of an import into server {url}; remove it" in result.stderr
    path.write_bytes(b" " + whole[1:])
    assert "it is of another file" in run(path, "--server", url, code=1).stderr
    path.write_bytes(whole[:100])
    assert "it is of another file" in run(path, "--server", url, code=1).stderr
    path.write_bytes(whole)
    state.write_bytes(kept[:50] + bytes([kept[50] ^ 1]) + kept[51:])
    assert "it is no state of an import" in run(path, "--server", url, code=1).stderr
    state.write_bytes(kept)
    assert "going on behind line" in run(path, "--server", url, code=1).stderr
    assert not export_exists(tmp_path / "other")


def export_exists(folder):
    return services.run_program("query", folder, "--count").stdout not in ("", "0\n")


def has(rows, name):
    return any(row["id"] == name for row in rows)


def test_a_state_is_for_its_key_only(large, tmp_path):
    """Guards against lines that come twice: an import that goes on makes ids as it began, whatever key is named later."""
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(large[:20_000]))
    acknowledged = []

    def answer(_, rows):
        if not resumed and has(rows, "own-19998"):
            return 500, {}, {"detail": "no"}
        acknowledged.extend(row["id"] for row in rows)
        return accept(rows)

    resumed = False
    with scripted(answer) as (url, requests):
        run(path, "--server", url, "--key", "one", code=1)
        count = len(requests)
        result = run(path, "--server", url, "--key", "two", code=1)
        assert "another --key" in result.stderr and len(requests) == count
        resumed = True
        run(path, "--server", url)  # the key is in the state
        first, acknowledged[:] = set(acknowledged), []
        run(path, "--server", url, "--key", "one")
    assert len(first) == 20_000 and set(acknowledged) == first


def test_refused_lines_of_an_import_that_goes_on(large, tmp_path):
    """Guards their file: whole when it was taken away or cut meanwhile, and another file is not taken for it."""
    path, errors = tmp_path / "source.ndjson", tmp_path / "errors"
    path.write_text("\n".join(["broken", *large[:9_000], "broken, too"]))
    with scripted(lambda _, rows: (500, {}, {"detail": "no"}) if fails and has(rows, "own-8997") else accept(rows)) as (url, _):
        for left in ("", '{"line":1,"error":{}}\n'):
            errors.unlink(missing_ok=True)
            fails = True
            run(path, "--server", url, "--errors", errors, code=1)
            assert [entry["line"] for entry in errors_of(errors)] == [1]
            notes = tmp_path / "notes.txt"
            notes.write_text("mine\n" * 100)
            expect_kept(notes, "mine\n" * 100, "is not the file of refused lines", path, "--server", url, "--errors", notes)
            errors.write_text(left)
            fails = False
            assert "2 lines were refused" in run(path, "--server", url, "--errors", errors, code=1).stderr
            assert [entry["line"] for entry in errors_of(errors)] == ([1, 9002] if left else [9002])


def test_a_store_that_takes_nothing_ends_the_patience(large, tmp_path):
    """Guards the end of an import into a folder whose store is full: words and exit code 1 instead of waiting for ever, and what is
    in the log comes out of it where there is room."""
    (tmp_path / "conf").write_text("store = memory\nstore-memory-bytes = 1MiB\n")
    path = tmp_path / "source.ndjson"
    path.write_text("\n".join(large[:20_000]))
    command = [path, "--data-dir", tmp_path / "data", "--config", tmp_path / "conf", "--give-up-after", 1]
    result = run(*command, code=1)
    assert "not all is in the store yet, the rest is safe in the event log: " in result.stderr and result.stdout == ""
    assert "the store does not take what is in the event log already: " in run(*command, code=1).stderr
    with services.running("--data-dir", tmp_path / "data", "--store", "memory") as service:
        assert len(service.walk()) == 20_000


def ignore_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def test_ignored_signals_stay_ignored(large, tmp_path):
    """Guards nohup: whoever starts an import so that it outlives its terminal gets all of it."""
    with scripted(lambda number, rows: accept(rows)) as (url, requests):
        process = subprocess.Popen([services.BINARY, "import", "-", "--server", url], env=services.environment(), cwd=tmp_path,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=ignore_signals)
        process.stdin.write("\n".join(large[:10]).encode() + b"\n")
        process.stdin.flush()
        wire.wait_until(lambda: requests, "the first lines", 30 * services.PATIENCE, 0.001)
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
        output, errors = process.communicate("\n".join(large[10:20]).encode(), timeout=60 * services.PATIENCE)
    assert process.returncode == 0 and output.startswith(b"20 activities imported"), (output, errors)


def test_what_comes_once_has_no_state(tmp_path):
    """Guards exit code 2 for a pipe as input or as state, which cannot be gone back in."""
    pipe, path = tmp_path / "pipe", tmp_path / "source.ndjson"
    os.mkfifo(pipe)
    path.write_text(line_of(1))
    assert "no ordinary file" in run(path, "--data-dir", tmp_path / "data", "--state", pipe, code=2).stderr
    process = start(pipe, "--data-dir", tmp_path / "data", "--state", tmp_path / "state")
    with contextlib.suppress(BrokenPipeError):
        pipe.write_text(line_of(1))
    assert "--state needs a file as input" in finish(process, 2)
    assert not (tmp_path / "data").exists()


def test_quiet_says_nothing_but_what_is_wrong(tmp_path):
    """Guards scripts: no line when all is well, the refused ones otherwise."""
    path = tmp_path / "source.ndjson"
    path.write_text(line_of(1))
    result = run(path, "--data-dir", tmp_path / "data", "--quiet")
    assert result.stdout == "" and result.stderr == ""
    path.write_text("broken")
    result = run(path, "--data-dir", tmp_path / "data", "--quiet", "--errors", tmp_path / "errors", code=1)
    assert result.stdout == "" and result.stderr == f"usertrail: 1 line was refused; {tmp_path}/errors tells why\n"


def test_nothing_to_import(tmp_path):
    """Guards empty inputs."""
    path = tmp_path / "source.ndjson"
    path.write_text("")
    assert run(path, "--data-dir", tmp_path / "data").stdout.startswith("0 activities imported")
    path.write_text("\n \r\n")
    assert run(path, "--data-dir", tmp_path / "data").stdout.startswith("0 activities imported")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "source.ndjson"]


def test_a_terminal_shows_a_bar(source, tmp_path):
    """Guards the one line that is drawn over and over, and that nothing of it stays."""
    ours, theirs = os.openpty()
    process = subprocess.Popen([services.BINARY, "import", source, "--data-dir", tmp_path / "data"], env=services.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says EIO at the end of a terminal
        while chunk := os.read(ours, 65536):
            shown += chunk
    os.close(ours)
    process.communicate(timeout=60)
    assert process.returncode == 0 and shown.endswith(b"\r\x1b[K")
    for frame in shown.split(b"\r")[1:-1]:
        assert frame.startswith(b"[") and b"% " not in frame and frame.endswith(b"\x1b[K") and len(frame) < 90, frame


@pytest.mark.parametrize("arguments, words", [
    ([], "the file is missing"),
    (["FILE"], "say where to"),
    (["FILE", "--data-dir", "d", "--server", "http://127.0.0.1:1"], "not both"),
    (["FILE", "--server", "127.0.0.1:1"], "no address of a server"),
    (["FILE", "--url", "127.0.0.1:1"], "no address of a server"),
    (["FILE", "--url", "http://127.0.0.1:1", "--server", "http://127.0.0.1:1"], "the same"),
    (["FILE", "--url", "http://127.0.0.1:1", "--key-file", "k", "--api-key-file", "k"], "the same"),
    (["FILE", "--data-dir", "d", "--bogus"], "no option"),
    (["-", "--data-dir", "d", "--state", "s"], "--state"),
])
def test_wrong_arguments_are_refused(tmp_path, arguments, words):
    """Guards exit code 2 and the words with it."""
    path = tmp_path / "source.ndjson"
    path.write_text(line_of(1))
    result = run(*[path if argument == "FILE" else argument for argument in arguments], code=2, folder=tmp_path)
    assert words in result.stderr and result.stdout == ""
    assert [entry.name for entry in tmp_path.iterdir()] == ["source.ndjson"]


@pytest.mark.parametrize("text", ['[\n  {"userId":"a","action":"b"}\n]\n', '[{"userId":"a","action":"b"}]', ' [ {"userId":"a","action":"b"},\n'])
def test_an_array_is_not_taken_for_lines(tmp_path, text):
    """Guards against an import of the one line of an array that happens to be an activity: whoever has one is told what to do."""
    path = tmp_path / "array.json"
    path.write_text(text)
    result = run(path, "--data-dir", tmp_path / "data", code=1)
    assert "an array" in result.stderr and "jq -c" in result.stderr and result.stdout == ""
    assert [entry.name for entry in tmp_path.iterdir()] == ["array.json"]


def test_what_cannot_be_read_or_reached_is_told(tmp_path):
    """Guards exit code 1 and the words with it."""
    path = tmp_path / "source.ndjson"
    path.write_text(line_of(1))
    assert "No such file" in run(tmp_path / "absent", "--data-dir", tmp_path / "d", code=1).stderr
    assert "is a folder" in run(tmp_path, "--data-dir", tmp_path / "d", code=1).stderr
    address = f"http://127.0.0.1:{services.free_port()}"
    result = run(path, "--server", address, code=1)
    assert f"{address} does not answer: " in result.stderr and "nothing was imported" in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["source.ndjson"]


def test_settings_of_the_folder_count(tmp_path):
    """Guards that a folder without a server has the limits that its server would have."""
    (tmp_path / "conf").write_text("user-id-length = 3\n")
    path = tmp_path / "source.ndjson"
    path.write_text('{"userId":"abcd","action":"a"}\n{"userId":"abc","action":"a"}\n')
    run(path, "--data-dir", tmp_path / "data", "--config", tmp_path / "conf", code=1)
    assert [row["userId"] for row in export(tmp_path / "data")] == ["abc"]
    result = run(path, "--data-dir", tmp_path / "data", code=2, extra={"USERTRAIL_EVENT_LOG": "memory"})
    assert "--event-log local" in result.stderr
