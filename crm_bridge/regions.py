"""Where a number is at home, as libphonenumber's own books have it: the region whose dealers are nearest.

The books weigh 190 MB and take two seconds to read, so an engine never reads them: it asks a process that ends again
(`places_of`). Run as a program it reads numbers, one a line, and writes their places, one a line.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence

import phonenumbers

_ASK_S = 60.0


def place_of(e164: str) -> str:
    """``Hangzhou, Zhejiang`` for ``+8657187654321``; '' where the books say nothing. In English: there are several ways
    to write a Chinese province in Chinese."""
    from phonenumbers import geocoder

    try:
        return str(geocoder.description_for_number(phonenumbers.parse(e164), "en"))
    except phonenumbers.NumberParseException:
        return ""


async def places_of(numbers: Sequence[str]) -> list[str]:
    """`place_of` each, in a process of its own. Raises OSError where there can be none, and TimeoutError."""
    asked = "".join(f"{number}\n" for number in numbers).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(asked), _ASK_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    places = told.decode().split("\n")
    return (places + [""] * len(numbers))[: len(numbers)]


def listed_region(e164: str, regions: Mapping[str, Sequence[str]]) -> str:
    """The region that lists a beginning of the number itself ("+86571"), the longest beginning first; or ''."""
    found = ((len(start), region) for region, places in regions.items() for start in places if _begins(e164, start))
    return max(found, default=(0, ""))[1]


def _begins(e164: str, start: str) -> bool:
    return start.startswith("+") and e164.startswith(start)


def region_at(place: str, regions: Mapping[str, Sequence[str]]) -> str:
    """The first region that lists a part of the place: its city or its province; or ''."""
    parts = {part.strip().casefold() for part in place.split(",")}
    for region, listed in regions.items():
        if any(name.casefold() in parts for name in listed):
            return region
    return ""


if __name__ == "__main__":
    for number in sys.stdin:
        print(place_of(number.strip()))
