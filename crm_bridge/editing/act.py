"""An act of somebody who changes what the CRM knows: who, when, by which rules of the house. And why it is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from crm_bridge.rules import CrmRules


@dataclass(frozen=True, slots=True)
class Act:
    """``by``: as `changes.by` has it ("api:shop", "cli:anna"). ``region``: the country (ISO 3166) of phone numbers that
    have no country code."""

    by: str
    at: datetime
    rules: CrmRules = field(default_factory=CrmRules)
    region: str = "CN"

    @property
    def today(self) -> date:
        return self.at.astimezone(self.rules.zone).date()


class Refusal(Exception):
    """Nothing was changed: raised in the midst of a transaction it takes back all that was done. ``where``: the field
    at fault, with dots ("lines.0.price"), '' for the whole. ``hint``: what to do. Never holds a value that was sent."""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message, self.where, self.hint = message, where, hint


class NotThere(Refusal):
    """What is to be changed is not there."""


class Clash(Refusal):
    """Somebody else has it already, or it is too late for that."""


class Unfit(Refusal):
    """The values do not agree with each other, or name what is not there."""
