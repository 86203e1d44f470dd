"""A load with erasures in it, and a judge who knows what retention and erasures may take.

The ledger of the load client knows no activity that may be gone. Here every event has its place in one order, so that the
judge can say of each activity whether it came before an erasure was asked for, after it was answered, or meanwhile:

- Acknowledged, and no erasure of its user that was not answered (or whose connection did not break) before it was sent: it
  must be there. With retention it may be gone if everything that its writer sent before it is gone, too.
- Its request over before an erasure of its user was asked for that was answered with 200: it must be gone.
- Otherwise either is right. Whatever is there was sent, is there once, and is as it was sent.
"""

import hashlib
import json
import math
import random
import threading
import time

import service as services
import wire

WRITERS = 3
BATCH = 40
USERS_IN_EACH = 12  # of one writer's erasable users
WALKS_MAX = 10  # until none was overtaken by retention


class Sent:
    """One activity. `asked` and `ended` are places in the order of events; `ended` is None while its request is under way."""

    __slots__ = ("user", "writer", "asked", "ended", "acknowledged")

    def __init__(self, user, writer, asked):
        self.user, self.writer, self.asked = user, writer, asked
        self.ended, self.acknowledged = None, False


class Erasure:
    __slots__ = ("asked", "ended", "answered")

    def __init__(self, asked):
        self.asked, self.ended, self.answered = asked, None, False


def content(activity_id):
    """Metadata that no compression shortens much and that the judge can make again."""
    return {"x": "".join(hashlib.sha512(f"{activity_id}.{turn}".encode()).hexdigest() for turn in range(3))}


class Ledger:
    """What was sent, acknowledged and erased. Any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events = 0
        self.sent = {}  # by id, in the order of events
        self.erasures = {}  # lists by user

    def _place(self):
        self.events += 1
        return self.events

    def note_sent(self, writer, activities):
        with self.lock:
            asked = self._place()
            for activity in activities:
                self.sent[activity["id"]] = Sent(activity["userId"], writer, asked)

    def note_ended(self, activities, acknowledged):
        with self.lock:
            ended = self._place()
            for activity in activities:
                sent = self.sent[activity["id"]]
                sent.ended, sent.acknowledged = ended, acknowledged

    def note_erasing(self, user):
        with self.lock:
            erasure = Erasure(self._place())
            self.erasures.setdefault(user, []).append(erasure)
            return erasure

    def note_erased(self, erasure, answered):
        with self.lock:
            erasure.ended, erasure.answered = self._place(), answered

    def count_acknowledged(self):
        return sum(sent.acknowledged for sent in self.sent.values())

    def count_erasures(self):
        return sum(erasure.answered for erasures in self.erasures.values() for erasure in erasures)

    def place(self):
        """A place in the order of events, for `at`."""
        with self.lock:
            return self._place()

    def at(self, begun, ended):
        """The ledger of a copy that was made between two places: what was answered before it began holds in it; what was asked
        for after it ended is not there; and whatever was under way meanwhile may be either way."""
        then = Ledger()
        with self.lock:
            for activity_id, sent in self.sent.items():
                if sent.asked < ended:
                    copy = then.sent[activity_id] = Sent(sent.user, sent.writer, sent.asked)
                    over = sent.ended is not None and sent.ended < begun
                    copy.ended, copy.acknowledged = (sent.ended, sent.acknowledged) if over else (math.inf, False)
            for user, erasures in self.erasures.items():
                for erasure in erasures:
                    if erasure.asked < ended:
                        over = erasure.ended is not None and erasure.ended < begun
                        copy = Erasure(erasure.asked)
                        copy.ended, copy.answered = (erasure.ended, erasure.answered) if over else (math.inf, False)
                        then.erasures.setdefault(user, []).append(copy)
        return then

    def must_be_gone(self, sent):
        return any(erasure.answered and sent.ended < erasure.asked for erasure in self.erasures.get(sent.user, ()))

    def must_be_there(self, sent):
        return sent.acknowledged and all(erasure.ended < sent.asked for erasure in self.erasures.get(sent.user, ()))

    def judge(self, rows, retention=False):
        """What is wrong with these rows, as sentences; none: all is well. Nothing may be under way."""
        wrong = []
        found = set()
        for row in rows:
            sent = self.sent.get(row["id"])
            if sent is None:
                wrong.append(f"{row['id']} was never sent")
            elif row["id"] in found:
                wrong.append(f"{row['id']} is there twice")
            elif row["userId"] != sent.user or row["metadata"] != content(row["id"]):
                wrong.append(f"{row['id']} is not as it was sent")
            elif self.must_be_gone(sent):
                wrong.append(f"{row['id']} of {sent.user} was erased and is there")
            found.add(row["id"])
        return wrong + self._judge_missing(found, retention)

    def _judge_missing(self, found, retention):
        wrong = []
        begun = set()  # writers of whom something older is there
        last = None
        for activity_id, sent in self.sent.items():
            wanted = self.must_be_there(sent)
            if wanted and activity_id not in found and (sent.writer in begun or not retention):
                wrong.append(f"{activity_id} of {sent.user} was acknowledged and is missing")
            if activity_id in found:
                begun.add(sent.writer)
            if wanted and (last is None or sent.ended > self.sent[last].ended):
                last = activity_id
        if last is not None and last not in found and not self._is_newer(found, last):
            wrong.append(f"{last}, the newest of all, is missing")
        return wrong

    def _is_newer(self, found, last):
        """Something that was sent behind it is there, as in a copy: then it was not the newest when retention took it."""
        return any(self.sent[one].asked > self.sent[last].ended for one in found if one in self.sent)


class Load:
    """Writers and an eraser, each with a connection of its own, until the service is killed or they are told to stop."""

    def __init__(self, service, ledger, chance, erasing):
        self.service, self.ledger, self.erasing = service, ledger, erasing
        self.stopping = threading.Event()
        self.failures = []
        seeds = [chance.getrandbits(40) for _ in range(WRITERS + 1)]
        self.threads = [threading.Thread(target=self._guarded, args=(self._write, writer, seeds[writer]))
                        for writer in range(WRITERS)]
        if erasing:
            self.threads.append(threading.Thread(target=self._guarded, args=(self._erase, WRITERS, seeds[WRITERS])))
        for thread in self.threads:
            thread.start()

    def end(self):
        """Waits until nothing is under way."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures

    def _guarded(self, run, number, seed):
        try:
            with self.service.connect() as connection:
                run(connection, number, random.Random(seed))
        except (wire.Closed, OSError):
            pass  # the kill
        except Exception as failure:  # of the test itself
            self.failures.append(failure)

    def _write(self, connection, writer, chance):
        while not self.stopping.is_set():
            first = chance.getrandbits(48)
            activities = [{"userId": f"user-{chance.randrange(USERS_IN_EACH)}", "action": "a", "id": f"r{first + number:015x}",
                           "metadata": content(f"r{first + number:015x}")} for number in range(BATCH)]
            self.ledger.note_sent(writer, activities)
            status = None
            try:
                status = connection.post(services.COLLECTION, activities).status
            finally:
                self.ledger.note_ended(activities, status == 202)
            assert status in (202, 503, 507), status

    def _erase(self, connection, _, chance):
        while not self.stopping.is_set():
            user = f"user-{chance.randrange(USERS_IN_EACH)}"
            erasure = self.ledger.note_erasing(user)
            answer = None
            try:
                answer = connection.request("DELETE", f"/api/v1/users/{user}")
            finally:
                self.ledger.note_erased(erasure, answer is not None and answer.status == 200)
            assert answer.status in (200, 503), answer
            time.sleep(chance.uniform(0, 0.03))


class Trial:
    """A service with so small a log that the store writes all the time, its ledger, and a source of chance."""

    def __init__(self, service, seed, retention, erasing):
        self.service, self.retention, self.erasing = service, retention, erasing
        self.chance = random.Random(seed)
        self.ledger = Ledger()

    @staticmethod
    def flags(retention):
        return ["--log-bytes", "1MiB", "--log-segment-bytes", "64KiB", *(["--retention-bytes", "1MiB"] if retention else [])]

    def load_and_kill(self, longest):
        load = Load(self.service, self.ledger, self.chance, self.erasing)
        time.sleep(self.chance.uniform(0.2, longest) * services.PATIENCE)
        self.service.kill()
        load.end()
        self.verify()

    def verify(self):
        """The folder is sound, whether somebody writes in it or not."""
        result = services.run_program("verify", self.service.data, timeout=60)
        assert result.returncode == 0, result.stdout + result.stderr

    def check(self):
        """After a start: judged by the ledger, and what is there is what the store says."""
        self.service.wait_settled()
        rows = self._rows_that_stay()
        wrong = self.ledger.judge(rows, self.retention)
        assert not wrong, f"{len(wrong)} wrong: {wrong[:10]}"
        self.verify()
        return rows

    def _rows_that_stay(self):
        """As many as the store says that it has. What came last may still be sealed, and retention drop something for it."""
        for _ in range(WALKS_MAX if self.retention else 1):
            rows = self.service.walk()
            stored = self.health()["store"]["activities"]
            if stored >= len(rows):
                break
        assert stored == len(rows), f"the store says that it has {stored} activities and shows {len(rows)}"
        return rows

    def dropped(self):
        """How many activities retention has dropped since the start, as the log for operators tells."""
        count = 0
        for line in self.service.stderr.splitlines():
            if "oldest activities were dropped" in line:
                count += json.loads(line)["activities"]
        return count

    def check_sums(self, seconds):
        """A load without a kill: what came in, and what is there, are the sums of what is counted."""
        before, dropped = self.health(), self.dropped()
        load = Load(self.service, self.ledger, self.chance, self.erasing)
        time.sleep(seconds * services.PATIENCE)
        load.end()
        self.check()
        after, dropped = self.health(), self.dropped() - dropped
        worker = {name: after["worker"][name] - before["worker"][name] for name in ("stored", "duplicate", "conflict", "erased")}
        removed = after["erasures"]["activities"] - before["erasures"]["activities"]
        assert after["requests"]["accepted"] - before["requests"]["accepted"] == sum(worker.values()), (before, after)
        grown = after["store"]["activities"] - before["store"]["activities"]
        assert grown == worker["stored"] - removed - dropped, (before, after, dropped)
        return dropped

    def health(self):
        return self.service.get("/health").json
