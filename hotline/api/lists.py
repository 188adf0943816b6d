"""The work lists by their names: what is to be done. A new list is one line here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from crm_bridge.store import CrmStore
from crm_bridge.work_lists import open_tasks, survey_answers

# Rows are dataclasses, the most pressing first, at most so many; the instant is now. Raises StoreAway.
ListOf = Callable[[CrmStore, datetime, int], Awaitable[Sequence[Any]]]

LISTS: Mapping[str, ListOf] = {
    "voicemails": lambda store, _, limit: open_tasks(store, "voicemail", limit),
    "callbacks": lambda store, _, limit: open_tasks(store, "callback", limit),
    "surveys": lambda store, _, limit: survey_answers(store, limit),
}
