"""What brings the calls, and what it costs. Each has a name of its own, so again is harmless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from crm_bridge.editing.act import Act, Unfit
from crm_bridge.editing.rows import change_row, make_row, put_row, row_of
from crm_bridge.models import campaigns, media_costs, media_sources


def put_source(connection: Connection, act: Act, id_: str, values: Mapping[str, Any]) -> bool:
    """True: it was not there before. What the site's `media.yaml` names is named so again at the next start."""
    return put_row(connection, media_sources, {"id": id_}, values, act)


def put_campaign(connection: Connection, act: Act, code: str, values: Mapping[str, Any]) -> bool:
    """True: it was not there before. Raises Unfit when it ends before it begins."""
    _in_order(values)
    return put_row(connection, campaigns, {"code": code}, values, act)


def put_cost(connection: Connection, act: Act, ref: str, values: Mapping[str, Any]) -> bool:
    """True: it was not there before. ``ref``: by which it is known again."""
    _in_order(values)
    known = row_of(connection, media_costs, {"ref": ref})
    if known is not None:
        change_row(connection, media_costs, {"id": known["id"]}, values, act)
        return False
    make_row(connection, media_costs, {**values, "ref": ref}, act)
    return True


def _in_order(values: Mapping[str, Any]) -> None:
    begins, ends = values.get("begins_on"), values.get("ends_on")
    if begins is not None and ends is not None and ends < begins:
        raise Unfit("it ends before it begins", where="ends_on", hint="swap the two days")
