"""An Asterisk that is only its manager interface, on a real socket: it logs in, lists, takes PlayDTMF, and can
be cut, stalled or made to speak in single bytes. Its texts are those of a real Asterisk 22.10."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

Fields = dict[str, str]


@dataclass
class FakeAmi:
    secret: str = "secret"
    phones: Fields = field(default_factory=dict)  # "1001" → "NOT_INUSE"
    channels: list[Fields] = field(default_factory=list)
    booted: bool = True  # before: DeviceStateList is not known yet, as in a real boot
    stalled: bool = False  # takes what comes, answers nothing
    lists_stalled: bool = False  # Ping answers, lists do not: a frozen Asterisk
    single_bytes: bool = False
    after_phones: bytes = b""  # written in one piece with the end of DeviceStateList
    actions: list[Fields] = field(default_factory=list)
    connections: int = 0

    async def start(self, port: int = 0) -> None:
        self._writers: list[asyncio.StreamWriter] = []
        self._listeners: list[asyncio.StreamWriter] = []
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self._listeners.clear()

    async def say(self, raw: bytes) -> None:
        """To every session that takes events."""
        for writer in self._listeners:
            await self._write(writer, raw)

    async def event(self, name: str, **fields: str) -> None:
        await self.say(block(Event=name, Privilege="call,all", **fields))

    async def phone(self, extension: str, state: str) -> None:
        self.phones[extension] = state
        await self.event("DeviceStateChange", Device=f"PJSIP/{extension}", State=state)

    def named(self, action: str) -> list[Fields]:
        return [fields for fields in self.actions if fields["Action"] == action]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections += 1
        if not self.stalled:
            await self._write(writer, b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in raw.decode().strip().split("\r\n"))
                self.actions.append(fields)
                if not self.stalled:
                    await self._answer(writer, fields)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, fields: Fields) -> None:
        action, action_id = fields["Action"], fields["ActionID"]
        if action == "Login" and fields["Secret"] == self.secret and fields["Events"] == "on":
            self._listeners.append(writer)
        if not (self.lists_stalled and action in ("CoreShowChannels", "DeviceStateList")):
            await self._write(writer, self._answer_to(action, action_id, fields))

    def _answer_to(self, action: str, action_id: str, fields: Fields) -> bytes:
        if action == "Login" and fields["Secret"] != self.secret:
            return refusal(action_id, "Authentication failed")
        if action == "DeviceStateList" and self.booted:
            return self._phone_list(action_id) + self.after_phones
        if action == "CoreShowChannels":
            return listing(action_id, "CoreShowChannel", self.channels)
        if action in ("PlayDTMF", "Hangup"):
            return self._to_channel(action, action_id, fields["Channel"])
        if action in ("Login", "Ping"):
            return block(Response="Success", ActionID=action_id)
        return refusal(action_id, f"Invalid/unknown command: {action}.")

    def _phone_list(self, action_id: str) -> bytes:
        items = [{"Device": f"PJSIP/{name}", "State": state} for name, state in self.phones.items()]
        return listing(action_id, "DeviceStateChange", items)

    def _to_channel(self, action: str, action_id: str, channel: str) -> bytes:
        if channel not in [item["Channel"] for item in self.channels]:
            return refusal(action_id, "No such channel")
        message = "DTMF successfully queued" if action == "PlayDTMF" else "Channel Hungup"
        return block(Response="Success", ActionID=action_id, Message=message)

    async def _write(self, writer: asyncio.StreamWriter, raw: bytes) -> None:
        pieces = [raw[i : i + 1] for i in range(len(raw))] if self.single_bytes else [raw]
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)  # each its own write


def block(**fields: str) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


def refusal(action_id: str, message: str) -> bytes:
    return block(Response="Error", ActionID=action_id, Message=message)


def listing(action_id: str, event: str, items: list[Fields]) -> bytes:
    start = block(Response="Success", ActionID=action_id, EventList="start", Message="will follow")
    middle = [block(Event=event, ActionID=action_id, **item) for item in items]
    end = block(Event=f"{event}Complete", ActionID=action_id, EventList="Complete", ListItems=str(len(items)))
    return b"".join([start, *middle, end])


def channel(name: str, **more: str) -> Fields:
    """A CoreShowChannel item."""
    usual = {"ChannelStateDesc": "Up", "CallerIDNum": "13800138000", "Exten": "4008001001"}
    ids = {"Uniqueid": f"{name}.1", "Linkedid": f"{name}.1", "Duration": "00:00:05"}
    return {"Channel": name, **usual, **ids, **more}
