"""What Asterisk says when a call knocks: the AGI environment as one checked, frozen value.

The number and the name come from the caller, everything else from our own dialplan. So what is structural is
refused when it is odd, and what is the caller's is cleaned, because an odd caller is to be served all the
same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count, takewhile
from types import MappingProxyType

from ivr.agi.errors import RemoteError

NUMBER_CHARS = 32
NAME_CHARS = 80
_REQUIRED = ("agi_request", "agi_channel", "agi_uniqueid", "agi_context", "agi_extension")
_FROM_CALLER = frozenset({"agi_callerid", "agi_calleridname", "agi_dnid", "agi_rdnis"})
_SECRETIVE = frozenset({"agi_request", "agi_network_script"})  # they hold the secret: not kept in `env`
_KEY = re.compile(r"agi_[a-z0-9_]+")
_NOT_NUMBER = re.compile(r"[^0-9+]")
_NOT_DIALLED = re.compile(r"[^0-9+*#]")
# Cc control, Cf format (bidi overrides, zero width), Cs surrogate, Co private, Zl and Zp line separators
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """One call's introduction.

    ``path`` is the URL's path behind the secret ("call"). ``caller_number`` has only 0-9 and +, at most 32;
    ``dnid`` may have * and # too; ``caller_name`` is printable, at most 80 characters. All three are "" when
    Asterisk does not know them. ``args`` are the arguments of AGI() in their order, empty ones included.
    ``env`` is the whole environment but for the two entries that hold the secret.
    """

    path: str
    secret: str = field(repr=False)
    channel: str
    uniqueid: str
    caller_number: str
    caller_name: str
    dnid: str
    extension: str
    context: str
    language: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_entries(cls, env: Mapping[str, str]) -> AgiRequest:
        """Build from all entries of an environment. Raises RemoteError when it lacks what a call needs."""
        missing = [key for key in _REQUIRED if not env.get(key)]
        if missing:
            raise RemoteError(f"environment without {missing[0]}")
        secret, path = _split_url(env["agi_request"])
        return cls(
            path=path,
            secret=secret,
            channel=env["agi_channel"],
            uniqueid=env["agi_uniqueid"],
            caller_number=_digits(_NOT_NUMBER, env.get("agi_callerid", "")),
            caller_name=_name(env.get("agi_calleridname", "")),
            dnid=_digits(_NOT_DIALLED, env.get("agi_dnid", "")),
            extension=env["agi_extension"],
            context=env["agi_context"],
            language=env.get("agi_language", ""),
            args=_arguments(env),
            env=MappingProxyType({key: value for key, value in env.items() if key not in _SECRETIVE}),
        )


def add_entry(env: dict[str, str], line: bytes) -> None:
    """Read one line of the environment, without its newline, into ``env``. Raises RemoteError."""
    key, value = _entry(line)
    if key in env:  # a second one is a forged one, and which of the two cannot be known
        raise RemoteError(f"environment names {key} twice")
    env[key] = value


def _entry(line: bytes) -> tuple[str, str]:
    raw_key, colon, raw_value = line.partition(b": ")
    key = raw_key.decode("ascii", "replace")
    if not colon or not _KEY.fullmatch(key):
        raise RemoteError("environment line that is not `agi_name: value`")
    if key in _FROM_CALLER:
        return key, _visible(raw_value.decode("utf-8", "replace"))
    return key, _plain(key, raw_value)


def _plain(key: str, raw: bytes) -> str:
    try:
        value = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteError(f"{key} is not UTF-8") from None
    if not value.isprintable() and any(unicodedata.category(char) == "Cc" for char in value):
        raise RemoteError(f"control character in {key}")
    return value


def _visible(text: str) -> str:
    if text.isprintable():  # nearly every call, at a tenth of the cost
        return text
    return "".join(char for char in text if unicodedata.category(char) not in _INVISIBLE)


def _digits(unwanted: re.Pattern[str], text: str) -> str:
    return unwanted.sub("", text)[:NUMBER_CHARS]


def _name(text: str) -> str:
    return "" if text == "unknown" else text[:NAME_CHARS].strip()


def _split_url(url: str) -> tuple[str, str]:
    """``agi://host:port/secret/path`` → (secret, path); what is missing is ""."""
    path = url.partition("://")[2].partition("/")[2].partition("?")[0]
    secret, _, rest = path.partition("/")
    return secret, rest


def _arguments(env: Mapping[str, str]) -> tuple[str, ...]:
    keys = takewhile(env.__contains__, (f"agi_arg_{n}" for n in count(1)))
    return tuple(env[key] for key in keys)
