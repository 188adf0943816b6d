"""Each line of the sample company by its keys, in virtual time: what is heard, who is asked for, what it comes to."""

from __future__ import annotations

import asyncio

import pytest

from ivr.flow.interpreter import HangUp, QueueFor, TransferTo
from ivr.flow.nodes.branch import draw
from ivr.flow.outside import NothingThere, QueueLook
from ivr.spoken import SpokenKind, in_words
from ivr.spoken.value import spoken
from tests.flow.sample import FUNCTIONS, SITE, days, ring

SHARED, PRESALE, ORDER, DELIVERY = "4008001000", "4008001004", "4008001005", "4008001006"
AFTER_SALES, DEALERS, LONG_TERM, HELP_DESK = "4008001007", "4008001008", "4008001009", "6000"
WANG, SCHMIDT, ZHAO = "+8613912340001", "+8613912340003", "+8613912340004"
NIGHT = frozenset({"office"})
# Two call ids: one that the share asks how they heard of us, one that it does not; and so for the long survey.
ASKED, UNASKED = (
    next(f"c{n}" for n in range(100) if (draw("how_heard", f"c{n}") < 20) is asked) for asked in (True, False)
)
LONG, SHORT = (
    next(f"c{n}" for n in range(100) if (draw("long_survey", f"c{n}") < 30) is asked) for asked in (True, False)
)
BUSY = QueueLook(staffed=2, waiting=9, expected_wait_s=400)


# --- where is my delivery ---

STATUSES = [
    ("202610010", ["parcel_on_its_way", "杭州", "expected_on"], 1),
    ("202610028", ["parcel_comes_today"], None),
    ("202610036", ["parcel_delivered"], -5),
    ("202610051", ["order_cancelled"], None),
    ("202610077", ["order_in_preparation", "expected_on"], 3),
]


@pytest.mark.parametrize(("order", "heard", "day"), STATUSES)
def test_a_delivery_is_told_without_an_agent(order: str, heard: list[str], day: int | None) -> None:
    call = ring(DELIVERY, "", "2", order, "", "", "", "", "", "#")
    assert call.outcome == "self_served"
    assert not call.problems
    told = [words for words in call.said if words in heard]
    assert told[: len(heard)] == heard
    assert call.way[-1] == "served"
    if day is not None:
        assert in_words(spoken(SpokenKind.DATE, days(day).isoformat()), "en") in call.said


def test_an_order_without_a_day_is_promised_one() -> None:
    call = ring(DELIVERY, "", "1", "202610044")
    assert "where/promise" in call.way
    placed = days(-1)  # a Sunday: three working days on is a Wednesday
    assert placed.weekday() == 6
    assert call.state.attributes["expected_on"] == days(2).isoformat()


@pytest.mark.parametrize(
    ("placed", "promised"),
    [("2026-03-02", "2026-03-05"), ("2026-03-05", "2026-03-10"), ("2026-03-07", "2026-03-11")],
)
def test_three_working_days(placed: str, promised: str) -> None:
    found = asyncio.run(FUNCTIONS.call("promised_date", {"placed_on": placed}, 3))
    assert found == {"expected_on": promised}


def test_a_script_that_fails_costs_only_the_day() -> None:
    call = ring(DELIVERY, "", "1", "202610044", "", "", "#", outside={"functions": NothingThere()})
    assert call.outcome == "self_served"
    assert "expected_on" not in call.said
    assert [place for place, _ in call.problems] == ["where/promise"]


def test_a_wrong_check_digit_is_told_at_once() -> None:
    call = ring(DELIVERY, "", "1", "202610011", "202610010")
    assert call.said.count("wrong_order_number") == 1
    assert call.way.count("where/order") == 1


def test_an_unknown_order_twice_leads_to_an_agent() -> None:
    call = ring(DELIVERY, "", "2", "18", "", "26")
    assert call.queue() == QueueFor("service", 0, {"language": "english"}, "instead")
    assert [words for words in call.said if words.startswith("order_not")] == [
        "order_not_found",
        "order_not_found_again",
    ]


def test_zero_is_an_agent() -> None:
    assert ring(DELIVERY, "", "1", "0").queue().queue == "service"
    assert ring(DELIVERY, "", "1", "202610028", "", "0").queue().queue == "service"


def test_a_parcel_that_came_back_is_an_agents() -> None:
    assert ring(DELIVERY, "", "1", "202610069").queue().queue == "service"


def test_it_is_sent_to_the_phone() -> None:
    call = ring(DELIVERY, "", "2", "202610010", "", "", "", "", "1")
    (message,) = call.texts.sent
    assert (message.to, message.text) == (
        "+8613800138000",
        f"Your order 202610010 is expected on {days(1)}. Thank you for your patience.",
    )
    assert call.outcome == "self_served"


def test_no_message_goes_to_a_landline() -> None:
    call = ring(DELIVERY, "", "2", "202610010", "", "", "", "", "1", ani="+861088880001")
    assert call.texts.sent == []
    assert "text_not_sent" in call.said


def test_the_crm_away_is_an_agent() -> None:
    call = ring(DELIVERY, "", "1", "202610010", outside={"crm": NothingThere()})
    assert "cannot_look_now" in call.said
    assert call.queue().queue == "service"


def test_key_three_of_the_adverts_menu_is_the_delivery_too() -> None:
    call = ring("4008001001", "", "2", "3", "202610028", "", "#")
    assert call.outcome == "self_served"
    assert "delivery/comes_today" in call.way


# --- advice ---


@pytest.mark.parametrize(("key", "product"), [("1", "laptop"), ("2", "printer"), ("3", "phone")])
def test_advice_is_a_matter_of_skill(key: str, product: str) -> None:
    wish = ring(PRESALE, "", "2", key).queue()
    assert (wish.queue, wish.attributes) == ("advice", {"language": "english", "product": product})


def test_a_long_wait_is_told_and_need_not_be_waited() -> None:
    call = ring(PRESALE, "", "2", "1", "2", "2", "", "", "1", look=BUSY)
    assert (call.outcome, [kind for kind, _ in call.kept]) == ("callback", ["callback"])
    assert call.kept[0][1]["number"] == "+8613800138000"
    waits = ring(PRESALE, "", "2", "1", "1", look=BUSY)
    assert waits.queue().queue == "advice"


def test_nobody_came_and_nothing_was_left() -> None:
    call = ring(PRESALE, "", "2", "1")
    assert call.outcome == "timeout"
    assert call.way[-3:] == ["advice/unserved", "sorry", "gave_up"]


def test_a_message_becomes_a_task() -> None:
    call = ring(PRESALE, "", "2", "1", "1", "", "speak 12", "1")
    ((kind, fields),) = call.kept
    assert (kind, fields["box"], fields["seconds"]) == ("voicemail", "customers", 12.0)
    assert call.outcome == "voicemail"


# --- orders by telephone ---


def test_an_order_travels_with_the_call() -> None:
    call = ring(ORDER, "", "2", "1", "", "4711", "", "1", "3#", ani=ZHAO, served=True)
    assert "phone" not in call.way
    assert call.queue().queue == "sales"
    typed = {name: call.state.attributes[name] for name in ("product_code", "quantity")}
    assert typed == {"product_code": "4711", "quantity": "3"}


def test_who_is_not_known_is_asked_for_a_number() -> None:
    call = ring(ORDER, "", "2", "1", "13800138000#", "", "1", "4711", "", "1", "3#")
    assert call.state.attributes["customer_phone"] == "+8613800138000"


def test_the_office_is_closed_for_orders() -> None:
    call = ring(ORDER, "", "2", "", "2", "", "", "1", closed=NIGHT)
    assert call.outcome == "callback"
    assert call.kept[0][1]["queue"] == "sales"


# --- after-sales ---


def test_by_day_it_is_the_service_team() -> None:
    assert ring(AFTER_SALES, "", "2").queue().queue == "service"


def test_what_cannot_wait_at_night() -> None:
    call = ring(AFTER_SALES, "", "2", "1", closed=NIGHT)
    duty, desk = call.went[0], call.went[1]
    assert isinstance(duty, QueueFor)
    assert (duty.agent, duty.queue) == ("1006", "service")
    assert isinstance(desk, TransferTo)
    assert desk.outside == "night_desk"


def test_what_can_wait_is_a_message() -> None:
    call = ring(AFTER_SALES, "", "2", "2", "1", "", "speak 8", "", closed=NIGHT)
    assert call.outcome == "voicemail"


# --- dealers ---


def test_a_dealer_hears_the_stock_and_reaches_their_own_agent() -> None:
    call = ring(DEALERS, "", "2", "301#", "246810", served=True)
    assert any("Fourteen inch" in words for words in call.said)
    wish = call.queue()
    assert (wish.agent, wish.queue, wish.priority, wish.after) == ("1007", "dealers", 5, "opinion")
    assert call.way[-1] == "served"


def test_the_owner_away_is_the_dealers_queue() -> None:
    call = ring(DEALERS, "", "2", "301#", "246810")
    assert [leave.queue for leave in call.went if isinstance(leave, QueueFor)] == ["dealers", "dealers"]
    assert call.queue(1).agent == ""


@pytest.mark.parametrize("code", ["301", "999"])
def test_a_wrong_pin_and_an_unknown_code_are_told_alike(code: str) -> None:
    tries = [f"{code}#", "111111", ""] * 3
    call = ring(DEALERS, "", "2", *tries)
    heard = [words for words in call.said if words.startswith("dealer_")]
    assert heard == ["dealer_wrong", "dealer_wrong", "dealer_as_anybody"]
    assert call.queue().queue == "sales"
    assert "111111" not in repr((call.state.attributes, call.state.texts, call.kept, call.problems, call.way))


# --- long-term customers ---


def test_a_gold_customer_is_greeted_and_reaches_their_own_agent() -> None:
    call = ring(LONG_TERM, "", "", "", "", "", ani=WANG, served=True)
    assert call.said[:3] == ["dear_customer", "王芳", "gold_prices"]
    wish = call.queue()
    assert (wish.agent, wish.priority, wish.wait_s) == ("1001", 10, 15)


def test_a_silver_customer_is_spoken_to_in_their_own_language() -> None:
    call = ring(LONG_TERM, ani=SCHMIDT)
    assert call.voice.said[0] == ("dear_customer", "english")
    assert "silver_prices" in call.said
    assert [leave.agent for leave in call.went if isinstance(leave, QueueFor)] == ["1003", ""]
    assert call.queue(1).priority == 10


def test_who_is_no_long_term_customer_is_served_as_usual() -> None:
    call = ring(LONG_TERM, "", "2", "1", ani=ZHAO)
    assert call.said[0] == "welcome"
    assert call.queue() == QueueFor(
        "advice", 0, {"language": "english", "product": "laptop"}, "advice/instead", "advice/opinion"
    )


def test_an_open_order_is_asked_after() -> None:
    call = ring(LONG_TERM, "", "", "", "1", "202610010", ani=WANG)
    assert "delivery/on_its_way" in call.way


# --- the help desk ---


@pytest.mark.parametrize(("ticket", "word"), [("5001", "ticket_in_progress"), ("5002", "ticket_solved")])
def test_a_ticket_is_told(ticket: str, word: str) -> None:
    call = ring(HELP_DESK, "2", "2", f"{ticket}#")
    assert word in call.said
    assert call.outcome == "self_served"


def test_a_ticket_that_is_not_there_and_a_helper() -> None:
    call = ring(HELP_DESK, "2", "2", "4999#", "", "1")
    assert "ticket_not_found" in call.said
    assert call.queue().queue == "helpdesk"


# --- how did you hear of us ---


@pytest.mark.parametrize(
    ("key", "source"), [("1", "tv_spot"), ("2", "newspaper"), ("3", "web_search"), ("4", "friend"), ("", "packaging")]
)
def test_one_call_in_five_says_what_brought_it(key: str, source: str) -> None:
    call = ring(SHARED, "", "2", key, call_id=ASKED)
    assert "menu_how_heard" in call.said
    assert call.state.source == source


def test_the_others_are_not_asked() -> None:
    call = ring(SHARED, "", "2", "2", call_id=UNASKED)
    assert "menu_how_heard" not in call.said
    assert call.queue() == QueueFor("service", 0, {"language": "english"}, "sorry")


def test_it_is_a_fifth() -> None:
    asked = sum("menu_how_heard" in ring(SHARED, "", "2", call_id=f"s{n}").said for n in range(300))
    assert 35 <= asked <= 85


# --- after the agent has hung up ---


def test_everybody_is_asked_how_content_they_are() -> None:
    call = ring(PRESALE, "", "2", "1", "", "4", served=True, call_id=SHORT)
    assert call.kept == [("survey", {"csat": 4})]
    assert "survey_nps" not in call.said
    assert call.went[-1] == HangUp("self_served")


def test_some_are_asked_more() -> None:
    call = ring(PRESALE, "", "2", "1", "", "5", "1", "0", "", "speak 6", served=True, call_id=LONG)
    ((kind, fields),) = call.kept
    assert (kind, fields["csat"], fields["nps"], fields["comment_s"]) == ("survey", 5, 10, 6.0)


def test_the_existing_lines_end_with_the_agent() -> None:
    """What `make run` shows and the first call's tests rest on."""
    for keys in (("", "2", "1"), ("", "2", "2"), ("", "2", "0")):
        assert ring("4008001001", *keys).queue().after is None


def test_there_is_nothing_that_nobody_uses() -> None:
    """Every flow is a number's, or entered from one; every prompt of a line is said somewhere."""
    text = "".join(repr(flow) for flow in SITE.flows.values())
    started = {spec.flow for spec in SITE.numbers.values()}
    assert all(name in started or f"flow='{name}'" in text for name in SITE.flows)
    engine = ("desk_", "record_", "whisper_", "line_", "leg_", "wait_", "callback_", "supervise_", "wrap_up_")
    engine += ("disposition_", "recording_notice")
    by_engine = {"hold_notice", "voicemail_prompt", "too_many_calls"}
    unused = [key for key in SITE.prompts if f"'{key}'" not in text and not key.startswith(engine)]
    assert set(unused) <= by_engine, unused
