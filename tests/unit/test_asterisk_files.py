"""Every Asterisk file but the dialplan: who may come in, what is bound, what is loaded; and asterisk.env."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dialplans.model import SpecError
from hotline.asterisk_files import (
    AsteriskSpec,
    Phone,
    Trunk,
    cli_command,
    folders,
    read_place,
    render_asterisk,
    start_command,
)

SPEC = AsteriskSpec(
    modules="/ast/modules",
    data="/ast/data",
    etc="/site/run/asterisk",
    var="/site/var/asterisk",
    run="/site/run/a",
    ami_secret="ami-secret-ami-secret",
    music_folder="/site/var/music",
    phones=(Phone("1001", "sip-secret-1001", "王 Wei"), Phone("1002", "sip-secret-1002")),
    trunks=(Trunk("carrier", ("127.0.0.2", "192.0.2.0/24")),),
)
# A shell, a way out to the network, or a way in, that nothing of ours needs.
DANGEROUS = re.compile(
    r"app_(system|externalivr|originate|exec|disa|chanspy)|func_(shell|curl|env)|res_(ari|http_post|curl)|pbx_(spool|dundi)"
    r"|chan_(iax2|unistim|console)|endpoint_identifier_anonymous|manager_stasis|res_clioriginate"
)


def sections(text: str) -> list[tuple[str, dict[str, str]]]:
    """(name, last value of each key) in order: PJSIP has several sections of one name."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in text.splitlines():
        if heading := re.match(r"\[([^\]]+)\]", line):
            found.append((heading[1], {}))
        elif "=" in line and not line.startswith(";"):
            key, _, value = line.partition("=")
            found[-1][1][key.strip()] = value.strip()
    return found


def of_type(kind: str, spec: AsteriskSpec = SPEC) -> dict[str, dict[str, str]]:
    return {name: keys for name, keys in sections(render_asterisk(spec)["pjsip.conf"]) if keys.get("type") == kind}


def test_every_endpoint_but_the_trunk_proves_a_secret() -> None:
    endpoints = of_type("endpoint")
    assert set(endpoints) == {"carrier", "1001", "1002"}
    assert {name for name, keys in endpoints.items() if "auth" not in keys} == {"carrier"}
    assert set(of_type("auth")) == {"1001", "1002"}
    assert set(of_type("identify")) == {"carrier"}


def test_no_endpoint_can_be_transferred_or_forwarded_out() -> None:
    for name, keys in of_type("endpoint").items():
        assert keys["allow_transfer"] == "no", name
        assert keys["allow_overlap"] == "no", name
    assert render_asterisk(SPEC)["pjsip.conf"].count("FORWARD_CONTEXT=dead-end") == 3


def test_each_kind_of_caller_lands_in_its_context() -> None:
    contexts = {name: keys["context"] for name, keys in of_type("endpoint").items()}
    assert contexts == {"carrier": "from-trunk", "1001": "from-phones", "1002": "from-phones"}


def test_all_that_listens_is_bound_to_one_address() -> None:
    files = render_asterisk(replace(SPEC, bind="127.0.0.9", sip_port=5061, ami_port=5039))
    assert "bind = 127.0.0.9:5061" in files["pjsip.conf"]
    assert "bindaddr = 127.0.0.9" in files["manager.conf"]
    assert "webenabled = no" in files["manager.conf"]
    endpoints = of_type("endpoint", replace(SPEC, bind="127.0.0.9")).values()
    assert {keys["media_address"] for keys in endpoints} == {"127.0.0.9"}


def test_the_ami_user_has_the_least_rights() -> None:
    _, user = next(pair for pair in sections(render_asterisk(SPEC)["manager.conf"]) if pair[0] == "hotline")
    assert (user["read"], user["write"]) == ("call", "call,originate,reporting")
    assert (user["deny"], user["permit"]) == ("0.0.0.0/0.0.0.0", "127.0.0.1/32")


def test_a_forged_event_reaches_nobody() -> None:
    text = render_asterisk(SPEC)["manager.conf"]
    assert "eventfilter(action(exclude),method(regex)) = [^a-zA-Z]Event:\n" in text


def test_nothing_dangerous_is_loaded() -> None:
    loaded = re.findall(r"^load = (\S+)$", render_asterisk(SPEC)["modules.conf"], re.MULTILINE)
    assert len(loaded) == len(set(loaded)) > 30
    assert [module for module in loaded if DANGEROUS.search(module)] == []
    assert "autoload = no" in render_asterisk(SPEC)["modules.conf"]


def test_the_bench_may_ask_for_more_and_an_older_asterisk_for_less() -> None:
    more = render_asterisk(replace(SPEC, extra_modules=("app_queue.so",)))["modules.conf"]
    assert "load = app_queue.so" in more
    assert "res_cdrel_custom.so" not in render_asterisk(replace(SPEC, cdrel=False))["modules.conf"]


def test_no_file_logs_or_records_what_holds_a_secret() -> None:
    files = render_asterisk(SPEC)
    assert not re.search(r"^\S+ *=> *.*(verbose|debug|dtmf)", files["logger.conf"], re.MULTILINE)
    assert "${CDR(lastdata)}" not in files["cdr_custom.conf"]


def test_a_chinese_name_reaches_the_phone() -> None:
    assert 'callerid = "王 Wei" <1001>' in render_asterisk(SPEC)["pjsip.conf"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phones", (Phone("1001", "short"),)),
        ("phones", (Phone("1001", "sip-secret-1001", 'a" <1002>'),)),
        ("phones", (Phone("1001", "sip-secret-1001", "a\nb"),)),
        ("phones", (Phone("10]01", "sip-secret-1001"),)),
        ("phones", (Phone("1001", "sip-secret-1001"), Phone("1001", "sip-secret-1002"))),
        ("trunks", (Trunk("1001", ("127.0.0.2",)),)),
        ("trunks", (Trunk("carrier", ("anybody.example",)),)),
        ("bind", "localhost"),
        ("ami_permit", "everyone"),
        ("etc", "relative/path"),
        ("var", "/site;x"),
        ("extra_modules", ("../evil.so",)),
        ("codecs", ("ulaw\nallow=all",)),
        ("ami_secret", "x"),
        ("run", "/" + "r" * 100),
    ],
)
def test_a_value_that_would_be_configuration_is_refused(field: str, value: object) -> None:
    with pytest.raises(SpecError):
        replace(SPEC, **{field: value})  # type: ignore[arg-type]


def test_a_name_with_brackets_is_refused_at_the_latest_when_it_is_printed() -> None:
    odd = replace(SPEC, phones=(Phone("1001", "sip-secret-1001", "[${EPOCH}]"),))
    with pytest.raises(SpecError):
        render_asterisk(odd)


def test_no_secret_is_shown() -> None:
    assert "secret-" not in repr(SPEC)


def test_folders_are_all_in_the_site() -> None:
    assert all(folder.startswith("/site/") for folder in folders(SPEC))


def test_asterisk_env_is_read_as_a_shell_would(tmp_path: Path) -> None:
    (tmp_path / "asterisk.env").write_text(
        "HOTLINE_ASTERISK='/my\\ cache/ld --library-path /my\\ cache/lib /my\\ cache/asterisk'\n"
        "HOTLINE_ASTERISK_VERSION='22.10.1'\nHOTLINE_ASTERISK_ROOT='/my cache'\n"
        "HOTLINE_ASTERISK_MODULES='/m'\nHOTLINE_ASTERISK_DATA='/d'\nHOTLINE_ASTERISK_SOUNDS=''\nHOTLINE_SIPP=''\n"
    )
    place = read_place(tmp_path / "asterisk.env")
    assert place.command == ("/my cache/ld", "--library-path", "/my cache/lib", "/my cache/asterisk")
    assert (place.root, place.sounds, place.sipp) == ("/my cache", "", ())
    assert start_command(place, SPEC)[-3:] == ("-f", "-C", "/site/run/asterisk/asterisk.conf")
    assert cli_command(place, SPEC, "core show uptime")[-2:] == ("-rx", "core show uptime")


def test_an_old_asterisk_env_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "asterisk.env").write_text("HOTLINE_ASTERISK='asterisk'\n")
    with pytest.raises(SpecError, match="run asterisk/bring again"):
        read_place(tmp_path / "asterisk.env")
