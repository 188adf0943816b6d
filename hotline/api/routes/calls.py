"""Calls, to be read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from sqlalchemy import Connection, Table, select

from crm_bridge.editing.rows import row_of, the_row
from crm_bridge.models import call_events, calls, dispositions, legs, recordings
from hotline.api.cursors import Listing
from hotline.api.desk import AtDesk, noun_router
from hotline.api.forms.calls import Call, CallsAsked, WholeCall
from hotline.api.paging import Page, Paging, between, equal

router = noun_router("calls", "/v1/calls")

_LIST = Listing(calls, ("started_at", "call_id"), falling=True)
_FILTERS = {
    "source": "media_source",
    "campaign": "campaign",
    "queue": "queue",
    "agent": "agent",
    "outcome": "outcome",
    "customer": "customer_id",
    "called_back_of": "called_back_of",
}
PathCall = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]


@router.get("")
async def list_calls(desk: AtDesk, asked: Annotated[CallsAsked, Query()], pager: Paging) -> Page[Call]:
    """The newest first."""
    filters = asked.filters()
    where = [*equal(calls, filters, _FILTERS), *between(calls, filters, "started_at")]
    return pager.told(Call, await desk.read(lambda connection: _LIST.page(connection, asked, where)))


@router.get("/{call_id}")
async def get_call(desk: AtDesk, call_id: PathCall) -> WholeCall:
    """With its legs, its events, what the agent made of it, and the names of its recordings."""
    return await desk.read(lambda connection: _whole(connection, call_id))


def _whole(connection: Connection, call_id: str) -> WholeCall:
    row = the_row(connection, calls, {"call_id": call_id}, "call")
    said = row_of(connection, dispositions, {"call_id": call_id})
    parts = {name: _of(connection, table, call_id) for name, table in _PARTS.items()}
    return WholeCall.model_validate({**row, **parts, "disposition": said})


_PARTS = {"legs": legs, "events": call_events, "recordings": recordings}


def _of(connection: Connection, table: Table, call_id: str) -> list[dict[str, Any]]:
    query = select(table).where(table.c.call_id == call_id).order_by(table.c.seq)
    return [dict(row) for row in connection.execute(query).mappings()]
