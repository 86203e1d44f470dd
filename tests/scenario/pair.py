"""Which event log and store the scenario tests use: USERTRAIL_TEST_PAIR, such as "kafka,mongodb"; local,local when it is not
set. With servers of their own the tests need USERTRAIL_TEST_KAFKA and USERTRAIL_TEST_MONGODB, which
tests/servers/servers.py sets for a command. Every service gets a topic and a database of its own."""

import os
import uuid

LOG, STORE = os.environ.get("USERTRAIL_TEST_PAIR", "local,local").split(",")
DURABILITY = {"local": "local-disk", "kafka": "replicated", "memory": "memory"}[LOG]
LOG_SURVIVES = LOG != "memory"


def flags():
    """For one service and all that come after it on the same data."""
    if (LOG, STORE) == ("local", "local"):
        return []
    return ["--event-log", LOG, "--store", STORE, *server_flags()]


def server_flags():
    name = f"usertrail-{uuid.uuid4().hex[:12]}"
    made = []
    if LOG == "kafka":
        made += ["--kafka-brokers", os.environ["USERTRAIL_TEST_KAFKA"], "--kafka-topic", name, "--kafka-group", name,
                 "--kafka-partitions", "3"]
    if STORE == "mongodb":
        made += ["--mongodb-uri", f"{os.environ['USERTRAIL_TEST_MONGODB']}/{name}"]
    return made
