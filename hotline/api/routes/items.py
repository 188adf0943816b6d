"""A line of a work list: take it on, give it to somebody, drop it, close it; as `hotline work` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Path
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import work_items
from crm_bridge.work_lists import working
from crm_bridge.work_lists.items import BadItem, Item, ItemKind, read_item
from crm_bridge.work_lists.missed import known_as
from crm_bridge.work_lists.standing import Refusal, Why
from hotline.api.desk import Answer, Desk, Posting, noun_router
from hotline.api.forms import work as forms
from hotline.api.problems import ApiProblem

router = noun_router("lists", "/v1/lists/items/{item}")

PathItem = Annotated[
    str, Path(pattern=r"^[a-z]{4,11}-[!-~]{1,64}$", description="Its name, as the list has it: promise-7, missed-c17.")
]
_FREELY = forms.TakeForm()
_SILENTLY = forms.CloseItemForm()


@router.post("/take", response_model=forms.Item)
async def take_item(desk: Posting, item: PathItem, form: forms.TakeForm = _FREELY) -> Response:
    """It is mine from now on."""
    return await _do(desk, item, form, partial(working.take, force=form.force))


@router.post("/give", response_model=forms.Item)
async def give_item(desk: Posting, item: PathItem, form: forms.GiveForm) -> Response:
    """Assign it: theirs from now on is what is mine, or nobody's (``force``: or anybody's)."""
    to = the_person(desk, form.to, "body.to")
    return await _do(desk, item, form, partial(working.give, to=to, force=form.force))


@router.post("/drop", response_model=forms.Item)
async def drop_item(desk: Posting, item: PathItem, form: forms.TakeForm = _FREELY) -> Response:
    """Not mine any more: anybody may take it."""
    return await _do(desk, item, form, partial(working.drop, force=form.force))


@router.post("/close", response_model=forms.Item)
async def close_item(desk: Posting, item: PathItem, form: forms.CloseItemForm = _SILENTLY) -> Response:
    """Done, whoever had it: the promise is kept, the delivery confirmed, the ticket solved, the appointment kept, the
    caller called. A lead is closed by its own steps."""
    return await _do(desk, item, form, partial(working.close, note=form.note))


def the_person(desk: Desk, said: str, where: str) -> str:
    """``agent:1001`` for an extension; else as it is said. Raises ApiProblem."""
    extension = said.removeprefix("agent:")
    if extension == said and ":" in said:
        return said
    if extension not in desk.agents:
        hint = "an extension of the site's agents.yaml, or a name such as cli:anna"
        raise ApiProblem(422, "there is no such agent", where=where, what_to_do=hint)
    return f"agent:{extension}"


async def _do(desk: Desk, name: str, form: forms.ActForm, step: Callable[..., Refusal | None]) -> Response:
    item = _item(desk, name)
    me = desk.act.by if form.me is None else the_person(desk, form.me, "body.me")

    def done(connection: Connection, act: Act) -> Answer:
        refusal = step(connection, item, me=me, at=act.at, by=act.by)
        if refusal is not None:
            raise _refused(refusal, item)
        known = known_as(connection, item) if item.kind is ItemKind.MISSED else item
        return Answer(forms.Item.model_validate(the_row(connection, work_items, {"item": str(known)}, "line")))

    return await desk.write(done)


def _item(desk: Desk, name: str) -> Item:
    """Raises ApiProblem."""
    try:
        return read_item(name, desk.store.region)
    except BadItem:
        hint = "lines are called as their list has them: promise-7, ticket-5001, missed-c17"
        raise ApiProblem(422, "this is the name of no line", where="path.item", what_to_do=hint) from None


def _refused(refusal: Refusal, item: Item) -> ApiProblem:
    """In words of our own: the terminal's have the line's name in them, which may be a caller's number."""
    status, detail, hint = 409, "this is done already", "nothing is left to do"
    if refusal.why is Why.UNKNOWN:
        status, detail, hint = 404, "there is no such line", "look it up in its list"
    elif refusal.why is Why.ELSEWHERE:
        detail, hint = "this is not closed here", f"POST /v1/leads/{item.key}/accept or /v1/leads/{item.key}/close"
    elif refusal.why is Why.TAKEN and refusal.holder:
        detail, hint = f"{refusal.holder} has it", "ask them, or send force: true"
    elif refusal.why is Why.TAKEN:
        detail, hint = "nobody has taken it", "there is nothing to drop"
    return ApiProblem(status, detail, where="path.item", what_to_do=hint)
