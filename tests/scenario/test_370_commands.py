"""The commands that look into a folder without a server: verify, query and export, with the real program."""

import csv
import io
import json
import random
import re
import subprocess

import pytest

import service as services
import terminal

TRICKY = ["plain", "with,comma", 'with"quotes"', "ünïcode ✓", " spaces ", "=1+1", "'", "a;b"]


def activities(first, count):
    return [{"userId": TRICKY[number % len(TRICKY)], "action": f"action {number % 3}", "id": f"c-{number:05}",
             "timestamp": f"2024-02-{1 + number * 5 % 27:02}T10:{number % 60:02}:00.{number % 1000:03}Z",
             "metadata": {"n": number, "text": 'a "quoted", text', "nested": {"list": [1, 2.50, None]}}}
            for number in range(first, first + count)]


def run(*arguments, code=0):
    result = services.run_program(*arguments)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def stopped():
    """A folder with two parts whose server ended cleanly, and what that server answered."""
    with services.running() as service:
        for first in (0, 1500):
            service.record(activities(first, 1500))
            service.restart()
        service.rows = service.walk("&order=asc")
        service.some = service.walk("&userId=plain&userId=%20spaces%20&action=action%201&from=2024-02-05T00:00:00Z&to=2024-02-20T12:30:00%2B02:00")
        service.stop()
        yield service


def parts_of(folder):
    return sorted((folder / "store").glob("*.part"))


FILTER = ["--user", "plain", "--user= spaces ", "--action", "action 1", "--from", "2024-02-05T00:00:00Z",
          "--to=2024-02-20T12:30:00+02:00"]

CHAIN = re.compile("chain: 2 records, 2 seals over 3000 activities; hash [0-9a-f]{64}: ok")


def test_verify_says_what_is_there(stopped):
    """Guards the line for each part: number, activities, bytes, times; the one of the chain; and that looking changes nothing."""
    before = files_of(stopped.data)
    lines = run("verify", stopped.data).stdout.splitlines()
    parts = parts_of(stopped.data)
    assert len(parts) == 2 and len(lines) == 5
    for line, part in zip(lines, parts):
        assert line.startswith(f"part {int(part.name[:16], 16)}: 1500 activities, {part.stat().st_size} bytes, 2024-02-01T")
        assert line.endswith(": ok")
    assert CHAIN.fullmatch(lines[2])
    assert lines[3] == "event log: 0 activities in 1 segment, 64 bytes: ok"
    assert lines[4].startswith("2 parts, 3000 activities, ") and lines[4].endswith("as it was written")
    run("query", stopped.data)
    run("export", stopped.data)
    assert files_of(stopped.data) == before


def test_query_answers_what_get_said(stopped):
    """Guards that both ways to ask find the same rows in the same order, filters, limits and counts included."""
    assert len(stopped.some) > 50
    query = run("query", stopped.data, *FILTER, "--limit", 1000000)
    assert rows_of(query.stdout) == stopped.some and query.stderr == ""
    assert rows_of(run("query", stopped.data, "--limit=1234").stdout) == stopped.rows[::-1][:1234]
    assert rows_of(run("query", "--order", "asc", stopped.data).stdout) == stopped.rows[:10]
    assert run("query", "--count", *FILTER, stopped.data).stdout == f"{len(stopped.some)}\n"
    assert run("query", stopped.data, "--count").stdout == "3000\n"
    assert run("query", stopped.data, "--user", "nobody").stdout == ""
    assert run("query", stopped.data, "--user", "nobody", "--count").stdout == "0\n"


def test_export_writes_all(stopped, tmp_path):
    """Guards exports: every row once, oldest first, on standard output and in a file that appears when it is complete."""
    assert rows_of(run("export", stopped.data).stdout) == stopped.rows
    assert rows_of(run("export", stopped.data, *FILTER).stdout) == stopped.some[::-1]
    target = tmp_path / "all.ndjson"
    target.write_text("from before")
    result = run("export", stopped.data, "--output", target)
    assert result.stdout == "" and "3000 activities" in result.stderr
    assert rows_of(target.read_text()) == stopped.rows and list(tmp_path.iterdir()) == [target]


def test_csv_is_what_others_read(stopped):
    """Guards RFC 4180: quotes, commas and characters outside of ASCII come back as they were, but for what a spreadsheet would
    take for a formula."""
    result = subprocess.run([services.BINARY, "export", stopped.data, "--format", "csv"], env=services.environment(), timeout=60,
                            capture_output=True, check=True)
    lines = list(csv.reader(io.StringIO(result.stdout.decode(), newline=""), strict=True))
    assert lines[0] == ["id", "userId", "action", "timestamp", "metadata"]
    wanted = [{name: "'" + text if name != "metadata" and text[0] in "=+-@" else text for name, text in row.items()}
              for row in stopped.rows]
    assert [{**dict(zip(lines[0], line)), "metadata": json.loads(line[4])} for line in lines[1:]] == wanted != stopped.rows
    assert result.stdout.count(b"\r\n") == 3001 == result.stdout.count(b"\n")


def test_an_export_that_fails_leaves_no_file(stopped, tmp_path):
    """Guards what stood there before: a file is replaced by a whole export or not at all, and nothing but a file is."""
    (tmp_path / "folder").mkdir()
    assert "no ordinary file" in run("export", stopped.data, "--output", tmp_path / "folder", code=1).stderr
    assert "no ordinary file" in run("export", stopped.data, "--output", "/dev/null", code=1).stderr
    run("export", stopped.data, "--output", tmp_path / "absent" / "file", code=1)
    with open("/dev/full", "wb") as full:
        result = subprocess.run([services.BINARY, "export", stopped.data], env=services.environment(), timeout=60, stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1 and "No space left" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.fixture
def copy(stopped, tmp_path):
    """Calls whoever asks for it with a fresh copy of the folder."""
    for path, content in files_of(stopped.data).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def test_flipped_bits_are_found_wherever_they_are(copy):
    """Guards every byte of a part: whichever changes, verify ends with 1, names that part, and goes on to the other."""
    chance = random.Random(370)
    for turn in range(60):
        index = turn % 2
        part = parts_of(copy)[index]
        whole = part.read_bytes()
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        part.write_bytes(damaged)
        lines = run("verify", copy, code=1).stdout.splitlines()
        part.write_bytes(whole)
        assert len(lines) >= 5
        for line in lines[:-2]:
            mine = line.startswith(f"part {int(part.name[:16], 16)}: ")
            assert line.endswith(": ok") != mine, lines
        assert "problem" in lines[-1]
    run("verify", copy)


def test_all_that_is_wrong_is_listed(copy):
    """Guards against stopping at the first: a part that is missing and one that is cut are both named."""
    first, second = parts_of(copy)
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    result = run("verify", copy, code=1)
    lines = result.stdout.splitlines()
    assert len(lines) == 5 and first.name in lines[0] and "too short" not in lines[0]
    assert lines[1].startswith(f"part {int(second.name[:16], 16)}: ") and not lines[1].endswith("ok")
    assert CHAIN.fullmatch(lines[2]) and ": 2 problems; " in lines[4]
    for command in ("query", "export"):
        result = run(command, copy, code=1)
        assert result.stdout == "" and first.name in result.stderr and "usertrail verify" in result.stderr


def test_the_event_log_is_verified_too(make_service):
    """Guards what only the log holds: a flipped bit of an activity that was acknowledged is found, a torn end is none."""
    service = make_service("--log-segment-bytes", "64KiB", "--log-bytes", "1MiB").start()
    for first in range(0, 1500, 50):
        service.record(activities(first, 50))
    service.kill()
    before = files_of(service.data)
    lines = run("verify", service.data).stdout.splitlines()
    assert lines[-2].startswith("event log: ") and lines[-2].endswith(": ok") and "segments" in lines[-2]
    assert files_of(service.data) == before
    segments = service.segments()
    whole = segments[0].read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 1
    segments[0].write_bytes(damaged)
    lines = run("verify", service.data, code=1).stdout.splitlines()
    ordinal = int(segments[0].name.split(".")[0])
    assert any(line.startswith(f"event log: segment {ordinal}: the bytes ") and line.endswith("damaged") for line in lines), lines
    assert "problem" in lines[-1]
    segments[0].write_bytes(whole)
    segments[1].rename(service.home / "away")
    lines = run("verify", service.data, code=1).stdout.splitlines()
    assert f"event log: segments {ordinal + 1} to {ordinal + 1} are missing" in lines
    (service.home / "away").rename(segments[1])
    log_id = service.data / "log" / "log-id"
    whole = log_id.read_bytes()
    log_id.write_bytes(b"x" + whole[1:])
    assert "event log: " in run("verify", service.data, code=1).stdout
    log_id.write_bytes(whole)
    service.start()
    service.stop()
    assert run("verify", service.data).stdout.splitlines()[-1].startswith("1 part, 1500 activities")


def test_half_an_answer_is_told(copy):
    """Guards against taking a part of the rows for all of them: damage behind the first rows ends with 1, and verify is named."""
    part = parts_of(copy)[0]
    damaged = bytearray(part.read_bytes())
    damaged[len(damaged) // 3] ^= 1
    part.write_bytes(damaged)
    result = run("export", copy, "--output", copy / "all", code=1)
    assert "damaged" in result.stderr and "usertrail verify" in result.stderr
    assert not (copy / "all").exists() and not (copy / "all.part").exists()


@pytest.mark.parametrize("command", ["verify", "query", "export"])
def test_what_is_no_store_is_told(copy, command, tmp_path):
    """Guards the words for a folder that is not what somebody thought it was."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert "there is no such folder" in run(command, tmp_path / "absent", code=1).stderr
    assert "no folder" in run(command, tmp_path / "file", code=1).stderr
    assert "no store" in run(command, tmp_path / "empty", code=1).stderr
    assert list((tmp_path / "empty").iterdir()) == []
    manifest = copy / "store" / "manifest"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
    assert "manifest" in run(command, copy, code=1).stderr
    manifest.write_bytes(whole[:9] + b"\1" + whole[10:])
    assert "newer version" in run(command, copy, code=1).stderr


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


@pytest.mark.parametrize("number", [3, 17])
def test_a_log_of_a_newer_version(number, make_service):
    """Guards what a newer version acknowledged: an older one says so and touches nothing, instead of taking it for damage."""
    service = make_service().start()
    service.post({"userId": "u", "action": "a"})
    service.kill()
    log_id = service.data / "log" / "log-id"
    checked = log_id.read_bytes().replace(b"-log 1 ", b"-log %d " % number)[:-9]
    log_id.write_bytes(checked + b"%08x\n" % crc32c(checked))
    before = {path.name: path.read_bytes() for path in (service.data / "log").iterdir() if path.name != "lock"}
    for command in ("serve", "verify"):
        words = ("--data-dir", service.data, "--listen", "127.0.0.1:0") if command == "serve" else (service.data,)
        result = run(command, *words, code=1)
        assert f"newer version of this program (format {number}, this one knows 2)" in result.stderr + result.stdout
    assert before == {path.name: path.read_bytes() for path in (service.data / "log").iterdir() if path.name != "lock"}
    log_id.write_bytes(checked + b"%08x\n" % (crc32c(checked) ^ 1))
    assert "is damaged" in run("verify", service.data, code=1).stdout


@pytest.mark.parametrize("arguments, words", [
    (["verify"], "folder is missing"),
    (["query"], "folder is missing"),
    (["export", "--format", "csv"], "folder is missing"),
    (["verify", "DIR", "DIR"], "one folder"),
    (["verify", "DIR", "--user", "a"], "no option"),
    (["query", "DIR", "--usr", "a"], '"--usr"'),
    (["query", "DIR", "-n", "3"], "begin with --"),
    (["query", "DIR", "--user"], "needs a value"),
    (["query", "DIR", "--user", ""], "--user"),
    (["query", "DIR", "--user", b"\xff"], "UTF-8"),
    (["query", "DIR", *["--action=a%d" % number for number in range(65)]], "at most 64 times"),
    (["query", "DIR", "--from", "yesterday"], "RFC 3339"),
    (["query", "DIR", "--to", "2024-01-15"], "--to"),
    (["query", "DIR", "--limit", "0"], "--limit"),
    (["query", "DIR", "--limit", "-1"], "--limit"),
    (["query", "DIR", "--limit", "1", "--limit", "2"], "once only"),
    (["query", "DIR", "--order", "up"], "--order"),
    (["query", "DIR", "--count=yes"], "takes no value"),
    (["query", "DIR", "--count", "--limit", "3"], "--limit"),
    (["export", "DIR", "--limit", "3"], "no option"),
    (["export", "DIR", "--format", "xml"], "ndjson or csv"),
    (["export", "DIR", "--output="], "--output"),
])
def test_wrong_arguments_are_refused(stopped, arguments, words):
    """Guards the exit code that scripts see, and that a slip of the pen is not answered with other rows."""
    given = [stopped.data if argument == "DIR" else argument for argument in arguments]
    result = subprocess.run([services.BINARY, *given], env=services.environment(), timeout=20, capture_output=True, check=False)
    assert result.returncode == 2 and result.stdout == b"" and words in result.stderr.decode(), result
    assert f"`usertrail {arguments[0]} --help`" in result.stderr.decode()


def test_an_export_shows_how_far_it_is(stopped, tmp_path):
    """Guards the line for whoever waits at a terminal, from a folder and from a server, that nothing of it stays, and that there is
    none elsewhere."""
    file = tmp_path / "all.ndjson"

    def exported(*source):
        shown = terminal.show("export", *source, "--output", file)
        *lines, last = shown.split("\r")
        assert last == f"\x1b[K3000 activities written to {file}\n" and len(file.read_text().splitlines()) == 3000
        assert lines[1:] and all(re.fullmatch(r"\d+ MB, \d+ activities, \d+/s\x1b\[K", line) for line in lines[1:]), shown

    exported(stopped.data)
    result = run("export", stopped.data, "--output", file)
    assert result.stderr == f"3000 activities written to {file}\n" and result.stdout == ""
    assert "MB" not in terminal.show("export", stopped.data, "--limit", "1", code=2)
    stopped.start()
    exported("--url", stopped.url)
    stopped.stop()


def test_help_names_the_options_that_there_are():
    """Guards the help of each command: an option that it takes is in there, and one that is in there is taken."""
    named = {}
    for command in ("query", "stats", "export", "verify"):
        text = run(command, "--help").stdout
        named[command] = set(re.findall(r"^  --([a-z-]+)", text, re.MULTILINE))
        assert named[command] and "[options]" in text, text
    for command, options in named.items():
        for option in set.union(*named.values()):
            refused = "no option" in run(command, f"--{option}=x", code=2).stderr
            assert refused == (option not in options), f"{command} --{option}"


def test_what_waits_in_the_log_is_told(make_service):
    """Guards against taking the store for everything: what is only in the log, of a server that runs or was killed, is counted."""
    service = make_service().start()
    service.record(activities(0, 500))
    service.restart()
    service.record(activities(500, 70))
    service.wait_settled()
    for end in (lambda: None, service.kill):
        end()
        result = run("query", service.data, "--count")
        assert result.stdout == "500\n" and "70 activities wait in the event log" in result.stderr
    service.start()
    service.stop()
    result = run("query", service.data, "--count")
    assert result.stdout == "570\n" and result.stderr == ""


def test_beside_a_server_that_merges(make_service, tmp_path):
    """Guards looking into a folder that a server writes to: nothing fails, and no row comes twice."""
    service = make_service("--log-bytes", "2MiB", "--log-segment-bytes", "256KiB").start()
    process = services.start_load(service, tmp_path / "ledger", "--connections", 8, "--seconds", 4 * services.PATIENCE)
    counts = []
    while process.poll() is None:
        rows = rows_of(run("export", service.data).stdout)
        assert len({row["id"] for row in rows}) == len(rows)
        counts.append(len(rows))
        assert run("verify", service.data).stdout.splitlines()[-1].endswith("as it was written")
    services.finish_load(process)
    assert counts == sorted(counts) and counts[-1] > 0
    service.stop()
