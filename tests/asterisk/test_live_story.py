"""One customer's story, from a newspaper to the books, on the real Asterisk: they ring the number of the newspaper, the
agent says *lead* on the keypad, the dealer does not accept in time and the next one has it, a promise is made and kept
by a call back, what they order and what the newspaper cost is imported, and the report has the cost of that order."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hotline.sip.ports import free_udp_port
from hotline.sip.scenario import PhoneManner, Talk
from tests.asterisk.test_live_company import ALL_DAY
from tests.sip.carrier import Carrier
from tests.sip.live_site import LiveSite
from tests.sip.phones import ParkedPhone, PhonePark
from tests.sip.staff import log_in
from tests.sip.witness import Witness

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEWSPAPER, AGENT, CARRIER = "4008001002", "1001", "127.0.0.3"
SHANGHAI, E164 = "02158887001", "+862158887001"
ACCEPT_S = 8
EAST = ("301", "303")
ORDERS = """number,customer,placed_on,status,product,quantity,price
A-1001,{customer},{day},paid,laptop,2,5299.00
"""
COSTS = """source,campaign,begins_on,ends_on,amount
newspaper,autumn_laptops,{begins},{ends},700.00
"""


@pytest.fixture(scope="module")
def carrier_port() -> int:
    return free_udp_port(CARRIER)


@pytest.fixture(scope="module")
def prepare_site(carrier_port: int) -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        live.edit("hours.yaml", lambda hours: hours.update(office={"week": ALL_DAY}))
        live.edit("queues.yaml", _queues)
        live.edit("crm_rules.yaml", lambda rules: rules["leads"].update(accept_h=ACCEPT_S / 3600))
        live.edit("crm.yaml", lambda crm: crm["dealers"].update({EAST[1]: {"name": "沪东电脑", "region": "east"}}))
        away = {"match": [CARRIER], "host": CARRIER, "port": carrier_port}
        live.edit("trunk.yaml", lambda trunks: trunks.update(away=away))

    return prepare


def _queues(queues: Any) -> None:
    queues["sales"].update(dispositions=deepcopy(queues["advice"]["dispositions"]), wrap_up_s=2)
    queues["sales"]["callback"].update(trunk="away", from_hour=0, to_hour=24)


class Story:
    def __init__(self, live: LiveSite, park: PhonePark) -> None:
        self.live, self.park, self.witness = live, park, Witness(live)

    async def pick_up(self) -> ParkedPhone:
        phone = await self.park.add_phone(AGENT, self.live.site.agents[AGENT].sip_secret)
        await self.witness.until_agent(AGENT, engagement="idle", phone="free")
        return phone

    async def talk(self, phone: ParkedPhone, disposition: Callable[[int], Any]) -> None:
        """The newspaper's number, the menu, a conversation; and then what the agent types."""
        async with self.live.caller(NEWSPAPER, ani=SHANGHAI) as callers:
            await self._through_the_menu(callers)
            call = (await phone.wait("incoming", timeout_s=30)).call
            await phone.wait("confirmed")
            await self.witness.until_agent(AGENT, engagement="talking")
            await asyncio.sleep(1)
            callers.hang_up(callers.only)
            await self.witness.until_agent(AGENT, engagement="wrap_up")
            await disposition(call)
            await phone.wait("disconnected", timeout_s=15)

    async def gives_up(self) -> None:
        async with self.live.caller(NEWSPAPER, ani=SHANGHAI) as callers:
            await self._through_the_menu(callers)
            await self._until(self._story, lambda story: "queued:sales" in story)
            await asyncio.sleep(1)
            callers.hang_up(callers.only)
            await callers.ended()

    async def _through_the_menu(self, callers: Any) -> None:
        caller, nodes = await callers.answered(), self._nodes()
        for node in ("language", "topic"):
            await self._until(self._nodes, lambda seen, node=node: seen.count(node) > nodes.count(node), 25)
            await asyncio.sleep(0.6)
            await caller.press("1")

    def _nodes(self) -> list[str]:
        return self.witness.nodes(SHANGHAI)

    def _story(self) -> list[str]:
        """Of their newest call."""
        entries = self.witness.entries(SHANGHAI)
        newest = entries[-1].call_id if entries else ""
        return [f"{entry.kind}:{entry.fields.get('queue', '')}" for entry in entries if entry.call_id == newest]

    def newest_call(self) -> str:
        return self.witness.entries(SHANGHAI)[-1].call_id

    async def _until(self, look: Callable[[], Any], true: Callable[[Any], bool], timeout_s: float = 10.0) -> None:
        await self.witness.until(look, true, timeout_s)

    async def told(self, *words: str) -> list[dict[str, Any]]:
        """What a command prints as JSON."""
        return [json.loads(line) for line in (await self.live.cli(*words, "--json")).splitlines()]

    async def until_told(self, true: Callable[[list[dict[str, Any]]], bool], *words: str) -> list[dict[str, Any]]:
        deadline = time.monotonic() + ACCEPT_S + 15
        while not true(lines := await self.told(*words)):
            assert time.monotonic() < deadline, f"{words}: {lines}"
            await asyncio.sleep(0.5)
        return lines


def _is_theirs(line: dict[str, Any]) -> bool:
    return bool(line["number"] == E164)


async def _accept_over_the_api(live: LiveSite, lead: str, dealer: str) -> None:
    """As a dealer's own system would."""
    token = (await live.cli("token", "make", "dealers", "--scope", "leads:write", "--scope", "leads:read")).split()[0]
    base, headers = f"http://{live.site.bind}:{live.site.ports.api}", {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base, headers=headers) as web:
        answer = await web.post(f"/v1/leads/{lead}/accept", headers={"Idempotency-Key": "story-1"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["dealer"]) == ("accepted", dealer)


async def _complaint(phone: ParkedPhone, call: int, day: str) -> None:
    await phone.press(call, "4")
    await asyncio.sleep(1.5)
    await phone.press(call, day)
    await asyncio.sleep(3)  # read back
    await phone.press(call, "1")


async def _import(live: LiveSite, folder: Path, kind: str, text: str) -> None:
    (folder / f"{kind}.csv").write_text(text, encoding="utf-8")
    await live.cli("import", kind, str(folder / f"{kind}.csv"))


@pytest.mark.timeout(300)
async def test_from_a_newspaper_to_the_cost_of_its_order(
    site: LiveSite, park: PhonePark, carrier_port: int, tmp_path: Path
) -> None:
    story = Story(site, park)
    await log_in(site, AGENT)
    phone = await story.pick_up()

    await story.talk(phone, lambda call: phone.press(call, "2"))  # a lead
    (lead,) = await story.until_told(lambda lines: bool(lines and lines[0]["dealer"]), "list", "leads")
    assert (lead["state"], lead["region"], lead["source"], lead["number"]) == ("assigned", "east", "newspaper", E164)
    assert lead["dealer"] in EAST
    [other] = {*EAST} - {lead["dealer"]}

    await story.until_told(lambda lines: lines[0]["dealer"] == other, "list", "leads")  # not accepted in time
    await _accept_over_the_api(site, lead["item"].removeprefix("lead-"), other)
    assert await story.told("list", "leads") == []
    dealers = {line["dealer"]: line for line in await story.told("report", "dealers") if "dealer" in line}
    ends = [[dealers[code][end] for end in ("handed", "accepted", "expired")] for code in (lead["dealer"], other)]
    assert ends == [[1, 0, 1], [1, 1, 0]]

    today = datetime.now(site.site.timezone).date()
    await story.talk(phone, lambda call: _complaint(phone, call, f"{today:%m%d}"))
    promises = await story.until_told(lambda lines: any(map(_is_theirs, lines)), "list", "promises")
    [promise] = filter(_is_theirs, promises)
    assert (promise["due_on"], promise["keeper"], promise["standing"]) == (today.isoformat(), AGENT, "today")

    await phone.set_answer("ignore")
    async with site.desk(AGENT, "*331") as desk:  # pause
        await desk.ended()
    await story.gives_up()
    (missed,) = await story.until_told(bool, "list", "missed")
    assert (missed["number"], missed["source"], missed["times"]) == (E164, "newspaper", 1)
    manner = PhoneManner(ring_s=0.2, talk=Talk(2, 2))
    async with (
        Carrier(site, CARRIER, carrier_port, tmp_path / "carrier", manner) as carrier,
        site.desk(AGENT, "*38") as desk,
    ):
        await carrier.rung(timeout_s=15)
        assert f"{E164}@" in carrier.invite()
        await carrier.ended()
        await desk.ended()
    await story.until_told(lambda lines: not any(map(_is_theirs, lines)), "list", "promises")
    assert await story.told("list", "missed") == []
    [kept] = [line for line in await story.told("report", "promises") if line.get("keeper") == AGENT]
    assert (kept["made"], kept["kept_in_time"]) == (1, 1)

    await _import(site, tmp_path, "orders", ORDERS.format(day=today, customer=E164))
    first_day = today - timedelta(days=3)
    await _import(site, tmp_path, "costs", COSTS.format(begins=first_day, ends=today + timedelta(days=3)))
    [line] = [one for one in await story.told("report", "media") if one.get("source") == "newspaper"]
    assert {name: line[name] for name in ("calls", "first_time", "answered", "abandoned_queue", "leads", "orders")} == {
        "calls": 3, "first_time": 1, "answered": 2, "abandoned_queue": 1, "leads": 1, "orders": 1
    }  # fmt: skip
    assert (line["revenue"], line["cost"], line["cost_per_order"]) == ("10598", "400", "400")
    [order] = await story.told("report", "media", "--calls", "orders", "--of", "newspaper")
    assert (order["number"], order["touch"]) == ("A-1001", story.newest_call())
