"""The engine's side door: one JSON object a line over a Unix socket that only the site's owner can open.

Asked: ``{"ask": "status", ...}``; answered: ``{"ok": true, "answer": {...}}`` or ``{"ok": false, "why": "..."}``.
A client may ask several things over one connection, one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

Json = Any  # what `json` reads and writes
Handler = Callable[[Mapping[str, Json]], Awaitable[Mapping[str, Json]]]

_SOCKET = "control.sock"
_RECORD = "sockets"  # in the run folder: where the sockets are when they cannot be there
_LONGEST_PATH = 107  # bytes: sun_path holds 108 with its NUL
_LONGEST_NAME = len(b"/control.sock")  # the longest of the names we put there; asterisk.ctl is as long
_LONGEST_QUESTION = 64 * 1024
_LONGEST_ANSWER = 16 * 1024 * 1024


class ControlError(Exception):
    """No answer could be had."""


class NotRunning(ControlError):
    """Nobody listens: the engine is not up."""


class NoAnswer(ControlError):
    """Somebody listens, but has not answered in time, or has gone in the middle of it."""


class Refused(ControlError):
    """The engine answered that it cannot. The message is its own. A handler raises it, too."""


def socket_folder(run: Path) -> Path:
    """The folder for the site's Unix sockets: ``run``, or, where that path is too long for a socket, a private folder
    in the temporary directory whose path ``run/sockets`` records. Makes it when it is not there."""
    known = _known_folder(run)
    if known is None:
        known = Path(tempfile.mkdtemp(prefix="hotline-"))
        (run / _RECORD).write_text(f"{known}\n", encoding="utf-8")
    return known


def _known_folder(run: Path) -> Path | None:
    run = run.absolute()
    if len(os.fsencode(run)) + _LONGEST_NAME <= _LONGEST_PATH:
        return run
    with contextlib.suppress(OSError):
        recorded = Path((run / _RECORD).read_text(encoding="utf-8").strip())
        return recorded if _is_private(recorded) else None
    return None


def _is_private(folder: Path) -> bool:
    """Ours, a true folder, closed to others: the temporary directory is everybody's."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


class ControlServer:
    """Answers with ``handlers``; a word that is not among them is refused."""

    def __init__(self, run: Path, handlers: Mapping[str, Handler]) -> None:
        self._run = run
        self._handlers = dict(handlers)
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> Path:
        """Bind; takes the place of a socket that a dead engine left. (That one site runs once, the lock of
        `hotline up` sees to.) Returns the socket's path."""
        path = socket_folder(self._run) / _SOCKET
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, path, limit=_LONGEST_QUESTION)
        path.chmod(0o600)
        return path

    async def stop(self) -> None:
        """Close the door and every connection. The socket's file goes too."""
        if self._server is None:
            return
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()
        (socket_folder(self._run) / _SOCKET).unlink(missing_ok=True)
        self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():  # it knocked while `stop` was closing the door
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._reply(line), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # ValueError: a line over the limit
            log.debug("control connection dropped")
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> Mapping[str, Json]:
        try:
            question = json.loads(line)
            handler = self._handlers[question["ask"]]
        except (ValueError, TypeError, KeyError):
            return {"ok": False, "why": f"ask one of {', '.join(sorted(self._handlers))}"}
        try:
            return {"ok": True, "answer": dict(await handler(question))}
        except Refused as reason:
            return {"ok": False, "why": str(reason)}
        except Exception:
            log.exception("control question failed", extra={"ask": question["ask"]})
            return {"ok": False, "why": "the engine failed to answer; its log says why"}


async def ask(run: Path, word: str, /, *, timeout_s: float = 2.0, **arguments: Json) -> dict[str, Json]:
    """Ask the engine of the site whose run folder is ``run``. Raises NotRunning, NoAnswer or Refused."""
    question = json.dumps({"ask": word, **arguments}, ensure_ascii=False).encode() + b"\n"
    try:
        async with asyncio.timeout(timeout_s):
            line = await _exchange(_known_folder(run), question)
        reply = json.loads(line)
    except TimeoutError:
        raise NoAnswer(f"the engine has not answered within {timeout_s:g} s") from None
    except ValueError:
        raise NoAnswer("the engine closed the connection in the middle of its answer") from None
    if not reply["ok"]:
        raise Refused(reply["why"])
    return dict(reply["answer"])


async def _exchange(folder: Path | None, question: bytes) -> bytes:
    try:
        if folder is None:
            raise FileNotFoundError
        reader, writer = await asyncio.open_unix_connection(folder / _SOCKET, limit=_LONGEST_ANSWER)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning("the engine is not running (`hotline up` starts it)") from None
    except OSError as error:
        raise NotRunning(f"the engine cannot be reached: {error.strerror}") from None
    try:
        writer.write(question)
        return await reader.readline()
    except ConnectionError as error:
        raise NoAnswer(f"the engine dropped the connection: {error.strerror}") from None
    finally:
        writer.close()
