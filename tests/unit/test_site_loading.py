"""The sample site is sound; each way to spoil it is told with file, line, key and a hint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from hotline.site.init import init_site
from hotline.site.loading import Verdict, judge_site, load_site
from hotline.site.problem import Gravity, SiteError, SiteProblem

TODAY = date(2026, 3, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def spoil(folder: Path) -> Callable[[str, str, str], Verdict]:
    """Replace ``old`` (which must be there) with ``new`` in ``file``; the verdict on what is left."""

    def spoiled(file: str, old: str, new: str) -> Verdict:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))
        return judge_site(folder, TODAY)

    return spoiled


Spoil = Callable[[str, str, str], Verdict]


def only(verdict: Verdict) -> SiteProblem:
    assert len(verdict.problems) == 1, verdict.problems
    return verdict.problems[0]


def test_the_sample_site_is_sound(folder: Path) -> None:
    verdict = judge_site(folder, TODAY)
    assert verdict.problems == ()
    assert verdict.site is not None
    assert verdict.site.numbers["4008001001"].source == "tv_spot"
    assert list(verdict.site.languages) == ["mandarin", "english"]


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "message"),
    [
        ("site.yaml", "country: CN\n".strip(), "country: XX", "country", "is no country"),
        ("site.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Nowhere", "timezone", "no time zone"),
        ("site.yaml", "timezone: Asia/Shanghai", "timezone: ../../etc/passwd", "timezone", "no time zone"),
        ("site.yaml", "bind: 127.0.0.1", "bind: localhost", "bind", "4 octets"),
        ("site.yaml", "default_language: mandarin", "default_language: french", "default_language", "no language"),
        ("site.yaml", "  sip: 5060", "  sip: 99999", "ports.sip", "less than or equal to 65535"),
        ("site.yaml", "  sip: 5060", "  sip: 10500", "ports.sip", "lies among the RTP ports"),
        ("site.yaml", "  ami: 5038", "  ami: 4573", "ports.ami", "the AGI's already"),
        ("site.yaml", "[10000, 10999]", "[10001, 10999]", "ports.rtp", "the first even"),
        ("site.yaml", 'group: ["1001"', 'group: ["1009"', "fail_open.group.0", "no agent '1009'"),
        ("site.yaml", "stop_grace_s: 120", "stop_grace_s: .nan", "limits.stop_grace_s", "finite number"),
        ("site.yaml", "mode: embedded", "mode: borrowed", "asterisk.mode", "'embedded' or 'external'"),
        ("site.yaml", "knocks: 10", 'knocks: "10"', "fail_open.knocks", "valid integer"),
        ("numbers.yaml", "source: tv_spot", "source: tv_sopt", "4008001001.source", "no media source 'tv_sopt'"),
        ("numbers.yaml", "flow: main", "flow: mian", "4008001001.flow", "no flow 'mian'"),
        ("numbers.yaml", '"4008001003"', '"4008001001"', "4008001001", "is written twice"),
        ("numbers.yaml", '"4008001003"', '"+4008001001"', "+4008001001", "is there twice"),
        ("numbers.yaml", '"4008001003"', '"1001"', "1001", "numbers that callers dial"),
        ("numbers.yaml", '"4008001003"', '"_X."', "_X.", "characters that cannot stand here"),
        ("agents.yaml", "queues: [sales]", "queues: [slaes]", "1001.queues.0", "no queue 'slaes'"),
        ("agents.yaml", "laptop: 90", "laptop: 101", "1001.skills.laptop", "less than or equal to 100"),
        ("agents.yaml", "  queues: [sales]", "  language: french\n  queues: [sales]", "1001.language", "no language"),
        ("agents.yaml", '"1002":', '"1001":', "1001", "is written twice"),
        ("agents.yaml", "  queues: [sales]\n", "", "1001.queues", "is missing"),
        ("agents.yaml", "  queues: [sales]", "  queus: [sales]\n  queues: [sales]", "1001.queus", "unknown key"),
        ("phones.yaml", '"2001"', '"1003"', "1003", "is an agent's extension already"),
        ("queues.yaml", "laptop >= 50", "laptop >> 50", "sales.steps.0.require", "column 29"),
        ("queues.yaml", "    - require: any", "    - require: any\n      for_s: 5", "sales.steps", "last step"),
        ("queues.yaml", "      for_s: 20\n", "", "sales.steps", "never begin"),
        ("queues.yaml", "strategy: longest_idle", "strategy: fastest", "sales.strategy", "no strategy 'fastest'"),
        ("queues.yaml", "  strategy: l", "  overflow: [{length: 3, queue: slaes}]\n  strategy: l",
         "sales.overflow.0.queue", "no queue 'slaes'"),
        ("queues.yaml", "  strategy: l", "  overflow: [{length: 3, queue: sales}]\n  strategy: l",
         "sales.overflow.0.queue", "would stay where it is"),
        ("queues.yaml", "  strategy: l", "  overflow: [{length: 3, waited_s: 9}]\n  strategy: l",
         "sales.overflow.0", "a rule has one of"),
        ("queues.yaml", "preferred: [owner]", "preferred: [boss]", "sales.preferred.0", "'owner' or 'last_agent'"),
        ("site.yaml", "gold: 2", "gold: 101", "routing.tiers.gold", "less than or equal"),
        ("site.yaml", "regain_s: 60", "regain_s: 60\n  rona: {no_answer: {misses: 0}}", "routing.rona.no_answer.misses",
         "greater"),
        ("hours.yaml", 'mon: ["00:00-24:00"]', 'mon: ["09:00-12:00", "11:00-13:00"]', "main.week.mon", "overlap"),
        ("hours.yaml", '    mon: ["00', '    monday: ["00', "main.week.monday", "mon"),
        ("trunk.yaml", '"127.0.0.2"', '"0.0.0.0/0"', "carrier.match.0", "the whole world"),
        ("trunk.yaml", '"127.0.0.2"', '"sip.example.com"', "carrier.match.0", "does not appear to be"),
        ("flows/main.yaml", "queue: sales", "queue: slaes", "nodes.sales.queue", "no queue 'slaes'"),
        ("flows/main.yaml", "line: main", "line: night", "nodes.office_hours.line", "no line of hours 'night'"),
        ("flows/main.yaml", "1: sales", "1: salse", "nodes.topic.options.1.goto", "no node 'salse'"),
        ("flows/main.yaml", "prompts: [closed]", "prompts: [clsoed]", "nodes.closed_notice.prompts.0", "no prompt"),
        ("flows/main.yaml", "start: welcome", "name: other\nstart: welcome", "name", "unknown key"),
        ("media.yaml", "kind: tv", "kind: TV", "tv_spot.kind", "characters that cannot stand here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_is(
    spoil: Spoil, folder: Path, file: str, old: str, new: str, key: str, message: str
) -> None:
    verdict = spoil(file, old, new)
    found = [problem for problem in verdict.problems if problem.file in (file, "agents.yaml", "phones.yaml")]
    told = [problem for problem in found if problem.key == key and message in problem.message]
    assert len(told) == 1, verdict.problems
    assert verdict.site is None
    last = key.rsplit(".", 1)[-1]
    line = (folder / told[0].file).read_text().splitlines()[told[0].line - 1]
    assert last in line or last.isdigit() or "missing" in message or last in ("goto", "match"), line


EVIL = [
    "a\nb",
    "a;b",
    "a]b",
    "a[b",
    "${SHELL(id)}",
    "$[1+1]",
    "#include x",
    "exten => x",
    "a\\b",
    'a"b',
    "\u202eevil",
    "a<b>",
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(("file", "old", "key"), [
    ("site.yaml", "name: Sample Electronics", "name"),
    ("agents.yaml", "name: Emma Clarke", "1003.name"),
    ("phones.yaml", "name: Your softphone", "2001.name"),
    ("media.yaml", "name: Web search", "web_search.name"),
])  # fmt: skip
def test_a_name_that_asterisk_would_read_otherwise_is_refused(
    spoil: Spoil, file: str, old: str, key: str, evil: str
) -> None:
    quoted = '"' + evil.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    problem = only(spoil(file, old, f"name: {quoted}"))
    assert (problem.file, problem.key) == (file, key)
    assert problem.line > 0


@pytest.mark.parametrize(
    "evil", ["short", "has space in it 12345", "x" * 65, "newline\\nnewline\\nnew", "a;b;c;d;e;f;g;h;i"]
)
def test_a_secret_that_is_refused_is_not_told(spoil: Spoil, folder: Path, evil: str) -> None:
    secret = load_site(folder).phones["2001"].sip_secret
    problem = only(spoil("phones.yaml", secret, evil))
    assert problem.key == "2001.sip_secret"
    assert evil not in str(problem)


def test_an_unquoted_pin_gets_the_hint_to_quote_it(spoil: Spoil, folder: Path) -> None:
    pin = load_site(folder).agents["1001"].pin
    problem = only(spoil("agents.yaml", f'"{pin}"', "123456"))
    assert (problem.key, problem.hint) == ("1001.pin", "put the digits between quotes")


def test_a_near_miss_is_named(spoil: Spoil) -> None:
    assert only(spoil("numbers.yaml", "source: tv_spot", "source: tv_sopt")).hint == "did you mean 'tv_spot'?"
    assert "did you mean 'timezone'?" in str(spoil("site.yaml", "timezone:", "timezome:").problems)


def test_all_files_are_told_of_at_once(folder: Path) -> None:
    for file in ("site.yaml", "media.yaml", "queues.yaml", "flows/main.yaml"):
        (folder / file).write_text("a: 1\na: 2\n")
    (folder / "hours.yaml").unlink()
    files = {problem.file for problem in judge_site(folder, TODAY).problems}
    assert files == {"site.yaml", "media.yaml", "queues.yaml", "flows/main.yaml", "hours.yaml"}


def test_a_requirement_nobody_can_meet_is_a_warning(spoil: Spoil) -> None:
    verdict = spoil("queues.yaml", "laptop >= 50", "mainframe >= 50")
    problem = only(verdict)
    assert (problem.gravity, problem.key) == (Gravity.WARNING, "sales.steps.0.require")
    assert verdict.site is not None


def test_a_queue_without_agents_is_a_warning(folder: Path) -> None:
    text = (folder / "queues.yaml").read_text() + "\nvip:\n  steps: [{require: any}]\n"
    (folder / "queues.yaml").write_text(text)
    verdict = judge_site(folder, TODAY)
    assert only(verdict).message == "no agent serves this queue"
    assert verdict.site is not None


def test_an_opening_in_a_leap_of_the_clocks_is_a_warning(spoil: Spoil) -> None:
    spoil("hours.yaml", 'sun: ["00:00-24:00"]', 'sun: ["02:30-24:00"]')
    verdict = spoil("site.yaml", "Asia/Shanghai", "Europe/Berlin")
    assert [(problem.key, problem.message) for problem in verdict.problems] == [
        ("main.week", "2026-03-29 02:30 does not exist"),
        ("main.week", "2026-10-25 02:30 happens twice"),
    ]
    assert verdict.site is not None


def test_a_language_without_a_text_is_a_warning(spoil: Spoil) -> None:
    verdict = spoil("site.yaml", "  english: en", "  english: en\n  german: de")
    assert {problem.gravity for problem in verdict.problems} == {Gravity.WARNING}
    assert all("'de'" in problem.message for problem in verdict.problems)


def test_no_site_is_one_problem(tmp_path: Path) -> None:
    assert "there is no site" in only(judge_site(tmp_path / "nowhere")).message


def test_loading_raises_all_errors_and_no_warnings(spoil: Spoil, folder: Path) -> None:
    spoil("queues.yaml", "laptop >= 50", "mainframe >= 50")
    spoil("site.yaml", "country: CN", "country: XX")
    with pytest.raises(SiteError) as error:
        load_site(folder)
    assert [problem.key for problem in error.value.problems] == ["country"]


def test_a_site_prints_no_secret(folder: Path) -> None:
    site = load_site(folder)
    secrets = [agent.pin for agent in site.agents.values()] + [phone.sip_secret for phone in site.phones.values()]
    assert not [secret for secret in secrets if secret in repr(site)]
