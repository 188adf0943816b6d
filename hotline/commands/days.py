"""A day of the site's, as an option of a command."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from hotline.day_figures import midnight

DayOption = Annotated[
    datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="YYYY-MM-DD; today when left out.")
]


def day_of(day: datetime | None, zone: ZoneInfo) -> tuple[float, float]:
    """[beginning, end) in Unix seconds, by the site's clock."""
    noon = time.time() if day is None else day.replace(hour=12, tzinfo=zone).timestamp()
    return midnight(noon, zone), midnight(noon, zone, 1)
