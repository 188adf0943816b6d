"""The work lists, and who has taken on which of their lines."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from crm_bridge.work_lists.lines import Line
from crm_bridge.work_lists.registry import WorkList
from hotline.api.kinds import Form, Instant, Text, Told

L = TypeVar("L", bound=Line)

MOST_LINES = 5000
Person = Annotated[str, StringConstraints(pattern=r"^([0-9]{2,8}|[a-z]{1,10}:[A-Za-z0-9_.@-]{1,50})$")]


class ListTold(Told):
    name: str
    about: str


class ListNames(Told):
    items: list[ListTold]


class Work(Told, Generic[L]):
    """``more``: there are lines beyond the limit. ``unlisted``: missed calls without a number, whom nobody can call
    back."""

    name: str
    items: list[L]
    more: bool
    unlisted: int = 0


class WorkAsked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    limit: Annotated[int, Field(ge=1, le=MOST_LINES, description="So many at most, the most pressing ones.")] = 100
    taken_by: Annotated[
        Person | None, Field(description="Only what they have taken on: an extension, or a name as the list has it.")
    ] = None
    free: Annotated[bool, Field(description="Only what nobody has taken on.")] = False


_OPTIONS: dict[str, Any] = {
    "days": (Annotated[int, Field(ge=1, le=3660, description="So far back.")], 30),
    "below": (Annotated[int, Field(ge=-1000, le=1001, description="Marks below it.")], 3),
    "all": (Annotated[bool, Field(description="Also what is not to be done now.")], False),
}


def asked_of(name: str, listed: WorkList) -> type[WorkAsked]:
    """What this list may be asked: an option that it does not heed is refused, not passed over in silence."""
    return create_model(f"{name.title()}Asked", __base__=WorkAsked, **{one: _OPTIONS[one] for one in listed.takes})


class Item(Told):
    """A line that somebody has taken on or closed. ``taken_by``: '' when nobody has it. ``closed_at``: of a missed
    caller, up to which miss."""

    item: str
    taken_by: str
    taken_at: Instant | None
    closed_at: Instant | None
    closed_by: str
    note: str


class ActForm(Form):
    """``me``: who does it, an agent's extension or a name as the lists have it; the token's own name, unless said. The
    history has the token's name in any case."""

    me: Person | None = None


class TakeForm(ActForm):
    """``force``: also when somebody else has it."""

    force: bool = False


class GiveForm(TakeForm):
    """``to``: an agent's extension, or a name."""

    to: Person


class CloseItemForm(ActForm):
    """``note``: what came of it, for people."""

    note: Text = ""
