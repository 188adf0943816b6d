"""`hotline try` over the newer nodes: recordings, one agent, a number outside, and what the flow asks of the world."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hotline.cli import app
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.site import Site
from hotline.trying.call import Dialled, TriedCall
from hotline.trying.keypad import Act, Doing, Keypad, ScriptError, parse_act, parse_script
from hotline.trying.sayings import Sayings
from hotline.trying.surroundings import Circumstances, queue_look, surroundings
from ivr.flow.outside import Caller, Outside, OutsideFailed, QueueLook, WebRequest
from tests.sip.live_site import edit_yaml

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
NUMBER, SOMEBODY = "4008001001", "13800138000"

FLOW = """
start: what
default_way: bye
nodes:
  what:
    kind: menu
    prompts: [welcome]
    options:
      1: message
      2: { goto: known, set_source: newspaper }
      3: outside
      4: own
      5: web
      6: one
      7: { goto: code, set: { dealer: D1 } }
      8: call_me
      9: queue
    otherwise: bye
  message:
    kind: voicemail
    prompts: [voicemail_prompt]
    box: service
    max_s: 20
    review: { prompts: [menu_main], tries: 3 }
    then: own
    otherwise: bye
  known:
    kind: branch
    cases:
      - { when: { caller: { tier: gold } }, goto: busy }
    otherwise: bye
  busy:
    kind: branch
    cases:
      - { when: { queue: { name: sales, waiting_at_least: 2 } }, goto: bye }
      - { when: { holiday: main }, goto: bye }
    otherwise: one
  one: { kind: agent, agent: "1001", queue: sales, wait_s: 20, then: own, after: marks }
  own: { kind: agent, agent: owner, queue: sales, then: bye }
  outside: { kind: transfer, to: night_desk, ring_s: 25, then: own, after: marks }
  web:
    kind: lookup
    what: http
    http: { url: "https://stock.invalid/x?key=s3cret", method: GET }
    take: { "$.count": count }
    found: bye
    missing: bye
    failed: own
  code:
    kind: gather
    what: pin
    value: pin
    prompts: [desk_pin]
    then: prove
    otherwise: bye
  prove: { kind: lookup, what: dealer, key: "{dealer}", pin: pin, take: { name: who }, found: marks, missing: own }
  call_me:
    kind: callback
    queue: sales
    prompts: [menu_main]
    confirm: { prompts: [menu_main] }
    then: queue
    otherwise: bye
  queue: { kind: queue, queue: sales, then: bye, after: marks }
  marks:
    kind: survey
    questions: [{ name: service, scale: csat, prompts: [menu_main] }]
    then: bye
  bye: { kind: hangup }
"""


class PaperCrm:
    async def caller(self, e164: str) -> Caller:
        return Caller(known=True, name="张三", tier="gold", owner="1002") if e164 == f"+86{SOMEBODY}" else Caller()

    async def look_up(self, what: str, key: str, language: str) -> Mapping[str, str] | None:
        return {"name": "广州电子"} if key == "D1" else None

    async def prove(self, what: str, key: str, pin: str) -> bool:
        return pin == "9876"


class AwayWeb:
    async def fetch(self, request: WebRequest) -> Any:
        raise OutsideFailed("the web server answered 500")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("newer") / "site"
    init_site(folder)
    (folder / "flows/newer.yaml").write_text(FLOW)
    edit_yaml(folder / "numbers.yaml", lambda numbers: numbers[NUMBER].update(flow="newer"))
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    return load_site(folder)


def tried(site: Site, script: str, ani: str = SOMEBODY, look: QueueLook | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    outside = Outside(crm=PaperCrm(), web=AwayWeb(), queue_look=lambda name: look or QueueLook(5, 5))
    dialled, keypad = Dialled(NUMBER, ani, NOON, "mandarin"), Keypad(parse_script(script))
    sayings = Sayings(site.prompts, site.languages, {})
    asyncio.run(TriedCall(site, dialled, keypad, sayings, lambda h: rows.append(h.as_json()), outside).run())
    return rows


def of(rows: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["event"] == event]


def test_acts_for_recordings_and_scripts() -> None:
    assert parse_act("v12") == Act("v12", Doing.SPEAK, after_s=12.0)
    assert parse_act("v3#") == Act("v3#", Doing.SPEAK, after_s=3.0, ends="#")
    assert parse_act("v3h").ends == "h"
    assert parse_act("tier=gold;day=mon day") == Act(
        "tier=gold;day=mon day", Doing.SET, values={"tier": "gold", "day": "mon day"}
    )
    assert parse_act("=").values == {}
    for nonsense in ("v", "v12##", "!v3", "=x", "Tier=gold", "tier=", "tier=gold;"):
        with pytest.raises(ScriptError):
            parse_act(nonsense)


WAYS = [
    # acts, outcome, path, why the last node was entered
    ("1,v12,1,a", "answered", "what message own", "12 s recorded, key 1, voicemail kept"),
    ("1,v12#,2,t,t", "voicemail", "what message own bye", "timed out"),
    ("1,v1", "self_served", "what message bye", "1 s recorded"),
    ("1,v12h", "voicemail", "what message", "key 1"),
    ("1,v1h", "abandoned_ivr", "what message", "key 1"),
    ("1,t", "self_served", "what message bye", "0 s recorded"),
    ("2,a,5", "answered", "what known busy one marks bye", "key 5, survey kept"),
    ("2,t,a", "answered", "what known busy one own", "timed out"),
    ("2,h", "abandoned_queue", "what known busy one", "otherwise"),
    ("3,a3,4", "answered", "what outside marks bye", "key 4, survey kept"),
    ("3,a30,a", "answered", "what outside own", "timed out"),
    ("3,h", "abandoned_ivr", "what outside", "key 3"),
    ("5,h", "abandoned_queue", "what web own", "failed"),
    ("6,a,h", "answered", "what one marks", "answered"),
    ("7,1111#,t", "self_served", "what code prove own bye", "timed out"),
    ("7,9876#,3", "self_served", "what code prove marks bye", "key 3, survey kept"),
    ("8,1,h", "abandoned_queue", "what call_me queue", "key 1, callback kept"),
    ("8,1,t", "callback", "what call_me queue bye", "timed out"),
    ("9,a,5", "answered", "what queue marks bye", "key 5, survey kept"),
]


@pytest.mark.parametrize(("acts", "outcome", "path", "why"), WAYS)
def test_each_way(site: Site, acts: str, outcome: str, path: str, why: str) -> None:
    rows = tried(site, acts)
    assert (rows[-1]["outcome"], " ".join(rows[-1]["path"])) == (outcome, path)
    assert of(rows, "node")[-1]["why"] == why
    assert rows[-1]["unused_keys"] == ""


def test_a_recording_takes_the_time_that_is_spoken_and_the_silence(site: Site) -> None:
    rows = tried(site, "1,v12,2,t,t")
    begun = next(row["at_s"] for row in rows if row.get("prompt") == "voicemail_prompt")
    seconds = next(row["seconds"] for row in rows if row.get("prompt") == "voicemail_prompt")
    (recorded,) = of(rows, "recorded")
    assert recorded["at_s"] == pytest.approx(begun + seconds + 12 + 4)  # the node's silence_s
    assert any(row["text"] == "(12 s as recorded)" and row["seconds"] == 12 for row in of(rows, "prompt"))
    assert of(tried(site, "1,v99#,1,t"), "recorded")[0]["seconds"] == 20.0  # the node's max_s


def test_the_source_that_a_caller_names(site: Site) -> None:
    rows = tried(site, "2,a,5")
    assert {"source": "newspaper"} in [row["values"] for row in of(rows, "set")]
    assert rows[-1]["source"] == "newspaper"
    assert rows[-1]["variables"] == {"language": "mandarin"}


def test_what_was_asked_is_shown(site: Site) -> None:
    rows = tried(site, "2,t,t", look=QueueLook(3, 0, 1, 42.5))
    assert of(rows, "caller")[0]["caller"] == {"known": True, "name": "张三", "tier": "gold", "owner": "1002"}
    looked = {"queue": "sales", "staffed": 3, "idle": 0, "waiting": 1, "expected_wait_s": 42.5}
    assert looked.items() <= of(rows, "queue_look")[0].items()
    assert of(rows, "holiday")[0]["holiday"] is False
    assert of(tried(site, "2", ani=""), "caller") == []  # nobody is asked about a withheld number
    json.dumps(tried(site, "2", look=QueueLook(0, 0, 0, float("inf"))), allow_nan=False)


def test_a_secret_is_shown_nowhere(site: Site) -> None:
    told = json.dumps(tried(site, "7,9876#,3")) + json.dumps(tried(site, "5,t"))
    assert "9876" not in told
    assert "s3cret" not in told
    assert "right" in told


def test_queues_are_as_one_says(site: Site) -> None:
    members = sum("sales" in agent.queues for agent in site.agent_specs.values())
    assert queue_look(site, Circumstances(), "sales") == QueueLook(members, members, 0, 0.0)
    busy = queue_look(site, Circumstances(waiting=3), "sales")
    assert (busy.staffed, busy.idle, busy.waiting) == (members, 0, 3)
    assert busy.expected_wait_s > 0
    assert queue_look(site, Circumstances(staffed=False), "sales").staffed == 0


def test_the_crm_is_the_sites_own_seed(site: Site, folder: Path) -> None:
    async def look() -> tuple[Caller, object]:
        async with AsyncExitStack() as ends:
            crm = (await surroundings(site, SiteFolders(folder), Circumstances(), NOON, ends)).crm
            customer = next(form for form in site.crm.customers.values() if form.phones)
            phone = customer.phones[0]
            order = next(iter(site.crm.orders))
            return await crm.caller(phone if phone.startswith("+") else f"+86{phone}"), await crm.look_up(
                "order", order, "mandarin"
            )

    caller, order = asyncio.run(look())
    assert caller.known
    assert order is not None


def test_from_outside(folder: Path) -> None:
    words = ["try", NUMBER, "--site", str(folder), "--at", "2026-03-02 12:00", "--ani", SOMEBODY]
    shown = CliRunner().invoke(app, [*words, "--keys", "1,v12,1,t", "--waiting", "3"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert "12 s are recorded" in shown.stdout
    assert "kept as voicemail: box = service" in shown.stdout
    shown = CliRunner().invoke(app, [*words, "--keys", "5,t"], env={"COLUMNS": "200"})
    assert "GET https://stock.invalid/x: failed: other servers are asked with --online only" in shown.stdout
    assert "a problem at web" in shown.stdout
    shown = CliRunner().invoke(app, [*words, "--keys", "3,a,h"], env={"COLUMNS": "200"})
    assert "25 s at most" in shown.stdout
    assert "answered after 0 s" in shown.stdout


ACTS = ["t", "h", "!h", *"123456789", "#", "!2", "9876#", "v12", "v1", "v9h", "v9#", "a", "a30"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ACTS), max_size=12))
def test_every_call_ends_once(site: Site, acts: list[str]) -> None:
    try:
        rows = tried(site, ",".join(acts))
    except ScriptError:
        return
    assert [row["event"] for row in rows].count("end") == 1
    assert rows == sorted(rows, key=lambda row: row["at_s"])
