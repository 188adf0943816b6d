"""lookup: ask the CRM, or another server, and keep what it answers as values of the call. Nothing is heard of it.

Law of the PIN: what is behind one is told to nobody without it. A wrong PIN, an account that is not there and one that
is locked go the same way, so that nobody learns from us which accounts there are; and each costs the account a try.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
from pydantic import Field, StringConstraints, model_validator

from ivr.flow.leave import Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, Way
from ivr.flow.nodes.setting import NewName
from ivr.flow.nodes.web_question import WebQuestion
from ivr.flow.outside import OutsideFailed, Subject, WebRequest
from ivr.flow.taken import take, text_of
from ivr.flow.template import filled, names
from ivr.flow.visit import Visit

# What the CRM may know of each; a field that it does not know of one is no value.
FIELDS: Mapping[Subject, tuple[str, ...]] = {
    "customer": (
        "number", "name", "tier", "price_list", "owner", "language", "household", "company", "stage", "open_orders",
        "open_promises",
    ),
    "order": ("number", "status", "amount", "currency", "placed_on", "expected_on", "shipment"),
    "shipment": ("number", "order", "carrier", "status", "expected_on", "delivered_on", "place"),
    "ticket": ("number", "status", "category", "opened_on", "due_on"),
    "dealer": ("code", "name", "region", "owner", "tier", "stock_notice"),
}  # fmt: skip
MOST_KEY = 64
_PATHS = JSONPathEnvironment(strict=True)  # RFC 9535 and nothing else

Key = Annotated[str, StringConstraints(pattern=r"^([0-9A-Za-z .:+_-]|\{[a-z][a-z0-9_]{0,63}\})+$", max_length=200)]


@lru_cache(maxsize=1024)
def _path(written: str) -> JSONPath:
    """Raises ValueError."""
    try:
        path = _PATHS.compile(written)
    except (JSONPathError, RecursionError) as reason:
        raise ValueError(f"'{written}' is no JSON path: {str(reason).splitlines()[0]}") from None
    if not isinstance(path, JSONPath):
        raise ValueError(f"'{written}' is more than one JSON path")
    return path


class LookupNode(NodeForm):
    """``take``: field (of http: JSON path, whose first find counts) → value. The values are forgotten first, so what is
    not found is not known, either. ``missing``: there is no such thing, a value of the question is not known, or the
    paths lead to nothing. ``failed``: nobody has told, in ``timeout_s`` at most; the admin
    sees why. ``pin``: the secret that must be that of the account; it is forgotten, whatever comes of it."""

    kind: Literal["lookup"]
    what: Literal["customer", "order", "shipment", "ticket", "dealer", "http"]
    key: Key | None = None
    pin: Name | None = None
    http: WebQuestion | None = None
    take: Annotated[dict[str, NewName], Field(max_length=20)] = Field(default_factory=dict)
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    found: Way
    missing: Way
    failed: Way | None = None

    @model_validator(mode="after")
    def _agrees(self) -> LookupNode:
        if (self.what == "http") is not (self.http is not None):
            raise ValueError("what: http and http go together")
        if (self.key is None) is (self.http is None):
            raise ValueError("asks the web by http, and the CRM by a key")
        if self.pin is not None and self.http is not None:
            raise ValueError("a PIN is proved by the CRM, and sent to nobody")
        for field in self.take:
            self._sound(field)
        return self

    def _sound(self, field: str) -> None:
        """Raises ValueError."""
        if self.what == "http":
            _path(field)
        elif field not in FIELDS[self.what]:
            raise ValueError(f"'{self.what}' has no field '{field}'; it has {', '.join(FIELDS[self.what])}")

    async def run(self, visit: Visit) -> Step:
        known = visit.state.values()
        pin = visit.state.secrets.pop(self.pin, "") if self.pin else None
        self._keep(visit, {})
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._answer(visit, known, pin)
        except (OutsideFailed, TimeoutError) as reason:
            visit.problem(f"the {self.what} look-up failed: {str(reason) or 'no answer in time'}")
            return visit.take(self.failed or self.missing)
        if answer is None:
            return visit.take(self.missing)
        self._keep(visit, answer)
        return visit.take(self.found)

    def _keep(self, visit: Visit, answer: Mapping[str, str]) -> None:
        take(visit.state, {name: answer.get(field) for field, name in self.take.items()})

    async def _answer(self, visit: Visit, known: Mapping[str, str], pin: str | None) -> Mapping[str, str] | None:
        """What is known of it; None when there is no such thing."""
        if self.what == "http":
            request = self.http.of(known) if self.http else None
            return None if request is None else await self._from_web(visit, request)
        key = filled(self.key or "", known)
        if key is None or len(key) > MOST_KEY:
            return None
        if pin is not None and not await self._is_theirs(visit, self.what, key, pin):
            return None
        return await visit.world.outside.crm.look_up(self.what, key, visit.state.language)

    async def _from_web(self, visit: Visit, request: WebRequest) -> Mapping[str, str] | None:
        content = await visit.world.outside.web.fetch(request)
        if content is None:
            return None
        answer = {field: _first(field, content) for field in self.take}
        return answer if any(answer.values()) or not self.take else None

    async def _is_theirs(self, visit: Visit, what: Subject, key: str, pin: str) -> bool:
        """A try under way counts like a wrong one until its end, so many callers at once have no more of them."""
        pins, account = visit.world.outside.pins, f"{what}/{key.strip().casefold()}"
        if not pin or not pins.begin(account, visit.world.now().timestamp()):
            return False
        try:
            right = await visit.world.outside.crm.prove(what, key, pin)
        finally:
            pins.end(account)
        if right:
            pins.right(account)
        else:
            pins.wrong(account, visit.world.now().timestamp())
        return right

    def mentions(self) -> Iterator[Mention]:
        for name in names(self.key or ""):
            yield Mention(Noun.VALUE, name, ("key",))
        if self.http is not None:
            yield from self.http.mentions("http")
        if self.pin is not None:
            yield Mention(Noun.SECRET, self.pin, ("pin",))
        for field, name in self.take.items():
            yield Mention(Noun.NEW_VALUE, name, ("take", field))
        for field, way in {"found": self.found, "missing": self.missing, "failed": self.failed}.items():
            if way is not None:
                yield from way.mentions(field)


def _first(path: str, content: Any) -> str:
    """Of what the path leads to. An answer that the path cannot be led through (too deep) has nothing there."""
    try:
        found = next(iter(_path(path).finditer(content)), None)
    except (JSONPathError, RecursionError):
        return ""
    return "" if found is None else text_of(found.obj) or ""
