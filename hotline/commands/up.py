"""`hotline up`: joins a site to a supervisor's plan, and shows its steps."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

import typer
from rich.text import Text

from dialplans.model import SpecError
from hotline.asterisk_files import AsteriskPlace, read_place
from hotline.boot import BootSecrets
from hotline.commands.showing import DEFAULT_SITE, SiteOption, out, refuse, site_of
from hotline.prompting import prompt_shelf
from hotline.rendering import write_files
from hotline.settings import SiteFolders, asterisk_env
from hotline.site.site import Site
from hotline.supervision.beside import Beside
from hotline.supervision.child import Command
from hotline.supervision.health import answers
from hotline.supervision.lock import AlreadyUp
from hotline.supervision.ports import PortUse
from hotline.supervision.step import State, Step
from hotline.supervisor import Plan, Supervisor, Timing

_SIGNS = {
    State.DOING: ("…", "dim"),
    State.DONE: ("✓", "green"),
    State.FAILED: ("✗", "red"),
    State.NOTE: ("!", "yellow"),
}


def up(site: SiteOption = DEFAULT_SITE) -> None:
    """Run the site in the foreground: engine and Asterisk, and the API beside them, until Ctrl-C (twice: at once)."""
    loaded, folders = site_of(site)
    for folder in (folders.run, folders.var):
        folder.mkdir(mode=0o700, exist_ok=True)
    try:
        code = asyncio.run(_supervise(make_plan(loaded, folders, _place())))
    except AlreadyUp as error:
        refuse(str(error))
    raise typer.Exit(code)


async def _supervise(plan: Plan) -> int:
    supervisor = Supervisor(plan, show_step)
    supervisor.stop_on_signals()
    return await supervisor.run()


def show_step(step: Step) -> None:
    sign, style = _SIGNS[step.state]
    out.print(Text(f"  {sign} {step.name}: ", style) + Text(step.text), soft_wrap=True)


def _place() -> AsteriskPlace:
    try:
        return read_place(asterisk_env())
    except FileNotFoundError:
        refuse("there is no Asterisk yet; asterisk/bring brings one, without root")
    except SpecError as error:
        refuse(str(error))


def make_plan(site: Site, folders: SiteFolders, place: AsteriskPlace) -> Plan:
    """Who runs, with which words, on which ports."""

    async def render(secrets: BootSecrets) -> None:
        shelf = await prompt_shelf(site, folders)
        await asyncio.to_thread(
            write_files, site, folders, place, shelf, agi_secret=secrets.agi, ami_secret=secrets.ami
        )

    ports = site.ports
    asterisk = (*place.command, "-C", str(folders.asterisk.absolute() / "asterisk.conf"))
    return Plan(
        run=folders.run,
        bind=site.bind,
        engine=_command("engine", folders, sys.executable, "-m", "hotline.app", "--site", str(site.folder)),
        engine_ports=(PortUse("agi", ports.agi),),
        render=render,
        asterisk=_command("asterisk", folders, *asterisk, "-f") if site.asterisk.embedded else None,
        asterisk_ports=(PortUse("sip", ports.sip, udp=True), PortUse("ami", ports.ami)),
        asterisk_ready=(*asterisk, "-rx", "core waitfullybooted"),
        asterisk_quiesce=(*asterisk, "-rx", "core stop gracefully"),
        api=_api(site, folders),
        timing=Timing(grace_s=site.stop_grace_s),
    )


def _api(site: Site, folders: SiteFolders) -> Beside | None:
    port = site.ports.api
    if port is None:
        return None
    command = _command("api", folders, sys.executable, "-m", "hotline.api.process", "--site", str(site.folder))
    return Beside(command, site.bind, (PortUse("api", port),), partial(answers, site.bind, port, "/health"))


def _command(name: str, folders: SiteFolders, *words: str) -> Command:
    log: Path = folders.var / "log" / f"{name}.log"
    return Command(name, words, log, folders.run / f"{name}.mark")
