"""One manager session over a real socket: what panoramisk alone gets wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from acd.ami.codec import StreamFaults
from acd.ami.errors import Lost, Refused
from acd.ami.link import Link
from tests.fakes.fake_ami import FakeAmi, channel

TRUNK = "PJSIP/trunk-00000001"


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    fake = FakeAmi(channels=[channel(TRUNK)])
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def link(ami: FakeAmi) -> AsyncIterator[Link]:
    link = Link("127.0.0.1", ami.port, "hotline", ami.secret, events=True, faults=StreamFaults())
    await link.open()
    yield link
    link.close()


async def test_successfully_queued_is_an_answer_without_an_async_key(link: Link) -> None:
    answer = await link.ask("PlayDTMF", timeout_s=1, Channel=TRUNK, Digit="D")
    assert answer.message == "DTMF successfully queued"
    assert not link.lost.done()


async def test_every_pending_action_fails_at_the_drop_and_none_is_kept(ami: FakeAmi, link: Link) -> None:
    ami.stalled = True
    pending = [link.send("PlayDTMF", Channel=TRUNK, Digit="D"), link.send("CoreShowChannels")]
    ami.cut()
    for future in pending:
        with pytest.raises(Lost):
            await asyncio.wait_for(future, 1)
    assert not link.awaiting_actions
    assert link.lost.done()


async def test_what_is_sent_on_a_lost_link_fails_at_once(ami: FakeAmi, link: Link) -> None:
    ami.cut()
    await asyncio.wait_for(link.lost, 1)
    with pytest.raises(Lost):
        await link.ask("Ping", timeout_s=1)


async def test_a_lost_link_does_not_connect_again_by_itself(ami: FakeAmi, link: Link) -> None:
    link.reconnect_timeout = 0  # what panoramisk would wait
    ami.cut()
    await asyncio.wait_for(link.lost, 1)
    await asyncio.sleep(0.05)
    assert ami.connections == 1


async def test_a_refusal_is_raised(link: Link) -> None:
    with pytest.raises(Refused, match="Invalid/unknown command"):
        await link.ask("Originate", timeout_s=1)


async def test_an_answer_that_comes_too_late_is_dropped(ami: FakeAmi, link: Link) -> None:
    ami.stalled = True
    with pytest.raises(TimeoutError):
        await link.ask("Ping", timeout_s=0.02)
    ami.stalled = False
    await ami.say(f"Response: Success\r\nActionID: {ami.actions[-1]['ActionID']}\r\n\r\n".encode())
    assert (await link.ask("Ping", timeout_s=1)).success
    assert link.protocol is not None
    assert not link.protocol.responses
