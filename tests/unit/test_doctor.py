"""The doctor: each rule fails on what breaks it and is content with what the site really renders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from hotline.checkup.config import endpoints, manager, modules, options, read_sections
from hotline.checkup.console import endpoint_proofs, live_endpoints, loaded_modules
from hotline.checkup.files import private_files
from hotline.checkup.finding import Finding, Level
from hotline.checkup.listening import Door, judge_bind, judge_doors
from hotline.checkup.version import asterisk_version, parse_version
from hotline.doctor import examine
from hotline.site.init import init_site

SHOWN = """
 Endpoint:  <Endpoint/CID.....................................>  <State.....>  <Channels.>
    I/OAuth:  <AuthId/UserName...........................................................>
   Identify:  <Identify/Endpoint.........................................................>
==========================================================================================

 Endpoint:  1001/1001                                            Unavailable   0 of inf
     InAuth:  1001/1001
        Aor:  1001                                               1

 Endpoint:  carrier                                              Not in use    0 of inf
   Identify:  carrier/carrier
        Match: 127.0.0.2/32

 Endpoint:  guest                                                Not in use    0 of inf
        Aor:  guest                                              1
"""


def failed(findings: Iterable[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.level is Level.FAIL]


def levels(findings: Iterable[Finding]) -> set[Level]:
    return {finding.level for finding in findings}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("22.10.1+dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5", (20, 6, 0)),
        ("1:18.10.0~dfsg+~cs6.10.40431411-2", (18, 10, 0)),
        ("23.0", (23, 0, 0)),
        ("GIT-master-abc", ()),
    ],
)
def test_versions_are_read(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("text", "level"),
    [("22.10.1", Level.OK), ("22.11.0", Level.OK), ("22.10.0", Level.FAIL), ("22.9.9", Level.FAIL),
     ("18.10.0", Level.FAIL), ("20.6.0", Level.WARN), ("GIT-x", Level.WARN)],
)  # fmt: skip
def test_the_floor_of_22_is_22_10_1(text: str, level: Level) -> None:
    assert levels(asterisk_version(text)) == {level}


def test_an_endpoint_without_auth_fails_unless_its_address_is_known() -> None:
    known = "[carrier]\ntype = endpoint\n[carrier]\ntype = identify\nendpoint = carrier\nmatch = 127.0.0.2\n"
    phone = "[1001]\ntype=endpoint\nauth=1001\n[1001]\ntype=auth\npassword=0123456789abcdef\n"
    assert failed(endpoints(read_sections(known + phone))) == []
    assert len(failed(endpoints(read_sections(known.replace("match = 127.0.0.2\n", "") + phone)))) == 1
    assert len(failed(endpoints(read_sections(known + phone.replace("auth=1001", "auth=1002"))))) == 1
    assert "anonymous" in failed(endpoints(read_sections("[anonymous]\ntype=endpoint\n")))[0]


def test_a_short_secret_fails_and_is_not_told() -> None:
    found = failed(endpoints(read_sections("[1001]\ntype=endpoint\nauth=1001\n[1001]\ntype=auth\npassword=hunter2\n")))
    assert len(found) == 1
    assert "hunter2" not in found[0]


@pytest.mark.parametrize(
    "line", ["load = app_system.so", "load=>func_shell.so", "preload = func_curl.so", "load = res_ari.so"]
)
def test_a_dangerous_module_fails(line: str) -> None:
    assert len(failed(modules(read_sections(f"[modules]\nautoload = no\n{line}\n")))) == 1


def test_a_dangerous_module_in_a_comment_is_none() -> None:
    assert failed(modules(read_sections("[modules]\nautoload = no\n; load = app_system.so\n"))) == []


def test_autoload_fails() -> None:
    assert len(failed(modules(read_sections("[modules]\nload = app_dial.so\n")))) == 1


USER = "[hotline]\nsecret = x\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/32\nread = call\nwrite = call,reporting\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [("write = call,reporting", "write = call,system"), ("read = call", "read = all"),
     ("write = call", "write = command"), ("permit = 127.0.0.1/32\n", ""), ("deny = 0.0.0.0/0.0.0.0\n", "")],
)  # fmt: skip
def test_an_ami_user_with_more_than_the_least_fails(old: str, new: str) -> None:
    assert failed(manager(read_sections("[general]\nenabled = yes\n" + USER))) == []
    assert len(failed(manager(read_sections("[general]\nenabled = yes\n" + USER.replace(old, new))))) == 1


def test_living_dangerously_fails() -> None:
    assert levels(options(read_sections("[options]\nlive_dangerously = no\n"))) == {Level.OK}
    assert levels(options(read_sections("[options]\nlive_dangerously = yes\n"))) == {Level.FAIL}
    assert levels(options(read_sections("[options]\n"))) == {Level.FAIL}


def test_what_asterisk_shows_is_read() -> None:
    assert endpoint_proofs(SHOWN) == {"1001": {"InAuth"}, "carrier": {"Identify"}, "guest": set()}
    assert failed(live_endpoints(SHOWN))[0].startswith("endpoint guest ")


def test_a_dangerous_module_that_runs_fails() -> None:
    head = (
        "Module                         Description                              Use Count  Status      Support Level\n"
    )
    assert failed(loaded_modules(head + "app_dial.so   Dialing Application   0   Running   core\n")) == []
    assert (
        len(failed(loaded_modules(head + "app_system.so   Generic System() application   0   Running   core\n"))) == 1
    )


def test_listeners_elsewhere_fail_but_the_resolvers_ports_only_warn() -> None:
    good = [Door("engine", "TCP", "127.0.0.1", 4573), Door("asterisk", "UDP", "127.0.0.1", 5060)]
    ports = (4573, 5060)
    assert levels(judge_doors(good, "127.0.0.1", ports)) == {Level.OK}
    resolver = Door("asterisk", "UDP", "0.0.0.0", 43200)  # noqa: S104
    assert levels(judge_doors([*good, resolver], "127.0.0.1", ports)) == {Level.OK, Level.WARN}
    for door in (
        Door("asterisk", "UDP", "0.0.0.0", 5060),  # noqa: S104
        Door("asterisk", "TCP", "::", 8088),
        Door("engine", "UDP", "0.0.0.0", 43200),  # noqa: S104
    ):
        assert len(failed(judge_doors([*good, door], "127.0.0.1", ports))) == 1, door


@pytest.mark.parametrize(
    ("bind", "level"), [("127.0.0.1", Level.OK), ("10.1.2.3", Level.WARN), ("8.8.8.8", Level.FAIL)]
)
def test_a_public_address_fails(bind: str, level: Level) -> None:
    assert levels(judge_bind(bind)) == {level}


@pytest.mark.parametrize(("path", "mode"), [("agents.yaml", 0o640), (".", 0o755), ("run/secrets.json", 0o604)])
def test_a_file_that_others_can_read_fails_with_the_cure(tmp_path: Path, path: str, mode: int) -> None:
    init_site(tmp_path / "site")
    (tmp_path / "site/run/secrets.json").touch(mode=0o600)
    assert failed(private_files(tmp_path / "site")) == []
    (tmp_path / "site" / path).chmod(mode)
    found = [finding for finding in private_files(tmp_path / "site") if finding.level is Level.FAIL]
    assert len(found) == 1
    assert found[0].cure.startswith("chmod ")


async def test_a_site_that_was_never_up_has_no_failures_of_its_own(tmp_path: Path) -> None:
    init_site(tmp_path / "site")
    found = [finding for finding in await examine(tmp_path / "site") if "Asterisk" not in finding.what]
    assert failed(found) == []
    assert "the engine is not running" in [finding.what for finding in found]


async def test_a_broken_site_and_no_site_are_failures(tmp_path: Path) -> None:
    assert failed(await examine(tmp_path / "nowhere"))
    init_site(tmp_path / "site")
    (tmp_path / "site/queues.yaml").write_text("sales: 1\n")
    assert any("queues.yaml:1" in what for what in failed(await examine(tmp_path / "site")))
