"""The table of a session, as transcripts: a state, a command, what comes of it."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from chatserver.core import conversation as rules
from chatserver.core.access import User
from chatserver.core.conversation import Change, Event, Pad, Running, State
from chatserver.core.errors import Refused

SEEKER = User(UUID(int=1), "asha@example.com", "seeker", "Asha Rao")
ADMIN = User(UUID(int=2), "ben@example.com", "admin", "Ben Okoro")
OTHER = User(UUID(int=3), "chen@example.com", "admin", "Chen Li")

QUIET = State(UUID(int=9), SEEKER.id, "Asha Rao", "active_ai", seq=4, turn=2)
ANSWERING = replace(QUIET, running=Running(turn=2, first_turn=2))
HELD = replace(QUIET, status="active_human", admin=ADMIN.id, admin_name="Ben Okoro")
ABANDONED = replace(HELD, lease_over=True)
CLOSED = replace(QUIET, status="closed")
HALF = Pad("Half an ans", ({"ref": "J1"},))


def kinds(change: Change | None) -> list[tuple[str, str, str | None]]:
    assert change is not None
    return [(event.kind, event.content, event.meta.get("reason") or event.role) for event in change.events]


def refused(code: str) -> pytest.RaisesExc[Refused]:
    return pytest.raises(Refused, check=lambda error: error.code == code)


def test_a_question_claims_an_answer() -> None:
    change = rules.post(QUIET, SEEKER, uuid4(), "Any audit jobs?", None)
    assert kinds(change) == [("message", "Any audit jobs?", "user")]
    assert (change.raises_turn, change.claims, change.ends) == (True, True, None)


def test_a_question_during_an_answer_keeps_what_was_written_before_it() -> None:
    change = rules.post(ANSWERING, SEEKER, uuid4(), "Wait", HALF)
    assert kinds(change) == [("message", "Half an ans", "assistant"), ("message", "Wait", "user")]
    assert change.events[0].of_turn == 2
    assert change.events[0].meta == {"interrupted": True, "sources": [{"ref": "J1"}]}
    assert (change.ends, change.claims) == ("cut", True)


def test_under_a_person_nobody_claims_an_answer() -> None:
    for change in (rules.post(HELD, SEEKER, uuid4(), "Hi", None), rules.post(HELD, ADMIN, uuid4(), "Hello", None)):
        assert not change.claims
        assert not change.raises_turn


def test_an_admin_writes_only_what_they_hold() -> None:
    for state in (QUIET, ANSWERING, replace(HELD, admin=OTHER.id)):
        with refused("not_holder"):
            rules.post(state, ADMIN, uuid4(), "Hello", None)


def test_nothing_is_said_in_a_closed_session() -> None:
    with refused("closed"):
        rules.post(CLOSED, SEEKER, uuid4(), "Hello?", None)
    with refused("closed"):
        rules.take_over(CLOSED, ADMIN, None)
    with refused("closed"):
        rules.retry(CLOSED, 2)
    assert rules.close(CLOSED, SEEKER, None) is None


def test_a_takeover_fences_the_answer() -> None:
    change = rules.take_over(replace(ANSWERING, waiting=True), ADMIN, HALF)
    assert kinds(change) == [("message", "Half an ans", "assistant"), ("status", "active_human", "taken_over")]
    assert change is not None
    assert change.raises_turn
    assert (change.status, change.admin, change.waiting, change.ends) == ("active_human", ADMIN.id, False, "cut")


def test_of_two_admins_one_wins_and_the_other_hears_the_name() -> None:
    assert rules.take_over(HELD, ADMIN, None) is None
    with pytest.raises(Refused, match="Ben Okoro") as error:
        rules.take_over(HELD, OTHER, None)
    assert error.value.code == "conflict"


def test_a_lease_that_is_over_may_be_taken() -> None:
    change = rules.take_over(ABANDONED, OTHER, None)
    assert change is not None
    assert change.admin == OTHER.id


def test_handing_back_answers_only_what_is_unanswered() -> None:
    assert rules.hand_back(replace(HELD, unanswered=True), ADMIN).claims
    assert not rules.hand_back(HELD, ADMIN).claims


def test_handing_back_is_the_holders_until_the_lease_is_over() -> None:
    with refused("not_holder"):
        rules.hand_back(HELD, OTHER)
    with refused("not_holder"):
        rules.hand_back(HELD, None)
    assert rules.hand_back(ABANDONED, OTHER).status == "active_ai"
    with refused("conflict"):
        rules.hand_back(QUIET, ADMIN)


def test_the_system_hands_back_only_a_waiting_message_of_an_absent_holder() -> None:
    assert rules.system_may_hand_back(replace(ABANDONED, unanswered=True))
    assert rules.system_may_hand_back(replace(HELD, admin=None, unanswered=True))
    assert not rules.system_may_hand_back(ABANDONED)
    assert not rules.system_may_hand_back(replace(HELD, unanswered=True))
    assert not rules.system_may_hand_back(replace(QUIET, unanswered=True))


def test_stop_ends_the_running_turn_under_any_number_that_reaps_gave_it() -> None:
    reaped = replace(QUIET, turn=5, running=Running(turn=5, first_turn=3, attempt=3))
    for turn in (3, 4, 5):
        assert kinds(rules.stop(reaped, SEEKER, turn, HALF))[-1] == ("status", "active_ai", "stopped")
    assert rules.stop(reaped, SEEKER, 2, HALF) is None
    assert rules.stop(reaped, SEEKER, 6, HALF) is None
    assert rules.stop(QUIET, SEEKER, 2, None) is None


def test_retry_is_for_what_just_ended_and_for_the_first_who_asks() -> None:
    ended = replace(QUIET, turn=3, ended_turn=2)
    assert rules.retry(ended, 2).claims
    with refused("conflict"):
        rules.retry(ended, 1)
    with refused("conflict"):
        rules.retry(replace(QUIET, turn=4), 2)
    with refused("conflict"):
        rules.retry(replace(ended, running=Running(3, 3)), 2)


def test_a_late_answer_is_void() -> None:
    message = Event("message", "Done", "assistant")
    change = rules.finish(ANSWERING, 2, message)
    assert change is not None
    assert (change.events[0].of_turn, change.ends, change.raises_turn) == (2, "done", True)
    assert rules.finish(ANSWERING, 1, message) is None
    assert rules.finish(QUIET, 2, message) is None
    assert rules.fail(replace(ANSWERING, turn=3), 2, "cut", None) is None


def test_a_failure_is_a_durable_word() -> None:
    change = rules.fail(ANSWERING, 2, "overloaded", HALF)
    assert kinds(change) == [
        ("message", "Half an ans", "assistant"),
        ("status", "active_ai", "answer_failed:overloaded"),
    ]
    assert kinds(rules.fail(ANSWERING, 2, "refused", None)) == [("status", "active_ai", "answer_failed:refused")]


def test_an_answer_whose_owner_died_starts_afresh_until_the_third() -> None:
    dead = replace(ANSWERING, running=Running(2, 2, attempt=1, lease_over=True))
    change = rules.reap(dead, HALF)
    assert change is not None
    assert (change.reaps, change.raises_turn, change.events, change.counts_attempt) == (True, True, (), True)
    last = rules.reap(replace(ANSWERING, running=Running(2, 2, attempt=3, lease_over=True)), HALF)
    assert kinds(last)[-1] == ("status", "active_ai", "answer_failed:gave_up")
    assert rules.reap(ANSWERING, HALF) is None


def test_a_node_that_leaves_in_good_order_costs_no_attempt() -> None:
    handed = replace(ANSWERING, running=Running(2, 2, attempt=3, lease_over=True, handed_over=True))
    change = rules.reap(handed, None)
    assert change is not None
    assert change.reaps
    assert not change.counts_attempt


def test_asking_for_a_person_leaves_the_answer_alone() -> None:
    change = rules.ask_human(ANSWERING, SEEKER, "visa question")
    assert change is not None
    assert (change.waiting, change.waiting_reason, change.raises_turn, change.ends) == (
        True,
        "visa question",
        False,
        None,
    )
    assert rules.ask_human(replace(ANSWERING, waiting=True), SEEKER, None) is None
    assert rules.ask_human(HELD, SEEKER, None) is None
    assert rules.ask_human(ANSWERING, None, None, turn=2) is not None
    assert rules.ask_human(ANSWERING, None, None, turn=1) is None
    with refused("closed"):
        rules.ask_human(CLOSED, SEEKER, None)


def test_leaving_the_queue() -> None:
    change = rules.cancel_human(replace(QUIET, waiting=True), SEEKER)
    assert kinds(change) == [("status", "active_ai", "waiting_over")]
    assert rules.cancel_human(QUIET, SEEKER) is None
