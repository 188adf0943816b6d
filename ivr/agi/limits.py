"""How long and how large anything on the AGI port may be."""

from __future__ import annotations

from dataclasses import dataclass

ENVIRONMENT_BYTES = 64 * 1024  # the whole environment block of one request
LINE_IN_BYTES = 64 * 1024  # one line of a reply; Asterisk's values are far shorter
LINE_OUT_BYTES = 8191  # with its newline: Asterisk runs what is beyond it as a second command


@dataclass(frozen=True, slots=True)
class AgiLimits:
    """Seconds and counts. ``environment_s`` runs from the connect to the end of a complete environment, so a
    byte now and then does not stretch it. ``strangers`` is how many connections may be without one at a time:
    past it the oldest is closed, because Asterisk itself sends its environment within milliseconds."""

    environment_s: float = 4.0
    strangers: int = 200
    reply_s: float = 60.0  # for a command that ends by itself at once
    play_s: float = 900.0  # for one that ends with its prompt
    execute_s: float = 6 * 3600.0  # for an application: a conversation is one EXEC Dial
