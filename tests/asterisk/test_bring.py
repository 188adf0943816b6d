"""`asterisk/bring`: what is written down is true, a second run does nothing, a lack is told. And the Asterisk that it
brought takes every file that we render, without one error line.

The tests that need the real tree bring it into the cache where every other test looks for it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialplans.model import DialplanSpec, EngineDoor, NumberLine
from dialplans.render import folders as dialplan_folders
from dialplans.render import render
from hotline.asterisk_files import (
    AsteriskPlace,
    AsteriskSpec,
    Phone,
    Trunk,
    cli_command,
    folders,
    read_place,
    render_asterisk,
    start_command,
)
from hotline.settings import cache_folder

BRING = Path(__file__).resolve().parents[2] / "asterisk" / "bring"
pytestmark = pytest.mark.asterisk


def bring(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BRING), str(folder)], env=os.environ | env, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.fixture(scope="session")
def place() -> AsteriskPlace:
    folder = cache_folder() / "asterisk"
    assert bring(folder).returncode == 0
    return read_place(folder / "asterisk.env")


def fake_asterisk(folder: Path, version: str) -> Path:
    """A machine that has an asterisk of its own: a script that knows its version, and its modules."""
    binary, modules = folder / "bin" / "asterisk", folder / "modules"
    modules.mkdir(parents=True)
    for name in ("chan_pjsip.so", "res_agi.so"):
        (modules / name).touch()
    binary.parent.mkdir()
    binary.write_text(f"#!/bin/sh\necho 'Asterisk {version}'\n")
    binary.chmod(0o755)
    return binary


@pytest.mark.timeout(600)
def test_what_is_written_down_is_true(place: AsteriskPlace) -> None:
    said = subprocess.run([*place.command, "-V"], capture_output=True, text=True, check=True).stdout
    assert place.version in said
    assert int(place.version.partition(".")[0]) >= 20
    assert place.has("chan_pjsip.so")
    assert (Path(place.data) / "documentation").exists()


@pytest.mark.timeout(600)
def test_a_brought_tree_has_sounds_and_a_caller(place: AsteriskPlace) -> None:
    if not place.root:
        pytest.skip("this machine's own Asterisk is used")
    assert (Path(place.sounds) / "beep.wav").exists()
    assert "SIPp" in subprocess.run([*place.sipp, "-v"], capture_output=True, text=True, check=False).stdout
    manifest = (Path(place.root).parent / "manifest.sha256").read_text().splitlines()
    assert len(manifest) > 100
    assert all(len(line.split("  ")[0]) == 64 for line in manifest)


@pytest.mark.timeout(600)
def test_a_second_run_takes_no_time_and_no_network(place: AsteriskPlace) -> None:
    started = time.monotonic()
    run = bring(cache_folder() / "asterisk", PATH="/usr/bin:/bin", http_proxy="http://127.0.0.1:1/")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert time.monotonic() - started < 0.5


def test_the_machines_own_is_refused_when_it_is_too_old(tmp_path: Path) -> None:
    binary = fake_asterisk(tmp_path, "18.9.0")
    run = bring(tmp_path / "cache", PATH=f"{binary.parent}:{os.environ['PATH']}", HOTLINE_ASTERISK_FROM="own")
    assert run.returncode == 1
    assert "too old" in run.stderr
    assert not (tmp_path / "cache" / "asterisk.env").exists()


def test_a_moved_cache_is_noticed(tmp_path: Path) -> None:
    """The record names absolute paths: where they are no longer true it must not be believed."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "asterisk.env").write_text(
        "HOTLINE_ASTERISK='/bin/true'\nHOTLINE_ASTERISK_VERSION='22'\n"
        f"HOTLINE_ASTERISK_ROOT='{tmp_path}/elsewhere/root'\nHOTLINE_ASTERISK_MODULES='{tmp_path}'\nHOTLINE_SIPP=''\n"
    )
    run = bring(cache, PATH=str(_tools(tmp_path)))
    assert run.returncode == 1
    assert "no apt here" in run.stderr


def _tools(folder: Path) -> Path:
    """A PATH with what the script needs of any Linux, but neither asterisk nor apt nor dpkg."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "mkdir", "flock", "sed", "uname", "head", "rm", "mv"):
        found = shutil.which(name)
        assert found is not None, name
        (tools / name).symlink_to(found)
    return tools


# --- the real Asterisk and our files ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    place: AsteriskPlace
    spec: AsteriskSpec
    files: dict[str, str]

    def cli(self, line: str) -> str:
        command = cli_command(self.place, self.spec, line)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout

    def log(self) -> list[str]:
        return Path(self.spec.var, "log", "messages.log").read_text().splitlines()


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def running(place: AsteriskPlace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    base = tmp_path_factory.mktemp("a")
    music = base / "music"
    music.mkdir()
    with wave.open(str(music / "m.wav"), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(16000))
    spec = _asterisk_spec(place, base, music)
    dialplan = _dialplan_spec(base)
    files = render_asterisk(spec) | render(dialplan)
    for folder in (*folders(spec), *dialplan_folders(dialplan)):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in files.items():
        Path(spec.etc, name).write_text(text)
    asterisk = subprocess.Popen(start_command(place, spec), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = Running(place, spec, files)
    try:
        _wait_until_booted(found)
        yield found
    finally:
        found.cli("core stop now")
        try:
            asterisk.wait(10)
        except subprocess.TimeoutExpired:
            asterisk.kill()
            asterisk.wait()


def _asterisk_spec(place: AsteriskPlace, base: Path, music: Path) -> AsteriskSpec:
    return AsteriskSpec(
        modules=place.modules,
        data=place.data,
        etc=str(base / "etc"),
        var=str(base / "var"),
        run=str(base / "run"),
        ami_secret="ami-secret-ami-secret",
        music_folder=str(music),
        phones=(Phone("1001", "sip-secret-1001", "王 Wei"), Phone("2001", "sip-secret-2001")),
        trunks=(Trunk("carrier", ("127.0.0.2",)),),
        sip_port=free_port(socket.SOCK_DGRAM),
        ami_port=free_port(socket.SOCK_STREAM),
        cdrel=place.has("res_cdrel_custom.so"),
    )


def _dialplan_spec(base: Path) -> DialplanSpec:
    return DialplanSpec(
        numbers=(NumberLine("4008001001", "tv_spot"),),
        agents=("1001",),
        phones=("2001",),
        engines=(EngineDoor("127.0.0.1", free_port(socket.SOCK_STREAM)),),
        secret="s3cret-s3cret-s3cret",
        fail_open=("/bin/true",),
        fail_open_config=str(base / "etc" / "fail_open.json"),
        spool=str(base / "var" / "spool-in"),
        voicemail=str(base / "var" / "voicemail"),
        group=("1001",),
    )


def _wait_until_booted(running: Running) -> None:
    deadline = time.monotonic() + 30
    while "fully booted" not in running.cli("core waitfullybooted"):
        assert time.monotonic() < deadline, "Asterisk did not start"
        time.sleep(0.1)


@pytest.mark.timeout(600)
def test_every_file_is_taken_without_an_error_or_a_warning(running: Running) -> None:
    assert [line for line in running.log() if " ERROR[" in line or " WARNING[" in line] == []


@pytest.mark.timeout(600)
def test_every_module_that_we_name_runs(running: Running) -> None:
    named = {line.split()[2] for line in running.files["modules.conf"].splitlines() if line.startswith("load = ")}
    shown = {line.split()[0]: line for line in running.cli("module show").splitlines() if ".so" in line}
    assert {name for name in named if " Running" not in shown.get(name, "")} == set()
    assert set(shown) == named


@pytest.mark.timeout(600)
def test_asterisk_has_every_extension_of_the_rendered_dialplan(running: Running) -> None:
    for context in (
        "from-trunk",
        "from-phones",
        "hotline-call",
        "alone",
        "hotline-whisper",
        "hotline-desk",
        "dead-end",
    ):
        body = running.files["extensions.conf"].partition(f"[{context}]")[2].partition("\n[")[0]
        steps = sum(line.startswith(("exten =>", " same =>")) for line in body.splitlines())
        shown = running.cli(f"dialplan show {context}").split("Include =>")[0]
        assert shown.count("[extensions.conf:") == steps, context


@pytest.mark.timeout(600)
def test_each_endpoint_is_there_and_only_the_trunk_is_without_auth(running: Running) -> None:
    shown = running.cli("pjsip show endpoints")
    for name in ("1001", "2001", "carrier"):
        assert f" Endpoint:  {name}" in shown
    assert shown.count("InAuth:  ") == 2
    assert "anonymous" not in shown


@pytest.mark.timeout(600)
def test_the_ami_user_can_ring_a_phone_and_send_no_command(running: Running) -> None:
    shown = running.cli(f"manager show user {running.spec.ami_user}")
    rights = next(line for line in shown.splitlines() if "write perm" in line.lower())
    assert "originate" in rights
    assert not {"command", "system", "config", "all"} & set(rights.replace(",", " ").replace(":", " ").split())


@pytest.mark.timeout(600)
def test_the_console_socket_is_the_owners(running: Running) -> None:
    assert Path(running.spec.run, "asterisk.ctl").stat().st_mode & 0o777 == 0o600
