"""DialplanSpec → the text of `extensions.conf` and of the fail-open script's `fail_open.json`. Writes nothing.

Two fences against a value that would become dialplan: the spec checks each field by its kind, and here every
value that a template prints passes `refuse_dialplan`, so that a new template line is fenced without a thought.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dialplans.model import DialplanSpec, SpecError

_TEMPLATES = Path(__file__).parent / "templates"
_DIALPLAN = re.compile(r"[\x00-\x1f\x7f;\[\]]|\$\{|\$\[|#include|#exec|=>")
LEG_CODES = ("37", "41", "42")  # pressed by an agent in a conversation, after *
DESK_CODES = ("*30", "*31", "*32", "*33", "_*33Z", "*34", "*35", "*36", "*38", "*39", "*51", "*52", "*53")


class Fragment(str):
    """What a template's macro has made: each value in it has passed the fence already."""


def refuse_dialplan(value: object) -> object:
    """Let a printed value through, or raise SpecError: it holds something that Asterisk would act on."""
    if isinstance(value, str) and not isinstance(value, Fragment) and _DIALPLAN.search(value):
        raise SpecError("a value holds a control character, ';', brackets, '${', '$[', '=>' or '#include'")
    return value


def environment(folder: Path) -> Environment:
    """Jinja2 as all our Asterisk templates are rendered: strict, fenced, no HTML in sight."""
    made = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        finalize=refuse_dialplan,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the fence for this language is `refuse_dialplan`
    )
    made.filters["made"] = Fragment
    return made


def render(spec: DialplanSpec) -> dict[str, str]:
    """File name → text. Raises SpecError for a value that must not stand in a dialplan."""
    supervised = ["_*40" + "X" * digits for digits in sorted({len(extension) for extension in spec.agents})]
    template = environment(_TEMPLATES).get_template("extensions.conf.j2")
    return {
        "extensions.conf": template.render(spec=spec, desk_codes=(*DESK_CODES, *supervised), leg_codes=LEG_CODES),
        "fail_open.json": json.dumps(_fail_open(spec), ensure_ascii=False, indent=1) + "\n",
    }


def _fail_open(spec: DialplanSpec) -> dict[str, object]:
    """What the standalone script knows while nobody else can be asked."""
    lines = {line.number: {"source": line.source, "campaign": line.campaign} for line in spec.numbers}
    return {"spool": spec.spool, "voicemail": spec.voicemail, "numbers": lines}


def folders(spec: DialplanSpec) -> tuple[str, ...]:
    """The folders that must exist, mode 0700, before a call comes: Record does not make its own."""
    return (spec.spool, spec.voicemail)
