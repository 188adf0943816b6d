"""Who is to be erased: written down before anything is touched, so that what has to wait, or was cut short, is done by
the engine as soon as it can be."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hotline.settings import SiteFolders
from hotline.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Wish:
    """``numbers``: as `known_as` tells them, all that we know to be theirs; none where they are forgotten and only the
    journal's file is to be written anew. ``by``, ``at`` (ISO 8601): who wanted it, and when."""

    numbers: tuple[str, ...]
    by: str
    at: str


def write_down(folders: SiteFolders, wish: Wish) -> None:
    """Once for a person. Raises OSError."""
    folders.wishes.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, known in open_wishes(folders):
        if _are_one(known, wish):
            write_whole(path, _text(replace(known, numbers=tuple(sorted({*known.numbers, *wish.numbers})))))
            return
    write_whole(folders.wishes / f"erase-{secrets.token_hex(8)}.json", _text(wish))


def granted(folders: SiteFolders, wish: Wish) -> None:
    for path, known in open_wishes(folders):
        if _are_one(known, wish):
            path.unlink(missing_ok=True)


def open_wishes(folders: SiteFolders) -> Iterator[tuple[Path, Wish]]:
    for path in sorted(folders.wishes.glob("erase-*.json")) if folders.wishes.is_dir() else ():
        try:
            told = json.loads(path.read_text("utf-8"))
            yield path, Wish(tuple(map(str, told["numbers"])), str(told["by"]), str(told["at"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # another one is writing or has just done it


def _are_one(known: Wish, wish: Wish) -> bool:
    return known.numbers == wish.numbers or not {*known.numbers}.isdisjoint(wish.numbers)


def _text(wish: Wish) -> str:
    return json.dumps(asdict(wish)) + "\n"
