"""usertrail as people deploy it around Kafka and MongoDB: API servers and workers as processes of their own on one topic and
one database. A cluster names both anew, so that clusters share servers without seeing each other."""

import contextlib
import datetime
import json
import time
import uuid

import node_programs
import service as services
import wire
from clients import mongo_command

PARTITIONS = 6
HEARTBEAT_SECONDS = 3  # of the group's members, as librdkafka sets it


class Cluster:
    """`kafka` and `mongodb` are servers of tests/servers, ours or named. close() ends every process that was made here."""

    def __init__(self, kafka, mongodb, topic=None, partitions=PARTITIONS):
        self.kafka = kafka
        self.mongodb = mongodb
        self.name = topic or f"usertrail-{uuid.uuid4().hex[:12]}"
        self.group = f"{self.name}-workers"
        self.partitions = partitions
        self.made = []

    # --- processes ---

    def flags(self):
        return ["--event-log", "kafka", "--store", "mongodb", "--kafka-brokers", self.kafka.address, "--kafka-topic", self.name,
                "--kafka-group", self.group, "--kafka-partitions", self.partitions,
                "--mongodb-uri", f"{self.mongodb.address}/{self.name}", "--connect-timeout", "30s"]

    def make(self, role, *flags, listen=None, extra=None):
        """One process of a role, not started yet; it comes back on the same address after a kill."""
        listen = listen or f"127.0.0.1:{services.free_port()}"
        one = services.Service("--role", role, *self.flags(), "--listen", listen, *flags, extra=extra)
        self.made.append(one)
        return one

    def quick_store(self, seconds):
        """Flags with which a store that hangs is given up after so many seconds instead of ten."""
        return ["--mongodb-uri", f"{self.mongodb.address}/{self.name}?socketTimeoutMS={seconds * 1000}"]

    def api(self, *flags, extra=None):
        return self.make("api", *flags, extra=extra).start()

    def worker(self, *flags, extra=None):
        return self.make("worker", *flags, extra=extra).start()

    def close(self):
        for one in self.made:
            one.close()
        with contextlib.suppress(ConnectionError):
            mongo_command(self.mongodb.address, {"dropDatabase": 1}, self.name, timeout_ms=2000)
        self.kafka.forget(self.name)
        self.mongodb.forget(self.name)

    # --- what is where ---

    def count_documents(self, collection="activities"):
        return mongo_command(self.mongodb.address, {"count": collection, "query": {}}, self.name)["n"]

    def documents(self, collection="activities", batch=100000):
        """All of a small collection."""
        answer = mongo_command(self.mongodb.address, {"find": collection, "filter": {}, "batchSize": batch}, self.name)
        assert answer["cursor"]["id"] == 0, "more than one batch"
        return answer["cursor"]["firstBatch"]

    def delete_documents(self, query, collection="activities"):
        deletes = [{"q": query, "limit": 0}]
        return mongo_command(self.mongodb.address, {"delete": collection, "deletes": deletes}, self.name)["n"]

    def raise_erasures(self, user, ahead_seconds):
        """As if the user had been erased by a clock that is so far ahead."""
        ahead = {"$date": {"$numberLong": str(int((time.time() + ahead_seconds) * 1000))}}
        updates = [{"q": {"_id": user}, "u": {"$set": {"erasedAt": ahead}}}, {"q": {"_id": 0}, "u": {"$set": {"erasedUntil": ahead}}}]
        assert mongo_command(self.mongodb.address, {"update": "erasures", "updates": updates}, self.name)["n"] == len(updates)

    @staticmethod
    def now():
        """As a timestamp behind everything that happened so far."""
        time.sleep(0.01)
        return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def wait_documents(self, count, timeout=60):
        wire.wait_until(lambda: self.count_documents() >= count, f"{count} documents", timeout * services.PATIENCE, 0.1)
        found = self.count_documents()
        assert found == count, f"{found} documents, not {count}"


@contextlib.contextmanager
def cluster(kafka, mongodb, **options):
    one = Cluster(kafka, mongodb, **options)
    try:
        yield one
    finally:
        one.close()


class Ledger:
    """What a load client noted, held against what the API answers."""

    def __init__(self, folder):
        self.path = folder / "ledger"

    def start(self, api, *arguments):
        return services.start_load(api, self.path, "--reconnect-seconds", 30, *arguments)

    def judge(self, api, wait_seconds=30, timeout=180, workers=()):
        """Everything acknowledged is stored, each once, as it was sent, in the order of each connection. It is looked at once
        the workers have caught up, where they are named: before, all would be read for nothing, which the stand-in takes long for."""
        if workers:
            wait_for_lag(workers, timeout=wait_seconds)
        code, verdict = services.load("check", api, "--ledger", self.path, "--wait-seconds",
                                      wait_seconds * services.PATIENCE, timeout=timeout)
        assert code == 0, verdict
        return verdict


# A worker that was killed keeps its partitions from the others for as long as a session: as short as a broker lets it be.
SHORT_SESSION = ["--kafka.session.timeout.ms", 6000]


def lag(worker):
    return worker.get("/health").json["worker"]["pending"]


def wait_for_lag(workers, most=0, timeout=60):
    wire.wait_until(lambda: sum(map(lag, workers)) <= most, f"a lag of {most}", timeout * services.PATIENCE, 0.05)


def spill(api):
    return api.get("/readyz?verbose").json["eventLog"]["spill"]


def wait_for_empty_spill(api):
    wire.wait_until(lambda: spill(api)["activities"] == 0, "an empty spill", 90 * services.PATIENCE, 0.1)


def log_lines(service):
    """What the process wrote, as far as it is JSON."""
    lines = []
    for line in service.stderr.splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    return lines


def changes(worker):
    """What the group gave to this process and took from it, in order."""
    signs = {"the group gave partitions to this member": 1, "the group took partitions from this member": -1}
    return [signs[line["message"]] * line["partitions"] for line in log_lines(worker) if line["message"] in signs]


def partitions_of(worker):
    return sum(changes(worker))


def changes_of_the_only(worker):
    """Once it has all partitions."""
    wire.wait_until(lambda: partitions_of(worker) == PARTITIONS, "all partitions", 30 * services.PATIENCE, 0.05)
    return changes(worker)


def wait_for_settled_group(workers):
    """Until nothing changed for longer than members wait before they ask again."""
    def quiet():
        before = list(map(changes, workers))
        time.sleep(HEARTBEAT_SECONDS + 1.5)
        return list(map(changes, workers)) == before

    wire.wait_until(quiet, "a group that is settled", 60 * services.PATIENCE, 0.05)


def consume(cluster, topic=None, seconds=30, group=None):
    """All messages of a topic, as kafkajs reads them; a group then knows how far it came."""
    return node_programs.run("consume.mjs", "--broker", cluster.kafka.address, "--topic", topic or cluster.name,
                             "--seconds", seconds, *(("--group", group) if group else ()))


def expect_users_in_order(cluster, count, seconds=30):
    """Of a load with a user for each connection, which waits for one answer before it sends the next: what the topic has of a
    user is in the order of sending, as far as it is not there again, as it may be after an answer was lost. The ledger cannot
    say that, as the store orders by time."""
    last, ids = {}, set()
    for message in consume(cluster, seconds=seconds):
        activity = json.loads(message["value"])
        if activity["id"] in ids:
            continue
        ids.add(activity["id"])
        key, sent = message["key"], activity["metadata"].get("key", activity["id"])
        assert last.get(key, "") < sent, f"{sent} of {key} comes behind {last[key]}"
        last[key] = sent
    assert len(ids) == count, f"the topic has {len(ids)} activities, not {count}"
