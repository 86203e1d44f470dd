"""Keys, limits, links of viewers and TLS of API servers and a worker as processes of their own, around Kafka and MongoDB: what
scenario tests look at in depth with one process, here where each process reads the files for itself, questions of keys that are
limited to users are the store's, and one server takes what another one gave."""

import itertools
import json
import re
import ssl

import pytest

import expect
import keys
import service as services
import stream
import wire
from certificates import Certificates
from cluster import cluster as made_cluster
from cluster import log_lines

LIST = services.COLLECTION
USERS = "/api/v1/users"
SECRET = "0123456789abcdef0123456789abcdef\n"


class Access:
    """Two API servers and a worker with the same files. `ask` goes to the first server."""

    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.secret = folder / "secret"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)
        self.keyed = keys.Keyed(lambda *flags: cluster.make("api", *flags), folder, "--viewer-secret-file", self.secret)
        self.first = self.keyed.service
        self.second = cluster.api("--keys-file", self.keyed.path, "--viewer-secret-file", self.secret)
        self.worker = cluster.worker("--keys-file", self.keyed.path)
        self.names = (f"user-{number}" for number in itertools.count())

    def ask(self, method, target, key=None, body=None, headers=(), server=None):
        with (server or self.first).connect() as connection:
            return connection.request(method, target, body, [*keys.bearer(self.keyed.keys.get(key, key)), *headers])

    def record(self, body, key="all", **options):
        answer = self.ask("POST", LIST, key, body, **options)
        assert answer.status == 202, answer
        return answer.json

    def wait_stored(self, receipt, server=None):
        """A worker that has just started is in its group some seconds later."""
        def stored():
            answer = self.ask("GET", f"{LIST}?limit=1&after={receipt}", "read", server=server)
            return answer.status == 200
        wire.wait_until(stored, "what was recorded can be read", 30 * services.PATIENCE, 0.05)


@pytest.fixture(scope="module")
def access(kafka, mongodb, tmp_path_factory):
    with made_cluster(kafka, mongodb) as one:
        yield Access(one, tmp_path_factory.mktemp("access"))
        for server in one.made:
            if server.process is not None:
                server.stop()


def rows_of(access, query, key, server=None):
    """All of a question over cursors, two a page."""
    rows, cursor = [], ""
    while cursor is not None:
        answer = access.ask("GET", f"{LIST}?limit=2{query}{cursor}", key, server=server)
        assert answer.status == 200, answer
        rows += answer.json["data"]
        cursor = answer.json["nextCursor"] and f"&cursor={answer.json['nextCursor']}"
    return rows


def test_both_roles_ask_who_it_is(access):
    """Guards each process: an API server lets in by scopes, a worker with keys answers probes to anybody and nothing else to who
    has none."""
    for server in (access.first, access.second):
        for key, status in ((None, 401), ("nonsense", 401), ("write", 403), ("read", 200), ("all", 200)):
            assert access.ask("GET", LIST, key, server=server).status == status
        for key, status in ((None, 401), ("read", 403), ("write", 202)):
            body = {"userId": "nobody", "action": "a"}
            assert access.ask("POST", LIST, key, body, server=server).status == status
    for probe in ("/livez", "/readyz", "/health"):
        assert access.ask("GET", probe, server=access.worker).status == 200
    for method, target in (("GET", LIST), ("POST", LIST), ("DELETE", f"{USERS}/nobody")):
        answer = access.ask(method, target, "all", {"userId": "u", "action": "a"} if method == "POST" else None, server=access.worker)
        assert "worker" in expect.problem(answer, 404)["detail"]
    assert "worker" not in access.first.get("/health").json and "worker" in access.worker.get("/health").json


def test_a_key_of_a_user_asks_the_store_for_this_user(access):
    """Guards narrowed questions where the store answers them: pages, one activity, counts, exports, sums and conditions on
    metadata have this user only, also where the question names nobody, and by another server than the one that was written to."""
    mine = [{"userId": "u", "action": f"a-{number % 2}", "id": f"mine-{number}", "metadata": {"n": number}} for number in range(5)]
    others = [{"userId": user, "action": "a-0", "id": f"{user}-{number}", "metadata": {"n": number}}
              for user in ("v", "t", "u2") for number in range(3)]
    receipt = access.record(mine + others)["receipt"]
    access.wait_stored(receipt, access.second)
    for server in (access.first, access.second):
        assert sorted(row["id"] for row in rows_of(access, "", "u", server)) == [f"mine-{number}" for number in range(5)]
        assert [row["id"] for row in rows_of(access, "&action=a-0&metadata.n=2", "u", server)] == ["mine-2"]
        assert len(rows_of(access, "&action=a-0&metadata.n=2", "read", server)) == 4
        page = access.ask("GET", f"{LIST}?limit=1&count=true&action=a-0&after={receipt}", "u", server=server).json
        assert page["count"] == 3
        exported = [json.loads(line) for line in access.ask("GET", f"{LIST}/export", "u", server=server).text.splitlines()]
        assert {row["userId"] for row in exported} == {"u"} and len(exported) == 5
        sums = access.ask("GET", "/api/v1/stats?by=user", "u", server=server).json["data"]
        assert [(group["key"], group["count"]) for group in sums] == [("u", 5)]
        assert access.ask("GET", f"{LIST}/mine-1", "u", server=server).status == 200
        assert access.ask("GET", f"{USERS}/u", "u", server=server).status == 200
        assert access.ask("GET", f"{LIST}/v-1", "u", server=server).status == 404
        assert access.ask("GET", f"{LIST}/v-1", "read", server=server).status == 200
        for target in (f"{LIST}?userId=v", f"{LIST}?userId=u&userId=v", f"{USERS}/v", f"{LIST}/export?userId=v",
                       "/api/v1/stats?by=user&userId=v", "/api/v1/refused"):
            expect.problem(access.ask("GET", target, "u", server=server), 403)
    answer = access.ask("POST", LIST, "u", [mine[0], {"userId": "v", "action": "not mine"}]).json
    assert answer["accepted"] == 1 and answer["results"][1]["error"]["type"] == "/problems/user-denied"


def test_a_stream_of_a_key_of_a_user(access):
    """Guards the tail of the topic: whoever recorded on whichever server, a key of one user is shown this one."""
    with stream.following(access.second, "", headers=keys.bearer(access.keyed.keys["u"])) as one:
        access.record([{"userId": "v", "action": "followed"}, {"userId": "u", "action": "followed"}])
        row = one.take(1)[0]
    assert (row["userId"], row["action"]) == ("u", "followed")


def test_links_are_taken_by_every_server(access):
    """Guards viewers behind a balancer: with one secret a link of one server opens the other, its user's activities and nothing
    else; one of another secret, one that was changed and one whose time is over open none."""
    user = next(access.names)
    receipt = access.record([{"userId": user, "action": "a", "id": f"{user}-{number}"} for number in range(3)]
                            + [{"userId": "v", "action": "a", "id": "not-the-viewers"}])["receipt"]
    token = access.keyed.link(user)
    access.wait_stored(receipt, access.second)

    def look(target, token=token):
        return access.ask("GET", target + ("&" if "?" in target else "?") + f"token={token}", server=access.second)

    assert {row["id"] for row in look(LIST).json["data"]} == {f"{user}-{number}" for number in range(3)}
    assert look(f"{LIST}/{user}-1").status == look(f"{USERS}/{user}/activities").status == 200
    assert look(f"{LIST}/not-the-viewers").status == 404
    for target in (f"{LIST}?userId=v", f"{USERS}/v/activities", "/api/v1/stats?by=user", f"{LIST}/export"):
        expect.problem(look(target), 403)
    expect.problem(access.ask("POST", LIST, token, {"userId": user, "action": "a"}, server=access.second), 403)
    assert look(LIST, token[:-1] + ("A" if token[-1] != "A" else "B")).status == 401
    short = access.keyed.link(user, seconds=1)
    wire.wait_until(lambda: look(LIST, short).status == 401, "the link ends", 5)
    stranger = access.cluster.api("--keys-file", access.keyed.path)  # with a secret of its own
    assert access.ask("GET", f"{LIST}?token={token}", server=stranger).status == 401
    stranger.stop()


def test_a_retry_by_another_server_is_the_same_activity(access):
    """Guards Idempotency-Key over servers and keys: a key names the same activity wherever it is sent, another key another one."""
    body = {"userId": next(access.names), "action": "retry"}
    name = [("Idempotency-Key", '"over-servers"')]
    sent = [access.record(body, key, headers=name, server=server)
            for key, server in (("write", access.first), ("write", access.second), ("all", access.second))]
    ids = [one["id"] for one in sent]
    assert ids[0] == ids[1] != ids[2]
    for one in sent:
        access.wait_stored(one["receipt"])
    assert sorted(row["id"] for row in rows_of(access, f"&userId={body['userId']}", "read")) == sorted(set(ids))


def test_erasing_with_a_key_of_the_user(access):
    """Guards erasures by scope and user: a key erases whom it is limited to, on all servers, and nobody else."""
    path = access.keyed.path
    gone, kept = next(access.names), next(access.names)
    key = keys.create(path, f"of-{gone}", "write,read,erase", gone)
    for server in (access.first, access.second):
        keys.reload(server)
    receipt = access.record([{"userId": user, "action": "a"} for user in (gone, kept)])["receipt"]
    access.wait_stored(receipt)
    expect.problem(access.ask("DELETE", f"{USERS}/{kept}", key), 403)
    expect.problem(access.ask("DELETE", f"{USERS}/{gone}", "read"), 403)
    assert access.ask("DELETE", f"{USERS}/{gone}", key, server=access.second).json["erased"] == 1
    assert rows_of(access, f"&userId={gone}", "read") == []
    assert len(rows_of(access, f"&userId={kept}", "read")) == 1


def test_each_process_reads_its_keys_again(access):
    """Guards SIGHUP in both roles: a process that was told knows a new key and forgets one that was revoked, another does not
    yet; a file that is broken changes nothing in either."""
    path = access.keyed.path
    before = keys.access(access.worker)["keys"]
    new = keys.create(path, "new", "read")
    count = sum(not line.startswith("#") for line in path.read_text().splitlines())
    assert keys.reload(access.first)["keys"] == keys.reload(access.worker)["keys"] == count > before
    assert [access.ask("GET", LIST, new, server=server).status for server in (access.first, access.second)] == [200, 401]
    keys.reload(access.second)
    assert access.ask("GET", LIST, new, server=access.second).status == 200
    keys.revoke(path, "new")
    good = path.read_text()
    path.write_text(good + "this is no key\n")
    for server in (access.first, access.worker):
        failed = keys.access(server)["failedReloads"]
        assert keys.reload(server)["failedReloads"] == failed + 1
        assert any(line["message"] == "the keys stay as they were" for line in log_lines(server))
    assert access.ask("GET", LIST, new).status == 200
    path.write_text(good)
    for server in (access.first, access.second, access.worker):
        keys.reload(server)
    assert [access.ask("GET", LIST, new, server=server).status for server in (access.first, access.second)] == [401, 401]
    access.record({"userId": "v", "action": "after"})
    assert access.worker.process.poll() is None


def test_limits_and_tls_before_kafka(access, tmp_path):
    """Guards both in front of the topic: over TLS with a key, an array counts as what it holds, what was refused is stored nowhere,
    and another server counts for itself."""
    certificates = Certificates(tmp_path / "certificates")
    context = ssl.create_default_context(cafile=certificates.authority)
    limited = access.cluster.make("api", "--keys-file", access.keyed.path, "--limit-key-rate", 10, "--limit-key-burst", 20,
                                  "--tls-cert-file", certificates.chain, "--tls-key-file", certificates.key)
    limited.tls = context
    limited.start()
    user = next(access.names)
    batch = [{"userId": user, "action": "a"} for _ in range(12)]
    answers = [access.ask("POST", LIST, "write", batch, server=limited) for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 202]
    left = [int(re.search(r'"key";r=(\d+)', answer.header("ratelimit")).group(1)) for answer in answers]
    assert 8 <= left[0] <= 9 and left[1] == 0
    refused = access.ask("POST", LIST, "write", batch, server=limited)
    assert expect.problem(refused, 429)["type"] == "/problems/rate-limited" and int(refused.header("retry-after")) >= 1
    assert keys.access(limited)["limited"] == 1
    stored = access.record(batch, "write")
    for receipt in (answers[1].json["receipt"], stored["receipt"]):
        access.wait_stored(receipt)
    assert len(rows_of(access, f"&userId={user}", "read")) == 36
    limited.stop()
