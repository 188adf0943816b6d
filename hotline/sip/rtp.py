"""RTP as bytes: headers, RFC 4733 keys, and how loud G.711 µ-law is. No socket, no clock."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

PCMU = 0
KEYS_TYPE = 101  # the telephone-event payload type our SDP names
SAMPLES = 160  # 20 ms at 8 kHz
_EVENTS = "0123456789*#ABCD"  # RFC 4733 section 3.2: event code = place in this string
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
SILENT_DBFS = -90.0


@dataclass(frozen=True, slots=True)
class RtpPacket:
    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes


def parse_rtp(packet: bytes) -> RtpPacket | None:
    """None for what is not RTP version 2, or is cut. Padding is left in; extensions are stepped over."""
    if len(packet) < _HEADER.size:
        return None
    first, second, sequence, timestamp, _ = _HEADER.unpack_from(packet)
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10 and len(packet) >= start + 4:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    if first >> 6 != 2 or len(packet) < start:
        return None
    return RtpPacket(second & 0x7F, sequence, timestamp, packet[start:])


def key_packets(key: str, *, sequence: int, timestamp: int, ssrc: int, steps: int = 5) -> Iterator[bytes]:
    """One key press of ``steps`` × 20 ms: ``steps`` packets to be sent 20 ms apart, the first with the marker,
    then the end packet three times (RFC 4733 section 2.5.1.4). All carry the time at which the key went down.

    Raises ValueError for a key that no keypad has (0-9 * # A-D).
    """
    event = _EVENTS.index(key)
    for n in range(steps + 3):
        end = n >= steps
        duration = min(n + 1, steps) * SAMPLES
        head = _HEADER.pack(
            0x80, (0x80 if n == 0 else 0) | KEYS_TYPE, (sequence + n) & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
        )
        yield head + _EVENT.pack(event, (0x80 if end else 0) | 10, duration)


def silence_packet(sequence: int, timestamp: int, ssrc: int) -> bytes:
    """20 ms of µ-law silence."""
    return _HEADER.pack(0x80, PCMU, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + b"\xff" * SAMPLES


def ulaw_to_linear(audio: bytes) -> list[int]:
    """16-bit samples (ITU-T G.711)."""
    return [_LINEAR[byte] for byte in audio]


def level_dbfs(samples: list[int]) -> float:
    """RMS in dB under full scale; `SILENT_DBFS` for silence and for nothing at all."""
    if not samples:
        return SILENT_DBFS
    rms = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
    return max(SILENT_DBFS, 20 * math.log10(rms / 32768)) if rms else SILENT_DBFS


def _decode(byte: int) -> int:
    byte = ~byte & 0xFF
    magnitude = (((byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4)
    return 0x84 - magnitude if byte & 0x80 else magnitude - 0x84


_LINEAR = [_decode(byte) for byte in range(256)]
