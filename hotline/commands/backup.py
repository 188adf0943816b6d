"""`hotline backup [FILE]`: the CRM store and the journal, as they are at one moment. The engine may be up."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from crm_bridge.backup.form import BadBackup, Manifest
from crm_bridge.backup.reading import verified
from hotline.backups import back_up, stamp
from hotline.clock import this_moment
from hotline.commands.showing import DEFAULT_SITE, SiteOption, refuse, say, site_of
from hotline.store_opening import short

_FileArgument = Annotated[
    Path | None, typer.Argument(help="A new file; left out: var/backups/hotline-TIME.tar.", dir_okay=False)
]


def backup(
    file: _FileArgument = None,
    verify: Annotated[Path | None, typer.Option("--verify", help="Make none; prove this one.", dir_okay=False)] = None,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Back the CRM store and the journal up, online, into one file; or prove such a file."""
    if verify is not None:
        _verify(verify)
        return
    loaded, folders = site_of(site)
    now = this_moment()
    target = (file or folders.backups / f"hotline-{stamp(now)}.tar").absolute()
    if target.exists():
        refuse(f"{target} is there already; nothing was written")
    try:
        manifest = back_up(loaded, folders, target, now)
    except BadBackup as reason:
        refuse(str(reason))
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        refuse(f"no backup was made: {short(error)}")
    say(f"{target}: {in_short(manifest)}")


def _verify(file: Path) -> None:
    try:
        manifest = verified(file)
    except BadBackup as reason:
        refuse(f"{file} cannot be restored: {reason}")
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}")
    say(f"{file} is sound: {in_short(manifest)}")


def in_short(manifest: Manifest) -> str:
    calls = manifest.tables["calls"].rows if "calls" in manifest.tables else 0
    journal = "with" if manifest.journal_sha256 else "without"
    return (
        f"{manifest.site}, {manifest.at[:19].replace('T', ' ')} UTC, revision {manifest.revision},"
        f" {calls} calls, {manifest.rows} rows, {journal} a journal"
    )
