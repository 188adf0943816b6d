"""The API's process: ``python -m hotline.api.process --site DIR``. `hotline up` starts it after the engine, which has
brought the database up to date.

A process of its own, so that nobody who asks slowly, or much, holds up a call. Exit codes are sysexits': 75 the port is
taken, 78 the site cannot be used or has no API.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
import uvloop

from crm_bridge.store import CrmStore
from hotline.api.app import make_api
from hotline.settings import SiteFolders
from hotline.site.loading import load_site
from hotline.site.problem import SiteError
from hotline.site.site import Site

_BACKLOG = 128
_AT_ONCE = 200  # connections: whoever comes after is told to come again
_IDLE_S = 30
_LAST_ANSWERS_S = 5


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are ours: uvicorn would die of them once it has ended, with the store still open."""
        yield


def main(argv: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(prog="hotline.api.process", description="the REST API of one site")
    arguments.add_argument("--site", type=Path, required=True)
    folders = SiteFolders(arguments.parse_args(argv).site)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        site = load_site(folders.site)
    except SiteError as error:
        return _refuse(str(error), 78)
    if site.ports.api is None:
        return _refuse("the site has no API: give it ports.api in site.yaml", 78)
    try:
        door = socket.create_server((site.bind, site.ports.api), backlog=_BACKLOG)
    except OSError as error:
        where = f"TCP port {site.ports.api} on {site.bind}"
        return _refuse(f"{where} cannot be had ({error.strerror}): change ports.api in site.yaml", 75)
    with door, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(site, folders, door))


def _refuse(message: str, code: int) -> int:
    print(f"hotline: {message}", file=sys.stderr)
    return code


async def _serve(site: Site, folders: SiteFolders, door: socket.socket) -> int:
    store = CrmStore(site.crm_url or folders.crm_url, region=site.country, rules=site.crm_rules)
    server = _Server(_config(site, store))

    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    gc.collect()
    gc.freeze()
    try:
        await server.serve(sockets=[door])
    finally:
        await store.close()
    return 0


def _config(site: Site, store: CrmStore) -> uvicorn.Config:
    """The access log is our own: uvicorn's has whole addresses in it, with customers' numbers."""
    return uvicorn.Config(
        make_api(store, time.time, name=site.name, origins=site.api_origins, agents=site.agents),
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whoever asks cannot say that they are somebody else
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )


if __name__ == "__main__":
    sys.exit(main())
