"""Everything that we have of a person, in one file for them: a .zip with a JSON of all rows, entries and lines, and the
sound files."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from crm_bridge.journal import Journal
from crm_bridge.persons import journal_lines
from crm_bridge.persons.identity import person_of
from crm_bridge.persons.rows import told as rows_told
from crm_bridge.store import CrmStore
from hotline.persons import files
from hotline.persons.erasing import sounds_of
from hotline.settings import SiteFolders


async def export(
    folders: SiteFolders, store: CrmStore, journal: Journal | None, number: str, out: Path, at: datetime
) -> Mapping[str, int]:
    """What is in it: how many of what. Raises StoreAway, JournalError, OSError."""
    person = await person_of(number, store, journal)
    rows = await store.read(partial(rows_told, person=person))
    entries = await journal_lines.told(journal, person) if journal is not None else []
    sounds = files.sound_files(folders, person, await sounds_of(store, journal, person))
    lines = files.lines_of(folders, person)
    told = {
        "made_at": at.isoformat(),
        "numbers": sorted(person.numbers),
        "names": sorted(person.names),
        "crm": rows,
        "journal": entries,
        "lines": lines,
        "sounds": [path.name for path in sounds],
    }
    _write(out, json.dumps(told, ensure_ascii=False, indent=1, default=_plain), sounds)
    return {
        "rows": sum(map(len, rows.values())),
        "entries": len(entries),
        "lines": sum(map(len, lines.values())),
        "sounds": len(sounds),
    }


def _write(out: Path, told: str, sounds: Sequence[Path]) -> None:
    """Whole or not at all, and nobody else's to read."""
    beside = out.with_name(f".{out.name}.new")
    beside.unlink(missing_ok=True)
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("person.json", told)
                for path in sounds:
                    archive.write(path, f"sounds/{path.name}")
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    raise TypeError(f"a {type(value).__name__} has no place in JSON")
