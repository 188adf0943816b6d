"""The work lists."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from crm_bridge.editing.act import NotThere
from hotline.api.desk import AtDesk, noun_router
from hotline.api.kinds import Told
from hotline.api.lists import LISTS

router = noun_router("lists", "/v1/lists")

_JSON = TypeAdapter(dict[str, Any])


class ListNames(Told):
    items: list[str]


class WorkList(Told):
    """Each list has columns of its own. Amounts are texts, instants are ISO 8601 with their zone."""

    name: str
    items: list[dict[str, Any]]


class WorkAsked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=500)] = 100


@router.get("")
async def list_names(desk: AtDesk) -> ListNames:
    return ListNames(items=sorted(LISTS))


@router.get("/{name}")
async def work_list(
    desk: AtDesk, name: Annotated[str, Path(pattern="^[a-z_]{1,40}$")], asked: Annotated[WorkAsked, Query()]
) -> WorkList:
    """What is to be done now. It has no cursor: what is done is gone from it."""
    if name not in LISTS:
        raise NotThere("there is no such list", hint=f"one of {', '.join(sorted(LISTS))}")
    rows = await LISTS[name](desk.store, desk.act.at, asked.limit)
    return WorkList(name=name, items=[_JSON.dump_python(asdict(row), mode="json") for row in rows])
