"""Who may ask over HTTP: tokens, each with a name and scopes.

A token is 256 random bits, shown once and kept as its SHA-256. A scope is a noun and an act ("customers:read"); "*" for
the noun is all of them. To write is not to read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from crm_bridge.changing import change, made
from crm_bridge.editing.act import Act, Clash, NotThere, Unfit
from crm_bridge.models import api_tokens

READ, WRITE = "read", "write"
NOUNS: Mapping[str, Sequence[str]] = {
    "customers": (READ, WRITE),
    "calls": (READ,),
    "leads": (READ, WRITE),
    "orders": (READ, WRITE),
    "appointments": (READ, WRITE),
    "promises": (READ, WRITE),
    "tickets": (READ, WRITE),
    "dealers": (READ, WRITE),
    "media": (READ, WRITE),
    "do-not-call": (READ, WRITE),
    "lists": (READ, WRITE),
}
SCOPES = frozenset(f"{noun}:{act}" for noun, acts in {**NOUNS, "*": (READ, WRITE)}.items() for act in acts)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MARK = "hl_"  # by which a token is known for one where it has been left lying about
_BYTES = 32
_USE_TOLD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    """``scopes``: in the order of the alphabet."""

    id: int
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def by(self) -> str:
        return f"api:{self.name}"

    def may(self, scope: str) -> bool:
        return scope in self.scopes or f"*:{scope.partition(':')[2]}" in self.scopes


def draw_token() -> str:
    return f"{_MARK}{secrets.token_urlsafe(_BYTES)}"


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(connection: Connection, act: Act, name: str, token: str, scopes: Iterable[str]) -> None:
    """Raises Unfit for a name or a scope that is none, and Clash for a name that is or was in use: `changes` would not
    tell the two apart."""
    wanted = sorted(set(scopes))
    _check(name, wanted)
    if connection.execute(select(api_tokens.c.id).where(api_tokens.c.name == name)).first() is not None:
        raise Clash("there is or was a token of this name", where="name", hint="take another name")
    row = {"name": name, "token_hash": hash_of(token), "scopes": " ".join(wanted), "made_at": act.at}
    connection.execute(insert(api_tokens).values(row))
    made(connection, api_tokens, {"name": name}, by=act.by, at=act.at)


def revoke_token(connection: Connection, act: Act, name: str) -> bool:
    """False: it was revoked before. Raises NotThere."""
    known = connection.execute(select(api_tokens.c.revoked_at).where(api_tokens.c.name == name)).first()
    if known is None:
        raise NotThere("there is no token of this name", where="name", hint="`hotline token list` has the names")
    if known.revoked_at is not None:
        return False
    return change(connection, api_tokens, {"name": name}, {"revoked_at": act.at}, by=act.by, at=act.at)


def all_tokens(connection: Connection) -> list[Token]:
    return [_token(row) for row in connection.execute(select(*_COLUMNS).order_by(api_tokens.c.name))]


def find_token(connection: Connection, token: str) -> Token | None:
    """Whose token it is; also a revoked one."""
    wanted = hash_of(token)
    row = connection.execute(_BY_HASH.where(api_tokens.c.token_hash == wanted)).first()
    return _token(row) if row is not None and hmac.compare_digest(row.token_hash, wanted) else None


def note_use(connection: Connection, token_id: int, at: datetime) -> None:
    """At most once a minute, whoever asks."""
    last = api_tokens.c.last_used_at
    stale = or_(last.is_(None), last <= at - _USE_TOLD)
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id, stale).values(last_used_at=at))


def use_is_old(token: Token, now: datetime) -> bool:
    return token.last_used_at is None or now - token.last_used_at >= _USE_TOLD


def _check(name: str, scopes: Collection[str]) -> None:
    if not NAME.fullmatch(name):
        hint = "a-z, 0-9, - and _, at most 40, as in 'shop'"
        raise Unfit("this is no name for a token", where="name", hint=hint)
    if not scopes:
        raise Unfit("a token without a scope may do nothing", where="scope", hint=f"one of {', '.join(sorted(SCOPES))}")
    for scope in scopes:
        if scope not in SCOPES:
            near = get_close_matches(scope, SCOPES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(sorted(SCOPES))}"
            raise Unfit("there is no such scope", where="scope", hint=hint)


def _token(row: Any) -> Token:
    return Token(row.id, row.name, tuple(row.scopes.split()), row.made_at, row.last_used_at, row.revoked_at)


_COLUMNS = [api_tokens.c[name] for name in ("id", "name", "scopes", "made_at", "last_used_at", "revoked_at")]
_BY_HASH = select(*_COLUMNS, api_tokens.c.token_hash)
