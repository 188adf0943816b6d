"""Numbers that we never call of our own accord."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge import do_not_call as editing
from crm_bridge.consent import in_force
from crm_bridge.do_not_call import Listed
from crm_bridge.editing.act import Act, NotThere, Unfit
from crm_bridge.editing.rows import row_of
from crm_bridge.models import do_not_call
from hotline.api.cursors import Listing
from hotline.api.desk import Answer, AtDesk, made, noun_router
from hotline.api.forms.people import NumberOnList, NumberOnListForm
from hotline.api.kinds import Asked
from hotline.api.paging import Page, Paging, PathPhone

router = noun_router("do-not-call", "/v1/do-not-call")

_LIST = Listing(do_not_call, ("e164",))


@router.get("")
async def list_numbers(desk: AtDesk, asked: Annotated[Asked, Query()], pager: Paging) -> Page[NumberOnList]:
    """Those that are on it now."""
    where = [in_force(desk.act.at)]
    return pager.told(NumberOnList, await desk.read(lambda connection: _LIST.page(connection, asked, where)))


@router.get("/{e164}")
async def get_number(desk: AtDesk, e164: PathPhone) -> NumberOnList:
    """404: it is not on the list now."""
    number = desk.phone(e164, "path.e164")
    return await desk.read(lambda connection: _one(connection, number, desk.act.at))


@router.put("/{e164}", response_model=NumberOnList, responses=made(NumberOnList))
async def put_number(desk: AtDesk, e164: PathPhone, form: NumberOnListForm) -> Response:
    """What is said last counts; a reason that is not said again stays."""
    number = desk.phone(e164, "path.e164")

    def put(connection: Connection, act: Act) -> Answer:
        if form.until is not None and form.until <= act.at:
            raise Unfit("this instant is over", where="until", hint="name a later one, or leave it out: for ever")
        new = editing.add(connection, Listed(number, act.at, form.until, form.reason, act.by))
        return Answer(_one(connection, number, act.at), 201 if new else 200)

    return await desk.write(put)


@router.delete("/{e164}", status_code=204, response_class=Response)
async def take_off(desk: AtDesk, e164: PathPhone) -> Response:
    number = desk.phone(e164, "path.e164")

    def take(connection: Connection, act: Act) -> Answer:
        if not editing.remove(connection, number, by=act.by, at=act.at):
            raise NotThere("the number is not on the list")
        return Answer(None, 204)

    return await desk.write(take)


def _one(connection: Connection, number: str, now: datetime) -> NumberOnList:
    row = row_of(connection, do_not_call, {"e164": number})
    if row is None or (row["until"] is not None and row["until"] <= now):
        raise NotThere("the number is not on the list")
    return NumberOnList.model_validate(row)
