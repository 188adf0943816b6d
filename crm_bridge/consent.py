"""What people allow us. Of a number (or a mail address) and a channel the newest word counts; and a number on the
do-not-call list is neither called nor texted of our own accord, whatever was said before or after.

Whoever has said nothing may be contacted. A caller who *asked* to be called back is called back, list or not: that is
for the asker to know, `may_contact` does not.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, String, exists, func, insert, literal, or_, select, true

from crm_bridge.changing import made
from crm_bridge.models import consents, do_not_call


class Channel(StrEnum):
    CALL = "call"
    SMS = "sms"
    MAIL = "mail"
    RECORDING = "recording"


_OF_THE_LIST = frozenset({Channel.CALL, Channel.SMS})


def may_contact(connection: Connection, e164: str, channel: str, now: datetime) -> bool:
    """``e164``: the number; for mail, the address. ``channel``: one of `Channel`, else ValueError."""
    return not connection.execute(select(must_not(literal(e164, String), Channel(channel), now))).scalar_one()


def must_not(address: ColumnElement[Any], channel: Channel, now: datetime) -> ColumnElement[bool]:
    """The same law for a column of addresses: true or false, never null."""
    withdrawn = ~_newest_word(address, channel, now)
    return or_(withdrawn, on_the_list(address, now)) if channel in _OF_THE_LIST else withdrawn


def on_the_list(number: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    return exists(do_not_call.c.e164).where(do_not_call.c.e164 == number, in_force(now)).correlate_except(do_not_call)


def in_force(now: datetime) -> ColumnElement[bool]:
    return or_(do_not_call.c.until.is_(None), do_not_call.c.until > now)


def _newest_word(address: ColumnElement[Any], channel: Channel, now: datetime) -> ColumnElement[bool]:
    said = (
        select(consents.c.given)
        .where(consents.c.address == address, consents.c.channel == channel.value, consents.c.at <= now)
        .order_by(consents.c.at.desc(), consents.c.id.desc())
        .limit(1)
        .correlate_except(consents)
        .scalar_subquery()
    )
    return func.coalesce(said, true(), type_=Boolean)


def say(connection: Connection, address: str, channel: Channel, given: bool, *, by: str, at: datetime) -> int:
    """One more word; none is ever changed. The id of its row."""
    row = {"address": address, "channel": channel.value, "given": given, "at": at, "by": by[:64]}
    new = connection.execute(insert(consents).values(row).returning(consents.c.id)).scalar_one()
    made(connection, consents, {"id": new}, by=by, at=at)
    return int(new)
