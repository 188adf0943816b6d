"""What a site's flows send and run: the text gateway that its admin chose, and the functions in `scripts/`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

from agi_scripts.site_script import launch_from
from hotline.settings import SiteFolders
from hotline.site.site import Site
from ivr.agi_script import Launch
from ivr.flow.outside import Functions, TextGateway
from ivr.functions.pool import FunctionPool
from ivr.texts.command import CommandGateway
from ivr.texts.form import CommandTextsForm, HttpTextsForm
from ivr.texts.outbox import FileGateway
from ivr.texts.web import HttpGateway

log = logging.getLogger(__name__)


def text_gateway(site: Site, folders: SiteFolders, clock: Callable[[], float], ends: AsyncExitStack) -> TextGateway:
    form = site.texts
    if isinstance(form, HttpTextsForm):
        web = HttpGateway(form.url, form.token, form.timeout_s)
        ends.push_async_callback(web.close)
        return web
    if isinstance(form, CommandTextsForm):
        return CommandGateway(form.command, form.timeout_s)
    return FileGateway(folders.outbox, clock)


def functions(folders: SiteFolders, ends: AsyncExitStack) -> Functions:
    """No process is started before one is needed."""
    pool = FunctionPool(folders.scripts.absolute())
    ends.push_async_callback(pool.close)
    return pool


def launch(folders: SiteFolders) -> Launch | None:
    """None where the site lies in a folder whose name AGI() cannot be given: a node then goes its ``failed`` way."""
    try:
        return launch_from(folders.scripts.absolute())
    except ValueError as reason:
        log.warning("%s", reason)
        return None
