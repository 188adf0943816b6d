"""The work lists: what is to be done now, list by list, as `hotline list` has it. A list has no cursor: what is done is
gone from it."""

# Without `annotations` from the future: what a list tells and may be asked is made of the registry, and FastAPI finds
# by its name only what a module has.

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import Connection

from crm_bridge.work_lists.lines import Line, Wanted
from crm_bridge.work_lists.missed import without_number
from crm_bridge.work_lists.registry import LISTS, ListName, WorkList
from hotline.api.desk import AtDesk, Desk, noun_router
from hotline.api.forms.work import ListNames, ListTold, Work, WorkAsked, asked_of
from hotline.api.problems import ApiProblem
from hotline.api.routes.items import the_person

router = noun_router("lists", "/v1/lists")


@router.get("")
async def list_names() -> ListNames:
    """Which lists there are."""
    return ListNames(items=[ListTold(name=name, about=its.about) for name, its in LISTS.items()])


def _route(name: ListName, listed: WorkList) -> Callable[..., Awaitable[Work[Any]]]:
    kind = asked_of(name, listed)

    async def work_list(desk: AtDesk, asked: Annotated[kind, Query()]) -> Work[Any]:  # type: ignore[valid-type]
        wanted = _wanted(desk, asked)
        return await desk.read(lambda connection: _found(connection, name, listed, wanted))

    return work_list


def _wanted(desk: Desk, asked: WorkAsked) -> Wanted:
    """One line more than is asked for: whether there are more."""
    said = asked.model_dump(exclude={"limit", "taken_by", "free"})
    if asked.free and asked.taken_by is not None:
        raise ApiProblem(
            422, "what somebody has taken on is not free", where="query.free", what_to_do="ask for one of the two"
        )
    taken_by = "" if asked.free else the_person(desk, asked.taken_by, "query.taken_by") if asked.taken_by else None
    return Wanted(desk.act.at, desk.act.rules.zone, limit=asked.limit + 1, taken_by=taken_by, **said)


def _found(connection: Connection, name: ListName, listed: WorkList, wanted: Wanted) -> Work[Line]:
    most = wanted.limit - 1
    lines = listed.lines(connection, wanted)
    unlisted = without_number(connection, wanted) if name is ListName.MISSED else 0
    told = Work[listed.line]  # type: ignore[name-defined]
    return told.model_construct(name=name, items=lines[:most], more=len(lines) > most, unlisted=unlisted)


for _name, _listed in LISTS.items():
    router.add_api_route(
        f"/{_name}",
        _route(_name, _listed),
        methods=["GET"],
        response_model=Work[_listed.line],  # type: ignore[name-defined]
        name=f"list_{_name}",
        summary=_name.title(),
        description=f"{_listed.about.capitalize()}.",
    )
