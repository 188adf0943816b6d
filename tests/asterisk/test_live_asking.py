"""Asking on the real Asterisk: another server's answer is spoken, its absence has its way, a branch sees who is logged
in, and keys in a prompt that is not to be interrupted count for nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crm_bridge.problems import FLOW_PROBLEM
from hotline.sip.callers import CallPlan, KeyPress
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.sound import RATE, breaths, samples_of, saved
from tests.sip.staff import log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

STOCK_LINE, AWAY_LINE, QUEUE_LINE, MENU_LINE = "4008001000", "4008001001", "4008001002", "4008001003"
COUNT = 12345

LOOKUP = """
start: ask
default_way: bye
nodes:
  ask:
    kind: lookup
    what: http
    http:
      url: http://127.0.0.1:{port}/stock/{{dnis}}?of={{source}}
      method: POST
      headers: {{ X-Key: counter }}
      body: {{ who: "{{dnis}}", language: [ "{{language}}" ] }}
    take: {{ "$.shops[?@.open == true].count": count }}
    timeout_s: 1
    found: say
    missing: bye
    failed: sorry
  say: {{ kind: say, what: number, value: "{{count}}", then: bye, missing: sorry }}
  sorry: {{ kind: play, prompts: [whisper_queue_sales], then: bye }}
  bye: {{ kind: hangup }}
"""
QUEUE = """
start: look
default_way: nobody
nodes:
  look:
    kind: branch
    cases:
      - when: { queue: { name: sales, staffed: true, waiting_below: 5, expected_wait_at_least_s: 60 } }
        goto: somebody
    otherwise: nobody
  somebody: { kind: hangup }
  nobody: { kind: hangup }
"""
MENU = """
start: ask
default_way: silent
nodes:
  ask:
    kind: menu
    prompts: [whisper_queue_sales, goodbye]
    barge_in: false
    tries: 1
    first_digit_s: 1.5
    options: { 1: one, 23: two }
    otherwise: wrong
    if_silent: silent
  one: { kind: hangup }
  two: { kind: hangup }
  wrong: { kind: hangup }
  silent: { kind: hangup }
"""


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Bound: one for the server, and one where nobody will ever listen."""
    with socket.socket() as server, socket.socket() as nobody:
        for bound in (server, nobody):
            bound.bind(("127.0.0.1", 0))
        yield server, nobody


@pytest.fixture(scope="module")
def prepare_site(ports: tuple[socket.socket, socket.socket]) -> Callable[[LiveSite], None]:
    server, nobody = (bound.getsockname()[1] for bound in ports)
    flows = {
        STOCK_LINE: ("stock", LOOKUP.format(port=server)),
        AWAY_LINE: ("away", LOOKUP.format(port=nobody)),
        QUEUE_LINE: ("looking", QUEUE),
        MENU_LINE: ("quiet", MENU),
    }

    def prepare(live: LiveSite) -> None:
        for number, (name, text) in flows.items():
            (live.folders.site / "flows" / f"{name}.yaml").write_text(text)
            live.edit("numbers.yaml", lambda numbers, of=number, to=name: numbers[of].update(flow=to))

    return prepare


@asynccontextmanager
async def stock_server(bound: socket.socket) -> AsyncIterator[list[bytes]]:
    """What it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        asked.append(await reader.readuntil(b"}"))
        answer = b'{"shops": [{"open": false, "count": 1}, {"open": true, "count": %d}]}' % COUNT
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        writer.close()

    listening = await asyncio.start_server(serve, sock=bound.dup())
    try:
        yield asked
    finally:
        listening.close()


async def test_another_servers_number_is_spoken(
    site: LiveSite, witness: Witness, park: PhonePark, ports: tuple[socket.socket, socket.socket]
) -> None:
    customer = await park.add_phone("2001", site.site.phones["2001"].sip_secret, answer="ignore")
    async with stock_server(ports[0]) as asked:
        call = await customer.dial(STOCK_LINE)
        await customer.wait("confirmed")
        await witness.until_noted("2001", "outcome", timeout_s=15)
    head, body = asked
    source = witness.entries("2001")[0].fields["source"]
    assert head.startswith(f"POST /stock/{STOCK_LINE}?of={source} HTTP/1.1\r\n".encode())
    assert b"X-Key: counter\r\n" in head
    assert body == f'{{"who":"{STOCK_LINE}","language":["mandarin"]}}'.encode()
    log = (site.folders.var / "log" / "engine.log").read_text("utf-8")
    assert f"/stock/{STOCK_LINE}" not in log  # a URL holds what callers have typed
    [(begin, end)] = breaths(samples_of(park.recording(call)), pause_s=0.8)
    assert 1.2 < end - begin < 4.5  # 一万两千三百四十五: nine syllables
    assert witness.nodes("2001") == ["ask", "say", "bye"]
    kept = [entry.fields.get("attributes") for entry in witness.entries("2001") if entry.kind == "node"]
    assert kept[1] == f"count={COUNT}"
    assert (await witness.row("2001")).outcome == "self_served"


async def test_a_server_that_is_away_has_its_way_and_is_told(site: LiveSite, witness: Witness, tmp_path: Path) -> None:
    ani = new_ani()
    async with site.caller(AWAY_LINE, CallPlan(), ani=ani) as callers:
        await callers.ended(timeout_s=15)
        assert callers.only.ended == "peer"
        callers.only.sound.save(tmp_path / "heard.wav")
    [(begin, end)] = breaths(saved(tmp_path / "heard.wav"), pause_s=0.8)
    assert abs(end - begin - prompt_s(site, "whisper_queue_sales")) < 0.3
    assert witness.nodes(ani) == ["ask", "sorry", "bye"]
    [problem] = [entry for entry in witness.entries(ani) if entry.kind == FLOW_PROBLEM]
    assert problem.fields["node"] == "ask"
    assert "ConnectError" in problem.fields["what"]
    assert AWAY_LINE not in problem.fields["what"]


async def test_a_branch_sees_who_is_logged_in(site: LiveSite, witness: Witness) -> None:
    """An agent without a phone is staff, and one more caller would wait for them."""
    for way in ("nobody", "somebody"):
        ani = new_ani()
        async with site.caller(QUEUE_LINE, CallPlan(), ani=ani) as callers:
            await callers.ended(timeout_s=10)
        assert witness.nodes(ani) == ["look", way]
        if way == "nobody":
            await log_in(site, "1001")


@pytest.mark.parametrize(
    ("early", "late", "way"),
    [("1", "", "silent"), ("123#*", "", "silent"), ("1", "23", "two"), ("", "1", "one"), ("23", "9#", "wrong")],
)
async def test_keys_in_a_prompt_that_is_not_to_be_interrupted(
    site: LiveSite, witness: Witness, early: str, late: str, way: str
) -> None:
    """Pressed early: in the first prompt, between the two and right before the end of the last one."""
    lengths = [prompt_s(site, key) for key in ("whisper_queue_sales", "goodbye")]
    whole = sum(lengths)
    moments = [0.1, max(0.2, lengths[0] - 0.1), whole - 0.35 - 0.2 * len(early)]
    presses = [KeyPress(at, early) for at in moments if early]
    ani = new_ani()
    plan = CallPlan(keys=(*presses, *((KeyPress(whole + 0.7, late),) if late else ())))
    async with site.caller(MENU_LINE, plan, ani=ani) as callers:
        await callers.ended(timeout_s=20)
        assert callers.only.ended == "peer"
    assert witness.nodes(ani) == ["ask", way]


def prompt_s(live: LiveSite, key: str) -> float:
    (file,) = live.folders.prompts.glob(f"{key}-zh-*.wav")
    return len(saved(file)) / RATE
