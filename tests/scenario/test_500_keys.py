"""API keys on the real program: who may do what on every route, how keys are shown, and how they come and go."""

import base64
import contextlib
import itertools
import json
import os
import pty
import re
import signal
import subprocess

import pytest

import expect
import keys
import openapi
import service as services
import stream
import wire

LIST = services.COLLECTION
USERS = "/api/v1/users"
MINE = {"userId": "u", "action": "a", "id": "mine"}
OTHERS = {"userId": "v", "action": "a", "id": "others"}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    made = []

    def make(*flags, **options):
        made.append(services.Service(*flags, **options))
        return made[-1]

    one = keys.Keyed(make, tmp_path_factory.mktemp("keys"))
    one.record([MINE, OTHERS])
    one.service.wait_settled()
    yield one
    one.service.stop()
    one.service.close()


def operations():
    """(method, path, operation) of everything that the document describes."""
    return [(method.upper(), path, item[method]) for path, item in openapi.paths() for method in ("get", "post", "delete")
            if method in item]


def scopes_of(operation):
    """What a key needs; an empty set: nothing."""
    return {scope for way in operation["security"] for scope in way.get("key", ())}


def target_of(path, user="nobody"):
    """A question that is fine apart from who asks; nothing is erased by it."""
    query = {"/api/v1/stats": "?by=action", USERS: f"?userId={user}", f"{USERS}/activities": f"?userId={user}"}.get(path, "")
    return path.replace("{userId}", user).replace("{id}", "missing").replace("{file}", "missing") + query


def ask(keyed, method, path, key, user="nobody"):
    body = {"userId": user, "action": "a"} if method == "POST" and not path.endswith("/links") else None
    if method == "POST" and body is None:
        body = {}
    endless = [("Last-Event-ID", "none")] if path in openapi.ENDLESS else []  # whoever is let in is told that it is none
    return keyed.ask(method, target_of(path, user), key, body, endless)


OPERATIONS = operations()


@pytest.mark.parametrize("method, path, operation", OPERATIONS, ids=[f"{method} {path}" for method, path, _ in OPERATIONS])
def test_each_route_is_for_its_scopes(keyed, method, path, operation):
    """Guards the matrix: every route with no key, a wrong one, and a key of each scope alone and of all."""
    needs = scopes_of(operation)
    for key in (None, "nonsense", "ut_0123456789abcdef_" + "x" * 32):
        answer = ask(keyed, method, path, key)
        if needs:
            assert expect.problem(answer, 401)["type"] == "/problems/unauthorized"
            assert "Bearer" in answer.header("www-authenticate") and "Basic" in answer.header("www-authenticate")
        else:
            assert answer.status not in (401, 403), answer
    for key in (*keys.SCOPES, "all"):
        answer = ask(keyed, method, path, key)
        if needs <= (set(keys.SCOPES) if key == "all" else {key}):
            assert answer.status not in (401, 403), answer
        else:
            document = expect.problem(answer, 403)
            assert document["type"] == "/problems/forbidden"
            assert (needs - {key}) <= set(re.findall("[a-z]+", document["detail"])), document


@pytest.mark.parametrize("method, path, operation", OPERATIONS, ids=[f"{method} {path}" for method, path, _ in OPERATIONS])
def test_a_link_opens_its_users_activities_only(keyed, method, path, operation):
    """Guards the matrix for viewers: GET of activities, as a bearer token and in the query; everything else stays shut."""
    token = keyed.link("u")
    target = target_of(path, "u")
    in_query = target + ("&" if "?" in target else "?") + f"token={token}"
    body = {"userId": "u", "action": "a"} if method == "POST" else None
    answers = [keyed.ask(method, target, token, body)]
    if scopes_of(operation):
        answers.append(keyed.ask(method, in_query, None, body))
    for answer in answers:
        if not scopes_of(operation) or "viewerLink" in {name for way in operation["security"] for name in way}:
            assert answer.status in (200, 308, 404), answer
        else:
            assert expect.problem(answer, 403)["type"] == "/problems/forbidden"


def targets_of(path, user, activity_id):
    """All that an operation can be asked about this user, where it can be asked about one at all."""
    target = target_of(path, user).replace("/missing", f"/{activity_id}")
    listing = "?" not in target and (path.endswith("/export") or path.endswith("/stream") or openapi.find_item(path) is openapi.find_item(LIST))
    return [f"{target}?userId={user}", f"{target}?userId=u&userId={user}"] if listing else [target]


@pytest.mark.parametrize("method, path, operation", OPERATIONS, ids=[f"{method} {path}" for method, path, _ in OPERATIONS])
def test_a_link_of_another_user_opens_nothing(keyed, method, path, operation):
    """Guards the matrix against the link of one viewer where another user is asked for, shown in both ways, also by HEAD and to
    who says that he has it already; and the answer says nothing of what there is."""
    token, body = keyed.link("u"), {"userId": "v", "action": "a"} if method == "POST" else None
    if not scopes_of(operation):
        return  # is for everybody, and about nobody
    for target in targets_of(path, "v", "others"):
        in_query = target + ("&" if "?" in target else "?") + f"token={token}"
        for asked, key in ((target, token), (in_query, None)):
            document = keyed.ask(method, asked, key, body)
            assert document.status == (404 if path.endswith("/{id}") else 403), document
            missing = keyed.ask(method, asked.replace("/others", "/missing"), key, body)
            assert "others" not in document.text and document.body == missing.body
            if method == "GET":
                assert keyed.ask("HEAD", asked, key).status == document.status
                assert keyed.ask("GET", asked, key, headers=[("If-None-Match", "*")]).status == document.status
    assert keyed.ask("GET", f"{LIST}/others", "read").status == 200


@pytest.mark.parametrize("path", [path for method, path, operation in OPERATIONS if method == "GET" and scopes_of(operation)])
def test_the_head_alone_needs_a_key_as_well(keyed, path):
    """Guards HEAD, which answers as GET does: whether something is there, how much of it, and its tag."""
    needs = scopes_of(openapi.find_item(path)["get"])
    endless = [("Last-Event-ID", "none")] if path in openapi.ENDLESS else []
    for key, status in ((None, 401), ("nonsense", 401), *((scope, None if needs <= {scope} else 403) for scope in keys.SCOPES)):
        answer = keyed.ask("HEAD", target_of(path), key, headers=endless)
        assert answer.status == status or (status is None and answer.status not in (401, 403)), (key, answer)
        assert answer.status < 400 or answer.header("etag") is None


def test_a_key_for_a_user_reads_and_writes_this_user(keyed):
    """Guards that a key of some users sees and changes nothing of others, also where it names nobody."""
    page = keyed.ask("GET", LIST, "u").json
    assert {row["userId"] for row in page["data"]} == {"u"}
    assert keyed.ask("GET", f"{LIST}?userId=u", "u").json["results"] >= 1
    for query in ("userId=v", "userId=u&userId=v"):
        assert '"v"' in expect.problem(keyed.ask("GET", f"{LIST}?{query}", "u"), 403)["detail"]
    assert keyed.ask("GET", f"{LIST}/mine", "u").status == 200
    unknown = expect.problem(keyed.ask("GET", f"{LIST}/others", "u"), 404)
    assert keyed.ask("GET", f"{LIST}/others", "read").status == 200
    assert unknown["type"] == "/problems/not-found"
    exported = [json.loads(line) for line in keyed.ask("GET", f"{LIST}/export", "u").text.splitlines()]
    assert exported and {row["userId"] for row in exported} == {"u"}
    expect.problem(keyed.ask("GET", f"{LIST}/export?userId=v", "u"), 403)
    counts = keyed.ask("GET", "/api/v1/stats?by=user", "u").json["data"]
    assert [group["key"] for group in counts] == ["u"]
    expect.problem(keyed.ask("GET", "/api/v1/stats?by=user&userId=v", "u"), 403)
    expect.problem(keyed.ask("GET", "/api/v1/refused", "u"), 403, detail="limited to users")
    for shown, hidden in ((f"{USERS}/u", f"{USERS}/v"), (f"{USERS}?userId=u", f"{USERS}?userId=v"),
                          (f"{USERS}/u/activities", f"{USERS}/v/activities"), (f"{USERS}/activities?userId=u", f"{USERS}/activities?userId=v"),
                          (f"{USERS}/u/export", f"{USERS}/v/export"), (f"{USERS}/export?userId=u", f"{USERS}/export?userId=v")):
        assert keyed.ask("GET", shown, "u").status == 200
        assert keyed.ask("GET", hidden, "read").status == 200
        expect.problem(keyed.ask("GET", hidden, "u"), 403)
        expect.problem(keyed.ask("GET", hidden, "u", None, [("If-None-Match", "*")]), 403)
    expect.problem(keyed.ask("DELETE", f"{USERS}/v", "u"), 403)
    expect.problem(keyed.ask("POST", f"{USERS}/v/links", "u", {}), 403)
    document = expect.problem(keyed.ask("POST", LIST, "u", OTHERS), 403, "/userId")
    assert document["type"] == "/problems/user-denied"
    lines = b'{"userId":"u","action":"a"}\n{"userId":"v","action":"a"}\n'
    answer = keyed.ask("POST", LIST, "u", lines, [("Content-Type", "application/x-ndjson")]).json
    assert answer["accepted"] == 1 and answer["results"][0]["error"]["type"] == "/problems/user-denied"
    batch = keyed.record([{**MINE, "id": "mine-2"}, OTHERS], "u")
    assert batch["accepted"] == 1 and batch["results"][1]["error"]["type"] == "/problems/user-denied"


def test_a_stream_shows_the_users_of_its_key(keyed):
    """Guards streams: a key for a user follows this user only, whatever it asks for, and so it does after it comes back."""
    last_id = None
    for number in range(2):
        with stream.following(keyed.service, "", last_id, headers=keys.bearer(keyed.keys["u"])) as one:
            for user in ("v", "u"):
                keyed.record({"userId": user, "action": f"stream-{number}"})
            row = one.take(1)[0]
            assert (row["userId"], row["action"]) == ("u", f"stream-{number}")
            last_id = one.last_id
    assert '"v"' in expect.problem(keyed.ask("GET", f"{stream.PATH}?userId=v", "u"), 403)["detail"]


def test_a_stream_ends_with_its_key(make_service, tmp_path):
    """Guards streams from lasting longer than the key that began them: nothing comes behind a reload that took it away, or its
    users, and the stream ends by itself where nothing happens. Others go on."""
    keyed = keys.Keyed(make_service, tmp_path, "--heartbeat", "1s")
    lost = keys.create(keyed.path, "lost", "read")
    quiet = keys.create(keyed.path, "quiet", "read")
    moved = keys.create(keyed.path, "moved", "read", "u")
    keys.reload(keyed.service)
    with contextlib.ExitStack() as opened:
        def follow(query, key):
            return opened.enter_context(stream.following(keyed.service, query, headers=keys.bearer(key)))
        ending = [follow("", lost), follow("?userId=nobody", quiet), follow("", moved)]
        staying = follow("", keyed.keys["read"])
        for name in ("lost", "quiet"):
            keys.revoke(keyed.path, name)
        lines = keyed.path.read_text().splitlines()
        keyed.path.write_text("".join(line.replace("moved read u ", "moved read v ") + "\n" for line in lines))
        keyed.record({"userId": "u", "action": "before"})  # nobody has told the server yet
        assert [one.take(1)[0]["action"] for one in (ending[0], ending[2], staying)] == ["before"] * 3
        keys.reload(keyed.service)
        keyed.record({"userId": "u", "action": "behind"})
        for one in ending:
            assert one.next() is None and one.ended
        assert staying.take(1)[0]["action"] == "behind"
    keyed.service.stop()


def test_a_stream_of_a_key_that_went_while_it_was_asked_for_ends(make_service, tmp_path):
    """Guards the time between the header, when the key is looked at, and the end of a body, when the stream begins: what was
    read again meanwhile counts."""
    keyed = keys.Keyed(make_service, tmp_path, "--heartbeat", "1s")
    lost = keys.create(keyed.path, "lost", "read")
    keys.reload(keyed.service)
    with contextlib.closing(keyed.service.connect()) as connection:
        body = [("Transfer-Encoding", "chunked"), ("Expect", "100-continue")]
        connection.send(connection.head("GET", stream.PATH, [*keys.bearer(lost), *body]))
        assert connection.read_answer(interim=True).status == 100
        keys.revoke(keyed.path, "lost")
        keys.reload(keyed.service)
        connection.send(b"0\r\n\r\n")
        assert connection.read_answer("HEAD").status == 200
        assert len(list(itertools.islice(connection.chunks(), 5))) < 5, "it goes on"
    keyed.service.stop()


def test_lines_end_with_their_key(make_service, tmp_path):
    """Guards lines, whose body may last for ever, from a key that was taken away: what came before is recorded and told, and
    nothing behind it. Those of other keys go on."""
    keyed = keys.Keyed(make_service, tmp_path)
    lost = keys.create(keyed.path, "lost", "write")
    keys.reload(keyed.service)
    with contextlib.ExitStack() as opened:
        def begin(key, *accept):
            connection = opened.enter_context(keyed.service.connect())
            framing = [("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked"), ("Expect", "100-continue")]
            connection.send(connection.head("POST", LIST, [*keys.bearer(key), *framing, *accept]))
            assert connection.read_answer(interim=True).status == 100
            return connection
        def send(connection, action):
            line = json.dumps({"userId": "u", "action": action}).encode() + b"\n"
            connection.send(wire.chunk(line))
        verdicts = ("Accept", "application/x-ndjson")
        told, untold, staying = begin(lost, verdicts), begin(lost), begin(keyed.keys["write"])
        for connection in (told, untold, staying):
            send(connection, "before")
        assert told._read_head().status == 200 and json.loads(told.take_chunk())["line"] == 1
        keys.revoke(keyed.path, "lost")
        keys.reload(keyed.service)
        for connection in (told, untold, staying):
            send(connection, "behind")
        last = json.loads(told.take_chunk())["error"]
        assert (last["status"], last["accepted"], last["line"]) == (401, 1, 2), last
        answer = untold.read_answer()
        assert answer.header("www-authenticate") and expect.problem(answer, 401)["accepted"] == 1, answer
        staying.send(b"0\r\n\r\n")
        assert staying.read_answer().json["accepted"] == 2
    keyed.wait_settled()
    found = keyed.ask("GET", f"{LIST}?userId=u&limit=100", "read").json["data"]
    assert sorted(row["action"] for row in found) == ["before"] * 3 + ["behind"]
    keyed.service.stop()


def test_pages_of_a_limited_key_go_on(keyed):
    """Guards cursors of a narrowed question: they go on with the same key and are worth nothing with another filter."""
    keyed.record([{"userId": "u", "action": "page", "id": f"page-{number}"} for number in range(5)])
    keyed.wait_settled()
    seen, cursor = [], ""
    while cursor is not None:
        page = keyed.ask("GET", f"{LIST}?limit=2&action=page{cursor and '&cursor=' + cursor}", "u").json
        seen += [row["id"] for row in page["data"]]
        cursor = page["nextCursor"]
        if cursor and len(seen) == 2:
            expect.problem(keyed.ask("GET", f"{LIST}?limit=2&action=page&cursor={cursor}", "read"), 400)
    assert sorted(seen) == [f"page-{number}" for number in range(5)]


def test_both_ways_to_show_a_key(keyed):
    """Guards the spellings of Authorization, and that two of them, or one that is cut, are nobody's."""
    key = keyed.keys["read"]

    def status(*fields):
        with keyed.service.connect() as connection:
            return connection.get(LIST, [("Authorization", field) for field in fields]).status

    def basic(text):
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert [status(field) for field in (f"Bearer {key}", f"bearer   {key}", basic(f"anybody:{key}"), basic(f":{key}"))] == [200] * 4
    wrong = ("Bearer", f"Token {key}", key, basic(key), f"Bearer {key}x", f"Bearer {key[:-1]}", f"Bearer {key.upper()}",
             f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'B'}", f"Bearer {key},{key}", "Basic ====", "Bearer " + "x" * 8000)
    assert [status(field) for field in wrong] == [401] * len(wrong)
    assert status(f"Bearer {key}", f"Bearer {key}") == 401
    assert keyed.ask("GET", f"{LIST}?token={key}", None).status == 401  # it would stand in the logs of others


def test_a_body_is_not_read_without_a_key(keyed):
    """Guards against who has no key: the answer comes before the body, and the connection ends behind it."""
    with keyed.service.connect() as connection:
        connection.send(connection.head("POST", LIST, [("Content-Type", "application/json"), ("Content-Length", 10_000_000)]))
        answer = connection.read_answer("POST")
        assert answer.status == 401 and answer.header("connection") == "close"


def test_a_service_with_keys_is_asked_by_any_name(keyed):
    """Guards that Host is free where keys are needed: no page of another site has one."""
    with keyed.service.connect() as connection:
        connection.send(f"GET {LIST} HTTP/1.1\r\nHost: usertrail.example\r\nAuthorization: Bearer {keyed.keys['read']}\r\n\r\n".encode())
        assert connection.read_answer().status == 200


def test_links_end_and_cannot_be_forged(keyed, make_service, tmp_path):
    """Guards links: tampered, of another secret, for another user, too old, or too long to be made."""
    token = keyed.link("u")
    for at in range(len(token)):
        for other in (token[:at] + letter + token[at + 1:] for letter in ("A", "b", "_", "") if token[at] != letter):
            assert keyed.ask("GET", f"{LIST}?token={other}").status == 401, other
    for other in (token + "A", token + "=", token + token, token[1:], token.swapcase()):
        assert keyed.ask("GET", f"{LIST}?token={other}").status == 401, other
    assert keyed.ask("GET", f"{LIST}?token={token}&userId=v").status == 403
    assert {row["userId"] for row in keyed.ask("GET", f"{LIST}?token={token}").json["data"]} == {"u"}
    assert keyed.ask("GET", f"{LIST}/others?token={token}").status == 404
    assert keyed.ask("GET", f"{LIST}?token={token}&x=1").status == 400
    stranger = keys.Keyed(make_service, tmp_path)
    assert stranger.ask("GET", f"{LIST}?token={token}").status == 401
    short = keyed.link("u", seconds=1)
    wire.wait_until(lambda: keyed.ask("GET", f"{LIST}?token={short}").status == 401, "the link ends", 5)
    for body in ({"expiresIn": 0}, {"expiresIn": 2592001}, {"expiresIn": "60"}, {"x": 1}, [1]):
        assert expect.problem(keyed.ask("POST", f"{USERS}/u/links", "all", body), 400)["type"] == "/problems/invalid-link"


def test_links_of_servers_with_one_secret(make_service, tmp_path):
    """Guards that replicas with the same secret take each other's links, and that a secret others can read is refused."""
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    secret.chmod(0o600)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = keys.Keyed(make_service, tmp_path / "a", "--viewer-secret-file", secret)
    two = keys.Keyed(make_service, tmp_path / "b", "--viewer-secret-file", secret)
    assert two.ask("GET", f"{LIST}?token={one.link('u')}").status == 200
    assert not (one.service.data / "viewer-secret").exists()
    secret.chmod(0o644)
    result = services.run_program("check-config", "--keys-file", one.path, "--viewer-secret-file", secret)
    assert result.returncode == 2 and "look into" in result.stderr


def test_the_secret_stays_over_restarts(make_service, tmp_path):
    """Guards links over a restart: the secret of the data folder is made once, for nobody else to read."""
    keyed = keys.Keyed(make_service, tmp_path)
    token = keyed.link("u")
    assert (keyed.service.data / "viewer-secret").stat().st_mode & 0o777 == 0o600
    keyed.service.restart()
    assert keyed.ask("GET", f"{LIST}?token={token}").status == 200


def test_keys_come_and_go_by_a_signal(make_service, tmp_path):
    """Guards the reload: a new key, one that was revoked, and a file that is broken, which changes nothing but a counter."""
    keyed = keys.Keyed(make_service, tmp_path)
    new = keys.create(keyed.path, "new", "read")
    assert keyed.ask("GET", LIST, new).status == 401
    assert keys.reload(keyed.service)["keys"] == 7
    assert keyed.ask("GET", LIST, new).status == 200
    keys.revoke(keyed.path, "new")
    good = keyed.path.read_text()
    keyed.path.write_text(good + "this is no key\n")
    told = keys.reload(keyed.service)
    assert told["failedReloads"] == 1 and told["keys"] == 7
    assert "line 9 is no key" in keyed.service.stderr
    assert keyed.ask("GET", LIST, new).status == 200
    keyed.path.unlink()
    assert keys.reload(keyed.service)["failedReloads"] == 2
    assert keyed.ask("GET", LIST, new).status == 200
    keyed.path.write_text(good)
    keyed.path.chmod(0o666)
    assert keys.reload(keyed.service)["failedReloads"] == 3
    keyed.path.chmod(0o644)
    assert keys.reload(keyed.service)["keys"] == 6
    assert keyed.ask("GET", LIST, new).status == 401


def test_reloads_disturb_no_request(make_service, tmp_path):
    """Guards requests under way while keys are read again and again: none is refused and nothing crashes."""
    keyed = keys.Keyed(make_service, tmp_path)
    with keyed.service.connect() as connection:
        for number in range(400):
            if number % 4 == 0:
                keyed.service.process.send_signal(signal.SIGHUP)
            answer = connection.get(f"{LIST}?limit=1", keys.bearer(keyed.keys["read"]))
            assert answer.status == 200, answer


def test_a_hang_up_ends_a_service_at_a_terminal(tmp_path):
    """Guards both meanings of SIGHUP: with a terminal as standard error it ends the service, as the terminal is gone."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([services.BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data",
                                "--shutdown-delay", "0ms"], env=services.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=theirs)
    try:
        said = b""
        while b"ready on" not in said:
            said += os.read(ours, 1000)
        process.send_signal(signal.SIGHUP)
        assert process.wait(20 * services.PATIENCE) == 0
        assert b"SIGHUP ends a service whose standard error is a terminal" in os.read(ours, 4000)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_without_keys_a_signal_changes_nothing(fresh):
    """Guards a service without any of it: SIGHUP is survived, /health says nothing of access, nobody needs a key."""
    fresh.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: "nothing to read again" in fresh.stderr, "a line that says so", 10)
    fresh.record({"userId": "u", "action": "a"})
    assert "access" not in fresh.get("/health").json
    assert fresh.get(LIST, keys.bearer("whatever")).status == 200
    expect.problem(fresh.request("POST", f"{USERS}/u/links", {}), 404)
    expect.problem(fresh.get(f"{LIST}?token=utl_x"), 400, detail="token")


def test_keys_let_the_service_listen_elsewhere(make_service, tmp_path):
    """Guards the refusal of addresses that others reach: keys are what it waits for."""
    path = tmp_path / "keys"
    keys.create(path, "a", "read")
    refused = services.run_program("check-config", "--listen", "0.0.0.0:0")
    assert refused.returncode == 2 and "--keys-file" in refused.stderr
    assert services.run_program("check-config", "--listen", "0.0.0.0:0", "--keys-file", path).returncode == 0
    service = make_service("--listen", "0.0.0.0:0", "--keys-file", path).start()
    assert service.get(LIST).status == 401


@pytest.mark.parametrize("text, words", [("nonsense\n", "line 1 is no key"), (None, "No such file")])
def test_a_start_with_a_broken_file_is_refused(tmp_path, text, words):
    """Guards the start: a file that is missing or broken is told, with exit code 2, and nothing is served."""
    path = tmp_path / "keys"
    if text is not None:
        path.write_text(text)
    for command in ("check-config", "serve"):
        result = services.run_program(command, "--keys-file", path, "--data-dir", tmp_path / "data", "--listen", "127.0.0.1:0")
        assert result.returncode == 2 and words in result.stderr, result.stderr
    assert not (tmp_path / "data").exists()


def test_the_names_of_retries_belong_to_their_key(keyed):
    """Guards Idempotency-Key between keys: the same name and body of two keys are two activities, of one key one."""
    body = {"userId": "u", "action": "retry"}
    ids = [keyed.ask("POST", LIST, key, body, [("Idempotency-Key", '"k"')]).json["id"] for key in ("write", "write", "all")]
    assert ids[0] == ids[1] != ids[2]


def test_the_commands_of_keys(tmp_path):
    """Guards the commands: a key alone on the last line, nothing of it in the file, lists, and exit codes."""
    path = tmp_path / "keys"
    made = services.run_program("keys", "create", "--keys-file", path, "--scopes", "write,read", "--name", "web", "--user", "a b")
    key = made.stdout.splitlines()[-1]
    assert made.returncode == 0 and re.fullmatch(r"ut_[0-9a-f]{16}_[A-Za-z0-9_-]{32}", key), made
    assert path.stat().st_mode & 0o777 == 0o600 and key[-32:] not in path.read_text()
    listed = services.run_program("keys", "list", "--keys-file", path).stdout
    assert "web" in listed and "write,read" in listed and "a b" in listed and key[3:19] in listed
    again = services.run_program("keys", "create", "--keys-file", path, "--scopes", "read", "--name", "web")
    assert again.returncode == 1 and "already" in again.stderr
    assert services.run_program("keys", "revoke", "--keys-file", path, "--name", "other").returncode == 1
    assert services.run_program("keys", "revoke", "--keys-file", path, "--name", "web").returncode == 0
    assert "web" not in services.run_program("keys", "list", "--keys-file", path).stdout
    assert services.run_program("keys", "create", "--keys-file", path, "--scopes", "all", "--name", "x").returncode == 2
    assert services.run_program("keys").returncode == 2


def test_an_import_shows_its_key(keyed, tmp_path):
    """Guards imports through a server with keys: refused without one, done with one out of a file that nobody else reads."""
    source, key = tmp_path / "lines.ndjson", tmp_path / "key"
    source.write_text("".join(json.dumps({"userId": "imported", "action": f"a-{number}"}) + "\n" for number in range(50)))
    words = ["import", source, "--server", keyed.service.url, "--give-up-after", 5]
    refused = services.run_program(*words)
    assert refused.returncode == 1 and "401" in refused.stderr, refused
    key.write_text(keyed.keys["read"] + "\n")
    key.chmod(0o644)
    assert services.run_program(*words, "--api-key-file", key).returncode == 2
    key.chmod(0o600)
    assert "403" in services.run_program(*words, "--api-key-file", key).stderr
    key.write_text(keyed.keys["write"] + "\n")
    done = services.run_program(*words, "--api-key-file", key)
    assert done.returncode == 0 and "50 activities imported" in done.stdout, done
    keyed.wait_settled()
    assert keyed.ask("GET", f"{LIST}?userId=imported&limit=100", "read").json["results"] == 50


def test_what_was_not_let_in_is_counted(make_service, tmp_path):
    """Guards the counters at /health, which is open."""
    keyed = keys.Keyed(make_service, tmp_path)
    before = keys.access(keyed.service)
    for key in (None, "nonsense", "write"):
        keyed.ask("GET", LIST, key)
    after = keys.access(keyed.service)
    assert {name: after[name] - before[name] for name in after} == {
        "keys": 0, "unauthorized": 2, "forbidden": 1, "limited": 0, "reloads": 0, "failedReloads": 0}
    assert json.dumps(after)
