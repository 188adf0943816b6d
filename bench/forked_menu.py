"""A peer of `menu`: the same menu as a pyst2 script that Asterisk forks for each call. As lean as such a script can be:

    python -I forked_menu.py WELCOME LANGUAGE TOPIC      (sound files, absolute, without their ending)

Its trace goes to /dev/null, not into Asterisk's stderr.
"""

from __future__ import annotations

import os
import sys

from asterisk.agi import AGI, AGIException


def main(welcome: str, language: str, topic: str) -> None:
    with open(os.devnull, "w", encoding="utf-8") as trace:
        agi = AGI(stderr=trace)
        agi.answer()
        if not agi.stream_file(welcome, "0123456789*#"):
            agi.get_data(language, 4000, 1)
        agi.get_data(topic, 5000, 1)
        agi.hangup()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AGIException:  # the caller has left
        sys.exit(0)
