"""The command that moves what a server left on this machine's disk, with the real program."""

import pair
import service as services

COMMIT = b"\xf8UT\x01"  # begins each commit; its header has 64 bytes (segment_format.h)


def forward(*arguments, code):
    result = services.run_program("forward", *arguments)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


def test_a_folder_without_a_spill_is_told(tmp_path):
    """Guards who mistyped the folder: it is not told that nothing is left, and gets no spill."""
    for words in ((), ("--quiet",)):
        result = forward(tmp_path, *words, code=1)
        assert f"there is no spill in {tmp_path}" in result.stderr and "left" not in result.stdout
    assert not any(tmp_path.iterdir())


def test_nothing_waits_in_an_empty_spill(tmp_path):
    """Guards that a spill with nothing in it is fine and needs no event log."""
    (tmp_path / "spill").mkdir()
    for _ in range(2):
        assert "nothing is left" in forward(tmp_path, code=0).stdout
    assert forward(tmp_path, "--quiet", code=0).stdout == ""


def test_wrong_arguments_are_told(tmp_path):
    """Guards the exit code for what cannot be meant, and for a folder that is not there."""
    assert "the folder comes first" in forward(code=2).stderr
    assert "the folder comes first" in forward("--quiet", tmp_path, code=2).stderr
    assert "--give-up-after" in forward(tmp_path, "--give-up-after", "never", code=2).stderr
    assert "no such folder" in forward(tmp_path / "missing", code=1).stderr


@pair.needs_local_log
def test_a_spill_that_a_server_holds_is_left_alone(make_service, tmp_path):
    """Guards the lock of the spill, which is a local event log: whoever holds it is named."""
    service = make_service().start()
    (tmp_path / "spill").symlink_to(service.data / "log")
    assert str(service.process.pid) in forward(tmp_path, code=1).stderr


@pair.names_its_own
def test_what_waits_stays_without_an_event_log_to_go_to(make_service, tmp_path):
    """Guards that settings which name no event log on other machines are refused, and that nothing is lost by that."""
    service = make_service("--store", "memory").start()
    service.record([{"userId": "u", "action": "a"}] * 5)
    service.kill()
    (service.data / "log").rename(tmp_path / "spill")
    for _ in range(2):
        assert "--event-log kafka" in forward(tmp_path, code=2).stderr
    (tmp_path / "spill").rename(service.data / "log")
    service.start()
    assert len(service.walk("")) == 5


@pair.names_its_own
def test_a_spill_of_which_nothing_can_be_read(make_service, tmp_path):
    """Guards that damage is not told as an empty spill, although nothing is left to move and no event log is needed."""
    service = make_service("--store", "memory").start()
    service.record([{"userId": "u", "action": "a"}] * 5)
    service.stop()
    (service.data / "log").rename(tmp_path / "spill")
    segment = min((tmp_path / "spill").glob("*.segment"))
    content = segment.read_bytes()
    first = content.index(COMMIT) + 64
    segment.write_bytes(content[:first] + b"x" * (content.index(COMMIT, first) - first) + content[content.index(COMMIT, first):])
    for words in ((), ("--quiet",)):
        result = forward(tmp_path, *words, code=3)
        assert "what cannot be read was not forwarded" in result.stderr and "nothing is left" not in result.stdout
