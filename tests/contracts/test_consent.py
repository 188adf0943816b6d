"""What people allow us, on both kinds of database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from crm_bridge.consent import Channel, may_contact, say
from crm_bridge.do_not_call import Listed, add, listed, remove
from crm_bridge.models import changes, consents
from crm_bridge.seed import CustomerSeed, Seed, sow
from crm_bridge.store import CrmStore

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
WANG, LI, MAIL = "+8613800138000", "+8613900139000", "fang@example.com"
PHONES = (Channel.CALL, Channel.SMS)


def hours(count: float) -> datetime:
    return NOON + timedelta(hours=count)


async def may(store: CrmStore, address: str = WANG, channel: str = "call", at: float = 0) -> bool:
    return await store.read(partial(may_contact, e164=address, channel=channel, now=hours(at)))


async def told(store: CrmStore, given: bool, at: float, channel: Channel = Channel.CALL, address: str = WANG) -> None:
    await store.write(partial(say, address=address, channel=channel, given=given, by="cli:anna", at=hours(at)))


async def put(
    store: CrmStore, at: float = 0, until: datetime | None = None, reason: str = "", by: str = "cli:a"
) -> None:
    await store.write(partial(add, entry=Listed(WANG, hours(at), until, reason, by)))


async def on_list(store: CrmStore, at: float = 0, **more: Any) -> list[Listed]:
    return [*await store.read(partial(listed, now=hours(at), **more))]


@pytest.mark.parametrize("channel", list(Channel))
async def test_whoever_has_said_nothing_may_be_contacted(store: CrmStore, channel: Channel) -> None:
    assert await may(store, WANG, channel)


async def test_the_newest_word_counts_whichever_was_written_first(store: CrmStore) -> None:
    await told(store, False, at=5)
    await told(store, True, at=2)
    assert [await may(store, at=at) for at in (1, 3, 6)] == [True, True, False]
    await told(store, True, at=7)
    assert await may(store, at=7)
    assert not await may(store, at=6.9)  # what will be said is not said yet


async def test_of_two_words_at_one_instant_the_later_written_counts(store: CrmStore) -> None:
    await told(store, True, at=1)
    await told(store, False, at=1)
    assert not await may(store, at=1)


async def test_a_word_is_for_one_address_and_one_channel(store: CrmStore) -> None:
    await told(store, False, at=0, channel=Channel.SMS)
    await told(store, False, at=0, channel=Channel.MAIL, address=MAIL)
    assert [await may(store, WANG, channel) for channel in Channel] == [True, False, True, True]
    assert [await may(store, MAIL, channel) for channel in Channel] == [True, True, False, True]
    assert await may(store, LI, "sms")


@pytest.mark.parametrize("channel", list(Channel))
async def test_the_list_forbids_calls_and_texts_whatever_was_said(store: CrmStore, channel: Channel) -> None:
    await put(store)
    await told(store, True, at=1, channel=channel)
    assert await may(store, WANG, channel, at=2) is (channel not in PHONES)
    assert await may(store, LI, channel, at=2)


async def test_the_list_forbids_until_its_moment(store: CrmStore) -> None:
    await put(store, until=hours(3))
    assert [await may(store, at=at) for at in (0, 2.9, 3, 4)] == [False, False, True, True]


async def test_an_unknown_channel_is_refused(store: CrmStore) -> None:
    with pytest.raises(Exception, match="fax"):
        await may(store, WANG, "fax")


async def test_every_word_stays_and_says_who(store: CrmStore) -> None:
    await told(store, True, at=1)
    await told(store, False, at=2)
    rows = await store.read(lambda connection: list(connection.execute(select(consents).order_by(consents.c.id))))
    assert [(row.given, row.by, row.at) for row in rows] == [
        (True, "cli:anna", hours(1)),
        (False, "cli:anna", hours(2)),
    ]


# ---- the list


async def test_listed_changed_and_taken_off_with_who_and_when(store: CrmStore) -> None:
    await sow(store, Seed(customers=[CustomerSeed("80001", "王芳", (WANG,))]))
    await put(store, reason="asked us to")
    [entry] = await on_list(store)
    assert entry == Listed(WANG, NOON, None, "asked us to", "cli:a", "80001", "王芳")
    await put(store, at=1, until=hours(50), by="cli:b")
    [entry] = await on_list(store, at=1)
    assert (entry.since, entry.until, entry.reason, entry.by) == (NOON, hours(50), "asked us to", "cli:a")
    assert await store.write(partial(remove, e164=WANG, by="cli:c", at=hours(2)))
    assert await on_list(store, at=2) == []
    assert not await store.write(partial(remove, e164=WANG, by="cli:c", at=hours(3)))
    assert not await store.write(partial(remove, e164=LI, by="cli:c", at=hours(3)))
    await put(store, at=4, by="cli:d")
    [entry] = await on_list(store, at=4)
    assert (entry.since, entry.until, entry.by) == (hours(4), None, "cli:d")
    rows = await store.read(lambda connection: list(connection.execute(select(changes).order_by(changes.c.id))))
    assert [(row.by, row.key, row.field) for row in rows if row.field in ("*", "until")] == [
        ("cli:a", WANG, "*"),
        ("cli:b", WANG, "until"),
        ("cli:c", WANG, "until"),
        ("cli:d", WANG, "until"),
    ]


async def test_the_list_by_number_and_the_newest_first(store: CrmStore) -> None:
    await put(store)
    await store.write(partial(add, entry=Listed(LI, hours(1), None, "", "cli:a")))
    assert [entry.e164 for entry in await on_list(store, at=2)] == [LI, WANG]
    assert [entry.e164 for entry in await on_list(store, at=2, limit=1)] == [LI]
    assert [entry.e164 for entry in await on_list(store, at=2, e164=WANG)] == [WANG]
