"""The inventory of what `hotline check` must find: bad YAML, bad values, bad flows. Each is an error of its own, with
file, line, key and a hint, and no site is made of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from dialplans.model import SpecError
from hotline.asterisk_files import AsteriskPlace, render_asterisk
from hotline.cli import app
from hotline.rendering import asterisk_spec
from hotline.settings import SiteFolders
from hotline.site.loading import Verdict, judge_site
from hotline.site.problem import SiteProblem, errors
from tests.unit.small_site import write_small_site

TODAY = date(2026, 3, 1)


@dataclass(frozen=True)
class Spoilt:
    """``old`` → ``new`` in ``file``, once; ``new`` alone is put at the file's end. ``at``: what stands in the line that
    the problem names ('': the whole file). ``hint``: part of it; None: the message says all there is to do."""

    name: str
    file: str
    old: str
    new: str
    key: str
    message: str
    at: str
    hint: str | None = ""


YAML_ITSELF = [  # invariants 9
    Spoilt("a key twice", "media.yaml", "\ntv_spot:", "\ntv_spot: {name: x, kind: tv}\ntv_spot:",
           "tv_spot", "is written twice, first in line", "tv_spot:", None),
    Spoilt("a tab", "queues.yaml", "  steps:", "\tsteps:", "", "a tab in the indentation", "\tsteps:", "with spaces"),
    Spoilt("an anchor", "site.yaml", "name: ", "name: &n ", "", "an anchor", "&n", None),
    Spoilt("an alias", "site.yaml", "country: CN", "country: *n", "", "an alias", "*n", None),
    Spoilt("a bomb", "prompts.yaml", "", "".join(f"\na{n}: &a{n} [{'*a' + str(n - 1) + ',' if n else ''}x]"
           for n in range(30)), "", "an anchor", "a0: &a0", None),
    Spoilt("an object", "site.yaml", "country: CN", "country: !!python/object/apply:os.system [id]",
           "", "a tag", "!!python", None),
    Spoilt("10 MB", "media.yaml", "", "#" * (10 << 20), "", "larger than", "", None),
    Spoilt("not UTF-8", "media.yaml", "name: Web", "name: \udcff", "", "is not UTF-8", " search", "UTF-8"),
    Spoilt("no YAML", "hours.yaml", "main:", "main: [", "", "is not YAML", "", None),
    Spoilt("a second document", "trunk.yaml", "", "\n---\na: 1\n", "", "a second document", "---", None),
    Spoilt("a missing key", "site.yaml", "country: CN", "# country: CN", "country", "is missing", "", None),
    Spoilt("an unknown key", "site.yaml", "country: CN", "country: CN\ncuontry: CN",
           "cuontry", "unknown key", "cuontry", "did you mean 'country'?"),
    Spoilt("an unknown key deep inside", "queues.yaml", "  offer_s: 15", "  offers_s: 15\n  offer_s: 15",
           "sales.offers_s", "unknown key", "offers_s", None),
    Spoilt("a number for a text", "numbers.yaml", '"4008001000":\n  source: tv_spot', '"4008001000":\n  source: 5',
           "4008001000.source", "must be a text", "source: 5", "between quotes"),
]  # fmt: skip

FLOWS = [  # invariants 10
    Spoilt("a loop without input", "flows/main.yaml", "then: gave_up", "then: sorry", "nodes.sorry",
           "a loop without input: sorry → sorry", "sorry:", "put a menu or an end into it"),
    Spoilt("a key to a missing node", "flows/main.yaml", "1: sales", "1: salse", "nodes.topic.options.1.goto",
           "no node 'salse'", "1: salse", "did you mean 'sales'?"),
    Spoilt("an unreachable node", "flows/main.yaml", "nodes:", "nodes:\n  lost: {kind: hangup}", "nodes.lost",
           "no way leads to node 'lost'", "lost:", "lead to it, or delete it"),
    Spoilt("a missing prompt", "flows/main.yaml", "prompts: [closed]", "prompts: [clsoed]",
           "nodes.closed_notice.prompts.0", "no prompt 'clsoed'", "clsoed", "did you mean 'closed'?"),
    Spoilt("a missing queue", "flows/main.yaml", "queue: sales", "queue: slaes", "nodes.sales.queue",
           "no queue 'slaes'", "slaes", "did you mean 'sales'?"),
    Spoilt("a missing line of hours", "flows/main.yaml", "line: main", "line: mian", "nodes.office_hours.line",
           "no line of hours 'mian'", "mian", "did you mean 'main'?"),
    Spoilt("a number mapped twice", "numbers.yaml", '"4008001001"', '"4008001000"', "4008001000",
           "is written twice", "4008001000", None),
    Spoilt("a number mapped twice, once with +", "numbers.yaml", '"4008001001"', '"+4008001000"', "+4008001000",
           "the same number is there twice", "+4008001000", None),
    Spoilt("a number with no flow", "numbers.yaml", "flow: main", "flow: mian", "4008001000.flow",
           "no flow 'mian'", "mian", "did you mean 'main'?"),
    Spoilt("hours that overlap", "hours.yaml", 'mon: ["00:00-24:00"]', 'mon: ["09:00-12:00", "11:00-13:00"]',
           "main.week.mon", "09:00-12:00 and 11:00-13:00 overlap", "11:00", None),
    Spoilt("no prompt in the site", "flows/main.yaml", "invalid: invalid_key", "invalid: invald_key",
           "nodes.topic.invalid", "no prompt 'invald_key'", "invald_key", "did you mean 'invalid_key'?"),
    Spoilt("a start that is not there", "flows/main.yaml", "start: welcome", "start: wellcome", "start",
           "no node 'wellcome'", "start:", "did you mean 'welcome'?"),
    Spoilt("a default way that goes on", "flows/main.yaml", "default_way: anyone", "default_way: topic", "default_way",
           "does not end the walk", "default_way", "queue or hangup"),
    Spoilt("an unknown kind of node", "flows/main.yaml", "kind: hours", "kind: huors", "nodes.office_hours", "huors",
           "office_hours", None),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small_site(tmp_path / "site")


def spoil(folder: Path, spoilt: Spoilt) -> Verdict:
    file = folder / spoilt.file
    text = file.read_text("utf-8")
    assert spoilt.old in text
    text = text.replace(spoilt.old, spoilt.new, 1) if spoilt.old else text + spoilt.new
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    return judge_site(folder, TODAY)


def line_of(folder: Path, problem: SiteProblem) -> str:
    text = (folder / problem.file).read_bytes().decode("utf-8", "replace")
    return text.splitlines()[problem.line - 1] if problem.line else ""


@pytest.mark.parametrize("spoilt", [*YAML_ITSELF, *FLOWS], ids=lambda spoilt: spoilt.name)
def test_it_is_an_error_of_its_own(folder: Path, spoilt: Spoilt) -> None:
    verdict = spoil(folder, spoilt)
    told = [problem for problem in errors(verdict.problems) if spoilt.message in problem.message]
    assert len(told) == 1, verdict.problems
    [problem] = told
    assert problem.file == spoilt.file
    assert problem.key == spoilt.key
    assert spoilt.at in line_of(folder, problem), problem
    if spoilt.hint is not None:
        assert problem.hint
        assert spoilt.hint in problem.hint
    assert verdict.site is None


@pytest.mark.parametrize("spoilt", [YAML_ITSELF[0], FLOWS[0]], ids=lambda spoilt: spoilt.name)
def test_the_command_says_so_and_fails(folder: Path, spoilt: Spoilt) -> None:
    spoil(folder, spoilt)
    result = CliRunner().invoke(app, ["check", "--site", str(folder)])
    assert result.exit_code == 1
    assert spoilt.message in result.output
    assert f"{spoilt.file}:" in result.output


# A queue that nobody can serve.


def without_agents(folder: Path, queue: str) -> None:
    def leave(agents: dict[str, dict[str, object]]) -> None:
        for agent in agents.values():
            agent["queues"] = [name for name in ("sales", "service") if name != queue]

    edit(folder / "agents.yaml", leave)


def edit(file: Path, change: Callable[[dict[str, dict[str, object]]], None]) -> None:
    yaml = YAML()
    content = yaml.load(file)
    change(content)
    with file.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)


def test_a_queue_that_nobody_serves_is_an_error_where_a_flow_sends_calls_to_it(folder: Path) -> None:
    without_agents(folder, "service")
    [problem] = errors(judge_site(folder, TODAY).problems)
    assert (problem.file, problem.key) == ("queues.yaml", "service")
    assert problem.message.startswith("no agent serves this queue, and the flow 'main' sends calls to it")
    assert line_of(folder, problem) == "service:"
    assert problem.hint


def test_a_queue_whose_every_step_asks_for_what_nobody_has_is_one_too(folder: Path) -> None:
    edit(folder / "queues.yaml", lambda queues: queues["sales"].update(steps=[{"require": "mainframe >= 50"}]))
    [problem] = errors(judge_site(folder, TODAY).problems)
    assert problem.key == "sales"
    assert "can ever meet one of its steps" in problem.message


def test_a_queue_that_no_flow_names_yet_may_wait_for_its_agents(folder: Path) -> None:
    edit(folder / "queues.yaml", lambda queues: queues.update(vip={"steps": [{"require": "any"}]}))
    verdict = judge_site(folder, TODAY)
    assert verdict.site is not None
    assert [problem.key for problem in verdict.problems] == ["vip"]


def test_what_callers_hear_without_a_flow_is_missed_as_well(folder: Path) -> None:
    """A site from before there were limits works on, and is told what to add."""
    verdict = spoil(folder, Spoilt("", "prompts.yaml", "\ntoo_many_calls:", "\ntoo_many:", "", "", ""))
    assert verdict.site is not None
    assert [(problem.key, problem.message) for problem in verdict.problems] == [("too_many_calls", "is missing")]


# Hours and the clocks.


@pytest.mark.parametrize("where", ["main", ""])
def test_hours_of_a_date_that_begin_at_no_time_are_an_error(folder: Path, where: str) -> None:
    """That night the clocks go from 02:00 to 03:00. By the week the same is a warning: it comes once a year."""

    def write(hours: dict[str, dict[str, object]]) -> None:
        book = hours["main"] if where else hours
        book["dates"] = {"2026-03-29": {"hours": ["02:30-12:00"]}}

    edit(folder / "site.yaml", lambda site: site.update(timezone="Europe/Berlin"))
    edit(folder / "hours.yaml", write)
    verdict = judge_site(folder, TODAY)
    [problem] = errors(verdict.problems)
    assert problem.message == "2026-03-29 02:30 does not exist"
    assert problem.key == ".".join(filter(None, (where, "dates", "2026-03-29")))
    assert "2026-03-29" in line_of(folder, problem)
    assert "choose another time" in problem.hint
    assert verdict.site is None


# Values that some file of Asterisk's would read as something else.

EVIL = ("a\nb", "a;b", "a]b", "${SHELL(id)}", "#include x", "exten => x")
FREE = ("why", "text", "zh", "en")  # spoken or shown, and never written for Asterisk
PLACE = AsteriskPlace(command=("asterisk",), modules="/m", data="/d", sounds="/s", version="22.10.1")


def positions(folder: Path) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """One of each kind of text in the site: by file, depth and last key."""
    seen = set()
    for file in sorted(folder.rglob("*.yaml")):
        name = str(file.relative_to(folder))
        for path in texts(YAML(typ="safe").load(file), ()):
            kind = (name, len(path), path[-1] if len(path) > 1 else "", isinstance(path[-1], int))
            if kind not in seen and not set(path) & set(FREE):
                seen.add(kind)
                yield name, path


def texts(content: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in pairs:
        if isinstance(value, str):
            yield (*path, key)
        else:
            yield from texts(value, (*path, key))


def test_no_value_can_become_a_line_of_asterisks(folder: Path) -> None:
    evils = itertools.cycle(EVIL)
    tried = 0
    for (name, path), evil in zip([*positions(folder)], evils, strict=False):
        file = folder / name
        before = file.read_bytes()

        def put(content: dict[str, dict[str, object]], path: tuple[str | int, ...] = path, evil: str = evil) -> None:
            here: object = content
            for key in path[:-1]:
                here = here[key]  # type: ignore[index]
            here[path[-1]] = evil  # type: ignore[index]

        edit(file, put)
        verdict = judge_site(folder, TODAY)
        found = [problem for problem in errors(verdict.problems) if problem.file == name]
        assert found, f"{name} {path} takes {evil!r}"
        assert all(problem.line for problem in found)
        file.write_bytes(before)
        tried += 1
    assert tried > 35


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    ("file", "old"),
    [
        ("numbers.yaml", '"4008001001"'),
        ("media.yaml", "\ntv_spot:"),
        ("agents.yaml", '"1001"'),
        ("queues.yaml", "\nsales:"),
        ("hours.yaml", "\nmain:"),
        ("phones.yaml", '"2001"'),
        ("trunk.yaml", "\ncarrier:"),
        ("prompts.yaml", "\nwelcome:"),
        ("flows/main.yaml", "\n  welcome:"),
    ],
)
def test_no_key_can_either(folder: Path, file: str, old: str, evil: str) -> None:
    key = '"' + evil.replace("\n", "\\n") + '"'
    new = key if old.startswith('"') else old.replace(old.strip().rstrip(":"), key)
    verdict = spoil(folder, Spoilt("", file, old, new, "", "", ""))
    found = [problem for problem in errors(verdict.problems) if problem.file == file]
    assert any(problem.line and evil in problem.key for problem in found), verdict.problems
    assert verdict.site is None


def test_and_what_came_through_is_stopped_once_more_where_it_is_written(folder: Path) -> None:
    """The second fence, for values that a schema to come forgets."""
    site = judge_site(folder, TODAY).site
    assert site is not None
    object.__setattr__(site.phones["2001"], "name", "x\n[evil]")
    with pytest.raises(SpecError):
        render_asterisk(asterisk_spec(site, SiteFolders(folder), PLACE, "s" * 32))
