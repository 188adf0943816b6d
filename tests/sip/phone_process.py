"""The child process of `phones.py`: pjsua2 phones, driven by JSON lines on stdin, telling by JSON lines on stdout.

pjsua2 wants one thread that owns it, its own event loop, and an end in the right order: so it has a process.
Requests: {"id": 1, "do": "add_phone", …}; replies {"id": 1, "result": …} or {"id": 1, "error": "…"}; events
{"event": "confirmed", "phone": "1001", "call": 3, "at": <Unix s>, …}. Run: phone_process.py HOST PBX_HOST:PORT FOLDER
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

import pjsua2 as pj

_POLL_MS = 5
_TELLING_FD = 9
_NAMES = {
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_EARLY: "early",
    pj.PJSIP_INV_STATE_CONFIRMED: "confirmed",
    pj.PJSIP_INV_STATE_DISCONNECTED: "disconnected",
}


class Line(pj.Call):
    """One call of one phone."""

    def __init__(self, phone: Phone, pj_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone, pj_id)
        self.phone = phone
        self.number = phone.desk.next_number()
        self.over = False
        self.recorder: pj.AudioMediaRecorder | None = None
        self.tone: pj.ToneGenerator | None = None
        phone.desk.lines[self.number] = self

    def caller(self) -> str:
        info = self.getInfo()
        return str(info.remoteUri)

    def onCallState(self, prm: pj.OnCallStateParam) -> None:
        info = self.getInfo()
        name = _NAMES.get(info.state)
        if name is not None:
            self.phone.tell(name, call=self.number, code=info.lastStatusCode, reason=info.lastReason)
        self.over = info.state == pj.PJSIP_INV_STATE_DISCONNECTED

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:
        info = self.getInfo()  # held: its media would be freed under us
        states = [info.media[n].status for n in range(len(info.media)) if info.media[n].type == pj.PJMEDIA_TYPE_AUDIO]
        if pj.PJSUA_CALL_MEDIA_ACTIVE not in states:
            return
        media = self.getAudioMedia(-1)
        if self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(str(self.phone.desk.folder / f"heard-{self.number}.wav"))
        media.startTransmit(self.recorder)
        if self.phone.tone_hz and self.tone is None:
            self.tone = _tone(self.phone.tone_hz)
        if self.tone is not None:
            self.tone.startTransmit(media)

    def speak(self, hertz: int) -> None:
        media = self.getAudioMedia(-1)
        if self.tone is not None:
            self.tone.stopTransmit(media)
        self.tone = _tone(hertz) if hertz else None
        if self.tone is not None:
            self.tone.startTransmit(media)

    def onCallTsxState(self, prm: pj.OnCallTsxStateParam) -> None:
        told = prm.e.body.tsxState.tsx
        if told.method == "REFER" and told.statusCode >= 200 and told.state == pj.PJSIP_TSX_STATE_COMPLETED:
            self.phone.tell("refer_told", call=self.number, code=told.statusCode, reason=told.statusText)

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:
        self.phone.tell("key", call=self.number, key=prm.digit)


class Phone(pj.Account):
    def __init__(self, desk: Desk, ask: dict[str, Any]) -> None:
        super().__init__()
        self.desk = desk
        self.extension: str = ask["extension"]
        self.tone_hz: int = ask["tone_hz"]
        self.answer: str = ask["answer"]
        self.ring_s: float = ask["ring_s"]
        self.code: int = ask["code"]
        self.create(_account(self.extension, ask["secret"], desk.pbx))

    def is_registered(self) -> bool:
        info = self.getInfo()
        return bool(info.regIsActive)

    def tell(self, event: str, **more: object) -> None:
        _say({"event": event, "phone": self.extension, "at": time.time(), **more})

    def onRegState(self, prm: pj.OnRegStateParam) -> None:
        event = "unregistered" if prm.code == 200 and not self.is_registered() else "registered"
        self.tell(event, call=0, code=prm.code, reason=prm.reason)

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:
        line = Line(self, prm.callId)
        self.tell("incoming", call=line.number, caller=line.caller())
        if self.answer == "reject":
            self.desk.later(self.ring_s, lambda: _answer(line, self.code))
            return
        _answer(line, 180)
        if self.answer == "auto":
            self.desk.later(self.ring_s, lambda: _answer(line, 200))


class Desk:
    """All phones of this process, and the loop."""

    def __init__(self, host: str, pbx: str, folder: Path) -> None:
        self.pbx, self.folder = pbx, folder
        self.phones: dict[str, Phone] = {}
        self.lines: dict[int, Line] = {}
        self._timers: list[tuple[float, Any]] = []
        self._number = 0
        self._host = host
        self._endpoint = pj.Endpoint()

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def later(self, after_s: float, work: Any) -> None:
        self._timers.append((time.monotonic() + after_s, work))

    def open(self) -> None:
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = 32
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        self._endpoint.libCreate()
        self._endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.boundAddress = transport.publicAddress = self._host
        self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()

    def run(self) -> None:
        """Until stdin ends or says "quit"."""
        buffer = b""
        _say({"event": "open", "phone": "", "at": time.time(), "call": 0})
        while True:
            self._endpoint.libHandleEvents(_POLL_MS)
            self._fire()
            self._bury()
            if select.select([0], [], [], 0)[0]:
                chunk = os.read(0, 65536)
                *lines, buffer = (buffer + chunk).split(b"\n")
                if not chunk or any(self._obey(json.loads(line)) for line in lines):
                    return

    def _obey(self, ask: dict[str, Any]) -> bool:
        if ask["do"] == "quit":
            return True
        try:
            result = getattr(self, "do_" + ask["do"])(ask)
            _say({"id": ask["id"], "result": result})
        except pj.Error as error:
            _say({"id": ask["id"], "error": error.info()})
        except KeyError as error:
            _say({"id": ask["id"], "error": f"no such phone or call: {error}"})
        return False

    def _fire(self) -> None:
        now = time.monotonic()
        due = [work for at, work in self._timers if at <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for work in due:
            work()

    def _bury(self) -> None:
        """A call may not be deleted inside its own callback."""
        for number in [n for n, line in self.lines.items() if line.over]:
            line = self.lines.pop(number)
            line.recorder = line.tone = None

    def do_add_phone(self, ask: dict[str, Any]) -> None:
        self.phones[ask["extension"]] = Phone(self, ask)

    def do_set_answer(self, ask: dict[str, Any]) -> None:
        phone = self.phones[ask["extension"]]
        phone.answer, phone.ring_s, phone.code = ask["answer"], ask["ring_s"], ask["code"]

    def do_only_codec(self, ask: dict[str, Any]) -> None:
        """All phones speak nothing else, from the next call on."""
        for codec in self._endpoint.codecEnum2():
            self._endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId == ask["codec"] else 0)

    def do_unregister(self, ask: dict[str, Any]) -> None:
        self.phones[ask["extension"]].setRegistration(False)

    def do_dial(self, ask: dict[str, Any]) -> int:
        line = Line(self.phones[ask["extension"]])
        line.makeCall(f"sip:{ask['number']}@{self.pbx}", pj.CallOpParam(True))
        return line.number

    def do_press(self, ask: dict[str, Any]) -> None:
        self.lines[ask["call"]].dialDtmf(ask["keys"])

    def do_speak(self, ask: dict[str, Any]) -> None:
        self.lines[ask["call"]].speak(ask["tone_hz"])

    def do_answer(self, ask: dict[str, Any]) -> None:
        _answer(self.lines[ask["call"]], ask["code"])

    def do_refer(self, ask: dict[str, Any]) -> None:
        self.lines[ask["call"]].xfer(f"sip:{ask['number']}@{self.pbx}", pj.CallOpParam(True))

    def do_hang_up(self, ask: dict[str, Any]) -> None:
        line = self.lines.get(ask["call"])
        if line is not None and not line.over:
            line.hangup(pj.CallOpParam())

    def close(self) -> None:
        """Every call must have ended before libDestroy, or pjsua2 aborts the process."""
        self._endpoint.hangupAllCalls()
        deadline = time.monotonic() + 3
        while self.lines and time.monotonic() < deadline:
            self._endpoint.libHandleEvents(_POLL_MS)
            self._bury()
        for phone in self.phones.values():
            phone.shutdown()
        self.lines.clear()
        self.phones.clear()
        self._endpoint.libDestroy()


def _answer(line: Line, code: int) -> None:
    if line.over:
        return
    prm = pj.CallOpParam()
    prm.statusCode = code
    line.answer(prm)


def _tone(hertz: int) -> pj.ToneGenerator:
    generator = pj.ToneGenerator()
    generator.createToneGenerator(8000)
    tone = pj.ToneDesc()
    tone.freq1, tone.freq2, tone.on_msec, tone.off_msec = hertz, 0, 1000, 0
    tones = pj.ToneDescVector()
    tones.append(tone)
    generator.play(tones, True)
    return generator


def _account(extension: str, secret: str, pbx: str) -> pj.AccountConfig:
    config = pj.AccountConfig()
    config.idUri = f"sip:{extension}@{pbx}"
    config.regConfig.registrarUri = f"sip:{pbx}"
    config.regConfig.timeoutSec = 300
    config.regConfig.retryIntervalSec = 2
    config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", extension, 0, secret))
    config.mediaConfig.transportConfig.boundAddress = pbx.split(":")[0] if pbx.startswith("127.") else ""
    return config


def _say(message: dict[str, object]) -> None:
    os.write(_TELLING_FD, json.dumps(message).encode() + b"\n")


def main() -> None:
    os.dup2(1, _TELLING_FD)
    os.dup2(2, 1)  # pjlib writes its own lines to stdout before it can be told not to
    desk = Desk(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    desk.open()
    try:
        desk.run()
    finally:
        desk.close()


if __name__ == "__main__":
    main()
