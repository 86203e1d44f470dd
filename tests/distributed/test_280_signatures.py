"""Signed receipts over processes: each API server that has the key signs what it erases, and workers need none."""

import json
import shutil
import subprocess

import pytest

import expect
import service as services

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command, which makes the key, is missing")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], timeout=20, check=True, capture_output=True)


@pytest.fixture
def key(tmp_path):
    """(private key, public key)."""
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", private)
    private.chmod(0o600)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    return private, public


def erase(api, path):
    answer = api.request("DELETE", "/api/v1/users/gone")
    assert answer.status == 200, answer
    path.write_bytes(answer.body)
    return answer.json


def verify(receipt, public):
    return services.run_program("verify", "--receipt", receipt, "--public-key", public)


def test_every_server_with_the_key_signs(cluster, key, tmp_path):
    """Guards the evidence where no chain is: what two servers erased is signed, checked with the key alone, and tampering shows. One
    without the key says as before."""
    private, public = key
    flags = ("--checkpoint-key-file", private, "--checkpoint-name", "example.com/trail")
    first, second, plain = cluster.api(*flags), cluster.api(*flags), cluster.api()
    cluster.worker()
    first.wait_stored(first.record([{"userId": "gone", "action": "a"} for _ in range(5)])["results"][-1]["id"])
    receipt, again = tmp_path / "receipt", tmp_path / "again"
    document = erase(first, receipt)
    assert document["receipt"] == {"store": "mongodb", "durable": True, "chain": None} and document["erased"] == 5, document
    assert erase(second, again)["signedBy"] == document["signedBy"]
    for file, count in ((receipt, 5), (again, 0)):
        result = verify(file, public)
        assert result.returncode == 0 and f": {count} activities erased, " in result.stdout, result
    receipt.write_text(json.dumps({**document, "erased": 4}), encoding="utf-8")
    result = verify(receipt, public)
    assert result.returncode == 1 and "its erased is not what was signed" in result.stderr, result
    assert "signed" not in erase(plain, tmp_path / "plain")
    assert "nobody signed this receipt" in verify(tmp_path / "plain", public).stderr
    for api in (first, plain):
        problem = expect.problem(api.get("/api/v1/checkpoint"), 404)
        assert problem["type"] == "/problems/no-checkpoints", problem
