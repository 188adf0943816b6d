"""What a tried call asks of the world outside, noted as it happens. Texts are shown, and sent to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

from hotline.trying.happening import CallLog, Kind
from ivr.flow.outside import (
    Caller,
    Crm,
    Functions,
    Outside,
    OutsideFailed,
    QueueLook,
    Subject,
    TextMessage,
    Web,
    WebRequest,
)


def noted(outside: Outside, log: CallLog) -> Outside:
    def look(name: str) -> QueueLook:
        found = outside.queue_look(name)
        wait_s = found.expected_wait_s if isfinite(found.expected_wait_s) else None  # JSON knows no infinity
        log.note(Kind.QUEUE_LOOK, queue=name, **{**asdict(found), "expected_wait_s": wait_s})
        return found

    return replace(
        outside,
        crm=_NotedCrm(outside.crm, log),
        web=_NotedWeb(outside.web, log),
        texts=_ShownTexts(log),
        functions=_NotedFunctions(outside.functions, log),
        queue_look=look,
    )


@dataclass(frozen=True, slots=True)
class _NotedCrm:
    crm: Crm
    log: CallLog

    async def caller(self, e164: str) -> Caller:
        found = await self.crm.caller(e164)
        known = {name: value for name, value in asdict(found).items() if value}
        self.log.note(Kind.CALLER, number=e164, caller=known)
        return found

    async def look_up(self, what: Subject, key: str, language: str) -> Mapping[str, str] | None:
        found = await self.crm.look_up(what, key, language)
        self.log.note(Kind.LOOKUP, what=what, key=key, found=None if found is None else dict(found))
        return found

    async def prove(self, what: Subject, key: str, pin: str) -> bool:
        """Nothing is said of the PIN but whether it is right."""
        right = await self.crm.prove(what, key, pin)
        self.log.note(Kind.LOOKUP, what=what, key=key, pin="right" if right else "wrong")
        return right


@dataclass(frozen=True, slots=True)
class _NotedWeb:
    web: Web
    log: CallLog

    async def fetch(self, request: WebRequest) -> Any:
        """Neither headers nor body nor what is asked behind the ? are shown: keys of services are there."""
        url = request.url.partition("?")[0]
        try:
            found = await self.web.fetch(request)
        except OutsideFailed as reason:
            self.log.note(Kind.WEB, method=request.method, url=url, came=f"failed: {reason}")
            raise
        self.log.note(Kind.WEB, method=request.method, url=url, came="nothing" if found is None else "an answer")
        return found


@dataclass(frozen=True, slots=True)
class _ShownTexts:
    log: CallLog

    async def send(self, message: TextMessage) -> None:
        self.log.note(Kind.TEXT, to=message.to, text=message.text)


@dataclass(frozen=True, slots=True)
class _NotedFunctions:
    functions: Functions
    log: CallLog

    async def call(self, name: str, values: Mapping[str, str], limit_s: float) -> Mapping[str, str]:
        self.log.note(Kind.SCRIPT, python=name, given=dict(values), limit_s=limit_s)
        return await self.functions.call(name, values, limit_s)
