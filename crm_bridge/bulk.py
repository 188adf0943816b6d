"""Many rows at once, in SQLite's words and in PostgreSQL's: the only place that knows them. A statement for each row,
as SQLAlchemy writes it, costs several times what the row does.

Rows are tuples in the order of the column names that are given with them; values are what the columns carry elsewhere
(Decimal, date, aware datetime, dict). PostgreSQL reads them as COPY, into the table or into one of the transaction's.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Executable,
    Table,
    any_,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from crm_bridge.column_types import Instant

Rows = Sequence[Sequence[Any]]

_AT_ONCE = 20_000
_FEW = 20  # rows that SQLAlchemy writes sooner than a COPY is set up
_NOTHING = "\x02"  # null in what COPY reads: no text of ours is that, whatever somebody calls themselves


@contextmanager
def room(connection: Connection) -> Iterator[None]:
    """Memory for a transaction that writes much: SQLite alone, which else has 2 MB for all its indexes."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA cache_size = -131072")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA cache_size = -2000")


def add(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> None:
    """New rows."""
    if len(rows) <= _FEW:
        _few(connection, insert(table), columns, rows)
        return
    for piece in _pieces(rows):
        if connection.dialect.name == "postgresql":
            _copy(connection, table.name, [table.c[name] for name in columns], piece)
        else:
            marks = ", ".join("?" * len(columns))
            words = f'INSERT INTO "{table.name}" ({quoted(columns)}) VALUES ({marks})'  # noqa: S608 (names of ours)
            connection.exec_driver_sql(words, bound(connection, [table.c[name] for name in columns], piece))


def change(connection: Connection, table: Table, key: str, columns: Sequence[str], rows: Rows) -> None:
    """Each of ``rows`` begins with the value of ``key``: whatever has that gets the values of ``columns``."""
    if len(rows) <= _FEW:
        sets: dict[str, Any] = {name: bindparam(f"b_{name}") for name in columns}
        each = update(table).where(table.c[key] == bindparam("b__key")).values(sets)
        _few(connection, each, ["b__key", *(f"b_{name}" for name in columns)], rows)
        return
    typed = [table.c[name] for name in (key, *columns)]
    for piece in _pieces(rows):
        if connection.dialect.name == "postgresql":
            _change_from_copy(connection, table, typed, piece)
        else:
            turned = [(*row[1:], row[0]) for row in piece]
            marks = ", ".join(f'"{name}" = ?' for name in columns)
            words = f'UPDATE "{table.name}" SET {marks} WHERE "{key}" = ?'  # noqa: S608 (names of ours)
            connection.exec_driver_sql(words, bound(connection, [*typed[1:], typed[0]], turned))


def remove(connection: Connection, table: Table, key: str, values: Collection[Any]) -> None:
    """Whatever has one of ``values`` as its ``key``."""
    dialect = connection.dialect.name
    for piece in _pieces(sorted(values)):
        connection.execute(table.delete().where(among(dialect, table.c[key])), {"values": asked(dialect, piece)})


def found(
    connection: Connection, columns: Sequence[Column[Any]], key: Column[Any], values: Collection[Any]
) -> Iterator[Any]:
    """Rows of ``columns``, of one table or of two that a foreign key joins, whose ``key`` is one of ``values``."""
    others = [column.table for column in columns if column.table is not key.table]
    dialect = connection.dialect.name
    query = select(*columns).where(among(dialect, key))
    query = query.join_from(key.table, others[0]) if others else query
    for piece in _pieces(sorted(values)):
        yield from connection.execute(query, {"values": asked(dialect, piece)}).all()  # sooner than one by one


def new_ids(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """So many that no row has, nor will get from elsewhere: for whoever writes in this transaction."""
    if connection.dialect.name == "postgresql":
        drawn = "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"
        return list(connection.execute(text(drawn), {"name": table.name, "count": count}).scalars())
    last = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()  # nobody else can write now
    return range(last + 1, last + 1 + count)


def _few(connection: Connection, words: Executable, names: Sequence[str], rows: Rows) -> None:
    if rows:
        connection.execute(words, [dict(zip(names, row, strict=True)) for row in rows])


def _pieces(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(rows), _AT_ONCE):
        yield rows[begin : begin + _AT_ONCE]


def quoted(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def among(dialect: str, key: ColumnElement[Any], name: str = "values") -> ColumnElement[bool]:
    """One parameter, however many values: a list of thousands of them takes longer to write than to look up. `asked`
    makes it."""
    if dialect == "postgresql":
        return key == any_(bindparam(name, type_=ARRAY(key.type)))
    return key.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))


def asked(dialect: str, values: Iterable[Any]) -> Any:
    return list(values) if dialect == "postgresql" else json.dumps(list(values))


def bound(connection: Connection, columns: Sequence[Column[Any]], rows: Rows) -> list[tuple[Any, ...]]:
    """As the driver takes them: column by column, because most columns are to stay as they are."""
    across = list(zip(*rows, strict=True))
    for nr, column in enumerate(columns):
        process = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if process is not None:
            across[nr] = _processed(process, column.type, across[nr])
    return list(zip(*across, strict=True))


def _processed(process: Callable[[Any], Any], kind: TypeEngine[Any], values: Sequence[Any]) -> tuple[Any, ...]:
    if isinstance(kind, JSON):
        return tuple(None if value is None else process(value) for value in values)
    known: dict[Hashable, Any] = {value: None if value is None else process(value) for value in set(values)}
    return tuple(known[value] for value in values)


def _change_from_copy(connection: Connection, table: Table, columns: Sequence[Column[Any]], rows: Rows) -> None:
    types = ", ".join(f"v{nr} {column.type.compile(connection.dialect)}" for nr, column in enumerate(columns))
    connection.execute(text(f"CREATE TEMPORARY TABLE bulk_change ({types}) ON COMMIT DROP"))
    _copy(connection, "bulk_change", columns, rows, names=[f"v{nr}" for nr in range(len(columns))])
    sets = ", ".join(f'"{column.name}" = v{nr}' for nr, column in enumerate(columns[1:], 1))
    words = f'UPDATE "{table.name}" AS t SET {sets} FROM bulk_change WHERE t."{columns[0].name}" = v0'  # noqa: S608
    connection.execute(text(words))
    connection.execute(text("DROP TABLE bulk_change"))


def _copy(
    connection: Connection, name: str, columns: Sequence[Column[Any]], rows: Rows, names: Sequence[str] = ()
) -> None:
    into = quoted(names or [column.name for column in columns])
    words = f"""COPY "{name}" ({into}) FROM STDIN (FORMAT csv, NULL E'\\x02')"""
    blocks = _blocks(rows, columns)
    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.cursor() as cursor, cursor.copy(words) as copy:
            for block in blocks:
                copy.write(block)
    except psycopg.Error as error:  # blamed as every other of the database's
        raise DBAPIError.instance(words, None, error, psycopg.Error, dialect=connection.dialect) from error


def _blocks(rows: Rows, columns: Sequence[Column[Any]]) -> Iterator[str]:
    left = iter(rows)
    while piece := list(islice(left, 1000)):
        across = [_told(column.type, values) for column, values in zip(columns, zip(*piece, strict=True), strict=True)]
        page = io.StringIO()
        csv.writer(page, lineterminator="\n").writerows(zip(*across, strict=True))
        yield page.getvalue()


def _told(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    """A column, as COPY reads it where `csv` would not write that: documents, and what is not there."""
    if isinstance(kind, JSON):
        values = _processed(partial(json.dumps, ensure_ascii=False), kind, values)
    elif isinstance(kind, Instant):  # mostly the same one, which takes longer to write than all else
        values = _processed(str, kind, values)
    return [_NOTHING if value is None else value for value in values] if None in values else values
