"""The numbers outside of the house that a call may be transferred to. There are no others, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OutsideNumber:
    """``trunk``: PJSIP's endpoint that carries the call. ``label``: for people."""

    number: str
    trunk: str
    label: str = ""

    @property
    def dialled(self) -> str:
        """As Asterisk dials it, and as it tells afterwards whom it has dialled."""
        return f"{self.number}@{self.trunk}"


@dataclass(frozen=True, slots=True)
class OutsideNumbers:
    """By the names that flows use. ``max_talk_s``: no transferred call lasts longer."""

    by_name: Mapping[str, OutsideNumber] = field(default_factory=dict)
    max_talk_s: int = 3600

    def name_of(self, dialled: str) -> str | None:
        return next((name for name, number in self.by_name.items() if number.dialled == dialled), None)
