"""Opens a backup and proves it, before anything else is done with it."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from crm_bridge.backup.form import JOURNAL, MANIFEST, BadBackup, Manifest, TablePart, member_of, unpacked
from crm_bridge.migrating import known_revisions

_PIECE = 1 << 20
_BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Archive:
    """An open backup. Use `open_backup`."""

    manifest: Manifest
    _tar: tarfile.TarFile

    def rows(self, table: str) -> Iterator[list[Any]]:
        """Each row's values, in the order of the manifest's columns. Raises BadBackup."""
        with _telling(f"the table {table}"), self._content(member_of(table)) as lines:
            for line in lines:
                yield json.loads(line)

    def copy_journal(self, out: IO[bytes]) -> None:
        """Raises BadBackup."""
        with _telling("the journal"), self._content(JOURNAL) as content:
            while piece := content.read(_PIECE):
                out.write(piece)

    def verify(self) -> None:
        """Every row and every byte is as it was written, and we know its tables. Raises BadBackup."""
        self._refuse_strange_members()
        if self.manifest.revision not in known_revisions():
            raise BadBackup(f"its tables have revision {self.manifest.revision}, which is newer: update hotline first")
        for name, part in self.manifest.tables.items():
            self._verify_table(name, part)
        if self.manifest.journal_sha256:
            self._verify_journal()

    def _refuse_strange_members(self) -> None:
        names = self._tar.getnames()
        journal = [JOURNAL] if self.manifest.journal_sha256 else []
        if sorted(names) != sorted([MANIFEST, *journal, *map(member_of, self.manifest.tables)]):
            raise BadBackup("it does not hold what its manifest names")

    def _verify_table(self, name: str, part: TablePart) -> None:
        rows, seen = 0, hashlib.sha256()
        with _telling(f"the table {name}"), self._content(member_of(name)) as lines:
            for line in lines:
                seen.update(line)
                rows += 1
        if (rows, seen.hexdigest()) != (part.rows, part.sha256):
            raise BadBackup(f"the table {name} is not what was written ({rows} rows of {part.rows})")

    def _verify_journal(self) -> None:
        seen = hashlib.sha256()
        with _telling("the journal"), self._content(JOURNAL) as content:
            while piece := content.read(_PIECE):
                seen.update(piece)
        if seen.hexdigest() != self.manifest.journal_sha256:
            raise BadBackup("the journal in it is not what was written")

    @contextmanager
    def _content(self, name: str) -> Iterator[gzip.GzipFile]:
        member = self._tar.extractfile(name)
        if member is None:
            raise BadBackup(f"{name} in it is no file")
        with member, gzip.GzipFile(fileobj=member) as content:
            yield content


@contextmanager
def open_backup(file: Path) -> Iterator[Archive]:
    """Raises BadBackup when it is none, and OSError when the file cannot be read at all."""
    with file.open("rb") as stream:
        try:
            tar = tarfile.open(fileobj=stream, mode="r:")  # noqa: SIM115 (closed below)
            content = tar.extractfile(MANIFEST)
        except KeyError:
            raise BadBackup("it has no manifest: it was cut, or is no backup of hotline's") from None
        except _BROKEN as error:
            raise BadBackup(f"it is cut, or no backup of hotline's: {error}") from None
        if content is None:
            raise BadBackup("its manifest is no file")
        with tar:
            with _telling("its manifest"):
                manifest = unpacked(content.read(_PIECE + 1))
            yield Archive(manifest, tar)


@contextmanager
def _telling(what: str) -> Iterator[None]:
    try:
        yield
    except (*_BROKEN, KeyError, ValueError) as error:
        raise BadBackup(f"{what} cannot be read: {error}") from error


def verified(file: Path) -> Manifest:
    """Raises BadBackup, OSError."""
    with open_backup(file) as archive:
        archive.verify()
        return archive.manifest
