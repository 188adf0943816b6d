"""`hotline try` from outside: the sample site's calls, walked in virtual time. No Asterisk, no engine."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from pydub.generators import Sine
from typer.testing import CliRunner

from hotline.cli import app
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from ivr.prompts.audio import AudioSegment
from ivr.prompts.shelf import PromptShelf
from ivr.prompts.speech import EspeakSpeech, espeak_is_here

AT = "2026-03-02 12:00"  # a Monday


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


def run(site: Path, *words: str, number: str = "4008001001") -> Any:
    at = () if "--at" in words else ("--at", AT)
    return CliRunner().invoke(app, ["try", number, "--site", str(site), *at, *words], env={"COLUMNS": "200"})


def happenings(site: Path, keys: str, *words: str, number: str = "4008001001", code: int = 0) -> list[dict[str, Any]]:
    result = run(site, "--json", "--keys", keys, *words, number=number)
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def of(found: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [row for row in found if row["event"] == event]


def the_end(site: Path, keys: str, *words: str, code: int = 0) -> dict[str, Any]:
    found = happenings(site, keys, *words, code=code)
    assert [row["event"] for row in found].count("end") == 1
    return found[-1]


def edit(site: Path, file: str, old: str, new: str) -> None:
    text = (site / file).read_text("utf-8")
    assert old in text
    (site / file).write_text(text.replace(old, new), "utf-8")


MENU_WAYS = [
    ("1,1,a", "mandarin", "sales", "key 1"),
    ("2,1,a", "english", "sales", "key 1"),
    ("2,2,a", "english", "service", "key 2"),
    ("1,0,a", "mandarin", "anyone", "key 0"),
    ("2,7,8,9,a", "english", "anyone", "no choice: key 7, key 8, key 9"),
    ("t,t,2,a", "mandarin", "service", "key 2"),
    ("!2,1,a", "english", "sales", "key 1"),
    ("!21,a", "english", "sales", "key 1"),  # typed on into the next prompt
]


@pytest.mark.parametrize(("keys", "language", "node", "why"), MENU_WAYS)
def test_each_way_of_the_menus(site: Path, keys: str, language: str, node: str, why: str) -> None:
    found = happenings(site, keys)
    assert found[-1]["outcome"] == "answered"
    assert found[-1]["variables"] == {"language": language}
    last = of(found, "node")[-1]
    assert (last["node"], last["after"], last["why"]) == (node, "topic", why)


def test_the_tag_comes_from_the_number(site: Path) -> None:
    first = happenings(site, "h", "--ani", "13800138000", number="4008001002")[0]
    wanted = {"source": "newspaper", "campaign": "autumn_laptops", "flow": "main", "known": True, "ani": "13800138000"}
    assert wanted.items() <= first.items()
    assert first["at"] == "2026-03-02T12:00:00+08:00"


def test_an_unknown_number_has_the_source_unknown(site: Path) -> None:
    found = happenings(site, "2,1,a", number="4009")
    assert (found[0]["known"], found[0]["source"], found[-1]["source"]) == (False, "unknown", "unknown")
    assert "Asterisk would refuse it" in run(site, "--keys", "h", number="4009").stdout


def test_prompts_are_in_the_language_chosen_and_take_their_time(site: Path) -> None:
    prompts = of(happenings(site, "2,h"), "prompt")
    assert [(row["prompt"], row["language"]) for row in prompts[1:]] == [("choose_language", "zh"), ("menu_main", "en")]
    assert prompts[2]["text"].startswith("For sales, press one.")
    assert prompts[1]["at_s"] == prompts[0]["seconds"] > 5
    assert of(happenings(site, "h", "--language", "english"), "prompt")[1]["language"] == "en"


class TwelveSeconds(EspeakSpeech):
    """A slow speaker under espeak's name: its files are the ones that are looked for."""

    def speak(self, text: str, language: str) -> AudioSegment:
        return Sine(400).to_audio_segment(12_000)


@pytest.mark.skipif(not espeak_is_here(), reason="no espeak-ng")
def test_a_made_prompt_is_as_long_as_its_file(site: Path) -> None:
    shelf = PromptShelf(SiteFolders(site).prompts, {"english": "en"}, TwelveSeconds())
    asyncio.run(shelf.make_all({"menu_main": load_site(site).prompts["menu_main"]}))
    assert of(happenings(site, "2,h"), "prompt")[2]["seconds"] == pytest.approx(12, abs=0.2)
    edit(site, "prompts.yaml", "For sales, press one.", "For sales, one.")
    assert of(happenings(site, "2,h"), "prompt")[2]["seconds"] < 9  # another text: that file is not its sound


def test_silence_takes_the_time_outs(site: Path) -> None:
    """Two tries of 4 s in the language menu, three of 5 s in the next one; then the wait in the queue."""
    found = happenings(site, "")
    spoken = sum(row["seconds"] for row in of(found, "prompt"))
    assert found[-1]["lasted_s"] == pytest.approx(spoken + 2 * 4 + 3 * 5 + 600)
    assert found[-1]["outcome"] == "timeout"
    assert found[-1]["path"][-3:] == ["anyone", "sorry", "gave_up"]
    assert of(found, "node")[-2]["why"] == "timed out"


def test_closed_hours(site: Path) -> None:
    edit(site, "hours.yaml", 'mon: ["00:00-24:00"]', 'mon: ["09:00-12:00"]')
    found = happenings(site, "2")
    assert [row["open"] for row in of(found, "line")] == [False]
    assert found[-1]["outcome"] == "rejected"
    assert [(row["node"], row["why"]) for row in of(found, "node")][-2:] == [
        ("closed_notice", "closed"),
        ("refused", "said"),
    ]
    assert the_end(site, "2,h", "--at", "2026-03-02 11:58")["path"][-1] == "topic"
    assert of(happenings(site, "2", "--at", "2026-03-02 11:59:50"), "line")[0]["open"] is False  # noon came meanwhile


HANG_UPS = [("!h", "welcome"), ("h", "language"), ("t,h", "language"), ("7,h", "language"), ("2,h", "topic")]
HANG_UPS += [("2,t,h", "topic"), ("2,!h", "topic"), ("2,t,t,!h", "topic")]


@pytest.mark.parametrize(("keys", "node"), HANG_UPS)
def test_hanging_up_wherever_somebody_listens(site: Path, keys: str, node: str) -> None:
    end = the_end(site, keys)
    assert (end["outcome"], end["path"][-1], end["unused_keys"]) == ("abandoned_ivr", node, "")


def test_hanging_up_in_the_queue_and_after_it(site: Path) -> None:
    assert the_end(site, "2,1,h")["outcome"] == "abandoned_queue"
    after = the_end(site, "2,1,t,!h")
    assert (after["outcome"], after["path"][-1]) == ("timeout", "sorry")  # the queue had given up before


def test_a_queue_shows_who_could_ever_serve_each_step(site: Path) -> None:
    found = happenings(site, "2,2,a25")
    queue = of(found, "queue")[0]
    assert queue["attributes"] == {"language": "english"}
    assert [step["bound"] for step in queue["steps"]] == ["(english >= 50 and printer >= 50)", "english >= 50", "any"]
    assert [step["agents"] for step in queue["steps"]] == [
        ["1002", "1005", "1006"],
        ["1002", "1005", "1006"],
        ["1002", "1004", "1005", "1006"],
    ]
    assert of(found, "queue_end")[0] == {
        "at_s": found[-1]["at_s"],
        "event": "queue_end",
        "how": "answered",
        "waited_s": 25.0,
        "agents": ["1002", "1005", "1006"],  # the second step stands after 25 s
    }


def test_steps_for_nobody_take_no_time(site: Path) -> None:
    """Without a language the first two steps can be met by nobody: whoever is there may answer at once."""
    found = happenings(site, "2,0,a")
    assert [step["unknown"] for step in of(found, "queue")[0]["steps"]] == [["language"], ["language"], []]
    assert of(found, "queue_end")[0]["agents"] == ["1001", "1002", "1003", "1005", "1006"]
    assert (
        "1. $language >= 50 and laptop >= 50 (no language), 20 s: nobody, passed at once"
        in run(site, "--keys", "2,0,a").stdout
    )


def test_nobody_answers_where_nobody_can(site: Path) -> None:
    """The call knows no product, whatever the agents can."""
    edit(site, "queues.yaml", "- require: any", "- require: $product >= 50")
    edit(site, "queues.yaml", "$language >= 50", "$product >= 50")
    found = happenings(site, "2,1,a")
    assert of(found, "queue_end")[0]["how"] == "nobody_able"
    assert found[-1]["outcome"] == "timeout"


def test_an_answer_later_than_the_longest_wait_is_none(site: Path) -> None:
    assert the_end(site, "2,1,a600")["outcome"] == "timeout"
    assert the_end(site, "2,1,a599")["outcome"] == "answered"


def test_each_cap_is_exit_code_2(site: Path) -> None:
    edit(site, "flows/main.yaml", "    otherwise: anyone", "    otherwise: topic")
    found = happenings(site, "", code=2)
    seconds = found[-1]
    assert of(found, "node")[-3]["why"] == "the flow's limit of seconds is reached"
    assert seconds["cap"] == "seconds"
    assert seconds["path"][-3] == "anyone"
    edit(site, "flows/main.yaml", "steps: 60", "steps: 6")
    assert the_end(site, "2,1,t")["cap"] is None  # seven nodes, but in two walks
    assert the_end(site, "2" + ",8" * 9, code=2)["cap"] == "steps"
    edit(site, "flows/main.yaml", "queues: 10", "queues: 3")
    edit(site, "flows/main.yaml", "then: sorry", "then: service")
    edit(site, "flows/main.yaml", "  sorry:\n    kind: play\n    prompts: [queue_timeout]\n    then: gave_up\n\n", "")
    edit(site, "flows/main.yaml", "  gave_up:\n    kind: hangup\n    outcome: timeout\n\n", "")
    queues = the_end(site, "2,1,t,t,t,t", code=2)
    assert (queues["cap"], queues["outcome"]) == ("queues", "overflow")


def test_the_same_call_twice_is_the_same_json(site: Path) -> None:
    words = ("--json", "--keys", "2,7,1,a45", "--ani", "13800138000")
    assert run(site, *words).stdout == run(site, *words).stdout


GOLDEN = [
    {"at_s": 0.0, "event": "dialled", "number": "4008001001", "ani": "", "at": "2026-03-02T12:00:00+08:00",
     "known": True, "source": "tv_spot", "campaign": "autumn_laptops", "flow": "main", "language": "mandarin"},
    {"at_s": 0.0, "event": "node", "node": "welcome", "kind": "play", "after": "", "why": ""},
    {"at_s": 0.0, "event": "prompt", "prompt": "welcome", "language": "zh", "seconds": 3.824, "cut": True,
     "text": "您好，欢迎致电客户服务热线。 / Hello, and welcome to our customer hotline."},
    {"at_s": 3.824, "event": "heard", "ended": "keys", "keys": "2"},
    {"at_s": 3.824, "event": "node", "node": "language", "kind": "menu", "after": "welcome", "why": "key 2 ended it"},
    {"at_s": 3.824, "event": "set", "values": {"language": "english"}},
    {"at_s": 3.824, "event": "node", "node": "office_hours", "kind": "hours", "after": "language",
     "why": "key 2, pressed before"},
    {"at_s": 3.824, "event": "line", "line": "main", "open": True},
    {"at_s": 3.824, "event": "node", "node": "topic", "kind": "menu", "after": "office_hours", "why": "open"},
    {"at_s": 3.824, "event": "prompt", "prompt": "menu_main", "language": "en", "seconds": 8.424, "cut": False,
     "text": "For sales, press one. For service, press two. For a delivery, press three. To speak with anyone, "
     "press zero."},
    {"at_s": 12.248, "event": "heard", "ended": "gone", "keys": ""},
    {"at_s": 12.248, "event": "end", "outcome": "abandoned_ivr", "lasted_s": 12.248, "source": "tv_spot",
     "campaign": "autumn_laptops", "variables": {"language": "english"},
     "path": ["welcome", "language", "office_hours", "topic"], "cap": None, "unused_keys": ""},
]  # fmt: skip


def test_the_words_of_json_stay(site: Path) -> None:
    """Programs read them: a change here is a change for them."""
    assert happenings(site, "!2,h") == GOLDEN


def test_told_to_a_person(site: Path) -> None:
    output = run(site, "--keys", "2,1,a,9", "--ani", "138\u202e").stdout
    for line in (
        "138· dials 4008001001 on Mon 2026-03-02 12:00:00",
        "source tv_spot, campaign autumn_laptops, flow main, language mandarin",
        "key 2",
        "language = english",
        "sales (queue)  ← topic: key 1",
        "waits in sales (language = english), 600 s at most",
        "1. (english >= 50 and laptop >= 50), 20 s: 1002 王伟, 1003 Emma Clarke, 1006 陈静",
        "answered after 0 s by one of 1002 王伟, 1003 Emma Clarke, 1006 陈静",
        "until the agent answers",
        "way: welcome → language → office_hours → topic → sales",
        "keys not used: 9",
    ):
        assert line in output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--keys", "x"), "'x' is neither keys"),
        (("--keys", "!t"), "'!t' is neither keys"),
        (("--keys", "a"), "'a' cannot be done here"),
        (("--keys", "2,1,5"), "'5' cannot be done here"),
        (("--language", "latin"), "known: mandarin, english"),
        (("--at", "tomorrow"), "--at: "),
        (("--at", "25:00"), "--at: "),
    ],
)
def test_what_cannot_be_done_is_refused(site: Path, words: tuple[str, ...], told: str) -> None:
    result = run(site, *words)
    assert result.exit_code == 1
    assert told in result.stderr


def test_a_site_without_numbers_is_refused(site: Path) -> None:
    (site / "numbers.yaml").write_text("{}\n")
    result = run(site)
    assert (result.exit_code, "has no numbers" in result.stderr) == (1, True)


def test_it_writes_nothing(site: Path) -> None:
    before = sorted(site.rglob("*"))
    run(site, "--keys", "2,1,a")
    assert sorted(site.rglob("*")) == before


def test_graph(site: Path) -> None:
    result = CliRunner().invoke(app, ["graph", "--site", str(site)])
    assert result.exit_code == 0
    assert '    n_topic -->|"2"| n_service\n' in result.stdout
    refused = CliRunner().invoke(app, ["graph", "nonsense", "--site", str(site)])
    assert refused.exit_code == 1
    assert "known: advice" in refused.stderr


def test_the_example_of_the_docs_is_what_is_printed(site: Path) -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "flows.md").read_text("utf-8")
    example = docs.partition("```\n$ hotline try ")[2].partition("```")[0]
    command, _, shown = example.partition("\n")
    result = CliRunner().invoke(app, ["try", *shlex.split(command), "--site", str(site)])
    assert result.stdout == shown
