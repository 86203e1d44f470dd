"""Commands that have a server do something: erase, and refused list|resend."""

import json

import pytest

import keys
import pair
import refused_file
import service as services
import terminal

pytestmark = pair.names_its_own


def run(*arguments, code=0, extra=None):
    result = services.run_program(*arguments, extra=extra)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


def rows(service, user):
    return service.get(f"/api/v1/users/activities?userId={user}").json["data"]


@pytest.fixture
def filled(make_service):
    service = make_service().start()
    service.record([{"userId": user, "action": "a"} for user in ("user-7", "user-7", "user-8")])
    service.wait_count(3)
    return service


def test_erase_in_a_script(filled, tmp_path):
    """Guards --yes: the user's activities are gone, nobody else's, and the receipt is what the server answered."""
    result = run("erase", "user-7", "--yes", "--url", filled.url)
    receipt = json.loads(result.stdout)
    assert receipt["userId"] == "user-7" and receipt["erased"] == 2 and receipt["status"] == "success"
    assert "2 activities" in result.stderr
    assert rows(filled, "user-7") == [] and len(rows(filled, "user-8")) == 1
    assert json.loads(run("erase", "--data-dir", filled.data, "user-8", "--yes").stdout)["erased"] == 1
    assert filled.walk() == []
    kept = tmp_path / "receipt.json"
    kept.write_text(result.stdout)
    filled.stop()
    assert "receipt: record" in run("verify", filled.data, "--receipt", kept).stdout


def test_nobody_is_erased_by_mistake(filled):
    """Guards the question: without --yes and without a terminal nothing is asked of the server, and on a terminal only "yes" does it."""
    assert "--yes" in run("erase", "user-7", "--url", filled.url, code=2).stderr
    for reply in ("no", "y", "", "YES", "user-7", "\x04"):
        with terminal.Terminal("erase", "user-7", "--url", filled.url) as shown:
            shown.read_until("Type yes to go on: ")
            shown.type(reply + ("" if reply == "\x04" else "\n"))
            assert shown.wait() == 1 and "nothing was erased" in shown.text
    assert len(rows(filled, "user-7")) == 2
    with terminal.Terminal("erase", "user-7", "--url", filled.url, apart=("stdout",)) as shown:
        shown.read_until('of the user "user-7" at')
        shown.read_until("Type yes to go on: ")
        shown.type("yes\n")
        receipt = json.loads(shown.process.stdout.read())
        assert shown.wait() == 0 and receipt["erased"] == 2
    assert rows(filled, "user-7") == []


def test_whom_to_erase_is_shown_as_it_is(filled):
    """Guards the question against names that would make it read otherwise."""
    with terminal.Terminal("erase", "user-8\u202e\u001b[2K7-resu", "--url", filled.url) as shown:
        shown.read_until("Type yes to go on: ")
        assert "user-8\\u202e\\u001b[2K7-resu" in terminal.expect_nothing_to_obey(shown.text)
        shown.type("no\n")
        assert shown.wait() == 1


def test_any_user_can_be_named(filled):
    """Guards names that mean something in a URL."""
    for user in ("team/user 9", "a&userId=user-7", "ü%2F?#", "--x"):
        filled.record({"userId": user, "action": "a"})
        filled.wait_settled()
        arguments = ["erase", user] if not user.startswith("-") else ["erase", user]
        result = services.run_program(*arguments, "--yes", "--url", filled.url)
        if user.startswith("--"):
            assert result.returncode == 2
            continue
        assert result.returncode == 0 and json.loads(result.stdout)["erased"] == 1, result
    assert len(rows(filled, "user-7")) == 2


def test_keys(make_service, tmp_path):
    """Guards scopes: a key that may not is told 403, and nothing happens."""
    keyed = keys.Keyed(make_service, tmp_path)
    keyed.record({"userId": "user-7", "action": "a"})
    keyed.wait_settled()
    url = keyed.service.url
    for key, words in ((None, "401"), ("read", "403"), ("admin", "403")):
        extra = {"USERTRAIL_KEY": keyed.keys[key]} if key else None
        result = run("erase", "user-7", "--yes", "--url", url, code=1, extra=extra)
        assert words in result.stderr and result.stdout == ""
    assert "403" in run("refused", "list", "--url", url, code=1, extra={"USERTRAIL_KEY": keyed.keys["erase"]}).stderr
    assert run("refused", "list", "--url", url, extra={"USERTRAIL_KEY": keyed.keys["admin"]}).stdout == ""
    assert json.loads(run("erase", "user-7", "--yes", "--url", url, extra={"USERTRAIL_KEY": keyed.keys["erase"]}).stdout)["erased"] == 1
    for text in keyed.keys.values():
        assert text not in keyed.service.stderr


def message(number):
    return json.dumps({"id": f"r-{number}", "userId": f"user-{number}", "action": "act"}).encode()


def test_refused_list(make_service):
    """Guards the list: every entry as the API has it, over pages, up to the limit, and readable on a terminal."""
    service, ids = refused_file.make(make_service, *[b'{"userId":"\\u009b\xc2\x9b"}', b"{}"], *map(message, range(1500)))
    service.start()
    lines = run("refused", "list", "--url", service.url, "--limit", "2000").stdout.split("\n")[:-1]
    assert [json.loads(line)["id"] for line in lines] == ids[::-1]
    assert json.loads(lines[0]) == service.get("/api/v1/refused?limit=1").json["data"][0]
    result = run("refused", "list", "--data-dir", service.data, "--limit", "3", "--format", "json")
    assert [entry["id"] for entry in json.loads(result.stdout)] == ids[:-4:-1] and "there are more" in result.stderr
    text = terminal.show("refused", "list", "--url", service.url, "--limit=2000", columns=60)
    assert all(entry in text for entry in ids) and "\\u009b" in terminal.expect_nothing_to_obey(text)
    assert all(terminal.columns_of(line) <= 60 for line in text.splitlines())
    service.stop()


def test_refused_resend(make_service):
    """Guards sending again: by id and all at once, what cannot be sent is told and stays, and the exit code says whether all was sent."""
    service, ids = refused_file.make(make_service, b"not JSON", message(1), message(2), message(3))
    service.start()
    assert "r-1" in run("refused", "resend", ids[1], "--url", service.url).stderr
    assert service.wait_stored("r-1")["userId"] == "user-1"
    result = run("refused", "resend", ids[0], ids[2], "absent", "--url", service.url, code=1)
    assert f"{ids[0]}: " in result.stderr and "JSON" in result.stderr and "absent: " in result.stderr
    service.wait_stored("r-2")
    result = run("refused", "resend", "--all", "--url", service.url, code=1)
    assert "1 were sent again, 1 could not be" in result.stderr and ids[0] in result.stderr
    service.wait_stored("r-3")
    left = [json.loads(line)["id"] for line in run("refused", "list", "--url", service.url).stdout.splitlines()]
    assert left == ids[:1]
    service.stop()


@pytest.mark.parametrize("arguments, words", [
    (["erase"], "missing"), (["erase", "a", "b", "--yes"], "one user"), (["erase", "", "--yes"], "empty"), (["erase", "a", "--force"], "no option"),
    (["erase", "a", "--yes", "--url", "x"], "no address"), (["erase", "a", "--yes", "--url=http://127.0.0.1:1", "--data-dir=d"], "not both"),
    (["refused"], "list or resend"), (["refused", "drop"], "list or resend"), (["refused", "list", "id"], "no ids"),
    (["refused", "list", "--all"], "--all"), (["refused", "resend"], "--all"), (["refused", "resend", "--all", "id"], "not both"),
    (["refused", "resend", "--all", "--limit", "3"], "list"), (["refused", "list", "--format", "csv"], "table, json or ndjson"),
    (["refused", "list", "--limit", "0"], "--limit"),
])
def test_wrong_arguments_are_refused(arguments, words):
    """Guards the exit code that scripts see, and that a slip of the pen does nothing."""
    result = run(*arguments, code=2)
    assert result.stdout == "" and words in result.stderr and f"`usertrail {arguments[0]} --help`" in result.stderr


def test_nobody_is_there():
    """Guards the exit code 1 where no server answers."""
    url = f"http://127.0.0.1:{services.free_port()}"
    for words in (["erase", "a", "--yes"], ["refused", "list"], ["refused", "resend", "--all"], ["query"], ["export"], ["stats", "--by", "user"], ["tail"]):
        result = run(*words, "--url", url, code=1)
        assert "does not answer" in result.stderr and result.stdout == "", result


def test_the_first_help_has_examples():
    """Guards who types the program's name alone."""
    text = run("help").stdout
    assert "\n\nExamples\n  usertrail serve" in text and "\n  usertrail query" in text


def test_every_help_fits_a_terminal():
    """Guards people with 80 columns, whose terminal would break lines within words."""
    first = run("--help").stdout
    names = [line.split()[0] for line in first.split("Commands\n")[1].split("\n\n")[0].splitlines()]
    assert len(names) > 15
    for text in (first, *(run(name, "--help").stdout for name in names)):
        assert [line for line in text.splitlines() if len(line) > 79] == []


def test_every_help_has_examples():
    """Guards who has never used it: each command that does something says how it is called."""
    names = [line.split()[0] for line in run("help").stdout.split("Commands\n")[1].split("\n\n")[0].splitlines()]
    assert {"query", "tail", "stats", "import", "export", "verify", "replay", "refused", "erase", "keys", "check-config", "health",
            "version"} <= set(names)
    for name in names:
        text = run(name, "--help").stdout
        assert f"  usertrail {name}" in text.partition("Examples\n")[2], name
