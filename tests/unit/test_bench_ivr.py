"""What `hotline bench ivr` makes of what it saw: all that needs no Asterisk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from bench.carrying import is_clean
from bench.children import BenchError
from bench.ivr import delay
from bench.numbers import ARI_IVR, BARE_IVR, FORKED_IVR, KNOWN_CALLER, TEACH_IVR
from bench.peers import MenuSounds, ari_files, ivr_dialplan
from bench.rate import highest
from hotline.sip.callers import LiveCall
from hotline.sip.ear import Sound
from hotline.sip.messages import SipMessage

SOUNDS = MenuSounds("/s/welcome", "/s/language", "/s/topic")


def found(limit: float, *, hiccups: int = 0, ceiling: float = 240.0) -> tuple[float, list[float]]:
    """The rate that is found for a peer that carries ``limit`` calls a second, and what was tried for it."""
    tried: list[float] = []

    async def clean(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit and len(tried) > hiccups

    return asyncio.run(highest(clean, 16.0, ceiling)), tried


@pytest.mark.parametrize("limit", [3.0, 10.0, 16.0, 23.0, 24.0, 57.0, 199.0])
def test_the_rate_is_found_to_within_six_per_cent(limit: float) -> None:
    rate, tried = found(limit)
    assert limit / 1.06 <= rate <= limit
    assert len(tried) < 25


def test_a_rate_that_fails_once_is_tried_again() -> None:
    assert found(57.0, hiccups=1)[0] == found(57.0)[0]


def test_nothing_is_tried_above_the_ceiling_and_nothing_below_an_eighth() -> None:
    rate, tried = found(1000.0, ceiling=100.0)
    assert (rate, max(tried)) == (100.0, 100.0)
    rate, tried = found(0.0)
    assert (rate, min(tried)) == (0.0, 2.0)


@dataclass
class Seen:
    """Stands for the callers: only their messages count."""

    said: list[SipMessage] = field(default_factory=list)

    def messages(self) -> list[SipMessage]:
        return self.said


def call(call_id: str, at: float, lasted: float | None = 1.2, *, again: bool = False) -> list[SipMessage]:
    invite = SipMessage(at, True, call_id, 1, "INVITE", f"INVITE sip:{BARE_IVR}@127.0.0.1 SIP/2.0")
    bye = SipMessage(at + (lasted or 0), False, call_id, 1, "BYE", "BYE sip:a@127.0.0.2 SIP/2.0")
    return [invite, *([invite] if again else []), *([] if lasted is None else [bye])]


@pytest.mark.parametrize(
    ("calls", "clean"),
    [
        ([call("a", 0), call("b", 1)], True),
        ([call("a", 0), call("b", 1, again=True)], False),
        ([call("a", 0), call("b", 1, 2.1)], False),
        ([call("a", 0), call("b", 1, None)], False),
        ([call("a", 0)], False),
    ],
)
def test_a_rate_is_clean_when_every_call_was(calls: list[list[SipMessage]], clean: bool) -> None:
    assert is_clean(Seen([message for one in calls for message in one]), 2) is clean  # type: ignore[arg-type]


class Ear:
    def __init__(self, begun: list[float], up: list[float]) -> None:
        self._sound = Sound()
        self._sound.begun_at, self._sound.keys_up_at = begun, up

    def sound(self, far: tuple[str, int]) -> Sound:
        return self._sound


def heard(begun: list[float], up: list[float]) -> LiveCall:
    live = LiveCall("a", Ear(begun, up))  # type: ignore[arg-type]
    live.far = ("127.0.0.1", 1)
    return live


def test_the_delay_is_from_the_first_key_to_the_sound_after_it() -> None:
    assert delay(heard([10.0, 15.03, 30.0], [15.0, 20.0])) == pytest.approx(0.03)
    with pytest.raises(BenchError, match="no second prompt"):
        delay(heard([10.0], [15.0]))


def test_a_sound_begins_anew_after_a_pause() -> None:
    sound = Sound()
    for at in (5.0, 5.02, 5.3, 5.32, 5.5):
        sound.add(b"\xff" * 160, at)
    assert sound.begun_at == [5.0, 5.3]


def test_the_peers_ask_who_calls_and_ari_listens_on_the_loopback_only() -> None:
    text = ivr_dialplan(SOUNDS, forked=("/bin/python", "/b/forked.py"), app="bench")
    assert f"exten => {FORKED_IVR},1,AGI(/bin/python,/b/forked.py,/s/language,/s/topic)" in text
    assert f"exten => {ARI_IVR},1,Stasis(bench)" in text
    assert f"exten => {TEACH_IVR},1,Set(DB(tier/{KNOWN_CALLER})=gold)" in text
    assert "Set(TIER=${DB(tier/${CALLERID(num)})})" in text
    files = ari_files("secret", 8000, "bench")
    assert "bindaddr = 127.0.0.1\nbindport = 8000" in files["http.conf"]
    assert "[bench]\ntype = user\nread_only = no\npassword = secret" in files["ari.conf"]
