"""Who was erased, told in a way that names nobody: so that a backup of before does not bring them back.

A line for each number: an HMAC of it under a key of the site's own. Whoever has the file and not the key learns
nothing; whoever has both can ask "this number?" and cannot read any.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hotline.settings import SiteFolders
from hotline.whole_file import write_whole
from ivr.on_disk import append_lines


@dataclass(frozen=True, slots=True)
class Ledger:
    """``digests``: of the numbers that were erased after a moment."""

    key: bytes
    digests: frozenset[str]

    def has(self, number: str) -> bool:
        return bool(self.digests) and _digest(self.key, number) in self.digests


def note(folders: SiteFolders, numbers: Iterable[str], at: datetime, by: str) -> None:
    """Raises OSError."""
    key = _key(folders)
    rows = [{"at": at.isoformat(), "by": by, "digest": _digest(key, number)} for number in sorted(numbers)]
    append_lines(folders.erasures, rows)


def since(folders: SiteFolders, at: datetime) -> Ledger:
    """Raises OSError, and ValueError when the file is damaged."""
    if not folders.erasures.exists():
        return Ledger(b"", frozenset())
    rows = [json.loads(line) for line in folders.erasures.read_text("utf-8").splitlines() if line.strip()]
    found = {str(row["digest"]) for row in rows if datetime.fromisoformat(row["at"]) >= at}
    return Ledger(_key(folders), frozenset(found))


def _key(folders: SiteFolders) -> bytes:
    if not folders.erasures_key.exists():
        folders.var.mkdir(mode=0o700, exist_ok=True)
        write_whole(folders.erasures_key, secrets.token_hex(32) + "\n")
    return bytes.fromhex(folders.erasures_key.read_text("ascii").strip())


def _digest(key: bytes, number: str) -> str:
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()
