"""Refused activities that are sent again once what kept them out is mended, on every pair whose list outlives the process that is
mended: one by itself, then all, each stored once and as it was."""

import json
import os
import sys

import pair
import refused_file
import service as services
import sums
from refusals import listed, resend, wait_listed

sys.path.insert(0, str(services.ROOT / "tests" / "servers"))
from clients import mongo_command  # noqa: E402

COUNT = 12
INDEX = "somebodys_own"

pytestmark = pair.needs_kept_store


def activity(number):
    return {"id": f"r-{number:02}", "userId": f"user-{number % 5}", "action": "act", "metadata": {"n": number, "serial": 0}}


def refused_by_another_version(make_service):
    """The store's folder has what an earlier version refused and this one takes. Nothing is left to be mended."""
    service, _ = refused_file.make(make_service, *(json.dumps(activity(number)).encode() for number in range(COUNT)))
    return service.start(), lambda: None


def refused_by_an_index(make_service):
    """Somebody gave the collection a unique index, and takes it away again."""
    service = make_service().start()
    database = service.flags[service.flags.index("--mongodb-uri") + 1].rpartition("/")[2]

    def command(**members):
        mongo_command(os.environ["USERTRAIL_TEST_MONGODB"], members, database)

    service.wait_stored(service.record({**activity(99), "id": "first"})["id"])
    command(createIndexes="activities", indexes=[{"key": {"metadata.serial": 1}, "name": INDEX, "unique": True, "sparse": True}])
    service.record([activity(number) for number in range(COUNT)])
    return service, lambda: command(dropIndexes="activities", index=INDEX)


def test_sent_again_after_the_cause_was_mended(make_service):
    """Guards one and all of the list, their place in the log, and the sums, whatever log and store are behind them."""
    service, mend = {"local": refused_by_another_version, "mongodb": refused_by_an_index}[pair.STORE](make_service)
    refused = wait_listed(service, COUNT)
    before = len(service.walk())
    mend()
    answer = resend(service, f"/{refused[0]['id']}/resend")
    assert answer.status == 200 and answer.json["durability"] == pair.DURABILITY
    assert answer.json["activityId"] == json.loads(refused[0]["raw"])["id"]
    service.wait_stored(answer.json["activityId"])
    assert listed(service) == [entry["id"] for entry in refused[1:]]
    rest = resend(service, f"/resend?limit={COUNT}").json
    assert (rest["resent"], rest["listed"], rest["kept"]) == (COUNT - 1, 0, [])
    rows = service.wait_count(before + COUNT)
    stored = {row["id"]: {name: row[name] for name in ("id", "userId", "action", "metadata")} for row in rows}
    assert {id: stored[id] for id in stored if id != "first"} == {activity(n)["id"]: activity(n) for n in range(COUNT)}
    refusals = COUNT if pair.STORE == "mongodb" else 0  # of this log
    sums.wait_handled(service, before + COUNT + refusals)
    document = sums.account(service)
    log = document["logs"][0]
    assert (log["stored"], log["refused"], document["edge"]["resent"]) == (before + COUNT, refusals, COUNT)
    service.restart()
    assert listed(service) == []
