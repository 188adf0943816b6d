"""The world of a tried call: the site's own, on the virtual clock, and what the flow asked of it is noted."""

from __future__ import annotations

from hotline.site.site import Site
from hotline.trying.clock import VirtualClock
from hotline.trying.happening import CallLog, Kind
from hotline.trying.noted import noted
from ivr.flow.interpreter import SiteWorld
from ivr.flow.outside import Outside


class TriedWorld(SiteWorld):
    """Lines that are closed by hand count as the week has them: the call may be tried for another day."""

    def __init__(self, site: Site, clock: VirtualClock, log: CallLog, outside: Outside) -> None:
        super().__init__(site.hours, clock, outside=noted(outside, log))
        self._log = log

    def is_open(self, line: str) -> bool:
        found = super().is_open(line)
        self._log.note(Kind.LINE, line=line, open=found)
        return found

    def is_holiday(self, line: str) -> bool:
        found = super().is_holiday(line)
        self._log.note(Kind.HOLIDAY, line=line, holiday=found)
        return found
