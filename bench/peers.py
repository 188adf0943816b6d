"""The peers, as Asterisk's own files: app_queue as well tuned as it can be, and the same menus in bare dialplan. Pure.

They live in the same Asterisk as the engine: the site's own `extensions_custom.conf` adds them to the trunk's numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.numbers import (
    ARI_IVR,
    BARE_AGENTS,
    BARE_IVR,
    BARE_MENU,
    BARE_REACH,
    ECHO_RING,
    FORKED_IVR,
    FORKED_MENU,
    KNOWN_CALLER,
    QUEUE_RING,
    TEACH_IVR,
)

MODULES = ("app_queue.so", "app_read.so")
# Only for `ivr`: with ARI loaded every call is told to Stasis, and the other benchmarks' figures should not have that.
IVR_MODULES = (
    "app_read.so",
    "func_db.so",
    *(f"res_stasis{part}.so" for part in ("", "_answer", "_playback", "_recording", "_snoop", "_device_state")),
    "res_http_websocket.so",
    "res_websocket_client.so",
    "res_ari.so",
    "res_ari_model.so",
    *(f"res_ari_{part}.so" for part in ("applications", "channels", "playbacks", "events")),
    "app_stasis.so",
)
TIERS = "tier"  # AstDB's family of the peers' look-up
_FILES = 'an AGI() argument or a file name cannot hold any of ,&;"'


@dataclass(frozen=True, slots=True)
class MenuSounds:
    """Absolute paths without their ending. ``topic`` is in the language that the callers choose."""

    welcome: str
    language: str
    topic: str

    def __post_init__(self) -> None:
        _plain(self.welcome, self.language, self.topic)


def dialplan(sounds: MenuSounds, *, echo_url: str, forked: Sequence[str]) -> str:
    """``echo_url``: the no-logic engine's; ``forked``: the words that start the pyst2 script."""
    _plain(echo_url, *forked)
    words = ",".join((*forked, sounds.welcome, sounds.language, sounds.topic))
    return f"""\
; The bench's peers. A call that is answered here never meets the engine.
[from-trunk](+)
exten => {QUEUE_RING},1,Answer()
 same => n,Queue(bench)
 same => n,Hangup()
exten => {ECHO_RING},1,AGI({echo_url})
 same => n,Hangup()
exten => {BARE_REACH},1,Answer()
{_menu(sounds)}
 same => n,Dial(PJSIP/$[{BARE_AGENTS[0]} + ${{CALLERID(num):-1}}],15,mg)
 same => n,Hangup()
exten => {BARE_MENU},1,Answer()
{_menu(sounds)}
 same => n,Hangup()
exten => {FORKED_MENU},1,AGI({words})
 same => n,Hangup()
"""


def queue_dialplan() -> str:
    """app_queue alone."""
    return f"""\
[from-trunk](+)
exten => {QUEUE_RING},1,Answer()
 same => n,Queue(bench)
 same => n,Hangup()
"""


def _menu(sounds: MenuSounds) -> str:
    """A key during the welcome ends it and is the answer to the language menu, as in the flow."""
    return f"""\
 same => n,Read(LANG,{sounds.welcome}&{sounds.language},1,,2,4)
 same => n,Read(TOPIC,{sounds.topic},1,,3,5)"""


def ivr_dialplan(sounds: MenuSounds, *, forked: Sequence[str], app: str) -> str:
    """The menu of `ivr`: two prompts, two levels, one look-up. ``app``: the ARI client's."""
    _plain(app, *forked)
    words = ",".join((*forked, sounds.language, sounds.topic))
    return f"""\
[from-trunk](+)
exten => {TEACH_IVR},1,Set(DB({TIERS}/{KNOWN_CALLER})=gold)
 same => n,Hangup()
exten => {BARE_IVR},1,Answer()
 same => n,Read(LANG,{sounds.language},1,,2,4)
 same => n,Set(TIER=${{DB({TIERS}/${{CALLERID(num)}})}})
 same => n,Read(TOPIC,{sounds.topic},1,,3,5)
 same => n,Hangup()
exten => {FORKED_IVR},1,AGI({words})
 same => n,Hangup()
exten => {ARI_IVR},1,Stasis({app})
 same => n,Hangup()
"""


def ari_files(password: str, port: int, app: str) -> dict[str, str]:
    """File name → content: ARI on the loopback, for one user."""
    return {
        "http.conf": f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = {port}\n",
        "ari.conf": f"[general]\nenabled = yes\n\n[{app}]\ntype = user\nread_only = no\npassword = {password}\n",
    }


def queues(agents: Sequence[str]) -> str:
    """app_queue without a pause of its own: no wrap-up, no announcement, the shortest retry there is (1 s)."""
    members = "\n".join(f"member => PJSIP/{agent}" for agent in agents)
    return f"""\
[general]
persistentmembers = no
autofill = yes
shared_lastcall = no
log_membername_as_agent = no

[bench]
strategy = leastrecent
autofill = yes
ringinuse = no
timeout = 15
retry = 1
wrapuptime = 0
musicclass = default
announce-frequency = 0
announce-holdtime = no
announce-position = no
joinempty = yes
leavewhenempty = no
{members}
"""


def _plain(*texts: str) -> None:
    for text in texts:
        if any(c in text for c in ',&;"\n'):
            raise ValueError(f"{_FILES}: {text}")
