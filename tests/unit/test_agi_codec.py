"""The AGI codec without a socket: every chunking, every cut, and words that must arrive as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi.assignment import assignments
from ivr.agi.codec import HANGUP, HangupNotice, Reply, ReplyDecoder, RequestDecoder, encode_command
from ivr.agi.errors import LocalError, RemoteError
from ivr.agi.request import AgiRequest
from tests.fakes.fake_asterisk import FakeCaller, split_arguments, split_words

ENVIRONMENT = FakeCaller(4573, "s3cret", args=("one", "", "热线"), number="+86 138-0013 8000").environment()
USAGE = b"520-Invalid command syntax.  Proper usage follows:\nHANGUP\n200 result=1\n520 End of proper usage.\n"
REPLIES: list[tuple[bytes, Reply | HangupNotice]] = [
    (b"200 result=0\n", Reply(200, "0")),
    (b"HANGUP\n", HANGUP),
    (b"200 result=68 endpos=1234\n", Reply(200, "68", text="endpos=1234")),
    (b"200 result=12 (timeout)\n", Reply(200, "12", "timeout")),
    (b"200 result= (timeout)\n", Reply(200, "", "timeout")),
    (b"200 result=\n", Reply(200)),
    (b"200 result=1 ()\n", Reply(200, "1")),
    (b"200 result=1 (a (b) c) d)\n", Reply(200, "1", "a (b) c) d")),
    (b"200 result=0 (timeout) endpos=22\n", Reply(200, "0", "timeout", "endpos=22")),
    ("200 result=1 (张三)\n".encode(), Reply(200, "1", "张三")),
    (b"200 result=1 (\xff)\n", Reply(200, "1", "\ufffd")),
    (b"510 Invalid or unknown command\n", Reply(510, text="Invalid or unknown command")),
    (USAGE, Reply(520, text="Invalid command syntax.  Proper usage follows:\nHANGUP\n200 result=1")),
]


def decode_replies(chunks: list[bytes]) -> list[Reply | HangupNotice]:
    decoder = ReplyDecoder()
    events = []
    for chunk in chunks:
        decoder.receive(chunk)
        while (event := decoder.next_event()) is not None:
            events.append(event)
    return events


def decode_request(chunks: list[bytes]) -> tuple[AgiRequest, bytes]:
    decoder = RequestDecoder()
    for n, chunk in enumerate(chunks):
        decoder.receive(chunk)
        request = decoder.next_event()
        if request is not None:
            return request, decoder.rest() + b"".join(chunks[n + 1 :])
    raise AssertionError("no request came")


@st.composite
def cut_up(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    cuts = sorted(draw(st.sets(st.integers(1, len(stream) - 1), max_size=40)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@given(st.data(), st.lists(st.sampled_from(REPLIES), min_size=1, max_size=12))
def test_any_chunking_gives_the_same_events(data: st.DataObject, said: list[tuple[bytes, Reply | HangupNotice]]):
    chunks = data.draw(cut_up(b"".join(wire for wire, _ in said)))
    assert decode_replies(chunks) == [event for _, event in said]


def test_byte_by_byte_and_all_at_once():
    stream = b"".join(wire for wire, _ in REPLIES)
    expected = [event for _, event in REPLIES]
    assert decode_replies([stream]) == expected
    assert decode_replies([stream[n : n + 1] for n in range(len(stream))]) == expected


def test_environment_cut_at_every_offset():
    stream = ENVIRONMENT + b"HANGUP\n"
    whole, _ = decode_request([stream])
    for cut in range(1, len(stream)):
        request, rest = decode_request([stream[:cut], stream[cut:]])
        assert request == whole
        assert rest == b"HANGUP\n"


def test_request_has_what_a_call_needs():
    request, _ = decode_request([ENVIRONMENT])
    assert (request.path, request.secret) == ("call", "s3cret")
    assert request.args == ("one", "", "热线")
    assert request.caller_number == "+8613800138000"
    assert request.caller_name == "张三"
    assert (request.dnid, request.extension, request.context) == ("4008001001", "4008001001", "hotline-call")
    assert request.channel.startswith("PJSIP/trunk-")
    assert "s3cret" not in repr(request) + repr(dict(request.env))


@pytest.mark.parametrize(
    "line",
    [
        b"no colon\n",
        b"agi_x:nospace\n",
        b"AGI_X: y\n",
        b"agi_context: a\n",
        b"agi_x: a\tb\n",
        b"agi_x: \xff\n",
        b": \n",
    ],
)
def test_malformed_environment_is_refused(line: bytes):
    with pytest.raises(RemoteError):
        decode_request([ENVIRONMENT[:-1] + line + b"\n"])


@pytest.mark.parametrize("key", ["agi_request", "agi_channel", "agi_uniqueid", "agi_context", "agi_extension"])
def test_environment_without_its_bones_is_refused(key: str):
    lines = [line for line in ENVIRONMENT.split(b"\n") if not line.startswith(key.encode())]
    with pytest.raises(RemoteError, match=key):
        decode_request([b"\n".join(lines)])


MANY = b"".join(b"agi_%d: y\n" % n for n in range(9_000))


@given(st.data(), st.sampled_from([b"a" * 70_000, b"agi_x: " + b"a" * 70_000 + b"\n\n", MANY]))
def test_too_large_an_environment_is_refused_however_it_comes(data: st.DataObject, flood: bytes):
    with pytest.raises(RemoteError):
        decode_request(data.draw(cut_up(flood)))


CALLERS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=300)


@given(name=CALLERS, number=CALLERS)
def test_any_caller_is_served_and_cleaned(name: str, number: str):
    request, _ = decode_request([FakeCaller(1, "s", name=name, number=number).environment()])
    assert set(request.caller_number) <= set("0123456789+")
    assert len(request.caller_number) <= 32
    assert len(request.caller_name) <= 80
    assert not set(request.caller_name) & set("\r\t\x00\x1b\u202e\u2066\u200f")


def test_name_in_broken_utf8_is_kept_as_text():
    stream = ENVIRONMENT.replace("张三".encode(), b"\xe5\xbc\xa0\xe4\xb8 Z\xffh\x1b")
    request, _ = decode_request([stream])
    assert request.caller_name == "张\ufffd Z\ufffdh"


@pytest.mark.parametrize(
    "line",
    [b"\n", b"hello\n", b"2000 result=0\n", b"200 nothing\n", b"200 result=1 (half\n", b"HANGUP \n", b"a" * 70_000],
)
def test_what_asterisk_never_says_is_refused(line: bytes):
    with pytest.raises(RemoteError):
        decode_replies([b"200 result=0\n", line])


def test_endless_usage_is_refused():
    with pytest.raises(RemoteError):
        decode_replies([b"520-Usage\n", *[b"more and more\n"] * 6_000])


WORDS = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=60)


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_words_arrive_as_they_are(words: list[str]):
    line = encode_command(*words)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert split_words(line[:-1].decode()) == tuple(words)


def test_an_empty_word_is_a_word():
    assert encode_command("STREAM", "FILE", "hello", "") == b'STREAM FILE hello ""\n'


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "a\x00b", "a\n", "\n", "\ud800", "x" * 8191, "热" * 2731])
def test_what_would_be_a_second_command_is_refused(word: str):
    with pytest.raises(LocalError):
        encode_command("SET", "VARIABLE", "A", word)


def test_the_longest_line():
    assert len(encode_command("x" * 8190)) == 8191
    with pytest.raises(LocalError):
        encode_command("x" * 8191)


VALUES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)
NASTY = st.text(st.sampled_from('\\"()[],=${}&|; a热'), max_size=30)


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), VALUES | NASTY, min_size=1, max_size=60))
def test_assigned_values_arrive_as_they_are(values: dict[str, str]):
    arrived: dict[str, str] = {}
    for line in assignments(values):
        _, _, argument = split_words(encode_command("EXEC", "MSet", line)[:-1].decode())
        pairs = [piece.partition("=") for piece in split_arguments(argument)]
        assert len(pairs) <= 24
        arrived |= {name: value for name, _, value in pairs}
    assert arrived == values


def test_long_values_are_spread_over_lines():
    values = {f"V{n}": "," * 900 for n in range(10)}
    lines = [encode_command("EXEC", "MSet", line) for line in assignments(values)]
    assert 1 < len(lines) < 10


@pytest.mark.parametrize(
    ("name", "value"),
    [("A", "x\ny"), ("A", "\x00"), ("A", "\x1b"), ("", "x"), ("A B", "x"), ("A=B", "x"), ("${A}", "x"), ("A,B", "x")],
)
def test_bad_assignments_are_refused(name: str, value: str):
    with pytest.raises(LocalError):
        list(assignments({name: value}))
