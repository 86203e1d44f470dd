"""Which event log and store the scenario tests use: USERTRAIL_TEST_PAIR, such as "kafka,mongodb"; local,local when it is not
set. With servers of their own the tests need USERTRAIL_TEST_KAFKA and USERTRAIL_TEST_MONGODB, which
tests/servers/servers.py sets for a command. Every service gets a topic and a database of its own.

What a test needs of the pair it says by the marks below; where the pair has it not, the test is skipped and says why.
"""

import os
import uuid

import pytest

LOG, STORE = os.environ.get("USERTRAIL_TEST_PAIR", "local,local").split(",")
LOCAL = (LOG, STORE) == ("local", "local")
DURABILITY = {"local": "local-disk", "kafka": "replicated", "memory": "memory"}[LOG]
LOG_SURVIVES = LOG != "memory"
STORE_SURVIVES = STORE != "memory"

# The stand-in for MongoDB looks through all it has for each question, so there are fewer of them, and those who write beside
# readers pause between two activities.
SCANS = STORE == "mongodb"
PAUSE_SECONDS = 0.01 if SCANS else 0

# Workers of this pair are a group, which waits for a member that was killed before it gives away what that had: here for as long
# as brokers at least make it, where most tests that kill have nothing to do but to wait for that.
GROUP = (LOG, STORE) == ("kafka", "mongodb")
GROUP_FLAGS = ["--kafka.session.timeout.ms", "6000"]

# A log in memory drops at once what a store that is durable at once has taken, also before somebody who follows it has read it.
LOG_KEEPS = (LOG, STORE) != ("memory", "mongodb")


def some(count):
    """How many examples of so many this pair takes."""
    return count // 5 if SCANS else count


def keeps_stored(end):
    """Whether what the store has is there after a "stop" or a "kill". A local store seals at a clean stop what it has in memory
    until then, and after a kill takes that from the log."""
    return LOG_SURVIVES or STORE == "mongodb" or (STORE == "local" and end == "stop")


def needs(condition, reason):
    return pytest.mark.skipif(not condition, reason=f"{LOG},{STORE}: {reason}")


needs_kept_log = needs(LOG_SURVIVES, "a log in memory keeps nothing over an end")
needs_kept_store = needs(STORE_SURVIVES, "a store in memory keeps nothing over an end")
needs_log_that_keeps = needs(LOG_KEEPS, "the log drops what the store has taken, and followers are told of a gap")
needs_local_log = needs(LOG == "local", "the log has no files here")
needs_local_store = needs(STORE == "local", "the store has no files here")
names_its_own = needs(LOCAL, "names a log and store of its own, which is the same test for every pair")


def needs_kept(end):
    return needs(keeps_stored(end), f"what was stored is not kept over a {end}")


def ends():
    """Both ends of a process as parameters."""
    return [pytest.param(end, marks=needs_kept(end)) for end in ("stop", "kill")]


def flags():
    """For one service and all that come after it on the same data."""
    if LOCAL:
        return []
    return ["--event-log", LOG, "--store", STORE, *server_flags()]


def server_flags():
    name = f"usertrail-{uuid.uuid4().hex[:12]}"
    made = []
    if LOG == "kafka":
        made += ["--kafka-brokers", os.environ["USERTRAIL_TEST_KAFKA"], "--kafka-topic", name, "--kafka-group", name,
                 "--kafka-partitions", "3", *(GROUP_FLAGS if GROUP else [])]
    if STORE == "mongodb":
        made += ["--mongodb-uri", f"{os.environ['USERTRAIL_TEST_MONGODB']}/{name}"]
    return made
