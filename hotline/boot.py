"""The secrets of one boot: what Asterisk must say at the AGI port, and what the engine must say at the AMI.

Drawn anew each time `hotline up` starts an Asterisk; kept when it adopts one that still runs with the old ones.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from hotline.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class BootSecrets:
    agi: str = field(repr=False)
    ami: str = field(repr=False)

    @classmethod
    def draw(cls) -> BootSecrets:
        return cls(agi=secrets.token_urlsafe(24), ami=secrets.token_urlsafe(24))

    @classmethod
    def read(cls, file: Path) -> BootSecrets:
        """Raises OSError when there are none, ValueError when the file is broken. Neither tells a secret."""
        try:
            found = json.loads(file.read_text(encoding="ascii"))
            return cls(agi=str(found["agi"]), ami=str(found["ami"]))
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{file} is broken; `hotline up` draws new secrets") from None

    def write(self, file: Path) -> None:
        write_whole(file, json.dumps({"agi": self.agi, "ami": self.ami}))
