"""Media sources, campaigns and what was paid for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from hotline.api.kinds import Amount, Asked, Code, CodeOrNone, Currency, Day, Form, Money, Name, Told

SourceName = Annotated[str, StringConstraints(pattern="^[^\\x00-\\x1f\\x7f]{1,200}$")]


class Source(Told):
    id: str
    name: str
    kind: str


class SourceForm(Form):
    name: SourceName
    kind: Code


class Campaign(Told):
    code: str
    name: str
    begins_on: Day | None
    ends_on: Day | None
    budget: Money | None
    currency: str


class CampaignForm(Form):
    """``currency``: the house's, unless said."""

    name: Name
    begins_on: Day | None = None
    ends_on: Day | None = None
    budget: Amount | None = None
    currency: Currency | None = None


class Cost(Told):
    """What was paid for a source, for the days from ``begins_on`` to ``ends_on``, both in."""

    ref: str
    media_source: str
    campaign: str
    begins_on: Day
    ends_on: Day
    amount: Money
    currency: str


class CostForm(Form):
    """``currency``: the house's, unless said."""

    media_source: Code
    begins_on: Day
    ends_on: Day
    amount: Amount
    campaign: CodeOrNone = ""
    currency: Currency | None = None


class CostsAsked(Asked):
    """``since``, ``until``: begun from the one on and before the other."""

    source: Code | None = None
    campaign: Code | None = None
    since: Day | None = None
    until: Day | None = None
