"""The example of docs/flows.md with an admin's own scripts and a text: sound in the sample site, and tried."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import judge_site, load_site
from hotline.trying.call import Dialled, TriedCall
from hotline.trying.keypad import Keypad, parse_script
from hotline.trying.sayings import Sayings
from hotline.trying.surroundings import Circumstances, surroundings
from ivr.texts.form import CommandTextsForm, HttpTextsForm
from tests.sip.live_site import edit_yaml

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "flows.md").read_text("utf-8")
FLOW = re.search(r"```yaml\n# flows/own_tools\.yaml\n(.*?)```", DOCS, re.DOTALL)
SCRIPTS: Mapping[str, str] = dict(re.findall(r"```python\n# scripts/(\w+)\.py\n(.*?)```", DOCS, re.DOTALL))
TEXTS = re.search(r"```yaml\n# site\.yaml: without it.*?\n(texts: .*?)\n# or: (\{.*?\})\n```", DOCS, re.DOTALL)
NUMBER = "4008001001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    init_site(site)
    assert FLOW is not None
    (site / "flows" / "own_tools.yaml").write_text(FLOW[1].replace("start: price", "start: know"), "utf-8")
    with (site / "flows" / "own_tools.yaml").open("a") as flow:  # somebody must have set what the script is given
        flow.write("\n  know: { kind: set, set: { product: laptop, tier: gold }, then: price }\n")
    for name, text in SCRIPTS.items():
        (site / "scripts" / f"{name}.py").write_text(text, "utf-8")
    edit_yaml(site / "numbers.yaml", lambda numbers: numbers[NUMBER].update(flow="own_tools"))
    return site


def tried(folder: Path, keys: str, ani: str = "13800138000") -> list[dict[str, Any]]:
    site, rows = load_site(folder), []
    dialled = Dialled(NUMBER, ani, datetime(2026, 3, 2, 4, tzinfo=UTC), "english")

    async def call() -> None:
        async with AsyncExitStack() as ends:
            outside = await surroundings(site, SiteFolders(folder), Circumstances(), dialled.at, ends)
            pad = Keypad(parse_script(keys))
            sayings = Sayings(site.prompts, site.languages, {})
            await TriedCall(site, dialled, pad, sayings, lambda h: rows.append(h.as_json()), outside).run()

    asyncio.run(call())
    return rows


def test_the_example_is_sound(folder: Path) -> None:
    assert sorted(SCRIPTS) == ["discount", "quiz"]
    assert [problem for problem in judge_site(folder).problems if "own_tools" in problem.file] == []


def test_what_its_caller_comes_to(folder: Path) -> None:
    rows = tried(folder, "answer=2;unasked=x")
    end = rows[-1]
    assert end["path"] == ["know", "price", "text", "quiz", "bye"]
    values = {"price": "4599.00", "answer": "2", "quiz": "done", "product": "laptop", "tier": "gold"}
    assert end["variables"] == {**values, "language": "english"}
    (text,) = [row for row in rows if row["event"] == "text"]
    assert (text["to"], text["text"]) == ("+8613800138000", "Your own price is 4599.00 yuan.")
    assert [row["why"] for row in rows if row["event"] == "node"][2:] == ["done", "sent", "done"]


def test_nobody_to_write_to_and_a_script_that_takes_too_long(folder: Path) -> None:
    rows = tried(folder, "t", ani="")
    assert [row["why"] for row in rows if row["event"] == "node"][3:] == ["not sent", "failed"]
    assert "text" not in [row["event"] for row in rows]
    told = [row["what"] for row in rows if row["event"] == "problem"]
    assert told == [
        "no text message: 'caller' is no mobile number of CN",
        "the script 'quiz' failed: its 60 s were over",
    ]
    assert tried(folder, "h")[-1]["outcome"] == "abandoned_ivr"


def test_the_gateways_of_the_example(folder: Path) -> None:
    assert TEXTS is not None
    yaml = YAML(typ="safe")
    forms = []
    before = (folder / "site.yaml").read_text("utf-8")
    for text in (TEXTS[1], f"texts: {TEXTS[2]}"):
        assert yaml.load(text)
        (folder / "site.yaml").write_text(f"{before}\n{text}\n", "utf-8")
        forms.append(load_site(folder).texts)
    assert [type(form) for form in forms] == [HttpTextsForm, CommandTextsForm]
