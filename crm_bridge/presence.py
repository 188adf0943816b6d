"""Where presence survives a restart: a table in the journal's file. Implements the ACD's PresenceBook."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from acd.model import Presence
from crm_bridge.entry import OUTCOME
from crm_bridge.journal import Journal
from crm_bridge.outcome import Outcome

_SAVE = """
INSERT INTO presence (extension, presence, reason, at) VALUES (?, ?, ?, ?)
ON CONFLICT (extension) DO UPDATE SET presence = excluded.presence, reason = excluded.reason, at =
excluded.at
"""


# Newest last. Not the whole journal: what lies further back is no wrap-up any more.
_CONVERSATIONS = f"""
SELECT json_extract(fields, '$.agent'), json_extract(fields, '$.queue'), json_extract(fields, '$.ended_at') FROM entries
WHERE kind = '{OUTCOME}' AND at > ? AND seq > (SELECT coalesce(max(seq), 0) FROM entries) - 100000
AND json_extract(fields, '$.outcome') = '{Outcome.ANSWERED.value}' AND json_extract(fields, '$.agent') <> ''
ORDER BY seq
"""  # noqa: S608


async def last_conversations(journal: Journal, since: float) -> Mapping[str, tuple[str, float]]:
    """Extension → (queue, end in Unix s) of the agent's last conversation, where that ended after ``since``."""
    rows = await journal.read(_CONVERSATIONS, since)
    return {agent: (queue, ended_at) for agent, queue, ended_at in rows}


class JournalPresenceBook:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def load(self) -> Mapping[str, tuple[Presence, str]]:
        """Extension → (presence, pause reason). A word this version does not know reads as logged out."""
        rows = await self._journal.read("SELECT extension, presence, reason FROM presence")
        return {extension: (_known(word), reason) for extension, word, reason in rows}

    async def save(self, extension: str, presence: Presence, reason: str, at: float) -> None:
        """Durable when it returns. The order of the calls decides, not ``at`` (Unix s): a clock may be set
        back. Raises JournalUnwritable; it is not tried again here, for the ACD's clerk saves the latest then."""
        row = (extension, presence.value, reason.replace("\0", "")[:200], at)

        def upsert(connection: sqlite3.Connection) -> None:
            connection.execute(_SAVE, row)

        await self._journal.write(upsert, keep=False)


def _known(word: str) -> Presence:
    try:
        return Presence(word)
    except ValueError:
        return Presence.LOGGED_OUT
