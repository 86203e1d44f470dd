"""A backup of the folder of an API server: what it has is the spill, which holds what was acknowledged and is in no topic yet."""

import shutil

import service as services
from cluster import spill, wait_for_empty_spill, wait_for_lag


def test_a_spill_in_a_backup(cluster, ledger, tmp_path):
    """Guards what was answered local-disk: from a backup that was made while Kafka was away it goes into the topic when the server's
    disk is lost, and is stored once, also what the server had forwarded before. No kind of file is forgotten."""
    api, worker = cluster.api("--log-segment-bytes", "64KiB"), cluster.worker()
    cluster.kafka.proxy.cut()
    figures = services.finish_load(ledger.start(api, "--connections", 8, "--count", 2000))
    assert figures["acknowledged"] == 2000 and spill(api)["activities"] == 2000
    (api.data / "spill" / "set-aside").mkdir()
    (api.data / "spill" / "set-aside" / "too-large.ndjson").write_text("{}\n")
    backup = tmp_path / "backup"
    made = services.run_program("backup", api.data, backup)
    assert made.returncode == 0 and made.stderr == "", made
    kept = {path.relative_to(backup).as_posix() for path in backup.rglob("*") if path.is_file()}
    assert {"spill/log-id", "spill/topic", "spill/set-aside/too-large.ndjson"} <= kept
    there = {path.relative_to(api.data).as_posix() for path in api.data.rglob("*") if path.is_file()}
    assert {name for name in there - kept if not name.endswith(".segment")} == {"spill/lock"}, (there, kept)
    cluster.kafka.proxy.resume()
    wait_for_empty_spill(api)
    moved = tmp_path / "moved"
    assert services.run_program("backup", api.data, moved).returncode == 0 and (moved / "spill" / "moved").exists()
    api.kill()
    for folder in (backup, moved):
        shutil.rmtree(api.data)
        restored = services.run_program("restore", folder, api.data)
        assert restored.returncode == 0, restored
        api.start("--log-segment-bytes", "64KiB")
        wait_for_empty_spill(api)
        wait_for_lag([worker])
        ledger.judge(api, wait_seconds=60)
        assert cluster.count_documents() == 2000
        api.kill()
