"""Customers and what there is of them over the REST API, on both kinds of database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.life_cycle import Stage
from crm_bridge.models import changes, consents, do_not_call
from tests.contracts.asking import NOON, Api

PHONE = "+8613800138000"


async def ring(api: Api, call_id: str, ani: str = "13800138000", at_s: float = 0.0, **said: Json) -> None:
    """One whole call."""
    at = NOON.timestamp() + at_s
    start: dict[str, Json] = {"dnis": "4008001001", "ani": ani, "source": "tv", "campaign": "autumn", **said}
    end: dict[str, Json] = {"outcome": "answered", "agent": "1001", "queue": "sales", "waited_s": 2.5}
    seq = 10 * int(call_id[1:])
    entries = [Entry(call_id, "call_started", at, start), Entry(call_id, "outcome", at + 60, end)]
    await api.store.apply([Logged(seq + nr, entry) for nr, entry in enumerate(entries)])


async def test_a_customer_is_made_read_changed_and_found_by_phone(api: Api) -> None:
    made = await api.post(
        "/v1/customers",
        {"name": "王芳", "number": "80001", "phones": ["138 0013 8000"], "tier": "gold", "email": "f@x.cn"},
    )
    assert (made["name"], made["number"], made["numbers"], made["stage"]) == ("王芳", "80001", [PHONE], "prospect")
    assert await api.get(f"/v1/customers/{made['id']}") == made
    assert await api.get(f"/v1/customers/by-phone/{PHONE}") == made
    assert await api.get("/v1/customers/by-phone/13800138000") == made
    changed = await api.patch(f"/v1/customers/{made['id']}", {"tier": "", "household": "wang"})
    assert changed == {**made, "tier": "", "household": "wang"}
    told = [(row["by"], row["field"], row["before"], row["after"]) for row in await api.rows(changes)]
    assert ("api:shop", "tier", "gold", "") in told
    assert ("api:shop", "phone", None, PHONE) in told


async def test_a_number_is_one_customers(api: Api) -> None:
    first = await api.customer(phones=[PHONE], number="80001")
    problem = await api.post("/v1/customers", {"name": "Li", "phones": ["01085550100", PHONE]}, 409)
    assert (problem["where"], str(first) in problem["detail"]) == ("body.phones.1", True)
    assert (await api.post("/v1/customers", {"name": "Li", "number": "80001"}, 409))["where"] == "body.number"
    assert len((await api.get("/v1/customers"))["items"]) == 1  # nothing is left of what was refused
    second = await api.customer()
    assert (await api.put(f"/v1/customers/{second}/numbers/{PHONE}", None, 409))["where"] == "body.e164"
    await api.delete(f"/v1/customers/{first}/numbers/{PHONE}")
    assert (await api.put(f"/v1/customers/{second}/numbers/{PHONE}", None, 201))["numbers"] == [PHONE]
    await api.put(f"/v1/customers/{second}/numbers/{PHONE}", None, 200)
    await api.delete(f"/v1/customers/{first}/numbers/{PHONE}", 404)


async def test_a_customer_has_only_so_many_numbers(api: Api) -> None:
    id_ = await api.customer(phones=[f"138001380{nr:02}" for nr in range(20)])
    assert "at most 20" in (await api.put(f"/v1/customers/{id_}/numbers/13900139000", None, 409))["detail"]


async def test_customers_are_found_by_each_filter(api: Api) -> None:
    one = await api.customer("One", number="1", phones=[PHONE], tier="gold", household="h", company="c", owner="1001")
    two = await api.customer("Two")

    async def found(**filters: Any) -> list[int]:
        return [row["id"] for row in (await api.get("/v1/customers", **filters))["items"]]

    for name, value in {"tier": "gold", "household": "h", "company": "c", "owner": "1001", "number": "1"}.items():
        assert await found(**{name: value}) == [one], name
    assert await found(phone=PHONE) == await found(phone="138-0013-8000") == [one]
    assert await found(stage="prospect") == [one, two]
    assert await found(stage="loyal") == []
    # A + that was not escaped is a blank.
    assert [row["id"] for row in (await api.get(f"/v1/customers?phone={PHONE}"))["items"]] == [one]


async def test_a_filter_that_is_not_known_is_refused(api: Api) -> None:
    problem = await api.get("/v1/customers", 422, stag="loyal")
    assert problem["where"] == "query.stag"


async def test_who_has_changed_since(api: Api) -> None:
    old = await api.customer("Old")
    api.clock.now += 3600
    since = (NOON + timedelta(minutes=30)).isoformat()
    new = await api.customer("New")
    await ring(api, "c1", "13900139000", at_s=3600)

    async def changed() -> set[int]:
        return {row["id"] for row in (await api.get("/v1/customers", changed_since=since))["items"]}

    caller = (await api.get("/v1/customers/by-phone/13900139000"))["id"]
    assert await changed() == {new, caller}
    await api.put("/v1/dealers/301", {"name": "no customer's number"})  # whose history is no customer's
    await api.patch(f"/v1/customers/{old}", {"region": "east"})
    assert await changed() == {old, new, caller}


async def test_a_stage_that_a_rule_has_changed_is_a_change(api: Api) -> None:
    """It is told as of the midnight of its day."""
    id_ = await api.customer()
    api.clock.now += 5 * 86_400
    since = (NOON + timedelta(days=5, hours=-1)).isoformat()
    await api.post("/v1/orders", {"customer_id": id_, "amount": "10"})
    [found] = (await api.get("/v1/customers", changed_since=since))["items"]
    assert (found["id"], found["stage"]) == (id_, Stage.FIRST_ORDER)


async def test_a_timeline_has_calls_and_contacts_the_newest_first(api: Api) -> None:
    for nr in range(3):
        await ring(api, f"c{nr}", at_s=100 * nr)
    id_ = (await api.get(f"/v1/customers/by-phone/{PHONE}"))["id"]
    for at_s, kind in ((50, "mail"), (200, "note"), (200, "visit")):  # two in the very second of a call
        at = (NOON + timedelta(seconds=at_s)).isoformat()
        await api.post(f"/v1/customers/{id_}/interactions", {"kind": kind, "text": "two\nlines", "at": at})
    whole = (await api.get(f"/v1/customers/{id_}/timeline"))["items"]
    named = [row.get("call_id") if row["type"] == "call" else row["kind"] for row in whole]
    assert named == ["c2", "visit", "note", "c1", "mail", "c0"]
    walked: list[Any] = []
    cursor = None
    for _ in range(6):
        page = await api.get(f"/v1/customers/{id_}/timeline", limit=1, **({"cursor": cursor} if cursor else {}))
        walked += page["items"]
        cursor = page["next"]
    assert walked == whole
    assert cursor is None


async def test_a_timeline_is_one_customers(api: Api) -> None:
    await ring(api, "c1")
    await ring(api, "c2")
    other = await api.customer()
    assert (await api.get(f"/v1/customers/{other}/timeline"))["items"] == []
    mine = (await api.get(f"/v1/customers/by-phone/{PHONE}"))["id"]
    cursor = (await api.get(f"/v1/customers/{mine}/timeline", limit=1))["next"]
    await api.get(f"/v1/customers/{other}/timeline", 422, limit=1, cursor=cursor)
    await api.get("/v1/customers/4711/timeline", 404)


async def test_notes_say_who_and_when(api: Api) -> None:
    id_ = await api.customer(phones=[PHONE])
    told = await api.post(
        f"/v1/customers/{id_}/interactions", {"kind": "mail", "text": "Hello", "direction": "in", "address": "a@b.cn"}
    )
    assert (told["by"], told["kind"], told["direction"], told["address"]) == ("api:shop", "mail", "in", "a@b.cn")
    assert told["at"] == "2026-11-24T04:00:00Z"
    visit = await api.post(
        f"/v1/customers/{id_}/interactions", {"kind": "visit", "text": "x", "address": "13800138000"}
    )
    assert visit["address"] == PHONE
    await api.post("/v1/customers/4711/interactions", {"kind": "note", "text": "x"}, 404)
    assert (await api.post(f"/v1/customers/{id_}/interactions", {"kind": "call_out", "text": "x"}, 422))["where"]


async def test_what_customers_allow_is_only_added_to(api: Api) -> None:
    id_ = await api.customer(phones=[PHONE], email="f@x.cn")
    path = f"/v1/customers/{id_}/consents"
    await api.post(path, {"address": "13800138000", "channel": "call", "given": True})
    api.clock.now += 60
    await api.post(path, {"address": PHONE, "channel": "call", "given": False})
    await api.post(path, {"address": "f@x.cn", "channel": "mail", "given": True})
    words = [(row["address"], row["channel"], row["given"]) for row in (await api.get(path))["items"]]
    assert words == [("f@x.cn", "mail", True), (PHONE, "call", False), (PHONE, "call", True)]
    assert {row["by"] for row in await api.rows(consents)} == {"api:shop"}
    stranger = {"address": "13900139000", "channel": "call", "given": True}
    assert (await api.post(path, stranger, 422))["where"] == "body.address"


async def test_households_and_companies_are_put(api: Api) -> None:
    assert await api.put("/v1/households/wang", {"name": "王家"}) == {"code": "wang", "name": "王家"}
    assert (await api.put("/v1/households/wang", {"name": "Wang"}, 200))["name"] == "Wang"
    assert await api.get("/v1/households/wang") == {"code": "wang", "name": "Wang"}
    company = await api.put("/v1/companies/longtech", {"name": "龙腾", "tier": "gold", "owner": "1003"})
    assert company == {"code": "longtech", "name": "龙腾", "tier": "gold", "price_list": "", "owner": "1003"}
    assert (await api.put("/v1/companies/longtech", {"name": "Longtech"}, 200))["tier"] == ""  # a put is the whole
    assert (await api.get("/v1/companies/longtech"))["name"] == "Longtech"
    assert len((await api.get("/v1/companies"))["items"]) == len((await api.get("/v1/households"))["items"]) == 1
    await api.get("/v1/companies/none", 404)
    await api.get("/v1/households/none", 404)


async def test_the_do_not_call_list(api: Api) -> None:
    path = f"/v1/do-not-call/{PHONE}"
    until = (NOON + timedelta(days=1)).isoformat()
    put = await api.put(path, {"until": until, "reason": "asked us to"})
    assert (put["e164"], put["until"], put["by"]) == (PHONE, "2026-11-25T04:00:00Z", "api:shop")
    again = await api.put(path, {}, 200)
    assert (again["until"], again["reason"]) == (None, "asked us to")  # as at the terminal
    assert [row["e164"] for row in (await api.get("/v1/do-not-call"))["items"]] == [PHONE]
    await api.get(path)
    await api.delete(path)
    await api.get(path, 404)
    assert (await api.get("/v1/do-not-call"))["items"] == []
    await api.delete(path, 404)
    assert [row["until"] for row in await api.rows(do_not_call)] == [NOON]  # it tells until when it was there
    api.clock.now += 60
    assert (await api.put(path, {}, 201))["since"] == "2026-11-24T04:01:00Z"
    assert (await api.put(path, {"until": "2020-01-01T00:00:00Z"}, 422))["where"] == "body.until"


async def test_a_number_whose_time_is_over_is_off_the_list(api: Api) -> None:
    await api.put(f"/v1/do-not-call/{PHONE}", {"until": (NOON + timedelta(days=1)).isoformat()})
    api.clock.now += 86_400
    assert (await api.get("/v1/do-not-call"))["items"] == []
    await api.get(f"/v1/do-not-call/{PHONE}", 404)


@pytest.mark.parametrize("phone", ["123", "+999999999999", "00000000"])
async def test_what_is_no_number_is_refused_wherever_it_stands(api: Api, phone: str) -> None:
    assert (await api.get(f"/v1/customers/by-phone/{phone}", 422))["where"] == "path.e164"
    assert (await api.get("/v1/customers", 422, phone=phone))["where"] == "query.phone"
    assert (await api.post("/v1/customers", {"name": "x", "phones": [phone]}, 422))["where"] == "body.phones.0"
    assert (await api.put(f"/v1/do-not-call/{phone}", {}, 422))["where"] == "path.e164"
