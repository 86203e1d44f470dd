"""Backups of a folder that a server works in: what was acknowledged before is in them, once, whoever was erased before is not, and
what fails leaves nothing that looks like a backup. The judge is the one of the kills (removal.py)."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time

import pytest

import keys
import refused_file
import removal
import service as services

BACKUPS = 4 if services.SANITIZED else 12
KILLS = 5 if services.SANITIZED else 15


def run(*arguments, code=0, **options):
    result = services.run_program(*arguments, timeout=60, **options)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def record_some(service, user="u", first=0, count=200):
    service.record([{"userId": user, "action": "a", "id": f"{user}-{number}"} for number in range(first, first + count)])


def judge(make_service, ledger, folder, retention):
    """Serves a copy of what was restored; the judge says what is wrong."""
    service = make_service("--data-dir", folder, *removal.Trial.flags(retention)).start()
    service.wait_settled()
    for _ in range(removal.WALKS_MAX):
        rows = service.walk()
        if service.get("/health").json["store"]["activities"] >= len(rows):
            break
    wrong = ledger.judge(rows, retention)
    assert not wrong, f"{len(wrong)} wrong: {wrong[:10]}"
    service.stop()
    return rows


@pytest.mark.parametrize("retention, erasing", [(False, False), (True, True)], ids=["plain", "retention and erasures"])
def test_backups_under_load(make_service, tmp_path, retention, erasing):
    """Guards the backup itself: while activities are sealed, merged, dropped and erased all the time, each of many in a row holds
    what was acknowledged before it began, is sound, and stays as it was while server and restored servers go on."""
    trial = removal.Trial(make_service(*removal.Trial.flags(retention)), 395, retention, erasing)
    trial.service.start()
    load = removal.Load(trial.service, trial.ledger, trial.chance, erasing)
    time.sleep(0.5)
    made = []
    for number in range(BACKUPS if erasing else BACKUPS // 3):
        target = tmp_path / f"backup-{number}"
        begun = trial.ledger.place()
        told = run("backup", trial.service.data, target, *(["--copy"] if number % 4 == 3 else [])).stdout
        made.append((target, begun, trial.ledger.place()))
        assert told.startswith(f"{target}: ") and (", 0 of them in files" in told) == (number % 4 == 3), told
        time.sleep(trial.chance.uniform(0, 0.15))
    before = {target: files_of(target) for target, _, _ in made[::5]}
    time.sleep(0.3)
    load.end()
    trial.check()
    trial.service.stop()
    assert trial.ledger.count_acknowledged() > 1000
    for target, begun, ended in made:
        run("verify", target)
        folder = tmp_path / "again"
        run("restore", target, folder)
        judge(make_service, trial.ledger.at(begun, ended), folder, retention)
        shutil.rmtree(folder)
    assert before == {target: files_of(target) for target, _, _ in made[::5]}


def test_kill_of_a_backup(make_service, tmp_path):
    """Guards a backup that ends at any moment: what is there is whole, or no backup, and the next one works."""
    chance = random.Random(396)
    trial = removal.Trial(make_service(*removal.Trial.flags(False)), 396, False, False)
    trial.service.start()
    record_some(trial.service, count=3000)
    load = removal.Load(trial.service, trial.ledger, trial.chance, False)
    took = []
    killed = 0
    for number in range(KILLS):
        target = tmp_path / f"backup-{number}"
        begun = time.monotonic()
        process = subprocess.Popen([services.BINARY, "backup", trial.service.data, target, "--copy"], env=services.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if number >= 3:
            time.sleep(chance.uniform(0, 1.1 * max(took)))
            process.kill()
        process.communicate(timeout=60 * services.PATIENCE)
        took.append(time.monotonic() - begun) if number < 3 else None
        killed += process.returncode == -signal.SIGKILL
        partial = tmp_path / f"backup-{number}.partial"
        assert not (target.exists() and partial.exists())
        if target.exists():
            run("restore", target, tmp_path / f"again-{number}")
        if partial.exists():
            if (partial / "log").exists():
                refused = services.run_program("serve", "--listen", "127.0.0.1:0", "--data-dir", partial)
                assert refused.returncode == 1 and "unfinished" in refused.stderr, refused
            if (partial / "backup").exists() and "end " not in (partial / "backup").read_text():
                run("restore", partial, tmp_path / "never", code=1)
                assert not (tmp_path / "never").exists()
            assert "remove it" in run("backup", trial.service.data, target, code=1).stderr
    load.end()
    assert killed >= (KILLS - 3) // 2
    trial.service.stop()


def limit_files(bytes_max):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    return limit


def test_a_disk_without_room(fresh, tmp_path):
    """Guards a target that is full: exit code 1, the reason, and nothing left behind."""
    record_some(fresh, count=2000)
    fresh.wait_settled()
    for bytes_max in (0, 20, 100, 4096, 20000):
        result = subprocess.run([services.BINARY, "backup", fresh.data, tmp_path / "full", "--copy"], env=services.environment(),
                                preexec_fn=limit_files(bytes_max), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=60, check=False)
        assert result.returncode == 1 and "large" in result.stderr, result
        assert list(tmp_path.iterdir()) == []
    run("backup", fresh.data, tmp_path / "full", "--copy")
    result = subprocess.run([services.BINARY, "restore", tmp_path / "full", tmp_path / "again"], env=services.environment(),
                            preexec_fn=limit_files(20000), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1 and "large" in result.stderr, result
    refused = run("serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "again", code=1).stderr
    assert "unfinished" in refused and "not empty" in run("restore", tmp_path / "full", tmp_path / "again", code=1).stderr


def test_what_is_refused(fresh, tmp_path):
    """Guards folders that are there: no backup replaces anything, no restore goes into what is used, and no server changes a
    backup."""
    record_some(fresh)
    backup = tmp_path / "backup"
    run("backup", fresh.data, backup)
    whole = files_of(backup)
    assert "there already" in run("backup", fresh.data, backup, code=1).stderr
    assert "not empty" in run("restore", backup, fresh.data, code=1).stderr
    assert "no backup" in run("restore", fresh.data, tmp_path / "other", code=1).stderr
    assert "itself" in run("backup", backup, tmp_path / "other", code=1).stderr
    assert "no such folder" in run("backup", tmp_path / "absent", tmp_path / "other", code=1).stderr
    for command in (["serve", "--listen", "127.0.0.1:0", "--data-dir", backup], ["import", "/dev/null", "--data-dir", backup],
                    ["forward", backup, "--event-log", "kafka"]):
        assert "is a backup" in run(*command, code=1).stderr
    for words in ([], [fresh.data], [fresh.data, backup, "third"], [fresh.data, backup, "--nonsense"]):
        run("backup", *words, code=2)
        run("restore", *words, code=2)
    assert files_of(backup) == whole and sorted(tmp_path.iterdir()) == [backup]
    run("restore", backup, tmp_path / "other")
    (tmp_path / "empty").mkdir()
    run("restore", backup, f"{tmp_path}/empty/")


def test_damage_is_found_before_anything_is_made(fresh, tmp_path):
    """Guards restores of backups that lost a file or a bit: exit code 1, what it is, and no folder."""
    record_some(fresh, count=500)
    fresh.restart()
    backup = tmp_path / "backup"
    run("backup", fresh.data, backup, "--copy")
    for path in sorted(path for path in backup.rglob("*") if path.is_file() and path.stat().st_size > 0):
        content = path.read_bytes()
        for damaged in (None, content[:-1], bytes([content[0] ^ 1]) + content[1:], content[:-1] + bytes([content[-1] ^ 4])):
            path.unlink(missing_ok=True)
            if damaged is not None:
                path.write_bytes(damaged)
            run("restore", backup, tmp_path / "again", code=1)
            assert not (tmp_path / "again").exists(), path
        path.write_bytes(content)
    run("restore", backup, tmp_path / "again")


def test_erasures_since_a_backup(make_service, tmp_path):
    """Guards who was erased after the backup: back with a plain restore, as the manual says, and gone with --keep-erasures-of, also
    from what only the log held, and the chain stays sound."""
    service = make_service().start()
    record_some(service, "stays")
    record_some(service, "goes")
    service.restart()
    record_some(service, "goes", first=200, count=50)  # in the log and the head only
    run("backup", service.data, tmp_path / "backup")
    assert service.request("DELETE", "/api/v1/users/goes").status == 200
    assert service.request("DELETE", "/api/v1/users/nobody").status == 200
    service.stop()
    run("restore", tmp_path / "backup", tmp_path / "plain")
    told = run("restore", tmp_path / "backup", tmp_path / "kept", "--keep-erasures-of", service.data).stdout
    assert "; 2 users erased since" in told
    run("verify", tmp_path / "kept")
    for folder, count in (("plain", 250), ("kept", 0)):
        again = make_service("--data-dir", tmp_path / folder).start()
        again.wait_settled()
        assert len(again.walk("&userId=goes")) == count and len(again.walk("&userId=stays")) == 200
        record_some(again, "goes", first=1000, count=1)  # who comes back is somebody new
        again.wait_count(count + 1, "&userId=goes")
        again.stop()
        run("verify", tmp_path / folder)
    run("restore", tmp_path / "backup", tmp_path / "never", "--keep-erasures-of", tmp_path, code=1)
    assert not (tmp_path / "never").exists()


LEFT_OUT = {"viewer-secret", "log/lock", "store/lock", "refused/lock"}


def test_no_file_is_forgotten(make_service, tmp_path):
    """Guards the list of what is in a backup: of a folder whose server did everything each file is in it, or is one that is known to
    be left out; a file of somebody else's is told."""
    bearer = keys.bearer(keys.create(tmp_path / "keys", "k", "write,read,admin,erase"))
    service = make_service("--keys-file", tmp_path / "keys", "--log-segment-bytes", "64KiB")
    service.data.mkdir(parents=True)
    refused_file.write(service.data / "refused", [b"not JSON"])
    service.start()
    for number in range(40):
        body = [{"userId": f"u{item}", "action": "a", "id": f"{number}-{item}", "metadata": {"x": "y" * 500}} for item in range(20)]
        assert service.post(body, bearer).status == 202
    assert service.request("DELETE", "/api/v1/users/u1", headers=bearer).status == 200
    service.restart()  # which writes a part
    service.post([{"userId": "u2", "action": "a"}] * 20, bearer)
    service.kill()
    with open(service.segments()[-1], "ab") as newest:  # a torn end is set aside
        newest.write(b"\xf8UT\x01" + bytes(range(100)))
    service.start()
    told = run("backup", service.data, tmp_path / "backup")
    assert told.stderr == ""
    ours, theirs = set(files_of(service.data)), set(files_of(tmp_path / "backup"))
    assert {"store/manifest", "store/chain", "log/log-id", "refused/0000000001.refused"} <= theirs
    assert any(name.endswith(".part") for name in theirs) and any(name.endswith(".segment") for name in theirs)
    reserved = {name for name in ours - theirs if name.endswith(".segment")}
    assert ours - theirs - reserved <= LEFT_OUT and theirs - ours == {"backup"}, (ours, theirs)
    (service.data / "notes.txt").write_text("somebody's")
    (service.data / "log" / "old\x1b.segment.bak").write_text("somebody's")
    told = run("backup", service.data, tmp_path / "second").stderr
    assert "notes.txt" in told and "log/old?.segment.bak" in told
    service.stop()


def test_most_of_it_is_links(fresh, tmp_path):
    """Guards what makes a backup cheap, and what makes it safe: parts are the same files, whatever a server writes to is not."""
    record_some(fresh, count=2000)
    fresh.restart()
    record_some(fresh, first=2000, count=10)
    run("backup", fresh.data, tmp_path / "linked")
    run("backup", fresh.data, tmp_path / "copied", "--copy")
    parts = list((tmp_path / "linked" / "store").glob("*.part"))
    assert parts and all(os.path.samefile(part, fresh.data / "store" / part.name) for part in parts)
    for name in ("linked", "copied"):
        for path in (tmp_path / name).rglob("*"):
            twin = fresh.data / path.relative_to(tmp_path / name)
            if path.is_file() and not (name == "linked" and path.suffix == ".part") and twin.exists():
                assert not os.path.samefile(path, twin), path


def test_progress_on_a_terminal(fresh, tmp_path):
    """Guards what a person sees: a line that is drawn over, gone in the end, and one line of sums; nothing with --quiet."""
    record_some(fresh)
    ours, theirs = os.openpty()
    try:
        process = subprocess.run([services.BINARY, "backup", fresh.data, tmp_path / "seen"], env=services.environment(),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True)
        assert b" MB" in os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.stdout.count(b"\n") == 1 and b" files, " in process.stdout
    assert run("backup", fresh.data, tmp_path / "quiet", "--quiet").stdout == ""
    assert run("restore", tmp_path / "quiet", tmp_path / "again", "--quiet").stdout == ""


def test_the_judge_of_copies():
    """Guards the judge: of a copy what came before must be there, what came after cannot, and what was meanwhile may."""
    ledger = removal.Ledger()

    def send(user, one):
        ledger.note_sent(0, [{"id": one, "userId": user}])
        ledger.note_ended([{"id": one}], True)

    def rows(*ids):
        return [{"id": one, "userId": ledger.sent[one].user, "metadata": removal.content(one)} for one in ids]

    send("u", "a1")
    send("gone", "a2")
    ledger.note_erased(ledger.note_erasing("gone"), True)
    begun = ledger.place()
    send("u", "a3")
    erasing = ledger.note_erasing("u")
    ended = ledger.place()
    ledger.note_erased(erasing, True)
    send("u", "a4")
    then = ledger.at(begun, ended)
    assert then.judge(rows("a1")) == [] == then.judge(rows("a1", "a3")) == then.judge([])
    assert then.judge(rows("a1", "a4")) == ["a4 was never sent"]
    assert "a2 of gone was erased and is there" in then.judge(rows("a1", "a2"))
    quiet = ledger.at(begun, begun + 1)
    assert "a1 of u was acknowledged and is missing" in quiet.judge([])
    send("v", "a5")
    last = ledger.place()
    send("v", "a6")
    then = ledger.at(last, ledger.place())
    assert then.judge(rows("a6"), retention=True) == [], "retention took it for what came meanwhile"
    assert then.judge([], retention=True) == ["a5, the newest of all, is missing"]
    assert then.judge(rows("a5"), retention=True) == [] == then.judge(rows("a5", "a6"), retention=True)
