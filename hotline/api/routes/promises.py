"""What somebody has promised a customer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import ColumnElement, Connection
from starlette.responses import Response

from crm_bridge.editing import promises as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import promises
from hotline.api.cursors import Found, Listing, Row
from hotline.api.desk import Answer, AtDesk, Posting, noun_router, there
from hotline.api.forms.care import Promise, PromiseForm, PromisesAsked
from hotline.api.paging import Page, Paging, PathId, between, equal

router = noun_router("promises", "/v1/promises")

_LIST = Listing(promises, ("due_on", "id"))
_FILTERS = {"customer": "customer_id", "keeper": "keeper"}
_KEPT, _WITHDRAWN = promises.c.kept_at.is_not(None), promises.c.withdrawn_at.is_not(None)
_STATES: dict[str, list[ColumnElement[bool]]] = {
    "open": [~_KEPT, ~_WITHDRAWN],
    "kept": [_KEPT],
    "withdrawn": [_WITHDRAWN, ~_KEPT],
}


@router.get("")
async def list_promises(desk: AtDesk, asked: Annotated[PromisesAsked, Query()], pager: Paging) -> Page[Promise]:
    """The first that is due first. Broken is what is open after its day."""
    filters = asked.filters()
    where = [*equal(promises, filters, _FILTERS), *between(promises, filters, "due_on")]
    where += _STATES[asked.state] if asked.state is not None else []

    def found(connection: Connection) -> Found:
        page = _LIST.page(connection, asked, where)
        return Found([_with_state(row) for row in page.rows], page.next)

    return pager.told(Promise, await desk.read(found))


@router.post("", status_code=201, response_model=Promise, responses=there(Promise))
async def make_promise(desk: Posting, form: PromiseForm) -> Response:
    """A ref that is there already is that promise, unchanged: 200."""
    new = editing.NewPromise(**form.all())

    def make(connection: Connection, act: Act) -> Answer:
        id_, is_new = editing.make_promise(connection, act, new)
        return Answer(_one(connection, id_), 201 if is_new else 200)

    return await desk.write(make)


@router.get("/{id}")
async def get_promise(desk: AtDesk, id: PathId) -> Promise:
    return await desk.read(lambda connection: _one(connection, id))


@router.post("/{id}/keep", response_model=Promise)
async def keep_promise(desk: Posting, id: PathId) -> Response:
    def keep(connection: Connection, act: Act) -> Answer:
        editing.keep(connection, act, id)
        return Answer(_one(connection, id))

    return await desk.write(keep)


@router.post("/{id}/withdraw", response_model=Promise)
async def withdraw_promise(desk: Posting, id: PathId) -> Response:
    def withdraw(connection: Connection, act: Act) -> Answer:
        editing.withdraw(connection, act, id)
        return Answer(_one(connection, id))

    return await desk.write(withdraw)


def _one(connection: Connection, id_: int) -> Promise:
    return Promise.model_validate(_with_state(the_row(connection, promises, {"id": id_}, "promise")))


def _with_state(row: Row) -> dict[str, Any]:
    ended = "kept" if row["kept_at"] is not None else "withdrawn"
    return {**row, "state": "open" if row["kept_at"] is None and row["withdrawn_at"] is None else ended}
