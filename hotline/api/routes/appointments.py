"""When somebody of ours will be with a customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.editing import quotes as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import appointments
from hotline.api.cursors import Listing
from hotline.api.desk import Answer, AtDesk, Posting, noun_router, there
from hotline.api.forms.care import Appointment, AppointmentForm, AppointmentPatch, AppointmentsAsked
from hotline.api.paging import Page, Paging, PathId, between, equal

router = noun_router("appointments", "/v1/appointments")

_LIST = Listing(appointments, ("at", "id"))
_FILTERS = {"customer": "customer_id", "keeper": "keeper", "state": "state"}


@router.get("")
async def list_appointments(
    desk: AtDesk, asked: Annotated[AppointmentsAsked, Query()], pager: Paging
) -> Page[Appointment]:
    """The earliest first."""
    filters = asked.filters()
    where = [*equal(appointments, filters, _FILTERS), *between(appointments, filters, "at")]
    return pager.told(Appointment, await desk.read(lambda connection: _LIST.page(connection, asked, where)))


@router.post("", status_code=201, response_model=Appointment, responses=there(Appointment))
async def make_appointment(desk: Posting, form: AppointmentForm) -> Response:
    """A ref that is there already is that appointment, unchanged: 200."""
    new = editing.NewAppointment(**form.all())

    def make(connection: Connection, act: Act) -> Answer:
        id_, is_new = editing.make_appointment(connection, act, new)
        return Answer(_one(connection, id_), 201 if is_new else 200)

    return await desk.write(make)


@router.get("/{id}")
async def get_appointment(desk: AtDesk, id: PathId) -> Appointment:
    return await desk.read(lambda connection: _one(connection, id))


@router.patch("/{id}", response_model=Appointment)
async def change_appointment(desk: AtDesk, id: PathId, form: AppointmentPatch) -> Response:
    """What is not named stays as it is."""

    def patch(connection: Connection, act: Act) -> Answer:
        editing.change_appointment(connection, act, id, form.said())
        return Answer(_one(connection, id))

    return await desk.write(patch)


def _one(connection: Connection, id_: int) -> Appointment:
    return Appointment.model_validate(the_row(connection, appointments, {"id": id_}, "appointment"))
