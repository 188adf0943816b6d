"""`hotline doctor`: every rule of safety and health that can be looked at from outside, looked at.

It changes nothing. What runs is asked; what does not run is judged by the files that it would start with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from dialplans.model import SpecError
from hotline.asterisk_files import AsteriskPlace, read_place
from hotline.checkup import config, files, listening
from hotline.checkup.console import Console, console, live_endpoints, loaded_modules
from hotline.checkup.finding import Finding, Level, fail, ok, warn
from hotline.checkup.version import asterisk_version
from hotline.control import ControlError, NotRunning, ask
from hotline.settings import SiteFolders, asterisk_env
from hotline.site.loading import Verdict, judge_site
from hotline.site.problem import Gravity
from hotline.site.site import Site

__all__ = ["Finding", "Level", "examine"]


async def examine(folder: Path) -> list[Finding]:
    """Everything found, in the order in which one would mend it."""
    verdict = judge_site(folder)
    folders = _folders(folder)
    found = [*_site(verdict), *files.not_root()]
    if folders is None:
        return found
    found += [*files.private_files(folders.site), *files.disk_space(folders.var)]
    place = _place()
    if isinstance(place, Finding):
        found.append(place)
    else:
        found += asterisk_version(place.version)
        found += await _asterisk(folders, console(place.command, folders.asterisk / "asterisk.conf"))
    if verdict.site is not None:
        found += [finding async for finding in _running(verdict.site, folders)]
    return found


def _folders(folder: Path) -> SiteFolders | None:
    return SiteFolders(folder.absolute()) if folder.is_dir() else None


def _site(verdict: Verdict) -> Iterator[Finding]:
    for problem in verdict.problems:
        is_error = problem.gravity is Gravity.ERROR
        yield fail(str(problem), "mend it; `hotline check` proves it") if is_error else warn(str(problem), "see there")
    if verdict.site is not None:
        yield ok(f"the files of {verdict.site.name} are sound")


def _place() -> AsteriskPlace | Finding:
    try:
        return read_place(asterisk_env())
    except (OSError, SpecError):
        return fail("there is no Asterisk here that we know of", "run asterisk/bring")


async def _asterisk(folders: SiteFolders, say: Console) -> list[Finding]:
    """The files always; modules and endpoints from the running one when it is up."""
    etc = folders.asterisk
    if not config.rendered(etc, "asterisk.conf"):
        return [warn("Asterisk's files have not been rendered yet", "`hotline up` does it")]
    found = [
        *config.options(config.rendered(etc, "asterisk.conf")),
        *config.manager(config.rendered(etc, "manager.conf")),
    ]
    found += config.endpoints(config.rendered(etc, "pjsip.conf"))
    modules = await say("module show")
    if modules is None:
        found.append(warn("Asterisk is not running; its files were looked at instead", "`hotline up` starts it"))
        return [*found, *config.modules(config.rendered(etc, "modules.conf"))]
    return [*found, *loaded_modules(modules), *live_endpoints(await say("pjsip show endpoints") or "")]


async def _running(site: Site, folders: SiteFolders) -> AsyncIterator[Finding]:
    for finding in listening.judge_bind(site.bind):
        yield finding
    ports = (site.ports.sip, site.ports.agi, site.ports.ami, *range(site.ports.rtp[0], site.ports.rtp[1] + 1))
    for finding in listening.judge_doors(listening.open_doors(folders.run), site.bind, ports):
        yield finding
    try:
        status = await ask(folders.run, "status")
    except NotRunning:
        yield warn("the engine is not running", "`hotline up` starts it")
        return
    except ControlError as error:
        yield fail(
            f"the engine does not answer: {error}", "its log is var/log/engine.log; `hotline up` kills what hangs"
        )
        return
    if status.get("asterisk") == "up":
        yield ok(f"the engine answers, and Asterisk answers the engine; {status.get('calls', 0)} calls")
    else:
        yield fail("the engine has no Asterisk: nobody is offered a call", "see var/log/asterisk.log")
    if problems := status.get("flow_problems"):
        yield warn(f"{problems} times in the last day something failed in a flow", "`hotline problems` says where")
    for strategy, failure in (status.get("failed_strategies") or {}).items():
        yield warn(
            f"the strategy {strategy} fails, and agents are chosen as by longest_idle: {failure}",
            "mend it, then `hotline check`; a restart asks it again",
        )
    parked = (status.get("journal") or {}).get("parked", 0)
    if parked:
        yield warn(
            f"{parked} journal entries could not be stored and were put aside", "their reasons are in the journal"
        )
