"""`hotline prompts list|build|check|record KEY`: what callers hear, made, proved, and recorded from a phone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    err,
    out,
    refuse,
    run,
    say,
    show_json,
    show_table,
    site_of,
)
from hotline.control import ControlError, NotRunning, ask
from hotline.prompt_list import Fault, prompt_faults, prompt_rows
from hotline.prompting import bare_shelf
from hotline.settings import SiteFolders
from hotline.site.site import Site
from hotline.studio import PROMPTS, RECORD, RING_S, TAKE
from ivr.prompts.shelf import Made, Origin, PromptShelf

prompts = typer.Typer(name="prompts", help="What callers hear: list, build, check, record.", no_args_is_help=True)

_LOOK_S = 0.5
_TAKING_S = 900.0
_TELL_S = 60.0


@prompts.command("list")
def list_prompts(site: SiteOption = DEFAULT_SITE, json: JsonOption = False) -> None:
    """Every prompt in every language, with the number that *51 asks for. Makes nothing."""
    loaded, folders = site_of(site)
    rows = [asdict(row) for row in prompt_rows(loaded, bare_shelf(loaded, folders).standing(loaded.prompts))]
    if json:
        show_json(rows)
        return
    columns = ("number", "key", "language", "source", "seconds", "level")
    show_table("Prompts (level in dBFS)", columns, ([row[column] for column in columns] for row in rows))


@prompts.command()
def build(site: SiteOption = DEFAULT_SITE) -> None:
    """Make what is new, at 8 and at 16 kHz; an engine that runs plays it from now on."""
    loaded, folders = site_of(site)
    shelf = bare_shelf(loaded, folders, wideband=True)
    made = _with_bar(loaded, shelf)
    for each in made:
        if each.origin is not Origin.CACHE or each.refused:
            say(f"{each.key} in {each.language}: {each.origin}" + _but(each))
    new = sum(each.origin not in (Origin.CACHE, Origin.NOWHERE) for each in made)
    out.print(f"{new} made, {len(made) - new} as they were. {_tell(folders)}", soft_wrap=True)
    if any(each.refused for each in made):
        raise typer.Exit(1)


@prompts.command()
def check(site: SiteOption = DEFAULT_SITE) -> None:
    """Every recording that is not played, with the reason (exit code 1), and remarks on texts and keys."""
    loaded, folders = site_of(site)
    faults = [*prompt_faults(loaded, folders)]
    for fault in faults:
        out.print(_told(fault), soft_wrap=True)
    if any(fault.grave for fault in faults):
        raise typer.Exit(1)
    out.print("no recording is refused")


@prompts.command()
def record(
    key: Annotated[str, typer.Argument(help="The prompt's key, as in prompts.yaml.")],
    language: Annotated[str, typer.Option(help="The site's word or its code; the default language if left out.")] = "",
    extension: Annotated[str, typer.Option(help="The phone to ring; the first agent's if left out.")] = "",
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Ring a phone of the running site, and record the prompt there: speak, # ends, 1 keeps it, 2 is once more."""
    loaded, folders = site_of(site)
    if key not in loaded.prompts:
        refuse(f"there is no prompt '{key}' in prompts.yaml", 2)
    word = language or loaded.default_language
    code = loaded.languages.get(word, word)
    if code not in loaded.languages.values():
        refuse(f"there is no language '{word}'; there is {', '.join(loaded.languages)}", 2)
    phone = extension or next(iter(loaded.agents))
    state = run(lambda: _record(folders, key, code, phone))
    if state["state"] != "kept":
        refuse(f"{key} is as it was" + (f": {state['why']}" if state["why"] else ""))
    out.print(f"recordings/{code}/{key}.wav is played from now on")


async def _record(folders: SiteFolders, key: str, code: str, phone: str) -> dict[str, Any]:
    """Where the take ended: its state and why."""
    try:
        order = await ask(folders.run, RECORD, key=key, language=code, extension=phone, timeout_s=10)
        if order["why"]:
            return {"state": "gone", "why": order["why"]}
        err.print(Text(f"{phone} rings; pick it up"))
        return await _until_taken(lambda: ask(folders.run, TAKE, take=order["take"]))
    except ControlError as error:
        refuse(str(error))


async def _until_taken(look: Callable[[], Any]) -> dict[str, Any]:
    begun, seen = time.monotonic(), "ringing"
    while True:
        state: dict[str, Any] = await look()
        if state["state"] != seen:
            seen = state["state"]
            err.print(Text(seen))
        waited_s = time.monotonic() - begun
        if seen in ("kept", "gone") or waited_s > _TAKING_S:
            return state
        if seen == "ringing" and waited_s > RING_S + 5:
            return {"state": "gone", "why": "the phone was not picked up"}
        await asyncio.sleep(_LOOK_S)


def _with_bar(site: Site, shelf: PromptShelf) -> list[Made]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("prompts", total=None)

        def step(done: int, total: int, made: Made) -> None:
            bar.update(task, completed=done, total=total, description=f"{made.key} {made.language}")

        return run(lambda: shelf.make_all(site.prompts, step))


def _tell(folders: SiteFolders) -> str:
    """How the engine took it. Its own texts are those of its start."""
    try:
        run(lambda: ask(folders.run, PROMPTS, timeout_s=_TELL_S))
    except NotRunning:
        return "The engine is not running; it will play them when it starts."
    except ControlError as error:
        refuse(f"made, but the engine does not play them yet: {error}")
    return "The engine plays new recordings from now on, and new texts after its next start."


def _but(made: Made) -> str:
    return f" (its recording is refused: {made.refused})" if made.refused else ""


def _told(fault: Fault) -> Text:
    return Text("refused: " if fault.grave else "remark: ", "red" if fault.grave else "yellow") + Text(
        f"{fault.what} {fault.why}" if not fault.grave else f"{fault.what}: {fault.why}"
    )
