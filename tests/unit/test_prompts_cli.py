"""`hotline prompts` from outside: rows, what is made, faults with their exit codes; and the site's words for voices."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dialplans.lint import lint
from dialplans.render import render
from hotline.asterisk_files import render_asterisk
from hotline.control import ControlServer
from hotline.prompting import bare_shelf, prompt_shelf
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.problem import SiteError
from ivr.prompts.audio import write_wav
from ivr.prompts.shelf import Origin
from tests.unit.test_asterisk_files import SPEC as ASTERISK_SPEC
from tests.unit.test_cli import hotline
from tests.unit.test_dialplan_render import SPEC
from tests.unit.test_prompts import tone

FLOW = """\
start: bye
default_way: end
nodes:
  bye: {kind: play, prompts: [goodbye], then: end}
  end: {kind: hangup}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The sample with one flow and four prompts: making hundreds of them is not the point."""
    site = tmp_path / "site"
    init_site(site)
    for flow in (site / "flows").iterdir():
        flow.unlink()
    (site / "flows" / "main.yaml").write_text(FLOW)
    (site / "numbers.yaml").write_text('"4008001001": {flow: main}\n')
    edit(site / "prompts.yaml", only_few)
    return site


def only_few(prompts: Any) -> None:
    for key in [*prompts]:
        if key not in ("welcome", "goodbye", "closed", "desk_pin"):
            del prompts[key]


def edit(path: Path, change: Callable[[Any], None]) -> None:
    yaml = YAML()
    content = yaml.load(path)
    change(content)
    with path.open("w") as file:
        yaml.dump(content, file)


def rows(site: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = [json.loads(line) for line in hotline("prompts", "list", "--json", "--site", site).stdout.splitlines()]
    return {(row["key"], row["language"]): row for row in found}


def test_list_tells_source_length_and_level_and_numbers_as_the_file_does(site: Path) -> None:
    before = rows(site)
    keys = [*load_site(site).prompts]
    assert [row["number"] for row in before.values()] == [n for n in range(1, len(keys) + 1) for _ in range(2)]
    assert {row["source"] for row in before.values()} == {"nowhere"}
    write_wav(tone(500, 2.0, 44100), site / "recordings" / "zh" / "goodbye.wav")
    built = hotline("prompts", "build", "--site", site)
    assert built.exit_code == 0
    assert "goodbye in zh: recording" in built.stdout
    assert f"{2 * len(keys)} made, 0 as they were. The engine is not running" in built.stdout
    after = rows(site)
    assert after["goodbye", "zh"]["source"] == "recording"
    assert after["goodbye", "zh"]["seconds"] == pytest.approx(2.12, abs=0.02)
    assert after["goodbye", "zh"]["level"] == pytest.approx(-19, abs=0.3)
    assert after["goodbye", "en"]["source"] == "speech"
    assert "0 made" in hotline("prompts", "build", "--site", site).stdout
    assert "goodbye" in hotline("prompts", "list", "--site", site).stdout


def test_check_tells_every_refusal_and_remarks_on_the_rest(site: Path) -> None:
    assert hotline("prompts", "check", "--site", site).exit_code == 0
    folder = site / "recordings"
    write_wav(tone(500, 1.0, 44100, 0.9).apply_gain(6), folder / "zh" / "goodbye.wav")
    write_wav(tone(500), folder / "zh" / "godbye.wav")
    write_wav(tone(500), folder / "en" / "closed.wav")
    edit(site / "prompts.yaml", lambda prompts: prompts.update(new={"text": {"zh": "您好"}}))
    result = hotline("prompts", "check", "--site", site)
    assert result.exit_code == 1
    assert "refused: recordings/zh/goodbye.wav: it is clipped" in result.stdout
    assert "refused: recordings/zh/godbye.wav: is a recording of no prompt" in result.stdout
    assert "remark: new in en has no text and no recording" in result.stdout
    assert "remark: new is in no flow" in result.stdout
    assert "closed.wav" not in result.stdout
    assert "desk_" not in result.stdout
    write_wav(tone(500), folder / "en" / "new.wav")
    (folder / "zh" / "goodbye.wav").unlink()
    (folder / "zh" / "godbye.wav").unlink()
    result = hotline("prompts", "check", "--site", site)
    assert result.exit_code == 0  # remarks are no faults
    assert "new in en" not in result.stdout


def test_build_fails_when_a_recording_is_refused_and_makes_the_rest(site: Path) -> None:
    (site / "recordings" / "zh").mkdir(parents=True)
    (site / "recordings" / "zh" / "goodbye.wav").write_bytes(b"not a sound")
    result = hotline("prompts", "build", "--site", site)
    assert result.exit_code == 1
    assert "goodbye in zh: speech (its recording is refused: it is not audio" in result.stdout
    assert rows(site)["goodbye", "en"]["source"] == "speech"


def test_record_knows_what_there_is(site: Path) -> None:
    for words, told in (
        (("record", "nothing"), "no prompt 'nothing'"),
        (("record", "goodbye", "--language", "latin"), "no language 'latin'"),
    ):
        result = hotline("prompts", *words, "--site", site)
        assert (result.exit_code, told in result.stderr) == (2, True)
    result = hotline("prompts", "record", "goodbye", "--site", site)
    assert result.exit_code == 1
    assert "the engine is not running" in result.stderr


class Engine:
    """A control socket that answers what a test gives, in a thread; ``asked`` is what it was asked."""

    def __init__(self, site: Path, states: list[dict[str, str]], why: str = "") -> None:
        self._site, self._states, self._why = site, states, why
        self.asked: list[Mapping[str, Any]] = []
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = ControlServer(SiteFolders(self._site).run, {"record": self._record, "take": self._take})
        await server.start()
        self._ready.set()
        await self._over.wait()
        await server.stop()

    async def _record(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(question)
        return {"take": "t", "why": self._why}

    async def _take(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._states.pop(0)

    def __enter__(self) -> Engine:
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)
        self._loop.close()


def state(name: str, why: str = "") -> dict[str, str]:
    return {"state": name, "why": why}


def test_record_follows_the_take_to_its_end(site: Path) -> None:
    with Engine(site, [state("ringing"), state("recording"), state("kept")]) as engine:
        result = hotline("prompts", "record", "goodbye", "--language", "english", "--extension", "1003", "--site", site)
    assert result.exit_code == 0
    assert "recordings/en/goodbye.wav is played from now on" in result.stdout
    asked = {"ask": "record", "key": "goodbye", "language": "en", "extension": "1003"}
    assert [dict(question) for question in engine.asked] == [asked]


@pytest.mark.parametrize(
    ("states", "why", "told"),
    [
        ([state("recording"), state("gone", "it is clipped")], "", "goodbye is as it was: it is clipped"),
        ([state("gone")], "", "goodbye is as it was"),
        ([], "the phone is not there, or is busy", "the phone is not there"),
    ],
)
def test_record_that_keeps_nothing_fails(site: Path, states: list[dict[str, str]], why: str, told: str) -> None:
    with Engine(site, states, why):
        result = hotline("prompts", "record", "goodbye", "--site", site)
    assert (result.exit_code, told in result.stderr) == (1, True)


def test_wide_files_are_made_where_phones_may_speak_wideband(site: Path) -> None:
    wide = SiteFolders(site).prompts
    asyncio.run(prompt_shelf(load_site(site), SiteFolders(site)))
    assert [*wide.glob("*.wav16")] == []
    edit(site / "site.yaml", lambda form: form["asterisk"].update(codecs=["g722", "ulaw"]))
    loaded = load_site(site)
    made = asyncio.run(bare_shelf(loaded, SiteFolders(site)).make_all(loaded.prompts))
    assert {each.origin for each in made} == {Origin.SPEECH}
    names = {path.stem for path in wide.glob("*.wav16")}
    assert names == {path.stem for path in wide.glob("*.wav")} - {"beep"}


def test_asterisk_speaks_wideband_only_when_told(site: Path) -> None:
    assert "codec_g722" not in render_asterisk(ASTERISK_SPEC)["modules.conf"]


def test_the_dialplan_of_a_rung_phone_leads_to_the_engine_alone() -> None:
    text = render(SPEC)["extensions.conf"]
    assert lint(text) == []
    assert "/record,${HOTLINE_TAKE})" in text
    assert "exten => *51,1,NoOp()" in text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"kind": "command", "command": ["piper"]}, "absolute path"),
        ({"kind": "http", "url": "ftp://x/"}, "speech"),
        ({"kind": "http"}, "url"),
        ({"kind": "magic"}, "speech"),
        ({"kind": "http", "url": "http://x/", "headers": {"X-Key": "secret-1\n"}}, "headers"),
    ],
)
def test_a_wrong_voice_is_told_with_its_key_and_without_its_secret(site: Path, form: dict[str, Any], told: str) -> None:
    edit(site / "site.yaml", lambda page: page.update(speech=form))
    with pytest.raises(SiteError) as caught:
        load_site(site)
    assert told in str(caught.value)
    assert "secret-1" not in str(caught.value)


def test_a_services_key_is_not_in_the_sites_repr(site: Path) -> None:
    form = {"kind": "http", "url": "http://x/", "headers": {"X-Key": "secret-1"}}
    edit(site / "site.yaml", lambda page: page.update(speech=form))
    assert "secret-1" not in repr(load_site(site))
