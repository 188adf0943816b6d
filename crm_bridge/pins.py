"""PINs of the CRM's accounts: kept as argon2 hashes, compared away from the event loop, in the same time for everybody.

A PIN of a few digits is soon guessed by whoever has its hash; what protects it is the lock after wrong tries
(`ivr/pin_lock.py`). The hash only keeps it from being read.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from ivr.flow.outside import OutsideFailed

# OWASP's second choice for argon2id: 19 MiB, two passes; some 20 ms of one core.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Of a PIN that nobody has, made as the others are.
NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$YJHwUiAH4+4YlFf9zkzXow$mA8idew9EdlwMAbn4GFz0zsKllZGlgJLLF1j0JAREIk"
_AT_ONCE = 2  # a crowd of callers who prove themselves must not take the machine


@dataclass(slots=True)
class Pins:
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def match(self, pin_hash: str, pin: str) -> bool:
        """``pin_hash`` '': there is no such account, or it has no PIN; that takes as long and is False. Raises
        OutsideFailed for a hash that is none."""
        async with self._turns:
            same = await asyncio.to_thread(is_pin, pin_hash or NOBODYS, pin)
        return same and bool(pin_hash)


def hash_pin(pin: str) -> str:
    return _HASHER.hash(pin)


def hash_for(pin: str, known_hash: str) -> str:
    """``known_hash`` if it is one of this PIN, so that what is known is not written again; else a new one."""
    with suppress(OutsideFailed):  # no hash at all is replaced
        if known_hash and is_pin(known_hash, pin):
            return known_hash
    return hash_pin(pin)


def is_pin(pin_hash: str, pin: str) -> bool:
    """Takes as long as `hash_pin`: not for the event loop. Raises OutsideFailed for a hash that is none."""
    try:
        return _HASHER.verify(pin_hash, pin)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError) as error:
        raise OutsideFailed(f"a PIN's hash cannot be read: {type(error).__name__}") from None
