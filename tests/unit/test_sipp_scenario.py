"""Scenarios are well-formed whatever is asked of them, and nobody's text gets into their XML."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.sip.scenario import (
    FOR_EVER,
    NEVER,
    Dial,
    PhoneManner,
    ScenarioError,
    Talk,
    caller_xml,
    dial_rows,
    phone_xml,
    register_rows,
    register_xml,
)

MANNERS = [
    PhoneManner(),
    PhoneManner(ring_s=NEVER),
    PhoneManner(talk=Talk(2, 6)),
    PhoneManner(refuse=486),
    PhoneManner(refuse=480, ring_s=0),
    PhoneManner(refuse=302, forward_to="4009999999"),
    PhoneManner(with_sdp=False),
]
SCENARIOS = [
    caller_xml(media_port=4000, talk=FOR_EVER, with_auth=False),
    caller_xml(media_port=4000, talk=Talk(2, 6), with_auth=True),
    register_xml(expires_s=3600),
    register_xml(expires_s=0),
    *(phone_xml(manner, media_port=4000) for manner in MANNERS),
]


@pytest.mark.parametrize("xml", SCENARIOS)
def test_every_label_that_is_jumped_to_stands_once(xml: str) -> None:
    root = ElementTree.fromstring(xml.encode())  # noqa: S314 - our own
    labels = [node.attrib["id"] for node in root.iter("label")]
    jumps = {node.attrib[key] for node in root.iter() for key in ("next", "ontimeout") if key in node.attrib}
    assert len(labels) == len(set(labels))
    assert jumps <= set(labels)


@pytest.mark.parametrize("xml", SCENARIOS)
def test_an_optional_recv_is_followed_by_a_recv(xml: str) -> None:
    """SIPp refuses a scenario otherwise."""
    nodes = list(ElementTree.fromstring(xml.encode()))  # noqa: S314 - our own
    for node, after in pairwise(nodes):
        if "optional" in node.attrib:
            assert after.tag == "recv"


@pytest.mark.parametrize("xml", SCENARIOS)
def test_headers_have_no_gap_before_the_body(xml: str) -> None:
    """An empty line would end the header early, and SIPp would send the rest as a body."""
    root = ElementTree.fromstring(xml.encode())  # noqa: S314 - our own
    for node in root.iter("send"):
        head, _, body = (node.text or "").strip().partition("\n\n")
        assert re.search(r"^Content-Length: (0|\[len\])$", head, re.MULTILINE)
        assert body == "" or body.startswith("v=0\n")


def test_talk_is_fixed_or_uniform() -> None:
    assert Talk(1.5, 1.5).pause == 'milliseconds="1500"'
    assert Talk(2, 6).pause == 'distribution="uniform" min="2000" max="6000"'


def test_a_refusal_has_its_code_and_a_redirect_its_target() -> None:
    assert "SIP/2.0 486 Busy Here" in phone_xml(PhoneManner(refuse=486), media_port=1)
    assert "Contact: <sip:4009999999@[remote_ip]>" in phone_xml(MANNERS[5], media_port=1)


def test_a_phone_without_sdp_answers_without() -> None:
    assert "m=audio" not in phone_xml(PhoneManner(with_sdp=False), media_port=1)
    assert "m=audio 4321 " in phone_xml(PhoneManner(), media_port=4321)


@given(st.text(st.characters(exclude_characters=";\r\n\0", exclude_categories=["Cs"]), min_size=1))
def test_any_name_goes_into_one_row(name: str) -> None:
    rows = dial_rows([Dial("4008001001", name=name), Dial("4008001002")]).decode().split("\n")
    assert rows[0] == "SEQUENTIAL"
    assert rows[1] == f'4008001001;13800138000;"{name}" ;;0;'
    assert rows[2:] == ["4008001002;13800138000;;;0;", ""]


def test_a_name_may_be_broken_utf_8() -> None:
    assert b'"\xff" ' in dial_rows([Dial("1", name="\udcff")])


@pytest.mark.parametrize("number", ["1;2", "1\r\nX: y", "1\0"])
def test_a_row_cannot_be_broken_out_of(number: str) -> None:
    with pytest.raises(ScenarioError):
        dial_rows([Dial(number)])


def test_credentials_go_into_the_row() -> None:
    assert register_rows([("1001", "s3")]) == b"SEQUENTIAL\n1001;[authentication username=1001 password=s3];\n"
    assert b";[authentication username=1001 password=s3];" in dial_rows([Dial("*31", "1001", secret="s3")])


@pytest.mark.parametrize("secret", ["a]b", "a b", "", 'a"b'])
def test_a_secret_that_sipp_would_misread_is_refused(secret: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        register_rows([("1001", secret)])
    assert not secret or secret not in str(refused.value)
