"""`hotline try NUMBER`: the terminal is the telephone. No Asterisk, no engine, no waiting."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated

import typer

from hotline.commands.showing import DEFAULT_SITE, JsonOption, SiteOption, err, out, refuse, show_json, site_of
from hotline.commands.telling import Teller
from hotline.prompting import bare_shelf
from hotline.site.site import Site
from hotline.trying.call import CallEnd, Dialled, TriedCall
from hotline.trying.happening import Happening
from hotline.trying.keypad import Act, Keypad, ScriptError, parse_script
from hotline.trying.moment import parse_moment
from hotline.trying.sayings import Sayings
from hotline.trying.surroundings import Circumstances, surroundings

_CAPPED = 2


def try_call(
    number: Annotated[str, typer.Argument(help="The number to dial, as in numbers.yaml.")],
    at: Annotated[str, typer.Option(help="When: 20:30, 'sat 20:30', '2026-02-17 09:00'. Default: now.")] = "",
    ani: Annotated[str, typer.Option(help="The caller's number; none: withheld.")] = "",
    keys: Annotated[
        str,
        typer.Option(
            help="What the caller does at each listening node: keys, t silence, h hang up, !2 before the prompt's "
            "end; in a queue or transfer a answered, a45 after 45 s, t nobody comes; v12: 12 s are spoken where a "
            "message is recorded; tier=gold: an AGI script sets it. As in '2,1,a'."
        ),
    ] = "",
    language: Annotated[str, typer.Option(help="The language the call begins in. Default: the site's.")] = "",
    online: Annotated[bool, typer.Option("--online", help="Really ask other servers for http look-ups.")] = False,
    waiting: Annotated[int, typer.Option(min=0, help="So many callers are in each queue already.")] = 0,
    nobody: Annotated[bool, typer.Option("--nobody", help="No agent is logged in.")] = False,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Be the caller: walk through a number's flow, in virtual time. Exit code 2: the flow's limits ended a walk."""
    loaded, folders = site_of(site)
    if not loaded.numbers:
        refuse("the site has no numbers: numbers.yaml is empty")
    dialled = Dialled(number, ani, _moment(at, loaded), _language(language, loaded))
    keypad = Keypad(_script(keys), _person())
    sayings = Sayings(loaded.prompts, loaded.languages, bare_shelf(loaded, folders).found(loaded.prompts))
    so = Circumstances(online=online, waiting=waiting, staffed=not nobody)

    async def run() -> CallEnd:
        async with AsyncExitStack() as ends:
            outside = await surroundings(loaded, folders, so, dialled.at, ends)
            tell = _json if as_json else _told(loaded)
            return await TriedCall(loaded, dialled, keypad, sayings, tell, outside).run()

    try:
        end = asyncio.run(run())
    except ScriptError as error:
        refuse(f"--keys: {error}")
    if end.cap is not None:
        raise typer.Exit(_CAPPED)


def _moment(text: str, site: Site) -> datetime:
    now = datetime.now(UTC)
    try:
        return parse_moment(text, site.timezone, now) if text else now
    except ValueError as error:
        refuse(f"--at: {error}; write 20:30, 'sat 20:30' or '2026-02-17 09:00'")


def _language(name: str, site: Site) -> str:
    if name and name not in site.languages:
        refuse(f"--language: there is no language '{name}'; known: {', '.join(site.languages)}")
    return name or site.default_language


def _script(text: str) -> tuple[Act, ...]:
    try:
        return parse_script(text)
    except ScriptError as error:
        refuse(f"--keys: {error}")


def _person() -> Callable[[str], str | None] | None:
    return _read if sys.stdin.isatty() else None


def _read(question: str) -> str | None:
    """The question goes to stderr, so that --json stays JSON. Ctrl-D is the end of the line, in both senses."""
    err.print(f"{' ' * 9}? {question} > ", end="", markup=False, soft_wrap=True)
    line = sys.stdin.readline()
    return line.strip() if line else None


def _json(happening: Happening) -> None:
    show_json([happening.as_json()])


def _told(site: Site) -> Callable[[Happening], None]:
    teller = Teller({extension: agent.spec.name for extension, agent in site.agents.items()})

    def tell(happening: Happening) -> None:
        for line in teller.lines(happening):
            out.print(line, soft_wrap=True)

    return tell
