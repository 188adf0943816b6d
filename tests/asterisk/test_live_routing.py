"""Who is served first and by whom, on the real Asterisk: a tier, an account's owner, a caller who was cut off, a queue
that overflows, and a supervisor's hand at the line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from hotline.sip.callers import Callers
from hotline.sip.scenario import PhoneManner, Talk
from tests.sip.live_site import LiveSite
from tests.sip.staff import at_desks, log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

SALES, DEALERS, ADVICE = "4008001001", "4008001002", "4008001003"
GOLD, SILVER_OF_1003 = "13912340001", "13912340003"  # in the sample's crm.yaml
QUICK = PhoneManner(ring_s=0.1, talk=Talk(0.8, 0.8))
FLOW = """
start: line
default_way: bye
nodes:
  line: {{kind: queue, queue: {queue}, attributes: {{}}, then: sorry, overflow: full}}
  sorry: {{kind: play, prompts: [queue_timeout], then: bye}}
  full: {{kind: play, prompts: [goodbye], then: bye}}
  bye: {{kind: hangup}}
"""
FLOWS = {SALES: "sales", DEALERS: "dealers", ADVICE: "advice"}


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """Three queues for anybody: sales keeps calls for the owner, dealers passes them on, advice has room for one."""

    def prepare(live: LiveSite) -> None:
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        for name in FLOWS.values():
            (live.folders.site / "flows" / f"{name}.yaml").write_text(FLOW.format(queue=name), encoding="utf-8")
        live.edit("numbers.yaml", _numbers)
        live.edit("queues.yaml", _queues)
        live.edit("agents.yaml", _all_queues)
        live.edit("prompts.yaml", _few_prompts)
        live.edit("site.yaml", lambda site: site.update(routing={"tiers": {"gold": 1}}))

    return prepare


def _numbers(book: Any) -> None:
    for number, form in book.items():
        form.update(flow=FLOWS.get(number, "sales"))


def _queues(queues: Any) -> None:
    for name in [name for name in queues if name not in FLOWS.values()]:
        del queues[name]
    for queue in queues.values():
        queue.update(steps=[{"require": "any"}], wrap_up_s=0, offer_s=5)
    queues["sales"].update(preferred=["owner"], preferred_s=4)
    queues["dealers"].update(overflow=[{"waited_s": 1, "queue": "sales"}])
    queues["advice"].update(overflow=[{"length": 1}])


def _all_queues(agents: Any) -> None:
    for agent in agents.values():
        agent.update(queues=list(FLOWS.values()))


def _few_prompts(prompts: Any) -> None:
    used = ("goodbye", "queue_timeout", "desk_", "hold_", "voicemail_", "too_many", "record_", "line_")
    for key in [key for key in prompts if not key.startswith(used)]:
        del prompts[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staff(shared_site: LiveSite) -> None:
    """1001 has been idle for longest."""
    for extension in ("1001", "1003"):
        await log_in(shared_site, extension)


@asynccontextmanager
async def waiting(site: LiveSite, witness: Witness, *calls: tuple[str, str]) -> AsyncIterator[list[Callers]]:
    """Callers (number dialled, own number) in the line, in this order."""
    async with AsyncExitStack() as stack:
        found = []
        for number, ani in calls:
            before = len(witness.entries(ani))
            found.append(await stack.enter_async_context(site.caller(number, ani=ani)))
            await witness.until(
                lambda ani=ani, before=before: witness.story(ani)[before:],  # type: ignore[misc]
                lambda story: any(word.startswith("queued:") for word in story),
            )
        yield found


async def served(witness: Witness, callers: Sequence[Callers], count: int) -> list[str]:
    """The callers' numbers in the order of their first offers."""
    for one in callers:
        if not one.only.ended:
            await one.ended(timeout_s=15)
    ids = [entry.call_id for entry in witness.offered()][-count:]
    rows = {row.call_id: row.ani for row in await witness.rows()}
    return [rows[call_id] for call_id in ids]


async def test_gold_is_served_before_who_came_a_moment_earlier(site: LiveSite, witness: Witness) -> None:
    plain = new_ani()
    async with waiting(site, witness, (SALES, plain), (ADVICE, GOLD)) as callers, at_desks(site, ["1003"], QUICK):
        assert await served(witness, callers, 2) == [GOLD, plain]
    queued = [entry for entry in witness.entries(GOLD) if entry.kind == "queued"]
    assert queued[-1].fields["priority"] == 1


async def test_an_accounts_owner_gets_the_call_though_another_is_idle_longer(site: LiveSite, witness: Witness) -> None:
    async with at_desks(site, ["1001", "1003"], QUICK) as phones:
        async with site.caller(SALES, ani=SILVER_OF_1003) as callers:
            await callers.ended(timeout_s=10)
        (rung,) = phones.calls()
        assert rung.phone == "1003"
        ani = new_ani()
        async with site.caller(SALES, ani=ani) as callers:
            await callers.ended(timeout_s=10)
        assert phones.calls()[-1].phone == "1001"


async def test_who_was_cut_off_and_rings_back_has_the_place_again(site: LiveSite, witness: Witness) -> None:
    cut_off, other = new_ani(), new_ani()
    async with waiting(site, witness, (SALES, cut_off), (SALES, other)) as (first, second):
        first.hang_up(first.only)
        await witness.row(cut_off)
        async with waiting(site, witness, (SALES, cut_off)) as (again,), at_desks(site, ["1001"], QUICK):
            assert await served(witness, [again, second], 2) == [cut_off, other]
    rows = [row for row in await witness.rows() if row.ani == cut_off]
    assert sorted(row.outcome or "" for row in rows) == ["abandoned_queue", "answered"]
    (answered,) = [row for row in rows if row.outcome == "answered"]
    assert answered.waited_s is not None
    assert answered.waited_s <= (answered.answered_at - answered.started_at).total_seconds() + 0.1  # type: ignore[operator]


async def test_a_queue_passes_a_call_on_to_another_with_its_place(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with waiting(site, witness, (DEALERS, ani)) as (callers,):
        await witness.until_noted(ani, "queued:sales")
        async with at_desks(site, ["1001"], QUICK):
            await callers.ended(timeout_s=10)
    row = await witness.row(ani)
    assert (row.outcome, row.queue) == ("answered", "sales")
    joined = [entry.fields["joined_at"] for entry in witness.entries(ani) if entry.kind == "queued"]
    assert len(joined) == 2
    assert joined[0] == joined[1]


async def test_a_full_queue_lets_the_flow_go_on_its_own_way(site: LiveSite, witness: Witness) -> None:
    first, second = new_ani(), new_ani()
    async with waiting(site, witness, (ADVICE, first)) as (held,):
        async with site.caller(ADVICE, ani=second) as callers:
            await callers.ended(timeout_s=15)
        held.hang_up(held.only)
    assert witness.nodes(second)[-2:] == ["full", "bye"]
    row = await witness.row(second)
    assert (row.outcome, row.hangup_by) == ("self_served", "system")


async def test_a_supervisor_lists_moves_and_withdraws(site: LiveSite, witness: Witness) -> None:
    first, second = new_ani(), new_ani()
    async with waiting(site, witness, (SALES, first), (SALES, second)) as (moved, withdrawn):
        ids = [call["call_id"] for call in (await site.ask("line"))["calls"]]
        assert len(ids) == 2
        listed = await site.cli("queue", "list", "sales")
        assert listed.index(ids[0][:8]) < listed.index(ids[1][:8])
        assert "goes from sales to advice" in await site.cli("queue", "move", ids[0][:8], "advice")
        await witness.until_noted(first, "queued:advice")
        assert "has left sales" in await site.cli("queue", "withdraw", ids[1])
        await withdrawn.ended(timeout_s=15)
        async with at_desks(site, ["1001"], QUICK):
            await moved.ended(timeout_s=10)
    assert (await witness.row(first)).queue == "advice"
    assert witness.nodes(second)[-2:] == ["sorry", "bye"]
