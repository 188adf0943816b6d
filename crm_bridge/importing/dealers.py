"""Dealers of a file. A PIN is hashed before anything is written, in threads, because a hash is slow by nature; one that
the store has already is not hashed anew, so the same file again changes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.importing import values
from crm_bridge.importing.against import Target, compare, once
from crm_bridge.importing.column import Column, Sheet
from crm_bridge.importing.house import House
from crm_bridge.importing.plan import Plan
from crm_bridge.importing.problem import Problems
from crm_bridge.leads import ACTIVE
from crm_bridge.models import dealers
from crm_bridge.pins import hash_for

STAGES = ("prospect", "contacted", "visited", "contract", ACTIVE, "left")
NOTICE = "stock_notice_"
_SAID = ("name", "region", "owner", "tier", "phone", "stage")
_TARGET = Target(dealers, "code", (*_SAID, "pin_hash", "stock_notices"), ("", "", "", "", "", ACTIVE, "", None))


def columns(house: House) -> Sequence[Column]:
    return (
        Column("code", values.key, "the dealer's code, as they type it", required=True),
        Column("name", values.label(120), "as they are called", required=True),
        Column("region", house.region, "of crm_rules.yaml: leads from there are theirs", required=True),
        Column("owner", house.agent, "the extension of the agent who looks after them"),
        Column("tier", values.word, "a word of your own"),
        Column("phone", values.phone(house.country), "their phone"),
        Column("stage", values.status(*STAGES), f"{', '.join(STAGES)}; {ACTIVE} if it is left out"),
        Column("pin", values.pin, "4 to 12 digits; only its hash is kept"),
        *(Column(f"{NOTICE}{code}", values.label(500), "what they hear of the stock") for code in sorted(house.codes)),
    )


def hashes(known: Mapping[str, str], sheet: Sheet) -> Mapping[str, str]:
    """Code → the hash of each PIN in the file; ``known``: those of the store. Takes some 20 ms of a core for each."""
    pins = {code: pin for _, code, pin in sheet.rows("code", "pin") if pin is not None}
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="pins") as threads:
        found = threads.map(lambda code: hash_for(pins[code], known.get(code, "")), pins)
        return dict(zip(pins, found, strict=True))


def known_hashes(connection: Connection, sheet: Sheet) -> Mapping[str, str]:
    codes = {code for _, code in sheet.rows("code")}
    return {
        row[0]: row[1] for row in bulk.found(connection, (dealers.c.code, dealers.c.pin_hash), dealers.c.code, codes)
    }


def plan(
    connection: Connection, sheet: Sheet, house: House, problems: Problems, pins: Mapping[str, str] | None = None
) -> Plan:
    """``pins``: what `hashes` has made."""
    notices = [name for name in sheet.cells if name.startswith(NOTICE)]
    rows = sheet.rows("code", *_SAID, *notices)
    once(rows, "code", "dealer {}", problems)
    known = _TARGET.known(connection, {row[1]: None for row in rows})
    said = {}
    for _, code, *row in rows:
        heard = dict(zip(notices, row[len(_SAID) :], strict=True))
        held = known[code][-1] if code in known else None
        said[code] = (*row[: len(_SAID)], (pins or {}).get(code), _notices(heard, held))
    compared = compare(connection, _TARGET, said, known)
    return compared.plan


def _notices(heard: Mapping[str, str | None], held: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Those of languages that the file leaves empty stay."""
    new = {name.removeprefix(NOTICE): text for name, text in heard.items() if text is not None}
    return {**(held or {}), **new} if new else None
