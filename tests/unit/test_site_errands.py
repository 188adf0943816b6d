"""What `hotline check` sees of scripts and text messages. Nothing of a script is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.errands import launch
from hotline.settings import SiteFolders
from hotline.site.errands import read_script
from hotline.site.init import init_site
from hotline.site.loading import judge_site, load_site
from ivr.texts.form import CommandTextsForm

FLOW = """
start: a
default_way: bye
nodes:
  a: { kind: script, python: stock, then: b, failed: b }
  b: { kind: script, agi: teller, then: c, failed: c }
  c: { kind: sms, text: { zh: 好 }, then: bye }
  bye: { kind: hangup }
"""
RUN = "raise SystemExit('run by a check')\ndef run(values):\n    return {}\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    init_site(folder)
    (folder / "flows" / "tools.yaml").write_text(FLOW, "utf-8")
    (folder / "scripts").mkdir(exist_ok=True)
    return folder


def write(site: Path, **scripts: str) -> None:
    for name, text in scripts.items():
        (site / "scripts" / f"{name}.py").write_text(text, "utf-8")


def told(site: Path) -> list[str]:
    return [str(problem) for problem in judge_site(site).problems if problem.file == "flows/tools.yaml"]


WARNING = "flows/tools.yaml:7: nodes.c.text: has no text in 'en' (callers of that language get another one)"


def test_a_script_that_is_there_is_enough(site: Path) -> None:
    write(site, stock=RUN, teller="print(1)\n")
    assert told(site) == [WARNING]
    assert judge_site(site).site is not None


def test_each_mistake_has_its_line(site: Path) -> None:
    for file in (site / "scripts").glob("*.py"):
        file.unlink()  # the sample's own
    write(site, stock="x = 1\n")
    assert told(site) == [
        "flows/tools.yaml:5: nodes.a.python: scripts/stock.py has no function run(values) "
        "(def run(values: dict[str, str]) -> dict[str, str])",
        "flows/tools.yaml:6: nodes.b.agi: there is no script 'teller' (write scripts/teller.py; known: stock)",
        WARNING,
    ]
    write(site, stock="x = 1\ndef run(:\n", teller="")
    assert told(site)[0].startswith("flows/tools.yaml:5: nodes.a.python: scripts/stock.py is no Python: ")
    assert told(site)[0].endswith("(line 2)")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("def run(values): ...", True),
        ("def run(values, more=1): ...", True),
        ("def run(*values): ...", True),
        ("def run(): ...", False),
        ("def run(values, more): ...", False),
        ("def run(values, *, more): ...", False),
        ("async def run(values): ...", False),
        ("class A:\n    def run(values): ...", False),
        ("run = 1", False),
    ],
)
def test_what_is_a_function_run(tmp_path: Path, text: str, runs: bool) -> None:
    (tmp_path / "a.py").write_text(text)
    assert read_script(tmp_path / "a.py").runs is runs


@pytest.mark.parametrize("content", [b"\0", b"\xff\xfe", b"(" * 5000, b"x" * 1_000_001])
def test_what_no_python_can_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.py").write_bytes(content)
    assert read_script(tmp_path / "a.py").fault


def test_a_gateway_in_the_site_file(site: Path) -> None:
    write(site, stock=RUN, teller="")
    with (site / "site.yaml").open("a") as file:
        file.write("\ntexts: { gateway: command, command: [send, --now] }\n")
    assert load_site(site).texts == CommandTextsForm(gateway="command", command=["send", "--now"])
    text = (site / "site.yaml").read_text("utf-8")
    (site / "site.yaml").write_text(text.replace("command, command", "http, command"), "utf-8")
    assert "texts.url: is missing" in " ".join(map(str, judge_site(site).problems))


def test_a_folder_that_agi_cannot_be_given(tmp_path: Path) -> None:
    assert launch(SiteFolders(tmp_path / "a,b")) is None
    start = launch(SiteFolders(tmp_path))
    assert start is not None
    assert start("teller", 2.5).endswith(f"-I,-m,agi_scripts.standalone.timed,{tmp_path}/scripts/teller.py,2.5")
