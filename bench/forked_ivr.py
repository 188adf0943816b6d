"""A peer of `ivr`: its menu as a pyst2 script that Asterisk forks for each call, as lean as such a script can be.

python -I forked_ivr.py LANGUAGE TOPIC      (sound files, absolute, without their ending)
"""

from __future__ import annotations

import os
import sys

from asterisk.agi import AGI, AGIException


def main(language: str, topic: str) -> None:
    with open(os.devnull, "w", encoding="utf-8") as trace:
        agi = AGI(stderr=trace)
        agi.answer()
        agi.get_data(language, 4000, 1)
        agi.database_get("tier", agi.env["agi_callerid"])
        agi.get_data(topic, 5000, 1)
        agi.hangup()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AGIException:  # the caller has left
        sys.exit(0)
