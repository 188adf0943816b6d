"""A file as a heading and rows of text: which characters it is written in, what stands between its cells, which line is
which. What the cells mean is not known here."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Unreadable(Exception):
    """It is no table at all; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """``lines``: of each row, the line of the file on which it begins. A row that is empty is left out."""

    encoding: str
    delimiter: str
    heading: Sequence[str]
    heading_line: int
    lines: Sequence[int]
    rows: Sequence[Sequence[str]]


def read_table(data: bytes, *, encoding: str = "auto", delimiter: str = "auto") -> Table:
    """Raises Unreadable."""
    text, found = _decoded(data, encoding)
    between = _delimiter(text, delimiter)
    lines, rows = _rows(text, between)
    if not rows:
        raise Unreadable("there is nothing in it: the first row is to name the columns")
    return Table(found, between, [cell.strip() for cell in rows[0]], lines[0], lines[1:], rows[1:])


def _decoded(data: bytes, encoding: str) -> tuple[str, str]:
    if encoding != "auto":
        return _as(data, encoding), encoding
    for bom, name in _BOMS:
        if data.startswith(bom):
            return _as(data, name), name.removesuffix("-sig")
    if name := _wide(data):
        return _as(data, name), name
    for name in ("utf-8", "gb18030"):
        try:
            return data.decode(name), name
        except UnicodeDecodeError:
            continue
    raise Unreadable("it is neither UTF-8 nor GB18030 nor UTF-16: name its --encoding, or save it as UTF-8")


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every other byte of the heading's Latin letters is zero."""
    head = data[:200]
    if len(head) < 4 or len(data) % 2:
        return ""
    if head[1::2].count(0) > len(head) / 4:
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > len(head) / 4 else ""


def _as(data: bytes, encoding: str) -> str:
    try:
        return str(data.decode(encoding)).removeprefix("\ufeff")
    except LookupError:
        raise Unreadable(f"there is no encoding '{encoding}': utf-8, gb18030, utf-16, …") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unreadable(f"line {line} is not {encoding}: name another --encoding, or save it as UTF-8") from None


def _delimiter(text: str, wanted: str) -> str:
    """What there is most of in the heading, which has no quoted commas as names and addresses have."""
    if wanted != "auto":
        found = DELIMITERS.get(wanted, wanted)
        if len(found) != 1 or found in '"\r\n':
            raise Unreadable(f"the delimiter is one character, or {', '.join(DELIMITERS)}")
        return found
    first = next((line for line in text.split("\n") if line.strip()), "")
    return max(DELIMITERS.values(), key=first.count)


def _rows(text: str, delimiter: str) -> tuple[list[int], list[list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, rows, before = [], [], 0
    try:
        for row in reader:
            if any(row) and any(cell.strip() for cell in row):
                lines.append(before + 1)
                rows.append(row)
            before = reader.line_num
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {_advice(error)}") from None
    return lines, rows


def _advice(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a cell has more than {csv.field_size_limit()} characters: is a quote missing that ends it?"
    if "unexpected end" in str(error):
        return "the file ends within it: a quote is missing that ends a cell"
    return f"{error}: a quote within a quoted cell is written twice"
