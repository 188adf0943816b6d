"""Why it was so, and how it stands: out of the event log, on the real Asterisk, over the death of an engine."""

from __future__ import annotations

import asyncio
import json
from urllib.request import urlopen

from hotline.sip.callers import CallPlan, KeyPress
from hotline.sip.scenario import PhoneManner, Talk
from tests.sip.live_site import LiveSite
from tests.sip.staff import at_desks, log_in
from tests.sip.witness import Witness, new_ani

NUMBER = "4008001001"
PLAN = CallPlan(keys=(KeyPress(0.3, "1"), KeyPress(0.7, "1")))


async def _queue_day(live: LiveSite) -> dict[str, object]:
    rows = [json.loads(line) for line in (await live.cli("report", "queue-day", "--json")).splitlines()]
    return next(row for row in rows if row["queue"] == "sales")


async def test_every_figure_survives_the_engine_and_every_offer_is_explained(live_site: LiveSite) -> None:
    witness, answered, left = Witness(live_site), new_ani(), new_ani()
    await log_in(live_site, "1001", "1006")
    async with (
        at_desks(live_site, ["1001"], PhoneManner(ring_s=0.3, talk=Talk(7.0, 7.0))),
        live_site.caller(NUMBER, PLAN, ani=answered),
    ):
        row = await witness.row(answered, timeout_s=15)  # the whisper is a part of it
    async with live_site.caller(NUMBER, PLAN, ani=left) as callers:
        await witness.until_noted(left, "queued:sales")
        await asyncio.sleep(0.5)
        live_site.process("hotline.app").kill()
        await live_site.until_up()
        callers.hang_up(callers.only)
        await callers.ended()
    await witness.row(left)
    day = await _queue_day(live_site)
    assert (day["offered"], day["answered"], day["goes_on"], day["adds_up"]) == (2, 1, 0, True)
    assert int(str(day["short_abandon"])) + int(str(day["abandoned"])) + int(str(day["lost"])) == 1
    today = {queue["name"]: queue["today"] for queue in (await live_site.ask("queues"))["queues"]}["sales"]
    assert (today["offered"], today["answered"]) == (2, 1)

    text = await live_site.cli("explain", row.call_id[:12])
    assert "offered to 1001" in text
    assert "1002 王伟: logged out" in text.replace(", 1003 Emma Clarke", "").replace("1005 David Moore", "")
    assert "skill laptop 50 is not" not in text  # 50 >= 50: it is the phone that keeps 1006 out
    assert "1006 陈静: phone unreachable" in text
    log = (await live_site.cli("queue-log")).splitlines()
    words = [line.split("|")[4] for line in log if row.call_id in line]
    assert words == ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"] or words[-1] == "COMPLETEAGENT"

    scraped = await asyncio.to_thread(_scrape, live_site.site.ports.metrics)
    assert 'hotline_queue_offered_total{queue="sales"} 2.0' in scraped
    assert "hotline_asterisk_up 1.0" in scraped


def _scrape(port: int | None) -> str:
    for _ in range(20):
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = str(answer.read().decode())
        if "hotline_queue_offered_total{" in text:
            break
    return text
