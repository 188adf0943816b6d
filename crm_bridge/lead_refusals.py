"""Why a step of a lead is not possible, for people: `leads` itself only says that it is not."""

from __future__ import annotations

from sqlalchemy import Connection, select

from crm_bridge.leads import stands_against
from crm_bridge.models import dealers, leads


def why_not(connection: Connection, lead_id: int, act: str, *, holder: str = "", to: str = "") -> str:
    """'' when it is. ``act``: of `leads.TABLE`. ``holder``: the dealer who is said to have it; ``to``: who is to."""
    row = connection.execute(select(leads.c.state, leads.c.dealer).where(leads.c.id == lead_id)).first()
    if row is None:
        return f"there is no lead-{lead_id}"
    if to and connection.execute(select(dealers.c.code).where(dealers.c.code == to)).first() is None:
        return f"there is no dealer {to}"
    if needed := stands_against(row.state, act):
        return f"lead-{lead_id} is {row.state}, and {needed}"
    if holder and row.dealer != holder:
        return f"lead-{lead_id} is " + (
            f"in the hands of dealer {row.dealer}" if row.dealer else "in no dealer's hands"
        )
    return ""
