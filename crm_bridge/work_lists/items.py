"""The names of the lines of the work lists: ``promise-7``, ``missed-c17``. A line keeps its name for as long as it is
there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, cast, literal

from crm_bridge.numbers import e164


class ItemKind(StrEnum):
    MISSED = "missed"
    CALLBACK = "callback"
    VOICEMAIL = "voicemail"
    PROMISE = "promise"
    LEAD = "lead"
    DELIVERY = "delivery"
    SURVEY = "survey"
    TICKET = "ticket"
    APPOINTMENT = "appointment"


@dataclass(frozen=True, slots=True)
class Item:
    """``key``: a row's id or number; of a survey ``CALL-SEQ``; of a missed caller ``c17`` (the customer with this id)
    or their number (E.164)."""

    kind: ItemKind
    key: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.key}"


class BadItem(ValueError):
    """It is the name of no line; for a human."""


_LARGEST_ID = 2**31 - 1
_NUMBERED = frozenset(
    {ItemKind.CALLBACK, ItemKind.VOICEMAIL, ItemKind.PROMISE, ItemKind.LEAD, ItemKind.APPOINTMENT},
)
_EXAMPLES = "promise-7, lead-9, ticket-5001, missed-c17, missed-+8613800138000, delivery-77000036"


def read_item(text: str, region: str) -> Item:
    """What a person has typed. ``region``: where a number without a country code is at home. Raises BadItem."""
    kind, _, key = text.strip().partition("-")
    if kind not in set(ItemKind) or not key or not key.isprintable() or len(text) > 80:
        raise BadItem(f"'{text:.80}' is no line of a list; lines are called {_EXAMPLES}")
    return Item(ItemKind(kind), _key(ItemKind(kind), key, region))


def _key(kind: ItemKind, key: str, region: str) -> str:
    if kind in _NUMBERED:
        return _id(kind, key)
    if kind is ItemKind.SURVEY and not re.fullmatch(r".+-[0-9]{1,18}", key):
        raise BadItem(f"'survey-{key}' is no survey; a survey is called survey-CALL-NUMBER, as `hotline list` shows it")
    if kind is ItemKind.MISSED:
        return f"c{_id(kind, key[1:])}" if key.startswith("c") else _number(key, region)
    return key


def _id(kind: ItemKind, key: str) -> str:
    if not (key.isascii() and key.isdecimal()) or int(key) > _LARGEST_ID:
        raise BadItem(f"'{key}' is no number of a {kind}; lines are called {_EXAMPLES}")
    return str(int(key))


def _number(key: str, region: str) -> str:
    found = e164(key, region)
    if found is None:
        raise BadItem(f"'{key}' is no telephone number; a missed caller is called missed-c17 or missed-+8613800138000")
    return found


def called(kind: ItemKind, *keys: ColumnElement[Any]) -> ColumnElement[str]:
    """The name of the line in SQL; a key of several columns has a ``-`` between them."""
    name: ColumnElement[str] = literal(kind.value, String)
    for key in keys:
        name = name.concat("-").concat(cast(key, String))
    return name
