"""Requests that have been answered already, by their idempotency key. The answer is written in the same transaction as
the change that it tells of: both are there or neither is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, tuple_

from crm_bridge.models import api_requests
from crm_bridge.upserts import put

KEPT = timedelta(hours=24)
_AT_ONCE = 1000  # the engine's calls wait for no sweep


@dataclass(frozen=True, slots=True)
class Answered:
    """``fingerprint``: of what was asked. ``body``: JSON."""

    fingerprint: str
    status: int
    body: str


def fingerprint(method: str, path: str, query: str, body: bytes) -> str:
    """The same for the same question, however its JSON is spaced and ordered."""
    try:
        told = json.dumps(json.loads(body), sort_keys=True).encode() if body else b""
    except (ValueError, RecursionError):
        told = body
    asked = b"\0".join((*(part.encode(errors="replace") for part in (method, path, query)), told))
    return hashlib.sha256(asked).hexdigest()


def answered(connection: Connection, token_id: int, key: str, now: datetime) -> Answered | None:
    """What this token was answered under this key within `KEPT`."""
    columns = (api_requests.c.fingerprint, api_requests.c.status, api_requests.c.body)
    mine = (api_requests.c.token_id == token_id, api_requests.c.key == key, api_requests.c.at > now - KEPT)
    row = connection.execute(select(*columns).where(*mine)).first()
    return None if row is None else Answered(*row)


def keep(connection: Connection, token_id: int, key: str, answer: Answered, at: datetime) -> None:
    """In place of one whose time is over."""
    said = {"fingerprint": answer.fingerprint, "status": answer.status, "body": answer.body, "at": at}
    put(connection, api_requests, [{"token_id": token_id, "key": key, **said}])


def sweep(connection: Connection, now: datetime) -> int:
    """Some of those whose time is over, the oldest first; how many went. Again until it is 0."""
    key = tuple_(api_requests.c.token_id, api_requests.c.key)
    old = select(api_requests.c.token_id, api_requests.c.key).where(api_requests.c.at <= now - KEPT)
    some = old.order_by(api_requests.c.at).limit(_AT_ONCE)
    return connection.execute(delete(api_requests).where(key.in_(some))).rowcount
