"""What a branch may ask about the caller and about a queue."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from ivr.flow.nodes.form import Form, Name, one_or_more
from ivr.flow.outside import Caller, QueueLook

Names = Annotated[
    tuple[Name, ...],
    Field(min_length=1, strict=False),
    BeforeValidator(one_or_more, json_schema_input_type=Name | list[Name]),
]
_Seconds = Annotated[float, Field(ge=0, le=24 * 3600)]
_Calls = Annotated[int, Field(ge=0, le=100_000)]


class CallerIs(Form):
    """Everything written here must hold of the caller, as the CRM knows them by their number. ``tier``: one name or
    several, as ``stage`` is (prospect, first_order, repeat, loyal, lapsed, won_back). ``owner``: the account has an
    agent of its own. Of a stranger only what is `false` holds."""

    known: bool | None = None
    tier: Names | None = None
    household: bool | None = None
    company: bool | None = None
    stage: Names | None = None
    open_order: bool | None = None
    open_promise: bool | None = None
    broken_promise: bool | None = None
    owner: bool | None = None

    @model_validator(mode="after")
    def _asks(self) -> CallerIs:
        if not self.model_fields_set:
            raise ValueError("asks for nothing about the caller")
        return self

    def holds(self, caller: Caller) -> bool:
        facts = (
            (self.known, caller.known),
            (self.household, caller.household),
            (self.company, caller.company),
            (self.open_order, caller.open_orders),
            (self.open_promise, caller.open_promises),
            (self.broken_promise, caller.broken_promises),
            (self.owner, caller.owner),
        )
        fits = all(wanted is None or wanted is bool(fact) for wanted, fact in facts)
        named = ((self.tier, caller.tier), (self.stage, caller.stage))
        return fits and all(names is None or name in names for names, name in named)


class QueueIs(Form):
    """Everything written here must hold of the queue ``name`` as it stands now. ``staffed``: an agent of it is logged
    in. ``waiting``: the calls in it that no agent is rung for. The expected wait is that of one more caller; without
    anybody staffed it has no end."""

    name: Name
    staffed: bool | None = None
    waiting_at_least: _Calls | None = None
    waiting_below: _Calls | None = None
    expected_wait_at_least_s: _Seconds | None = None
    expected_wait_below_s: _Seconds | None = None

    @model_validator(mode="after")
    def _asks(self) -> QueueIs:
        if self.model_fields_set == {"name"}:
            raise ValueError("names a queue, but asks for nothing about it")
        return self

    def holds(self, look: QueueLook) -> bool:
        wait_s = look.expected_wait_s
        return (
            (self.staffed is None or self.staffed is (look.staffed > 0))
            and (self.waiting_at_least is None or look.waiting >= self.waiting_at_least)
            and (self.waiting_below is None or look.waiting < self.waiting_below)
            and (self.expected_wait_at_least_s is None or wait_s >= self.expected_wait_at_least_s)
            and (self.expected_wait_below_s is None or wait_s < self.expected_wait_below_s)
        )
