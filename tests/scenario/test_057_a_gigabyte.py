"""A gigabyte of lines in one request, with a verdict for each as it goes: whatever is sent, what is held stays small."""

import json
import threading

import pytest

import pair
import service as services
import wire

LIST = "/api/v1/activities"
MIB = 1 << 20
PIECES = 64 if services.SANITIZED else 1024  # of a mebibyte
SECONDS_MAX = 120

pytestmark = pair.needs(pair.LOCAL, "what lies before the log is the same for every pair")


class Verdicts(threading.Thread):
    """Reads the lines of a streamed answer while others send."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection, self.lines, self.status, self.end = connection, 0, None, b""
        self.start()

    def run(self):
        self.status = self.connection._read_head().status
        for chunk in self.connection.chunks():
            self.lines += chunk.count(b"\n")
            self.end = chunk[-1000:]

    def finish(self):
        """The last line, which tells of all."""
        self.join(SECONDS_MAX)
        assert self.status == 200 and not self.is_alive()
        return json.loads(self.end.splitlines()[-1])


def send_pieces(service, target, line):
    """Returns how many lines were sent, and what came back."""
    each = MIB // len(line)
    piece = wire.chunk(line * each)
    headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson"), ("Transfer-Encoding", "chunked")]
    with service.connect(SECONDS_MAX) as connection:
        connection.send(connection.head("POST", target, headers))
        verdicts = Verdicts(connection)
        for number in range(PIECES):
            connection.send(piece)
            if number % 64 == 63:  # never far behind, however long it goes on
                wire.wait_until(lambda so_far=(number + 1) * each: verdicts.lines > so_far - 64 * each, "verdicts as it goes")
        connection.send(b"0\r\n\r\n")
        last = verdicts.finish()
    assert verdicts.lines == PIECES * each + 1
    return PIECES * each, last


@pytest.mark.parametrize("fill", [1000, 60000], ids=["short", "long"])
def test_a_gigabyte_is_checked(make_service, fill):
    """Guards both directions of the edge by itself: a million of short lines, and some thousand of the longest."""
    service = make_service().start()
    line = json.dumps({"userId": "gigabyte", "action": "a", "metadata": {"fill": "x" * fill}}).encode() + b"\n"
    before = service.peak_bytes()
    count, last = send_pieces(service, LIST + "?dry_run=1", line)
    assert (last["accepted"], last["rejected"], last["dryRun"]) == (count, 0, True)
    if not services.SANITIZED:
        assert service.peak_bytes() - before < 16 * MIB
    service.stop()


def test_a_gigabyte_is_recorded(make_service):
    """Guards the whole way: log and store take it at the pace of the disk, in a part of its size, and all of it is there."""
    service = make_service().start()
    line = json.dumps({"userId": "gigabyte", "action": "a", "metadata": {"fill": "x" * 60000}}).encode() + b"\n"
    before = service.peak_bytes()
    count, last = send_pieces(service, LIST, line)
    assert (last["accepted"], last["rejected"], last["durability"]) == (count, 0, "local-disk")
    if not services.SANITIZED:
        assert service.peak_bytes() - before < 512 * MIB
    answer = service.get(f"{LIST}?userId=gigabyte&limit=1&count=true&after={last['receipt']}")
    assert answer.status == 200 and answer.json["count"] == count
    service.stop()
