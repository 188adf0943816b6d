"""The adapter to Asterisk, over real sockets against a fake manager interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from acd.ami.errors import LocalError, Lost
from acd.ami.live import Snapshot
from acd.ami.pbx import Pbx, PbxTimes
from acd.model import PhoneState
from tests.fakes.fake_ami import FakeAmi, block, channel

TRUNK = "PJSIP/trunk-00000001"
PHONE = "PJSIP/1001-00000002"
QUICK = PbxTimes(open_s=0.3, probe_every_s=0.05, probe_s=0.3, answer_s=0.3, first_pause_s=0.01, longest_pause_s=0.05)


async def nothing() -> None:
    """What an ACD does with a snapshot when the test does not care."""


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  # what is waited for happens on both sides of a socket
            await asyncio.sleep(0.005)


class Acd:
    """Keeps what the adapter says, in order: (kind, words...)."""

    def __init__(self, port: int, secret: str = FakeAmi.secret) -> None:
        self.said: list[tuple[object, ...]] = []
        self.while_up: Callable[[], Awaitable[None]] = nothing
        self.pbx = Pbx(
            "127.0.0.1",
            port,
            "hotline",
            secret,
            on_phone=lambda extension, state: self.said.append(("phone", extension, state)),
            on_up=self.on_up,
            on_down=lambda reason: self.said.append(("down", reason)),
            on_answer=lambda caller, extension: self.said.append(("answer", caller, extension)),
            times=QUICK,
        )

    async def on_up(self, snapshot: Snapshot) -> None:
        self.said.append(("up", snapshot))
        await self.while_up()

    def all(self, kind: str) -> list[tuple[object, ...]]:
        return [words for words in self.said if words[0] == kind]

    async def hears(self, *words: object) -> None:
        await until(lambda: words in self.said)

    async def is_up(self, times: int = 1) -> Snapshot:
        await until(lambda: self.pbx.up and len(self.all("up")) >= times)
        snapshot = self.all("up")[-1][1]
        assert isinstance(snapshot, Snapshot)
        return snapshot


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    fake = FakeAmi(phones={"1001": "NOT_INUSE", "1002": "UNAVAILABLE"}, channels=[channel(TRUNK)])
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def acd(ami: FakeAmi) -> AsyncIterator[Acd]:
    acd = Acd(ami.port)
    await acd.pbx.start()
    yield acd
    await acd.pbx.stop()


async def test_up_tells_all_phones_and_all_channels(acd: Acd) -> None:
    snapshot = await acd.is_up()
    assert snapshot.phones == {"1001": PhoneState.FREE, "1002": PhoneState.UNREACHABLE}
    [leg] = snapshot.channels
    assert (leg.channel, leg.state, leg.caller_number, leg.extension, leg.seconds) == (
        TRUNK,
        "Up",
        "13800138000",
        "4008001001",
        5,
    )
    assert snapshot.complete
    assert acd.all("down") == []


async def test_two_sessions_and_only_one_takes_events(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    assert sorted(fields["Events"] for fields in ami.named("Login")) == ["off", "on"]


async def test_a_stream_of_single_bytes_is_the_same_stream(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    ami.single_bytes = True
    ami.cut()
    await acd.is_up(2)
    await ami.phone("1002", "NOT_INUSE")
    await acd.hears("phone", "1002", PhoneState.FREE)


async def test_phone_changes_are_told_once_and_in_order(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    for state in ("NOT_INUSE", "RINGING", "INUSE", "BUSY", "NOT_INUSE", "UNAVAILABLE", "SOMETHING_NEW"):
        await ami.phone("1001", state)
    await ami.event("DeviceStateChange", Device="Queue:sales", State="INUSE")
    await acd.hears("phone", "1001", PhoneState.UNREACHABLE)
    states = [PhoneState.RINGING, PhoneState.BUSY, PhoneState.FREE, PhoneState.UNREACHABLE]
    assert acd.all("phone") == [("phone", "1001", state) for state in states]


async def test_a_change_right_behind_the_list_is_not_overtaken_by_it(ami: FakeAmi) -> None:
    busy = block(Event="DeviceStateChange", Privilege="call,all", Device="PJSIP/1001", State="INUSE")
    ami.after_phones = busy
    acd = Acd(ami.port)
    await acd.pbx.start()
    assert (await acd.is_up()).phones["1001"] is PhoneState.BUSY
    await acd.pbx.stop()


async def test_a_change_while_the_acd_takes_the_snapshot_in_is_told_after_it(ami: FakeAmi) -> None:
    acd = Acd(ami.port)

    async def change_and_wait() -> None:
        await ami.phone("1001", "INUSE")
        await ami.phone("1002", "NOT_INUSE")
        await until(lambda: acd.pbx._phones["1002"] is PhoneState.FREE)
        assert acd.all("phone") == []

    acd.while_up = change_and_wait
    await acd.pbx.start()
    await acd.is_up()
    assert acd.all("phone") == [("phone", "1001", PhoneState.BUSY), ("phone", "1002", PhoneState.FREE)]
    await acd.pbx.stop()


async def test_wake_is_a_key_d_received_and_answered(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    assert await acd.pbx.wake(TRUNK)
    [wake] = ami.named("PlayDTMF")
    assert (wake["Channel"], wake["Digit"], wake["Receive"], wake["Async"]) == (TRUNK, "D", "true", "false")
    assert not await acd.pbx.wake("PJSIP/gone-00000009")


async def test_wake_soon_is_written_before_it_returns(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    assert acd.pbx._actions is not None
    assert acd.pbx._actions.protocol is not None
    transport = acd.pbx._actions.protocol.transport
    acd.pbx.wake_soon(TRUNK)
    assert transport.get_write_buffer_size() == 0  # the kernel has it already
    await until(lambda: ami.named("PlayDTMF"))


async def test_hangup(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    assert await acd.pbx.hangup(TRUNK)
    assert not await acd.pbx.hangup("PJSIP/gone-00000009")
    with pytest.raises(LocalError):
        await acd.pbx.hangup("/^PJSIP/.*$/")
    assert [fields["Channel"] for fields in ami.named("Hangup")] == [TRUNK, "PJSIP/gone-00000009"]


@pytest.mark.parametrize("bad", ["x\r\nAction: Originate", "x\n", "x\0"])
async def test_a_channel_name_that_would_be_a_second_action_is_not_sent(ami: FakeAmi, acd: Acd, bad: str) -> None:
    await acd.is_up()
    acd.pbx.wake_soon(bad)
    assert not await acd.pbx.wake(bad)
    assert not await acd.pbx.hangup(bad)
    assert await acd.pbx.wake(TRUNK)
    assert {fields["Action"] for fields in ami.actions} <= {
        "Login",
        "DeviceStateList",
        "CoreShowChannels",
        "Ping",
        "PlayDTMF",
    }
    assert len(ami.named("PlayDTMF")) == 1


async def test_a_pick_up_is_told_before_the_whisper_has_ended_and_only_once(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    await ami.event("DialBegin", Channel=TRUNK, DestChannel=PHONE)
    await ami.event("Newstate", Channel=PHONE, ChannelState="5")
    await ami.event("Newstate", Channel=TRUNK, ChannelState="6")
    await ami.event("Newstate", Channel=PHONE, ChannelState="6")
    await acd.hears("answer", TRUNK, "1001")
    await ami.event("DialEnd", Channel=TRUNK, DestChannel=PHONE, DialStatus="ANSWER")
    await ami.phone("1001", "INUSE")
    await acd.hears("phone", "1001", PhoneState.BUSY)
    assert len(acd.all("answer")) == 1


async def test_an_answer_whose_beginning_was_missed_is_told_at_its_end(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    await ami.event("DialEnd", Channel=TRUNK, DestChannel=PHONE, DialStatus="NOANSWER")
    await ami.event("DialEnd", Channel=TRUNK, DestChannel=PHONE, DialStatus="ANSWER")
    await acd.hears("answer", TRUNK, "1001")
    assert len(acd.all("answer")) == 1


async def test_a_cut_is_down_then_everything_is_asked_anew(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    ami.phones["1002"] = "NOT_INUSE"
    del ami.phones["1001"]
    ami.channels.clear()
    ami.cut()
    snapshot = await acd.is_up(2)
    assert [words[0] for words in acd.said] == ["up", "down", "up"]
    assert snapshot.phones == {"1002": PhoneState.FREE}
    assert snapshot.channels == ()


async def test_what_had_no_answer_fails_at_the_drop_and_is_never_sent_again(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    ami.stalled = True
    waking = asyncio.create_task(acd.pbx.wake(TRUNK))
    acd.pbx.wake_soon(TRUNK)
    await until(lambda: len(ami.named("PlayDTMF")) == 2)
    ami.stalled = False
    ami.cut()
    assert not await waking
    await acd.is_up(2)
    await acd.pbx.channels()
    assert len(ami.named("PlayDTMF")) == 2


async def test_while_down_nothing_is_woken_and_nothing_raises(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    await ami.stop()
    await until(lambda: acd.all("down"))
    acd.pbx.wake_soon(TRUNK)
    assert not await acd.pbx.wake(TRUNK)
    assert not await acd.pbx.hangup(TRUNK)
    with pytest.raises(Lost):
        await acd.pbx.channels()


async def test_an_asterisk_frozen_behind_its_ping_is_down(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    ami.lists_stalled = True
    await until(lambda: acd.all("down"))
    ami.lists_stalled = False
    await acd.is_up(2)


async def test_a_half_open_asterisk_is_down_once_however_often_it_is_tried(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    ami.stalled = True
    await until(lambda: ami.connections >= 5)
    assert [words[0] for words in acd.said] == ["up", "down"]
    ami.stalled = False
    await acd.is_up(2)


async def test_an_asterisk_that_is_not_there_yet_is_waited_for() -> None:
    fake = FakeAmi(booted=False)
    await fake.start()
    await fake.stop()
    acd = Acd(fake.port)
    await acd.pbx.start()
    await until(lambda: acd.all("down"))
    await fake.start(fake.port)
    await until(lambda: len(fake.named("DeviceStateList")) >= 2)  # answers, but has not loaded all
    assert not acd.pbx.up
    fake.booted = True
    await acd.is_up()
    assert len(acd.all("down")) == 1
    await acd.pbx.stop()
    await fake.stop()


async def test_a_wrong_secret_is_down_and_is_not_in_the_reason(ami: FakeAmi) -> None:
    acd = Acd(ami.port, secret="not-this-one")
    await acd.pbx.start()
    await until(lambda: acd.all("down"))
    [(_, reason)] = acd.all("down")
    assert "Authentication failed" in str(reason)
    assert "not-this-one" not in str(reason)
    await acd.pbx.stop()


async def test_a_fault_in_the_acd_itself_does_not_end_the_connection_for_good(ami: FakeAmi) -> None:
    acd = Acd(ami.port)

    async def fail_once() -> None:
        acd.while_up = nothing
        raise RuntimeError("a bug")

    acd.while_up = fail_once
    await acd.pbx.start()
    await acd.is_up(2)
    await acd.pbx.stop()


async def test_a_block_that_could_not_be_read_makes_the_phones_be_asked_again(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    ami.phones["1001"] = "INUSE"  # its event is the one that is lost
    await ami.say(block(CallerIDName="x") + b"Event: A\r\nX: 1\r\nEvent: B\r\n\r\n" + b"x" * 70_000 + b"\r\n\r\n")
    await acd.hears("phone", "1001", PhoneState.BUSY)
    faults = acd.pbx.faults
    assert (faults.headless, faults.forged, faults.too_long) == (1, 1, 1)


async def test_an_answer_to_nobody_is_counted_and_harms_nothing(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    await ami.say(block(Response="Success", ActionID="never-asked") + block(Response="Success"))
    await ami.event("Newstate")  # no Channel, no Uniqueid
    await ami.event("DialBegin")
    await ami.event("DialEnd", DialStatus="ANSWER")
    await ami.phone("1001", "INUSE")
    await acd.hears("phone", "1001", PhoneState.BUSY)
    assert acd.pbx.faults.unknown == 2
    assert len(acd.all("up")) == 1


async def test_a_leg_that_could_not_be_read_makes_the_snapshot_incomplete(ami: FakeAmi) -> None:
    ami.channels.append(channel("PJSIP/trunk-00000003", CallerIDNum="1\r\nEvent: X"))
    acd = Acd(ami.port)
    await acd.pbx.start()
    snapshot = await acd.is_up()
    assert not snapshot.complete
    assert [leg.channel for leg in snapshot.channels] == [TRUNK]
    await acd.pbx.stop()


async def test_stop_leaves_no_task_and_says_nothing(ami: FakeAmi, acd: Acd) -> None:
    await acd.is_up()
    await acd.pbx.stop()
    assert acd.all("down") == []
    assert not acd.pbx.up
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "pbx"] == []
