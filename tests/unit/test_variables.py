"""The dialplan and the scripts speak of the same variables: one name misspelt on one side, and a call is lost."""

from __future__ import annotations

import re
from dataclasses import replace

from agi_scripts import variables
from agi_scripts.contact import Luggage
from dialplans.render import render
from tests.unit.test_dialplan_render import SPEC

RECORDED = replace(SPEC, records=True)

OURS = {value for name, value in vars(variables).items() if name.isupper() and value.startswith("HOTLINE_")}
# Set by scripts, read by scripts or by people: the dialplan has no use for them.
NOT_IN_DIALPLAN = {variables.SOURCE, variables.CAMPAIGN}


def test_the_dialplan_names_exactly_our_variables() -> None:
    named = set(re.findall(r"HOTLINE_[A-Z_]+", render(RECORDED)["extensions.conf"]))
    assert named == OURS - NOT_IN_DIALPLAN


def test_the_dialplan_hands_over_in_the_order_in_which_the_script_reads() -> None:
    text = render(SPEC)["extensions.conf"]
    sent = re.search(r"/call,(.*)\)$", text, re.MULTILINE)
    assert sent is not None
    length = re.compile(r"\$\{IF\(\$\[\"\$\{(\w+)\}\" = \"\"\]\?:.*?\]\)\}")  # of the conversation, worked out
    words = [word.strip("${}") for word in length.sub(r"\1", sent[1]).split(",")]
    names = [word.lower().removeprefix("hotline_") for word in words]
    renamed = {"joined_ms": "joined", "answered_ms": "answered", "wait_until_ms": "wait_until"}
    assert names == [renamed.get(field, field) for field in Luggage.__dataclass_fields__]


def test_call_and_ended_are_told_the_same() -> None:
    text = render(SPEC)["extensions.conf"]
    told = {route: re.findall(rf"/{route}(,.*)\)$", text, re.MULTILINE) for route in ("call", "ended")}
    assert told["call"] == told["ended"]
