"""What can go wrong between us and the manager interface, by whose doing. The whole tree is here."""

from __future__ import annotations


class AmiError(Exception):
    """The root: everything that an AMI action can raise."""


class LocalError(AmiError):
    """We tried to write what must not be written. Nothing was sent."""


class Refused(AmiError):
    """Asterisk answered, and said no (wrong secret, unknown action, no such right)."""


class Lost(AmiError):
    """The session is gone. Whether Asterisk carried the action out is unknown; it is never sent again."""
