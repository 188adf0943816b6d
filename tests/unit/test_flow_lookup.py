"""lookup: what is asked of the CRM and of another server, what is kept of the answer, and that a PIN gives nothing
away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.interpreter import CallState, walk
from ivr.flow.outside import NOBODY, Caller, Outside, OutsideFailed, WebRequest
from ivr.pin_lock import PinLock
from tests.flow.typed_voice import PaperWorld, TypedVoice
from tests.flow.walking import Walked, flow, problems, walked

FAILED = {"kind": "hangup"}
PIN = "2468"


@dataclass
class PaperCrm:
    """``records``: by subject and key. ``away``: raised by every question."""

    records: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    away: Exception | None = None
    slow_s: float = 0.0
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def caller(self, e164: str) -> Caller:
        return NOBODY

    async def look_up(self, what: str, key: str, language: str) -> Mapping[str, str] | None:
        self.asked.append((what, key, language))
        await self._pause()
        return self.records.get((what, key))

    async def prove(self, what: str, key: str, pin: str) -> bool:
        self.asked.append(("prove", what, key))
        await self._pause()
        return self.pins.get(key) == pin

    async def _pause(self) -> None:
        await asyncio.sleep(self.slow_s)
        if self.away is not None:
            raise self.away


@dataclass
class PaperWeb:
    answer: Any = None
    away: Exception | None = None
    asked: list[WebRequest] = field(default_factory=list)

    async def fetch(self, request: WebRequest) -> Any:
        self.asked.append(request)
        if self.away is not None:
            raise self.away
        return self.answer


def lookup(what: str = "order", **more: Any) -> dict[str, Any]:
    asks = {} if what == "http" else {"key": "{order_number}"}
    return {"kind": "lookup", "what": what, **asks, "found": "right", "missing": "wrong", "failed": "broken", **more}


def http(**more: Any) -> dict[str, Any]:
    return {"url": "https://stock.example/of/{product}", **more}


def looked_up(node: dict[str, Any], outside: Outside, **state: Any) -> Walked:
    known = {"order_number": "1024", "product": "laptop", **state.pop("attributes", {})}
    return walked(flow(a=node, broken=FAILED), world=PaperWorld(outside=outside), attributes=known, **state)


ORDER = {"number": "1024", "status": "shipped", "amount": "205.50", "place": "上海 浦东"}
CRM = {("order", "1024"): ORDER, ("dealer", "88001"): {"name": "华东数码", "owner": "1002"}}


# ---- the CRM


def test_what_is_found_becomes_values_of_the_call() -> None:
    crm = PaperCrm({("shipment", "1024"): ORDER})
    take = {"status": "shipment_status", "place": "where", "carrier": "carrier"}
    found = looked_up(lookup("shipment", take=take), Outside(crm=crm), texts={"where": "old"})
    assert found.state.path == ["a", "right"]
    assert crm.asked == [("shipment", "1024", "mandarin")]
    assert found.state.attributes["shipment_status"] == "shipped"  # kept over a restart of the engine
    assert found.state.texts == {"where": "上海 浦东"}
    assert "carrier" not in found.state.values()


@pytest.mark.parametrize("known", ["order_status", "where"])
def test_what_was_known_before_is_forgotten_when_it_is_not_found(known: str) -> None:
    node = lookup(take={"status": "order_status", "shipment": "where"})
    before = {"attributes": {"order_status": "paid", "order_number": "9"}, "texts": {"where": "here or there"}}
    found = looked_up(node, Outside(crm=PaperCrm(CRM)), **before)
    assert found.state.path == ["a", "wrong"]
    assert known not in found.state.values()


def test_a_value_may_be_looked_up_with_and_taken_again() -> None:
    found = looked_up(lookup(take={"number": "order_number"}), Outside(crm=PaperCrm(CRM)))
    assert found.state.attributes["order_number"] == "1024"


def test_what_is_there_is_found_though_nothing_of_it_is_taken() -> None:
    assert looked_up(lookup(take={"shipment": "x"}), Outside(crm=PaperCrm(CRM))).state.path == ["a", "right"]
    assert looked_up(lookup(), Outside(crm=PaperCrm(CRM))).state.path == ["a", "right"]


@pytest.mark.parametrize("key", ["{unheard_of}", "{order_number}{long}"])
def test_a_key_that_nobody_knows_is_not_asked_for(key: str) -> None:
    crm = PaperCrm(CRM)
    found = looked_up(lookup(key=key), Outside(crm=crm), texts={"long": "x" * 64})
    assert (found.state.path, crm.asked) == (["a", "wrong"], [])


@pytest.mark.parametrize(
    ("crm", "told"),
    [
        (PaperCrm(away=OutsideFailed("the CRM is away")), "the order look-up failed: the CRM is away"),
        (PaperCrm(slow_s=5), "the order look-up failed: no answer in time"),
    ],
)
@pytest.mark.parametrize("way", ["failed", "missing"])
def test_a_failure_has_its_way_and_is_the_admins_to_see(crm: PaperCrm, told: str, way: str) -> None:
    seen: list[tuple[str, str]] = []
    node = lookup(timeout_s=0.02, failed="broken" if way == "failed" else None)
    found = looked_up(node, Outside(crm=crm), on_problem=lambda place, what: seen.append((place, what)))
    assert found.state.path == ["a", "broken" if way == "failed" else "wrong"]
    assert seen == [("a", told)]


# ---- the PIN


def proved(outside: Outside, pin: str, code: str = "88001", at: PaperWorld | None = None) -> Walked:
    node = lookup("dealer", key="{code}", pin="dealer_pin", take={"owner": "owner"})
    world = at or PaperWorld()
    world.outside = outside
    secrets = {"dealer_pin": pin} if pin else {}
    return walked(flow(a=node, broken=FAILED), world=world, attributes={"code": code}, secrets=secrets)


def dealers(**more: Any) -> Outside:
    return Outside(crm=PaperCrm(CRM, {"88001": PIN}, **more))


def test_the_right_pin_opens_the_account_and_is_forgotten() -> None:
    found = proved(dealers(), PIN)
    assert (found.state.path, found.state.attributes["owner"]) == (["a", "right"], "1002")
    assert found.state.secrets == {}


@pytest.mark.parametrize(
    ("pin", "code", "asked"),
    [("1111", "88001", 1), (PIN, "99999", 1), ("", "88001", 0)],
    ids=["wrong", "nobody", "none"],
)
def test_a_wrong_pin_and_no_account_go_the_same_way(pin: str, code: str, asked: int) -> None:
    outside = dealers()
    found = proved(outside, pin, code)
    assert (found.state.path, found.said, found.state.secrets) == (["a", "wrong"], [], {})
    assert "owner" not in found.state.attributes
    assert len(outside.crm.asked) == asked  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", ["88001", "99999"])
def test_five_wrong_pins_lock_the_account_for_a_quarter_of_an_hour(code: str) -> None:
    outside, world = dealers(), PaperWorld()
    for _ in range(5):
        assert proved(outside, "1111", code, world).state.path == ["a", "wrong"]
    begun = world.at
    assert proved(outside, PIN, "88001", world).state.path == ["a", "right" if code == "99999" else "wrong"]
    asked = len(outside.crm.asked)  # type: ignore[attr-defined]
    assert proved(outside, "1111", code, world).state.path == ["a", "wrong"]
    assert len(outside.crm.asked) == asked  # type: ignore[attr-defined]
    world.at = begun.replace(minute=begun.minute + 15)
    assert proved(outside, PIN, "88001", world).state.path == ["a", "right"]


def test_the_right_pin_clears_the_count() -> None:
    outside = dealers()
    for pin in ("1111", "1111", "1111", "1111", PIN) * 2:
        found = proved(outside, pin)
    assert found.state.path == ["a", "right"]


@pytest.mark.parametrize("written", [" 88001", "88001 "])
def test_another_way_to_write_an_account_is_no_other_account(written: str) -> None:
    outside = dealers()
    for n in range(5):
        proved(outside, "1111", written if n % 2 else "88001")
    assert proved(outside, PIN).state.path == ["a", "wrong"]


async def test_many_callers_at_once_have_no_more_tries_than_one() -> None:
    outside = dealers(slow_s=0.01)
    node = lookup("dealer", key="{code}", pin="dealer_pin")
    given = flow(a=node, broken=FAILED)

    async def call(pin: str) -> None:
        world = PaperWorld(outside=outside)
        state = CallState("mandarin", attributes={"code": "88001"}, secrets={"dealer_pin": pin})
        await walk(given, None, state, TypedVoice(world), world)

    await asyncio.gather(*(call(f"{pin:04}") for pin in range(50)))
    assert len(outside.crm.asked) == 5  # type: ignore[attr-defined]
    assert outside.pins.locked("dealer/88001", PaperWorld().at.timestamp())


def test_a_crm_that_does_not_answer_costs_the_account_no_try() -> None:
    outside = dealers(away=OutsideFailed("away"))
    for _ in range(9):
        assert proved(outside, PIN).state.path == ["a", "broken"]
    outside.crm.away = None  # type: ignore[attr-defined]
    assert proved(outside, PIN).state.path == ["a", "right"]


def test_the_pin_lock_forgets_what_is_not_under_way() -> None:
    pins = PinLock(tries=2)
    assert [pins.begin("a", 0), pins.begin("a", 0), pins.begin("a", 0), pins.begin("b", 0)] == [True, True, False, True]
    for account in ("a", "a", "b"):
        pins.end(account)
    assert pins._under_way == {}
    assert pins.begin("a", 0)


# ---- the web


def from_web(answer: Any, take: dict[str, str], **more: Any) -> tuple[Walked, PaperWeb]:
    web = PaperWeb(answer)
    question, state = http(**more.pop("http", {})), more.pop("state", {})
    return looked_up(lookup("http", http=question, take=take, **more), Outside(web=web), **state), web


def test_a_number_of_another_server() -> None:
    answer = {"stock": {"count": 7, "price": Decimal("205.50"), "rare": False, "note": "明天 到", "none": None}}
    take = {f"$.stock.{name}": name for name in answer["stock"]}
    found, web = from_web(answer, take)
    assert found.state.path == ["a", "right"]
    assert web.asked == [WebRequest("GET", "https://stock.example/of/laptop")]
    values = found.state.values()
    assert [values.get(name) for name in answer["stock"]] == ["7", "205.50", "false", "明天 到", None]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.shops[0].city", "Wuhan"),
        ("$..city", "Wuhan"),
        ("$.shops[-1].city", "Xian"),
        ("$.shops[?@.left > 3].city", "Xian"),
        ("$['shops'][1].left", "9"),
        ("$.shops", None),
        ("$.nothing", None),
    ],
)
def test_the_first_find_of_a_path(path: str, value: str | None) -> None:
    shops = {"shops": [{"city": "Wuhan", "left": Decimal("2.5")}, {"city": "Xian", "left": 9}]}
    found, _ = from_web(shops, {path: "got"})
    assert found.state.values().get("got") == value
    assert found.state.path == ["a", "wrong" if value is None else "right"]


@pytest.mark.parametrize(
    "answer", [None, {}, [], {"count": None}, {"count": {"a": 1}}, {"count": Decimal("1e999999")}, 5]
)
def test_nothing_there(answer: Any) -> None:
    assert from_web(answer, {"$.count": "count"})[0].state.path == ["a", "wrong"]


def test_one_of_two_paths_is_enough() -> None:
    found, _ = from_web({"count": 0}, {"$.count": "count", "$.arrives": "arrives"})
    assert (found.state.path, found.state.attributes["count"]) == (["a", "right"], "0")


def test_without_paths_any_answer_is_one() -> None:
    assert from_web({}, {})[0].state.path == ["a", "right"]


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("a b/c?d#e&f", "https://stock.example/of/a%20b%2Fc%3Fd%23e%26f"),
        ("..", None),
        (".", None),
        ("../admin", "https://stock.example/of/..%2Fadmin"),
        ("{product}", "https://stock.example/of/%7Bproduct%7D"),
        ("%2e%2e", "https://stock.example/of/%252e%252e"),
        ("李\r\nHost: evil", "https://stock.example/of/%E6%9D%8E%0D%0AHost%3A%20evil"),
        ("@evil.example", "https://stock.example/of/%40evil.example"),
    ],
)
def test_a_value_stays_what_it_is_in_the_url(value: str, url: str | None) -> None:
    found, web = from_web({"n": 1}, {"$.n": "n"}, state={"attributes": {"product": value}})
    assert [request.url for request in web.asked] == ([] if url is None else [url])
    assert found.state.path[-1] == ("wrong" if url is None else "right")


def test_a_body_is_filled_inside_its_texts_only() -> None:
    body = {"sku": "{product}", "n": [1, "{order_number}", None, True], "{product}": {"deep": "is {product}"}}
    value = '"}, {"sku": "{order_number}'
    question = {"method": "POST", "headers": {"X-Key": "s3cret"}, "body": body}
    _, web = from_web({"n": 1}, {"$.n": "n"}, http=question, state={"attributes": {"product": value}})
    [request] = web.asked
    assert (request.method, request.headers) == ("POST", {"X-Key": "s3cret"})
    assert request.body == {"sku": value, "n": [1, "1024", None, True], "{product}": {"deep": f"is {value}"}}


def test_a_value_that_is_not_known_asks_nothing() -> None:
    found, web = from_web({"n": 1}, {}, http={"method": "POST", "body": {"a": ["{unheard_of}"]}})
    assert (found.state.path, web.asked) == (["a", "wrong"], [])


def test_a_server_that_is_away() -> None:
    web = PaperWeb(away=OutsideFailed("away"))
    found = looked_up(lookup("http", http=http(), take={"$.n": "n"}), Outside(web=web), attributes={"n": "1"})
    assert (found.state.path, "n" in found.state.values()) == (["a", "broken"], False)


def test_an_answer_of_great_depth_has_nothing_there() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert from_web(deep, {"$..x": "n"})[0].state.path == ["a", "wrong"]


def test_nothing_joined_is_an_outage() -> None:
    assert looked_up(lookup("http", http=http()), Outside()).state.path == ["a", "broken"]
    assert looked_up(lookup(), Outside()).state.path == ["a", "broken"]


# ---- at load


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (lookup(key=None), "a key"),
        (lookup(http=http()), "go together"),
        (lookup("http"), "go together"),
        (lookup("http", http=http(), key="1"), "by http"),
        (lookup("http", http=http(), pin="p"), "sent to nobody"),
        (lookup(take={"colour": "x"}), "'order' has no field 'colour'; it has number, status"),
        (lookup(take={"status": "language"}), "call's own"),
        (lookup(key="{a.b}"), "pattern"),
        (lookup("weather"), "'order'"),
        (lookup(timeout_s=0), "greater than 0"),
        (lookup(timeout_s=60), "less than or equal to 10"),
        (lookup("http", http=http(), take={"stock.count": "n"}), "is no JSON path"),
        (lookup("http", http=http(), take={"$.a[": "n"}), "is no JSON path"),
        (lookup("http", http=http(), take={"$.a | $.b": "n"}), "JSON path"),
        (lookup("http", http=http(url="https://{product}.example/")), "behind the host only"),
        (lookup("http", http=http(url="{product}://x.example/")), "behind the host only"),
        (lookup("http", http=http(url="https://x.example:{product}/")), "behind the host only"),
        (lookup("http", http=http(url="https://me:pass@x.example/")), "no password"),
        (lookup("http", http=http(url="ftp://x.example/")), "http(s)"),
        (lookup("http", http=http(url="https://x.example/a b")), "%XX"),
        (lookup("http", http=http(url="https://x.example/#top")), "#"),
        (lookup("http", http=http(url="https://x.example/a/../b")), ".."),
        (lookup("http", http=http(url="https://x.example:70000/")), "port"),
        (lookup("http", http=http(url="https://x.example/{product")), "behind the host only"),
        (lookup("http", http=http(method="DELETE")), "'GET' or 'POST'"),
        (lookup("http", http=http(body={"a": 1})), "POST only"),
        (lookup("http", http=http(method="POST", body={"a": float("nan")})), "JSON"),
        (lookup("http", http=http(headers={"Host": "x"})), "connection's own"),
        (lookup("http", http=http(headers={"X-A": "{product}"})), "into a header"),
        (lookup("http", http=http(headers={"X-A": "a\r\nB: c"})), "pattern"),
        (lookup("http", http=http(headers={"X A": "a"})), "pattern"),
    ],
)
def test_refused(node: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        flow(a=node, broken=FAILED)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://[::1]:8080/a?b=c&d={product}",
        "https://x.example/{a}/{b}-{c}.json?q=%20{d}",
        "https://x.example?q={d}",
    ],
)
def test_taken(url: str) -> None:
    flow(a=lookup("http", http=http(url=url)), broken=FAILED)


@pytest.mark.parametrize(
    ("node", "path", "message"),
    [
        (lookup(key="{order_numbre}"), ("key",), "no value 'order_numbre'"),
        (lookup("http", http=http(url="http://x/{prodct}")), ("http", "url"), "no value 'prodct'"),
        (
            lookup("http", http=http(url="http://x/", method="POST", body={"a": [1, "{prodct}"]})),
            ("http", "body", "a", 1),
            "no value 'prodct'",
        ),
        (lookup(key="1", found="rihgt"), ("found", "goto"), "no node 'rihgt'"),
        (lookup(key="1", missing="wrogn"), ("missing", "goto"), "no node 'wrogn'"),
        (lookup(key="1", failed="brokne"), ("failed", "goto"), "no node 'brokne'"),
        (lookup("dealer", key="1", pin="dealer_pni"), ("pin",), "no secret 'dealer_pni'"),
    ],
)
def test_the_check_knows_the_names(node: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    ask = {"kind": "gather", "what": "pin", "value": "dealer_pin", "prompts": ["q"], "then": "a", "otherwise": "broken"}
    number = {**ask, "what": "order_number", "value": "order_number", "then": "ask"}
    found = problems(flow(a=node, broken=FAILED, ask=ask, number=number, top={"start": "number"}))
    assert [(p.path, p.message) for p in found if p.path[2:]] == [(("nodes", "a", *path), f"there is {message}")]


def test_what_is_taken_may_be_said() -> None:
    node = lookup(key="1", take={"amount": "amount"}, found="say")
    say = {"kind": "say", "what": "money", "value": "{amount}", "then": "end"}
    assert problems(flow(a=node, say=say, broken=FAILED)) == []


def test_a_loop_of_look_ups_spins() -> None:
    [problem] = problems(flow(a=lookup(key="1", missing="a"), broken=FAILED))
    assert "a loop without input" in problem.message
