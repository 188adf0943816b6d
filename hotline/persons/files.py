"""A person in the files of a site: what they have said, what was sent to them, and lines of logs with their number.

What is somebody's own file goes. Lines in files that others write to are blotted out in place, byte for byte as long as
before: whoever appends goes on at the end of the same file, and whoever puts it by finds it whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from crm_bridge.persons.identity import Person
from hotline.log_files import log_files
from hotline.settings import SiteFolders

Change = Callable[[bytes], bytes]


def sound_files(folders: SiteFolders, person: Person, names: set[str]) -> list[Path]:
    """Conversations and messages of their calls. ``names``: of files that the CRM or the journal knows as theirs."""
    found = []
    for folder in (folders.conversations, folders.voicemail):
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            call_id = path.name.split("_", 1)[0].removesuffix(path.suffix)
            if path.is_file() and (call_id in person.calls or path.stem in names or path.name in names):
                found.append(path)
    return found


def lines_of(folders: SiteFolders, person: Person) -> dict[str, list[str]]:
    """File (from `var` on) → its lines that are theirs."""
    found = {}
    for path, _ in _written_to(folders, person):
        lines = [line for line in _lines(path) if _is_theirs(path, line, person, folders)]
        if lines:
            found[str(path.relative_to(folders.var))] = lines
    return found


def blot(folders: SiteFolders, person: Person) -> int:
    """How many lines were changed. Raises OSError."""
    return sum(blot_file(path, change) for path, change in _written_to(folders, person))


def _written_to(folders: SiteFolders, person: Person) -> Iterator[tuple[Path, Change]]:
    """Files of lines, and what is to become of a line."""
    for path in log_files(folders):
        yield path, lambda line: _blotted_line(line, person)
    for path in sorted(folders.events.glob("*.jsonl")):
        yield path, lambda line: _event(line, person)
    for path in sorted(folders.outbox.parent.glob("*.jsonl*")):
        yield path, lambda line: _text_message(line, person)
    if folders.dropped.exists():
        yield folders.dropped, lambda line: _dropped(line, person)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        yield from (line.rstrip("\n") for line in lines)


def _is_theirs(path: Path, line: str, person: Person, folders: SiteFolders) -> bool:
    if person.spellings.found_in(line):
        return True
    return path.parent in (folders.events, folders.var) and any(call_id in line for call_id in _named(line, person))


def _named(line: str, person: Person) -> set[str]:
    told = _object(line.encode())
    return {str(told.get(word, "")) for word in ("call", "call_id")} & person.calls


# --- one line


def _blotted_line(line: bytes, person: Person) -> bytes:
    """In a line with their number, their name goes, too."""
    blotted = person.spellings.blotted_bytes(line)
    if blotted == line:
        return line
    for name in sorted(person.names, key=len, reverse=True):
        blotted = blotted.replace(name.encode(), b"*" * len(name.encode()))
    return blotted


def _event(line: bytes, person: Person) -> bytes:
    """The ACD's: what a caller's keys had said."""
    told = _object(line)
    if told.get("call") in person.calls and isinstance(told.get("fields"), dict) and told["fields"].get("attributes"):
        line = _padded({**told, "fields": {**told["fields"], "attributes": {}}}, line)
    return _blotted_line(line, person)


def _text_message(line: bytes, person: Person) -> bytes:
    told = _object(line)
    if person.spellings.found_in(str(told.get("to", ""))) or told.get("call_id") in person.calls:
        line = _padded({**told, "to": "", "text": ""}, line)
    return _blotted_line(line, person)


def _dropped(line: bytes, person: Person) -> bytes:
    told = _object(line)
    if told.get("call_id") in person.calls:
        line = _padded({**told, "fields": {}, "reason": ""}, line)
    return _blotted_line(line, person)


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _padded(told: Mapping[str, Any], line: bytes) -> bytes:
    """As long as before: JSON does not mind spaces at its end."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return text.ljust(len(line) - 1) + b"\n" if len(text) < len(line) else line


# --- in place


def blot_file(path: Path, change: Change) -> int:
    """``change``: of each line that has its end, into one as long. A torn line, which somebody may be writing, is left
    for another time."""
    count = 0
    try:
        stream = path.open("r+b")
    except FileNotFoundError:  # put by a moment ago: it is there under its other name
        return 0
    with stream:
        at = 0
        while line := stream.readline():
            changed = change(line) if line.endswith(b"\n") else line
            if len(changed) != len(line):
                raise ValueError(f"{path.name}: a line is to keep its length")
            if changed != line:
                os.pwrite(stream.fileno(), changed, at)
                count += 1
            at += len(line)
        if count:
            os.fsync(stream.fileno())
    return count


# --- what the fail-open script has written


def spool_files(folders: SiteFolders) -> Iterator[Path]:
    """Also those that could not be understood."""
    for folder in (folders.spool, folders.spool / "bad"):
        yield from sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else ()


def has_number(path: Path, person: Person) -> bool:
    try:
        return person.spellings.byte_pattern.search(path.read_bytes()) is not None
    except FileNotFoundError:
        return False


def waits_in_spool(folders: SiteFolders, person: Person) -> bool:
    """A call of theirs is told of there, and nobody has taken it in yet."""
    return any(path.parent == folders.spool and has_number(path, person) for path in spool_files(folders))


def remove_bad(folders: SiteFolders, person: Person) -> int:
    """Files that could not be understood and have their number in them: whole, for nobody knows what else is there."""
    found = [path for path in spool_files(folders) if path.parent != folders.spool and has_number(path, person)]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
