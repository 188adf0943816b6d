"""The shape of a backup: a tar that any tool opens, the same for either kind of database.

    NAME.jsonl.gz     a line of JSON for each row of the table NAME: its values in the order of the manifest's columns
    journal.db.gz     the journal, a whole SQLite file
    manifest.json     last, so a file that was cut has none: the rest, with row counts and SHA-256

The hashes are of the content before it was compressed. The manifest has one of its own beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

FORMAT = 1
PRODUCT = "hotline"
MANIFEST, JOURNAL = "manifest.json", "journal.db.gz"
_MOST_MANIFEST = 1024 * 1024


class BadBackup(Exception):
    """The file is broken, cut, foreign or newer than we are. The message is for a person."""


@dataclass(frozen=True, slots=True)
class TablePart:
    """``rows``: how many. ``sha256``: of the lines."""

    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``revision``: Alembic's, of the tables. ``at``: ISO 8601, when it was begun: nothing in it is younger than its
    snapshot. ``journal_sha256``: '' where there was no journal."""

    site: str
    revision: str
    at: str
    tables: Mapping[str, TablePart] = field(default_factory=dict)
    journal_sha256: str = ""

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.tables.values())


def packed(manifest: Manifest) -> bytes:
    body = {"product": PRODUCT, "format": FORMAT, **asdict(manifest)}
    return json.dumps({"manifest": body, "sha256": _hash_of(body)}, ensure_ascii=False, indent=1).encode() + b"\n"


def unpacked(content: bytes) -> Manifest:
    """Raises BadBackup."""
    if len(content) > _MOST_MANIFEST:
        raise BadBackup("its manifest is far too long: this is no backup of hotline's")
    try:
        whole = json.loads(content)
        body, told = dict(whole["manifest"]), whole["sha256"]
    except (ValueError, KeyError, TypeError):
        raise BadBackup("its manifest cannot be read") from None
    if body.get("product") != PRODUCT:
        raise BadBackup("its manifest is another program's: this is no backup of hotline's")
    if body.get("format") != FORMAT:
        raise BadBackup(f"it has format {body.get('format')}, this program knows {FORMAT}: update hotline first")
    if told != _hash_of(body):
        raise BadBackup("its manifest is damaged")
    return _manifest(body)


def _manifest(body: Mapping[str, Any]) -> Manifest:
    try:
        tables = {
            name: TablePart(tuple(part["columns"]), part["rows"], part["sha256"])
            for name, part in body["tables"].items()
        }
        return Manifest(body["site"], body["revision"], body["at"], tables, body["journal_sha256"])
    except (KeyError, TypeError, AttributeError):
        raise BadBackup("its manifest lacks something") from None


def _hash_of(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def member_of(table: str) -> str:
    return f"{table}.jsonl.gz"


def line_of(values: tuple[Any, ...]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=_plain).encode() + b"\n"


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"  # one way to write it, whatever the database adds behind the point
    raise TypeError(f"a {type(value).__name__} has no place in a backup")
