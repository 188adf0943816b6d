"""Asterisk's own call records, read from a file: what they prove of a call, and what they do not. Pure.

Two shapes: the `cdr_custom` file that our own templates write, and the classic `Master.csv` (with `loguniqueid=yes`).
A call has a line for each of its parts (before it was dialled on, each phone that was dialled), all with its Uniqueid.

Their instants are local time, in whatever zone that Asterisk has; but the Uniqueid holds the instant of the call's
beginning in Unix seconds, so the two together tell the zone. `billsec` is no talk time of ours: our dialplan answers
the caller before the menu, and Asterisk counts from there.
"""

from __future__ import annotations

import csv
import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

CUSTOM = (
    "start", "answer", "end", "src", "dst", "context", "channel", "dstchannel", "app", "duration", "billsec",
    "disposition", "uniqueid", "linkedid", "userfield",
)  # fmt: skip
MASTER = (
    "accountcode", "src", "dst", "context", "clid", "channel", "dstchannel", "app", "lastdata", "start", "answer",
    "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield",
)  # fmt: skip
OUR_CONTEXTS = frozenset({"from-trunk", "hotline-call", "alone"})  # customers' calls; not the house's own
_TAIL_S = 1.0  # the dialplan's last steps after a conversation are a line of their own
_ZONE_STEP_S, _SKEW_S = 900, 2
_BORN = re.compile(r"(\d{9,11})\.\d+$")
_PEER = re.compile(r"^PJSIP/([0-9]{2,8})-[0-9a-f]+$")
_NUMBER = re.compile(r"[^0-9+]")


class NoCdr(ValueError):
    """The file is of neither shape. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Part:
    """One line: seconds of Unix time. ``peer``: the extension that was dialled, or ''; ``picked_up``: somebody did.
    ``answered_at``: when, where it was the caller's line that was answered by it; None: it had been answered before."""

    begun_at: float
    ended_at: float
    app: str
    dialled: bool
    peer: str
    picked_up: bool
    answered_at: float | None


@dataclass(frozen=True, slots=True)
class CdrCall:
    """One call of a customer's. ``source``: as our engine or the fail-open script tagged it, or ''."""

    uniqueid: str
    ani: str
    dnis: str
    channel: str
    source: str
    parts: Sequence[Part]

    @property
    def call_id(self) -> str:
        """That of a call which no engine has named: the fail-open script's (`agi_scripts.standalone.fail_open`)."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"hotline:{self.uniqueid}"))

    @property
    def started_at(self) -> float:
        return min(part.begun_at for part in self.parts)

    @property
    def ended_at(self) -> float:
        return max(part.ended_at for part in self.parts)

    @property
    def conversation(self) -> Part | None:
        """The dialling that ended the call by being picked up. One after which the call went on was none: an agent who
        hangs up during the whisper was never joined to the caller."""
        for part in reversed(self.parts):
            if part.dialled:
                return part if part.picked_up and part.ended_at > part.begun_at else None
            if part.ended_at - part.begun_at > _TAIL_S:
                return None
        return None

    @property
    def was_dialled(self) -> bool:
        return any(part.dialled for part in self.parts)


@dataclass(slots=True)
class CdrFile:
    """``calls``: in the order of their first lines. ``strange``: lines that could not be read."""

    calls: dict[str, CdrCall] = field(default_factory=dict)
    lines: int = 0
    strange: int = 0


def read_cdr(lines: Iterable[str]) -> CdrFile:
    """The customers' calls in it. Raises NoCdr when its lines are of neither shape."""
    found = CdrFile()
    for row in _rows(found, lines):
        found.lines += 1
        _take(found, row)
    found.calls = {uniqueid: _in_unix_time(call) for uniqueid, call in found.calls.items()}
    return found


def _take(found: CdrFile, row: list[str]) -> None:
    line = dict(zip(_columns(row, found.lines), row, strict=False))
    if line["context"] not in OUR_CONTEXTS:
        return
    try:
        part = _part(line)
    except ValueError:
        found.strange += 1
        return
    known = found.calls.get(line["uniqueid"])
    if known is None:
        found.calls[line["uniqueid"]] = _call(line, part)
    else:
        parts = sorted([*known.parts, part], key=lambda one: (one.begun_at, one.ended_at))
        found.calls[line["uniqueid"]] = replace(known, parts=parts, source=known.source or line.get("userfield", ""))


def _rows(found: CdrFile, lines: Iterable[str]) -> Iterator[list[str]]:
    reading = csv.reader(line.replace("\0", "").replace("\r", "") for line in lines)
    while True:
        try:
            row = next(reading)
        except StopIteration:
            return
        except csv.Error:
            found.strange += 1
            continue
        if row:
            yield row


def _columns(row: Sequence[str], nr: int) -> Sequence[str]:
    if len(row) == len(CUSTOM):
        return CUSTOM
    if len(row) in (len(MASTER) - 1, len(MASTER)):
        return MASTER
    if len(row) == len(MASTER) - 2:
        raise NoCdr("a Master.csv without Uniqueids: calls cannot be told apart by it; set loguniqueid=yes in cdr.conf")
    raise NoCdr(f"line {nr} has {len(row)} columns, and no file of call records that we know has so many")


def _call(line: Mapping[str, str], part: Part) -> CdrCall:
    ani = _NUMBER.sub("", line["src"])[:32]
    return CdrCall(line["uniqueid"], ani, line["dst"], line["channel"], line.get("userfield", ""), [part])


def _part(line: Mapping[str, str]) -> Part:
    """In local time still. Raises ValueError."""
    begun, born = _local(line["start"]), _BORN.search(line["uniqueid"])
    if begun is None or born is None:
        raise ValueError("a line without its beginning")
    answered = _local(line["answer"])
    dialled, peer = bool(line["dstchannel"]), _PEER.match(line["dstchannel"])
    return Part(
        begun_at=begun,
        ended_at=begun + max(0.0, float(line["duration"])),
        app=line["app"],
        dialled=dialled,
        peer=peer[1] if peer is not None else "",
        picked_up=dialled and line["disposition"] == "ANSWERED",
        answered_at=answered if answered is not None and answered > begun else None,
    )


def _local(text: str) -> float | None:
    """As if it were UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() if text else None


def _in_unix_time(call: CdrCall) -> CdrCall:
    """Its first part begins when its channel is made, or a little later; so of all zones it is the one that puts it
    soonest behind that."""
    born = _BORN.search(call.uniqueid)
    late = call.started_at - float(born[1] if born is not None else 0)
    zone_s = math.floor((late + _SKEW_S) / _ZONE_STEP_S) * _ZONE_STEP_S
    return replace(call, parts=[_moved(part, zone_s) for part in call.parts])


def _moved(part: Part, zone_s: float) -> Part:
    answered_at = None if part.answered_at is None else part.answered_at - zone_s
    return replace(part, begun_at=part.begun_at - zone_s, ended_at=part.ended_at - zone_s, answered_at=answered_at)
