"""The lines of the sample company on the real Asterisk: a SIP caller, RFC 4733 keys, and what is in the CRM afterwards.

The site is the one that `hotline init` writes; only the clock is taken out of it (the office is open, at night it is
closed, whatever the day) and the lot (everybody is asked how they heard of us).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hotline.sip.callers import Callers, LiveCall
from hotline.sip.scenario import Dial, PhoneManner, Talk
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.staff import at_desks, log_in
from tests.sip.witness import Entry, Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARED, MAIN, ORDER, DELIVERY = "4008001000", "4008001001", "4008001005", "4008001006"
AFTER_SALES, DEALERS, LONG_TERM, HELP_DESK = "4008001007", "4008001008", "4008001009", "6000"
DEALER, PIN, NO_PIN = "301", "246810", "864209"
WANG, ZHAO = "13912340001", "13912340004"
LANGUAGE = "language/language"
NODE_S = 25.0  # from one node to the next at the most: the longest notices are not cut short
ALL_DAY = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        live.edit("hours.yaml", lambda hours: hours.update(office={"week": ALL_DAY}, night={"week": {}}))
        live.edit("flows/after_sales.yaml", lambda flow: flow["nodes"]["office"].update(line="night"))
        live.edit("flows/shared.yaml", everybody_is_asked)

    return prepare


def everybody_is_asked(flow: Any) -> None:
    flow["nodes"]["sample"]["cases"][0]["when"]["share"]["percent"] = 100


@asynccontextmanager
async def a_call(
    live: LiveSite, number: str, ani: str, *presses: tuple[str, str], callers: Callers | None = None
) -> AsyncIterator[LiveCall]:
    """``presses``: at the node, the keys. Each is pressed into the node's prompt, once the call is seen there."""
    witness = Witness(live)
    async with callers or live.caller(number, ani=ani) as calls:
        call = await calls.answered()
        visits: dict[str, int] = {}
        for node, keys in presses:
            visits[node] = visits.get(node, 0) + 1
            await witness.until(lambda: witness.nodes(ani), at(node, visits[node]), NODE_S)
            await asyncio.sleep(0.6)  # the node's prompt has begun
            await call.press(keys)
        yield call
        if not call.ended:
            calls.hang_up(call)
        await calls.ended(timeout_s=20)


def at(node: str, visit: int) -> Callable[[list[str]], bool]:
    return lambda nodes: nodes.count(node) >= visit


async def until_over(witness: Witness, call: LiveCall) -> None:
    await witness.until(lambda: call.ended, bool, 40)


def kept(witness: Witness, ani: str, kind: str) -> list[dict[str, Any]]:
    return [entry.fields for entry in witness.entries(ani) if entry.kind == kind]


def written(entries: list[Entry]) -> str:
    return "\n".join(repr(entry.fields) for entry in entries)


async def test_where_is_my_delivery(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    keys = ((LANGUAGE, "2"), ("where/ask/ask", "202610028"), ("where/anything_else", "1"))
    async with a_call(site, DELIVERY, ani, *keys) as call:
        await until_over(witness, call)
        assert call.ended == "peer"
    assert "where/comes_today" in witness.nodes(ani)
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.language, row.media_source) == ("self_served", "", "english", "unknown")
    (message,) = kept(witness, ani, "sms")
    assert message["to"] == f"+86{ani}"
    assert message["sent"]
    assert message["text"].startswith("Your order 202610028 is expected on ")


async def test_key_three_of_an_advert_is_the_delivery_too(site: LiveSite, witness: Witness) -> None:
    """The order has no day: the site's own Python function promises one."""
    ani = new_ani()
    keys = (
        ("language", "2"),
        ("topic", "3"),
        ("delivery/ask/ask", "202610044"),
        ("delivery/anything_else", "#"),
    )
    async with a_call(site, MAIN, ani, *keys) as call:
        await until_over(witness, call)
    nodes = witness.nodes(ani)
    assert nodes[nodes.index("delivery/promise") + 1] == "delivery/expected"
    row = await witness.row(ani)
    assert (row.outcome, row.media_source) == ("self_served", "tv_spot")


async def test_an_unknown_order_twice_is_an_agents(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    keys = ((LANGUAGE, "2"), ("where/ask/ask", "999999998"), ("where/ask/ask", "999999980"))
    async with a_call(site, DELIVERY, ani, *keys):
        await witness.until_noted(ani, "queued:service", timeout_s=NODE_S)
    assert (await witness.row(ani)).outcome == "abandoned_queue"


async def test_a_dealer_reaches_their_own_agent(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    await log_in(site, "1007")
    keys = ((LANGUAGE, "2"), ("code", f"{DEALER}#"), ("pin", f"{PIN}#"), ("stock", "#"))
    async with at_desks(site, ["1007"], PhoneManner(ring_s=0.2)), a_call(site, DEALERS, ani, *keys):
        await witness.until_noted(ani, "answered:1007", timeout_s=NODE_S)
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.queue) == ("answered", "1007", "dealers")
    assert PIN not in written(witness.entries(ani))


async def test_a_wrong_pin_three_times_is_served_as_anybody(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    one = (("code", f"{DEALER}#"), ("pin", f"{NO_PIN}#"))
    async with a_call(site, DEALERS, ani, (LANGUAGE, "2"), *one, ("wrong", "#"), *one, *one):
        await witness.until_noted(ani, "queued:sales", timeout_s=NODE_S)
    nodes = witness.nodes(ani)
    assert nodes.count("wrong") == 2
    assert nodes[-2:] == ["as_anybody", "anyone"]
    assert "known" not in nodes
    assert NO_PIN not in written(witness.entries(ani))
    assert (await witness.row(ani)).outcome == "abandoned_queue"


async def test_a_long_term_customer_reaches_their_own_agent_and_marks_them(site: LiveSite, witness: Witness) -> None:
    """Nothing is pressed on the way in; after the agent has hung up, a five."""
    await log_in(site, "1001")
    manner = PhoneManner(ring_s=0.2, talk=Talk(9, 9))  # the whisper is in it
    async with at_desks(site, ["1001"], manner), a_call(site, LONG_TERM, WANG) as call:
        await witness.until_noted(WANG, "answered:1001", timeout_s=40)
        await witness.until_noted(WANG, "node:opinion/how_much", timeout_s=NODE_S)
        for _ in range(6):
            await asyncio.sleep(0.8)
            if not call.ended and not kept(witness, WANG, "survey"):
                await call.press("5")
    assert witness.nodes(WANG)[:6] == ["who", "customer", "own_language", "greeting", "price_tier", "gold_prices"]
    row = await witness.row(WANG)
    assert (row.outcome, row.agent, row.language) == ("answered", "1001", "mandarin")
    (survey,) = await witness.until(lambda: kept(witness, WANG, "survey"), bool)  # it is kept when the survey is over
    assert survey["csat"] == 5


async def test_the_help_desk_from_a_phone_of_the_house(site: LiveSite, witness: Witness, tmp_path: Path) -> None:
    dial = Dial(HELP_DESK, "1004", secret=site.site.agents["1004"].sip_secret)
    callers = Callers(site.place.sipp, site.pbx, tmp_path / "house", [dial], host=site.site.bind)
    keys = ((LANGUAGE, "2"), ("topic", "2"), ("number", "5001#"), ("more", "0"))
    async with a_call(site, HELP_DESK, "1004", *keys, callers=callers):
        await witness.until_noted("1004", "queued:helpdesk", timeout_s=NODE_S)
    nodes = witness.nodes("1004")
    assert nodes[nodes.index("by_status") :][:3] == ["by_status", "in_progress", "due"]
    assert (await witness.row("1004")).queue == "helpdesk"


async def test_how_did_you_hear_of_us(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with a_call(site, SHARED, ani, (LANGUAGE, "2"), ("how_heard", "4"), ("topic", "2")):
        await witness.until_noted(ani, "queued:service", timeout_s=NODE_S)
    assert (await witness.row(ani)).media_source == "friend"


async def test_after_sales_at_night_is_a_message(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    phone = await park.add_phone("2001", site.site.phones["2001"].sip_secret, answer="ignore")
    call = await phone.dial(AFTER_SALES)
    await phone.wait("confirmed")
    for node, key in ((LANGUAGE, "2"), ("night", "2"), ("instead/choose", "1")):
        await witness.until(lambda: witness.nodes("2001"), at(node, 1), NODE_S)
        await asyncio.sleep(0.6)
        await phone.press(call, key)
    folder = site.folders.voicemail
    await witness.until(lambda: list(folder.glob("*.wav")), bool, NODE_S)
    await phone.speak(call, 440)
    await asyncio.sleep(3.0)
    await phone.press(call, "#")
    await asyncio.sleep(1.0)
    await phone.press(call, "1")
    await phone.wait("disconnected", timeout_s=30)
    row = await witness.row("2001")
    assert row.outcome == "voicemail"
    (message,) = kept(witness, "2001", "voicemail")
    assert message["box"] == "customers"
    assert message["seconds"] >= 2
    assert tasks(site, row.call_id) == ["voicemail"]


def tasks(live: LiveSite, call_id: str) -> list[str]:
    with sqlite3.connect(f"file:{live.folders.var / 'crm.db'}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT kind FROM tasks WHERE call_id = ?", (call_id,)).fetchall()
    return [kind for (kind,) in rows]


async def test_an_order_by_telephone(site: LiveSite, witness: Witness) -> None:
    """A known caller; what was typed is on the record before an agent says a word."""
    keys = ((LANGUAGE, "2"), ("topic", "1"), ("welcome_back", "#"), ("product", "4711"))
    async with a_call(site, ORDER, ZHAO, *keys) as call:
        await asyncio.sleep(6.0)  # the code is read back, and must be heard to its end
        await call.press("1")
        await witness.until(lambda: witness.nodes(ZHAO), at("quantity", 1), NODE_S)
        await asyncio.sleep(0.6)
        await call.press("3#")
        await witness.until_noted(ZHAO, "queued:sales", timeout_s=NODE_S)
    typed = kept(witness, ZHAO, "node")[-1]["attributes"]
    assert "product_code=4711" in typed
    assert "quantity=3" in typed
    assert (await witness.row(ZHAO)).customer_id is not None
