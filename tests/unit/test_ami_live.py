"""Asterisk's words and ours."""

from __future__ import annotations

import pytest
from panoramisk.message import Message

from acd.ami.dials import DialWatch
from acd.ami.live import PHONE_STATES, live_channel, phone_of, phone_of_leg, phone_state, seconds_of
from acd.model import PhoneState


@pytest.mark.parametrize(
    ("leg", "extension"),
    [
        ("PJSIP/1001-0000002a", "1001"),
        ("PJSIP/front-desk-0000002a", "front-desk"),
        ("PJSIP/1001", None),
        ("Local/1001@x-0000002a;1", None),
        ("", None),
    ],
)
def test_the_phone_of_a_leg(leg: str, extension: str | None) -> None:
    assert phone_of_leg(leg) == extension


def test_the_phone_of_a_device() -> None:
    assert phone_of("PJSIP/1001") == "1001"
    assert phone_of("Queue:sales") is None


def test_only_an_idle_phone_is_free_and_an_unknown_word_is_not() -> None:
    assert [word for word, state in PHONE_STATES.items() if state is PhoneState.FREE] == ["NOT_INUSE"]
    assert phone_state("NEW_IN_23") is PhoneState.UNREACHABLE


@pytest.mark.parametrize(
    ("clock", "seconds"), [("00:00:07", 7), ("27:46:40", 100_000), ("", 0), ("1:2", 0), ("a:b:c", 0), ("-1:0:0", 0)]
)
def test_a_duration(clock: str, seconds: int) -> None:
    assert seconds_of(clock) == seconds


def test_a_callers_number_is_reduced() -> None:
    assert live_channel(Message({"Event": "x", "CallerIDNum": "+86 138\x07${A}" + "9" * 300})).caller_number == (
        "+86138" + "9" * 26
    )


def test_the_dial_watch_forgets_every_dial_that_ends() -> None:
    answers: list[tuple[str, str]] = []
    watch = DialWatch(lambda caller, phone: answers.append((caller, phone)))
    leg, caller = "PJSIP/1001-00000002", "PJSIP/trunk-00000001"
    for status in ("NOANSWER", "CANCEL", "ANSWER"):
        watch.dial_begin(Message({"Event": "DialBegin", "Channel": caller, "DestChannel": leg}))
        watch.dial_end(Message({"Event": "DialEnd", "Channel": caller, "DestChannel": leg, "DialStatus": status}))
    assert answers == [(caller, "1001")]
    assert not watch._ringing
    assert not watch._told
