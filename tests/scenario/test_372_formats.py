"""How commands show what they found: tables that fit a terminal, documents for programs, and nothing of what users stored that a
terminal would obey."""

import csv
import io
import json
import signal
import subprocess

import pytest

import pair
import service as services
import terminal

pytestmark = pair.needs(pair.LOCAL, "how rows are shown does not depend on where they are")

# What must reach no terminal as it is: an escape sequence, a title, C1, DEL, a turned direction, a line that would be another one.
HOSTILE = "\u001b[2J\u001b]0;owned\u0007\u009b31m\u007f\u202egnp.exe\u2028forged\r\n"
ROWS = [
    {"id": "f-1", "userId": "user-101", "action": "login", "timestamp": "2026-01-14T23:58:05.442Z", "metadata": {"ip": "192.168.1.1"}},
    {"id": "f-2", "userId": "中文用户中文用户中文用户", "action": "open a document with a very long name of an action",
     "timestamp": "2026-01-14T23:59:05.442Z", "metadata": {"text": HOSTILE, "plan": HOSTILE}},
    {"id": "f-3", "userId": "e\u0301" * 30, "action": "\u202eevil", "timestamp": "2026-01-15T00:00:05.000Z", "metadata": {"plan": "x" * 500}},
]


@pytest.fixture(scope="module")
def folder():
    with services.running() as service:
        service.record(ROWS)
        service.wait_count(3)
        service.stop()
        yield service


@pytest.fixture(scope="module")
def server():
    with services.running() as service:
        service.record(ROWS)
        service.wait_count(3)
        yield service


def run(*arguments, code=0, extra=None):
    result = services.run_program(*arguments, extra=extra)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


def where(folder, server, way):
    return [folder.data] if way == "folder" else ["--url", server.url]


WAYS = pytest.mark.parametrize("way", ["folder", "server"])


@WAYS
def test_documents_for_programs(folder, server, way):
    """Guards what scripts read, of a folder and of a server alike: rows to the letter in each format, and no colour in a pipe."""
    source = where(folder, server, way)
    newest = ROWS[::-1]
    for arguments in ([], ["--format", "ndjson"]):
        lines = run("query", *source, *arguments).stdout.split("\n")
        assert [json.loads(line) for line in lines[:-1]] == newest and lines[-1] == ""
    assert json.loads(run("query", *source, "--format=json").stdout) == newest
    assert json.loads(run("query", *source, "--format", "json", "--user", "nobody").stdout) == []
    table = list(csv.reader(io.StringIO(run("query", *source, "--format", "csv", "--order", "asc").stdout, newline=""), strict=True))
    assert [row[0] for row in table] == ["id", "f-1", "f-2", "f-3"] and json.loads(table[2][4]) == ROWS[1]["metadata"]
    assert "\x1b" not in run("query", *source, "--format", "table").stdout
    assert run("query", *source, "--count").stdout == "3\n"


@WAYS
def test_filters_are_those_of_the_api(folder, server, way):
    """Guards the questions: users, actions, metadata, times, order and limits find the same rows here and there."""
    source = where(folder, server, way)

    def ids(*arguments):
        return [json.loads(line)["id"] for line in run("query", *source, *arguments).stdout.split("\n")[:-1]]

    assert ids("--user", ROWS[1]["userId"], "--user", "user-101", "--order", "asc") == ["f-1", "f-2"]
    assert ids("--action", ROWS[1]["action"]) == ["f-2"]
    assert ids("--metadata", "ip=192.168.1.1", "--from", "2026-01-01T00:00:00Z") == ["f-1"]
    assert ids("--from", "2026-01-14T23:59:05.442Z", "--to", "2026-01-15T02:00:05+02:00") == ["f-2"]
    assert ids("--limit", "2") == ["f-3", "f-2"]


@WAYS
def test_more_than_is_shown_is_told(folder, server, way):
    """Guards that nobody takes the first rows for all of them, in any format; and that nothing is said when they are all."""
    place = where(folder, server, way)
    for name in ("table", "json", "csv", "ndjson"):
        result = run("query", *place, "--limit", "2", "--order", "asc", "--format", name)
        assert result.stderr == "usertrail: 2 shown, there are more; --limit N shows more, export writes all\n"
        assert run("query", *place, "--limit", "3", "--format", name).stderr == ""
    assert run("query", *place, "--action", "login", "--limit", "1").stderr == ""
    assert run("query", *place, "--count").stderr == ""


def test_pages_of_a_server(make_service):
    """Guards questions that take more than one page: each row once, in order, up to the limit."""
    service = make_service().start()
    service.record([{"userId": "u", "action": "a", "id": f"p-{number:05}"} for number in range(2500)])
    service.wait_count(2500)
    rows = [json.loads(line)["id"] for line in run("query", "--url", service.url, "--limit", 2400).stdout.splitlines()]
    assert rows == [row["id"] for row in service.walk()][:2400]
    shown = run("query", "--url", service.url)
    assert shown.stdout.count("\n") == 10 and shown.stderr.startswith("usertrail: 10 shown, there are more;")
    assert run("query", "--url", service.url, "--limit", 2500).stderr == ""
    result = run("export", "--url", service.url, "--output", service.home / "all")
    assert "2500 activities" in result.stderr
    assert sorted(json.loads(line)["id"] for line in (service.home / "all").read_text().splitlines()) == sorted(
        row["id"] for row in service.walk())
    table = run("export", "--url", service.url, "--format", "csv").stdout
    assert table.count("\n") == 2501
    service.stop()


@pytest.mark.parametrize("columns", [30, 40, 59, 60, 80, 100, 139, 140, 200, 400])
def test_tables_fit_the_terminal(folder, columns):
    """Guards the table: no line is wider than the terminal, whatever is in it and however wide its signs are; columns line up."""
    text = terminal.expect_nothing_to_obey(terminal.show("query", folder.data, columns=columns))
    lines = text.splitlines()
    assert len(lines) == 4, lines
    for line in lines:
        assert terminal.columns_of(line) <= columns, (columns, line)
    assert lines[0].startswith("TIME") and "USER" in lines[0][:40]
    assert (columns >= 60) == lines[1].startswith("2026-01-15T00:00:05.000Z")
    assert ("f-1" in lines[3]) == (columns >= 140)


def test_nothing_stored_is_obeyed(folder, server):
    """Guards the terminal of whoever looks: in every format and command what a terminal would obey is shown as an escape."""
    commands = [["query", folder.data], ["tail", folder.data], ["export", folder.data], ["query", "--url", server.url],
                ["export", "--url", server.url], ["stats", folder.data, "--by", "metadata.plan"], ["stats", folder.data, "--by", "action"],
                ["stats", "--url", server.url, "--by", "metadata.plan", "--from", "2026-01-01T00:00:00Z"]]
    for command in commands:
        formats = [[]] if command[0] == "export" else [["--format", name] for name in ("table", "json", "csv", "ndjson")]
        for arguments in [[], *formats]:
            text = terminal.expect_nothing_to_obey(terminal.show(*command, *arguments, columns=300))
            assert "\\u001b" in text or "\\u202e" in text, (command, arguments, text)
    for words in (["query", folder.data, "--format", HOSTILE], ["query", HOSTILE], [HOSTILE], ["erase", HOSTILE, HOSTILE],
                  ["query", "--url", HOSTILE], ["query", folder.data, "--user", HOSTILE, "--limit", HOSTILE]):
        with terminal.Terminal(*words) as shown:
            assert shown.wait() in (1, 2)
            terminal.expect_nothing_to_obey(shown.text)


def test_a_pipe_gets_what_was_stored(folder):
    """Guards programs: what is escaped for a terminal comes to them as it is."""
    rows = [json.loads(line) for line in run("query", folder.data).stdout.split("\n")[:-1]]
    assert rows[1]["metadata"]["text"] == HOSTILE
    assert "\u202eevil" in run("query", folder.data).stdout


def test_colours_are_for_terminals(folder):
    """Guards colours: on a terminal, not with NO_COLOR or a dumb one, never in a pipe."""
    assert "\x1b[" in terminal.show("query", folder.data)
    assert "\x1b[" not in terminal.show("query", folder.data, extra={"NO_COLOR": "1"})
    assert "\x1b[" not in terminal.show("query", folder.data, extra={"TERM": "dumb"})
    assert "\x1b[" not in run("query", folder.data, "--format", "table").stdout


def test_stats_in_each_format(folder, server):
    """Guards counts: the same in each format, of a folder and a server, and bars that leave room for the line's end."""
    for source in ([folder.data], ["--url", server.url]):
        lines = [json.loads(line) for line in run("stats", *source, "--by", "hour").stdout.splitlines()]
        assert lines == [{"key": "2026-01-14T23:00:00.000Z", "count": 2}, {"key": "2026-01-15T00:00:00.000Z", "count": 1}]
        assert json.loads(run("stats", *source, "--by", "hour", "--format", "json").stdout) == lines
        assert run("stats", *source, "--by", "hour", "--format", "csv").stdout == (
            "key,count\n2026-01-14T23:00:00.000Z,2\n2026-01-15T00:00:00.000Z,1\n")
    for columns in (20, 40, 60, 80, 120):
        for line in terminal.show("stats", folder.data, "--by", "user", columns=columns).splitlines():
            assert terminal.columns_of(line) <= columns and line.rstrip().endswith("█"), (columns, line)


def test_who_reads_may_go_away(make_service):
    """Guards pipes that are closed early: the command ends at once and without a word, however it was started."""
    service = make_service().start()
    for first in range(0, 20000, 5000):
        service.record([{"userId": "u", "action": "a", "metadata": {"text": "x" * 200}} for _ in range(first, first + 5000)])
    service.restart()
    for source in ([service.data], ["--url", service.url]):
        for command in (["query", *source, "--limit", "100000"], ["export", *source], ["query", *source, "--limit=100000", "--format=table"]):
            for ignores in (False, True):
                process = subprocess.Popen([services.BINARY, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=services.environment(),
                                           preexec_fn=lambda ignores=ignores: signal.signal(signal.SIGPIPE, signal.SIG_IGN if ignores else signal.SIG_DFL),
                                           restore_signals=False)
                process.stdout.read(100)
                process.stdout.close()
                errors = process.stderr.read().decode()
                assert process.wait(20 * services.PATIENCE) == -signal.SIGPIPE, command
                assert not [line for line in errors.splitlines() if "wait in the event log" not in line], errors
    service.stop()
