"""What a route does its work with: the store, who asks, and when; and the answer that is given twice to who asks twice.

A change and the answer to it are one transaction. Whoever has sent an idempotency key gets that answer again, also when
they never saw the first one; two at once are one after the other, for there is one writer at a time (`database`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Request, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.answered import Answered, answered, fingerprint, keep
from crm_bridge.editing.act import Act
from crm_bridge.numbers import e164
from crm_bridge.store import CrmStore
from crm_bridge.tokens import READ, WRITE, Token
from hotline.api.problems import MEDIA_TYPE, ApiProblem, Fault

T = TypeVar("T")

_BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="`hotline token make` makes one.")
_KEY_HELP = "The same key with the same body within 24 h: the same answer, and nothing is done twice."
_PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` None: there is nothing to say."""

    body: BaseModel | None
    status: int = 200

    @property
    def text(self) -> str:
        return "" if self.body is None else self.body.model_dump_json()


Job = Callable[[Connection, Act], Answer]


@dataclass(frozen=True, slots=True)
class Desk:
    """``agents``: the site's extensions. ``key``: the idempotency key of what is asked, '' without one; ``asked``: its
    fingerprint."""

    store: CrmStore
    token: Token
    act: Act
    agents: Collection[str] = ()
    key: str = ""
    asked: str = ""

    async def read(self, job: Callable[[Connection], T]) -> T:
        return await self.store.read(lambda connection: _ours(job, connection))

    async def write(self, job: Job) -> Response:
        """All that ``job`` does, and the answer to it, or nothing."""
        return await self.store.write(lambda connection: _ours(partial(self._once, job=job), connection))

    def phone(self, raw: str, where: str) -> str:
        """E.164. Raises ApiProblem."""
        found = e164(raw.replace(" ", "+", 1) if raw.startswith(" ") else raw, self.store.region)
        if found is None:
            hint = "write it with + and the country's code, or as it is dialled in the site's country"
            raise ApiProblem(422, "this is no telephone number", where=where, what_to_do=hint)
        return found

    def _once(self, connection: Connection, job: Job) -> Response:
        if not self.key:
            return _response(job(connection, self.act))
        before = answered(connection, self.token.id, self.key, self.act.at)
        if before is not None and before.fingerprint != self.asked:
            raise ApiProblem(
                422,
                "this idempotency key was used for another request",
                where="header.Idempotency-Key",
                what_to_do="take a new key for each thing that is to be done",
            )
        if before is not None:
            return Response(before.body, before.status, {"Idempotent-Replayed": "true"}, media_type="application/json")
        answer = job(connection, self.act)
        kept = Answered(self.asked, answer.status, answer.text)
        keep(connection, self.token.id, self.key, kept, self.act.at)
        return _response(answer)


def _ours(job: Callable[[Connection], T], connection: Connection) -> T:
    """The store takes these for values that it cannot have (what it is sent, it wraps in its own); here they would be
    mistakes of ours."""
    try:
        return job(connection)
    except (TypeError, ValueError, OverflowError) as error:
        raise Fault from error


def _response(answer: Answer) -> Response:
    if answer.body is None:
        return Response(status_code=answer.status)
    return Response(answer.text, answer.status, media_type="application/json")


def _desk(request: Request) -> Desk:
    state = request.app.state
    token: Token = request.state.token
    store: CrmStore = state.store
    now = datetime.fromtimestamp(state.clock(), UTC)
    return Desk(store, token, Act(token.by, now, store.rules, store.region), state.agents)


async def _looking(request: Request) -> Desk:
    return _desk(request)


async def _posting(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", min_length=1, max_length=64, pattern=r"^[!-~]+$", description=_KEY_HELP),
    ] = None,
) -> Desk:
    desk = _desk(request)
    if idempotency_key is None:
        return desk
    asked = fingerprint(request.method, request.url.path, request.url.query, await request.body())
    return replace(desk, key=idempotency_key, asked=asked)


AtDesk = Annotated[Desk, Depends(_looking)]
Posting = Annotated[Desk, Depends(_posting)]


def there(body: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Of a route that makes something: it was there already."""
    return {200: {"model": body, "description": "It was there already."}}


def made(body: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Of a route that puts something: it is new."""
    return {201: {"model": body, "description": "It is new."}}


def noun_router(noun: str, prefix: str) -> APIRouter:
    """To look at it takes the scope "noun:read", and to do anything else "noun:write"."""

    async def scoped(request: Request, _: Annotated[object, Security(_BEARER)]) -> None:
        scope = scope_of(noun, request.method)
        if not request.state.token.may(scope):
            told = f'Bearer realm="hotline", error="insufficient_scope", scope="{scope}"'
            raise ApiProblem(
                403,
                f"this takes the scope {scope}",
                what_to_do="ask the admin for a token that has it (`hotline token make`)",
                headers={"WWW-Authenticate": told},
            )

    return APIRouter(prefix=prefix, tags=[noun], dependencies=[Depends(scoped)], responses={"default": _PROBLEM})


def scope_of(noun: str, method: str) -> str:
    return f"{noun}:{READ if method == 'GET' else WRITE}"
