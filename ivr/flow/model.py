"""The call flow as the site writes it (`flows/<name>.yaml`): named nodes, a start, a default way, limits.

A flow that has this shape may still make no sense; `ivr.flow.check` finds that. Only checked flows are
walked.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ivr.flow.nodes.agent import AgentNode
from ivr.flow.nodes.branch import BranchNode
from ivr.flow.nodes.callback import CallbackNode
from ivr.flow.nodes.form import Form, Name
from ivr.flow.nodes.gather import GatherNode
from ivr.flow.nodes.hangup import HangUpNode
from ivr.flow.nodes.hours import HoursNode
from ivr.flow.nodes.lookup import LookupNode
from ivr.flow.nodes.menu import MenuNode
from ivr.flow.nodes.play import PlayNode
from ivr.flow.nodes.queue import QueueNode
from ivr.flow.nodes.saying import SayNode
from ivr.flow.nodes.script import ScriptNode
from ivr.flow.nodes.setting import NewName, SetNode
from ivr.flow.nodes.sms import SmsNode
from ivr.flow.nodes.subflow import FlowNode, ReturnNode
from ivr.flow.nodes.survey import SurveyNode
from ivr.flow.nodes.transfer import TransferNode
from ivr.flow.nodes.voicemail import VoicemailNode

Node = Annotated[
    PlayNode
    | SayNode
    | MenuNode
    | GatherNode
    | HoursNode
    | BranchNode
    | SetNode
    | LookupNode
    | FlowNode
    | ReturnNode
    | QueueNode
    | AgentNode
    | TransferNode
    | VoicemailNode
    | CallbackNode
    | SurveyNode
    | SmsNode
    | ScriptNode
    | HangUpNode,
    Field(discriminator="kind"),
]


class FlowLimits(Form):
    """Nobody lives in a menu. ``steps`` nodes and ``seconds`` for each walk (the waits in queues do not
    count); ``queues``: how many queues in a row one call may be sent to."""

    steps: Annotated[int, Field(ge=5, le=1000)] = 60
    seconds: Annotated[float, Field(ge=10, le=3600)] = 300.0
    queues: Annotated[int, Field(ge=1, le=100)] = 10


class Flow(Form):
    """``name`` is the file's, not written in it. ``default_way``: the queue or hangup node where a call
    goes that has used up the walk's steps or time; a sub-flow has none, and needs none: the outermost flow's way and
    limits are meant. ``parameters``: the values that a sub-flow must be given."""

    name: Name
    start: Name
    default_way: Name | None = None
    parameters: Annotated[tuple[NewName, ...], Field(max_length=20, strict=False)] = ()
    nodes: Annotated[dict[Name, Node], Field(min_length=1, max_length=1000)]
    limits: FlowLimits = FlowLimits()

    @property
    def returns(self) -> frozenset[str]:
        """The results that it may come back with."""
        return frozenset(node.result for node in self.nodes.values() if isinstance(node, ReturnNode))

    @property
    def is_sub(self) -> bool:
        """Made to be entered from another flow; no number can start it."""
        return bool(self.parameters or self.returns)
