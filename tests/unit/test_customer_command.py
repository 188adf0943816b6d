"""`hotline customer`, `consent` and `do-not-call` over a store with a few people in it. No Asterisk, no engine."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.entry import Entry, Logged
from crm_bridge.migrating import migrate
from crm_bridge.seed import CustomerSeed, OrderSeed, PromiseSeed, Seed, sow
from crm_bridge.store import CrmStore
from hotline.cli import app
from hotline.settings import SiteFolders
from hotline.site.init import init_site

WANG, HOME, LI = "+8613912340001", "+862162345678", "+8613900139000"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("filled") / "site"
    init_site(site)

    async def fill() -> None:
        url, now = SiteFolders(site).crm_url, time.time()
        await migrate(url)
        store = CrmStore(url)
        people = [
            CustomerSeed("80001", "王[red]芳", (WANG, HOME), tier="gold", household="wang", email="fang@example.com"),
            CustomerSeed("80009", "Li", (LI,), household="wang"),
        ]
        orders = [OrderSeed("A1", "80001", "shipped", Decimal("205.05"), "CNY", date(2026, 11, 20))]
        promises = [PromiseSeed("p1", "80001", "call her", date(2020, 1, 1), "1001")]
        await sow(store, Seed(customers=people, orders=orders, promises=promises))
        story = [
            Entry("c1", "call_started", now - 90, {"dnis": "1", "ani": WANG, "source": "tv_spot"}),
            Entry("c1", "outcome", now, {"outcome": "answered", "agent": "1001", "queue": "sales", "talked_s": 65.0}),
            Entry("c1", "disposition", now, {"agent": "1001", "code": "sale", "amount": "12.5"}),
        ]
        await store.apply([Logged(seq, each) for seq, each in enumerate(story, 1)])
        await store.close()

    asyncio.run(fill())
    return site


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled_once, tmp_path / "filled")
    return tmp_path / "filled"


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def done(*words: object) -> str:
    result = hotline(*words)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def refused(*words: object) -> str:
    result = hotline(*words)
    assert result.exit_code in (1, 2), result.output
    return re.sub(r"[\s│]+", " ", result.stderr)


def shown(site: Path, key: object = "80001") -> dict[str, Any]:
    card: dict[str, Any] = json.loads(done("customer", "show", key, "--json", "--site", site))
    return card


# ---- the card


@pytest.mark.parametrize("key", ["80001", "13912340001", HOME, "#1", "c1", "fang@example.com"])
def test_the_card_of_whoever_is_meant(filled: Path, key: str) -> None:
    card = shown(filled, key)
    assert (card["customer"]["number"], card["customer"]["tier"]) == ("80001", "gold")
    assert [row["e164"] for row in card["numbers"]] == [WANG, HOME]
    assert (card["orders"][0]["amount"], card["orders"][0]["placed_on"]) == ("205.05", "2026-11-20")
    assert [member["number"] for member in card["household"]["members"]] == ["80001", "80009"]
    assert [row["standing"] for row in card["promises"]] == ["broken"]
    [call] = card["time_line"]
    assert (call["outcome"], call["disposition"], call["amount"], call["talked_s"]) == (
        "answered",
        "sale",
        "12.50",
        65.0,
    )


def test_the_card_for_people(filled: Path) -> None:
    card = done("customer", "show", "80001", "--site", filled)
    words = ["王[red]芳 · 80001 · c1 · gold", "household wang", "Li 80009", "broken", "call her", "A1", "205.05"]
    words += ["← call", "answered, 1min 5s, sales", "sale 12.50"]
    assert not [word for word in words if word not in card], card


@pytest.mark.parametrize("key", ["80002", "13700137000", "#99", "nobody@example.com", "", "x" * 300])
def test_of_nobody_there_is_no_card(filled: Path, key: str) -> None:
    assert "no customer has the number" in refused("customer", "show", key, "--site", filled)


def test_where_the_site_was_never_up_nobody_is_known(site: Path) -> None:
    assert "no customer has the number" in refused("customer", "show", "80001", "--site", site)
    assert list((site / "var").iterdir()) == []


# ---- what people write


def test_a_mail_is_noted_and_told(filled: Path) -> None:
    done("customer", "note", "80001", "--kind", "mail", "--out", "sent the bill; =1+1", "--site", filled)
    first = shown(filled)["time_line"][0]
    assert (first["kind"], first["direction"], first["address"]) == ("mail", "out", "fang@example.com")
    assert first["by"].startswith("cli:")
    done("customer", "note", HOME, "they moved", "--site", filled)
    assert (shown(filled)["time_line"][0]["address"], shown(filled)["time_line"][0]["kind"]) == (HOME, "note")
    assert "→ mail" in done("customer", "show", "80001", "--site", filled)


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001])
def test_an_empty_or_endless_note_is_refused(filled: Path, text: str) -> None:
    assert "1 to 2000 characters" in refused("customer", "note", "80001", text, "--site", filled)


def test_fields_are_set_with_who_and_when(filled: Path) -> None:
    said = done("customer", "set", "13912340001", "tier=silver", "owner=1002", "language=", "--site", filled)
    assert said == "Set.\n"
    assert (shown(filled)["customer"]["tier"], shown(filled)["customer"]["owner"]) == ("silver", "1002")
    assert done("customer", "set", "80001", "tier=silver", "--site", filled) == "It is so already.\n"
    rows = [json.loads(line) for line in done("customer", "changes", "80001", "--json", "--site", filled).splitlines()]
    told = {(row["field"], row["before"], row["after"]) for row in rows if row["by"].startswith("cli:")}
    assert told == {("tier", "gold", "silver"), ("owner", "", "1002")}
    assert "silver" in done("customer", "changes", "80001", "--site", filled)


def test_what_the_sites_book_says_will_count_again(filled: Path) -> None:
    """The sample's crm.yaml has an 80001 with tier gold."""
    result = hotline("customer", "set", "fang@example.com", "tier=silver", "name=Fang", "--site", filled)
    assert "crm.yaml says tier 'gold' of 80001" in result.stderr
    assert "crm.yaml says name '王芳' of 80001" in result.stderr
    assert hotline("customer", "set", "80009", "tier=silver", "--site", filled).stderr == ""


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("tier", "is no FIELD=VALUE"),
        ("number=1", "fields: name, tier"),
        ("tier=a b", "tier: String should match pattern"),
        ("tier=" + "x" * 99, "tier: String should match pattern"),
        ("name=a\nb", "name: String should match"),
        ("name=" + "x" * 61, "name: String should have at most 60"),
        ("owner=99", "there is no owner '99'; there are 1001"),
        ("language=klingon", "there is no language 'klingon'"),
        ("region=west", "there is no region 'west'; there are east, south"),
        ("email=fang", "email: String should match"),
    ],
)
def test_what_may_not_be_set_is_told_and_changes_nothing(filled: Path, field: str, why: str) -> None:
    assert why in refused("customer", "set", "80001", "company=longtech", field, "--site", filled)
    with sqlite3.connect(filled / "var" / "crm.db") as database:
        assert database.execute("SELECT id FROM customers WHERE company <> ''").fetchall() == []


def test_a_field_twice_is_refused(filled: Path) -> None:
    assert "tier is said twice" in refused("customer", "set", "80001", "tier=a", "tier=b", "--site", filled)


def test_two_of_one_mail_address_must_be_told_apart(filled: Path) -> None:
    done("customer", "set", "80009", "email=fang@example.com", "--site", filled)
    assert "several customers have fang@example.com: say which one, c1, c2" in refused(
        "customer", "show", "fang@example.com", "--site", filled
    )


# ---- consent


def words(site: Path) -> set[tuple[str, str, bool]]:
    return {(row["address"], row["channel"], row["given"]) for row in shown(site)["consents"]}


def test_consent_is_of_a_number_or_of_all_of_a_customers(filled: Path) -> None:
    done("consent", "13912340001", "sms", "withdrawn", "--site", filled)
    assert words(filled) == {(WANG, "sms", False)}
    said = done("consent", "80001", "sms", "given", "--site", filled)
    assert WANG in said
    assert HOME in said
    done("consent", "80001", "mail", "withdrawn", "--site", filled)
    assert words(filled) == {(WANG, "sms", True), (HOME, "sms", True), ("fang@example.com", "mail", False)}
    assert "sms given" in done("customer", "show", "80001", "--site", filled)
    done("consent", "someone@example.com", "mail", "given", "--site", filled)  # of no customer yet


@pytest.mark.parametrize(
    "said",
    [
        ("80002", "call", "given"),
        ("80009", "mail", "given"),
        (WANG, "mail", "given"),
        ("a@example.com", "sms", "given"),
    ],
)
def test_consent_of_nobody_is_refused(filled: Path, said: tuple[str, ...]) -> None:
    assert "is no mail address" in (told := refused("consent", *said, "--site", filled)) or "is no telephone" in told


# ---- the do-not-call list


def on_list(site: Path, *more: object) -> list[str]:
    rows = done("do-not-call", "list", *more, "--json", "--site", site).splitlines()
    return [json.loads(row)["e164"] for row in rows]


def test_on_the_list_until_a_day_and_off_it(filled: Path) -> None:
    assert done("do-not-call", "list", "--site", filled) == "Do not call: none\n"
    done("do-not-call", "add", "13912340001", "--until", "2099-01-31", "--reason", "asked us", "--site", filled)
    done("do-not-call", "add", LI, "--site", filled)
    assert on_list(filled) == [LI, WANG]
    assert on_list(filled, WANG) == [WANG]
    assert "2099-01-31 00:00:00" in done("do-not-call", "list", "--site", filled)
    assert f"{WANG},".encode() in done("do-not-call", "list", "--csv", "--site", filled).encode()
    assert "MUST NOT BE CALLED until 2099-01-31: asked us" in done("customer", "show", "80001", "--site", filled)
    done("do-not-call", "remove", WANG, "--site", filled)
    assert on_list(filled) == [LI]
    assert f"{WANG} is not on the list" in refused("do-not-call", "remove", WANG, "--site", filled)
    with sqlite3.connect(filled / "var" / "crm.db") as database:
        told = database.execute("SELECT key, field FROM changes WHERE subject = 'do_not_call' ORDER BY id").fetchall()
    assert told == [(WANG, "*"), (LI, "*"), (WANG, "until")]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("2001",), "is no telephone number"),
        (("x",), "is no telephone number"),
        ((WANG, "--until", "2020-01-01"), "is over already"),
        ((WANG, "--until", "soon"), "Invalid value for '--until'"),
        ((WANG, "--reason", "x" * 501), "more than 500"),
    ],
)
def test_what_cannot_be_listed_is_told(filled: Path, said: tuple[str, ...], why: str) -> None:
    assert why in refused("do-not-call", "add", *said, "--site", filled)
    assert on_list(filled) == []
