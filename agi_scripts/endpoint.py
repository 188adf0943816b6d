"""Who is at the other end of a channel, by what the phone has proved with its SIP secret: never by a caller id."""

from __future__ import annotations

import re

_ENDPOINT = re.compile(r"PJSIP/([0-9A-Za-z_-]+)-[0-9a-f]+$")


def calling_extension(channel: str) -> str:
    """``PJSIP/1001-0000002a`` → ``1001``; '' for anything else."""
    match = _ENDPOINT.match(channel)
    return match[1] if match else ""


def is_of_the_house(channel: str) -> bool:
    """A phone of ours: they are called by their digits, and trunks by a word."""
    return calling_extension(channel).isdecimal()
