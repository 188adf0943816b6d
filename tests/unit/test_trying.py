"""The parts of a tried call: the hand, the clock's words, the voice; and every kind of node on a site of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.site import Site
from hotline.trying.call import Cap, Dialled, TriedCall
from hotline.trying.clock import VirtualClock
from hotline.trying.happening import CallLog, Happening, Kind
from hotline.trying.keypad import Act, Doing, Keypad, ScriptError, parse_script
from hotline.trying.moment import parse_moment
from hotline.trying.sayings import Sayings
from hotline.trying.terminal_voice import TerminalVoice
from ivr.prompts.text import PromptText
from ivr.voice import GONE, SILENCE, Ended, Heard

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=SHANGHAI)  # a Monday
TEN = PromptText("ten", {"en": "x" * 100})  # 7.8 s


def test_a_script_is_read() -> None:
    assert parse_script("") == ()
    assert parse_script(" 2, !1 ,,t,h,!h,a,a45,12*#") == (
        Act("2", Doing.KEYS, "2"),
        Act("!1", Doing.KEYS, "1", early=True),
        Act("t", Doing.SILENCE),
        Act("t", Doing.SILENCE),
        Act("h", Doing.HANG_UP),
        Act("!h", Doing.HANG_UP, early=True),
        Act("a", Doing.ANSWER),
        Act("a45", Doing.ANSWER, after_s=45.0),
        Act("12*#", Doing.KEYS, "12*#"),
    )


@pytest.mark.parametrize("text", ["x", "2;1", "!", "!t", "!a", "!!2", "a-1", "h3", "2h", "A", "２"])
def test_nonsense_is_no_script(text: str) -> None:
    with pytest.raises(ScriptError):
        parse_script(text)


def person(*lines: str) -> tuple[Keypad, list[str]]:
    asked: list[str] = []
    left: Iterator[str] = iter(lines)

    def read(question: str) -> str | None:
        asked.append(question)
        return next(left, None)

    return Keypad(parse_script("7"), read), asked


def test_the_script_comes_before_the_person_who_is_asked_again_after_nonsense() -> None:
    keypad, asked = person("what", "a", "2", "", "a45")
    assert [keypad.in_menu().keys for _ in range(2)] == ["7", "2"]
    assert [question[:6] for question in asked] == ["keys, ", "'what'", "'a' ca"]
    assert keypad.in_menu().doing is Doing.SILENCE
    assert keypad.in_queue().after_s == 45
    assert keypad.in_queue().doing is Doing.HANG_UP  # the terminal is closed


def test_with_nobody_there_it_is_silent() -> None:
    assert Keypad().in_menu().doing is Keypad().in_queue().doing is Doing.SILENCE


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20:30", "2026-03-02T20:30:00+08:00"),
        ("mon 09:00", "2026-03-02T09:00:00+08:00"),  # today, be it over or not
        ("sun 9:05", "2026-03-08T09:05:00+08:00"),
        ("Saturday 00:00", "2026-03-07T00:00:00+08:00"),
        ("2026-12-25 10:00", "2026-12-25T10:00:00+08:00"),
        ("2026-12-25T10:00:00Z", "2026-12-25T18:00:00+08:00"),
    ],
)
def test_moments(text: str, at: str) -> None:
    found = parse_moment(text, SHANGHAI, NOON.astimezone(UTC))
    assert found.astimezone(SHANGHAI).isoformat() == at


def test_a_day_of_the_week_is_never_in_the_past() -> None:
    assert parse_moment("mon 9:00", SHANGHAI, NOON.replace(day=4)).day == 9


@pytest.mark.parametrize("text", ["", "noon", "24:00", "xyz 10:00", "2026-02-30 10:00"])
def test_no_moments(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_moment(text, SHANGHAI, NOON)


class Phone:
    """A voice with a script, and what came of it."""

    def __init__(self, script: str) -> None:
        self.heard: list[Happening] = []
        self.clock = VirtualClock(NOON)
        self.log = CallLog(self.clock, self.heard.append)
        sayings = Sayings({"ten": TEN}, {"english": "en"}, {})
        self.voice = TerminalVoice(Keypad(parse_script(script)), sayings, self.clock, self.log)

    def play(self, *, barge_in: bool = True) -> Heard:
        return asyncio.run(self.voice.play(["ten"], barge_in=barge_in))

    def ask(self, digits: int = 1, *, barge_in: bool = True) -> Heard:
        times = {"first_digit_s": 5, "inter_digit_s": 2}
        return asyncio.run(self.voice.ask(["ten", "ten"], **times, max_digits=digits, barge_in=barge_in))


@pytest.mark.parametrize(
    ("script", "digits", "heard", "seconds"),
    [
        ("1", 1, Heard(Ended.KEYS, "1"), 15.6),
        ("t", 1, SILENCE, 20.6),
        ("h", 1, GONE, 15.6),
        ("!1", 1, Heard(Ended.KEYS, "1"), 3.9),
        ("!h", 1, GONE, 3.9),
        ("12", 3, Heard(Ended.KEYS, "12"), 17.6),  # the time-out after the last key
        ("12#", 3, Heard(Ended.KEYS, "12"), 15.6),
        ("123", 3, Heard(Ended.KEYS, "123"), 15.6),
        ("#", 1, Heard(Ended.KEYS, ""), 15.6),
    ],
)
def test_asking(script: str, digits: int, heard: Heard, seconds: float) -> None:
    phone = Phone(script)
    assert phone.ask(digits) == heard
    assert phone.clock.passed_s == pytest.approx(seconds)


def test_hasty_keys_go_on_into_what_follows() -> None:
    phone = Phone("123#45")
    assert [phone.ask(1).keys, phone.play().keys, phone.ask(1).keys, phone.ask(2).keys] == ["1", "2", "3", ""]
    assert phone.clock.passed_s == pytest.approx(15.6)
    assert phone.ask(2).keys == "45"


def test_a_notice_that_is_not_to_be_interrupted() -> None:
    phone = Phone("!1,h")
    assert phone.play(barge_in=False) is SILENCE
    assert phone.clock.passed_s == pytest.approx(7.8)
    assert ("ignored", "1") in [(h.fields["ended"], h.fields["keys"]) for h in phone.heard if h.kind is Kind.HEARD]
    assert phone.ask() is GONE


def test_hasty_keys_are_lost_in_a_notice_that_is_not_to_be_interrupted() -> None:
    phone = Phone("12,3")
    assert phone.ask(1).keys == "1"
    assert phone.play(barge_in=False) is SILENCE
    assert phone.ask(1).keys == "3"


@pytest.mark.parametrize(
    ("script", "heard", "seconds"),
    [
        ("!9,1", Heard(Ended.KEYS, "1"), 15.6),
        ("!9", SILENCE, 20.6),
        ("12", Heard(Ended.KEYS, "1"), 15.6),
        ("!h", GONE, 3.9),
    ],
)
def test_a_question_that_is_not_to_be_interrupted(script: str, heard: Heard, seconds: float) -> None:
    phone = Phone(script)
    assert phone.ask(barge_in=False) == heard
    assert phone.clock.passed_s == pytest.approx(seconds)


def test_hasty_keys_are_lost_in_a_question_that_is_not_to_be_interrupted() -> None:
    phone = Phone("12,3")
    assert phone.ask(1).keys == "1"
    assert phone.ask(1, barge_in=False).keys == "3"


def test_a_notice_takes_no_entry_of_the_script() -> None:
    phone = Phone("1")
    assert phone.play() is SILENCE
    assert phone.ask().keys == "1"


def test_a_prompt_without_the_language_is_said_in_another_and_one_without_any_is_a_beep() -> None:
    sayings = Sayings({"ten": TEN}, {"mandarin": "zh", "english": "en"}, {})
    assert sayings.of("ten", "mandarin").language == "en"
    assert sayings.of("ten", "mandarin").seconds == pytest.approx(7.8)
    assert sayings.of("gone", "english").text == "(a beep)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    init_site(folder)
    return folder


def calls(site: Site, script: str, ani: str = "") -> tuple[list[dict[str, Any]], Cap | None]:
    rows: list[dict[str, Any]] = []
    sayings = Sayings(site.prompts, site.languages, {})
    dialled = Dialled("4008001001", ani, NOON, "mandarin")
    keypad = Keypad(parse_script(script))
    end = asyncio.run(TriedCall(site, dialled, keypad, sayings, lambda h: rows.append(h.as_json())).run())
    return rows, end.cap


WIDER = """
start: order
default_way: bye
nodes:
  order:
    kind: gather
    what: order_number
    value: order
    prompts: [welcome]
    then: pin
    otherwise: bye
  pin:
    kind: gather
    what: pin
    value: pin
    prompts: [desk_pin]
    then: read
    otherwise: bye
  read: { kind: say, what: money, value: "205.50", prompts: [goodbye], then: between }
  between: { kind: set, set: { asked: "yes" }, then: door }
  door: { kind: flow, flow: inner, returns: { far: split }, then: bye }
  split:
    kind: branch
    cases:
      - { when: { source: newspaper }, goto: bye }
      - { when: { value: order, known: true }, goto: mark }
    otherwise: bye
  mark: { kind: set, set: { product: laptop }, then: wait }
  wait: { kind: queue, queue: sales, then: bye }
  bye: { kind: hangup }
"""
INNER = """
start: ask
nodes:
  ask:
    kind: menu
    prompts: [menu_main]
    options: { 1: near, "#": known }
    otherwise: near
  known:
    kind: branch
    cases: [{ when: { source: tv_spot }, goto: far }]
    otherwise: near
  near: { kind: return, result: near }
  far: { kind: return, result: far }
"""


@pytest.fixture(scope="module")
def wider(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("wider") / "site"
    init_site(folder)
    (folder / "flows/main.yaml").write_text(WIDER)
    (folder / "flows/inner.yaml").write_text(INNER)
    return load_site(folder)


def test_every_kind_of_node_has_its_reason(wider: Site) -> None:
    rows, _ = calls(wider, "123456#,9876#,#,a")
    ways = {row["node"]: row["why"] for row in rows if row["event"] == "node"}
    assert ways == {
        "order": "",
        "pin": "key 123456",
        "read": "key ••••",
        "between": "said",
        "door": "",
        "door/ask": "",
        "door/known": "key #",
        "door/far": "case 1 (source tv_spot)",
        "split": "returns far",
        "mark": "case 2 (value order, known true)",
        "wait": "",
    }
    assert [row["values"] for row in rows if row["event"] == "set"] == [
        {"order": "123456"},
        {"asked": "yes"},
        {"product": "laptop"},
    ]
    assert any(row["text"] == "两百零五元五角" for row in rows if row["event"] == "prompt")
    assert rows[-1]["outcome"] == "answered"


def test_a_key_is_remembered_until_somebody_listens(wider: Site) -> None:
    rows, _ = calls(wider, "123456#,9876#,!1")
    ways = {row["node"]: row["why"] for row in rows if row["event"] == "node"}
    assert (ways["between"], ways["door/near"]) == ("key 1 ended it", "key 1, pressed before")


def test_a_secret_is_written_nowhere(wider: Site) -> None:
    rows, _ = calls(wider, "123456#,9876#,1")
    assert "9876" not in json.dumps(rows)
    assert "123456" in json.dumps(rows)


ACTS = ["t", "h", "!h", "0", "1", "2", "9", "*", "#", "12", "!2", "!7", "55555", "123456#", "!#"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ACTS), max_size=25), st.lists(st.sampled_from(["t", "h", "a", "a30"]), max_size=3))
def test_every_call_ends_once(site: Path, wider: Site, acts: list[str], waits: list[str]) -> None:
    """A script may ask for what cannot be done at a queue; all else ends in one outcome."""
    for tried in (SAMPLE.setdefault("site", load_site(site)), wider):
        try:
            rows, _ = calls(tried, ",".join([*acts, *waits]))
        except ScriptError:
            continue
        assert [row["event"] for row in rows].count("end") == 1
        assert rows[-1]["event"] == "end"
        assert rows == sorted(rows, key=lambda row: row["at_s"])


SAMPLE: dict[str, Site] = {}
