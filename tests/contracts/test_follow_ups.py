"""Sources that callers name, messages, wishes to be called back and marks: from journal entries to rows, whatever the
order and however often they are delivered."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_bridge import reports
from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.models import customers, surveys, tasks
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import answer
from crm_bridge.store import CrmStore
from crm_bridge.work_lists import open_tasks, survey_answers

ANI = "13800138000"
WANG = "+8613800138000"


def entry(kind: str, at: float, call_id: str = "c1", **fields: Json) -> Entry:
    return Entry(call_id, kind, at, fields)


def started(at: float = 1000.0, call_id: str = "c1", **fields: Json) -> Entry:
    return entry("call_started", at, call_id, **{"dnis": "4008001001", "ani": ANI, "source": "shared", **fields})


def ended(at: float, call_id: str = "c1", outcome: str = "answered", **fields: Json) -> Entry:
    return entry("outcome", at, call_id, outcome=outcome, hangup_by="caller", **fields)


def logged(*entries: Entry, first_seq: int = 1) -> list[Logged]:
    return [Logged(seq, item) for seq, item in enumerate(entries, first_seq)]


async def rows(store: CrmStore, table: Any) -> list[dict[str, Any]]:
    return await store.read(lambda connection: [dict(row) for row in connection.execute(select(table)).mappings()])


async def one_by_one(store: CrmStore, batch: Iterable[Logged]) -> None:
    for item in batch:
        await store.apply([item])


# ---- the source that a caller names


NAMED = entry("source", 1005.0, source="newspaper")


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("together", [True, False])
async def test_what_the_caller_names_counts_whatever_the_order(
    store: CrmStore, order: tuple[int, ...], together: bool
) -> None:
    story = [started(), NAMED, ended(1010.0)]
    batch = logged(*(story[place] for place in order))
    await (store.apply(batch) if together else one_by_one(store, batch))
    [call] = await reports.calls(store)
    assert call.media_source == "newspaper"
    [customer] = await rows(store, customers)
    assert customer["first_source"] == "newspaper"


async def test_a_source_named_on_a_later_call_is_not_the_first(store: CrmStore) -> None:
    await store.apply(logged(started(), ended(1010.0)))
    later = [started(2000.0, "c2"), entry("source", 2001.0, "c2", source="newspaper")]
    await one_by_one(store, logged(*later, first_seq=3))
    assert [call.media_source for call in await reports.calls(store)] == ["newspaper", "shared"]
    assert (await rows(store, customers))[0]["first_source"] == "shared"


async def test_the_media_report_counts_what_was_named(store: CrmStore) -> None:
    await one_by_one(store, logged(started(), NAMED, ended(1010.0)))
    report = await answer(store, Media(Period(date(1970, 1, 1), date(1970, 1, 1)), store.rules))
    assert {line["source"]: line["calls"] for line in report.lines if line["calls"]} == {"newspaper": 1}


@pytest.mark.parametrize("source", [None, "", 7.5, ["tv"], {"a": 1}])
async def test_a_source_of_a_wrong_shape_is_not_said(store: CrmStore, source: Json) -> None:
    await store.apply(logged(started(), entry("source", 1001.0, source=source)))
    assert (await reports.calls(store))[0].media_source == "shared"


async def test_first_touch_is_the_same_for_every_split_and_order_of_calls(new_crm: Callable[[], str]) -> None:
    """Two phones call at one instant, too, and one of them names its source."""
    story = [
        *(started(1000.0 + n % 3, f"c{n}", ani=f"1380013800{n % 2}", source=f"s{n}") for n in range(8)),
        *(entry("source", 1100.0, f"c{n}", source=f"named{n}") for n in (0, 1, 3)),
    ]
    batch, dice, seen = logged(*story), random.Random(3), []
    for turn in range(8):
        store = CrmStore(new_crm())
        size = turn % 4 + 1
        for begin in range(0, len(batch), size):
            await store.apply(batch[begin : begin + size])
        found = [{k: v for k, v in row.items() if k != "id"} for row in await rows(store, customers)]
        seen.append(sorted(found, key=lambda row: row["first_call_id"]))
        await store.close()
        dice.shuffle(batch)
    assert all(found == seen[0] for found in seen)
    assert [row["first_source"] for row in seen[0]] == ["named0", "named3"]


# ---- tasks


VOICEMAIL = entry(
    "voicemail", 1005.0, box="after_sales", recording="c1_1005000", seconds=12.5, number=WANG, language="mandarin"
)
CALLBACK = entry("callback", 1006.0, number="+862162345678", queue="sales", language="english")


async def test_a_message_becomes_a_task(store: CrmStore) -> None:
    await store.apply(logged(started(), VOICEMAIL, ended(1010.0, outcome="voicemail")))
    [task] = await open_tasks(store, "voicemail")
    assert (task.call_id, task.number, task.box) == ("c1", WANG, "after_sales")
    assert (task.recording, task.seconds, task.language) == ("c1_1005000", 12.5, "mandarin")
    assert task.opened_at.timestamp() == 1005.0
    assert await open_tasks(store, "callback") == []


async def test_a_wish_to_be_called_back_becomes_a_task_with_the_number_that_was_said(store: CrmStore) -> None:
    await store.apply(logged(started(), CALLBACK))
    [task] = await open_tasks(store, "callback")
    assert (task.number, task.queue, task.language) == ("+862162345678", "sales", "english")


@pytest.mark.parametrize("together", [True, False])
async def test_a_wish_that_is_told_again_by_the_same_call_is_one_task(store: CrmStore, together: bool) -> None:
    """As by a call that goes on after its engine died, in the node it was in. Another queue is another wish."""
    again = [entry("callback", 1030.0 + n, number="+862162345678", queue="sales") for n in range(2)]
    other = entry("callback", 1040.0, number="+862162345678", queue="service")
    batch = logged(started(), CALLBACK, *again, other, started(1050.0, "c2"), entry("callback", 1051.0, "c2"))
    await (store.apply(batch) if together else one_by_one(store, batch))
    found = await open_tasks(store, "callback")
    assert [(task.call_id, task.queue) for task in found] == [("c2", ""), ("c1", "service"), ("c1", "sales")]
    assert found[-1].opened_at.timestamp() == 1006.0


@pytest.mark.parametrize("number", ["", None, "nonsense", 5])
async def test_without_a_number_of_its_own_the_task_has_the_calls(store: CrmStore, number: Json) -> None:
    await one_by_one(store, logged(started(), entry("voicemail", 1005.0, number=number)))
    assert [task.number for task in await open_tasks(store, "voicemail")] == [WANG]


async def test_a_withheld_number_leaves_a_task_all_the_same(store: CrmStore) -> None:
    await store.apply(logged(started(ani=""), entry("voicemail", 1005.0, number="", recording="x")))
    [task] = await open_tasks(store, "voicemail")
    assert (task.number, task.recording) == ("", "x")


async def test_delivered_twice_it_is_one_task_and_what_is_done_stays_done(store: CrmStore) -> None:
    batch = logged(started(), VOICEMAIL, CALLBACK, ended(1010.0), entry("survey", 1020.0, service=5))
    await store.apply(batch)
    await store.write(lambda connection: connection.execute(update(tasks).values(state="done")) and None)
    for piece in (batch, batch[1:3], batch[2:], batch[:1]):
        await store.apply(piece)
    assert [row["state"] for row in await rows(store, tasks)] == ["done", "done"]
    assert len(await rows(store, surveys)) == 1
    assert await open_tasks(store, "voicemail") == []


async def test_two_messages_of_one_call_are_two_tasks_newest_first(store: CrmStore) -> None:
    again = entry("voicemail", 1030.0, box="sales", recording="c1_1030000", seconds=3)
    await one_by_one(store, logged(started(), VOICEMAIL, again))
    found = await open_tasks(store, "voicemail")
    assert [task.box for task in found] == ["sales", "after_sales"]
    assert await open_tasks(store, "voicemail", limit=1) == found[:1]


async def test_a_message_that_the_fail_open_script_took_is_a_task_too(store: CrmStore) -> None:
    end = ended(1010.0, outcome="voicemail", voicemail="/srv/site/var/voicemail/c1_1700000000.1.wav", language="")
    await store.apply(logged(started(), end))
    [task] = await open_tasks(store, "voicemail")
    assert (task.recording, task.number) == ("c1_1700000000.1", WANG)


async def test_fields_of_a_wrong_shape_do_not_stop_a_task(store: CrmStore) -> None:
    odd = entry("voicemail", 1005.0, box=["a"], queue={"q": 1}, recording=7, seconds="long", language=None)
    await store.apply(logged(started(), odd))
    [task] = await open_tasks(store, "voicemail")
    assert (task.box, task.queue, task.recording, task.seconds, task.language) == ("", "", "", None, "")


# ---- surveys


async def test_marks_and_a_comment_after_the_call_is_closed(store: CrmStore) -> None:
    survey = entry("survey", 1020.0, service=5, again=10, comment="c1_1020000", comment_s=7.2)
    await one_by_one(store, logged(started(), ended(1010.0, agent="1001", queue="sales"), survey))
    [answers] = await survey_answers(store)
    assert (dict(answers.scores), answers.recording, answers.seconds) == (
        {"again": 10, "service": 5},
        "c1_1020000",
        7.2,
    )
    assert (answers.call_id, answers.agent, answers.queue, answers.number) == ("c1", "1001", "sales", WANG)
    assert [row["kind"] for row in await rows(store, tasks)] == ["survey"]
    assert (await reports.calls(store))[0].outcome == "answered"


async def test_surveys_newest_first_with_or_without_words(store: CrmStore) -> None:
    await store.apply(
        logged(
            *(started(1000.0 + n, f"c{n}") for n in range(4)),
            entry("survey", 1100.0, "c0", service=5),
            entry("survey", 1101.0, "c1", comment="words"),
            entry("survey", 1102.0, "c2", service=2, again=0),
            entry("survey", 1103.0, "c3", service=1, comment="more words"),
        )
    )
    found = await survey_answers(store)
    assert [(row.call_id, dict(row.scores), row.recording) for row in found] == [
        ("c3", {"service": 1}, "more words"),
        ("c2", {"again": 0, "service": 2}, ""),
        ("c1", {}, "words"),
        ("c0", {"service": 5}, ""),
    ]
    assert await survey_answers(store, limit=2) == found[:2]


async def test_only_whole_numbers_are_marks(store: CrmStore) -> None:
    odd: dict[str, Json] = {"a": 4.5, "b": True, "c": "5", "d": None, "e": 10**6, "f" * 65: 3, "comment_s": 4, "ok": 3}
    await store.apply(logged(started(), entry("survey", 1020.0, **odd)))
    assert [(row["name"], row["score"]) for row in await rows(store, surveys)] == [("ok", 3)]
    assert await rows(store, tasks) == []
