"""The manager interface's wire format: every chunking, every limit, and what must not be believed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.ami.codec import MAX_BLOCK, MAX_LINE, Block, BlockDecoder, encode_action
from acd.ami.errors import LocalError
from tests.fakes.fake_ami import block

STREAM = (
    b"Asterisk Call Manager/11.0.0\r\n"
    + block(Response="Success", Message="Authentication accepted")
    + block(Event="Newchannel", CallerIDName="王小明", Exten="", Channel="PJSIP/trunk-00000001")
    + b"Event: Hangup\r\nChanVariable: a=1\r\nChanVariable: b=2\r\n\r\n\r\n"
    + block(Event="DialEnd", DialStatus="ANSWER")
)
EVENTS = ["", "Newchannel", "Hangup", "DialEnd"]


def read(*chunks: bytes) -> tuple[list[Block], BlockDecoder]:
    decoder = BlockDecoder()
    return [found for chunk in chunks for found in decoder.feed(chunk)], decoder


def test_one_read_may_hold_many_blocks_in_order() -> None:
    blocks, decoder = read(STREAM)
    assert [found.get("event") for found in blocks] == EVENTS
    assert decoder.banner == "Asterisk Call Manager/11.0.0"
    assert decoder.faults.skipped == 0


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_a_cut_at_any_byte_changes_nothing(cut: int) -> None:
    assert read(STREAM[:cut], STREAM[cut:])[0] == read(STREAM)[0]


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_chunking_changes_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(*(STREAM[a:b] for a, b in itertools.pairwise(edges)))[0] == read(STREAM)[0]


def test_a_character_split_over_two_packets_is_whole() -> None:
    blocks, _ = read(*(STREAM[i : i + 1] for i in range(len(STREAM))))
    assert blocks[1].get("calleridname") == "王小明"


def test_broken_utf8_is_replaced_and_the_block_is_kept() -> None:
    blocks, _ = read(b"Event: Newchannel\r\nCallerIDName: a\xff\xe7\r\nExten: 1\r\n\r\n")
    assert (blocks[0].get("CallerIDName"), blocks[0].get("Exten")) == ("a��", "1")


def test_doubled_headers_are_kept_in_order_and_the_first_wins() -> None:
    hangup = read(STREAM)[0][2]
    assert hangup.all("chanvariable") == ("a=1", "b=2")
    assert hangup.get("CHANVARIABLE") == "a=1"


@pytest.mark.parametrize(
    "forged",
    [
        b"Event: Newchannel\r\nCallerIDNum: 1\r\nEvent: DeviceStateChange\r\nDevice: PJSIP/1001\r\n\r\n",
        b"Response: Success\r\nMessage: x\r\nevent: DeviceStateChange\r\n\r\n",
    ],
)
def test_a_block_with_a_second_event_is_refused_and_counted(forged: bytes) -> None:
    blocks, decoder = read(forged + block(Event="DialEnd"))
    assert [found.get("Event") for found in blocks] == ["DialEnd"]
    assert decoder.faults.forged == 1


def test_a_block_that_opens_with_neither_event_nor_response_is_refused() -> None:
    blocks, decoder = read(b"CallerIDName: x\r\nEvent: DialEnd\r\n\r\n")
    assert not blocks
    assert decoder.faults.headless == 1


def test_an_event_may_carry_a_response_header() -> None:
    assert read(block(Event="OriginateResponse", Response="Failure"))[0]


@pytest.mark.parametrize("size", [MAX_LINE + 1, MAX_LINE + 2, MAX_LINE * 3])
@pytest.mark.parametrize("step", [1 << 20, 4096, 65_537])
def test_a_line_too_long_spoils_only_its_block(size: int, step: int) -> None:
    raw = b"Event: A\r\nX: " + b"x" * (size - 3) + b"\r\nY: 1\r\n\r\n" + block(Event="B")
    blocks, decoder = read(*(raw[i : i + step] for i in range(0, len(raw), step)))
    assert [found.get("Event") for found in blocks] == ["B"]
    assert decoder.faults.too_long == 1


def test_the_end_of_a_long_line_alone_in_a_packet_is_not_the_end_of_its_block() -> None:
    blocks, decoder = read(b"Event: A\r\nX: " + b"x" * MAX_LINE, b"\r\nY: 1\r\n\r\n" + block(Event="B"))
    assert [found.get("Event") for found in blocks] == ["B"]
    assert (decoder.faults.too_long, decoder.faults.headless) == (1, 0)


@pytest.mark.parametrize("step", [1 << 20, MAX_LINE + 11])  # the second cuts between the CR and the LF
def test_a_line_of_just_the_limit_is_read(step: int) -> None:
    raw = b"Event: A\r\n" + b"X: " + b"x" * (MAX_LINE - 3) + b"\r\n\r\n"
    blocks, _ = read(*(raw[i : i + step] for i in range(0, len(raw), step)))
    assert len(blocks[0].get("X")) == MAX_LINE - 3


def test_a_long_line_that_never_ends_takes_no_memory() -> None:
    decoder = BlockDecoder()
    for _ in range(64):
        decoder.feed(b"x" * MAX_LINE)
    assert len(decoder._tail) <= MAX_LINE + 1


def test_a_block_of_too_many_lines_is_skipped() -> None:
    raw = b"Event: A\r\n" + b"X: 1234567890\r\n" * (MAX_BLOCK // 10) + b"\r\n" + block(Event="B")
    blocks, decoder = read(raw)
    assert [found.get("Event") for found in blocks] == ["B"]
    assert decoder.faults.too_long == 1


@given(st.binary(max_size=300))
def test_rubbish_never_raises_and_never_gives_a_headless_block(raw: bytes) -> None:
    for found in read(raw, b"\r\n\r\n")[0]:
        assert found.fields[0][0].lower() in ("event", "response")


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=200)


@given(st.dictionaries(st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True).filter(lambda k: k.lower() != "event"), FIELD))
def test_what_is_written_is_what_is_read(fields: dict[str, str]) -> None:
    pairs = (("Response", "x"), *fields.items())
    assert read(encode_action(pairs))[0][0].fields == pairs


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\r\nAction: Originate", "a\0b", "x" * 1000, "\ud800"])
def test_a_value_that_would_break_out_is_not_written(bad: str) -> None:
    with pytest.raises(LocalError):
        encode_action([("Action", "Hangup"), ("Channel", bad)])


@pytest.mark.parametrize("bad", ["", "a:b", "a\nb", "a\0"])
def test_a_key_that_would_break_out_is_not_written(bad: str) -> None:
    with pytest.raises(LocalError):
        encode_action([("Action", "Hangup"), (bad, "x")])
