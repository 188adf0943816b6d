"""sms: a text message, to the caller or to a number that the call knows.

Whoever dials us could have others sent messages at our cost, or a foreign line that earns by them: so only to mobile
numbers that can exist, of the site's country unless ``abroad``, and a few for each call.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ivr.flow.leave import Step
from ivr.flow.nodes.form import Mention, NodeForm, Noun, Way
from ivr.flow.outside import OutsideFailed, TextMessage
from ivr.flow.state import CallState
from ivr.flow.template import filled, names
from ivr.flow.visit import Visit
from ivr.may_text import textable
from ivr.prompts.text import Code

MOST_PER_CALL = 3
LONGEST = 500  # characters, values filled in: seven messages on the way, in Chinese
_SEND_S = 5.0  # the caller hears nothing meanwhile
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")

Receiver = Annotated[str, StringConstraints(pattern=r"^(caller|\{[a-z][a-z0-9_]{0,63}\})$")]
MessageText = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class SmsNode(NodeForm):
    """``text``: by the language codes of the prompts; the caller's own, or the first that is written. ``failed`` (not
    written: as ``then``): there is no such number, a value is not known, or the gateway does not take it."""

    kind: Literal["sms"]
    to: Receiver = "caller"
    text: Annotated[dict[Code, MessageText], Field(min_length=1)]
    abroad: bool = False
    then: Way
    failed: Way | None = None

    async def run(self, visit: Visit) -> Step:
        state = visit.state
        try:
            message = self._message(state)
        except OutsideFailed as reason:
            visit.problem(f"no text message: {reason}")
            return visit.take(self.failed or self.then)
        state.messages += 1
        sent = await self._sent(visit, message)
        await state.keep("sms", {"to": message.to, "text": message.text, "sent": sent})
        return visit.take(self.then if sent else self.failed or self.then)

    def _message(self, state: CallState) -> TextMessage:
        """Raises OutsideFailed with the reason why there is none."""
        if state.messages >= MOST_PER_CALL:
            raise OutsideFailed(f"this call has had its {MOST_PER_CALL}")
        to = textable(self._receiver(state), state.country, abroad=self.abroad)
        if to is None:
            raise OutsideFailed(f"'{self.to}' is no mobile number" + ("" if self.abroad else f" of {state.country}"))
        text = filled(self._template(state), state.values())
        if text is None:
            raise OutsideFailed("a value in its text is not known")
        return TextMessage(to, _CONTROL.sub(" ", text)[:LONGEST], state.call_id)

    def _receiver(self, state: CallState) -> str:
        return state.ani if self.to == "caller" else filled(self.to, state.values()) or ""

    def _template(self, state: CallState) -> str:
        return self.text.get(state.code) or next(iter(self.text.values()))

    async def _sent(self, visit: Visit, message: TextMessage) -> bool:
        try:
            async with asyncio.timeout(_SEND_S):
                await visit.world.outside.texts.send(message)
        except (OutsideFailed, TimeoutError) as reason:
            visit.problem(f"the text message was not sent: {str(reason) or 'the gateway is too slow'}")
            return False
        return True

    def mentions(self) -> Iterator[Mention]:
        yield from (Mention(Noun.VALUE, name, ("to",)) for name in names(self.to))
        texts: Mapping[str, str] = self.text
        for code, text in texts.items():
            yield from (Mention(Noun.VALUE, name, ("text", code)) for name in names(text))
        yield from self.then.mentions("then")
        if self.failed is not None:
            yield from self.failed.mentions("failed")
