"""The program around Kafka and MongoDB, beside what it is made of: a bare epoll server for HTTP, bare librdkafka for sending,
a bare loop of libmongoc's bulks for storing; and beside the same service on Express with kafkajs.

Kafka and the stand-in for MongoDB are those of tests/servers, or the ones that the environment names. All of them run on the
cores that are measured, so what is compared is CPU time of one process, apart from the worker: it waits for MongoDB mostly,
and is compared by the time on the wall.
"""

import contextlib
import importlib.util
import json
import subprocess
import sys
import threading
import time

import figures
import servers
from figures import statistics

TESTS = servers.ROOT / "tests"
sys.path += [str(TESTS / "servers"), str(TESTS / "node")]

import clients  # noqa: E402
import node_programs  # noqa: E402
from tail import fill_own_write_row, read_own_writes  # noqa: E402


def load_module(name, path):
    """Under a name of its own: that of the tests' servers is taken."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


test_servers = load_module("usertrail_test_servers", TESTS / "servers/servers.py")

CONNECTIONS = 256
ARRAY_CONNECTIONS = 8
BATCH = 1000
PARTITIONS = 6
SESSIONS = 4
OWN_WRITE_LOAD = 500  # activities a second
ACTIVITY = '{"userId":"bench","action":"LOOK","metadata":{"path":"/products/1"}}'
YARDSTICK_SECONDS_MAX = 300
POLL_SECONDS = 0.05

SINGLES = ("--connections", CONNECTIONS)
ARRAYS = ("--connections", ARRAY_CONNECTIONS, "--batch", BATCH)

AWAY = {"killed": test_servers.KafkaServer.kill, "paused": test_servers.KafkaServer.pause}

# Two hundred thousand documents as Java objects.
STAND_IN = {"backend": "memory", "java_options": ["-Xmx2g"]}


class Setting:
    """Where Kafka and MongoDB are, and a topic, a group and a database for each measurement."""

    def __init__(self, tools, threads, folder, addresses):
        self.tools, self.threads, self.folder = tools, threads, folder
        self.kafka, self.mongodb = addresses
        self.names = (f"bench-{time.time_ns():x}-{number}" for number in range(1 << 30))

    def make_topic(self):
        topic = next(self.names)
        node_programs.run("produce.mjs", "--broker", self.kafka, "--topic", topic, "--partitions", PARTITIONS, "--count", 0)
        return topic

    def usertrail(self, role, topic, database="bench", place=None):
        return servers.usertrail(self.tools, self.folder / (place or role), self.threads, "--role", role, "--event-log", "kafka",
                                 "--store", "mongodb", "--kafka-brokers", self.kafka, "--kafka-topic", topic, "--kafka-group",
                                 f"{topic}-workers", "--mongodb-uri", f"{self.mongodb}/{database}", "--mongodb-sessions",
                                 str(SESSIONS))

    def express(self, topic):
        program = servers.ROOT / "bench/express_service.mjs"
        return servers.listening(node_programs.command(program, "--broker", self.kafka, "--topic", topic),
                                 NODE_ENV="production")

    @contextlib.contextmanager
    def database(self):
        """An empty one, with a collection: the stand-in fails where several sessions make it at the same time."""
        name = next(self.names)
        clients.mongo_command(self.mongodb, {"create": "activities"}, name)
        try:
            yield name
        finally:
            clients.mongo_command(self.mongodb, {"dropDatabase": 1}, name)


def yardstick(program, *arguments):
    result = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=YARDSTICK_SECONDS_MAX,
                            check=False)
    if result.returncode != 0:
        raise servers.BenchError(result.stderr.strip())
    return json.loads(result.stdout)


def middle(values):
    return statistics.median(values)


# --- singles ---


def single_cost(server, tools, plan, *arguments):
    """(requests per CPU-second, requests per second)."""
    server.load(tools, *SINGLES, "--count", plan.warm_up_requests, *arguments)
    done, seconds = servers.cost(server, tools, False, *SINGLES, "--seconds", plan.single_seconds, *arguments)
    return done["requestsAnswered"] / seconds, done["requestsAnswered"] / done["seconds"]


def single_rows(setting, plan):
    tools, own, bare, full, other = setting.tools, [], [], [], []
    row = figures.Row("single POST into Kafka, 256 connections", "requests per CPU-s / bare epoll's, asked as often", 0.45, 0.6)
    beside = figures.Row("the same against Express with kafkajs", "requests per CPU-s / Express's", 40, 60)
    for _ in range(plan.kafka_rounds):
        with setting.usertrail("api", setting.make_topic()) as server:
            length = servers.answer_bytes(server, ACTIVITY)
            own.append(single_cost(server, tools, plan))
        with servers.bare_epoll(tools, length, setting.threads) as server:
            bare.append(single_cost(server, tools, plan, "--rate", round(own[-1][1])))
            full.append(single_cost(server, tools, plan))
        with setting.express(setting.make_topic()) as server:
            other.append(single_cost(server, tools, plan, "--path", "/api/logs"))
        row.values.append(own[-1][0] / bare[-1][0])
        beside.values.append(own[-1][0] / other[-1][0])
    costs = [1e6 / middle(each for each, _ in side) for side in (own, bare, other)]
    rates = [middle(rate for _, rate in side) for side in (own, other, full)]
    row.notes.append(f"{costs[0]:.2f} us of CPU a request against {costs[1]:.2f} us, answers of {length} bytes; {rates[0]:,.0f} "
                     f"requests/s each, with Kafka and the client on the same cores")
    row.notes.append(f"against the bare server at full speed, {rates[2]:,.0f} requests/s without Kafka beside it: "
                     f"{middle(cost for cost, _ in own) / middle(cost for cost, _ in full):.2f}")
    beside.notes.append(f"{costs[0]:.2f} us of CPU a request against {costs[2]:.0f} us; {rates[0]:,.0f} requests/s against "
                        f"{rates[1]:,.0f}; a bare epoll server, which answers and does nothing else, has {costs[2] / costs[1]:.0f} "
                        f"times Express's when it is asked as often, {costs[2] * middle(cost for cost, _ in full) / 1e6:.0f} at full speed")
    return [row, beside]


# --- arrays ---


def array_row(setting, plan):
    """librdkafka gets the very messages that the program has made."""
    row = figures.Row("arrays of 1,000 into Kafka", "activities per CPU-s / bare librdkafka's", 0.5, 0.65)
    own, bare, rates = [], [], []
    for _ in range(plan.kafka_rounds):
        topic = setting.make_topic()
        with setting.usertrail("api", topic) as server:
            done, seconds = servers.cost(server, setting.tools, False, *ARRAYS, "--count", plan.array_activities)
        own.append(done["acknowledged"] / seconds)
        raw = yardstick(setting.tools["producer"], "--brokers", setting.kafka, "--from", topic, "--topic",
                        setting.make_topic(), "--in-flight", ARRAY_CONNECTIONS * BATCH)
        bare.append(raw["messages"] / raw["cpuSeconds"])
        rates.append((done["acknowledged"] / done["seconds"], raw["messages"] / raw["seconds"]))
        row.values.append(own[-1] / bare[-1])
    row.notes.append(f"{1e6 / middle(own):.2f} us of CPU an activity against {1e6 / middle(bare):.2f} us for a message of "
                     f"{raw['bytes'] / raw['messages']:.0f} bytes; {middle(rate[0] for rate in rates):,.0f} a second against "
                     f"{middle(rate[1] for rate in rates):,.0f}")
    return row


# --- the worker ---


def stored_count(setting, database):
    return clients.mongo_command(setting.mongodb, {"count": "activities"}, database)["n"]


def covered_count(setting, database):
    """What the worker has confirmed, from the one document that says so: counting the activities themselves is work for a
    server, which the bare loop beside it is spared."""
    logs = clients.mongo_command(setting.mongodb, {"find": "progress"}, database)["cursor"]["firstBatch"]
    return sum(int(offset) for log in logs for offset in log.get("partitions", {}).values())


def drain_rate(setting, topic, database, count):
    """(documents a second, documents a CPU-second of the worker, its peak MiB). The rates from the first batch that is
    confirmed to the last, so that neither start nor joining the group counts."""
    with setting.usertrail("worker", topic, database) as worker:
        first, begun, used = 0, time.monotonic(), 0.0
        deadline = begun + servers.CAUGHT_UP_SECONDS
        while (now := time.monotonic()) < deadline:
            covered = covered_count(setting, database)
            if covered >= count:
                if not 0 < first < count / 2:
                    raise servers.BenchError(f"the worker had stored {first} of {count} before anybody looked")
                if (stored := stored_count(setting, database)) != count:
                    raise servers.BenchError(f"the worker confirmed {covered} and stored {stored} of {count}")
                return ((count - first) / (now - begun), (count - first) / max(worker.cpu_seconds() - used, 0.01),
                        worker.peak_bytes() / 2**20)
            if not first:
                first, begun, used = covered, now, worker.cpu_seconds()
            time.sleep(POLL_SECONDS)
    raise servers.BenchError(f"the worker stored {covered} of {count} within {servers.CAUGHT_UP_SECONDS} s")


def fill_topic(setting, count):
    topic = setting.make_topic()
    with setting.usertrail("api", topic) as server:
        server.load(setting.tools, *ARRAYS, "--count", count)
    return topic


def bulk_rate(setting, topic, database):
    raw = yardstick(setting.tools["bulk"], "--uri", f"{setting.mongodb}/{database}", "--brokers", setting.kafka, "--from",
                    topic, "--bulk", BATCH, "--sessions", SESSIONS)
    return raw["documents"] / raw["seconds"]


def worker_row(setting, plan):
    """A round beforehand is thrown away, since Java is slower at first. Each worker has a group of its own, and reads a topic
    of its own from the beginning."""
    row = figures.Row("the worker, from Kafka to MongoDB", "documents a second / a bare bulk loop's", 0.9, 0.97)
    own, bare, costs = [], [], []
    for number in range(plan.kafka_rounds + 1):
        topic = fill_topic(setting, plan.worker_activities)
        with setting.database() as database:
            loop = bulk_rate(setting, topic, database)
        with setting.database() as database:
            drained, drained_per_cpu, peak = drain_rate(setting, topic, database, plan.worker_activities)
        if number > 0:
            own.append(drained)
            costs.append(1e6 / drained_per_cpu)
            bare.append(loop)
            row.values.append(drained / loop)
    row.notes.append(f"{middle(own):,.0f} documents a second against {middle(bare):,.0f}, bulks of {BATCH:,} from {SESSIONS} "
                     f"sessions, over {plan.worker_activities:,} documents; the server is the stand-in, with all in memory, "
                     f"unless the environment names another")
    row.notes.append(f"{middle(costs):.2f} us of the worker's CPU a document; peak memory {peak:.0f} MiB")
    return row


# --- reading one's own write ---


def own_write_rows(setting, plan):
    """As it is deployed: API servers and a worker as processes of their own. Alone, and while a load goes on that the worker and the
    store keep up with; both times what was written by one API server is read from another one."""
    rows = []
    for what, rate in (("", 0), (f", {OWN_WRITE_LOAD} other activities a second meanwhile", OWN_WRITE_LOAD)):
        row = figures.Row(f"reading one's own write over Kafka and MongoDB{what}", "ms, p99", 250, 50, smaller=True)
        topic = setting.make_topic()
        with setting.database() as database, setting.usertrail("api", topic, database) as writer, \
                setting.usertrail("api", topic, database, place="second-api") as reader, \
                setting.usertrail("worker", topic, database), contextlib.ExitStack() as stack:
            wait_until_read(writer, reader)
            if rate:
                stack.enter_context(loaded(writer, setting.tools, "--rate", rate, "--connections", ARRAY_CONNECTIONS))
            took = read_own_writes(writer, reader, plan.own_writes)
        rows.append(fill_own_write_row(row, took, "; written by one API server, read from another, stored by a worker"))
    return rows


def wait_until_read(writer, reader):
    """A worker is in its group some seconds after its start, and a question waits for two."""
    deadline = time.monotonic() + servers.READY_SECONDS
    while True:
        try:
            read_own_writes(writer, reader, 20, "warm-up")
            return
        except servers.BenchError:
            if time.monotonic() > deadline:
                raise


@contextlib.contextmanager
def loaded(server, tools, *arguments):
    """The load client goes on as long as the block does; all of it must have been acknowledged."""
    client = subprocess.Popen(server.load_command(tools, *arguments, "--seconds", servers.LOAD_SECONDS_MAX), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    try:
        yield
        if client.poll() is not None:
            raise servers.BenchError("the load ended before what it is the load of")
    finally:
        client.terminate()
        said, complaints = client.communicate()
    servers.read_figures(client.returncode, said, complaints, complete=True)


# --- what an activity costs each part, for whoever reckons how many machines it takes ---

COSTS = {"singles, 256 connections": SINGLES, "arrays of 20, 8 connections": ("--connections", ARRAY_CONNECTIONS, "--batch", 20),
         "arrays of 1,000, 8 connections": ARRAYS}


def topic_bytes(kafka, topic):
    segments = (folder.glob("*.log") for folder in kafka.folder.rglob(f"{topic}-*") if folder.is_dir())
    return sum(segment.stat().st_size for some in segments for segment in some)


def cost_rows(tools, plan, threads, folder):
    """Of a broker of our own, whose process and files can be looked at."""
    rows = []
    with test_servers.KafkaServer(folder=folder / "kafka-costs") as kafka, \
            test_servers.available(test_servers.MongoServer, **STAND_IN) as mongodb:
        setting = Setting(tools, threads, folder, (kafka.address, mongodb))
        for name, load in COSTS.items():
            row = figures.Row(f"Kafka's part, {name}", "us of the broker's CPU an activity")
            topic = setting.make_topic()
            with setting.usertrail("api", topic) as server:
                server.load(tools, *load, "--count", plan.warm_up_requests)
                used, held = servers.cpu_seconds(kafka.process), topic_bytes(kafka, topic)
                done, seconds = servers.cost(server, tools, False, *load, "--seconds", plan.single_seconds)
                count = done["acknowledged"]
                row.values.append(1e6 * (servers.cpu_seconds(kafka.process) - used) / count)
                row.notes.append(f"{1e6 * seconds / count:.2f} us of the API's CPU; {(topic_bytes(kafka, topic) - held) / count:.0f} "
                                 f"bytes in the topic, compressed; {count / done['seconds']:,.0f} activities a second")
            rows.append(row)
    return rows


# --- Kafka away ---


def away_row(tools, plan, threads, folder, how):
    """Arrays at full speed; a quarter of the time has passed when Kafka goes away and does not come back."""
    row = figures.Row(f"peak memory, Kafka {how}", "MiB", 256, 128, smaller=True)
    with test_servers.KafkaServer(folder=folder / "kafka-away") as kafka, \
            test_servers.available(test_servers.MongoServer, **STAND_IN) as mongodb:
        setting = Setting(tools, threads, folder, (kafka.address, mongodb))
        with setting.usertrail("api", setting.make_topic()) as server:
            going = threading.Timer(plan.away_seconds / 4, AWAY[how], (kafka,))
            going.start()
            done = server.load(tools, *ARRAYS, "--seconds", plan.away_seconds, complete=False)
            going.join()
            row.values.append(server.peak_bytes() / 2**20)
    row.notes.append(f"{done['acknowledged']:,} activities were acknowledged in {done['seconds']:.0f} s, "
                     f"{done['sent'] - done['acknowledged']:,} were not")
    return row


@contextlib.contextmanager
def in_words():
    """What the servers and Node programs of the tests complain of, said by the benchmark."""
    try:
        yield
    except (test_servers.ServerError, node_programs.NodeError, ConnectionError) as problem:
        raise servers.BenchError(str(problem)) from problem


def bench_kafka(tools, plan, threads, folder):
    with in_words(), test_servers.available(test_servers.KafkaServer, folder=folder / "kafka") as kafka, \
            test_servers.available(test_servers.MongoServer, **STAND_IN) as mongodb:
        setting = Setting(tools, threads, folder, (kafka, mongodb))
        rows = [*single_rows(setting, plan), array_row(setting, plan), worker_row(setting, plan),
                *own_write_rows(setting, plan)]
    with in_words():
        rows += cost_rows(tools, plan, threads, folder)
        return rows + [away_row(tools, plan, threads, folder, how) for how in AWAY]
