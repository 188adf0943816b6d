"""A conversation that goes on: between a caller and one agent, and where the caller goes when the agent passes them on.

The caller's own coroutine stays the owner of the call to its end. Whoever acts on the agent's leg (`leg_desk.py`), or
beside it (`supervising.py`), only leaves word here; when the leg ends, the caller's coroutine looks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agi_scripts.record import CallRecord


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a caller may be passed on to: one of these. ``outside``: a name in the site's list."""

    agent: str = ""
    queue: str = ""
    outside: str = ""


@dataclass(eq=False, slots=True)
class Consultation:
    """The agent has somebody on the line about the caller, who hears music. ``channel`` is set when the one who was
    asked is left alone by the agent: they want to have the caller."""

    asked: Destination
    channel: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(frozen=True, slots=True)
class Handover:
    """``by``: the extension of who passed the caller on, to whom the call goes back if nobody takes it.
    ``consultation``: they have been asked, and may be there already."""

    to: Destination
    by: str
    consultation: Consultation | None = None


@dataclass(eq=False, slots=True)
class Talk:
    """``extension``: the agent's. ``channel``: the agent's leg, as soon as it is known."""

    record: CallRecord
    extension: str
    channel: str = ""
    handover: Handover | None = None
    consultation: Consultation | None = None  # while it lasts

    def handed_over(self) -> Handover | None:
        """The agent's leg has ended: was it to pass the caller on? One who hangs up in a consultation hands over."""
        if self.handover is None and self.consultation is not None:
            return Handover(self.consultation.asked, self.extension, self.consultation)
        return self.handover
