"""Signed receipts over processes: each API server that has the key signs what it erases, and workers need none."""

import json

import expect
import service as services
from signing import Keys, needs_openssl

pytestmark = needs_openssl


def erase(api, path):
    answer = api.request("DELETE", "/api/v1/users/gone")
    assert answer.status == 200, answer
    path.write_bytes(answer.body)
    return answer.json


def verify(receipt, public):
    return services.run_program("verify", "--receipt", receipt, "--public-key", public)


def test_every_server_with_the_key_signs(cluster, tmp_path):
    """Guards the evidence where no chain is: what two servers erased is signed, checked with the key alone, and tampering shows. One
    without the key says as before."""
    keys = Keys(tmp_path)
    first, second, plain = cluster.api(*keys.flags()), cluster.api(*keys.flags()), cluster.api()
    cluster.worker()
    first.wait_stored(first.record([{"userId": "gone", "action": "a"} for _ in range(5)])["results"][-1]["id"])
    receipt, again = tmp_path / "receipt", tmp_path / "again"
    document = erase(first, receipt)
    assert document["receipt"] == {"store": "mongodb", "durable": True, "chain": None} and document["erased"] == 5, document
    assert erase(second, again)["signedBy"] == document["signedBy"]
    for file, count in ((receipt, 5), (again, 0)):
        result = verify(file, keys.public)
        assert result.returncode == 0 and f": {count} activities erased, " in result.stdout, result
    receipt.write_text(json.dumps({**document, "erased": 4}), encoding="utf-8")
    result = verify(receipt, keys.public)
    assert result.returncode == 1 and "its erased is not what was signed" in result.stderr, result
    assert "signed" not in erase(plain, tmp_path / "plain")
    assert "nobody signed this receipt" in verify(tmp_path / "plain", keys.public).stderr
    for api in (first, plain):
        problem = expect.problem(api.get("/api/v1/checkpoint"), 404)
        assert problem["type"] == "/problems/no-checkpoints", problem
