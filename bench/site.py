"""The bench's site: the sample site with twenty agents, flows that lead straight to what is measured, and no wrap-up.

What is written here is JSON, which is YAML too; `hotline up` reads it as it reads every site.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.numbers import (
    AGENTS,
    DESK_AGENTS,
    HOTLINE_IVR,
    HOTLINE_MENU,
    HOTLINE_REACH,
    HOTLINE_RING,
    LANGUAGE_KEY,
    TOPIC_KEY,
)
from bench.peers import MODULES
from hotline.sip.ports import free_site_ports
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.site import Site

PIN = "246810"  # one for all: they log in over one run of the keypad, and live as long as the bench
_STOP_S = 3


def make_site(
    folder: Path, *, modules: Sequence[str] = MODULES, rtp_ports: int = 400, agents: Sequence[str] = AGENTS
) -> Site:
    """A site in ``folder`` (empty, or not there yet), on free ports. ``agents``: extensions. Nothing is started."""
    ports = free_site_ports(usual_first=False, rtp_ports=rtp_ports)
    init_site(folder, name="Bench", ports=replace(ports, api=None))
    for flow in (folder / "flows").glob("*.yaml"):
        flow.unlink()
    for name, content in _files(folder, modules, agents).items():
        large = name == "agents.yaml" and len(agents) > len(AGENTS)  # a file may have 1 MB
        write_private(folder / name, json.dumps(content, ensure_ascii=False, indent=None if large else 1))
    return load_site(folder)


def write_private(file: Path, text: str) -> None:
    """Mode 0600: secrets are in some of these."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _files(folder: Path, modules: Sequence[str], agents: Sequence[str]) -> dict[str, Any]:
    site, prompts = (_read(folder / name) for name in ("site.yaml", "prompts.yaml"))
    site["asterisk"]["extra_modules"] = list(modules)
    site["limits"]["stop_grace_s"] = _STOP_S
    site["limits"] |= dict.fromkeys(("calls_per_caller", "calls_per_caller_per_hour"), 100_000)  # one number calls
    numbers = {HOTLINE_RING: "ring", HOTLINE_REACH: "reach", HOTLINE_MENU: "menu", HOTLINE_IVR: "ivr"}
    return {
        "site.yaml": site,
        "prompts.yaml": _without_whispers(prompts),
        "numbers.yaml": {number: {"source": "tv_spot", "flow": flow} for number, flow in numbers.items()},
        "agents.yaml": {extension: _agent(extension) for extension in agents},
        "crm_rules.yaml": {},
        "queues.yaml": {"floor": _queue(), "desk": _queue()},
        "flows/ring.yaml": _flow("line", {"line": _to_queue("floor")}),
        "flows/reach.yaml": _flow("welcome", {**_menu("line"), "line": _to_queue("desk")}),
        "flows/menu.yaml": _flow("welcome", _menu("bye")),
        "flows/ivr.yaml": _flow("language", _two_levels()),
    }


def _read(file: Path) -> Any:
    return YAML(typ="safe").load(file)


def _without_whispers(prompts: Mapping[str, Any]) -> dict[str, Any]:
    """app_queue and a bare Dial() whisper nothing, so nobody does."""
    return {key: prompt for key, prompt in prompts.items() if not key.startswith("whisper_")}


def _agent(extension: str) -> dict[str, Any]:
    return {
        "name": f"Agent {extension}",
        "pin": PIN,
        "sip_secret": secrets.token_urlsafe(24),
        "queues": ["floor", "desk"] if extension in DESK_AGENTS else ["floor"],
        "skills": {"mandarin": 100, "english": 80, "laptop": 60},
    }


def _queue() -> dict[str, Any]:
    """The sample's requirement, so that matching is at work; every agent meets it."""
    steps = [{"require": "$language >= 50 and laptop >= 50", "for_s": 20}, {"require": "any"}]
    return {"steps": steps, "offer_s": 15, "wrap_up_s": 0, "max_wait_s": 600}


def _flow(start: str, nodes: Mapping[str, Any]) -> dict[str, Any]:
    bye = {"kind": "hangup", "outcome": "self_served"}
    return {"start": start, "default_way": "bye", "nodes": {**nodes, "bye": bye}}


def _to_queue(queue: str) -> dict[str, Any]:
    return {"kind": "queue", "queue": queue, "attributes": {"language": "$language"}, "then": "bye"}


def _menu(after: str) -> dict[str, Any]:
    """The sample flow's own menus: welcome, language, hours, topic."""
    return {
        "welcome": {"kind": "play", "prompts": ["welcome"], "then": "language"},
        "language": {
            "kind": "menu",
            "prompts": ["choose_language"],
            "options": {LANGUAGE_KEY: {"goto": "office_hours", "set_language": "english"}},
            "tries": 2,
            "first_digit_s": 4,
            "otherwise": {"goto": "office_hours", "set_language": "mandarin"},
        },
        "office_hours": {"kind": "hours", "line": "main", "open": "topic", "closed": "bye"},
        "topic": {
            "kind": "menu",
            "prompts": ["menu_main"],
            "options": {TOPIC_KEY: after},
            "tries": 3,
            "first_digit_s": 5,
            "invalid": "invalid_key",
            "silent": "no_key",
            "otherwise": after,
        },
    }


def _two_levels() -> dict[str, Any]:
    """The first and the last question of that menu, and between them who calls: a look-up in the CRM store."""
    menu = _menu("bye")
    first = {
        **menu["language"],
        "options": {LANGUAGE_KEY: {"goto": "who", "set_language": "english"}},
        "otherwise": "who",
    }
    known = {"when": {"caller": {"known": True}}, "goto": "topic", "set": {"tier": "known"}}
    return {
        "language": first,
        "who": {"kind": "branch", "cases": [known], "otherwise": "topic"},
        "topic": menu["topic"],
    }
