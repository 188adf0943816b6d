"""What brings the calls, and what it costs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.editing import media as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import campaigns, media_costs, media_sources
from hotline.api.cursors import Listing
from hotline.api.desk import Answer, AtDesk, made, noun_router
from hotline.api.forms.media import Campaign, CampaignForm, Cost, CostForm, CostsAsked, Source, SourceForm
from hotline.api.kinds import Asked
from hotline.api.paging import Page, Paging, PathCode, between, equal

router = noun_router("media", "/v1")

_SOURCES = Listing(media_sources, ("id",))
_CAMPAIGNS = Listing(campaigns, ("code",))
_COSTS = Listing(media_costs, ("id",))
PathRef = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$")]


@router.get("/media-sources")
async def list_sources(desk: AtDesk, asked: Annotated[Asked, Query()], pager: Paging) -> Page[Source]:
    return pager.told(Source, await desk.read(lambda connection: _SOURCES.page(connection, asked)))


@router.get("/media-sources/{id}")
async def get_source(desk: AtDesk, id: PathCode) -> Source:
    return await desk.read(lambda connection: _source(connection, id))


@router.put("/media-sources/{id}", response_model=Source, responses=made(Source))
async def put_source(desk: AtDesk, id: PathCode, form: SourceForm) -> Response:
    """What the site's media.yaml names is named so again when the engine starts."""

    def put(connection: Connection, act: Act) -> Answer:
        new = editing.put_source(connection, act, id, form.all())
        return Answer(_source(connection, id), 201 if new else 200)

    return await desk.write(put)


@router.get("/campaigns")
async def list_campaigns(desk: AtDesk, asked: Annotated[Asked, Query()], pager: Paging) -> Page[Campaign]:
    return pager.told(Campaign, await desk.read(lambda connection: _CAMPAIGNS.page(connection, asked)))


@router.get("/campaigns/{code}")
async def get_campaign(desk: AtDesk, code: PathCode) -> Campaign:
    return await desk.read(lambda connection: _campaign(connection, code))


@router.put("/campaigns/{code}", response_model=Campaign, responses=made(Campaign))
async def put_campaign(desk: AtDesk, code: PathCode, form: CampaignForm) -> Response:
    def put(connection: Connection, act: Act) -> Answer:
        said = {**form.all(), "currency": form.currency or act.rules.currency}
        new = editing.put_campaign(connection, act, code, said)
        return Answer(_campaign(connection, code), 201 if new else 200)

    return await desk.write(put)


@router.get("/media-costs")
async def list_costs(desk: AtDesk, asked: Annotated[CostsAsked, Query()], pager: Paging) -> Page[Cost]:
    """In the order in which they came."""
    filters = asked.filters()
    where = equal(media_costs, filters, {"source": "media_source", "campaign": "campaign"})
    where += between(media_costs, filters, "begins_on")
    return pager.told(Cost, await desk.read(lambda connection: _COSTS.page(connection, asked, where)))


@router.get("/media-costs/{ref}")
async def get_cost(desk: AtDesk, ref: PathRef) -> Cost:
    return await desk.read(lambda connection: _cost(connection, ref))


@router.put("/media-costs/{ref}", response_model=Cost, responses=made(Cost))
async def put_cost(desk: AtDesk, ref: PathRef, form: CostForm) -> Response:
    """``ref``: by which you know it again; said twice it is one cost."""

    def put(connection: Connection, act: Act) -> Answer:
        said = {**form.all(), "currency": form.currency or act.rules.currency}
        new = editing.put_cost(connection, act, ref, said)
        return Answer(_cost(connection, ref), 201 if new else 200)

    return await desk.write(put)


def _source(connection: Connection, id_: str) -> Source:
    return Source.model_validate(the_row(connection, media_sources, {"id": id_}, "media source"))


def _campaign(connection: Connection, code: str) -> Campaign:
    return Campaign.model_validate(the_row(connection, campaigns, {"code": code}, "campaign"))


def _cost(connection: Connection, ref: str) -> Cost:
    return Cost.model_validate(the_row(connection, media_costs, {"ref": ref}, "cost"))
