"""A ledger outside of the system for the sums of /api/v1/accounting: what a client sent, what it was answered, and what must have
become of it in the log."""

import service as services
import wire

ACCOUNTING = "/api/v1/accounting"
OUTCOMES = ("stored", "duplicate", "conflict", "refused", "erased", "empty")


class Ledger:
    def __init__(self):
        self.ids = {}
        self.edge = {"received": 0, "accepted": 0, "rejected": 0, "resent": 0}  # of this life of the process
        self.outcomes = dict.fromkeys(OUTCOMES, 0)

    def post(self, service, *activities):
        answer = service.post(list(activities))
        assert answer.status == 202, answer
        self.edge["received"] += len(activities)
        for activity, result in zip(activities, answer.json["results"], strict=True):
            self.note(activity, "error" in result)

    def note(self, activity, rejected):
        if rejected:
            self.edge["rejected"] += 1
            return
        self.edge["accepted"] += 1
        known = self.ids.setdefault(activity["id"], activity)
        if known is activity:
            self.outcomes["stored"] += 1
        else:
            self.outcomes["duplicate" if known == activity else "conflict"] += 1

    def forget_edge(self):
        self.edge = dict.fromkeys(self.edge, 0)

    def twisted(self, **differences):
        """A ledger that remembers some outcomes otherwise."""
        other = Ledger()
        other.edge = self.edge
        other.outcomes = {name: count + differences.get(name, 0) for name, count in self.outcomes.items()}
        return other


def activity(number, user=None, **members):
    return {"id": f"a-{number}", "userId": user or f"user-{number % 7}", "action": "act", "metadata": {"n": number}, **members}


def mixture(begin, count):
    """Per ten activities: one that comes again, one with other content, one that is rejected."""
    made = []
    for number in range(begin, begin + count):
        made.append(activity(number))
        if number % 10 == 3:
            made.append(activity(number))
        if number % 10 == 5:
            made.append(activity(number, metadata={"other": True}))
        if number % 10 == 7:
            made.append({"userId": "", "action": "act"})
    return made


def account(service):
    """The sums, which add up whenever somebody asks while nothing is being answered."""
    answer = service.get(ACCOUNTING)
    assert answer.status == 200 and answer.header("content-type") == "application/json", answer
    document = answer.json
    log = document["logs"][0]
    assert document["closes"] and log["closes"] and log["difference"] == 0, document
    assert log["positions"] == sum(log[outcome] for outcome in OUTCOMES) + log["pending"]
    assert log["inUse"]
    passed = sum(max(0, one["covered"] - one["start"]) for one in log["partitions"] if "start" in one)
    assert passed == log["positions"] - log["pending"]
    return document


def wait_handled(service, count, seconds=30):
    """Until so many positions have their outcome. What is pending says it not alone: of a group that has given no partitions to
    this worker yet, nothing is."""
    def handled():
        log = account(service)["logs"][0]
        return log["pending"] == 0 and log["positions"] >= count

    wire.wait_until(handled, f"{count} positions with an outcome", seconds * services.PATIENCE, 0.01)


def expect_as_in(ledger, service, seconds=30):
    """Waits for what is on its way, and compares."""
    wait_handled(service, sum(ledger.outcomes.values()), seconds)
    document = account(service)
    found = {outcome: document["logs"][0][outcome] for outcome in OUTCOMES}
    assert found == ledger.outcomes
    assert {name: document["edge"][name] for name in ledger.edge} == ledger.edge
    return document
