"""The process in which the site's functions run: ``python -m ivr.functions.worker FOLDER``. One at a time.

A JSON object a line comes in on stdin, ``{"name", "values", "limit_s"}``, and one goes out: ``{"values"}`` or
``{"failed"}``.
A function has neither end in its hands: its own stdin is empty, and what it prints goes where our stderr goes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

Function = Callable[[dict[str, str]], dict[str, str]]
_SLACK_S = 1.0  # whoever asks ends us when the time is up; this is for when nobody asks any more


def main(folder: Path) -> None:
    """Until stdin is closed."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.path.append(str(folder))  # last: a script called json.py is nobody's json but its own
    _serve(questions, answers, folder)


def _serve(questions: BinaryIO, answers: BinaryIO, folder: Path) -> None:
    for line in questions:
        question = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, question["limit_s"] + _SLACK_S)
        answers.write(json.dumps(_answer(folder, question)).encode() + b"\n")
        answers.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(folder: Path, question: dict[str, Any]) -> dict[str, Any]:
    """The traceback is the admin's, in the log; only the exception's name goes further."""
    try:
        found = load(folder / f"{question['name']}.py")(question["values"])
        return {"values": _checked(found)}
    except KeyboardInterrupt:
        raise
    except BaseException as fault:  # noqa: BLE001  the edge: sys.exit() in a script ends the script, not us
        traceback.print_exc()
        return {"failed": f"{type(fault).__name__}"}


def load(file: Path) -> Function:
    """From the file as it is now: an admin who mends it need not start anything again. Raises what the file raises, and
    TypeError when it has no function ``run``."""
    spec = importlib.util.spec_from_file_location(f"site_script_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run: Function = getattr(module, "run", None)  # type: ignore[assignment]
    if not callable(run):
        raise TypeError(f"{file.name} has no function run(values)")
    return run


def _checked(found: object) -> dict[str, str]:
    """Raises TypeError for anything but texts under names that are texts. Nothing at all is an empty dict."""
    pairs = {} if found is None else found
    if not isinstance(pairs, dict) or not all(isinstance(part, str) for pair in pairs.items() for part in pair):
        raise TypeError("run(values) returns a dict of texts")
    return pairs


if __name__ == "__main__":
    main(Path(sys.argv[1]))
