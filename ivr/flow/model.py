"""The call flow as the site writes it (`flows/<name>.yaml`): named nodes, a start, a default way, limits.

A flow that has this shape may still make no sense; `ivr.flow.check` finds that. Only checked flows are
walked.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ivr.flow.nodes.form import Form, Name
from ivr.flow.nodes.hangup import HangUpNode
from ivr.flow.nodes.hours import HoursNode
from ivr.flow.nodes.menu import MenuNode
from ivr.flow.nodes.play import PlayNode
from ivr.flow.nodes.queue import QueueNode

Node = Annotated[PlayNode | MenuNode | HoursNode | QueueNode | HangUpNode, Field(discriminator="kind")]


class FlowLimits(Form):
    """Nobody lives in a menu. ``steps`` nodes and ``seconds`` for each walk (the waits in queues do not
    count); ``queues``: how many queues in a row one call may be sent to."""

    steps: Annotated[int, Field(ge=5, le=1000)] = 60
    seconds: Annotated[float, Field(ge=10, le=3600)] = 300.0
    queues: Annotated[int, Field(ge=1, le=100)] = 10


class Flow(Form):
    """``name`` is the file's, not written in it. ``default_way``: the queue or hangup node where a call
    goes that has used up the walk's steps or time."""

    name: Name
    start: Name
    default_way: Name
    nodes: Annotated[dict[Name, Node], Field(min_length=1, max_length=1000)]
    limits: FlowLimits = FlowLimits()
