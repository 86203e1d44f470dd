"""Signed receipts of erasures: what a service with a key says of any store, checked with the key alone, by the program and by openssl."""

import base64
import json

import pytest

import expect
import pair
import service as services
from signing import NAME, Keys, needs_openssl, openssl

pytestmark = needs_openssl

SIGNED = ["signedAt", "signed", "signedBy", "signature"]


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


def erase(service, user, path):
    """Puts the answer into a file, as it came."""
    answer = service.request("DELETE", f"/api/v1/users?userId={user}")
    assert answer.status == 200, answer
    path.write_bytes(answer.body)
    return path


def verify(*arguments):
    return services.run_program("verify", *arguments)


def holds(receipt, keys):
    result = verify("--receipt", receipt, "--public-key", keys.public)
    assert result.returncode == 0 and result.stderr == "", (result.stdout, result.stderr)
    return result.stdout


def refused(receipt, keys):
    """What is wrong with the receipt."""
    result = verify("--receipt", receipt, "--public-key", keys.public)
    assert result.returncode == 1 and result.stdout == "", (result.stdout, result.stderr)
    return result.stderr


def erased(service, tmp_path, user="ann%22%C3%A9%2F", count=3):
    """The receipt of a user of whom there was something."""
    told = service.record([{"userId": 'ann"é/', "action": "a"} for _ in range(count)])
    for result in told["results"]:
        service.wait_stored(result["id"])
    return erase(service, user, tmp_path / "receipt.json")


# --- receipts that hold ---

def check_with_openssl(document, keys, folder):
    """As somebody does who has nothing of this program."""
    (folder / "text").write_text(document["signed"], encoding="utf-8")
    (folder / "signature").write_bytes(base64.b64decode(document["signature"], validate=True))
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", keys.public, "-rawin", "-in", folder / "text", "-sigfile", folder / "signature")


def expect_signed(service, keys, tmp_path):
    """The receipt of an erasure by this service, checked in every way."""
    receipt = erased(service, tmp_path)
    document = json.loads(receipt.read_text("utf-8"))
    assert list(document)[-4:] == SIGNED and document["erased"] == 3, document
    lines = document["signed"].split("\n")
    assert lines[0] == "usertrail.erasure/1" and 'userId "ann\\"é/"' in lines and "erased 3" in lines, lines
    assert document["signedBy"].startswith(NAME + "+") and expect.TIME.fullmatch(document["signedAt"]), document
    check_with_openssl(document, keys, tmp_path)
    line = (f"signature: of {document['signedBy']} at {document['signedAt']}: 3 activities erased, received before "
            f"{document['erasedAt']}: ok\n")
    assert holds(receipt, keys) == line
    receipt.write_text(json.dumps(dict(sorted(document.items())), indent=4), encoding="utf-8")
    assert holds(receipt, keys) == line
    return document


def test_every_erasure_is_signed(make_service, keys, tmp_path):
    """Guards the receipt of this pair of log and store, and of an erasure that is asked for again, also of nobody, and after a
    restart."""
    service = make_service(*keys.flags()).start()
    document = expect_signed(service, keys, tmp_path)
    assert document["receipt"]["store"] == pair.STORE
    again = erase(service, "ann%22%C3%A9%2F", tmp_path / "again")
    assert " 0 activities erased" in holds(again, keys)
    assert " 0 activities erased" in holds(erase(service, "nobody", tmp_path / "nobody"), keys)
    service.restart()
    assert json.loads(again.read_text("utf-8"))["signedBy"] == document["signedBy"]
    holds(erase(service, "ann%22%C3%A9%2F", tmp_path / "later"), keys)
    service.stop()


@pair.names_its_own
@pytest.mark.parametrize("store", ["memory", "local"])
@pytest.mark.parametrize("log", ["memory", "local"])
def test_any_store_and_log(make_service, keys, tmp_path, log, store):
    """Guards each pair that needs no server: the key signs receipts, and checkpoints only where there is a chain."""
    service = make_service("--event-log", log, "--store", store, *keys.flags()).start()
    document = expect_signed(service, keys, tmp_path)
    assert document["receipt"]["store"] == store and (document["receipt"]["chain"] is None) == (store == "memory")
    if store == "memory":
        problem = expect.problem(service.get("/api/v1/checkpoint"), 404, detail="only the local store has a chain")
        assert problem["type"] == "/problems/no-checkpoints"
    service.stop()


@pair.names_its_own
def test_with_a_folder(make_service, keys, tmp_path):
    """Guards both at once: the chain has the record, and the key signed what else the receipt says, which no record tells."""
    service = make_service(*keys.flags()).start()
    receipt = erased(service, tmp_path)
    service.stop()
    result = verify(service.data, "--receipt", receipt, "--public-key", keys.public)
    assert result.returncode == 0 and "\nreceipt: record 1 of the chain " in result.stdout, result
    assert "\nsignature: of example.com/trail+" in result.stdout, result.stdout
    receipt.write_text(receipt.read_text("utf-8").replace('"erased":3', '"erased":4'), encoding="utf-8")
    assert verify(service.data, "--receipt", receipt).returncode == 0
    result = verify(service.data, "--receipt", receipt, "--public-key", keys.public)
    assert result.returncode == 1 and result.stderr == "", result
    assert "\nsignature: the receipt was changed: its erased is not what was signed\n" in result.stdout
    assert ": 1 problem; " in result.stdout.splitlines()[-1], result.stdout


# --- receipts that do not ---

def change(document, where, value):
    inner = document
    for name in where[:-1]:
        inner = inner[name]
    assert inner[where[-1]] != value
    inner[where[-1]] = value
    return document


CHANGES = [
    (("status",), "Success", "status is not"),
    (("userId",), 'ann"e/', "its userId is not what was signed"),
    (("erasedAt",), "2026-01-14T23:58:05.443Z", "its erasedAt is not what was signed"),
    (("erased",), 2, "its erased is not what was signed"),
    (("refused",), 1, "its refused is not what was signed"),
    (("receipt", "store"), "mongodb", "its receipt.store is not what was signed"),
    (("receipt", "durable"), False, "its receipt.durable is not what was signed"),
    (("receipt", "chain"), None, "its receipt.chain.storeId is not what was signed"),
    (("receipt", "chain", "storeId"), "018d0000-0000-4000-8000-000000000000", "its receipt.chain.storeId is not what was signed"),
    (("receipt", "chain", "record"), 2, "its receipt.chain.record is not what was signed"),
    (("receipt", "chain", "hash"), "0" * 64, "its receipt.chain.hash is not what was signed"),
    (("receipt", "chain", "sealed"), 1, "its receipt.chain.sealed is not what was signed"),
    (("outOfReach", 1, "what"), "nowhere", "its outOfReach.1.what is not what was signed"),
    (("outOfReach", 2, "detail"), "", "its outOfReach.2.detail is not what was signed"),
    (("outOfReach",), [], "its outOfReach.0.what is not what was signed"),
    (("signedAt",), "2026-01-14T23:58:05.443Z", "its signedAt is not what was signed"),
    (("signed",), "usertrail.erasure/1\n", "its signature is not that of its signed"),
    (("signedBy",), f"{NAME}+00000000", "its signedBy was changed"),
    (("signature",), "A" * 86 + "==", "its signature is not that of its signed"),
    (("signature",), "", "its signature is not one in base64"),
]


@pair.names_its_own
def test_receipts_that_were_changed(make_service, keys, tmp_path):
    """Guards each member, and a sample of the bytes: what was changed does not pass, and the words say what it was."""
    service = make_service(*keys.flags()).start()
    receipt = erased(service, tmp_path)
    service.stop()
    whole = receipt.read_bytes()
    for where, value, words in CHANGES:
        receipt.write_text(json.dumps(change(json.loads(whole), where, value)), encoding="utf-8")
        assert words in refused(receipt, keys), where
    for at in range(0, len(whole), 29):
        receipt.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        assert "receipt" in refused(receipt, keys), (at, whole[at:at + 1])
    receipt.write_bytes(whole)
    holds(receipt, keys)


def test_receipts_that_nobody_signed(make_service, keys, tmp_path):
    """Guards against a signature that was taken away, a service without a key, and the key of somebody else."""
    service = make_service(*keys.flags()).start()
    receipt = erased(service, tmp_path)
    service.stop()
    others = Keys(tmp_path, "other")
    assert "not signed with this key" in refused(receipt, others)
    document = json.loads(receipt.read_text("utf-8"))
    receipt.write_text(json.dumps({name: value for name, value in document.items() if name not in SIGNED}), encoding="utf-8")
    assert "nobody signed this receipt" in refused(receipt, keys)
    for name in SIGNED:
        receipt.write_text(json.dumps({other: value for other, value in document.items() if other != name}), encoding="utf-8")
        assert f"{name} is not" in refused(receipt, keys)


@pair.names_its_own
def test_a_key_that_was_exchanged(make_service, keys, tmp_path):
    """Guards receipts over a change of keys: each holds with the key of its time, and who needs one of the new key asks again."""
    service = make_service(*keys.flags()).start()
    first = erased(service, tmp_path)
    others = Keys(tmp_path, "other")
    service.stop()
    service.flags[service.flags.index(str(keys.private))] = str(others.private)
    service.start()
    again = erase(service, "ann%22%C3%A9%2F", tmp_path / "again")
    service.stop()
    holds(first, keys)
    holds(again, others)
    assert "not signed with this key" in refused(first, others)


# --- what is no question ---

@pair.names_its_own
def test_arguments(keys, tmp_path):
    """Guards the words and codes for what cannot be meant, and for files that are not there."""
    absent = tmp_path / "absent"
    for arguments, words in [
        (["--receipt", absent], "the folder is missing"),
        (["--public-key", keys.public], "name that with --checkpoint or --receipt"),
        (["--checkpoint", absent, "--public-key", keys.public], "held against a folder, which is missing"),
        (["--checkpoint", absent, "--receipt", absent, "--public-key", keys.public], "held against a folder, which is missing"),
        (["--receipt", "", "--public-key", keys.public], "--receipt needs a file's name"),
    ]:
        result = verify(*arguments)
        assert result.returncode == 2 and result.stdout == "" and words in result.stderr, result
    assert "there is no receipt" in refused(absent, keys)
    absent.write_text("{}")
    assert "this is no signed receipt" in refused(absent, keys)
    keys.public.unlink()
    assert str(keys.public) in refused(absent, keys)
