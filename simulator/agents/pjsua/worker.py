"""The process in which PJSIP lives: a few real phones, told what to do by JSON lines on standard input.

Every PJSIP object is made, used and dropped in this process's one thread: PJSIP asserts, and so aborts, when it
meets a thread that it does not know. The loop sleeps in PJSIP's own poll and looks at standard input in between;
end of input means that the parent is gone, and this process goes too.

A command is ``{"id": 3, "do": "call", ...}``; its answer is ``{"reply": 3, ...}``, with ``"error"`` where it failed.
What happens is reported as ``{"event": ..., "phone": ..., "at": seconds, ...}``; ``at`` is the monotonic clock, which
on Linux is one clock for all processes. pjsua2 is imported here and nowhere else.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import heapq
import itertools
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pjsua2 as pj

Message = dict[str, Any]

POLL_MS = 10  # how long a command may wait for the poll to return; costs an idle worker 100 wake-ups a second
_FAVOURITE = 200  # priority of the codec that is wanted most; PJSIP's go from 0 (never) to 255
CLOCK_HZ = 8000  # the bridge runs at G.711's own rate: nothing to resample
FAREWELL_S = 0.5  # how long to wait for the answers to our BYEs when told to stop
RECORDED_S = 2.0  # how long to wait for a recording to be completed
# How long a player outlives its use: PJSIP tells it of the end of its file from a thread of its own, a while later, and
# meets a segmentation fault where it is gone by then.
RETIRED_S = 0.2
PR_SET_PDEATHSIG = 1

TRANSPORTS = {
    "udp": pj.PJSIP_TRANSPORT_UDP,
    "tcp": pj.PJSIP_TRANSPORT_TCP,
    "tls": pj.PJSIP_TRANSPORT_TLS,
}


def let_go(_held: object) -> None:
    """Let go of what a timer held until now."""


def guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """Report an exception of a PJSIP callback; let through, it would unwind through C and end the process."""

    @functools.wraps(callback)
    def call(self: Any, *args: Any) -> None:
        try:
            callback(self, *args)
        except Exception:
            self.worker.emit("trouble", self.number, text=traceback.format_exc(limit=-3))

    return call


class Call(pj.Call):  # type: ignore[misc]
    """One call of one phone; reports what passes and plays and records its audio."""

    def __init__(self, phone: PjsuaAccount, key: str, orders: Message, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone, call_id)
        self.worker, self.number, self.key, self.orders = phone.worker, phone.number, key, orders
        self.player: pj.AudioMediaPlayer | None = None
        self.recorder: pj.AudioMediaRecorder | None = None
        self.recording: Path | None = None
        self.audio: pj.AudioMedia | None = None

    def tell(self, kind: str, **details: Any) -> None:
        self.worker.emit(kind, self.number, call=self.key, **details)

    @guarded
    def onCallTsxState(self, prm: pj.OnCallTsxStateParam) -> None:  # noqa: N802 - PJSIP's name
        """Report each request and response of the call as it comes or goes."""
        state = prm.e.body.tsxState
        if state.type not in (pj.PJSIP_EVENT_RX_MSG, pj.PJSIP_EVENT_TX_MSG):
            return
        received = state.type == pj.PJSIP_EVENT_RX_MSG
        message = state.src.rdata.wholeMsg if received else state.src.tdata.wholeMsg
        is_response = received == (state.tsx.role == pj.PJSIP_ROLE_UAC)
        self.tell(
            "received" if received else "sent",
            method=state.tsx.method,
            status=state.tsx.statusCode if is_response else 0,
            message=message,
        )

    @guarded
    def onCallState(self, _prm: pj.OnCallStateParam) -> None:  # noqa: N802
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONNECTING:  # a 2xx was sent or received
            self.tell("answered", status=int(info.lastStatusCode))
            if self.orders["talk"] is not None:
                self.worker.after(self.orders["talk"], functools.partial(self.worker.hang_up, self.key))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.worker.bury(self, int(info.lastStatusCode), info.lastReason)

    @guarded
    def onCallMediaState(self, _prm: pj.OnCallMediaStateParam) -> None:  # noqa: N802
        """Connect what is played and recorded to the call's audio: early, answered, and again after a re-INVITE."""
        info = self.getInfo()  # kept: PJSIP's lists live only as long as what they belong to
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.audio = self.getAudioMedia(index)
                self.play(self.orders["play"])
                self.record()
                self.tell("media")

    @guarded
    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:  # noqa: N802
        self.tell("dtmf", text=prm.digit)

    def play(self, path: str | None) -> None:
        """Send a WAV file to the other side, over and over, as soon as there is audio; None sends silence."""
        if path != self.orders["play"]:
            self.orders["play"] = path
            self.retire_player()
        if path and self.player is None:
            self.player = pj.AudioMediaPlayer()
            self.player.createPlayer(path)
        if self.player is not None and self.audio is not None:
            self.player.startTransmit(self.audio)

    def retire_player(self) -> None:
        """Play no more. After a call there is nobody that it plays to."""
        if self.player is not None:
            if self.key in self.worker.calls and self.audio is not None:
                self.player.stopTransmit(self.audio)
            self.worker.after(RETIRED_S, functools.partial(let_go, self.player))
            self.player = None

    def record(self) -> None:
        """Write what the other side sends to a WAV file, which is whole once the call is reported as ended."""
        if self.audio is None:
            return
        if self.orders["record"] and self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(self.orders["record"])
            self.recording = Path(self.orders["record"])
        if self.recorder is not None:
            self.audio.startTransmit(self.recorder)

    def is_recorded(self) -> bool:
        """True if the recording, if there is one, is whole: PJSIP's clock fills in its length a tick after the end."""
        if self.recording is None:
            return True
        with self.recording.open("rb") as file:
            return file.read(8)[4:] not in (b"", bytes(4))


class PjsuaAccount(pj.Account):  # type: ignore[misc]
    """One account on a transport of its own, so that each phone has its own address and port."""

    def __init__(self, worker: Worker, number: int, transport: int, behaviour: Message) -> None:
        super().__init__()
        self.worker, self.number, self.transport, self.behaviour = worker, number, transport, behaviour
        self.buddy: pj.Buddy | None = None  # whom a text on its way is for

    @guarded
    def onRegState(self, prm: pj.OnRegStateParam) -> None:  # noqa: N802
        self.worker.emit("registration", self.number, status=int(prm.code), text=prm.reason)

    @guarded
    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:  # noqa: N802
        """Report the INVITE and do with it what the phone was told to do with calls."""
        worker = self.worker
        key = f"in{next(worker.incoming)}"
        call = worker.calls[key] = Call(self, key, dict(self.behaviour), prm.callId)
        call.tell(
            "received", method="INVITE", message=prm.rdata.wholeMsg, call_id=call.getInfo().callIdString, new=True
        )
        if self.behaviour["ring"]:
            worker.answer(key, self.behaviour["ring"])
        if self.behaviour["answer_after"] is not None:
            answer = functools.partial(worker.answer, key, self.behaviour["answer"])
            worker.after(self.behaviour["answer_after"], answer)

    @guarded
    def onInstantMessage(self, prm: pj.OnInstantMessageParam) -> None:  # noqa: N802
        """Report a text, which PJSIP has accepted."""
        self.worker.emit("text", self.number, method="MESSAGE", status=200, message=prm.rdata.wholeMsg)

    @guarded
    def onInstantMessageStatus(self, prm: pj.OnInstantMessageStatusParam) -> None:  # noqa: N802
        """Report the final answer to a text, or that there was none (408)."""
        self.buddy = None
        answer = prm.rdata.wholeMsg
        self.worker.emit("delivered", self.number, method="MESSAGE", status=int(prm.code), message=answer)


class Endpoint(pj.Endpoint):  # type: ignore[misc]
    """PJSIP itself."""

    number = 0  # concerns no phone in particular

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self.worker = worker

    @guarded
    def onRejectedIncomingCall(self, prm: pj.OnRejectedIncomingCallParam) -> None:  # noqa: N802
        """PJSIP answered by itself, most likely for want of room for another call: no phone saw that INVITE."""
        if prm.callId == pj.PJSUA_INVALID_ID:
            text = f"{prm.statusCode} {prm.reason} from PJSIP itself to {prm.remoteInfo} for {prm.localInfo}"
            self.worker.emit("trouble", self.number, text=text)


class Worker:
    """The endpoint, its phones and calls, the timers of their behaviour, and the two pipes to the parent."""

    def __init__(self, pipe_in: int, pipe_out: int, codecs: Sequence[str]) -> None:
        self.pipe_in, self.pipe_out = pipe_in, pipe_out
        os.set_blocking(pipe_in, False)
        self.unread = b""
        self.phones: dict[int, PjsuaAccount] = {}
        self.calls: dict[str, Call] = {}
        self.buried: list[tuple[Call, Message]] = []
        self.outlived: list[Call] = []  # whose number another call has now
        self.incoming = itertools.count(1)
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.timer_order = itertools.count()
        self.endpoint = self.start_endpoint(codecs)

    def start_endpoint(self, wanted: Sequence[str]) -> Endpoint:
        """Start PJSIP without threads of its own, without a sound card, and with the codecs wanted only."""
        endpoint = Endpoint(self)
        endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "Ringfence phone"
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.medConfig.clockRate = CLOCK_HZ
        config.medConfig.ecTailLen = 0
        config.medConfig.noVad = True  # silence is sent too: what was heard must not depend on how loud it was
        endpoint.libInit(config)
        endpoint.audDevManager().setNullDev()
        endpoint.libStart()
        codecs = endpoint.codecEnum2()
        for codec in codecs:
            name = codec.codecId.partition("/")[0]
            endpoint.codecSetPriority(codec.codecId, _FAVOURITE - wanted.index(name) if name in wanted else 0)
        return endpoint

    def run(self) -> None:
        """Serve until the parent closes our standard input; then hang up what is left."""
        while self.read_commands():
            self.turn()
        for key in list(self.calls):
            self.hang_up(key)
        last = time.monotonic() + FAREWELL_S
        while (self.calls or self.buried) and time.monotonic() < last:
            self.turn()

    def turn(self) -> None:
        self.endpoint.libHandleEvents(POLL_MS)
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2]()
        for call, end in list(self.buried):
            # Only here, outside PJSIP's callback, may the objects go.
            call.retire_player()
            call.recorder = None
            if call.is_recorded() or time.monotonic() > end["at"] + RECORDED_S:
                self.buried.remove((call, end))
                call.tell("ended", **end)
                self.outlived.append(call)
        # PJSIP numbers its few calls round and round, and an object that goes hangs up whatever call has its number.
        self.outlived = [call for call in self.outlived if call.isActive()]

    def after(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.timers, (time.monotonic() + delay, next(self.timer_order), action))

    # --- the pipes

    def emit(self, event: str, phone: int, **details: Any) -> None:
        self.write({"event": event, "phone": phone, "at": time.monotonic()} | details)

    def write(self, message: Message) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.pipe_out, data) :]

    def read_commands(self) -> bool:
        """Carry out the commands that have come; False at the end of input."""
        try:
            data = os.read(self.pipe_in, 1 << 16)
        except BlockingIOError:
            return True
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            command = json.loads(line)
            try:
                answer = getattr(self, "do_" + command.pop("do"))(**command["with"]) or {}
            except pj.Error as error:
                answer = {"error": f"{error.title}: {error.reason}"}
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            self.write({"reply": command["id"]} | answer)
        return bool(data)

    # --- commands

    def do_phone(self, number: int, spec: Message, behaviour: Message) -> Message:
        """Open the phone's transport and account; answers with the address that it is bound to."""
        listen = pj.TransportConfig()
        listen.boundAddress, listen.port = spec["bind"], spec["port"]
        if tls := spec["tls"]:
            listen.tlsConfig.CaListFile = tls["ca"] or ""
            listen.tlsConfig.certFile = tls["certificate"] or ""
            listen.tlsConfig.privKeyFile = tls["private_key"] or ""
            listen.tlsConfig.verifyServer = tls["ca"] is not None
        transport = self.endpoint.transportCreate(TRANSPORTS[spec["transport"]], listen)
        try:
            phone = PjsuaAccount(self, number, transport, behaviour)
            phone.create(account_config(spec, transport))
        except BaseException:
            self.endpoint.transportClose(transport)
            raise
        self.phones[number] = phone
        return {"port": int(self.endpoint.transportGetInfo(transport).localName.rpartition(":")[2])}

    def do_remove(self, number: int) -> None:
        phone = self.phones.pop(number)
        for call in list(self.calls.values()):
            if call.number == number:
                self.hang_up(call.key)
        phone.shutdown()
        self.endpoint.transportClose(phone.transport)

    def do_behave(self, number: int, behaviour: Message) -> None:
        self.phones[number].behaviour = behaviour

    def do_ping(self) -> None:
        """Being answered is all that is wanted."""

    def do_register(self, number: int, on: bool) -> None:
        self.phones[number].setRegistration(on)

    def do_call(
        self, number: int, call: str, uri: str, caller: str, headers: list[list[str]], orders: Message
    ) -> Message:
        made = self.calls[call] = Call(self.phones[number], call, orders)
        options = pj.CallOpParam(True)
        dress(options.txOption, caller, headers)
        try:
            made.makeCall(uri, options)
        except BaseException:
            self.calls.pop(call, None)
            raise
        return {"call_id": made.getInfo().callIdString}

    def do_text(self, number: int, uri: str, body: str, caller: str, headers: list[list[str]]) -> Message:
        """Send a text; a phone has one on its way at a time."""
        phone, options, config = self.phones[number], pj.SendInstantMessageParam(), pj.BuddyConfig()
        config.uri, config.subscribe = uri, False
        phone.buddy = pj.Buddy()
        phone.buddy.create(phone, config)
        options.content = body
        dress(options.txOption, caller, headers)
        sent = time.monotonic()
        phone.buddy.sendInstantMessage(options)
        return {"at": sent}

    def do_answer(self, call: str, status: int) -> None:
        self.answer(call, status)

    def do_hang_up(self, call: str, status: int) -> None:
        self.hang_up(call, status)

    def do_dtmf(self, call: str, digits: str) -> None:
        self.calls[call].dialDtmf(digits)

    def do_play(self, call: str, path: str | None) -> None:
        self.calls[call].play(path)

    def do_record(self, call: str, path: str) -> None:
        self.calls[call].orders["record"] = path
        self.calls[call].record()

    # --- calls

    def answer(self, key: str, status: int) -> None:
        if key in self.calls:  # the caller may have given up before
            options = pj.CallOpParam()
            options.statusCode = status
            self.calls[key].answer(options)

    def hang_up(self, key: str, status: int = 0) -> None:
        if key in self.calls:
            options = pj.CallOpParam()
            options.statusCode = status
            self.calls[key].hangup(options)

    def bury(self, call: Call, status: int, reason: str) -> None:
        """The call is over: forget it, and let its objects go as soon as PJSIP is done with them."""
        if self.calls.pop(call.key, None) is not None:
            self.buried.append((call, {"at": time.monotonic(), "status": status, "text": reason}))


def dress(option: pj.SipTxOption, caller: str, headers: list[list[str]]) -> None:
    """Give a request its From (empty: the phone's own) and more headers."""
    option.localUri = caller
    for name, value in headers:
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        option.headers.append(header)


def account_config(spec: Message, transport: int) -> pj.AccountConfig:
    """One phone's account; with a domain of its own its requests go by way of the server as outbound proxy."""
    config = pj.AccountConfig()
    config.idUri = spec["identity"]
    config.sipConfig.transportId = transport
    if spec["route"]:
        config.sipConfig.proxies.append(spec["route"])
    if spec["user"]:
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", spec["user"], 0, spec["password"]))
    config.regConfig.registrarUri = spec["registrar"]
    config.regConfig.registerOnAdd = False
    config.regConfig.retryIntervalSec = 0  # the scenario decides about another try
    config.regConfig.timeoutSec = spec["expires"]
    config.natConfig.contactRewriteUse = 0
    config.natConfig.viaRewriteUse = 0
    config.natConfig.sdpNatRewriteUse = 0
    config.natConfig.contactUseSrcPort = 0  # be reachable where we listen, not on a connection's passing port
    config.natConfig.udpKaIntervalSec = 0
    config.mediaConfig.transportConfig.boundAddress = spec["bind"]
    config.mediaConfig.transportConfig.port = 0  # any free one: other workers share the address
    config.mediaConfig.lockCodecEnabled = False  # no re-INVITE of its own accord
    return config


def built_codecs() -> list[str]:
    """The codecs of this PJSIP, such as PCMU and G722; one that knows several rates is there once for each."""
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    endpoint.libInit(pj.EpConfig())
    codecs = endpoint.codecEnum2()
    return [codec.codecId.partition("/")[0] for codec in codecs]


def main() -> None:
    """Be a worker on standard input and output, which is kept from whatever the C library may print."""
    gc.disable()  # objects of PJSIP go when we say so, in our order
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    pipe_out = os.dup(1)
    os.dup2(2, 1)
    if sys.argv[1:] == ["--codecs"]:
        os.write(pipe_out, "".join(f"{name}\n" for name in built_codecs()).encode())
        os._exit(0)
    Worker(0, pipe_out, sys.argv[1:]).run()
    sys.stderr.flush()
    os._exit(0)  # the system takes back ports and memory quicker and more surely than PJSIP's own shutdown


if __name__ == "__main__":
    main()
