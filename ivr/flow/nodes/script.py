"""script: the admin's own. A Python function of the site, in a process of ours, or an AGI script that Asterisk runs.

Only the values in ``give`` are handed over, and no secret is ever among them; only those in ``take`` are written. A
script that fails, or that ``limit_s`` ends, costs the caller nothing but the way: ``failed``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ivr.flow.leave import CallerGone, Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, Way
from ivr.flow.nodes.setting import NewName
from ivr.flow.outside import OutsideFailed
from ivr.flow.taken import take
from ivr.flow.visit import Visit
from ivr.voice import Ended

_LONGEST_FUNCTION_S = 30.0  # the caller hears nothing meanwhile
_SLACK_S = 1.0  # whoever runs the function ends it; this is for one who does not


class ScriptNode(NodeForm):
    """``python``, ``agi``: NAME of `scripts/NAME.py`. A function `run(values)` gets and returns a dict of texts; an AGI
    script has the line to itself, reads HOTLINE_SCRIPT_<VALUE> and sets the same. What is taken and not set is no
    value afterwards."""

    kind: Literal["script"]
    python: Name | None = None
    agi: Name | None = None
    give: Annotated[tuple[Name, ...], Field(max_length=20, strict=False)] = ()
    take: Annotated[tuple[NewName, ...], Field(max_length=20, strict=False)] = ()
    limit_s: Annotated[float, Field(ge=0.5, le=300)] = 5.0
    then: Way
    failed: Way

    @model_validator(mode="after")
    def _is_one(self) -> ScriptNode:
        if (self.python is None) is (self.agi is None):
            raise ValueError("either python or agi names a file of scripts/")
        if self.python is not None and self.limit_s > _LONGEST_FUNCTION_S:
            raise ValueError(f"a caller hears nothing meanwhile: at most {_LONGEST_FUNCTION_S:g} s for a function")
        return self

    @property
    def script(self) -> str:
        return self.python or self.agi or ""

    async def run(self, visit: Visit) -> Step:
        known = visit.state.values()
        given = {name: known[name] for name in self.give if known.get(name)}
        limit_s = max(0.5, min(self.limit_s, (visit.until - visit.world.now()).total_seconds()))
        try:
            found = await (self._call(visit, given, limit_s) if self.python else self._hand_over(visit, given, limit_s))
        except (OutsideFailed, TimeoutError) as reason:
            visit.problem(f"the script '{self.script}' failed: {str(reason) or 'it took too long'}")
            return visit.take(self.failed)
        if found is None:
            return CallerGone()
        take(visit.state, {name: found.get(name) for name in self.take})
        return visit.take(self.then)

    async def _call(self, visit: Visit, given: Mapping[str, str], limit_s: float) -> Mapping[str, str]:
        async with asyncio.timeout(limit_s + _SLACK_S):
            return await visit.world.outside.functions.call(self.script, given, limit_s)

    async def _hand_over(self, visit: Visit, given: Mapping[str, str], limit_s: float) -> Mapping[str, str] | None:
        """None: the caller has left."""
        visit.take_typed()  # a key before the script is no answer to a menu after it
        end = await visit.voice.run_script(self.script, given, self.take, limit_s=limit_s)
        if end.ended is Ended.GONE:
            return None
        if end.failed:
            raise OutsideFailed(end.failed)
        return end.values

    def mentions(self) -> Iterator[Mention]:
        yield Mention(Noun.SCRIPT, self.script, ("python" if self.python else "agi",))
        yield from (Mention(Noun.VALUE, name, ("give", place)) for place, name in enumerate(self.give))
        yield from (Mention(Noun.NEW_VALUE, name, ("take", place)) for place, name in enumerate(self.take))
        yield from self.then.mentions("then")
        yield from self.failed.mentions("failed")
