"""After too many wrong PINs an account rests, whoever tries and over however many calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class PinLock:
    """Counts wrong PINs per account, whoever tries: after ``tries`` the account rests for ``rest_s``. Where proving a
    PIN takes time, `begin` and `end` stand around it: the tries under way count like wrong ones meanwhile, so that
    many callers at once have no more of them than one."""

    tries: int = 5
    rest_s: float = 900.0
    _wrong: dict[str, int] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)
    _under_way: Counter[str] = field(default_factory=Counter)

    def begin(self, account: str, now: float) -> bool:
        """False: it is locked, or has no try left until one that is under way ends. Nothing has begun then."""
        left = self.tries - self._wrong.get(account, 0) - self._under_way.get(account, 0)
        if self.locked(account, now) or left <= 0:
            return False
        self._under_way[account] += 1
        return True

    def end(self, account: str) -> None:
        """Then tell whether it was `right` or `wrong`; nothing, when nobody knows."""
        self._under_way[account] -= 1
        if self._under_way[account] <= 0:
            del self._under_way[account]

    def locked(self, account: str, now: float) -> bool:
        return now < self._until.get(account, 0.0)

    def wrong(self, account: str, now: float) -> None:
        self._wrong[account] = self._wrong.get(account, 0) + 1
        if self._wrong[account] >= self.tries:
            self._wrong[account] = 0
            self._until[account] = now + self.rest_s

    def right(self, account: str) -> None:
        self._wrong.pop(account, None)
