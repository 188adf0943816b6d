"""Who does something from a terminal, for themselves or for somebody else."""

from __future__ import annotations

from typing import Annotated

import typer

from hotline.commands.crm_access import who
from hotline.site.site import Site

AsOption = Annotated[
    str, typer.Option("--as", metavar="WHO", help="Who does it: an agent's extension or a name; you if left out.")
]
_LONGEST = 60


def person(site: Site, said: str) -> str:
    """``agent:1001`` for an extension, ``cli:anna`` for a name, as `work_items` and `changes` have them; '' is whoever
    is at the terminal."""
    said = said.strip()
    if not said:
        return who()
    if not said.isprintable() or len(said) > _LONGEST:
        raise typer.BadParameter(f"'{said:.60}' is nobody's name")
    if ":" in said:
        return said
    if said in site.agents:
        return f"agent:{said}"
    if said.isdecimal():
        raise typer.BadParameter(f"there is no agent {said}; there are {', '.join(site.agents)}")
    return f"cli:{said}"
