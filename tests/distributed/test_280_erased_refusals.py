"""What was refused of a user who is erased, around a real topic: it leaves the list, and the topic does not bring it back."""

import json

import expect
import service as services
import wire
from clients import KafkaClient
from cluster import consume, wait_for_lag
from refusals import entries, resend



def listed(api):
    return sorted(entry.get("raw") or entry["rawBase64"] for entry in entries(api))


def wait_listed(api, texts):
    wire.wait_until(lambda: listed(api) == sorted(texts), f"{len(texts)} are listed", 30 * services.PATIENCE, 0.1)


def refused_of(api, user):
    """What all about one user says of it."""
    lines = [json.loads(line) for line in api.get(f"/api/v1/users/{user}/export").text.splitlines()]
    assert lines[-1] == {"type": "end", "userId": user, "activities": 0, "refused": len(lines) - 1}
    return sorted(line["data"]["raw"] for line in lines[:-1])


def send(cluster, texts):
    with KafkaClient(cluster.kafka.address, cluster.name) as producer:
        for text in texts:
            assert producer.send(text.encode())


def poison(user, count, first=0):
    """Each names its user, and is refused for something else."""
    return [json.dumps({"userId": user, "number": number}) for number in range(first, first + count)]


def test_the_topic_does_not_bring_it_back(cluster):
    """Guards an erasure against everything that reads the topic again or for the first time: what is in the list goes, what waits in
    the topic does not come into it, and a replay brings neither; others' stays, what comes afterwards is listed, and it adds up."""
    api, worker = cluster.api(), cluster.worker()
    bobs = [*poison("bob", 3), "[]"]
    anns = poison("ann", 4)
    send(cluster, [*anns[:2], *bobs, *anns[2:]])
    wait_listed(api, anns + bobs)
    ids = {entry["raw"]: entry["id"] for entry in entries(api)}
    assert refused_of(api, "ann") == sorted(anns) and refused_of(api, "bob") == sorted(bobs[:3])
    worker.stop()
    send(cluster, poison("ann", 2, 10))  # received before the erasure, and read after it
    answer = api.request("DELETE", "/api/v1/users/ann")
    assert answer.status == 200 and answer.json["refused"] == 4, answer
    assert "refused-topic" in [place["what"] for place in answer.json["outOfReach"]]
    assert listed(api) == sorted(bobs) and refused_of(api, "ann") == []
    expect.problem(resend(api, f"/{ids[anns[0]]}/resend"), 404)
    worker.start()
    later = poison("ann", 1, 20)
    send(cluster, later)
    wait_listed(api, bobs + later)
    wait_for_lag([worker])
    result = services.run_program("replay", *cluster.flags(), "--from", "0", timeout=60)
    assert result.returncode == 0, result.stderr
    assert listed(api) == sorted(bobs + later) and refused_of(api, "ann") == later
    sums = api.get("/api/v1/accounting").json
    assert sums["closes"], sums
    assert sums["logs"][0]["refused"] == len(anns) + len(bobs) + 2 + len(later)
    sent = [message["value"] for message in consume(cluster, f"{cluster.name}.refused")]
    assert [text for text in sent if '"number": 1' in text and "ann" in text] == [anns[1]]  # 10 and 11 are not sent there
