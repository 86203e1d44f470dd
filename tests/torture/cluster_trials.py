"""Trials of tests/torture/run around Kafka and MongoDB: API servers and workers as processes of their own, with everything in
turn killed, cut off and restarted under load, and the ledger as judge.

The stand-in for MongoDB looks through all it has for each page, so that a trial goes in windows: a new topic and database
after some ten thousand activities, each judged by itself. A user's own servers take the place of ours where
USERTRAIL_TEST_KAFKA and USERTRAIL_TEST_MONGODB name them, but for a broker that is to be killed. The death of such a MongoDB
can be a trial, too, which the stand-in's cannot: USERTRAIL_TEST_MONGODB_KILL is then a command that kills it by SIGKILL and
starts it again, and returns when it answers.
"""

import contextlib
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("scenario", "servers", "distributed", "node")]

import cluster as clusters  # noqa: E402
import node_programs  # noqa: E402
import service as services  # noqa: E402
import wire  # noqa: E402
from front import DELAY_FLAGS, front  # noqa: E402
from named import mortal, named_or_ours, own_servers  # noqa: E402
from servers import KafkaServer, MongoServer  # noqa: E402

KILLS_USUAL = 500  # of run's --kills, by which the other amounts are scaled
KILLS_IN_WINDOW = 12
STEPS_IN_WINDOW = 12
STEP_SECONDS = 5
OUTAGE_SECONDS = 60
OUTAGE_RATE = 2000
STEPS = 120  # of workers that come and go: ten minutes
REPLAYED = 200000
RESTARTS = 100
RESTARTS_IN_WINDOW = 10
WORKERS_MAX = 5
WAYS = (["--rate", 700], ["--rate", 20, "--batch", 40], ["--rate", 700, "--ordered-user-per-connection"],
        ["--rate", 700, "--server-ids", "--ordered-user-per-connection"])


def scaled(options, amount, least):
    return max(least, min(amount, amount * options.kills // KILLS_USUAL))


@contextlib.contextmanager
def both_servers(**options):
    """Of the stand-in, which keeps all in memory."""
    with named_or_ours(KafkaServer) as kafka, named_or_ours(MongoServer, backend="memory", **options) as mongodb:
        yield kafka, mongodb


class Window:
    """One topic, one database and one ledger, of which nothing is left unless something failed."""

    def __init__(self, kafka, mongodb):
        self.cluster = clusters.Cluster(kafka, mongodb)
        self.folder = Path(tempfile.mkdtemp(prefix="usertrail-torture-"))
        self.ledger = clusters.Ledger(self.folder)
        self.workers = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.keep()
            return
        self.cluster.close()
        (self.folder / "ledger").unlink(missing_ok=True)
        self.folder.rmdir()

    def keep(self):
        """Ends the processes and leaves their folders for a person to look at."""
        for one in self.cluster.made:
            if one.process is not None:
                one.process.kill()
                one.process.wait()
        print("\nkept for a look:", self.folder, *(one.home for one in self.cluster.made), flush=True)

    def start(self, workers, flags=()):
        self.api = self.cluster.api(*flags)
        self.workers = [self.cluster.worker() for _ in range(workers)]
        return self

    def load(self, *arguments):
        return self.ledger.start(self.api, "--connections", 16, "--seconds", 600, *arguments)

    def forget_connections(self):
        """The servers have closed those that were idle for long."""
        for one in (self.api, *self.workers):
            one.forget_connection()

    def judge(self):
        """The spill is empty, everything acknowledged is stored, nothing is behind, and every end is clean."""
        self.forget_connections()
        wire.wait_until(lambda: self.api.get("/readyz?verbose").json["eventLog"]["spill"]["activities"] == 0, "an empty spill",
                        120 * services.PATIENCE, 0.1)
        verdict = self.ledger.judge(self.api, wait_seconds=120, timeout=900)
        self.forget_connections()
        clusters.wait_for_lag(self.workers)
        for one in (self.api, *self.workers):
            one.stop(timeout=60)
        return verdict


def end_load(process):
    """The load goes on until it is told to end, and is answered to its end."""
    process.terminate()
    figures = services.finish_load(process, timeout=120)
    assert figures["acknowledged"] > 0, figures
    return figures


def expect_no_failure(figures):
    assert figures["refused"] == figures["unknown"] == figures["rejected"] == 0, figures


# --- kills ---


def kafka_kills(options, progress):
    """kill -9 of the API server, a worker and the broker in turn under load, and of the store where that can be."""
    chance = random.Random(options.seed)
    with both_servers() as (named, mongodb), mortal(named, KafkaServer, "to be killed", proxied=True) as kafka:
        for line in own_servers:
            progress.say(line)
        victims = ["api", "worker", "broker", "store"]
        count, done, acknowledged = scaled(options, 100, 2) * len(victims), 0, 0
        while done < count:
            with Window(kafka, mongodb) as window:
                window.start(workers=2)
                for _ in range(min(KILLS_IN_WINDOW, count - done)):
                    acknowledged += kill_under_load(window, victims[done % len(victims)], chance)
                    done += 1
                    progress.tell(f"{done} of {count} kills, {acknowledged} acknowledged")
                verdict = window.judge()
            progress.tell(f"{done} of {count} kills, {acknowledged} acknowledged, none missing of the last {verdict['acknowledged']}")


def kill_under_load(window, victim, chance):
    process = window.load(*chance.choice(WAYS))
    moment(chance)
    if victim == "store":
        kill_store(window.cluster.mongodb, chance)
    else:
        one = {"api": window.api, "worker": chance.choice(window.workers), "broker": window.cluster.kafka}[victim]
        one.kill()
        if victim != "api":
            moment(chance)
        one.start()
    moment(chance)
    figures = end_load(process)
    if victim != "api":
        expect_no_failure(figures)
    return figures["acknowledged"]


def kill_store(store, chance):
    """The stand-in would lose what it acknowledged: it is cut off instead, with what was under way, as is a store of others
    that nobody said how to kill."""
    if store.foreign and store.kill_command:
        store.kill_and_start()
        return
    store.proxy.cut()
    moment(chance)
    store.proxy.resume()


def moment(chance):
    time.sleep(chance.uniform(0.1, 0.8) * services.PATIENCE)


# --- outages ---


def kafka_outages(options, progress):
    """The broker away for a minute, cut off and hanging, then the store, at 2,000 activities a second: no failure is answered,
    all is there afterwards, in the topic each user's in order, and workers keep their partitions while the store is away."""
    seconds = scaled(options, OUTAGE_SECONDS, 5)
    with both_servers(java_options=["-Xmx768m"]) as (kafka, mongodb):
        outages = {"the broker cut off": (kafka.proxy.cut, kafka.proxy.resume),
                   "the broker hanging": (kafka.pause, kafka.resume),
                   "the store cut off": (mongodb.proxy.cut, mongodb.proxy.resume),
                   "the store hanging": (mongodb.pause, mongodb.resume)}
        for name, (begin, end) in outages.items():
            with Window(kafka, mongodb) as window:
                window.start(workers=2)
                clusters.wait_for_settled_group(window.workers)
                given = list(map(clusters.changes, window.workers))
                process = window.load("--rate", OUTAGE_RATE // 20, "--batch", 20, "--ordered-user-per-connection")
                time.sleep(2)
                begin()
                time.sleep(seconds)
                end()
                time.sleep(2)
                figures = end_load(process)
                expect_no_failure(figures)
                begun = time.monotonic()
                if "store" in name:
                    clusters.wait_for_lag(window.workers, timeout=600)
                    assert list(map(clusters.changes, window.workers)) == given, "the group did not leave partitions where they were"
                verdict = window.judge()
                clusters.expect_users_in_order(window.cluster, figures["acknowledged"], seconds=50)
                progress.say(f"{name} for {seconds} s, {verdict['acknowledged']} acknowledged and there, judged after "
                             f"{time.monotonic() - begun:.0f} s")


# --- workers that come and go ---


def kafka_workers(options, progress):
    """A worker joins, leaves, or is killed every five seconds for ten minutes, under load."""
    chance = random.Random(options.seed)
    count, done, acknowledged = scaled(options, STEPS, 4), 0, 0
    with both_servers() as (kafka, mongodb):
        while done < count:
            with Window(kafka, mongodb) as window:
                window.start(workers=1)
                process = window.load("--rate", 300)
                for _ in range(min(STEPS_IN_WINDOW, count - done)):
                    time.sleep(STEP_SECONDS)
                    act = change_workers(window, chance)
                    done += 1
                    progress.tell(f"{done} of {count} changes, the last: {act}, {len(window.workers)} workers")
                figures = end_load(process)
                expect_no_failure(figures)
                acknowledged += figures["acknowledged"]
                window.judge()
                progress.tell(f"{done} of {count} changes, {acknowledged} acknowledged, none missing")


def change_workers(window, chance):
    workers = window.workers
    few, many = len(workers) == 1, len(workers) >= WORKERS_MAX
    act = chance.choice(("join",) if few else ("leave", "kill") if many else ("join", "leave", "kill"))
    if act == "join":
        workers.append(window.cluster.worker())
    else:
        one = workers.pop(chance.randrange(len(workers)))
        one.stop(timeout=30) if act == "leave" else one.kill()
    return act


# --- replay ---


def kafka_replay(options, progress):
    """A whole topic read again three times: neither count nor content of the store changes."""
    count = scaled(options, REPLAYED, 2000)
    with both_servers(java_options=["-Xmx1g"]) as (kafka, mongodb), Window(kafka, mongodb) as window:
        window.start(workers=2)
        figures = services.finish_load(window.ledger.start(window.api, "--connections", 4, "--batch", 500, "--count", count), 600)
        assert figures["acknowledged"] == count, figures
        window.cluster.wait_documents(count, timeout=600)
        before = hash_store(window.cluster)
        for number in range(3):
            begun = time.monotonic()
            result = services.run_program("replay", *window.cluster.flags(), "--from", "0", timeout=1200)
            assert result.returncode == 0 and f"{count} activities read" in result.stdout + result.stderr, result
            assert window.cluster.count_documents() == count
            assert hash_store(window.cluster) == before, f"replay {number + 1} changed what is stored"
            progress.say(f"{count} activities read {number + 1} times again, unchanged, the last in {time.monotonic() - begun:.0f} s")


def hash_store(cluster):
    """Over all documents with all their members, by time."""
    program = node_programs.command("read_store.mjs", "--uri", f"{cluster.mongodb.address}/{cluster.name}", "--seconds", 600)
    digest, lines = hashlib.sha256(), 0
    with subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            digest.update(line)
            lines += 1
    assert process.returncode == 0 and lines == cluster.count_documents(), f"{lines} documents were read"
    return digest.hexdigest()


# --- rolling restarts ---


def rolling_restarts(options, progress):
    """A hundred restarts of two API servers in turn behind nginx, under load and questions: not one request fails."""
    count, done, acknowledged = scaled(options, RESTARTS, 4), 0, 0
    with both_servers() as (kafka, mongodb):
        while done < count:
            with Window(kafka, mongodb) as window:
                window.start(workers=1, flags=DELAY_FLAGS)
                apis = [window.api, window.cluster.api(*DELAY_FLAGS)]
                with front(apis) as one:
                    process = window.ledger.start(one, "--connections", 16, "--seconds", 3600, "--rate", 400)
                    for _ in range(min(RESTARTS_IN_WINDOW, count - done)):
                        apis[done % 2].restart()
                        done += 1
                        progress.tell(f"{done} of {count} restarts, {acknowledged} acknowledged")
                    figures = end_load(process)
                    expect_no_failure(figures)
                    failed = [request for request in one.requests() if request["status"] >= 400]
                    assert figures["connectionsBroken"] == 0 and not failed, (figures, failed[:5], one.errors()[-2000:])
                acknowledged += figures["acknowledged"]
                apis[1].stop(timeout=60)
                window.judge()
    progress.say(f"{done} restarts, {acknowledged} acknowledged and there, no failure")


TRIALS = (kafka_kills, kafka_outages, kafka_workers, kafka_replay, rolling_restarts)
