"""Every channel variable that passes between Asterisk's dialplan and our scripts, in one place.

The dialplan's templates write the same names; tests/unit/test_variables.py compares the two.
"""

from __future__ import annotations

CALL_ID = "HOTLINE_CALL_ID"  # our UUID, set at first contact, by the engine or by the fail-open script
JOINED = "HOTLINE_JOINED"  # original join time, Unix milliseconds; empty before the queue
QUEUE = "HOTLINE_QUEUE"  # the queue the call waits in, or waited in last
PRIORITY = "HOTLINE_PRIORITY"
ATTRIBUTES = "HOTLINE_ATTRIBUTES"  # the requirement's variables: "language=mandarin;product=laptop"
AGENT = "HOTLINE_AGENT"  # the extension of the one agent whom the call waits for; empty: whoever the queue finds
WAIT_UNTIL = "HOTLINE_WAIT_UNTIL"  # Unix milliseconds at which the wait is over, where it is not the queue's own limit
SOURCE = "HOTLINE_SOURCE"  # media source of this call
CAMPAIGN = "HOTLINE_CAMPAIGN"
LANGUAGE = "HOTLINE_LANGUAGE"
NEXT = "HOTLINE_NEXT"  # what the dialplan does after our script; empty means: the engine failed, knock again
WHISPER = "HOTLINE_WHISPER"  # sound files for the agent's ear, joined by "&"; inherited by the agent's leg
CONFIRM = "HOTLINE_CONFIRM"  # the prompt after which an agent takes the call by pressing 1; empty: it is theirs at once
ANSWERED = (
    "HOTLINE_ANSWERED"  # Unix ms at which agent and caller were joined, set by the dialplan on the caller's channel
)
ENDED = "HOTLINE_ENDED"  # Unix ms of the hang-up, set by the dialplan before the standalone script starts
CONSULT = "HOTLINE_CONSULT"  # which consultation the leg was rung for; inherited by it
CALLBACK = "HOTLINE_CALLBACK"  # which call back this leg was dialled for
RECORD = "HOTLINE_RECORD"  # the stem of the files that this leg is recorded into; empty: it is not
LEG = "HOTLINE_LEG"  # on the caller's channel: the agent's, since the two were joined
TAKE = "HOTLINE_TAKE"  # which ordered take of a prompt this phone was rung for
KNOCKS = "HOTLINE_KNOCKS"  # how often this call has knocked in vain

# How long the conversation has lasted, in ms, by Asterisk's own clock; "" when there was none. Not Asterisk's
# ANSWEREDTIME_MS: that one counts from the answer of the *caller's* channel, so the menu and the wait are in it.
TALKED_MS = 'IF($["${HOTLINE_ANSWERED}" = ""]?:$[${STRFTIME(,,%s%3q)} - 0${HOTLINE_ANSWERED}])'
