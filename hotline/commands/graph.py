"""`hotline graph [FLOW]`: a flow as Mermaid text."""

from __future__ import annotations

from typing import Annotated

import typer

from hotline.commands.showing import DEFAULT_SITE, SiteOption, refuse, site_of
from ivr.flow.graph import mermaid


def graph(
    flow: Annotated[str, typer.Argument(help="A file of flows/, without its ending.")] = "main",
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """A flow as Mermaid text, for a page that draws it: nodes, keys on the edges, default ways dashed."""
    flows = site_of(site)[0].flows
    if flow not in flows:
        refuse(f"there is no flow '{flow}'; known: {', '.join(flows)}")
    typer.echo(mermaid(flows[flow]), nl=False)
