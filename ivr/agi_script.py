"""An AGI script of the site's on a live call: Asterisk runs it itself, inside of our session, and our turn comes again
when it has ended.

Values travel as channel variables and never as arguments: a comma in one would make two of it. The script reads and
sets ``HOTLINE_SCRIPT_<NAME>``, the value's name in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ivr.agi.session import AgiSession
from ivr.voice import Ended, ScriptEnd

PREFIX = "HOTLINE_SCRIPT_"
# Written by the launcher when a script has not done its work: why not. No value can have this name.
FAILED = "HOTLINE_SCRIPTFAILED"
_ENDING_S = 30.0  # the time it takes to end a script that will not, and a prompt that it has begun
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# ``launch(name, limit_s)``: the arguments of Asterisk's AGI(), which start the script and end it after that time.
Launch = Callable[[str, float], str]


def variable(value: str) -> str:
    """The channel variable of a value."""
    return PREFIX + value.upper()


async def run_agi_script(
    session: AgiSession, launched: str, given: Mapping[str, str], wanted: Sequence[str], limit_s: float
) -> ScriptEnd:
    """As `Voice.run_script`. ``launched``: what a `Launch` has made of the script's name.

    What Asterisk is doing for the script when its time is up (a prompt, a wait for a key) it does to the end. If that
    is too long, the session is closed, and the call comes back to us by the dialplan.
    """
    cleared = dict.fromkeys([*map(variable, wanted), FAILED], "")
    handed = {variable(name): _CONTROL.sub(" ", value) for name, value in given.items()}
    await session.set_variables(cleared | handed)
    await session.execute("AGI", launched, timeout_s=limit_s + _ENDING_S + session.limits.play_s)
    status, failed, *values = await session.full_variable("AGISTATUS", FAILED, *map(variable, wanted))
    found = {name: value for name, value in zip(wanted, values, strict=True) if value}
    if not failed and status != "SUCCESS" and not session.gone:
        failed = f"Asterisk says {status or 'nothing'}"
    return ScriptEnd(Ended.GONE if session.gone else Ended.SILENCE, found, failed)
