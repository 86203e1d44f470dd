"""One request of a gigabyte: lines that go in while their verdicts come out, and all of it out again as an export, in bounded memory."""

import hashlib
import json
import shutil
import threading

import service as services
import wire

BLOCK = 2000  # lines that are made at a time
MEMORY_BYTES_MAX = 256 << 20  # the budget of the program while it ingests
EXPORT = "/api/v1/activities/export"
LIST = "/api/v1/activities"


def digest_of(text):
    """Sums of these do not hang on the order."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


class Lines:
    """So many bytes of lines with ids of their own; what was made is known by number and sum."""

    def __init__(self, chance):
        self.chance = chance
        self.count = self.bytes = self.sum = 0

    def block(self):
        lines = []
        for number in range(self.count, self.count + BLOCK):
            identity = f"g-{number:09}"
            self.sum = (self.sum + digest_of(identity.encode())) % 2**64
            lines.append('{"id":"%s","userId":"u%04d","action":"a%d","metadata":{"n":%d,"text":"%032x%s"}}\n' % (
                identity, self.chance.randrange(5000), number % 40, number, self.chance.getrandbits(128), "x" * (number % 300)))
        self.count += BLOCK
        text = "".join(lines).encode()
        self.bytes += len(text)
        return text


def send(connection, lines, total, progress):
    while lines.bytes < total:
        block = lines.block()
        connection.send(wire.chunk(block))
        progress.tell(f"{lines.bytes >> 20} MiB sent")
    connection.send(b"0\r\n\r\n")


def read_verdicts(connection):
    """(how many were promised, their sum, the last line)."""
    count = total = 0
    rest = b""
    for chunk in connection.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            verdict = json.loads(line)
            if "id" in verdict:
                count += 1
                total = (total + digest_of(verdict["id"].encode())) % 2**64
            else:
                last = verdict
    return count, total, last


def read_export(connection):
    count = total = 0
    rest = b""
    for chunk in connection.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            count += 1
            total = (total + digest_of(line.split(b'"', 4)[3])) % 2**64
    return count, total


def one_gigabyte(options, progress):
    """Guards bounded memory where nothing else bounds a request, and a verdict for each line of it."""
    service = services.Service()
    lines = Lines(options.random)
    try:
        service.start()
        with service.connect(120) as connection:
            connection.send(connection.head("POST", LIST, [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson"),
                                                           ("Transfer-Encoding", "chunked")]))
            sender = threading.Thread(target=send, args=(connection, lines, options.stream_bytes, progress))
            sender.start()
            assert connection._read_head().status == 200
            count, total, last = read_verdicts(connection)
            sender.join()
        assert (count, total) == (lines.count, lines.sum) and last["accepted"] == count and last["rejected"] == 0, last
        peak = service.peak_bytes()
        assert peak <= MEMORY_BYTES_MAX, f"{peak >> 20} MiB"
        service.wait_settled(300)
        with service.connect(120) as connection:
            connection.send(connection.head("GET", EXPORT))
            assert connection._read_head().status == 200
            exported = read_export(connection)
        assert exported == (lines.count, lines.sum), exported
        peak_after = service.peak_bytes()
        assert peak_after <= MEMORY_BYTES_MAX, f"{peak_after >> 20} MiB"
        progress.tell(f"{lines.count:,} lines of {lines.bytes >> 20} MiB promised, stored and exported, with {peak_after >> 20} MiB")
        service.stop()
    except (AssertionError, OSError, wire.Closed):
        print(f"\nkept for a look: {service.home}", flush=True)
        raise
    service.close()
    shutil.rmtree(service.home, ignore_errors=True)


TRIALS = (one_gigabyte,)
