"""`hotline restore FILE`: a backup in the place of what the CRM store holds. The engine may be up."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from crm_bridge.backup.form import BadBackup
from crm_bridge.backup.reading import open_backup
from crm_bridge.backup.swapping import SwapFailed
from crm_bridge.journal import JournalError
from hotline.clock import this_moment
from hotline.commands.backup import in_short
from hotline.commands.showing import DEFAULT_SITE, SiteOption, refuse, run, say, site_of
from hotline.restoring import restore as restored
from hotline.store_opening import short


def restore(
    file: Annotated[Path, typer.Argument(help="What `hotline backup` has written.", dir_okay=False)],
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Put a backup in the place of the CRM's content; then the journal delivers what came after it."""
    loaded, folders = site_of(site)
    _ask(file, loaded.name, sure)
    now = this_moment()
    try:
        done = run(lambda: restored(loaded, folders, file, now, say))
    except (BadBackup, SwapFailed) as reason:
        refuse(f"nothing was restored: {reason}")
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        refuse(f"nothing was restored, the store is as it was: {short(error)}")
    except JournalError as error:
        refuse(
            f"restored; the next engine lets the journal deliver again what came after it, which failed now: {error}"
        )
    say(f"restored: {in_short(done.manifest)}")
    say(f"the journal delivers {done.again} entries again; the store takes those that it lacks")


def _ask(file: Path, name: str, sure: bool) -> None:
    try:
        with open_backup(file) as archive:
            manifest = archive.manifest
    except BadBackup as reason:
        refuse(f"{file} cannot be restored: {reason}")
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}")
    say(f"{file}: {in_short(manifest)}")
    if manifest.site != name:
        say(f"this site is {name}, the backup is of {manifest.site}")
    if not sure and not typer.confirm("Put it in the place of what the CRM store holds now?"):
        raise typer.Exit(1)
