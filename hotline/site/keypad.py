"""What an agent may type to pass a caller on: extensions, and the numbers that queues and outside numbers have."""

from __future__ import annotations

from collections.abc import Iterator

from agi_scripts.talk import Destination
from hotline.site.forms import OUTSIDE, Forms
from hotline.site.problem import SiteProblem

Typed = tuple[str, str, tuple[str, ...], Destination]  # what is typed, file and path of it, and where it leads


def keypad_numbers(forms: Forms) -> Iterator[Typed]:
    for extension in forms.agents.root if forms.agents is not None else ():
        yield extension, "agents.yaml", (extension,), Destination(agent=extension)
    for name, queue in forms.queues.root.items() if forms.queues is not None else ():
        if queue.keypad is not None:
            yield queue.keypad, "queues.yaml", (name, "keypad"), Destination(queue=name)
    for name, number in forms.outside.numbers.items() if forms.outside is not None else ():
        if number.keypad is not None:
            yield number.keypad, OUTSIDE, (name, "keypad"), Destination(outside=name)


def keypad_clashes(forms: Forms) -> Iterator[SiteProblem]:
    """No two may be told by the same keys."""
    seen: dict[str, str] = {}
    for typed, file, path, _ in keypad_numbers(forms):
        if typed in seen:
            yield forms.pages[file].problem(path, f"{typed} is typed for {seen[typed]} already", "give it other digits")
        seen.setdefault(typed, f"{path[0]} in {file}")
