"""The two tables of an agent's life, against the laws they must keep and the diagrams that show them."""

from __future__ import annotations

import re
from itertools import product

import pytest

from acd import attendance, dispatch
from acd.model import (
    ENGAGEMENT_TABLE,
    PRESENCE_TABLE,
    Engagement,
    EngagementEvent,
    IllegalTransition,
    Presence,
    PresenceEvent,
    next_engagement,
    next_presence,
)


@pytest.mark.parametrize(("state", "event"), list(product(Engagement, EngagementEvent)))
def test_engagement_goes_by_the_table_or_not_at_all(state: Engagement, event: EngagementEvent) -> None:
    if (state, event) in ENGAGEMENT_TABLE:
        assert next_engagement(state, event) is ENGAGEMENT_TABLE[state, event]
    else:
        with pytest.raises(IllegalTransition):
            next_engagement(state, event)


@pytest.mark.parametrize(("state", "event"), list(product(Presence, PresenceEvent)))
def test_presence_goes_by_the_table_or_not_at_all(state: Presence, event: PresenceEvent) -> None:
    if (state, event) in PRESENCE_TABLE:
        assert next_presence(state, event) is PRESENCE_TABLE[state, event]
    else:
        with pytest.raises(IllegalTransition):
            next_presence(state, event)


def test_every_engagement_can_come_to_rest() -> None:
    ends = {Engagement.IDLE}
    while more := {state for (state, _), after in ENGAGEMENT_TABLE.items() if after in ends} - ends:
        ends |= more
    assert ends == set(Engagement)


def test_only_a_claim_leaves_idle_and_only_talk_leads_to_wrap_up() -> None:
    assert [event for state, event in ENGAGEMENT_TABLE if state is Engagement.IDLE] == [
        EngagementEvent.RESERVE,
        EngagementEvent.WRAP_UP_MORE,  # of a talk that outlived its engine
    ]
    into_wrap_up = [row for row, after in ENGAGEMENT_TABLE.items() if after is Engagement.WRAP_UP]
    assert into_wrap_up == [
        (Engagement.TALKING, EngagementEvent.END),
        (Engagement.IDLE, EngagementEvent.WRAP_UP_MORE),
        (Engagement.WRAP_UP, EngagementEvent.WRAP_UP_MORE),
    ]


def test_one_can_log_out_from_wherever_one_is_logged_in() -> None:
    for presence in (Presence.AVAILABLE, Presence.PAUSED):
        assert next_presence(presence, PresenceEvent.LOG_OUT) is Presence.LOGGED_OUT


@pytest.mark.parametrize(
    ("module", "states"), [(dispatch, Engagement), (attendance, Presence)], ids=["engagement", "presence"]
)
def test_the_diagram_shows_every_state_and_no_other(module: object, states: type[Engagement] | type[Presence]) -> None:
    shown = set(re.findall(r"\b[A-Z]{4,}(?:_[A-Z]+)?\b", str(module.__doc__).split(":\n", 1)[1]))
    assert shown - {"ENGAGEMENT_TABLE", "PRESENCE_TABLE"} == {state.name for state in states}
