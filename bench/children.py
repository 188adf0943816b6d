"""The processes that a run of the bench starts, and only those: `hotline up` with what it runs, and the echo engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.echo import ROUTE
from bench.peers import MenuSounds
from hotline.boot import BootSecrets
from hotline.control import ControlError, ask
from hotline.settings import REPOSITORY, SiteFolders

_UP_S, _DOWN_S = 60.0, 25.0


class BenchError(RuntimeError):
    """The bench cannot go on; the message says why, to a person."""


@asynccontextmanager
async def site_up(folders: SiteFolders, log: Path) -> AsyncIterator[psutil.Process]:
    """`hotline up`, from the moment its engine has an Asterisk. At the end it is stopped as Ctrl-C does."""
    with log.open("wb") as said:
        up = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hotline.cli", "up", "--site", str(folders.site),
            stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said, cwd=REPOSITORY, start_new_session=True,
        )  # fmt: skip
    try:
        await _until_up(up, folders, log)
        yield psutil.Process(up.pid)
    finally:
        await _end(up)


async def _until_up(up: asyncio.subprocess.Process, folders: SiteFolders, log: Path) -> None:
    deadline = time.monotonic() + _UP_S
    while not await _is_up(folders):
        if up.returncode is not None or time.monotonic() > deadline:
            raise BenchError(f"the site did not come up:\n{_last_words(log)}")
        await asyncio.sleep(0.1)


async def _is_up(folders: SiteFolders) -> bool:
    with contextlib.suppress(ControlError):
        return bool((await ask(folders.run, "status"))["asterisk"] == "up")
    return False


async def _end(up: asyncio.subprocess.Process) -> None:
    """Its children are in sessions of their own: were it only killed, they would stay."""
    if up.returncode is not None:
        return
    tree = psutil.Process(up.pid).children(recursive=True)
    up.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(up.wait(), _DOWN_S)
    except TimeoutError:
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()  # psutil looks at the start time first: never somebody else's
        up.kill()
        await up.wait()


class EchoEngine:
    """`python -m bench.echo`. It listens from `start` on, so Asterisk may be told its ``url``; `join` lets it wake."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = url
        self._process = process

    @classmethod
    @asynccontextmanager
    async def start(cls, log: Path) -> AsyncIterator[EchoEngine]:
        secret = secrets.token_urlsafe(24)
        with log.open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.echo",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=said, cwd=REPOSITORY,
            )  # fmt: skip
        try:
            _tell(process, secret)
            port = (await _heard(process, log))["port"]
            yield cls(process, f"agi://127.0.0.1:{port}/{secret}/{ROUTE}")
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def join(self, ami_port: int, folders: SiteFolders, agents: tuple[str, ...], log: Path) -> None:
        """Asterisk is up: log in there, with every agent free."""
        boot = BootSecrets.read(folders.run / "secrets.json")
        _tell(self._process, json.dumps({"ami_port": ami_port, "ami_secret": boot.ami, "agents": agents}))
        await _heard(self._process, log)


@asynccontextmanager
async def ari_menu(port: int, password: str, app: str, sounds: MenuSounds, log: Path) -> AsyncIterator[psutil.Process]:
    """`python -m bench.ari_ivr`, joined to Asterisk."""
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.ari_ivr",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=said, cwd=REPOSITORY,
        )  # fmt: skip
    try:
        told = {"port": port, "password": password, "app": app, "store": str(log.with_suffix(".sqlite"))}
        told |= {"language": sounds.language, "topic": sounds.topic}
        _tell(process, json.dumps(told))
        await _heard(process, log)
        yield psutil.Process(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _tell(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdin is not None  # noqa: S101 (for the type checker)
    process.stdin.write(f"{line}\n".encode())


async def _heard(process: asyncio.subprocess.Process, log: Path) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 (for the type checker)
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _UP_S)
        return dict(json.loads(line))
    except (TimeoutError, ValueError):
        raise BenchError(f"it does not answer:\n{_last_words(log)}") from None


def _last_words(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]


def private_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    return folder
