"""SIPp's short message log, and the calls and handovers read from it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hotline.sip.messages import LineTail, SipMessage, parse_line, parse_messages
from hotline.sip.timeline import End, PhoneCall, handovers, overlaps, phone_calls

# Written by SIPp 3.6.1 as a phone, shortened.
PHONE_LOG = """\
2026-11-22\t19:36:25.744380\t1795374985.744380\tR\tc1\tCSeq:7 INVITE\tINVITE sip:1001@127.0.0.1:5070 SIP/2.0
2026-11-22\t19:36:25.744999\t1795374985.744999\tS\tc1\tCSeq:7 INVITE\tSIP/2.0 180 Ringing
2026-11-22\t19:36:26.100000\t1795374986.100000\tR\tc1\tCSeq:7 INVITE\tINVITE sip:1001@127.0.0.1:5070 SIP/2.0
2026-11-22\t19:36:26.200000\t1795374986.200000\tS\tc1\tCSeq:7 INVITE\tSIP/2.0 200 OK
2026-11-22\t19:36:28.300000\t1795374988.300000\tS\tc1\tCSeq:1 BYE\tBYE sip:127.0.0.1:5060 SIP/2.0
2026-11-22\t19:36:28.304000\t1795374988.304000\tR\tc2\tCSeq:9 INVITE\tINVITE sip:1002@127.0.0.1:5070 SIP/2.0
2026-11-22\t19:36:28.305000\t1795374988.305000\tR\tc1\tCSeq:1 BYE\tSIP/2.0 200 OK
2026-11-22\t19:36:29.000000\t1795374989.000000\tR\tc2\tCSeq:9 CANCEL\tCANCEL sip:1002@127.0.0.1:5070 SIP/2.0
2026-11-22\t19:36:29.000100\t1795374989.000100\tS\tc2\tCSeq:9 CANCEL\tSIP/2.0 200 OK
2026-11-22\t19:36:29.000200\t1795374989.000200\tS\tc2\tCSeq:9 INVITE\tSIP/2.0 487 Request Terminated
"""


def messages(text: str = PHONE_LOG) -> list[SipMessage]:
    return list(parse_messages(text.splitlines(keepends=True)))


def test_a_line_keeps_its_microseconds() -> None:
    invite = messages()[0]
    assert invite == SipMessage(1795374985.744380, False, "c1", 7, "INVITE", "INVITE sip:1001@127.0.0.1:5070 SIP/2.0")
    assert (invite.method, invite.status, invite.user) == ("INVITE", None, "1001")


def test_a_response_has_a_status_and_no_method() -> None:
    ringing = messages()[1]
    assert (ringing.method, ringing.status, ringing.cseq_method, ringing.user) == (None, 180, "INVITE", "")


def test_a_uri_without_a_user_has_none() -> None:
    assert messages()[4].user == ""


@given(st.integers(0, len(PHONE_LOG)))
def test_a_log_cut_anywhere_gives_only_whole_messages(cut: int) -> None:
    found = messages(PHONE_LOG[:cut])
    assert found == messages()[: PHONE_LOG[:cut].count("\n")]


def test_lines_that_are_no_messages_are_passed_over() -> None:
    assert parse_line("\n") is None
    assert parse_line("a\tb\tnot a time\tS\tc\tCSeq:1 BYE\tBYE sip:x SIP/2.0\n") is None
    assert parse_line("a\tb\t1.0\tS\tc\tCSeq:x BYE\tBYE sip:x SIP/2.0\n") is None


def test_the_tail_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    tail = LineTail(path)
    assert tail.new_lines() == []
    path.write_text("one\ntw")
    assert tail.new_lines() == ["one\n"]
    path.write_text("one\ntwo\n")
    assert tail.new_lines() == ["two\n"]
    assert tail.new_lines() == []


def test_a_phones_calls_with_times_and_who_ended_them() -> None:
    talked, cancelled = phone_calls(messages())
    assert talked == PhoneCall(
        "1001", "c1", 1795374985.744380, 200, 1795374986.2, 1795374988.3, "phone", None
    )  # the retransmitted INVITE changed nothing
    assert (cancelled.phone, cancelled.code, cancelled.cancelled_at) == ("1002", 487, 1795374989.0)
    assert cancelled.answered_at is None


def test_the_peers_bye_is_not_the_phones() -> None:
    log = PHONE_LOG.replace("S\tc1\tCSeq:1 BYE", "R\tc1\tCSeq:1 BYE")
    assert phone_calls(messages(log))[0].ended_by == "peer"


def test_a_handover_is_from_the_phones_bye_to_the_next_invite_anywhere() -> None:
    (pair,) = handovers(phone_calls(messages()))
    assert (pair.freed_phone, pair.phone) == ("1001", "1002")
    assert round(pair.delay_s, 6) == 0.004


def call(phone: str, begins: float, ends: float | None, by: End = "phone") -> PhoneCall:
    return PhoneCall(phone, f"{phone}@{begins}", begins, 200, begins, ends, "" if ends is None else by)


def test_a_burst_of_hangups_is_not_flattered() -> None:
    calls = [call("1", 0, 10.0), call("2", 0, 10.1), call("1", 10.2, None), call("2", 11.1, None)]
    assert [round(pair.delay_s, 3) for pair in handovers(calls)] == [0.2, 1.0]


def test_a_hangup_without_a_next_call_is_no_handover() -> None:
    assert handovers([call("1", 0, 10.0)]) == []
    assert handovers([call("1", 0, 10.0, by="peer"), call("1", 11.0, None)]) == []


def test_handovers_far_apart_can_be_left_out() -> None:
    calls = [call("1", 0, 10.0), call("1", 60.0, None)]
    assert len(handovers(calls)) == 1
    assert handovers(calls, within_s=5.0) == []


def test_two_calls_at_one_phone_are_seen() -> None:
    first, second = call("1", 0, 10.0), call("1", 9.9, 12.0)
    assert overlaps([second, first, call("2", 5.0, 6.0)]) == [(first, second)]
    assert overlaps([first, call("1", 10.1, None)]) == []


def test_a_refused_call_leaves_the_phone_at_once() -> None:
    refused = PhoneCall("1", "a", 0.0, 486)
    assert overlaps([refused, call("1", 0.1, None)]) == []
