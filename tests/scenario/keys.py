"""Keys, for tests: made by the program, sent by requests, changed under a running service."""

import contextlib
import signal

import service as services
import wire

SCOPES = ("write", "read", "admin", "erase")


def create(path, name, scopes, *users):
    """Makes a key with the program; returns its text."""
    words = [word for user in users for word in ("--user", user)]
    result = services.run_program("keys", "create", "--keys-file", path, "--name", name, "--scopes", scopes, *words)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1]


def revoke(path, name):
    assert services.run_program("keys", "revoke", "--keys-file", path, "--name", name).returncode == 0


def bearer(key):
    return [("Authorization", f"Bearer {key}")] if key else []


def access(service):
    """What /health says of access."""
    return service.get("/health").json["access"]


def reload(service):
    """SIGHUP, until it was heard."""
    def heard():
        told = access(service)
        return told["reloads"] + told["failedReloads"]
    before = heard()
    service.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: heard() > before, "the files are read again", 10)
    return access(service)


class Keyed:
    """A service with keys, one of each scope by its name, one of all scopes ("all"), one limited to user u."""

    def __init__(self, make_service, folder, *flags, **options):
        self.path = folder / "keys"
        self.keys = {scope: create(self.path, scope, scope) for scope in SCOPES}
        self.keys["all"] = create(self.path, "all", ",".join(SCOPES))
        self.keys["u"] = create(self.path, "u", ",".join(SCOPES), "u")
        self.service = make_service("--keys-file", self.path, *flags, **options).start()

    def ask(self, method, target, key=None, body=None, headers=()):
        """With the key of this name; each request has a connection of its own, since a refusal may close it."""
        with contextlib.closing(self.service.connect()) as connection:
            return connection.request(method, target, body, [*bearer(self.keys.get(key, key)), *headers])

    def record(self, body, key="all"):
        answer = self.ask("POST", services.COLLECTION, key, body)
        assert answer.status == 202, answer
        return answer.json

    def wait_settled(self):
        self.service.wait_settled()

    def link(self, user, key="all", seconds=600):
        answer = self.ask("POST", f"/api/v1/users/{user}/links", key, {"expiresIn": seconds})
        assert answer.status == 201, answer
        return answer.json["token"]
