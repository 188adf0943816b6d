"""Households and companies."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.editing import customers as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import companies, households
from hotline.api.cursors import Listing
from hotline.api.desk import Answer, AtDesk, made, noun_router
from hotline.api.forms.people import Company, CompanyForm, Household, HouseholdForm
from hotline.api.kinds import Asked
from hotline.api.paging import Page, Paging, PathCode

router = noun_router("customers", "/v1")

_HOUSEHOLDS = Listing(households, ("code",))
_COMPANIES = Listing(companies, ("code",))


@router.get("/households")
async def list_households(desk: AtDesk, asked: Annotated[Asked, Query()], pager: Paging) -> Page[Household]:
    return pager.told(Household, await desk.read(lambda connection: _HOUSEHOLDS.page(connection, asked)))


@router.get("/households/{code}")
async def get_household(desk: AtDesk, code: PathCode) -> Household:
    return await desk.read(lambda connection: _household(connection, code))


@router.put("/households/{code}", response_model=Household, responses=made(Household))
async def put_household(desk: AtDesk, code: PathCode, form: HouseholdForm) -> Response:
    def put(connection: Connection, act: Act) -> Answer:
        new = editing.put_household(connection, act, code, form.all())
        return Answer(_household(connection, code), 201 if new else 200)

    return await desk.write(put)


@router.get("/companies")
async def list_companies(desk: AtDesk, asked: Annotated[Asked, Query()], pager: Paging) -> Page[Company]:
    return pager.told(Company, await desk.read(lambda connection: _COMPANIES.page(connection, asked)))


@router.get("/companies/{code}")
async def get_company(desk: AtDesk, code: PathCode) -> Company:
    return await desk.read(lambda connection: _company(connection, code))


@router.put("/companies/{code}", response_model=Company, responses=made(Company))
async def put_company(desk: AtDesk, code: PathCode, form: CompanyForm) -> Response:
    def put(connection: Connection, act: Act) -> Answer:
        new = editing.put_company(connection, act, code, form.all())
        return Answer(_company(connection, code), 201 if new else 200)

    return await desk.write(put)


def _household(connection: Connection, code: str) -> Household:
    return Household.model_validate(the_row(connection, households, {"code": code}, "household"))


def _company(connection: Connection, code: str) -> Company:
    return Company.model_validate(the_row(connection, companies, {"code": code}, "company"))
