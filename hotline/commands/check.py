"""`hotline check`: proves the site's files before a caller meets them."""

from __future__ import annotations

import typer

from hotline.commands.showing import DEFAULT_SITE, SiteOption, out, show_problems
from hotline.site.loading import judge_site


def check(site: SiteOption = DEFAULT_SITE) -> None:
    """Check the site's files. Exit code 1 when something is wrong; warnings alone are 0."""
    verdict = judge_site(site)
    show_problems(verdict.problems)
    if verdict.site is None:
        raise typer.Exit(1)
    found = verdict.site
    out.print(
        f"{found.name}: {len(found.numbers)} numbers, {len(found.agents)} agents, {len(found.queues)} queues, "
        f"{len(found.flows)} flows, {len(found.prompts)} prompts. "
        + (f"{len(verdict.problems)} warnings." if verdict.problems else "All is well."),
        soft_wrap=True,
    )
