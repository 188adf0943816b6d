"""Small processes that behave as the engine and Asterisk do towards the supervisor: python FILE engine|asterisk DIR.

What they lived through is appended to DIR/diary, one word a line. Files in DIR steer them:
`away`: the engine calls Asterisk away; `talking`: Asterisk, asked to end, waits until this file is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hotline.control import ControlServer


def note(folder: Path, word: str) -> None:
    with (folder / "diary").open("a") as diary:
        diary.write(word + "\n")


async def engine(folder: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    async def status(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"asterisk": "away" if (folder / "away").exists() else "up"}

    async def drain(_: Mapping[str, Any]) -> dict[str, Any]:
        note(folder, "drain")
        return {}

    async def stop(question: Mapping[str, Any]) -> dict[str, Any]:
        note(folder, "stop-closing" if question.get("closing") else "stop")
        ended.set()
        return {}

    control = ControlServer(folder, {"ping": status, "status": status, "drain": drain, "stop": stop})
    await control.start()
    note(folder, "engine-up")
    await ended.wait()
    await control.stop()
    note(folder, "engine-down")


async def asterisk(folder: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    (folder / "booted").touch()
    note(folder, "asterisk-up")
    while not ended.is_set():
        await asyncio.sleep(0.02)
        if (folder / "quiesce").exists() and not (folder / "talking").exists():
            break
    (folder / "booted").unlink(missing_ok=True)
    note(folder, "asterisk-down")


if __name__ == "__main__":
    print("pid", os.getpid(), flush=True)
    asyncio.run({"engine": engine, "asterisk": asterisk}[sys.argv[1]](Path(sys.argv[2])))
