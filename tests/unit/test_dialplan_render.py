"""The rendered dialplan: what lands where, and that no value can become dialplan."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialplans.lint import lint, read
from dialplans.model import DialplanSpec, EngineDoor, NumberLine, SpecError
from dialplans.render import DESK_CODES, folders, refuse_dialplan, render

SPEC = DialplanSpec(
    numbers=(NumberLine("4008001001", "tv_spot", "spring"), NumberLine("4008001002")),
    agents=("1001", "1002"),
    phones=("2001",),
    engines=(EngineDoor("127.0.0.1", 4573),),
    secret="s3cret-s3cret-s3cret",
    fail_open=("/venv/bin/python", "-I", "-m", "agi_scripts.standalone.fail_open"),
    fail_open_config="/site/run/fail_open.json",
    spool="/site/var/spool",
    voicemail="/site/var/voicemail",
    group=("1001", "1002"),
)


def extensions(spec: DialplanSpec = SPEC) -> str:
    return render(spec)["extensions.conf"]


def test_our_own_dialplan_has_no_problem() -> None:
    assert lint(extensions()) == []


def test_with_two_engines_and_nothing_else_it_has_no_problem_either() -> None:
    bare = replace(
        SPEC,
        engines=(EngineDoor("127.0.0.1", 1), EngineDoor("127.0.0.1", 2)),
        group=(),
        hold_notice="",
        voicemail_prompt="",
        desk_down_notice="",
    )
    text = extensions(bare)
    assert lint(text) == []
    assert "Dial(PJSIP/1001&" not in text
    knocks = [step for step in read(text).steps["hotline-call", "s"] if step.app == "AGI"]
    assert [step.args.split("/")[2] for step in knocks] == ["127.0.0.1:1", "127.0.0.1:2"]


def test_only_configured_numbers_can_be_entered_from_the_trunk() -> None:
    plan = read(extensions())
    assert {ext for context, ext in plan.steps if context == "from-trunk"} == {"4008001001", "4008001002"}


def test_the_desk_is_reached_from_phones_only() -> None:
    text = extensions()
    assert {ext for context, ext in read(text).steps if context == "hotline-desk"} == {*DESK_CODES, "_*40XXXX"}
    assert text.count("include => hotline-desk") == 1
    from_phones = text.partition("[from-phones]")[2].partition("\n[")[0]
    assert "include => hotline-desk" in from_phones


def test_every_context_says_who_lands_there() -> None:
    lines = extensions().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("[") and line != "[general]":
            assert lines[number - 1].startswith(";"), line


def test_no_argument_of_agi_is_the_callers() -> None:
    for step in read(extensions()).all():
        if step.app == "AGI":
            assert "CALLERID" not in step.args


def test_the_caller_is_made_harmless_before_anything_else() -> None:
    first, second = read(extensions()).steps["hotline-call", "s"][:2]
    assert first.args.startswith("CALLERID(num)=${FILTER(0-9+,")
    assert second.args.startswith("CALLERID(name)=${FILTER(")


def test_fail_open_json_knows_every_number_and_where_to_write() -> None:
    known = json.loads(render(SPEC)["fail_open.json"])
    assert known["numbers"]["4008001001"] == {"source": "tv_spot", "campaign": "spring"}
    assert (known["spool"], known["voicemail"]) == folders(SPEC)


def test_the_admins_files_are_passed_over_when_they_are_missing() -> None:
    assert '#tryinclude "/site/custom.conf"' in extensions(replace(SPEC, extra_files=("/site/custom.conf",)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("numbers", (NumberLine("_X."),)),
        ("numbers", (NumberLine("400,1,System(id)"),)),
        ("numbers", (NumberLine("4008001001"), NumberLine("4008001001"))),
        ("agents", ("1001", "1001")),
        ("agents", ("10 01",)),
        ("phones", ("1001",)),
        ("group", ("1001&1002",)),
        ("engines", ()),
        ("engines", (EngineDoor("127.0.0.1/x,", 1),)),
        ("secret", "short"),
        ("secret", "s3cret-s3cret,s3cret-s3cret"),
        ("fail_open", ("/bin/sh", "-c", "a,b")),
        ("spool", "/site/${SHELL(id)}"),
        ("voicemail", "/site/a\nexten => s,1,System(id)"),
        ("hold_notice", "a,b"),
        ("music", "a)b"),
        ("extra_files", ('/a"\n[x]',)),
        ("knocks", 0),
    ],
)
def test_a_value_that_would_be_dialplan_is_refused(field: str, value: object) -> None:
    with pytest.raises(SpecError):
        replace(SPEC, **{field: value})  # type: ignore[arg-type]


def test_neither_a_spec_nor_an_error_shows_the_secret() -> None:
    assert SPEC.secret not in repr(SPEC)
    with pytest.raises(SpecError) as refused:
        replace(SPEC, secret="tell,nobody-tell-nobody")
    assert "nobody" not in str(refused.value)


@given(st.text())
def test_no_text_passes_the_fence_with_something_to_act_on(text: str) -> None:
    try:
        refuse_dialplan(text)
    except SpecError:
        return
    assert not {"\n", "\r", "\0", ";", "[", "]"} & set(text)
    assert "${" not in text
    assert "=>" not in text


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3))
def test_whatever_an_admin_calls_a_source_stays_out_of_the_dialplan(sources: list[str]) -> None:
    numbers = tuple(NumberLine(f"400800{index}", source) for index, source in enumerate(sources))
    rendered = render(replace(SPEC, numbers=numbers))
    assert lint(rendered["extensions.conf"]) == []
    assert [line["source"] for line in json.loads(rendered["fail_open.json"])["numbers"].values()] == sources
