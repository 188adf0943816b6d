"""Values on the real Asterisk: asked for by keys, read back, spoken; and a line that is closed by hand.

What was said is heard by its length: a voice that found no words would leave the beep, or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hotline.sip.callers import CallPlan, KeyPress
from tests.asterisk.test_calls_menu import another_flow
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.sound import breaths, samples_of
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER_LINE, MAIN_LINE = "4008001002", "4008001001"
ORDER = "79927398713"  # its last digit is right by Luhn's rule
TOPIC_S = 8.0


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        another_flow(live, "order", ORDER_LINE, order_line)

    return prepare


def order_line(nodes: Any) -> None:
    """Straight to the order number; then a price and a day, and goodbye."""
    nodes["welcome"].update(prompts=["whisper_queue_sales"], then="order")
    nodes["order"] = {
        "kind": "gather",
        "what": "order_number",
        "value": "order_number",
        "prompts": ["whisper_queue_service"],
        "min_digits": 6,
        "max_digits": 12,
        "check": "luhn",
        "confirm": {"prompts": ["whisper_queue_service"]},
        "then": "price",
        "otherwise": "anyone",
    }
    nodes["price"] = {"kind": "say", "what": "money", "value": "205.50", "then": "day"}
    nodes["day"] = {"kind": "say", "what": "date", "value": "2026-03-05", "then": "bye"}
    nodes["bye"] = {"kind": "hangup"}
    for unreached in ("language", "office_hours", "topic", "sales", "service", "closed_notice", "refused"):
        del nodes[unreached]


async def test_an_order_number_is_asked_for_read_back_and_answered(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    customer = await park.add_phone("2001", site.site.phones["2001"].sip_secret, answer="ignore")
    call = await customer.dial(ORDER_LINE)
    await customer.wait("confirmed")
    await asyncio.sleep(2.5)
    await customer.press(call, f"{ORDER[:-1]}4#")  # the check digit is wrong: asked again
    await asyncio.sleep(2.5)
    await customer.press(call, f"{ORDER}#")
    await asyncio.sleep(9.0)  # eleven digits are read back, then the question
    await customer.press(call, "1")
    await witness.until_noted("2001", "outcome", timeout_s=25)
    heard = breaths(samples_of(park.recording(call)), pause_s=0.8)
    longest = max(end - begin for begin, end in heard)
    assert longest > 2.5, heard  # eleven digits in one breath
    assert heard[-1][1] - heard[-1][0] > 1.0, heard  # the price and the day
    assert witness.nodes("2001") == ["welcome", "order", "price", "day", "bye"]
    kept = [entry.fields.get("attributes") for entry in witness.entries("2001") if entry.kind == "node"]
    assert kept[2] == f"order_number={ORDER}"
    assert (await witness.row("2001")).outcome == "self_served"


async def test_a_line_closed_by_hand_is_closed_for_the_next_caller(site: LiveSite, witness: Witness) -> None:
    keys = CallPlan(keys=(KeyPress(0.4, "2"),))
    await site.cli("close", "main", "--until", "23:59", "--reason", "fire drill")
    ani = new_ani()
    async with site.caller(MAIN_LINE, keys, ani=ani) as callers:
        await callers.ended(timeout_s=20)
        assert callers.only.ended == "peer"
    assert "closed_notice" in witness.nodes(ani)
    assert (await witness.row(ani)).outcome == "rejected"
    await site.cli("open", "main")
    ani = new_ani()
    async with site.caller(MAIN_LINE, keys, ani=ani) as callers:
        await witness.until_noted(ani, "node:topic", timeout_s=TOPIC_S)
        callers.hang_up(callers.only)
        await callers.ended()
    assert (await witness.row(ani)).outcome == "abandoned_ivr"
