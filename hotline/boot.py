"""The secrets of one boot: what Asterisk must say at the AGI port, and what the engine must say at the AMI.

Drawn anew each time `hotline up` starts an Asterisk; kept when it adopts one that still runs with the old ones.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path


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
        """Born 0600, and whole or not at all."""
        beside = file.with_name(f".{file.name}.new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            json.dump({"agi": self.agi, "ami": self.ami}, stream)
        beside.replace(file)
