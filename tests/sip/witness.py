"""What was written down about a call: its row in the CRM store and its entries in the journal, by the caller's number.

Each test's callers have numbers of their own, so a site that many tests share still has one row for each.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crm_bridge.reports import CallRow
from crm_bridge.reports import calls as stored_calls
from crm_bridge.store import CrmStore
from tests.sip.live_site import LiveSite

_numbers = itertools.count(13_800_000_000)
_LOOK_S = 0.05
_CDR = (
    "start", "answer", "end", "src", "dst", "context", "channel", "dstchannel", "app", "duration", "billsec",
    "disposition", "uniqueid", "linkedid", "userfield",
)  # fmt: skip


def new_ani() -> str:
    """A mobile number of mainland China that no caller has had yet."""
    return str(next(_numbers))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the journal. ``at``: Unix seconds."""

    call_id: str
    kind: str
    at: float
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Witness:
    live: LiveSite

    async def rows(self) -> list[CallRow]:
        """Newest first, as `hotline calls --json` has them; straight from the store, which is quicker."""
        store = CrmStore(self.live.folders.crm_url, region=self.live.site.country)
        try:
            return await stored_calls(store, 1000)
        finally:
            await store.close()

    async def row(self, ani: str, timeout_s: float = 10.0) -> CallRow:
        """The one row of this caller, as soon as it has its outcome."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = [row for row in await self.rows() if row.ani == ani]
            if found and all(row.outcome for row in found):
                (row,) = found
                return row
            assert time.monotonic() < deadline, f"no outcome of {ani} after {timeout_s} s: {found}"
            await asyncio.sleep(_LOOK_S)

    def entries(self, ani: str) -> list[Entry]:
        """Everything the journal has of this caller's calls, in its order."""
        entries = self._all_entries()
        ids = {e.call_id for e in entries if e.kind == "call_started" and e.fields["ani"] == ani}
        return [entry for entry in entries if entry.call_id in ids]

    def story(self, ani: str) -> list[str]:
        """The call in words, one for each entry: "call_started", "node:sales", "offered:1003", "offer_missed:1003"."""
        return [_word(entry) for entry in self.entries(ani)]

    def nodes(self, ani: str) -> list[str]:
        return [word.removeprefix("node:") for word in self.story(ani) if word.startswith("node:")]

    def offers(self, ani: str) -> list[str]:
        """The agents to whom this caller was offered, in order."""
        return [entry.fields["agent"] for entry in self.entries(ani) if entry.kind == "offered"]

    def offered(self) -> list[Entry]:
        """Every offer to an agent, whoever called, in order."""
        return [entry for entry in self._all_entries() if entry.kind == "offered"]

    async def until_noted(self, ani: str, word: str, timeout_s: float = 10.0) -> list[str]:
        """The story, as soon as ``word`` is in it. Where a caller is can be known in no other way."""
        return await self.until(lambda: self.story(ani), lambda story: word in story, timeout_s)

    def cdr(self, uniqueid: str) -> dict[str, str]:
        """The last line of Asterisk's own record with this channel."""
        (path,) = self.live.folders.var.rglob("calls.csv")
        rows = csv.DictReader(path.read_text("utf-8").splitlines(), fieldnames=_CDR)
        return [row for row in rows if row["uniqueid"] == uniqueid][-1]

    def first_source(self, customer: int | None) -> tuple[str, str]:
        """Source and campaign that the customer keeps."""
        with sqlite3.connect(f"file:{self.live.folders.var / 'crm.db'}?mode=ro", uri=True) as connection:
            query = "SELECT first_source, first_campaign FROM customers WHERE id = ?"
            (row,) = connection.execute(query, (customer,))
        return row[0], row[1]

    async def agent(self, extension: str) -> dict[str, Any]:
        """The agent as `hotline agents` shows them."""
        views = (await self.live.ask("agents"))["agents"]
        found: dict[str, Any] = next(view for view in views if view["extension"] == extension)
        return found

    async def until_agent(self, extension: str, timeout_s: float = 10.0, **wanted: object) -> dict[str, Any]:
        """The agent's view, as soon as it has all these values; of several in a tuple, any."""
        deadline = time.monotonic() + timeout_s
        while True:
            view = await self.agent(extension)
            if all(view[key] in (value if isinstance(value, tuple) else (value,)) for key, value in wanted.items()):
                return view
            assert time.monotonic() < deadline, f"{extension} is not {wanted} after {timeout_s} s: {view}"
            await asyncio.sleep(_LOOK_S)

    @staticmethod
    async def until(look: Callable[[], Any], true: Callable[[Any], bool], timeout_s: float = 10.0) -> Any:
        """What ``look`` sees, as soon as it is ``true``."""
        deadline = time.monotonic() + timeout_s
        while not true(seen := look()):
            assert time.monotonic() < deadline, f"not within {timeout_s} s; seen {seen}"
            await asyncio.sleep(_LOOK_S)
        return seen

    def _all_entries(self) -> list[Entry]:
        with sqlite3.connect(f"file:{self.live.folders.journal}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT call_id, kind, at, fields FROM entries ORDER BY seq").fetchall()
        return [Entry(call_id, kind, at, json.loads(fields)) for call_id, kind, at, fields in rows]


def _word(entry: Entry) -> str:
    for field in ("name", "agent", "language", "queue", "outcome"):
        if entry.kind != "outcome" and field in entry.fields and entry.kind != "call_started":
            return f"{entry.kind}:{entry.fields[field]}"
    return entry.kind
