"""The REST API, put together. It opens nothing and starts nothing by itself."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response

from crm_bridge.answered import sweep
from crm_bridge.fold import EntryRefused
from crm_bridge.store import CrmStore, StoreAway
from hotline.api.desk import scope_of
from hotline.api.door import Door, DoorKeeper
from hotline.api.envelope import HEALTH, Envelope, WholeBody
from hotline.api.problems import Problem, tell_problems
from hotline.api.routes import (
    appointments,
    calls,
    contacts,
    customers,
    dealers,
    do_not_call,
    groups,
    items,
    leads,
    media,
    orders,
    promises,
    quotes,
    tickets,
    work,
)

log = logging.getLogger(__name__)

_ROUTES = (customers, contacts, groups, calls, leads, orders, quotes, appointments, promises, tickets, dealers, media)
_MORE_ROUTES = (do_not_call, work, items)
_SWEEP_EVERY_S = 3600.0
_ABOUT = "The CRM of this call centre. Bearer tokens with scopes; money as text; pages by cursor; problems as RFC 9457."


def make_api(
    store: CrmStore,
    clock: Callable[[], float],
    *,
    name: str = "hotline",
    origins: Sequence[str] = (),
    agents: Collection[str] = (),
) -> FastAPI:
    """``clock``: Unix seconds. ``agents``: their extensions, who may be given work. ``origins``: of web pages that may
    ask from a browser; none unless named. Its lifespan sweeps old answers; the store is the caller's to close."""
    door = Door(store, clock)
    app = FastAPI(
        title=name,
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=_around(door, origins),
    )
    app.state.store, app.state.clock, app.state.door = store, clock, door
    app.state.agents = frozenset(agents)
    tell_problems(app)
    for routes in (*_ROUTES, *_MORE_ROUTES):
        app.include_router(routes.router)
    _add_open_pages(app)
    return app


def _around(door: Door, origins: Sequence[str]) -> list[Middleware]:
    """The outermost first."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        expose_headers=["Link", "Retry-After", "Idempotent-Replayed"],
    )
    inner = [Middleware(DoorKeeper, door=door), Middleware(WholeBody)]
    return [Middleware(Envelope), *([cors] if origins else []), *inner]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    sweeping = asyncio.create_task(_keep_sweeping(app.state.store, app.state.clock), name="sweep")
    yield
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    await app.state.door.settled()


async def _keep_sweeping(store: CrmStore, clock: Callable[[], float]) -> None:
    """The answers that nobody may ask for again, some at a time: whoever else wants to write comes between. Until
    cancelled."""
    while True:
        swept = 0
        try:
            swept = await store.write(partial(sweep, now=datetime.fromtimestamp(clock(), UTC)))
        except (StoreAway, EntryRefused):
            log.warning("old answers could not be swept; tried again in an hour")
        await asyncio.sleep(1.0 if swept else _SWEEP_EVERY_S)


def _add_open_pages(app: FastAPI) -> None:
    """What needs no token: it has nothing of anybody's."""
    told: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not told:
            told.update(_openapi(app))
        return told

    app.openapi = openapi  # type: ignore[method-assign]

    @app.get(HEALTH, include_in_schema=False)
    async def health() -> Mapping[str, bool]:
        return {"ok": True}

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_json() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(_index(app.openapi()), headers=policy)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's, with the scope of each operation and the form of a problem."""
    found = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    found["components"]["schemas"] |= {**schema.pop("$defs"), "Problem": schema}
    for operations in found["paths"].values():
        for method, operation in operations.items():
            operation["x-scope"] = scope_of(operation["tags"][0], method.upper())
    return found


def _index(openapi: Mapping[str, Any]) -> str:
    """One page of our own: a viewer would be loaded from somebody else's server."""
    rows = "".join(
        f"<tr><td>{method.upper()}<td><code>{html.escape(path)}</code><td><code>{operation['x-scope']}</code>"
        f"<td>{html.escape(operation.get('description', operation['summary']))}"
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    )
    title = html.escape(openapi["info"]["title"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}: API</title>"
        "<style>body{font:15px sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left;vertical-align:top}"
        f"</style><h1>{title}: API</h1><p>{html.escape(_ABOUT)} <a href=openapi.json>openapi.json</a>"
        f"<table><tr><th>Method<th>Path<th>Scope<th>What{rows}</table></html>"
    )
