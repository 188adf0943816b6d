"""The day that an order is promised for when nobody has set one: three working days after it was placed.

Public holidays are not among them: whoever needs those can `import holidays` here, a script may use what is installed.
"""

from __future__ import annotations

from datetime import date, timedelta

WORKING_DAYS = 3
SATURDAY = 5


def run(values: dict[str, str]) -> dict[str, str]:
    """``placed_on``, an ISO date → ``expected_on``. A ValueError here sends the call the node's way `failed`."""
    day = date.fromisoformat(values["placed_on"])
    left = WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return {"expected_on": day.isoformat()}
