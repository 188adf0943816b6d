"""panoramisk's protocol, with the parts replaced that fall short; the session's life stays with `link`.

What differs from panoramisk 1.4: bytes go through `codec` (its own reader loses a character that a packet
border cuts, and takes what comes after a CR LF in a field for a header); every pending action fails when
the session drops (its own are sent *again* after a reconnect: an old action would reach calls it was not
meant for); an answer ending in "successfully queued" is an answer (its own raises and drops the session).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from acd.ami.codec import Block, BlockDecoder, StreamFaults, encode_action
from acd.ami.errors import Lost

log = logging.getLogger(__name__)


class Question(Action):  # type: ignore[misc]  # panoramisk is untyped
    """An action whose answer is one response, or a list when that response says so, and by no other sign."""

    @property
    def multi(self) -> bool:
        return str(self.responses[0].get("EventList", "")).lower() == "start"


class HotlineAMIProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk is untyped
    """One session's bytes. Use as ``protocol_factory`` of `panoramisk.Manager`."""

    closed: bool

    def __init__(self, faults: StreamFaults | None = None) -> None:
        self._decoder = BlockDecoder(faults)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._lost_told = False

    def send(self, data: Mapping[str, str], as_list: bool | None = None) -> asyncio.Future[Any]:
        """Write the action now, before returning. The future gets a Message, or a list of them; it fails
        with Lost at a drop. Raises LocalError (and sends nothing) for fields that must not be written."""
        question = Question(data)
        written = encode_action(question.items())
        if self.closed:
            _fail(question)
            return question.future  # type: ignore[no-any-return]
        self.responses[question.id] = question
        self.transport.write(written)
        return question.future  # type: ignore[no-any-return]

    def data_received(self, data: bytes) -> None:
        for block in self._decoder.feed(data):
            self.handle_message(_message(block))

    def handle_message(self, message: Message) -> None:
        """Events are dispatched in the order of the stream, and so are those that answer a list action:
        who keeps a book of states from both sees them as Asterisk said them, with no later event overtaken."""
        question = self.responses.get(message.id)
        if question is not None and (question.add_message(message) or question.future.done()):
            del self.responses[message.id]
        if "event" in message:
            self.factory.dispatch(message)
        elif question is None:
            self._decoder.faults.unknown += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()
        if self.factory is not None and not self._lost_told:
            self._lost_told = True
            self.factory.connection_lost(exc)

    def close(self) -> None:
        """Abort: what is not written yet is not written later either."""
        if not self.closed:
            self.closed = True
            self.transport.abort()
        while self.responses:
            _fail(self.responses.popitem()[1])


def _fail(question: Question) -> None:
    if not question.future.done():
        question.future.set_exception(Lost(f"the session ended before the answer to {question['action']}"))
        question.future.exception()  # seen: whoever sent it without waiting is not scolded by the loop


def _message(block: Block) -> Message:
    """First value wins, as in `Block.get`."""
    return Message(dict(reversed(block.fields)))
