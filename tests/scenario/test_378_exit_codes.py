"""The exit codes, which are the same for all commands."""

import re
from pathlib import Path

import pytest
import service as services

DOCUMENTED = Path(__file__).parents[2] / "docs" / "operating.md"


def commands():
    """All of them, as the program lists them, and not those that take no arguments."""
    listed = services.run_program("help").stdout.split("Commands\n")[1].split("\n\n")[0]
    return [name for name in re.findall(r"^  (\S+)", listed, re.MULTILINE) if name not in ("configuration", "version")]


def test_the_codes_are_those_that_are_documented():
    """Guards the one table: what `usertrail help` says and what operators read are the same words."""
    told = re.findall(r"^  (\d)  (.+)$", services.run_program("help").stdout.split("Exit codes\n")[1], re.MULTILINE)
    section = DOCUMENTED.read_text().split("## Exit codes\n")[1].split("\n## ")[0]
    assert told == re.findall(r"^\| (\d) \| (.+?) \|$", section, re.MULTILINE) and len(told) == 4


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["--no-such-option=1", "x"]])
def test_wrong_arguments_are_2(tmp_path, arguments):
    """Guards scripts that tell a mistyped command from one that failed, with every command."""
    assert len(commands()) >= 16
    for command in commands():
        words = [command, "create"] if command == "keys" else [command, "list"] if command == "refused" else [command]
        result = services.run_program(*words, *arguments, folder=tmp_path)
        assert (command, result.returncode) == (command, 2) and result.stdout == "", result
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_refused_is_1(tmp_path):
    """Guards that the state of a folder is no wrong argument, whoever finds it: with the same words another folder would do."""
    file = tmp_path / "file"
    file.write_text("")
    for words in (["serve", "--listen", "127.0.0.1:0", "--data-dir", file], ["import", "/dev/null", "--data-dir", file],
                  ["forward", file], ["verify", file], ["query", file], ["tail", file], ["export", file], ["stats", file, "--by", "day"],
                  ["backup", file, tmp_path / "b"], ["restore", file, tmp_path / "b"], ["keys", "list", "--keys-file", tmp_path]):
        result = services.run_program(*words)
        assert result.returncode == 1 and result.stdout == "" and "--help" not in result.stderr, result
    assert list(tmp_path.iterdir()) == [file]
