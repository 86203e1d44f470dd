"""Credentials and TLS on real servers: what lets usertrail in, what it says when it is not let in, and that no secret shows."""

import contextlib
import re
import tempfile
import time
from pathlib import Path

import pytest

import service as services
import wire
from certificates import Certificates
from cluster import Cluster
from named import own_server
from servers import KafkaServer, MongoServer

DEPLOYING = services.ROOT / "docs" / "deploying.md"
USER, PASSWORD, WRONG = "usertrail", "open-sesame-4711", "shut-sesame-4711"
CONNECT_SECONDS = 4


@pytest.fixture(scope="module")
def certificates():
    with tempfile.TemporaryDirectory(prefix="usertrail-certificates-") as folder:
        yield Certificates(Path(folder))


@pytest.fixture(scope="module")
def kafka(certificates):
    with own_server(KafkaServer, "with accounts and TLS", accounts={USER: PASSWORD}, certificates=certificates) as server:
        yield server


@pytest.fixture(scope="module")
def secured_mongodb(certificates):
    with own_server(MongoServer, "with TLS", backend="memory", certificates=certificates) as server:
        yield server


def properties(certificates, protocol, password=PASSWORD, authority=None):
    """What a client needs for a listener, by the names of librdkafka."""
    wanted = {"security.protocol": protocol}
    if protocol.startswith("SASL"):
        wanted |= {"sasl.mechanism": "PLAIN", "sasl.username": USER, "sasl.password": password}
    if protocol.endswith("SSL"):
        wanted["ssl.ca.location"] = str(authority or certificates.authority)
    return wanted


def as_flags(wanted):
    return [part for name, value in wanted.items() for part in (f"--kafka.{name}", value)]


def as_variables(wanted):
    return {f"USERTRAIL_KAFKA__{name.replace('.', '__').upper()}": value for name, value in wanted.items()}


def expect_no_secret(service, *secrets):
    """Nothing that the process says anywhere has one of them."""
    said = service.stderr
    if service.process is not None:
        said += "".join(str(service.get(target).json) for target in ("/health", "/readyz?verbose"))
    for secret in secrets:
        assert secret not in said, f"{secret} in {said}"


def go_round(api, worker):
    activity = api.record({"userId": "u", "action": "a"})
    assert activity["durability"] == "replicated"
    api.wait_stored(activity["id"])
    wire.wait_until(lambda: worker.get("/health").json["worker"]["stored"] >= 1, "one that is stored", 20 * services.PATIENCE)


@pytest.mark.parametrize("way", ["flags", "variables", "file"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SSL", "SASL_SSL"])
def test_kafka_lets_it_in(cluster, certificates, protocol, way, tmp_path):
    """Guards each listener with each way to give properties: both roles work, and the password shows nowhere."""
    wanted = properties(certificates, protocol)
    flags, extra = ["--kafka-brokers", cluster.kafka.address_of(protocol)], None
    if way == "flags":
        flags += as_flags(wanted)
    elif way == "variables":
        extra = as_variables(wanted)
    else:
        file = tmp_path / "password"
        file.write_text(f"{wanted.pop('sasl.password', PASSWORD)}\n", encoding="ascii")
        extra = as_variables(wanted) | ({"USERTRAIL_KAFKA__SASL__PASSWORD_FILE": str(file)} if "SASL" in protocol else {})
    pair = [cluster.make(role, *flags) for role in ("api", "worker")]
    for one in pair:
        one.extra = extra
        one.start()
    go_round(*pair)
    for one in pair:
        expect_no_secret(one, PASSWORD)
        one.stop()
        expect_no_secret(one, PASSWORD)


def refuse_kafka(cluster, role, listener, wanted):
    """The end of a start that Kafka does not let in."""
    one = cluster.make(role, "--kafka-brokers", cluster.kafka.address_of(listener), "--connect-timeout", f"{CONNECT_SECONDS}s",
                       *as_flags(wanted))
    begun = time.monotonic()
    one.launch()
    assert one.wait_end(60) == 1
    assert time.monotonic() - begun < (CONNECT_SECONDS + 2) * services.PATIENCE
    expect_no_secret(one, PASSWORD, WRONG)
    return next(line for line in one.stderr.splitlines() if line.startswith("usertrail: "))


@pytest.mark.parametrize("role", ["api", "worker"])
def test_kafka_refuses_the_password(cluster, certificates, role):
    """Guards the words for a wrong password: they name the settings to look at, in time, and not the password."""
    words = refuse_kafka(cluster, role, "SASL_SSL", properties(certificates, "SASL_SSL", WRONG))
    assert "refuses the login" in words and "kafka.sasl.password" in words


def test_who_was_let_in_before_is_refused_as_at_first(cluster, certificates):
    """Guards the same once the server knows its topic: a broker that refuses is not one that is away."""
    one = cluster.make("api", "--kafka-brokers", cluster.kafka.address_of("SASL_SSL"))
    one.extra = as_variables(properties(certificates, "SASL_SSL"))
    one.start().stop()
    for wanted, words in ((properties(certificates, "SASL_SSL", WRONG), "refuses the login"),
                          (properties(certificates, "SASL_SSL", authority=certificates.stranger), "no TLS with Kafka")):
        one.extra = as_variables(wanted)
        one.launch()
        assert one.wait_end(60) == 1 and words in one.stderr
        expect_no_secret(one, PASSWORD, WRONG)


def test_nobody_vouches_for_kafka(cluster, certificates):
    """Guards against talking to whoever answers: a certificate of an unknown authority ends the start, and says where to look."""
    for protocol in ("SSL", "SASL_SSL"):
        words = refuse_kafka(cluster, "api", protocol, properties(certificates, protocol, authority=certificates.stranger))
        assert "TLS" in words and "kafka.ssl.ca.location" in words and "certificate verify failed" in words


@pytest.mark.parametrize("listener", ["SSL", "SASL_PLAINTEXT"])
def test_the_wrong_protocol(cluster, certificates, listener):
    """Guards the commonest mistake: a listener that speaks otherwise is told with the property that says how."""
    assert "kafka.security.protocol" in refuse_kafka(cluster, "api", listener, {"security.protocol": "PLAINTEXT"})


# --- MongoDB ---


@contextlib.contextmanager
def clustered(kafka, mongodb):
    one = Cluster(kafka, mongodb)
    try:
        yield one
    finally:
        one.close()


def test_mongodb_by_tls(kafka, secured_mongodb, certificates, tmp_path):
    """Guards TLS to the store, and the URI from a file."""
    with clustered(kafka, secured_mongodb) as one:
        file = tmp_path / "uri"
        file.write_text(f"{secured_mongodb.address}/{one.name}?tls=true&tlsCAFile={certificates.authority}\n", encoding="ascii")
        pair = [one.make(role) for role in ("api", "worker")]
        for each in pair:
            at = each.flags.index("--mongodb-uri")
            each.flags[at:at + 2] = []
            each.extra = {"USERTRAIL_MONGODB_URI_FILE": str(file)}
            each.start()
        go_round(*pair)


@pytest.mark.parametrize("role", ["api", "worker", "all"])
def test_mongodb_that_nobody_vouches_for(kafka, secured_mongodb, certificates, role):
    """Guards against storing at whoever answers: a worker ends, an API server answers no question, and both say why, without
    what the URI has of credentials."""
    with clustered(kafka, secured_mongodb) as one:
        uri = (f"mongodb://{USER}:{PASSWORD}@{secured_mongodb.address.removeprefix('mongodb://')}/{one.name}"
               f"?tls=true&tlsCAFile={certificates.stranger}&serverSelectionTimeoutMS=1000")
        each = one.make(role, "--mongodb-uri", uri, "--connect-timeout", f"{CONNECT_SECONDS}s")
        if role == "api":
            each.start()
            answer = each.get(services.COLLECTION)
            assert answer.status == 503 and PASSWORD not in str(answer)
        else:
            each.launch()
            assert each.wait_end(60) == 1
        assert re.search("TLS|certificate", each.stderr), each.stderr
        expect_no_secret(each, PASSWORD)


@pytest.mark.parametrize("role", ["api", "worker"])
def test_mongodb_refuses_the_password(kafka, mongodb, role):
    """Guards the URI's password where the login fails: it is in no line and in no answer. (The stand-in has no accounts and
    refuses every login.)"""
    with clustered(kafka, mongodb) as one:
        uri = f"mongodb://{USER}:{PASSWORD}@{mongodb.address.removeprefix('mongodb://')}/{one.name}?serverSelectionTimeoutMS=1000"
        each = one.make(role, "--mongodb-uri", uri, "--connect-timeout", f"{CONNECT_SECONDS}s")
        if role == "api":
            each.start()
            answer = each.get(services.COLLECTION)
            assert answer.status == 503 and PASSWORD not in str(answer)
        else:
            each.launch()
            assert each.wait_end(60) == 1
        expect_no_secret(each, PASSWORD)


# --- the documentation ---


def examples():
    """The blocks of the section about credentials: variables, and the URI's file."""
    section = DEPLOYING.read_text(encoding="utf-8").split("\n## Credentials and TLS\n")[1].split("\n## ")[0]
    variables, uri = re.findall(r"```(?:sh)?\n(.*?)```", section, re.DOTALL)
    return dict(line.split("=", 1) for line in variables.splitlines()), uri


def test_the_example(kafka, secured_mongodb, certificates, tmp_path):
    """Guards docs/deploying.md: a server with its lines, but for names of hosts, does its work."""
    variables, uri = examples()
    secrets = {"kafka-password": PASSWORD, "kafka-ca.pem": certificates.authority.read_text(encoding="ascii"),
               "mongodb-ca.pem": certificates.authority.read_text(encoding="ascii")}
    with clustered(kafka, secured_mongodb) as one:
        uri = uri.replace("usertrail:password@mongodb-1.example.com:27017/usertrail",
                          f"{secured_mongodb.address.removeprefix('mongodb://')}/{one.name}")
        secrets["mongodb-uri"] = uri.replace("/run/secrets", str(tmp_path))
        for name, text in secrets.items():
            (tmp_path / name).write_text(text, encoding="ascii")
        extra = {name: value.replace("/run/secrets", str(tmp_path)).replace("broker-1.example.com:9093", kafka.address_of("SASL_SSL"))
                 for name, value in variables.items()}
        assert "example.com" not in str(extra) + uri
        each = services.Service("--event-log", "kafka", "--store", "mongodb", "--kafka-topic", one.name, extra=extra)
        one.made.append(each)
        each.start()
        go_round(each, each)
        expect_no_secret(each, PASSWORD)
