"""The chain of seals: checkpoints that are signed, kept elsewhere and held against a folder, and what becomes of a folder that was
put back, made anew or changed. With keys that the openssl command made."""

import base64
import hashlib
import json
import random
import re
import shutil
import struct
import time

import pytest

import expect
import removal
import service as services
from signing import Keys, needs_openssl, openssl

pytestmark = needs_openssl

CHECKPOINT = "/api/v1/checkpoint"
USERS = 20
KILLS = 3
HEADER_BYTES = 32  # of the chain's file; see chain_format.h
HEAD_BYTES = 45  # of a record
CRC_BYTES = 4


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


@pytest.fixture
def signing(make_service, keys):
    """Makes services that sign, not started yet."""
    return lambda *flags: make_service("--checkpoint-key-file", keys.private, *flags)


def activities(first, count):
    return [{"userId": f"user-{number % USERS}", "action": "a", "id": f"s-{number:05}", "metadata": {"n": number}}
            for number in range(first, first + count)]


def record_and_seal(service, first, count):
    """A clean stop seals what was posted; runs again afterwards."""
    service.record(activities(first, count))
    service.restart()


def erase(service, user):
    answer = service.request("DELETE", f"/api/v1/users/{user}")
    assert answer.status == 200, answer


def keep(service, path):
    """Puts the checkpoint of now into a file, as somebody would elsewhere."""
    answer = service.get(CHECKPOINT)
    assert answer.status == 200 and answer.header("content-type") == "text/plain; charset=utf-8", answer
    path.write_bytes(answer.body)
    return path


def verify(folder, kept=None, keys=None, code=0):
    """The lines of verify."""
    arguments = ["--checkpoint", kept] if kept else []
    result = services.run_program("verify", folder, *arguments, *(["--public-key", keys.public] if keys else []))
    assert result.returncode == code and result.stderr == "", (result.stdout, result.stderr)
    return result.stdout.splitlines()


def refused(folder, kept, keys):
    """What verify says where it does not get as far as the store."""
    result = services.run_program("verify", folder, "--checkpoint", kept, "--public-key", keys.public)
    assert result.returncode == 1 and result.stdout == "", result.stdout
    return result.stderr


def chain_line(lines):
    line, = (line for line in lines if line.startswith("chain: "))
    return line


# --- checkpoints that hold ---

def test_a_checkpoint_is_kept(signing, keys, tmp_path):
    """Guards the way of a checkpoint: asked for over HTTP it holds against the folder, also when activities, an erasure, restarts
    and a kill came since; and the one that the log for operators has is as good."""
    service = signing().start()
    expect.problem(service.get(CHECKPOINT), 503, detail="nothing was sealed yet, so there is nothing to sign: the store seals when enough waits")
    record_and_seal(service, 0, 100)
    kept = keep(service, tmp_path / "kept")
    vouches = "; the checkpoint of {} vouches for 1 of the records".format(kept.read_text().splitlines()[3].split()[1])
    assert chain_line(verify(service.data, kept, keys)).endswith(vouches + ": ok")
    record_and_seal(service, 100, 100)
    assert chain_line(verify(service.data, kept, keys)).endswith(vouches + ": ok")
    erase(service, "user-7")
    gone = sum(number % USERS == 7 for number in range(200))
    vouches += f", 1 erasure of {gone} activities since"
    assert chain_line(verify(service.data, kept, keys)).endswith(vouches + ": ok")
    service.restart()
    later = keep(service, tmp_path / "later")
    service.record(activities(200, 100))
    service.kill()
    for one in (kept, later):
        line = chain_line(verify(service.data, one, keys))
        assert line.startswith("chain: 3 records, 2 seals over 200 activities") and line.endswith(": ok")
        assert ("erasure" in line) == (one == kept)
    service.start()
    service.stop()
    logged, = {json.loads(line)["checkpoint"] for line in service.stderr.splitlines() if '"checkpoint":' in line}
    (tmp_path / "logged").write_text(logged, encoding="utf-8")
    assert re.search(r"; the checkpoint of \S+ vouches for 4 of the records: ok$",
                     chain_line(verify(service.data, tmp_path / "logged", keys)))
    assert vouches in chain_line(verify(service.data, kept, keys))


def test_one_is_one(signing, keys, tmp_path):
    """Guards what is told of the smallest folder, whose only activity was erased, and that its erasure is told while it is in the files."""
    service = signing().start()
    service.record({"userId": "user-1", "action": "a", "id": "s-1"})
    service.restart()
    kept = keep(service, tmp_path / "kept")
    erase(service, "user-1")
    service.stop()
    lines = verify(service.data, kept, keys)
    assert "1 seal over 1 activity" in chain_line(lines) and ", 1 erasure of 1 activity since" in chain_line(lines)
    assert not any(" 1 activities" in line or line.startswith("1 activities") for line in lines), lines


def gone_of(lines):
    """How many activities the chain proves that are in no file any more."""
    found = re.search(r"(\d+) erased and gone", chain_line(lines))
    return int(found[1]) if found else 0


def test_erased_activities_stay_proven(signing, keys, tmp_path):
    """Guards seals over activities that are gone from the files: their leaves stand in the chain, and what is left is proven."""
    service = signing().start()
    record_and_seal(service, 0, 100)
    kept = keep(service, tmp_path / "kept")
    for number in range(USERS // 2):
        erase(service, f"user-{number}")
    # A part is written anew when an eighth of it is erased, which may be between two of these: up to 7 of 57 may stay.
    services.wire.wait_until(lambda: gone_of(verify(service.data, kept, keys)) >= 43, "the part is written anew",
                             20 * services.PATIENCE)
    service.stop()
    lines = verify(service.data, kept, keys)
    gone = gone_of(lines)
    assert gone <= 50 and f" seal over 100 activities, {gone} erased and gone; " in chain_line(lines)
    assert gone < 50 or lines[-1].startswith("1 part, 50 activities, ")


def records_of(chain):
    """The bytes of each record."""
    at, found = HEADER_BYTES, []
    while at < len(chain):
        length, = struct.unpack_from("<I", chain, at)
        found.append(chain[at:at + HEAD_BYTES + length + CRC_BYTES])
        at += len(found[-1])
    return found


def test_others_can_check_it(signing, keys, tmp_path):
    """Guards what a checkpoint says from somebody who has the formats only: openssl verifies the signature, the id of the key is that
    of a C2SP signed note, and the hash is that of the chain's last record, each of which holds its predecessor."""
    service = signing("--checkpoint-name", "example.com/trail").start()
    record_and_seal(service, 0, 100)
    erase(service, "user-7")
    text = keep(service, tmp_path / "kept").read_text(encoding="utf-8")
    service.stop()
    body, _, note = text.partition("\n\n")
    mark, name, encoded = note.rstrip("\n").split(" ")
    signature = base64.b64decode(encoded, validate=True)
    raw_key = openssl("pkey", "-pubin", "-in", keys.public, "-outform", "DER")[-32:]
    assert (mark, name) == ("—", "example.com/trail")
    assert signature[:4] == hashlib.sha256(name.encode() + b"\n\x01" + raw_key).digest()[:4]
    (tmp_path / "text").write_text(body + "\n", encoding="utf-8")
    (tmp_path / "signature").write_bytes(signature[4:])
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", keys.public, "-rawin", "-in", tmp_path / "text", "-sigfile",
            tmp_path / "signature")
    chain = (service.data / "store" / "chain").read_bytes()
    before = hashlib.sha256(b"\x05" + chain[:HEADER_BYTES - CRC_BYTES]).digest()
    for record in records_of(chain)[:2]:
        assert record[HEAD_BYTES - len(before):HEAD_BYTES] == before
        before = hashlib.sha256(b"\x04" + record[:-CRC_BYTES]).digest()
    lines = body.split("\n")
    assert re.fullmatch(r"usertrail\.store/[0-9a-f-]{36}", lines[0]) and lines[1] == "2"
    assert base64.b64decode(lines[2], validate=True) == before
    assert expect.TIME.fullmatch(lines[3].removeprefix("time "))


def test_an_import_signs_what_it_seals(keys, tmp_path):
    """Guards the settings of serve in an import into the folder: with a key its seals end in a checkpoint, which is told and holds,
    and a key that cannot be read is refused before anything is made."""
    (tmp_path / "conf").write_text(f"checkpoint-key-file = {keys.private}\n")
    (tmp_path / "source.ndjson").write_text("\n".join(map(json.dumps, activities(0, 100))))
    command = ["import", tmp_path / "source.ndjson", "--data-dir", tmp_path / "data", "--config", tmp_path / "conf"]
    result = services.run_program(*command)
    assert result.returncode == 0, result.stderr
    logged, = re.findall(r'checkpoint="?(usertrail\.store/[^"]*)"?', result.stderr)
    (tmp_path / "kept").write_text(json.loads(f'"{logged}"'))
    assert ": ok" in chain_line(verify(tmp_path / "data", tmp_path / "kept", keys))
    keys.private.unlink()
    shutil.rmtree(tmp_path / "data")
    result = services.run_program(*command)
    assert result.returncode == 2 and "/key.pem: No such file" in result.stderr and not (tmp_path / "data").exists(), result.stderr


# --- folders that are not what they were ---

def test_an_older_copy_is_seen(signing, keys, tmp_path):
    """Guards against the end being taken away: a copy of the store from before is sound in itself, and a checkpoint tells that
    something is missing."""
    service = signing().start()
    record_and_seal(service, 0, 100)
    older = keep(service, tmp_path / "older")
    shutil.copytree(service.data / "store", tmp_path / "store")
    record_and_seal(service, 100, 100)
    kept = keep(service, tmp_path / "kept")
    service.stop()
    verify(service.data, kept, keys)
    shutil.rmtree(service.data / "store")
    shutil.copytree(tmp_path / "store", service.data / "store")
    verify(service.data)
    verify(service.data, older, keys)
    lines = verify(service.data, kept, keys, code=1)
    assert chain_line(lines).endswith("the checkpoint was made over 2 records, and there are 1: the end is gone")
    assert "vouches" not in chain_line(lines)
    assert ": 1 problem; " in lines[-1]


def test_another_past_is_seen(signing, keys, tmp_path):
    """Guards against a past that was made up: from the same copy, as many records with other activities are not those that a
    checkpoint names, and all of it made anew is another store."""
    service = signing().start()
    record_and_seal(service, 0, 100)
    service.stop()
    shutil.copytree(service.data, tmp_path / "copy")
    service.start()
    record_and_seal(service, 100, 100)
    kept = keep(service, tmp_path / "kept")
    service.stop()
    shutil.rmtree(service.data)
    shutil.copytree(tmp_path / "copy", service.data)
    service.start()
    record_and_seal(service, 500, 100)
    service.stop()
    verify(service.data)
    assert chain_line(verify(service.data, kept, keys, code=1)).endswith(
        "record 2 is not the one that the checkpoint names: the chain was made anew")
    shutil.rmtree(service.data)
    service.start()
    for first in (0, 100):
        record_and_seal(service, first, 100)
    service.stop()
    verify(service.data)
    assert chain_line(verify(service.data, kept, keys, code=1)).endswith("the checkpoint is that of another store")


def test_who_signed_is_told(signing, keys, tmp_path):
    """Guards the signature: another key is not this one, and a text that was changed is not the one that was signed."""
    service = signing().start()
    record_and_seal(service, 0, 100)
    kept = keep(service, tmp_path / "kept")
    service.stop()
    assert "the checkpoint is not signed with this key" in refused(service.data, kept, Keys(tmp_path, "other"))
    text = kept.read_text(encoding="utf-8")
    changed = tmp_path / "changed"
    for old, new in (("\n1\n", "\n2\n"), ("\ntime 2", "\ntime 3")):
        assert old in text
        changed.write_text(text.replace(old, new, 1), encoding="utf-8")
        assert "one of them was changed" in refused(service.data, changed, keys)
    changed.write_text(text[:-1], encoding="utf-8")
    assert "this is no checkpoint" in refused(service.data, changed, keys)
    assert "there is no checkpoint" in refused(service.data, tmp_path / "absent", keys)
    verify(service.data, kept, keys)


def serve_refuses(service):
    """What a service says that ends before it serves."""
    service.launch()
    assert service.wait_end() == 1, service.stderr
    return service.stderr


def test_flipped_bits_are_found(signing):
    """Guards every byte of the chain: whichever changes, verify ends with 1 and the service does not start over it; both name the
    chain, and leave it as it is."""
    service = signing().start()
    record_and_seal(service, 0, 100)
    erase(service, "user-7")
    service.kill()
    file = service.data / "store" / "chain"
    whole = file.read_bytes()
    assert len(records_of(whole)) == 2 and len(whole) < 400
    chance = random.Random(400)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged)
        lines = verify(service.data, code=1)
        assert lines[0].endswith(": ok") and not chain_line(lines).endswith(": ok"), at
        assert "chain" in chain_line(lines).removeprefix("chain: "), lines
        if at % (8 if services.SANITIZED else 1) == 0:
            assert "chain" in serve_refuses(service), at
        assert file.read_bytes() == damaged
    file.write_bytes(whole)
    service.start()
    service.stop()
    verify(service.data)


def test_a_chain_that_is_cut_or_gone(signing, keys, tmp_path):
    """Guards against a chain without its end, or none at all; what stands behind the end that counts is nothing."""
    service = signing().start()
    record_and_seal(service, 0, 100)
    kept = keep(service, tmp_path / "kept")
    service.stop()
    file = service.data / "store" / "chain"
    whole = file.read_bytes()
    for left in (len(whole) - 1, HEADER_BYTES, 0):
        file.write_bytes(whole[:left])
        assert f"the store's chain is cut: its file has {left} bytes of {len(whole)}" in chain_line(verify(service.data, code=1))
        assert "the store's chain is cut" in serve_refuses(service)
    file.unlink()
    assert "the store's chain is missing" in chain_line(verify(service.data, code=1))
    assert "the store's chain is missing" in serve_refuses(service)
    file.write_bytes(whole + b"a record whose manifest never came")
    verify(service.data, kept, keys)
    service.start()
    assert file.read_bytes() == whole
    service.stop()


# --- without a key, and with one that others have ---

def test_without_a_key(fresh):
    """Guards the words for somebody who wants a checkpoint where nobody signs; the chain is there all the same."""
    fresh.record(activities(0, 10))
    fresh.restart()
    problem = expect.problem(fresh.get(CHECKPOINT), 404, detail="start the service with --checkpoint-key-file")
    assert problem["type"] == "/problems/no-checkpoints"
    fresh.stop()
    assert chain_line(verify(fresh.data)).startswith("chain: 1 record, 1 seal over 10 activities; ")


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_that_others_may_read(keys, tmp_path, mode):
    """Guards the key: one that is no secret proves nothing."""
    keys.private.chmod(mode)
    result = services.run_program("serve", "--checkpoint-key-file", keys.private, "--data-dir", tmp_path / "data")
    assert result.returncode == 2 and "is open to others" in result.stderr and "chmod 600" in result.stderr
    assert not (tmp_path / "data").exists()


# --- kills ---

def test_kill_while_checkpoints_are_kept(signing, keys, tmp_path):
    """Guards every checkpoint that was ever given from a kill at any moment: what it vouches for is there after each, with a log so
    small that the store seals all the time, and with erasures."""
    trial = removal.Trial(signing(*removal.Trial.flags(False)), 400, False, True)
    service = trial.service.start()
    kept = []
    for _ in range(KILLS):
        load = removal.Load(service, trial.ledger, trial.chance, trial.erasing)
        end = time.monotonic() + trial.chance.uniform(0.3, 1.0) * services.PATIENCE
        while time.monotonic() < end or not kept:
            if service.get(CHECKPOINT).status == 200:
                kept.append(keep(service, tmp_path / f"kept-{len(kept)}"))
        service.kill()
        load.end()
        verify(service.data, kept[-1], keys)
        service.start()
        trial.check()
        verify(service.data, kept[-1], keys)
    service.stop()
    for one in [kept[0], *trial.chance.sample(kept, 5)]:
        verify(service.data, one, keys)
    counts = [int(one.read_text(encoding="utf-8").splitlines()[1]) for one in kept]
    assert counts == sorted(counts) and len(set(counts)) > 10, "the test counts on it"
