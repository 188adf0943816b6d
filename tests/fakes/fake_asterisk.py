"""The Asterisk side of FastAGI, for one call: it connects to a real AGI port and behaves as Asterisk 22.10
was seen to.

What it keeps true: one command at a time; DTMF that no command listens for waits (a test types ahead); a
hang-up during a command answers ``-1`` and then says HANGUP, an idle one says HANGUP at once; on the dead
channel only the commands that Asterisk allows there answer, the others get 511; a missing file answers ``-1``
on a living channel.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

Answer = Callable[["FakeCaller", tuple[str, ...]], Awaitable[str | None]]
"""Given the words of a command, the whole reply line, or None for the usual behaviour."""

# `agi show commands`: what may run on a dead channel, of the commands that this project uses
_DEAD_TOO = ("GET VARIABLE", "GET FULL VARIABLE", "SET VARIABLE", "EXEC", "NOOP", "VERBOSE")
_DEAD = "511 Command Not Permitted on a dead channel or intercept routine"
_numbers = itertools.count(1)


@dataclass
class FakeCaller:
    """``hurry``: how many real seconds one of Asterisk's seconds lasts while nothing happens; 0 makes every
    silence end at once. ``answers``: replies of the test's own, by the command's first words ("EXEC
    Dial")."""

    port: int
    secret: str
    route: str = "call"
    args: Sequence[str] = ()
    number: str = "13800138000"
    name: str = "张三"
    extension: str = "4008001001"
    context: str = "hotline-call"
    channel: str = ""
    env: Mapping[str, str] = field(default_factory=dict)  # more entries, or others
    variables: dict[str, str] = field(default_factory=dict)
    missing_files: frozenset[str] = frozenset()
    answers: dict[str, Answer] = field(default_factory=dict)
    hurry: float = 0.01
    prompt_s: float = 0.0  # how long each prompt lasts, in Asterisk's seconds
    hangup_first: bool = False  # HANGUP before the reply of the command that it ends

    commands: list[tuple[str, ...]] = field(default_factory=list)
    hung_up: bool = False

    def __post_init__(self) -> None:
        serial = next(_numbers)
        self.channel = self.channel or f"PJSIP/trunk-{serial:08x}"
        self.uniqueid = f"1700000000.{serial}"
        self._keys: list[str] = []
        self._changed = asyncio.Event()
        self._busy = False
        self._told = False
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()  # None: the engine has closed
        self._let_go = False
        self._task: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    # The test's side.

    async def call(self) -> FakeCaller:
        """Connect, say the environment, and answer commands from now on."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writer.write(self.environment())
        self._task = asyncio.create_task(self._serve())
        return self

    async def over(self, timeout_s: float = 5.0) -> None:
        """Wait until the engine has let go of the call. TimeoutError when it does not."""
        assert self._task is not None
        await asyncio.wait_for(asyncio.shield(self._task), timeout_s)

    def press(self, keys: str) -> None:
        """Type. "D" is what the router's knock does."""
        self._keys.extend(keys)
        self._changed.set()

    def hang_up(self) -> None:
        self.hung_up = True
        self._changed.set()
        if not self._busy or self.hangup_first:
            self._tell_hangup()

    def cut(self) -> None:
        """The connection breaks without a word, as when Asterisk is killed."""
        self._writer.transport.abort()

    async def said(self, *words: str, timeout_s: float = 5.0) -> tuple[str, ...]:
        """Wait for the first command that begins with these words."""
        async with asyncio.timeout(timeout_s):
            while True:
                for command in self.commands:
                    if command[: len(words)] == words:
                        return command
                await asyncio.sleep(0.001)

    @property
    def played(self) -> list[str]:
        """The files of all prompts, in order."""
        return [words[2] for words in self.commands if words[:2] in (("STREAM", "FILE"), ("GET", "DATA"))]

    def environment(self) -> bytes:
        path = f"{self.secret}/{self.route}"
        entries = {
            "agi_network": "yes",
            "agi_network_script": path,
            "agi_request": f"agi://127.0.0.1:{self.port}/{path}",
            "agi_channel": self.channel,
            "agi_language": "en",
            "agi_type": "PJSIP",
            "agi_uniqueid": self.uniqueid,
            "agi_version": "22.10.1",
            "agi_callerid": self.number or "unknown",
            "agi_calleridname": self.name or "unknown",
            "agi_callingpres": "0",
            "agi_callingani2": "0",
            "agi_callington": "0",
            "agi_callingtns": "0",
            "agi_dnid": self.extension,
            "agi_rdnis": "unknown",
            "agi_context": self.context,
            "agi_extension": self.extension,
            "agi_priority": "2",
            "agi_enhanced": "0.0",
            "agi_accountcode": "",
            "agi_threadid": "140075969902272",
            **{f"agi_arg_{n}": value for n, value in enumerate(self.args, 1)},
            **self.env,
        }
        return "".join(f"{key}: {value}\n" for key, value in entries.items()).encode() + b"\n"

    # Asterisk's side.

    async def _serve(self) -> None:
        reading = asyncio.create_task(self._read())
        while (line := await self._lines.get()) is not None:
            await self._run(split_words(line))
        await reading
        self._writer.close()

    async def _read(self) -> None:
        """Beside the commands, because the engine may close in the middle of one."""
        try:
            while line := await self._reader.readline():
                self._lines.put_nowait(line.decode().rstrip("\n"))
        except ConnectionError:
            pass
        self._let_go = True
        self._changed.set()
        self._lines.put_nowait(None)

    async def _run(self, words: tuple[str, ...]) -> None:
        self.commands.append(words)
        self._busy = True
        reply = await self._reply(words)
        self._busy = False
        self._send(reply)
        if self.hung_up:
            self._tell_hangup()

    async def _reply(self, words: tuple[str, ...]) -> str:
        text = " ".join(words)
        if self.hung_up and not text.startswith(_DEAD_TOO):
            return _DEAD
        for prefix, answer in self.answers.items():
            if text.startswith(prefix) and (line := await answer(self, words)) is not None:
                return line
        for prefix, command in _COMMANDS.items():
            if text.startswith(prefix):
                return await command(self, words[len(prefix.split()) :])
        return "510 Invalid or unknown command"

    async def key(self, wanted: str, timeout_s: float) -> str:
        """The next key of ``wanted``; "" after the time-out; "gone" when the caller has hung up."""
        try:
            async with asyncio.timeout(timeout_s * self.hurry):
                while True:
                    self._changed.clear()
                    if self.hung_up or self._let_go:
                        return "gone"
                    if self._keys and self._keys[0] in wanted:
                        return self._keys.pop(0)
                    await self._changed.wait()
        except TimeoutError:
            return ""

    def _send(self, line: str) -> None:
        if not self._writer.is_closing():
            self._writer.write(line.encode() + b"\n")

    def _tell_hangup(self) -> None:
        if not self._told:
            self._told = True
            self._send("HANGUP")

    def assign(self, line: str) -> None:
        """MSet."""
        for pair in split_arguments(line):
            name, _, value = pair.partition("=")
            self.variables[name.lstrip("_")] = value

    def substitute(self, text: str) -> str:
        return re.sub(r"\$\{([^{}]+)\}", lambda match: self.variables.get(match[1], ""), text)


Command = Callable[[FakeCaller, tuple[str, ...]], Awaitable[str]]


async def _stream_file(caller: FakeCaller, words: tuple[str, ...]) -> str:
    path, escapes = words
    if path in caller.missing_files:
        return "200 result=-1 endpos=0"
    key = await caller.key(escapes, caller.prompt_s)
    return "200 result=-1 endpos=0" if key == "gone" else f"200 result={ord(key) if key else 0} endpos=800"


async def _say_digits(caller: FakeCaller, words: tuple[str, ...]) -> str:
    _, escapes = words
    if "say/digits" in caller.missing_files:
        return "200 result=-1"
    key = await caller.key(escapes, caller.prompt_s)
    return "200 result=-1" if key == "gone" else f"200 result={ord(key) if key else 0}"


async def _get_data(caller: FakeCaller, words: tuple[str, ...]) -> str:
    path, timeout_ms, most = words
    if path in caller.missing_files:
        return "200 result=-1"
    keys = ""
    while len(keys) < int(most):
        key = await caller.key("0123456789*#ABCD", int(timeout_ms) / 1000)
        if key == "gone":
            return "200 result=-1"
        if not key:
            return f"200 result={keys} (timeout)"
        if key == "#":
            break
        keys += key
    return f"200 result={keys}"


async def _wait_for_digit(caller: FakeCaller, words: tuple[str, ...]) -> str:
    key = await caller.key("0123456789*#ABCD", int(words[0]) / 1000)
    return "200 result=-1" if key == "gone" else f"200 result={ord(key) if key else 0}"


async def _set_variable(caller: FakeCaller, words: tuple[str, ...]) -> str:
    caller.variables[words[0]] = words[1]
    return "200 result=1"


async def _get_variable(caller: FakeCaller, words: tuple[str, ...]) -> str:
    value = caller.variables.get(words[0])
    return "200 result=0" if value is None else f"200 result=1 ({value})"


async def _get_full_variable(caller: FakeCaller, words: tuple[str, ...]) -> str:
    return f"200 result=1 ({caller.substitute(words[0])})"


async def _mset(caller: FakeCaller, words: tuple[str, ...]) -> str:
    caller.assign(words[0])
    return "200 result=0"


async def _dial(caller: FakeCaller, words: tuple[str, ...]) -> str:
    """The agent answers, talks for a second and hangs up."""
    caller.assign("DIALSTATUS=ANSWER,ANSWEREDTIME=1,ANSWEREDTIME_MS=1000,HANGUPCAUSE=16")
    return "200 result=-1" if caller.hung_up else "200 result=0"


async def _done(caller: FakeCaller, words: tuple[str, ...]) -> str:
    return "200 result=0"


async def _up(caller: FakeCaller, words: tuple[str, ...]) -> str:
    return "200 result=6"


async def _no_application(caller: FakeCaller, words: tuple[str, ...]) -> str:
    return "200 result=-2"


# The first that fits.
_COMMANDS: dict[str, Command] = {
    "STREAM FILE": _stream_file,
    "SAY DIGITS": _say_digits,
    "GET DATA": _get_data,
    "WAIT FOR DIGIT": _wait_for_digit,
    "SET VARIABLE": _set_variable,
    "GET VARIABLE": _get_variable,
    "GET FULL VARIABLE": _get_full_variable,
    "EXEC MSet": _mset,
    "EXEC Dial": _dial,
    "EXEC": _no_application,
    "CHANNEL STATUS": _up,
    "ANSWER": _done,
    "NOOP": _done,
    "SET MUSIC": _done,
    "VERBOSE": _done,
}


def split_words(line: str) -> tuple[str, ...]:
    """res_agi's `parse_args`: blanks separate, quotes join, a backslash keeps the next character."""
    words: list[str] = []
    word: str | None = None
    quoted = False
    characters = iter(line)
    for char in characters:
        if char == '"':
            quoted, word = not quoted, word or ""
        elif char in " \t" and not quoted:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + (next(characters, "") if char == "\\" else char)
    return tuple(words if word is None else [*words, word])


def split_arguments(line: str) -> list[str]:
    """`__ast_app_separate_args` at commas: brackets and quotes protect, quotes and backslashes are taken
    away."""
    pieces = [""]
    depth = {"(": 0, "[": 0}
    quoted = False
    characters = iter(line)
    for char in characters:
        if char in "([":
            depth[char] += 1
        elif char in ")]":
            opening = "(" if char == ")" else "["
            depth[opening] = max(0, depth[opening] - 1)
        if char == '"':
            quoted = not quoted
        elif char == "," and not quoted and not any(depth.values()):
            pieces.append("")
        else:
            pieces[-1] += next(characters, "") if char == "\\" else char
    return pieces
