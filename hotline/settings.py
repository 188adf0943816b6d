"""Where things are, and what the environment says. The only module that reads `os.environ`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class SiteFolders:
    """The folders of one site. ``run``: this boot's sockets, secrets and rendered files; ``var``: what must last."""

    site: Path

    @property
    def run(self) -> Path:
        return self.site / "run"

    @property
    def var(self) -> Path:
        return self.site / "var"

    @property
    def asterisk(self) -> Path:
        return self.run / "asterisk"

    @property
    def journal(self) -> Path:
        return self.var / "journal.db"

    @property
    def crm_url(self) -> str:
        return f"sqlite+aiosqlite:///{self.var / 'crm.db'}"

    @property
    def events(self) -> Path:
        """The ACD's event log, a file for each day."""
        return self.var / "events"

    @property
    def spool(self) -> Path:
        return self.var / "spool"

    @property
    def voicemail(self) -> Path:
        return self.var / "voicemail"

    @property
    def conversations(self) -> Path:
        """Recordings of what caller and agent say."""
        return self.var / "conversations"

    @property
    def prompts(self) -> Path:
        return self.var / "prompts"

    @property
    def recordings(self) -> Path:
        """The admin's own prompts: part of the site, not of what it keeps."""
        return self.site / "recordings"

    @property
    def scripts(self) -> Path:
        """The admin's own functions and AGI scripts."""
        return self.site / "scripts"

    @property
    def outbox(self) -> Path:
        """Text messages, where no gateway takes them."""
        return self.var / "texts" / "outbox.jsonl"

    @property
    def dropped(self) -> Path:
        """Journal entries that somebody has given up (`hotline outbox drop`)."""
        return self.var / "dropped.jsonl"

    @property
    def backups(self) -> Path:
        return self.var / "backups"

    @property
    def kept(self) -> Path:
        """When what was past its days was last removed (`hotline/housekeeping.py`)."""
        return self.var / "kept"

    @property
    def wishes(self) -> Path:
        """Who is to be erased as soon as it can be (`hotline/persons/wishes.py`)."""
        return self.var / "wishes"

    @property
    def erasures(self) -> Path:
        """Who was erased, in a way that names nobody (`hotline/persons/ledger.py`)."""
        return self.var / "erasures.jsonl"

    @property
    def erasures_key(self) -> Path:
        return self.var / "erasures.key"

    @property
    def redeliver(self) -> Path:
        """A note that a restore is not at its end yet (`hotline/restoring.py`)."""
        return self.var / "redeliver"

    @property
    def logs(self) -> Path:
        """What the engine and Asterisk have said; Asterisk's own logs and CDR are in `asterisk_logs`."""
        return self.var / "log"

    @property
    def asterisk_logs(self) -> Path:
        return self.var / "asterisk" / "log"

    @property
    def takes(self) -> Path:
        """Where a phone records a prompt before it is taken in."""
        return self.var / "takes"


def cache_folder() -> Path:
    """Where downloads are kept: HOTLINE_CACHE, else the repository's `.cache`."""
    return Path(os.environ.get("HOTLINE_CACHE", REPOSITORY / ".cache"))


def demo_once() -> bool:
    """HOTLINE_DEMO_ONCE=1: the demonstration ends after its call."""
    return os.environ.get("HOTLINE_DEMO_ONCE", "") not in ("", "0")


def asterisk_env() -> Path:
    """What `asterisk/bring` found out about the Asterisk of this machine."""
    return cache_folder() / "asterisk" / "asterisk.env"
