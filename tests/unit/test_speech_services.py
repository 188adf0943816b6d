"""Voices by configuration: a program of the admin's, an HTTP service; and espeak's place when they fail."""

from __future__ import annotations

import http.server
import io
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ivr.prompts.audio import AudioSegment
from ivr.prompts.shelf import Origin, PromptShelf
from ivr.prompts.speech import CannotSpeak, Resting
from ivr.prompts.speech_command import CommandSpeech
from ivr.prompts.speech_form import CommandForm, HttpForm, SpeechForm
from ivr.prompts.speech_http import HttpSpeech
from ivr.prompts.speech_rest import RestedSpeech
from ivr.prompts.text import PromptText
from ivr.prompts.utterances import Utterances
from ivr.spoken import SpokenKind
from ivr.spoken.value import spoken
from tests.unit.test_prompts import HELLO, LANGUAGES, ToneSpeech, tone

FORM: TypeAdapter[Any] = TypeAdapter(SpeechForm)
SOUND = io.BytesIO()
tone(700, 0.5, 16000).export(SOUND, format="wav")

# Says its words and its text back in the length of a tone: what it was told can be read from the sound.
SPEAKER = """
import io, pathlib, sys, wave
text = sys.stdin.read()
pathlib.Path({log!r}).open("a").write(repr((sys.argv[1:], text)) + "\\n")
sound = io.BytesIO()
with wave.open(sound, "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(b"\\x00\\x30\\x00\\xd0" * (800 * len(text)))
"""


def command(tmp_path: Path, tail: str, *words: str, **more: Any) -> CommandSpeech:
    program = tmp_path / "speaker.py"
    program.write_text(SPEAKER.format(log=str(tmp_path / "log")) + tail)
    words = (sys.executable, "-I", str(program), *words)
    return CommandSpeech(FORM.validate_python({"kind": "command", "command": [*words], **more}))


TO_STDOUT = "sys.stdout.buffer.write(sound.getvalue())"


def test_a_command_reads_stdin_and_answers_on_stdout(tmp_path: Path) -> None:
    speech = command(tmp_path, TO_STDOUT, "{language}", "{voice}", voices={"zh": "cmn-x"})
    text = "您好; $(touch x) `id` {out}"
    assert speech.speak(text, "zh").duration_seconds == pytest.approx(0.1 * len(text))
    assert (tmp_path / "log").read_text() == repr((["zh", "cmn-x"], text)) + "\n"


def test_a_command_may_use_files(tmp_path: Path) -> None:
    tail = (
        "assert pathlib.Path(sys.argv[1]).read_text() == text\npathlib.Path(sys.argv[2]).write_bytes(sound.getvalue())"
    )
    assert command(tmp_path, tail, "{text_file}", "{out}").speak("hello", "en").duration_seconds == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("tail", "reason"),
    [("sys.exit(3)", "ended with 3"), ("print('no sound')", "no sound file"), ("", "no sound file")],
)
def test_a_command_that_fails(tmp_path: Path, tail: str, reason: str) -> None:
    with pytest.raises(CannotSpeak, match=reason):
        command(tmp_path, tail).speak("hello", "en")


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(CannotSpeak, match="No such file"):
        CommandSpeech(CommandForm(kind="command", command=["/no/such/program"])).speak("hello", "en")


def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 60 & echo $! > {pids}; wait"
    speech = CommandSpeech(CommandForm(kind="command", command=["/bin/sh", "-c", script], limit_s=0.3))
    begun = time.monotonic()
    with pytest.raises(CannotSpeak, match="not done"):
        speech.speak("hello", "en")
    assert time.monotonic() - begun < 5
    state = Path(f"/proc/{pids.read_text().strip()}/stat")
    time.sleep(0.1)
    assert not state.exists() or state.read_text().split()[2] == "Z"


class Service(http.server.ThreadingHTTPServer):
    """Answers with ``answer`` and remembers what it was asked."""

    daemon_threads = True
    answer = (200, SOUND.getvalue())
    slow_s = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[dict[str, Any], str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/say"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((body, self.headers["Authorization"]))
        code, data = self.server.answer
        self.send_response(code)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        for at in range(0, len(data), max(1, len(data) // 20)):
            time.sleep(self.server.slow_s)
            self.wfile.write(data[at : at + max(1, len(data) // 20)])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def over_http(service: Service, **more: Any) -> HttpSpeech:
    return HttpSpeech(FORM.validate_python({"kind": "http", "url": service.url, **more}))


def test_a_service_is_posted_json_and_answers_with_sound(service: Service) -> None:
    speech = over_http(service, headers={"Authorization": "Bearer key-1"})
    assert speech.speak("您好", "zh").duration_seconds == pytest.approx(0.5)
    assert service.asked == [({"text": "您好", "language": "zh"}, "Bearer key-1")]


def test_a_service_may_have_words_of_its_own(service: Service) -> None:
    body = {"model": "tts-1", "input": "{text}", "voice": "{voice}"}
    over_http(service, body=body, voices={"en": "amy"}).speak("{voice} hello", "en")
    assert service.asked[0][0] == {"model": "tts-1", "input": "{voice} hello", "voice": "amy"}


@pytest.mark.parametrize(
    "answer", [(500, b""), (302, b""), (200, b"<html>sorry</html>"), (200, b""), (200, b"RIFFxxxx")]
)
def test_a_service_that_fails(service: Service, answer: tuple[int, bytes]) -> None:
    service.answer = answer
    with pytest.raises(CannotSpeak):
        over_http(service, headers={"Authorization": "Bearer key-1"}).speak("hello", "en")
    assert len(service.asked) == 1  # a redirect is not followed


def test_a_service_that_drips(service: Service) -> None:
    service.slow_s = 0.2
    begun = time.monotonic()
    with pytest.raises(CannotSpeak):
        over_http(service, limit_s=0.5).speak("hello", "en")
    assert time.monotonic() - begun < 2


def test_a_service_that_is_not_there() -> None:
    with pytest.raises(CannotSpeak, match="ConnectError"):
        HttpSpeech(HttpForm(kind="http", url="http://127.0.0.1:9/")).speak("hello", "en")


def test_the_key_is_in_no_name_and_no_message() -> None:
    form = HttpForm(kind="http", url="http://127.0.0.1:9/", headers={"X-Key": "very-secret"})
    assert "very-secret" not in repr(form)
    with pytest.raises(CannotSpeak) as caught:
        HttpSpeech(form).speak("hello", "en")
    assert "very-secret" not in f"{caught.value!r} {HttpSpeech(form).identity}"


def test_another_voice_is_another_name_in_the_cache() -> None:
    forms = [
        {"kind": "http", "url": "http://a/"},
        {"kind": "http", "url": "http://b/"},
        {"kind": "http", "url": "http://a/", "voices": {"zh": "x"}},
        {"kind": "http", "url": "http://a/", "version": 2},
        {"kind": "http", "url": "http://a/", "body": {"t": "{text}"}},
        {"kind": "command", "command": ["/bin/a"]},
        {"kind": "command", "command": ["/bin/a", "-x"]},
    ]
    made = [FORM.validate_python(form) for form in forms]
    names = {(HttpSpeech if isinstance(form, HttpForm) else CommandSpeech)(form).identity for form in made}
    assert len(names) == len(forms)


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "command", "command": []},
        {"kind": "command", "command": ["piper"]},
        {"kind": "command", "command": "/bin/sh -c x"},
        {"kind": "command", "command": ["/bin/x", "a\nb"]},
        {"kind": "http", "url": "file:///etc/passwd"},
        {"kind": "http", "url": "http://a/ b"},
        {"kind": "http", "url": "http://a/", "headers": {"X": "a\r\nY: b"}},
        {"kind": "http", "url": "http://a/", "limit_s": 0},
        {"kind": "magic"},
        {"kind": "espeak", "voice": "x"},
    ],
)
def test_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FORM.validate_python(form)


class Broken:
    """A service that is away, and later is not."""

    identity = "broken/1"

    def __init__(self) -> None:
        self.asked = 0
        self.well = False

    def speak(self, text: str, language: str) -> AudioSegment:
        self.asked += 1
        if not self.well:
            raise CannotSpeak("away")
        return tone(900, 1.0)


async def test_another_voice_speaks_for_a_service_that_is_away_and_it_is_asked_again_at_the_next_start(
    tmp_path: Path,
) -> None:
    service = Broken()
    many = {f"p{n}": PromptText(f"p{n}", {"zh": f"{n}您好", "en": f"hello {n}"}) for n in range(20)}
    standby = ToneSpeech("zh", "en")
    shelf = PromptShelf(tmp_path, LANGUAGES, RestedSpeech(service), standby=standby)
    made = await shelf.make_all(many)
    assert {each.origin for each in made} == {Origin.SPEECH}
    assert service.asked == 1  # not forty times
    assert len(standby.spoken) == 40
    service.well = True
    again = PromptShelf(tmp_path, LANGUAGES, RestedSpeech(service), standby=standby)
    await again.make_all(many)
    assert service.asked == 41
    assert again.path("p3", "zh") != shelf.path("p3", "zh")
    assert {each.origin for each in await again.make_all(many)} == {Origin.CACHE}


def test_after_its_rest_it_is_asked_again() -> None:
    now = [0.0]
    service = Broken()
    rested = RestedSpeech(service, rest_s=60, clock=lambda: now[0])
    with pytest.raises(CannotSpeak, match="away"):
        rested.speak("a", "zh")
    service.well = True
    now[0] = 59.9
    with pytest.raises(Resting):
        rested.speak("a", "zh")
    now[0] = 60.0
    assert rested.speak("a", "zh").duration_seconds == pytest.approx(1.0)


async def test_a_caller_hears_the_other_voice_too(tmp_path: Path) -> None:
    order = spoken(SpokenKind.DIGITS, "12345")
    standby = ToneSpeech("zh", "en")
    said = Utterances(tmp_path, LANGUAGES, RestedSpeech(Broken()), standby=standby)
    assert await said.path(order, "mandarin") is not None
    assert len(standby.spoken) == 1


async def test_a_caller_does_not_wait_for_a_slow_voice(tmp_path: Path) -> None:
    gate = threading.Event()

    class Slow(ToneSpeech):
        identity = "slow/1"

        def speak(self, text: str, language: str) -> AudioSegment:
            gate.wait(5)
            return super().speak(text, language)

    standby = ToneSpeech("zh")
    said = Utterances(tmp_path, LANGUAGES, Slow("zh"), limit_s=0.2, standby=standby)
    path = await said.path(spoken(SpokenKind.DIGITS, "12345"), "mandarin")
    gate.set()
    assert path is not None
    assert len(standby.spoken) == 1


async def test_the_shelf_uses_the_service(tmp_path: Path, service: Service) -> None:
    shelf = PromptShelf(tmp_path, LANGUAGES, over_http(service))
    assert {each.origin for each in await shelf.make_all({"hello": HELLO})} == {Origin.SPEECH}
    assert {body["text"] for body, _ in service.asked} == {"您好", "hello"}  # they are made side by side
