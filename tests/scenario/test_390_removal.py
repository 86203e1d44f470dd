"""kill -9 while activities go all the time: retention drops parts, users are erased. A judge who knows of both finds nothing that
was acknowledged missing, and nobody who was erased."""

import shutil

import pytest

import removal

KILLS = 3


@pytest.mark.parametrize("retention, erasing", [(True, False), (False, True), (True, True)],
                         ids=["retention", "erasures", "both"])
def test_kill_while_activities_go(make_service, retention, erasing):
    """Guards what must stay and what must go from a kill at any moment; the folder is sound after each, the sums hold."""
    trial = removal.Trial(make_service(*removal.Trial.flags(retention)), 390, retention, erasing)
    trial.service.start()
    for _ in range(KILLS):
        trial.load_and_kill(1.0)
        trial.service.start()
        rows = trial.check()
    dropped = trial.check_sums(1.0)
    acknowledged = trial.ledger.count_acknowledged()
    assert acknowledged > 1000 and 0 < len(rows) < acknowledged
    assert (dropped > 0) == retention and (trial.ledger.count_erasures() > 10) == erasing
    trial.service.restart()
    trial.check()
    trial.service.stop()


def rows_of(ledger, *ids):
    return [{"id": one, "userId": ledger.sent[one].user, "metadata": removal.content(one)} for one in ids]


def send(ledger, user, *ids, acknowledged=True, writer=0):
    activities = [{"id": one, "userId": user} for one in ids]
    ledger.note_sent(writer, activities)
    ledger.note_ended(activities, acknowledged)


def erase(ledger, user, answered=True):
    ledger.note_erased(ledger.note_erasing(user), answered)


def test_the_judge_sees_what_is_wrong():
    """Guards the judge: each kind of wrong is seen, and what may be either way is not."""
    ledger = removal.Ledger()
    send(ledger, "gone", "a1")
    send(ledger, "gone", "a2", acknowledged=False)
    send(ledger, "stays", "b1", "b2")
    erase(ledger, "gone")
    send(ledger, "gone", "a3")
    send(ledger, "stays", "b3", acknowledged=False)
    whole = rows_of(ledger, "b1", "b2", "a3")
    assert ledger.judge(whole) == [] == ledger.judge(whole + rows_of(ledger, "b3"))
    assert "a1 of gone was erased and is there" in ledger.judge(whole + rows_of(ledger, "a1"))
    assert "a2 of gone was erased and is there" in ledger.judge(whole + rows_of(ledger, "a2"))
    assert ledger.judge(rows_of(ledger, "b1", "a3")) == ["b2 of stays was acknowledged and is missing"]
    assert "a3 of gone was acknowledged and is missing" in ledger.judge(rows_of(ledger, "b1", "b2"))
    assert ledger.judge(whole + rows_of(ledger, "b2")) == ["b2 is there twice"]
    assert ledger.judge(whole + [{"id": "c1", "userId": "u", "metadata": {}}]) == ["c1 was never sent"]
    assert ledger.judge([{**whole[0], "metadata": {}}, *whole[1:]]) == ["b1 is not as it was sent"]
    assert ledger.judge([{**whole[0], "userId": "gone"}, *whole[1:]]) == ["b1 is not as it was sent"]
    # Retention takes the oldest of a writer, never one behind another that is there, never the newest of all.
    assert ledger.judge(rows_of(ledger, "b2", "a3"), retention=True) == []
    assert ledger.judge(rows_of(ledger, "a3"), retention=True) == []
    assert ledger.judge(rows_of(ledger, "b1", "a3"), retention=True) == ["b2 of stays was acknowledged and is missing"]
    assert ledger.judge([], retention=True) == ["a3, the newest of all, is missing"]
    # An erasure that was not answered may have happened.
    erase(ledger, "stays", answered=False)
    assert ledger.judge(rows_of(ledger, "a3")) == [] == ledger.judge(whole)
    send(ledger, "stays", "b4")
    assert ledger.judge(rows_of(ledger, "a3", "b4")) == []
    assert "b4 of stays was acknowledged and is missing" in ledger.judge(whole)


def test_the_judge_sees_a_real_loss(make_service):
    """Guards the judge once more, with the real program: an older copy of the folder put back has what was erased since, and
    lacks what came since."""
    trial = removal.Trial(make_service(), 391, False, False)
    service = trial.service.start()
    for user in ("gone", "stays"):
        activities = [{"userId": user, "action": "a", "id": f"{user}-{number}", "metadata": removal.content(f"{user}-{number}")}
                      for number in range(50)]
        trial.ledger.note_sent(0, activities)
        service.record(activities)
        trial.ledger.note_ended(activities, True)
    trial.check()
    service.stop()
    shutil.copytree(service.data, service.home / "older")
    service.start()
    erasure = trial.ledger.note_erasing("gone")
    assert service.request("DELETE", "/api/v1/users/gone").status == 200
    trial.ledger.note_erased(erasure, True)
    service.record({"userId": "stays", "action": "a", "id": "late", "metadata": removal.content("late")})
    trial.ledger.note_sent(0, [{"userId": "stays", "id": "late"}])
    trial.ledger.note_ended([{"id": "late"}], True)
    trial.check()
    service.stop()
    shutil.rmtree(service.data)
    (service.home / "older").rename(service.data)
    service.start()
    service.wait_settled()
    wrong = trial.ledger.judge(service.walk())
    assert sum("was erased and is there" in one for one in wrong) == 50
    assert "late of stays was acknowledged and is missing" in wrong
    service.stop()
