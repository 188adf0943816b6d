"""`hotline init`: writes the sample site, which works as it is. Secrets are drawn here and nowhere else."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hotline.site.site import Ports

_TEMPLATES = Path(__file__).resolve().parent / "templates"
STANDARD_PORTS = Ports(sip=5060, agi=4573, ami=5038, rtp=(10000, 10999), metrics=9464, api=8080)

# Sales and service are both reachable in both languages with a specialist, by more than one agent for the most; advice
# before the purchase and the dealers have two people of their own, and the house has one who helps it.
_AGENTS: tuple[Mapping[str, object], ...] = (
    {"extension": "1001", "name": "李娜", "queues": ["sales"], "skills": {"mandarin": 100, "laptop": 90}},
    {"extension": "1002", "name": "王伟", "queues": ["sales", "service"],
     "skills": {"mandarin": 100, "english": 60, "laptop": 70, "printer": 60}},
    {"extension": "1003", "name": "Emma Clarke", "queues": ["sales"], "skills": {"english": 100, "laptop": 80}},
    {"extension": "1004", "name": "张敏", "queues": ["service"], "skills": {"mandarin": 100, "printer": 90}},
    {"extension": "1005", "name": "David Moore", "queues": ["service", "sales"],
     "skills": {"english": 100, "mandarin": 40, "printer": 80, "laptop": 30}},
    {"extension": "1006", "name": "陈静", "queues": ["sales", "service"],
     "skills": {"mandarin": 90, "english": 80, "laptop": 50, "printer": 50}, "supervisor": True},
    {"extension": "1007", "name": "刘洋", "queues": ["advice", "dealers"],
     "skills": {"mandarin": 100, "english": 40, "laptop": 60, "phone": 90}},
    {"extension": "1008", "name": "Sarah Lee", "queues": ["advice", "dealers"],
     "skills": {"english": 100, "mandarin": 60, "laptop": 60, "printer": 80, "phone": 70}},
    {"extension": "1010", "name": "孙磊", "queues": ["helpdesk"], "skills": {"mandarin": 100, "english": 60}},
)  # fmt: skip


class NotEmpty(Exception):
    """The folder has something in it already. Nothing was written."""


def init_site(folder: Path, *, name: str = "Sample Electronics", ports: Ports = STANDARD_PORTS) -> list[Path]:
    """Write a new site into ``folder``, which must be empty or not be there. Folders get mode 0700, files 0600.
    Returns the files. Raises NotEmpty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotEmpty(str(folder))
    _private_folder(folder)
    for inner in ("flows", "scripts", "run", "var"):
        _private_folder(folder / inner)
    return [_write(folder / file, text) for file, text in sample_files(name, ports).items()]


def sample_files(name: str, ports: Ports) -> dict[str, str]:
    """File → text, with freshly drawn secrets."""
    environment = Environment(  # noqa: S701 (YAML, not HTML; the values are ours)
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    environment.globals |= {"pin": _pin, "secret": _secret, "agents": _AGENTS, "name": name, "ports": ports}
    names = sorted(environment.list_templates(filter_func=lambda name: "__pycache__" not in name))
    return {
        found.removesuffix(".j2"): environment.get_template(found).render()
        if found.endswith(".j2")
        else (_TEMPLATES / found).read_text(encoding="utf-8")
        for found in names
    }


def _pin() -> str:
    return f"{secrets.randbelow(10**6):06d}"


def _secret() -> str:
    return secrets.token_urlsafe(24)


def _private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _write(file: Path, text: str) -> Path:
    """Born 0600: there is no moment in which somebody else could read it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    return file
