"""`hotline init DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hotline.commands.showing import out, refuse
from hotline.site.init import NotEmpty, init_site


def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    name: Annotated[str, typer.Option(help="What the company is called.")] = "Sample Electronics",
) -> None:
    """Write a small, commented, working site, with fresh PINs and SIP secrets."""
    try:
        files = init_site(folder, name=name)
    except NotEmpty:
        refuse(f"{folder} is not empty; nothing was written")
    for file in files:
        out.print(f"  {file}")
    out.print(f"Run it: hotline up --site {folder}")
