"""hangup: the end of the call, with the word for its record."""

from __future__ import annotations

from typing import Literal

from ivr.flow.leave import HangUp, HangUpOutcome, Step
from ivr.flow.nodes.form import NodeForm
from ivr.flow.visit import Visit


class HangUpNode(NodeForm):
    kind: Literal["hangup"]
    outcome: HangUpOutcome = "self_served"

    async def run(self, visit: Visit) -> Step:
        return HangUp(self.outcome)
