"""What a caller or a phone does, as values, and SIPp's scenario and injection file made from them. Pure.

Only numbers and fixed words go into the XML; text that a person may have typed goes into the injection file,
where it can neither close a tag nor name one of SIPp's keywords.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

DAY_MS = 24 * 3600 * 1000  # "for ever", for a pause that only the other side's hang-up ends
REFUSALS = (400, 403, 404, 408, 410, 420, 480, 481, 484, 486, 487, 488, 500, 501, 502, 503, 504, 600, 603, 604, 606)
_REASONS = {302: "Moved Temporarily", 480: "Temporarily Unavailable", 486: "Busy Here", 603: "Decline"}


class ScenarioError(ValueError):
    """A value that cannot be written into a scenario or its injection file."""


@dataclass(frozen=True, slots=True)
class Talk:
    """How long one side talks before *it* hangs up, uniform between the two, in seconds. `FOR_EVER`: never."""

    least_s: float
    most_s: float

    @property
    def pause(self) -> str:
        """The attributes of SIPp's <pause>."""
        least, most = round(self.least_s * 1000), round(self.most_s * 1000)
        if least >= most:
            return f'milliseconds="{least}"'
        return f'distribution="uniform" min="{least}" max="{most}"'


FOR_EVER = Talk(DAY_MS / 1000, DAY_MS / 1000)


@dataclass(frozen=True, slots=True)
class Dial:
    """One call to make. ``secret`` set: ``caller`` is an extension that must authenticate (a desk call).
    ``name`` goes into From as it is: what an operator's switch might send, broken or not. ``after_s``: dialled so long
    after its turn has come; how arrivals that are not evenly spaced are made."""

    number: str
    caller: str = "13800138000"
    name: str = ""
    secret: str | None = None
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PhoneManner:
    """How an agent's phone treats a call.

    ``refuse``: a code (486, 480, 603, or 302 with ``forward_to``) after ``ring_s``; None: answer after ``ring_s``,
    which `NEVER` puts off until the caller's side cancels. ``with_sdp`` False: a broken phone, answers without SDP.
    ``talk_is_told``: the last seven digits of the caller's number are the talk's length in ms, instead of ``talk``.
    """

    ring_s: float = 0.2
    talk: Talk = FOR_EVER
    refuse: int | None = None
    forward_to: str = ""
    with_sdp: bool = True
    talk_is_told: bool = False


NEVER = DAY_MS / 1000  # PhoneManner(ring_s=NEVER): rings and rings


def caller_xml(*, media_port: int, talk: Talk, with_auth: bool, with_delay: bool = False) -> str:
    """``with_delay``: each call is dialled its Dial's ``after_s`` late."""
    return _render(
        "caller.xml.j2",
        media_port=media_port,
        talk=talk.pause,
        with_auth=with_auth,
        with_delay=with_delay,
        refusals=REFUSALS,
    )


def phone_xml(manner: PhoneManner, *, media_port: int) -> str:
    code = manner.refuse
    return _render(
        "phone.xml.j2",
        media_port=media_port,
        talk='variable="talk_ms"' if manner.talk_is_told else manner.talk.pause,
        talk_is_told=manner.talk_is_told,
        ring_ms=round(manner.ring_s * 1000),
        refusal=f"{code} {_REASONS.get(code, 'Refused')}" if code else "",
        forward=f"Contact: <sip:{_token(manner.forward_to)}@[remote_ip]>" if code == 302 else "",
        with_sdp=manner.with_sdp,
    )


def register_xml(*, expires_s: int) -> str:
    return _render("register.xml.j2", expires_s=expires_s)


def dial_rows(dials: Iterable[Dial]) -> bytes:
    """The injection file of a caller; SIPp takes its rows in turn, and from the start again after the last."""
    return _rows(
        (
            dial.number,
            dial.caller,
            f'"{dial.name}" ' if dial.name else "",
            _credentials(dial.caller, dial.secret),
            str(round(1000 * dial.after_s)),
        )
        for dial in dials
    )


def register_rows(secrets: Iterable[tuple[str, str]]) -> bytes:
    """The injection file of a registration: (extension, secret)."""
    return _rows((extension, _credentials(extension, secret)) for extension, secret in secrets)


def _credentials(user: str, secret: str | None) -> str:
    if secret is None:
        return ""
    return f"[authentication username={_token(user)} password={_token(secret)}]"


def _token(text: str) -> str:
    if not text or any(c in "[]<>@;\"' \t\r\n" for c in text):
        raise ScenarioError("an extension or a secret has a character that SIPp would read as its own")
    return text


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    lines = ["SEQUENTIAL"]
    for row in rows:
        if any(c in field for field in row for c in ";\r\n\0"):
            raise ScenarioError("an injected field cannot have ';', a line end or NUL")
        lines.append(";".join(row) + ";")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _render(name: str, **values: object) -> str:
    text: str = _environment().get_template(name).render(**values)
    return text.lstrip()  # nothing may stand before <?xml


def _environment() -> Environment:
    return Environment(  # noqa: S701 - the values are numbers and our own words, and SIP is not HTML
        loader=FileSystemLoader(Path(__file__).parent / "scenarios"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
