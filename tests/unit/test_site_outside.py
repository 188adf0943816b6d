"""Numbers outside of the house: what an admin writes, what the check refuses, and what Asterisk is told. The examples
are those of docs/flows.md."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agi_scripts.outside_numbers import OutsideNumber
from dialplans.lint import lint
from dialplans.model import SpecError
from hotline.asterisk_files import AsteriskSpec, Trunk, render_asterisk
from hotline.site.init import init_site
from hotline.site.loading import judge_site, load_site
from hotline.site.problem import errors
from ivr.flow.graph import mermaid
from ivr.flow.interpreter import QueueFor, TransferTo
from tests.flow.walking import walked

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "flows.md").read_text("utf-8")
EXAMPLES = {
    file: re.findall(rf"```yaml\n# {re.escape(file)}\n(.*?)```", DOCS, re.DOTALL)[0]
    for file in ("flows/own_agent.yaml", "outside.yaml", "trunk.yaml")
}
FLOW = "flows/own_agent.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    init_site(site)
    sample = (site / "outside.yaml").read_text("utf-8")  # its own flows need its own numbers
    for file, text in EXAMPLES.items():
        (site / file).write_text(text, "utf-8")
    with (site / "outside.yaml").open("a", encoding="utf-8") as outside:
        outside.write(re.sub(r"^max_talk_s.*$", "", sample, flags=re.MULTILINE))
    if "\nhow_content:" not in (site / "prompts.yaml").read_text("utf-8"):
        with (site / "prompts.yaml").open("a", encoding="utf-8") as prompts:
            prompts.write("how_content: { text: { zh: 好, en: good } }\n")
    return site


def spoil(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")


def test_the_example_is_sound_and_means_what_it_says(folder: Path) -> None:
    assert errors(judge_site(folder).problems) == []
    site = load_site(folder)
    assert site.outside.by_name["courier"] == OutsideNumber("+862155512345", "carrier", "顺丰速运")
    assert site.outside.max_talk_s == 1800
    assert [(trunk.name, trunk.host, trunk.port) for trunk in site.trunks] == [("carrier", "sip.carrier.example", 5060)]


def test_the_example_can_be_drawn_and_walked(folder: Path) -> None:
    given = load_site(folder).flows["own_agent"]
    drawn = mermaid(given)
    assert "by_courier<br/>transfer courier" in drawn
    assert "n_owner --" in drawn
    owned = walked(given, attributes={"owner": "1002"}).leave
    assert isinstance(owned, QueueFor)
    assert (owned.agent, owned.wait_s, owned.then, owned.after) == ("1002", 20, "anyone", "how_was_it")
    nobodys = walked(given).leave
    assert isinstance(nobodys, QueueFor)
    assert (nobodys.agent, nobodys.after) == ("", "how_was_it")
    assert walked(given, start="by_courier").leave == TransferTo("courier", 25, "sorry")
    asked = walked(given, "5", start="how_was_it")
    assert asked.state.path == ["how_was_it", "bye"]


def test_a_site_without_the_file_has_no_way_out(folder: Path) -> None:
    (folder / "outside.yaml").unlink()
    problems = {problem.message: problem.hint for problem in errors(judge_site(folder).problems)}
    assert problems["there is no outside number 'courier'"] == "known: none"
    assert all("outside number" in message for message in problems)


@pytest.mark.parametrize(
    ("file", "old", "new", "at", "message"),
    [
        ("outside.yaml", "trunk: carrier", "trunk: carier", "outside.yaml", "no trunk 'carier'"),
        ("trunk.yaml", "  host: sip.carrier.example", "  #", "outside.yaml", "carries no calls out"),
        ("outside.yaml", "courier:", "taxi:", FLOW, "no outside number 'courier'"),
        ("outside.yaml", '"+862155512345"', '"+8621;tag=x"', "outside.yaml", "characters"),
        ("outside.yaml", '"+862155512345"', '"${CALLERID(num)}"', "outside.yaml", "characters"),
        ("outside.yaml", '"+862155512345"', '"8@dear.example"', "outside.yaml", "characters"),
        ("outside.yaml", "max_talk_s: 1800", "max_talk_s: 86400", "outside.yaml", "14400"),
        ("outside.yaml", "name: 顺丰速运", "name: 顺丰速运\n  ring: 3", "outside.yaml", "unknown key"),
        ("trunk.yaml", "sip.carrier.example", "'sip.carrier.example;transport=tcp'", "trunk.yaml", "characters"),
        ("trunk.yaml", "port: 5060", "port: 99999", "trunk.yaml", "65535"),
        (FLOW, "agent: owner", 'agent: "1099"', FLOW, "no agent '1099'"),
        (FLOW, "then: by_courier\n    after: how_was_it", "after: by_courier\n    then: bye", FLOW, "rung again"),
    ],
)
def test_each_mistake_is_told_in_its_file(folder: Path, file: str, old: str, new: str, at: str, message: str) -> None:
    spoil(folder, file, old, new)
    found = [problem for problem in judge_site(folder).problems if problem.file == at]
    assert any(message in problem.message for problem in found), found


# ---- what Asterisk is told

SPEC = AsteriskSpec(modules="/m", data="/d", etc="/e", var="/v", run="/r", ami_secret="s" * 20, music_folder="/music")
IN, OUT = Trunk("carrier", ("127.0.0.2",)), Trunk("away", ("127.0.0.3",), "sip.carrier.example", 5080)


def test_only_a_trunk_with_a_host_can_be_dialled() -> None:
    text = render_asterisk(replace(SPEC, trunks=(IN, OUT)))["pjsip.conf"]
    assert re.findall(r"^contact = (.*)$", text, re.MULTILINE) == ["sip:sip.carrier.example:5080"]
    assert re.findall(r"^aors = (.*)$", text, re.MULTILINE) == ["away"]
    assert text.count("identify_by = ip\n") == 2  # a name in From opens neither


def test_a_host_that_is_none_is_refused() -> None:
    for host in ("a b", "a\nb", "a;b", "[::1]", "-a", "sip:a", "a@b"):
        with pytest.raises(SpecError):
            replace(SPEC, trunks=(replace(OUT, host=host),))


@pytest.mark.parametrize(
    "dialled",
    [
        "PJSIP/+862155512345@away",
        "PJSIP/1001&PJSIP/+8816900001@away",
        "PJSIP/${EXTEN}",
        "PJSIP/${EXTEN}@away",
        "PJSIP/1001/sip:8@dear.example",
        "Local/s@inside",
        "SIP/1001",
        "",
    ],
)
def test_no_line_of_a_dialplan_leads_out_of_the_house(dialled: str) -> None:
    plan = f"[a]\nexten => s,1,Dial({dialled},30,i)\n same => n,Hangup()\n"
    (problem,) = lint(plan)
    assert (problem.line, "Dial leads to" in problem.message) == (2, True)


def test_but_to_the_phones_of_the_house_and_the_listed_numbers() -> None:
    plan = "[a]\nexten => s,1,Dial(PJSIP/1001&PJSIP/+862155512345@away,30,gim(default))\n same => n,Hangup()\n"
    assert lint(plan, ["+862155512345@away"]) == []
    assert lint(plan, ["+862155512346@away", "+862155512345@carrier"]) != []
