"""A page as it is told: its rows, and where the next one is, in the body and as a Link (RFC 8288)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Depends, Path, Request, Response
from pydantic import Field
from sqlalchemy import ColumnElement, Table

from hotline.api.cursors import Found
from hotline.api.kinds import Told

T = TypeVar("T", bound=Told)

PathId = Annotated[int, Path(ge=1, le=2**31 - 1)]
PathKey = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
PathCode = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
PathPhone = Annotated[str, Path(pattern=r"^[+0-9() .-]{3,32}$", description="With + and the country's code.")]


class Page(Told, Generic[T]):
    items: list[T]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class Pager:
    def __init__(self, request: Request, response: Response) -> None:
        self._request, self._response = request, response

    def told(self, kind: type[T], found: Found) -> Page[T]:
        return self.page(kind, [kind.model_validate(row) for row in found.rows], found.next)

    def page(self, kind: type[T], items: Sequence[T], cursor: str | None) -> Page[T]:
        self.link(cursor)
        return Page[kind].model_construct(items=list(items), next=cursor)  # type: ignore[valid-type]

    def link(self, cursor: str | None) -> None:
        if cursor is not None:
            self._response.headers["Link"] = f'<{self._address(cursor)}>; rel="next"'

    def _address(self, cursor: str) -> str:
        asked = parse_qsl(self._request.url.query, keep_blank_values=True)
        kept = [(name, value) for name, value in asked if name != "cursor"]
        return f"{quote(self._request.url.path)}?{urlencode([*kept, ('cursor', cursor)])}"


Paging = Annotated[Pager, Depends()]


def equal(table: Table, filters: Mapping[str, Any], columns: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """``columns``: filter → column, of those filters that a row meets by having that value."""
    return [table.c[column] == filters[name] for name, column in columns.items() if name in filters]


def between(
    table: Table, filters: Mapping[str, Any], column: str, names: tuple[str, str] = ("since", "until")
) -> list[ColumnElement[bool]]:
    """From the first of the two filters on, and before the second."""
    since, until = (filters.get(name) for name in names)
    found = [] if since is None else [table.c[column] >= since]
    return found if until is None else [*found, table.c[column] < until]
