"""Every refusal as a problem of RFC 9457, with `where` and `what_to_do`. It holds nothing that was sent: no value, no
number, no token; and nothing of ours: no SQL, no stack."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm_bridge.editing.act import Clash, NotThere, Refusal, Unfit
from crm_bridge.store import EntryRefused, StoreAway

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_AWAY_S = 5
_LONGEST_WHERE = 120
_MOST_TROUBLES = 50


class Trouble(BaseModel):
    """One field at fault."""

    where: str
    message: str
    what_to_do: str


class Problem(BaseModel):
    """RFC 9457. ``where``: the first field at fault ("body.lines.0.price", "query.cursor"), '' for the whole."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    where: str = ""
    what_to_do: str = ""
    errors: list[Trouble] = Field(default_factory=list)


class ApiProblem(Exception):
    def __init__(
        self,
        status: int,
        detail: str,
        *,
        where: str = "",
        what_to_do: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Trouble] = (),
    ) -> None:
        super().__init__(detail)
        title = HTTPStatus(status).phrase
        self.headers = dict(headers or {})
        self.problem = Problem(
            title=title, status=status, detail=detail, where=where, what_to_do=what_to_do, errors=list(errors)
        )

    def response(self) -> Response:
        body = self.problem.model_dump_json()
        return Response(body, self.problem.status, self.headers, media_type=MEDIA_TYPE)


class Fault(Exception):
    """A mistake of ours; its cause says which."""


def store_away() -> ApiProblem:
    return ApiProblem(
        503,
        "the CRM store cannot be reached just now",
        what_to_do=f"ask again after {_AWAY_S} s; nothing was changed",
        headers={"Retry-After": str(_AWAY_S)},
    )


def failed(error: BaseException) -> ApiProblem:
    """A fault of ours. The log has its kind and its place, never its words: they may hold what was sent."""
    cause = error.__cause__ if isinstance(error, Fault) and error.__cause__ is not None else error
    frames = traceback.extract_tb(cause.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno} {frames[-1].name}" if frames else "?"
    log.error("a request failed: %s at %s", type(cause).__name__, place)
    return ApiProblem(500, "the request failed by a fault of ours", what_to_do="tell the admin when it was")


def _of_refusal(error: Refusal) -> ApiProblem:
    status = {NotThere: 404, Clash: 409, Unfit: 422}.get(type(error), 422)
    where = f"body.{error.where}" if error.where else ""
    return ApiProblem(status, error.message, where=where, what_to_do=error.hint)


def _of_entry(error: EntryRefused) -> ApiProblem:
    log.warning("the store has refused a request: %s", str(error).partition(":")[0])
    hint = "check that each value is one of its kind, and that what it names is there"
    return ApiProblem(422, "the store cannot take these values", what_to_do=hint)


def _of_http(error: HTTPException) -> ApiProblem:
    told = {
        404: ("there is nothing at this address", "/docs lists the addresses"),
        405: ("this cannot be done here", "the header Allow says what can"),
    }
    detail, hint = told.get(error.status_code, (str(error.detail), ""))
    return ApiProblem(error.status_code, detail, what_to_do=hint, headers=error.headers)


_HINTS = {
    "missing": "add it",
    "extra_forbidden": "leave it out, or correct its name",
    "json_invalid": "send valid JSON",
    "string_pattern_mismatch": "write it in the form that /openapi.json gives",
    "model_attributes_type": "send a JSON object with Content-Type: application/json",
}


def _of_validation(error: RequestValidationError) -> ApiProblem:
    troubles = [_trouble(one) for one in error.errors()[:_MOST_TROUBLES]]
    first = troubles[0]
    return ApiProblem(422, first.message, where=first.where, what_to_do=first.what_to_do, errors=troubles)


def _trouble(error: Mapping[str, Any]) -> Trouble:
    where = ".".join(str(part) for part in error["loc"])[:_LONGEST_WHERE]
    where = where.encode(errors="replace").decode()  # half a surrogate pair can be a field's name, but not be told
    hint = _HINTS.get(error["type"], "correct it; /openapi.json has its form")
    return Trouble(where=where, message=str(error["msg"]).removeprefix("Value error, "), what_to_do=hint)


def tell_problems(app: FastAPI) -> None:
    def by(told: Callable[[Any], ApiProblem]) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def handler(_request: Request, error: Exception) -> Response:
            return told(error).response()

        return handler

    app.add_exception_handler(ApiProblem, by(lambda error: error))
    app.add_exception_handler(Refusal, by(_of_refusal))
    app.add_exception_handler(StoreAway, by(lambda _: store_away()))
    app.add_exception_handler(EntryRefused, by(_of_entry))
    app.add_exception_handler(HTTPException, by(_of_http))
    app.add_exception_handler(RequestValidationError, by(_of_validation))
