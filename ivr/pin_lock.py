"""After too many wrong PINs an account rests, whoever tries and over however many calls."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class PinLock:
    """Counts wrong PINs per account, whoever tries: after ``tries`` the account rests for ``rest_s``."""

    tries: int = 5
    rest_s: float = 900.0
    _wrong: dict[str, int] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    def locked(self, account: str, now: float) -> bool:
        return now < self._until.get(account, 0.0)

    def wrong(self, account: str, now: float) -> None:
        self._wrong[account] = self._wrong.get(account, 0) + 1
        if self._wrong[account] >= self.tries:
            self._wrong[account] = 0
            self._until[account] = now + self.rest_s

    def right(self, account: str) -> None:
        self._wrong.pop(account, None)
