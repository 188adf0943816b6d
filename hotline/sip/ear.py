"""The media side of SIPp's callers and phones: one UDP socket that hears what Asterisk plays and presses keys.

One socket serves every call of a SIPp process. All of them name its port in their SDP, and Asterisk uses another
port for each call, so the far address tells the calls apart. It needs no rights, unlike SIPp's `play_dtmf`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
import wave
from pathlib import Path

from hotline.sip.rtp import PCMU, SILENT_DBFS, key_packets, level_dbfs, parse_rtp, silence_packet, ulaw_to_linear

Address = tuple[str, int]
_STEP_S = 0.02
_PAUSE_S = 0.2  # a stream that had stopped so long begins anew
_KEPT_BYTES = 8000 * 600  # ten minutes of one call at 8 kHz, one byte a sample


class Sound:
    """What was heard from one far address. Gaps in the stream are not filled: it is what arrived. ``begun_at``: when
    something began to be heard, at first or after a pause; ``keys_up_at``: when our own keys were up."""

    def __init__(self) -> None:
        self.packets = 0
        self.last_at = 0.0  # Unix seconds
        self.begun_at: list[float] = []
        self.keys_up_at: list[float] = []
        self._ulaw = bytearray()

    def add(self, payload: bytes, at: float) -> None:
        self.packets += 1
        if at - self.last_at > _PAUSE_S:
            self.begun_at.append(at)
        self.last_at = at
        self._ulaw += payload
        del self._ulaw[:-_KEPT_BYTES]

    @property
    def seconds(self) -> float:
        return len(self._ulaw) / 8000

    def samples(self, last_s: float) -> list[int]:
        """What was heard last, 16 bit at 8 kHz."""
        return ulaw_to_linear(bytes(self._ulaw[-max(1, round(last_s * 8000)) :]))

    def level_dbfs(self, last_s: float | None = None, *, at: float | None = None) -> float:
        """The RMS of all, or of the audio of the last ``last_s`` seconds. With ``at`` (Unix s) a stream that had
        stopped ``last_s`` before it is silence: what is old is not being heard."""
        if at is not None and last_s is not None and at - self.last_at > last_s:
            return SILENT_DBFS
        return level_dbfs(self.samples(self.seconds if last_s is None else last_s))

    def save(self, path: Path) -> None:
        """As 8 kHz mono 16-bit WAV."""
        samples = ulaw_to_linear(bytes(self._ulaw))
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))


class Ear:
    """``listen`` False: the socket is there (or Asterisk would get "port unreachable" for each packet) but is
    never read, which costs nothing; keys can be pressed all the same. For load."""

    def __init__(self, host: str, *, listen: bool = True) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self._listen = listen
        self._sounds: dict[Address, Sound] = {}
        self._sequence: dict[Address, int] = {}
        self._ssrc = random.getrandbits(32)
        if listen:
            asyncio.get_running_loop().add_reader(self._socket, self._read)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def sound(self, far: Address) -> Sound:
        """What came from Asterisk's media address ``far`` so far. It goes on growing."""
        return self._sounds.setdefault(far, Sound())

    def breathe(self, far: Address) -> None:
        """One packet of silence. Asterisk's Answer waits up to 500 ms for a caller's first media."""
        self._socket.sendto(silence_packet(self._next_sequence(far, 1), _timestamp(), self._ssrc), far)

    async def press(self, far: Address, keys: str, *, tone_s: float = 0.1, gap_s: float = 0.08) -> None:
        """Press ``keys`` one after the other; returns when the last one is up. Tones are whole 20 ms steps."""
        steps = max(1, round(tone_s / _STEP_S))
        for key in keys:
            await self._press_one(far, key, steps)
            await asyncio.sleep(gap_s)

    async def _press_one(self, far: Address, key: str, steps: int) -> None:
        first = self._next_sequence(far, steps + 3)
        packets = key_packets(key, sequence=first, timestamp=_timestamp(), ssrc=self._ssrc, steps=steps)
        for n, packet in enumerate(packets):
            self._socket.sendto(packet, far)
            if n == steps:
                self.sound(far).keys_up_at.append(time.time())
            if n < steps:
                await asyncio.sleep(_STEP_S)

    def _next_sequence(self, far: Address, count: int) -> int:
        first = self._sequence.get(far, 1)
        self._sequence[far] = first + count
        return first

    def forget(self, far: Address) -> None:
        """Asterisk may use a port again for a later call; that call starts with an empty ear."""
        self._sounds.pop(far, None)
        self._sequence.pop(far, None)

    def close(self) -> None:
        if self._listen:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data, far = self._socket.recvfrom(2048)
            except BlockingIOError:
                return
            packet = parse_rtp(data)
            if packet is not None and packet.payload_type == PCMU:
                self.sound(far).add(packet.payload, time.time())


def _timestamp() -> int:
    return int(time.monotonic() * 8000)
