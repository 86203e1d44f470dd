"""The refused list where others write to the log: what is no activity is listed, whatever store is behind it, and sending it
again says why it stays."""

import base64
import json
import os
import sys

import expect
import pair
import service as services
import sums
from refusals import resend, wait_listed

sys.path.insert(0, str(services.ROOT / "tests" / "servers"))
from clients import KafkaClient  # noqa: E402

NO_ACTIVITIES = [b"not JSON", b"{}", b'{"userId":"a","action":7}', b'{"userId":"a","action":"b"', b"\xff\xfe"]
GOOD = {"id": "good", "userId": "a", "action": "b"}

pytestmark = pair.needs(pair.LOG == "kafka", "nobody else writes to this log")


def send_to_log(service, *messages):
    topic = service.flags[service.flags.index("--kafka-topic") + 1]
    with KafkaClient(os.environ["USERTRAIL_TEST_KAFKA"], topic) as client:
        for message in messages:
            assert client.send(message)


def raw_of(entry):
    return entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["rawBase64"])


def test_what_is_no_activity_is_listed_and_stays(fresh):
    """Guards the list on each store: every message that is none is there once, with its bytes and a reason, behind a restart, too;
    what is fine beside it is stored; none can be sent again, one by one or together; and the sums know of them."""
    send_to_log(fresh, *NO_ACTIVITIES, json.dumps(GOOD).encode())
    fresh.wait_stored("good")
    entries = wait_listed(fresh, len(NO_ACTIVITIES))
    assert {raw_of(entry) for entry in entries} == set(NO_ACTIVITIES) and all(entry["reason"] for entry in entries)
    for entry in entries:
        expect.problem(resend(fresh, f"/{entry['id']}/resend"), 409)
    answer = resend(fresh).json
    assert (answer["resent"], answer["listed"], len(answer["kept"])) == (0, len(NO_ACTIVITIES), len(NO_ACTIVITIES))
    log = sums.account(fresh)["logs"][0]
    assert (log["stored"], log["refused"], log["pending"]) == (1, len(NO_ACTIVITIES), 0)
    fresh.restart()
    assert {entry["id"] for entry in wait_listed(fresh, len(NO_ACTIVITIES))} == {entry["id"] for entry in entries}
