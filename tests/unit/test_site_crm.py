"""`crm.yaml`: the example at the head of its forms, its days, its mistakes, and the way into the store."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hotline.site import crm_book
from hotline.site.crm_book import CrmBookForm, day_of
from hotline.site.crm_seed import crm_seed
from hotline.site.init import init_site
from hotline.site.loading import Verdict, judge_site
from hotline.site.problem import SiteProblem

TODAY = date(2026, 11, 24)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def example() -> str:
    """What the module's docstring shows."""
    [block] = re.findall(r"(?ms)^    customers:\n.*?(?=^A day is)", str(crm_book.__doc__))
    return textwrap.dedent(block)


@pytest.fixture
def judge(tmp_path: Path) -> Callable[[str], Verdict]:
    """The verdict on the sample site with this `crm.yaml`."""
    init_site(tmp_path / "site")

    def judged(text: str) -> Verdict:
        (tmp_path / "site" / "crm.yaml").write_text(text)
        return judge_site(tmp_path / "site", TODAY)

    return judged


Judge = Callable[[str], Verdict]


def only(verdict: Verdict) -> SiteProblem:
    assert len(verdict.problems) == 1, verdict.problems
    return verdict.problems[0]


def book(judge: Judge, text: str) -> CrmBookForm:
    verdict = judge(text)
    assert verdict.problems == ()
    assert verdict.site is not None
    return verdict.site.crm


def test_the_example_is_sound_and_complete(judge: Judge) -> None:
    seed = crm_seed(book(judge, example()), TODAY, "CN", SHANGHAI)
    [customer], [order], [shipment] = seed.customers, seed.orders, seed.shipments
    assert (customer.phones, customer.owner, customer.household) == (("+8613800138000",), "1002", "wang")
    assert (order.amount, order.placed_on, order.expected_on) == (
        Decimal("205.05"),
        date(2026, 11, 21),
        date(2026, 11, 26),
    )
    assert (shipment.delivered_on, shipment.order_number) == (date(2026, 11, 20), order.number)
    [dealer], [ticket], [promise] = seed.dealers, seed.tickets, seed.promises
    assert dealer.stock_notices["en"] == "Fourteen inch laptops are in stock."
    assert (dealer.pin, dealer.pin_hash, ticket.due_on) == ("246810", "", date(2026, 11, 25))
    assert (promise.ref, promise.kept_at) == ("call_wang", datetime(2026, 11, 23, 16, tzinfo=UTC))


def test_the_file_need_not_be_there(judge: Judge, tmp_path: Path) -> None:
    judge("")
    (tmp_path / "site" / "crm.yaml").unlink()
    verdict = judge_site(tmp_path / "site", TODAY)
    assert verdict.site is not None
    assert verdict.site.crm == CrmBookForm()


def test_an_empty_file_is_an_empty_book(judge: Judge) -> None:
    assert book(judge, "") == CrmBookForm()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", TODAY),
        ("+2d", date(2026, 11, 26)),
        ("-24d", date(2026, 10, 31)),
        ("+0d", TODAY),
        ("2027-02-28", date(2027, 2, 28)),
    ],
)
def test_days(text: str, day: date) -> None:
    assert day_of(text, TODAY) == day


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("tier: gold ", "tier: Gold ", "customers.80001.tier", "cannot stand here"),
        ('owner: "1002"', 'owner: "1999"', "customers.80001.owner", "there is no agent '1999'"),
        ("language: mandarin", "language: mandarine", "customers.80001.language", "there is no language 'mandarine'"),
        ('["13800138000"]', '["138001380"]', "customers.80001.phones.0", "is no telephone number of CN"),
        ('["13800138000"]', "[13800138000]", "customers.80001.phones.0", "must be a text"),
        ("status: shipped", "status: sent", "orders.2026110017.status", "'placed', 'paid', 'packed'"),
        ('amount: "205.05"', "amount: 205.05", "orders.2026110017.amount", "must be a text"),
        ('amount: "205.05"', 'amount: "-1"', "orders.2026110017.amount", "cannot stand here"),
        ('amount: "205.05"', 'amount: "1e3"', "orders.2026110017.amount", "cannot stand here"),
        ("currency: CNY", "currency: yuan", "orders.2026110017.currency", "cannot stand here"),
        ("placed: -3d", "placed: -3 days", "orders.2026110017.placed", "a day is 2026-11-24, today, +2d or -3d"),
        ("placed: -3d", "placed: 2026-02-30", "orders.2026110017.placed", "a day is"),
        ("placed: -3d", "placed: +99999d", "orders.2026110017.placed", "a day is"),
        ("    placed: -3d\n", "", "orders.2026110017.placed", "is missing"),
        (
            '  order: "2026110017"',
            '  order: "2026110018"',
            "shipments.77000123.order",
            "there is no order '2026110018'",
        ),
        ("carrier: SF Express", 'carrier: ""', "shipments.77000123.carrier", "at least 1 character"),
        ('pin: "246810"', 'pin: "12"', "dealers.301.pin", "cannot stand here"),
        ('pin: "246810"', 'pin_hash: "246810"', "dealers.301.pin_hash", "cannot stand here"),
        ("stock_notice: {zh:", "stock_notice: {fr:", "dealers.301.stock_notice.fr", "there is no language code 'fr'"),
        ("category: repair", "kategory: repair", "tickets.5001.category", "is missing"),
        ("    due: -1d\n", "    by: -1d\n", "promises.call_wang.due", "is missing"),
        ('keeper: "1002"', 'keeper: "12"', "promises.call_wang.keeper", "there is no agent '12'"),
        ('"80001":', '"800 01":', "customers.800 01", "cannot stand here"),
        ("promises:", "promisses:", "promisses", "unknown key"),
        (
            "region: east                    # of crm_rules.yaml: leads",
            'region: "east\\nwest" # leads',
            "dealers.301.region",
            "cannot stand here",
        ),
    ],
)
def test_each_mistake_has_its_line_and_key(judge: Judge, old: str, new: str, key: str, message: str) -> None:
    text = example()
    assert old in text
    spoiled = text.replace(old, new, 1)
    found = [problem for problem in judge(spoiled).problems if problem.key == key]
    assert found, judge(spoiled).problems
    assert message in str(found[0])
    assert (found[0].file, found[0].line) == ("crm.yaml", line_of(spoiled, key, missing=message == "is missing"))


def line_of(text: str, key: str, *, missing: bool) -> int:
    """Where the key stands; what is missing, at the line of what should hold it."""
    place, path = 0, key.split(".")
    for part in path[:-1] if missing else path:
        if part != "0":
            found = re.compile(rf'(?m)(^|["{{\s]){re.escape(part)}"?:').search(text, place)
            assert found
            place = found.end()
    return text.count("\n", 0, place) + 1


def test_an_order_of_nobody(judge: Judge) -> None:
    problem = only(judge(example().replace('customer: "80001"', 'customer: "80009"', 1)))
    assert (problem.key, problem.message) == ("orders.2026110017.customer", "there is no customer '80009'")
    assert problem.hint == "did you mean '80001'?"


def test_one_telephone_rings_at_one_customers(judge: Judge) -> None:
    text = 'customers:\n  "1": {name: A, phones: ["13800138000"]}\n  "2": {name: B, phones: ["+86 138"]}\n'
    problem = only(judge(text.replace("+86 138", "+8613800138000")))
    assert (problem.line, problem.key) == (3, "customers.2.phones.0")
    assert problem.message == "is the number of customer 1 already"


def test_one_pin_or_the_other(judge: Judge) -> None:
    text = example().replace(
        'pin: "246810"', 'pin: "246810"\n    pin_hash: "$argon2id$v=19$m=1,t=1,p=1$' + "a" * 40 + '"'
    )
    problem = only(judge(text))
    assert problem.key == "dealers.301"
    assert "which of them" in problem.message


def test_no_pin_is_told(judge: Judge) -> None:
    assert "246810" not in repr(book(judge, example()))
    assert "24681012345678" not in str(judge(example().replace("246810", "24681012345678")).problems)
