"""What a flow's script and sms nodes need of the rest of the site: the file of each script, a text in each language.

A script is compiled and looked at; nothing of it is run or imported, for `hotline check` may be anybody's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hotline.site.forms import FLOWS, Forms
from hotline.site.problem import Gravity, SiteProblem
from ivr.flow.nodes.script import ScriptNode
from ivr.flow.nodes.sms import SmsNode

SCRIPTS = "scripts"
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """``fault``: why Python cannot read it, or ''. ``runs``: has a function ``run`` that takes one argument."""

    fault: str = ""
    line: int = 0
    runs: bool = False


def read_script(file: Path) -> ScriptFile:
    try:
        if file.stat().st_size > _MOST_BYTES:
            return ScriptFile("is larger than 1 MB")
        tree = ast.parse(file.read_bytes(), filename=file.name)
    except OSError as fault:
        return ScriptFile(f"cannot be read: {fault.strerror}")
    except SyntaxError as fault:
        return ScriptFile(f"is no Python: {fault.msg}", fault.lineno or 0)
    except (ValueError, RecursionError, MemoryError) as fault:
        return ScriptFile(f"is no Python: {fault}")
    return ScriptFile(runs=any(_is_run(statement) for statement in tree.body))


def _is_run(statement: ast.stmt) -> bool:
    """``def run(values)``; further arguments must have defaults."""
    if not isinstance(statement, ast.FunctionDef) or statement.name != "run":
        return False
    given = statement.args
    places = len(given.posonlyargs) + len(given.args)
    takes_one = (places >= 1 or given.vararg is not None) and places - len(given.defaults) <= 1
    return takes_one and None not in given.kw_defaults


def errand_problems(folder: Path, forms: Forms) -> Iterator[SiteProblem]:
    files: dict[str, ScriptFile] = {}
    codes: Mapping[str, str] = forms.site.languages if forms.site is not None else {}
    for name, flow in forms.flows.items():
        for key, node in flow.nodes.items() if flow is not None else ():
            page = forms.pages[f"{FLOWS}/{name}.yaml"]
            if isinstance(node, ScriptNode):
                path = ("nodes", key, "python" if node.python else "agi")
                for message, hint in _script_troubles(folder / SCRIPTS, node, files):
                    yield page.problem(path, message, hint)
            elif isinstance(node, SmsNode):
                for code in sorted(set(codes.values()) - set(node.text)):
                    hint = "callers of that language get another one"
                    problem = page.problem(("nodes", key, "text"), f"has no text in '{code}'", hint)
                    yield replace(problem, gravity=Gravity.WARNING)


def _script_troubles(folder: Path, node: ScriptNode, files: dict[str, ScriptFile]) -> Iterator[tuple[str, str]]:
    """Message and hint of each."""
    file = f"{SCRIPTS}/{node.script}.py"
    if not (folder / f"{node.script}.py").is_file():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.py"))) or "none"
        yield f"there is no script '{node.script}'", f"write {file}; known: {known}"
        return
    found = files.setdefault(node.script, read_script(folder / f"{node.script}.py"))
    if found.fault:
        yield f"{file} {found.fault}", f"line {found.line}" if found.line else ""
    elif node.python and not found.runs:
        yield f"{file} has no function run(values)", "def run(values: dict[str, str]) -> dict[str, str]"
