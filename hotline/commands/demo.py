"""`hotline demo`: the sample site with one real call through it. What `make run` runs."""

from __future__ import annotations

import asyncio

import typer

from hotline.commands.showing import DEFAULT_SITE, SiteOption, out, refuse
from hotline.settings import SiteFolders, demo_once
from hotline.site.problem import SiteError


def demo(site: SiteOption = DEFAULT_SITE) -> None:
    """Start the site (a new sample one where there is none), let a real call walk through, stay up."""
    # Here and not above: the other commands need no SIP.
    from hotline.demo import Demo, DemoFailed, prepare_site

    try:
        loaded = prepare_site(site, out)
        asyncio.run(Demo(loaded, SiteFolders(site.absolute()), out).run(once=demo_once()))
    except (SiteError, DemoFailed) as error:
        refuse(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C is how one leaves
        raise typer.Exit(0) from None
