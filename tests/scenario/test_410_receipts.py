"""Receipts of erasures, held against a folder: what verify says of one that is kept as it came, of one that was changed, and of a folder
that is not the one it is of."""

import json
import os
import re
import shutil

import pytest

import service as services
from signing import Keys, needs_openssl

USERS = 20
WHO = "user-7"


def activities(first, count):
    return [{"userId": f"user-{number % USERS}", "action": "a", "id": f"r-{number:05}"} for number in range(first, first + count)]


def record_and_seal(service, first, count):
    """A clean stop seals what was posted; runs again afterwards."""
    service.record(activities(first, count))
    service.wait_settled()
    service.restart()


def erase(service, user, path):
    """Puts the answer into a file, as it came."""
    answer = service.request("DELETE", f"/api/v1/users/{user}")
    assert answer.status == 200, answer
    path.write_bytes(answer.body)
    return path


def run_verify(folder, receipt, *arguments):
    return services.run_program("verify", folder, "--receipt", receipt, *arguments)


def holds(folder, receipt, *arguments):
    """The line about the receipt."""
    result = run_verify(folder, receipt, *arguments)
    assert result.returncode == 0 and result.stderr == "", (result.stdout, result.stderr)
    line, = (line for line in result.stdout.splitlines() if line.startswith("receipt: "))
    return line


def contradicts(folder, receipt, *arguments):
    """What the chain has against the receipt."""
    result = run_verify(folder, receipt, *arguments)
    assert result.returncode == 1 and result.stderr == "", (result.stdout, result.stderr)
    assert "\nreceipt: " not in result.stdout, result.stdout
    line, = (line for line in result.stdout.splitlines() if line.startswith("chain: "))
    assert not line.endswith(": ok") and ": 1 problem; " in result.stdout.splitlines()[-1], result.stdout
    return line


def refused(folder, receipt):
    """Why the file is no receipt to begin with."""
    result = run_verify(folder, receipt)
    assert result.returncode == 1 and result.stdout == "", (result.stdout, result.stderr)
    return result.stderr


@pytest.fixture
def erased(make_service, tmp_path):
    """A service that has erased somebody, and the receipt."""
    service = make_service().start()
    record_and_seal(service, 0, 200)
    return service, erase(service, WHO, tmp_path / "receipt.json")


# --- receipts that hold ---

def test_a_receipt_is_kept(make_service, tmp_path):
    """Guards a receipt for as long as it is kept: it holds while the server runs, after merges, restarts, a kill and other erasures,
    also of the same user, and says how much of it the chain vouches for."""
    service = make_service().start()
    record_and_seal(service, 0, 200)
    service.record(activities(200, 100))
    service.wait_settled()
    first = erase(service, WHO, tmp_path / "first")
    told = json.loads(first.read_text())
    assert told["erased"] == 15 and told["receipt"]["chain"]["sealed"] == 10
    expected = (f"receipt: record {told['receipt']['chain']['record']} of the chain is the erasure that it is of: its user, "
                f"{told['erasedAt']}, 10 activities; 5 more were erased before they were sealed, which no record tells")
    assert holds(service.data, first) == expected
    again = erase(service, WHO, tmp_path / "again")
    for turn in range(3, 8):
        record_and_seal(service, 100 * turn, 100)
    # So few are left that each user who is hidden is an eighth of a part at least, which is written anew then; merges run meanwhile.
    others = [erase(service, f"user-{number}", tmp_path / f"other-{number}") for number in range(USERS - 4)]
    service.kill()
    service.start()
    gone = sum(json.loads(one.read_text())["receipt"]["chain"]["sealed"] for one in (first, again, *others))
    services.wire.wait_until(lambda: f", {gone} erased and gone; " in services.run_program("verify", service.data).stdout,
                             "the parts are written anew", 20 * services.PATIENCE)
    service.stop()
    assert holds(service.data, first) == expected
    assert holds(service.data, again).endswith(", 0 activities")
    for other in others:
        assert re.fullmatch(r"receipt: record [0-9]+ of the chain .*, [0-9]+ activities", holds(service.data, other))


@needs_openssl
def test_beside_a_checkpoint(make_service, tmp_path):
    """Guards both at once: a checkpoint and a receipt of one folder are each held against it, and each told by itself."""
    keys, kept = Keys(tmp_path), tmp_path / "kept"
    service = make_service("--checkpoint-key-file", keys.private).start()
    record_and_seal(service, 0, 100)
    receipt = erase(service, WHO, tmp_path / "receipt")
    kept.write_bytes(service.get("/api/v1/checkpoint").body)
    service.stop()
    arguments = ("--checkpoint", kept, "--public-key", keys.public)
    assert holds(service.data, receipt, *arguments).endswith(", 5 activities")
    result = run_verify(service.data, receipt, *arguments)
    assert " vouches for 2 of the records: ok\nreceipt: record 2 " in result.stdout, result.stdout
    receipt.write_text(receipt.read_text().replace('"sealed":5', '"sealed":4'))
    assert contradicts(service.data, receipt, *arguments).endswith("its sealed is 4, and record 2 erased 5")


# --- receipts that were changed ---

CHANGES = [
    (("status",), "failure", "status is not"),
    (("userId",), "user-8", "its userId is not whom record 2 erased"),
    (("userId",), 7, "userId is not the id of a user"),
    (("erasedAt",), "2026-01-14T23:58:05.443Z", "its erasedAt is not that of record 2"),
    (("erasedAt",), None, "erasedAt is not a time"),
    (("erased",), 9, "receipt.chain.sealed is more than erased"),
    (("receipt", "store"), "memory", "receipt.store is not"),
    (("receipt", "durable"), False, "receipt.durable is not true"),
    (("receipt", "chain", "storeId"), "018d0000-0000-4000-8000-000000000000", "another store, as its storeId says"),
    (("receipt", "chain", "record"), 1, "record 1 is not one of an erasure"),
    (("receipt", "chain", "record"), 3, "record 3 has another hash than the receipt"),
    (("receipt", "chain", "record"), 2**64 - 1, f"the receipt names record {2**64 - 1}, and there are 3"),
    (("receipt", "chain", "hash"), "0" * 64, "record 2 has another hash than the receipt"),
    (("receipt", "chain", "sealed"), 9, "its sealed is 9, and record 2 erased 10"),
    (("receipt", "chain"), None, "the receipt names no record"),
    (("receipt",), "AaWdwZR0", "receipt is not an object"),
]


@pytest.mark.parametrize(("where", "value", "words"), CHANGES, ids=[".".join(where) for where, _, _ in CHANGES])
def test_a_receipt_that_was_changed(erased, tmp_path, where, value, words):
    """Guards each member that is evidence: one that was changed does not pass, and is named."""
    service, receipt = erased
    erase(service, "user-9", tmp_path / "other")
    service.stop()
    document = json.loads(receipt.read_text())
    inner = document
    for name in where[:-1]:
        inner = inner[name]
    assert inner[where[-1]] != value
    inner[where[-1]] = value
    changed = tmp_path / "changed"
    changed.write_text(json.dumps(document))
    result = run_verify(service.data, changed)
    assert result.returncode == 1 and words in result.stdout + result.stderr, (result.stdout, result.stderr)
    assert "receipt: record" not in result.stdout
    holds(service.data, receipt)


def test_more_than_the_chain_knows(erased, tmp_path):
    """Guards honesty: how many were erased before they were sealed stands in the receipt alone, and verify says so."""
    service, receipt = erased
    service.stop()
    receipt.write_text(receipt.read_text().replace('"erased":10', '"erased":11'))
    assert holds(service.data, receipt).endswith("; 1 more were erased before they were sealed, which no record tells")


# --- folders that are not what they were ---

def test_another_folder(erased, make_service):
    """Guards against the folder of somebody else, sound as it is."""
    _, receipt = erased
    other = make_service().start()
    record_and_seal(other, 0, 200)
    other.stop()
    assert contradicts(other.data, receipt).endswith("the receipt is that of another store, as its storeId says")


def test_a_folder_from_before(erased, make_service, tmp_path):
    """Guards against an erasure that is undone by putting back a copy from before: its record is missing, and stays missing when others
    come in its place."""
    service = make_service().start()
    record_and_seal(service, 0, 200)
    service.stop()
    shutil.copytree(service.data, tmp_path / "before")
    service.start()
    receipt = erase(service, WHO, tmp_path / "undone")
    service.stop()
    holds(service.data, receipt)
    shutil.rmtree(service.data)
    shutil.copytree(tmp_path / "before", service.data)
    assert contradicts(service.data, receipt).endswith(
        "the receipt names record 2, and there are 1: the end is gone, or the receipt's record was changed")
    service.start()
    erase(service, WHO, tmp_path / "later")
    service.stop()
    assert "record 2 has another hash than the receipt: the chain was made anew" in contradicts(service.data, receipt)
    holds(service.data, tmp_path / "later")


def test_a_chain_that_is_cut(erased):
    """Guards against the end of the file being taken away: the chain is damaged, and no receipt holds."""
    service, receipt = erased
    service.stop()
    file = service.data / "store" / "chain"
    file.write_bytes(file.read_bytes()[:-1])
    assert "the store's chain is cut" in contradicts(service.data, receipt)


# --- what is no receipt ---

def test_what_is_no_receipt(erased, tmp_path):
    """Guards the words for files that are none: absent, a pipe, a folder, too long, no JSON, an empty name."""
    service, receipt = erased
    service.stop()
    assert "there is no receipt" in refused(service.data, tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")
    assert "cannot open as a file" in refused(service.data, tmp_path / "pipe")
    assert str(tmp_path) in refused(service.data, tmp_path)
    file = tmp_path / "file"
    file.write_bytes(receipt.read_bytes().ljust(64 * 1024))
    holds(service.data, file)
    file.write_bytes(receipt.read_bytes().ljust(64 * 1024 + 1))
    assert "this is no receipt of an erasure: it is too long" in refused(service.data, file)
    for text in ("", "{", "\0", "usertrail.store/"):
        file.write_text(text)
        assert "this is no receipt of an erasure: it cannot be read as JSON" in refused(service.data, file)
    result = run_verify(service.data, "")
    assert result.returncode == 2 and "--receipt needs a file's name" in result.stderr


def test_a_receipt_without_a_chain(make_service, erased, tmp_path):
    """Guards the words for a receipt of a store in memory, which nobody can prove."""
    service, _ = erased
    service.stop()
    forgetful = make_service("--store", "memory").start()
    receipt = erase(forgetful, WHO, tmp_path / "forgotten")
    forgetful.stop()
    assert "the receipt names no record, for it is of a store without a chain" in refused(service.data, receipt)
