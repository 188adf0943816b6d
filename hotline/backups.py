"""Where a site's backups are and what they are called: `hotline-TIME.tar` by command, `auto-REVISION-TIME.tar` before a
migration, `before-restore-TIME.tar`. Of the last two kinds the newest `KEPT` stay."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from crm_bridge.backup.form import Manifest
from crm_bridge.backup.tables import tables_there
from crm_bridge.backup.writing import write_backup
from crm_bridge.database import plain_engine
from crm_bridge.migrating import revision_in
from hotline.settings import SiteFolders
from hotline.site.site import Site

log = logging.getLogger(__name__)

KEPT = 5


def stamp(at: datetime) -> str:
    """Of a file's name, in UTC: it sorts by time."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def back_up(site: Site, folders: SiteFolders, out: Path, at: datetime) -> Manifest:
    """``at``: in UTC. Raises as `write_backup`."""
    if out.parent == folders.backups:
        folders.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = site.crm_url or folders.crm_url
    return write_backup(url, folders.journal, out, site=site.name, at=at)


def back_up_aside(site: Site, folders: SiteFolders, kind: str, at: datetime) -> Path:
    """A backup that nobody has asked for. ``kind``: the beginning of its name, before the time. Raises as above."""
    out = folders.backups / f"{kind}-{stamp(at)}.tar"
    back_up(site, folders, out, at)
    _keep_last(folders.backups, kind.partition("-")[0])
    return out


def _keep_last(folder: Path, kind: str) -> None:
    """By the time in their names."""
    ours = sorted(folder.glob(f"{kind}-*.tar"), key=lambda path: path.stem.rpartition("-")[2])
    for old in ours[:-KEPT]:
        try:
            os.unlink(old)
        except OSError as error:
            log.warning("an old backup cannot be removed: %s", error)


def state_of(url: str) -> tuple[str | None, bool]:
    """The revision of the store's tables (None: there are none), and whether there is anything in them. Raises
    SQLAlchemyError."""
    engine = plain_engine(url, reading=True)
    try:
        with engine.connect() as connection:
            return revision_in(connection), has_rows(connection)
    finally:
        engine.dispose()


def has_rows(connection: Connection) -> bool:
    tables = tables_there(connection)
    return any(connection.execute(select(*table.columns).limit(1)).first() is not None for table in tables)
