"""Errors are blame: who broke AGI's rules, we or the other end. Endings of a call are never errors."""

from __future__ import annotations


class AgiProtocolError(Exception):
    """A rule of AGI was broken. Nothing of the broken message was sent or acted upon."""


class LocalError(AgiProtocolError):
    """We were about to break it: a mistake in our code or a value that AGI cannot carry."""


class RemoteError(AgiProtocolError):
    """The other end broke it. Nothing that it says afterwards can be trusted: close the connection."""
