"""Who may read the site's files. They hold PINs, SIP secrets and callers' numbers."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from hotline.checkup.finding import Finding, fail, ok, warn

_SECRETIVE = ("agents.yaml", "phones.yaml", "site.yaml", "run/secrets.json")
_SECRETIVE_GLOBS = ("run/asterisk/*.conf", "var/*.db", "var/*.db-wal", "var/log/*.log")
_LEAST_BYTES, _FEW_BYTES = 200 * 2**20, 2**30


def private_files(site: Path) -> Iterator[Finding]:
    """Folders 0700, files with secrets 0600, all of them ours."""
    open_ones = [path for path in _to_look_at(site) if _is_open(path)]
    for path in open_ones:
        mode, wanted = stat.S_IMODE(path.stat().st_mode), "700" if path.is_dir() else "600"
        yield fail(f"{path} has mode {mode:o}: others can read secrets in it", f"chmod {wanted} {path}")
    for path in _to_look_at(site):
        if path.stat().st_uid != os.getuid():
            yield warn(f"{path} belongs to another user", f"chown it to user {os.getuid()}")
    if not open_ones:
        yield ok("the site's folders and secrets can be read by their owner only")


def _to_look_at(site: Path) -> list[Path]:
    files = [site / name for name in _SECRETIVE] + [path for glob in _SECRETIVE_GLOBS for path in site.glob(glob)]
    return [path for path in (site, site / "run", site / "var", *sorted(files)) if path.exists()]


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def disk_space(var: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(var if var.exists() else var.parent).free
    told, cure = f"{free / 2**20:,.0f} MiB free where the journal lies", "make room: without it no call is recorded"
    if free < _LEAST_BYTES:
        yield fail(told, cure)
    elif free < _FEW_BYTES:
        yield warn(told, cure)
    else:
        yield ok(told)


def not_root() -> Iterator[Finding]:
    if os.geteuid() == 0:
        yield warn("this runs as root", "give the site a user of its own: nothing here needs root")
    else:
        yield ok("this does not run as root")
