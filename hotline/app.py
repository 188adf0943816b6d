"""The engine's process: ``python -m hotline.app --site DIR``. `hotline up` starts it, and has drawn the boot's secrets.

SIGTERM ends it as an engine restart does: calls go back to the dialplan, which knocks again. Exit codes are sysexits':
64 wrong words, 70 a part died, 78 the site cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path

import uvloop

from hotline.boot import BootSecrets
from hotline.engine import Engine
from hotline.settings import SiteFolders
from hotline.site.loading import load_site
from hotline.site.problem import SiteError

log = logging.getLogger("hotline")


def main(argv: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(prog="hotline.app", description="the engine of one site")
    arguments.add_argument("--site", type=Path, required=True)
    folders = SiteFolders(arguments.parse_args(argv).site)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write whole URLs, with what callers have typed
    try:
        site, secrets = load_site(folders.site), BootSecrets.read(folders.run / "secrets.json")
    except (SiteError, OSError, ValueError) as error:
        print(f"hotline: {error}", file=sys.stderr)
        return 78
    engine = Engine(site, folders, agi_secret=secrets.agi, ami_secret=secrets.ami)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(engine))


async def _run(engine: Engine) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    # What is built now lives as long as we do: the collector need not look at it again in the middle of a call.
    gc.collect()
    gc.freeze()
    try:
        await engine.run()
    except Exception:  # the process's edge: the supervisor reads the code, a person the log
        log.critical("the engine has failed", exc_info=True)
        return 70
    return 0


if __name__ == "__main__":
    sys.exit(main())
