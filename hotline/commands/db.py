"""`hotline db status | upgrade | downgrade REV`: the CRM store's tables and the version that they are of."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated, Any

import typer
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from crm_bridge.backup.form import BadBackup
from crm_bridge.migrating import go_back, head, known_revisions
from hotline.backups import back_up_aside, state_of
from hotline.clock import this_moment
from hotline.commands.crm_access import crm_url
from hotline.commands.showing import DEFAULT_SITE, JsonOption, SiteOption, refuse, run, say, show_json, site_of
from hotline.control import ControlError, NotRunning, ask
from hotline.settings import SiteFolders
from hotline.site.site import Site
from hotline.store_opening import NotBroughtUp, bring_up, short

app = typer.Typer(help="The CRM store's tables: which version, up, down.", no_args_is_help=True)


@app.command()
def status(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Which revision the tables have, and which this program knows. Exit code 1: a migration is due."""
    loaded, folders = site_of(site)
    revision, filled = _state(loaded, folders)
    told: dict[str, Any] = {"revision": revision, "program": head(), "known": known_revisions(), "has_rows": filled}
    if as_json:
        show_json([told])
    else:
        say(f"tables: {revision or 'none yet'}; this program: {head()} (knows {', '.join(known_revisions())})")
    if revision != head():
        raise typer.Exit(1)


@app.command()
def upgrade(site: SiteOption = DEFAULT_SITE) -> None:
    """Bring the tables up to this program, as an engine that starts does; a backup is made first."""
    loaded, folders = site_of(site)
    folders.var.mkdir(mode=0o700, exist_ok=True)
    backups: dict[str, Path] = {}
    try:
        before = run(lambda: bring_up(loaded, folders, this_moment(), backups))
    except NotBroughtUp as reason:
        refuse(str(reason))
    for made in backups.values():
        say(f"the store of before is in {made}")
    say(f"the tables are those of this program, {head()}" + (f"; they were {before}" if before != head() else ""))


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="The revision of the version that is to run next.", metavar="REV")],
    sure: Annotated[bool, typer.Option("--yes", help="What the older tables have no place for is gone.")] = False,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Take the tables back to an older version's, before that version is started. A backup is made first."""
    loaded, folders = site_of(site)
    now, _ = _state(loaded, folders)
    _refuse_wrong(revision, now)
    _refuse_engine(folders)
    if not sure:
        refuse(f"from {now} back to {revision}: what is only in the newer tables goes. Say --yes", 2)
    try:
        made = back_up_aside(loaded, folders, f"auto-{now}", this_moment())
        run(lambda: go_back(crm_url(loaded, folders), revision))
    except (SQLAlchemyError, sqlite3.Error, CommandError, BadBackup, OSError) as error:
        refuse(f"the tables are still those of {now}: {short(error)}")
    say(f"the tables are those of {revision}; the store of before is in {made}")


def _refuse_wrong(revision: str, now: str | None) -> None:
    known = known_revisions()
    if revision not in known:
        refuse(f"there is no revision '{revision}'; there is {', '.join(known)}", 2)
    if now is None or now not in known:
        refuse(f"the tables are of revision {now or 'none'}, from which this program knows no way back")
    if known.index(revision) >= known.index(now):
        refuse(f"the tables are of revision {now} already; there is nothing to take back", 2)


def _refuse_engine(folders: SiteFolders) -> None:
    try:
        run(lambda: ask(folders.run, "ping"))
    except NotRunning:
        return
    except ControlError as error:
        refuse(f"an engine is there, which would write into the older tables: {error}")
    refuse("the engine is running, and would write into the older tables: stop the site first")


def _state(site: Site, folders: SiteFolders) -> tuple[str | None, bool]:
    """To look must not make a database."""
    if site.crm_url is None and not (folders.var / "crm.db").exists():
        return None, False
    try:
        return state_of(crm_url(site, folders))
    except (SQLAlchemyError, OSError) as error:
        refuse(f"the CRM store cannot be read: {short(error)}")
