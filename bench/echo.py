"""A peer of `ring`: our mechanism without our logic, in a process of its own as the engine is.

A caller waits under music and WAIT FOR DIGIT; a free agent is the head of a list; an agent who is done wakes the next
caller by AMI PlayDTMF, who dials. No journal, no matching, no states, no word of the phone's: what the mechanism costs.

    python -m bench.echo        says {"port": …}; is told {"ami_port", "ami_secret", "agents"}; says {"up": true}
The AGI secret comes first, as a line on stdin; it ends with stdin.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections import deque
from dataclasses import dataclass

import uvloop

from acd.ami.live import Snapshot
from acd.ami.pbx import Pbx
from ivr.agi.server import AgiServer
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.voice import Ended

_HOST = "127.0.0.1"
_LISTEN_S = 20.0
ROUTE = "echo"


@dataclass(slots=True, eq=False)
class _Caller:
    channel: str
    agent: str = ""
    listening: bool = False


class Echo:
    def __init__(self) -> None:
        self.pbx: Pbx | None = None
        self.free: deque[str] = deque()
        self._waiting: deque[_Caller] = deque()

    async def serve(self, session: AgiSession) -> None:
        await session.command("ANSWER")
        agent = await self._agent(session)
        if agent:
            try:
                await session.execute("Dial", f"PJSIP/{agent},15,mg")
            finally:
                self._done(agent)

    async def _agent(self, session: AgiSession) -> str:
        """'' when the caller has left."""
        if self.free:
            return self.free.popleft()
        caller, voice = _Caller(session.request.channel), AgiVoice(session, lambda key, language: key)
        self._waiting.append(caller)
        await voice.music(True)
        while not caller.agent:
            caller.listening = True
            heard = await voice.wait(_LISTEN_S)
            caller.listening = False
            if heard.ended is Ended.GONE:
                self._gone(caller)
                return ""
        return caller.agent

    def _gone(self, caller: _Caller) -> None:
        if caller.agent:
            self._done(caller.agent)
        else:
            self._waiting.remove(caller)

    def _done(self, agent: str) -> None:
        if not self._waiting:
            self.free.append(agent)
            return
        caller = self._waiting.popleft()
        caller.agent = agent
        if caller.listening and self.pbx is not None:
            self.pbx.wake_soon(caller.channel)


async def main() -> None:
    words = await _stdin()
    secret = (await words.readline()).decode().strip()
    echo = Echo()
    server = AgiServer(host=_HOST, port=0, secret=secret, routes={ROUTE: echo.serve})
    await server.start()
    _say({"port": server.port})
    told = json.loads(await words.readline() or b"null")
    if told is not None:
        await _connect(echo, told["ami_port"], told["ami_secret"], told["agents"])
        await words.read()  # until the bench closes it, or dies
    await server.stop(0)


async def _connect(echo: Echo, port: int, secret: str, agents: list[str]) -> None:
    up = asyncio.Event()

    async def is_up(_: Snapshot) -> None:
        up.set()

    echo.free.extend(agents)
    echo.pbx = Pbx(
        _HOST,
        port,
        "hotline",
        secret,
        on_phone=lambda extension, state: None,
        on_up=is_up,
        on_down=lambda reason: None,
        on_answer=lambda channel, extension: None,
    )
    await echo.pbx.start()
    await up.wait()
    gc.collect()
    gc.freeze()  # as the engine does
    _say({"up": True})


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(words: dict[str, object]) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
