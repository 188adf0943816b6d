"""The names of lines, as people type them."""

from __future__ import annotations

import pytest

from crm_bridge.work_lists.items import BadItem, read_item


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("promise-7", "promise-7"),
        (" promise-007 ", "promise-7"),
        ("lead-9", "lead-9"),
        ("callback-12", "callback-12"),
        ("voicemail-3", "voicemail-3"),
        ("appointment-4", "appointment-4"),
        ("ticket-5001", "ticket-5001"),
        ("ticket-T-1-x", "ticket-T-1-x"),
        ("delivery-77000036", "delivery-77000036"),
        ("survey-0b5c-11d2-7", "survey-0b5c-11d2-7"),
        ("missed-c17", "missed-c17"),
        ("missed-+8613800138000", "missed-+8613800138000"),
        ("missed-13800138000", "missed-+8613800138000"),
        ("missed-021 6234 5678", "missed-+862162345678"),
    ],
)
def test_a_name_is_read(typed: str, name: str) -> None:
    assert str(read_item(typed, "CN")) == name


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "promise",
        "promise-",
        "promise-x",
        "promise-7-8",
        "promise--7",
        "promise-２",
        "promise-2147483648",
        "wish-7",
        "Promise-7",
        "missed-c",
        "missed-cx",
        "missed-2001",
        "survey-7",
        "survey-c1-",
        "survey-c1-9999999999999999999",
        "ticket-\0",
        "ticket-" + "9" * 80,
    ],
)
def test_what_is_no_name_is_told(typed: str) -> None:
    with pytest.raises(BadItem):
        read_item(typed, "CN")
