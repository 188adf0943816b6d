"""The call without an engine: tags it and writes it down. Asterisk starts this itself, over stdin and stdout.

    fail_open start|end CONFIG      (CONFIG: the `fail_open.json` that lies beside the dialplan)

`start` gives the call its id and its media source; `end` runs in the dialplan's `h` and knows how it went. Each writes
one JSON file into the spool, `<call_id>.start.json` and `<call_id>.end.json`; an engine takes them in when it is back.
The law here: nothing this script meets may hurt the caller. Whatever breaks, it says so on stderr and ends with 0.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import time
import uuid
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

from asterisk.agi import AGI, AGIException

from agi_scripts import variables
from crm_bridge.outcome import HangupBy, Outcome

# Field of the record → the channel variable. No value holds a "|": they are ours or Asterisk's own.
_ASKED = {
    "call_id": variables.CALL_ID,
    "joined_ms": variables.JOINED,
    "queue": variables.QUEUE,
    "priority": variables.PRIORITY,
    "attributes": variables.ATTRIBUTES,
    "language": variables.LANGUAGE,
    "source": variables.SOURCE,
    "campaign": variables.CAMPAIGN,
    "next": variables.NEXT,
    "dialstatus": "DIALSTATUS",
    "picked_up_ms": variables.ANSWERED,
    "ended_ms": variables.ENDED,
    "agent": "DIALEDPEERNUMBER",
    "cause": "HANGUPCAUSE",
    "voicemail": "RECORDED_FILE",
    "recorded": "RECORD_STATUS",
    "left": "CHANNEL(hangupsource)",
}
_QUESTION = "|".join(f"${{{name}}}" for name in _ASKED.values())
# A voicemail shorter than this is somebody hanging up.
_SHORTEST_MESSAGE_S = 1.0
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Record = dict[str, str | float | None]


def main(argv: list[str], now: Callable[[], float] = time.time) -> int:
    try:
        phase, config = argv
        _serve(phase, Path(config), now)
    except (AGIException, OSError, ValueError, KeyError) as error:
        print(f"fail_open: {type(error).__name__}: {error}", file=sys.stderr)
    return 0


def _serve(phase: str, config: Path, now: Callable[[], float]) -> None:
    if phase not in ("start", "end"):
        raise ValueError(f"phase {phase!r} is neither start nor end")
    agi = _session()
    known = _config(config)
    record = build(phase, agi.env, ask(agi), _numbers(known), now())
    if phase == "start":
        _tag(agi, record)
    write(Path(str(known["spool"])), record)


def _session() -> AGI:
    """pyst2 on our own stdin, read as UTF-8 whatever the bytes, with its trace of every line thrown away.

    It installs a handler for Asterisk's SIGHUP (the caller hung up) that makes each later command raise: we go on.
    """
    heard = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="\n")
    agi = AGI(stdin=heard, stdout=sys.stdout, stderr=io.StringIO())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return agi


def _config(file: Path) -> dict[str, object]:
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not isinstance(found.get("spool"), str):
        raise ValueError(f"{file} names no spool")
    return found


def _numbers(known: Mapping[str, object]) -> Mapping[str, Mapping[str, str]]:
    numbers = known.get("numbers")
    return numbers if isinstance(numbers, dict) else {}


def ask(agi: AGI) -> dict[str, str]:
    """All that the channel remembers, in one command. It answers on a channel that has hung up, too."""
    answer = agi.get_full_variable(_QUESTION)
    values = str(answer).split("|")
    return dict(zip(_ASKED, values, strict=False)) if len(values) == len(_ASKED) else {}


def build(
    phase: str,
    env: Mapping[str, str],
    asked: Mapping[str, str],
    numbers: Mapping[str, Mapping[str, str]],
    now: float,
) -> Record:
    """The record of ``phase``. Times are Unix seconds. ``asked`` may lack anything; then the environment must do."""
    uniqueid = env.get("agi_uniqueid", "")
    dnis = re.sub(r"[^0-9+]", "", env.get("agi_dnid", ""))[:32]
    line = numbers.get(dnis, {})
    record: Record = {
        "phase": phase,
        "call_id": asked.get("call_id") or call_id_of(uniqueid),
        "dnis": dnis,
        "ani": re.sub(r"[^0-9+]", "", env.get("agi_callerid", ""))[:32],
        "name": _CONTROL.sub("", _unless_unknown(env.get("agi_calleridname", "")))[:80],
        "source": asked.get("source") or line.get("source") or "unknown",
        "campaign": asked.get("campaign") or line.get("campaign", ""),
        "channel": env.get("agi_channel", ""),
        "uniqueid": uniqueid,
        "language": asked.get("language", ""),
        "queue": asked.get("queue", ""),
        "priority": asked.get("priority", ""),
        "attributes": asked.get("attributes", ""),
        "joined_at": _seconds(asked.get("joined_ms", "")),
        "started_at": _born(uniqueid, now),
    }
    ended_at = _seconds(asked.get("ended_ms", "")) or now  # a script takes its time to start
    return record if phase == "start" else record | _end(env.get("agi_channel", ""), asked, ended_at)


def _end(channel: str, asked: Mapping[str, str], ended_at: float) -> Record:
    """How it went. There was a conversation when the dialplan has marked its beginning: DIALSTATUS says ANSWER too for
    an agent who hung up during the whisper."""
    talked = bool(asked.get("picked_up_ms"))
    message_s = 0.0 if talked else message_length(asked.get("voicemail", ""))
    recorded = message_s >= _SHORTEST_MESSAGE_S
    picked_up = (_seconds(asked["picked_up_ms"]) or ended_at) if talked else None
    talked_s = round(max(0.0, ended_at - picked_up), 3) if picked_up is not None else 0.0
    return {
        "ended_at": ended_at,
        "outcome": _outcome(talked, recorded, asked).value,
        "hangup_by": _who_left(channel, talked, asked).value,
        "cause": asked.get("cause", ""),
        "dialstatus": asked.get("dialstatus", ""),
        "answered_at": picked_up,
        "talked_s": talked_s,
        "answered_ms": str(int(talked_s * 1000)) if talked else "",
        "agent": asked.get("agent", "").rpartition("/")[2] if talked else "",
        "voicemail": f"{asked['voicemail']}.wav" if recorded else "",
        "voicemail_s": message_s,
        "record_status": asked.get("recorded", ""),
    }


def _who_left(channel: str, talked: bool, asked: Mapping[str, str]) -> HangupBy:
    """The caller, when their channel is the hang-up's source. When the dialplan is, the agent had left, or nobody was
    there to stay for. HOTLINE_NEXT=hangup says that the dialplan hung up, where Asterisk names no source."""
    source = asked.get("left", "")
    by_caller = source == channel if source else asked.get("next") != "hangup"
    if by_caller:
        return HangupBy.CALLER
    return HangupBy.AGENT if talked else HangupBy.SYSTEM


def _outcome(talked: bool, recorded: bool, asked: Mapping[str, str]) -> Outcome:
    if talked:
        return Outcome.ANSWERED
    if recorded:
        return Outcome.VOICEMAIL
    return Outcome.ABANDONED_QUEUE if asked.get("joined_ms") or asked.get("dialstatus") else Outcome.ABANDONED_IVR


def call_id_of(uniqueid: str) -> str:
    """Always the same id for the same channel: `start` and `end` agree even when the variable could not be set."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"hotline:{uniqueid}")) if uniqueid else str(uuid.uuid4())


def message_length(recorded: str) -> float:
    """Seconds of the voicemail; 0.0 when there is none. ``recorded``: the path without its ending."""
    if not recorded:
        return 0.0
    try:
        with wave.open(f"{recorded}.wav", "rb") as message:
            return round(message.getnframes() / message.getframerate(), 3)
    except (OSError, EOFError, wave.Error, ZeroDivisionError):
        return 0.0


def _unless_unknown(value: str) -> str:
    return "" if value == "unknown" else value  # Asterisk's word for "none"


def _seconds(ms: str) -> float | None:
    return int(ms) / 1000 if ms.isdecimal() else None


def _born(uniqueid: str, now: float) -> float:
    """Asterisk's Uniqueid is `[system-]<Unix seconds>.<counter>`: when the channel was made."""
    found = re.search(r"(\d{9,11})\.\d+$", uniqueid)
    return float(found[1]) if found else now


def _tag(agi: AGI, record: Record) -> None:
    """Id and source onto the channel and the CDR. Each is tried; a caller who has left changes nothing."""
    for name, value in (
        (variables.CALL_ID, record["call_id"]),
        (variables.SOURCE, record["source"]),
        (variables.CAMPAIGN, record["campaign"]),
        ("CDR(userfield)", record["source"]),
    ):
        try:
            agi.set_variable(name, str(value).translate({ord(c): None for c in '"\\\r\n\x00'}))
        except AGIException as error:
            print(f"fail_open: {name}: {error}", file=sys.stderr)


def write(spool: Path, record: Record) -> Path:
    """One file, whole or not at all: written beside, flushed to the disk, renamed."""
    os.makedirs(spool, mode=0o700, exist_ok=True)
    file = spool / f"{_file_name(str(record['call_id']))}.{record['phase']}.json"
    beside = spool / f".{file.name}.{os.getpid()}"
    with open(beside, "w", encoding="utf-8", opener=_private) as out:
        json.dump(record, out, ensure_ascii=False)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, file)
    return file


def _file_name(call_id: str) -> str:
    return re.sub(r"[^0-9A-Za-z-]", "_", call_id)[:80]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
