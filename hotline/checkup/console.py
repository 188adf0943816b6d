"""The running Asterisk, asked over its own socket: what it has loaded counts, not what a file says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from hotline.checkup.config import judge_bare, judge_modules
from hotline.checkup.finding import Finding

# One console line → what Asterisk printed; None when it is not up.
Console = Callable[[str], Awaitable[str | None]]

_TIMEOUT_S = 5.0
_ROW = re.compile(r"^ *(Endpoint|InAuth|Identify): +([^\s/]+)")


def console(command: tuple[str, ...], conf: Path) -> Console:
    """``command``: the words that start Asterisk. ``conf``: the site's asterisk.conf."""

    async def ask(line: str) -> str | None:
        words = (*command, "-C", str(conf), "-rx", line)
        try:
            process = await asyncio.create_subprocess_exec(
                *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
        except OSError:
            return None
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                said, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return None
        return said.decode("utf-8", "replace") if process.returncode == 0 else None

    return ask


def loaded_modules(said: str) -> Iterator[Finding]:
    """Of ``module show``: the first column is the file."""
    yield from judge_modules(line.split()[0] for line in said.splitlines() if ".so" in line)


def live_endpoints(said: str) -> Iterator[Finding]:
    """Of ``pjsip show endpoints``: what stands under an endpoint belongs to it."""
    proofs = endpoint_proofs(said)
    yield from judge_bare((name for name, proof in proofs.items() if not proof), len(proofs))


def endpoint_proofs(said: str) -> dict[str, set[str]]:
    """Endpoint → {"InAuth", "Identify"} as far as it has them. The head of the table, in <>, is no endpoint."""
    proofs: dict[str, set[str]] = {}
    current = ""
    for line in said.splitlines():
        row = _ROW.match(line)
        if row is None or row[2].startswith("<"):
            continue
        if row[1] == "Endpoint":
            current = row[2]
            proofs[current] = set()
        elif current:
            proofs[current].add(row[1])
    return proofs
