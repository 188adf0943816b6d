"""RTP, keys and loudness; and one ear over a real socket."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.sip.ear import Ear, Sound
from hotline.sip.rtp import (
    KEYS_TYPE,
    PCMU,
    SILENT_DBFS,
    key_packets,
    level_dbfs,
    parse_rtp,
    silence_packet,
    ulaw_to_linear,
)


def test_a_key_is_one_event_with_a_growing_duration_and_three_ends() -> None:
    packets = [packet for raw in key_packets("#", sequence=65534, timestamp=800, ssrc=7) if (packet := parse_rtp(raw))]
    assert [packet.sequence for packet in packets] == [65534, 65535, 0, 1, 2, 3, 4, 5]
    assert {packet.timestamp for packet in packets} == {800}
    assert {packet.payload_type for packet in packets} == {KEYS_TYPE}
    events = [struct.unpack("!BBH", packet.payload) for packet in packets]
    assert [event for event, _, _ in events] == [11] * 8
    assert [bool(flags & 0x80) for _, flags, _ in events] == [False] * 5 + [True] * 3
    assert [duration for _, _, duration in events] == [160, 320, 480, 640, 800, 800, 800, 800]


def test_only_the_first_packet_of_a_key_is_marked() -> None:
    marks = [raw[1] & 0x80 for raw in key_packets("1", sequence=1, timestamp=0, ssrc=7)]
    assert marks == [0x80] + [0] * 7


def test_a_key_that_no_keypad_has_is_refused() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        list(key_packets("x", sequence=1, timestamp=0, ssrc=7))


@given(st.binary(max_size=80))
def test_any_datagram_is_a_packet_or_none(raw: bytes) -> None:
    packet = parse_rtp(raw)
    assert packet is None or raw.endswith(packet.payload)


def test_an_extension_and_csrcs_are_stepped_over() -> None:
    raw = struct.pack("!BBHII", 0x80 | 0x10 | 1, PCMU, 1, 2, 3) + b"CSRC" + b"\xbe\xde\x00\x01EXT!" + b"sound"
    packet = parse_rtp(raw)
    assert packet is not None
    assert packet.payload == b"sound"


def test_ulaw_extremes_and_silence() -> None:
    assert ulaw_to_linear(b"\xff\x7f\x00\x80") == [0, 0, -32124, 32124]  # ITU-T G.711, 16-bit scale


def test_levels() -> None:
    sine = [round(32767 * math.sin(n / 8)) for n in range(8000)]
    assert level_dbfs(sine) == pytest.approx(-3.0, abs=0.1)
    assert level_dbfs([0] * 100) == level_dbfs([]) == SILENT_DBFS


def test_old_sound_is_not_being_heard() -> None:
    sound = Sound()
    sound.add(b"\x00" * 8000, at=100.0)
    assert sound.level_dbfs(1.0, at=100.5) > -1
    assert sound.level_dbfs(1.0, at=101.5) == SILENT_DBFS
    assert sound.level_dbfs() > -1


async def test_an_ear_tells_calls_apart_by_their_far_address(tmp_path: Path) -> None:
    ear = Ear("127.0.0.1")
    with _peer() as loud, _peer() as quiet:
        loud.sendto(struct.pack("!BBHII", 0x80, PCMU, 1, 0, 1) + b"\x00" * 160, ("127.0.0.1", ear.port))
        quiet.sendto(silence_packet(1, 0, 2), ("127.0.0.1", ear.port))
        heard = [ear.sound(peer.getsockname()) for peer in (loud, quiet)]
        async with asyncio.timeout(2):
            await _heard(heard)
    ear.close()
    assert heard[0].level_dbfs() > -1
    assert heard[1].level_dbfs() == SILENT_DBFS
    heard[0].save(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (8000, 1, 2, 160)


async def test_keys_leave_from_the_port_that_the_sdp_names() -> None:
    ear = Ear("127.0.0.1", listen=False)
    with _peer() as asterisk:
        await ear.press(asterisk.getsockname(), "5*", tone_s=0.02, gap_s=0)
        came = [asterisk.recvfrom(2048) for _ in range(8)]
    assert {far for _, far in came} == {("127.0.0.1", ear.port)}
    packets = [packet for raw, _ in came if (packet := parse_rtp(raw))]
    assert [packet.payload[0] for packet in packets] == [5] * 4 + [10] * 4
    assert [packet.sequence for packet in packets] == list(range(1, 9))
    assert packets[0].timestamp < packets[4].timestamp
    ear.close()


def _peer() -> socket.socket:
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    peer.settimeout(2)
    return peer


async def _heard(sounds: list[Sound]) -> None:
    while not all(sound.packets for sound in sounds):  # noqa: ASYNC110 - the ear has no event to wait for
        await asyncio.sleep(0)
