"""PJSIP's endpoint, accounts and calls as a worker uses them. pjsua2 is imported here and nowhere else.

Every one of these objects is made, used and dropped in the worker's one thread: PJSIP asserts, and so aborts, when it
meets a thread that it does not know.
"""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import pjsua2 as pj

Message = dict[str, Any]
Error = pj.Error

_FAVOURITE = 200  # priority of the codec that is wanted most; PJSIP's go from 0 (never) to 255
CLOCK_HZ = 8000  # sound is mixed at G.711's own rate: nothing to resample
# How late sound may come and still be heard whole: what a machine that stood still delivers at once when it goes on. Of
# such a burst PJSIP's own jitter buffer keeps a few tenths of a second.
LATE_MS = 5000
# How long a player outlives its use: PJSIP tells it of the end of its file from a thread of its own, a while later, and
# meets a segmentation fault where it is gone by then.
RETIRED_S = 0.2

TRANSPORTS = {
    "udp": pj.PJSIP_TRANSPORT_UDP,
    "tcp": pj.PJSIP_TRANSPORT_TCP,
    "tls": pj.PJSIP_TRANSPORT_TLS,
}


class Host(Protocol):
    """The worker, as its phones and calls need it."""

    endpoint: PjsipEndpoint
    calls: dict[str, PjsipCall]

    def emit(self, event: str, phone: int, **details: Any) -> None:
        """Report what happened to a phone; 0: to none in particular."""

    def after(self, delay: float, action: Callable[[], None]) -> None:
        """Do it in so many seconds."""

    def new_key(self) -> str:
        """A name for a call that comes in."""

    def respond(self, key: str, status: int) -> None:
        """Answer a call, if it is still there."""

    def hang_up(self, key: str, status: int = 0) -> None:
        """End a call, if it is still there."""

    def bury(self, call: PjsipCall, status: int, reason: str) -> None:
        """Forget a call that is over."""


def _let_go(_held: object) -> None:
    """Let go of what a timer held until now."""


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """Report an exception of a PJSIP callback; let through, it would unwind through C and end the process."""

    @functools.wraps(callback)
    def call(self: Any, *args: Any) -> None:
        try:
            callback(self, *args)
        except Exception:
            self.worker.emit("trouble", self.number, text=traceback.format_exc(limit=-3))

    return call


class PjsipCall(pj.Call):  # type: ignore[misc]
    """One call of one phone; reports what passes and plays and records its audio."""

    def __init__(self, phone: PjsuaAccount, key: str, orders: Message, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone, call_id)
        self.worker, self.number, self.key, self.orders = phone.worker, phone.number, key, orders
        self.player: pj.AudioMediaPlayer | None = None
        self.recorder: pj.AudioMediaRecorder | None = None
        self.recording: Path | None = None
        self.audio: pj.AudioMedia | None = None

    def dial(self, uri: str, caller: str, headers: list[list[str]]) -> str:
        """Send the INVITE; returns its Call-ID."""
        options = pj.CallOpParam(True)
        _dress(options.txOption, caller, headers)
        self.makeCall(uri, options)
        return str(self.getInfo().callIdString)

    def respond(self, status: int) -> None:
        self.answer(_with_status(status))

    def end(self, status: int) -> None:
        """BYE, CANCEL, or a refusal, with this status where it is not 0."""
        self.hangup(_with_status(status))

    def tell(self, kind: str, **details: Any) -> None:
        self.worker.emit(kind, self.number, call=self.key, **details)

    @_guarded
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

    @_guarded
    def onCallState(self, _prm: pj.OnCallStateParam) -> None:  # noqa: N802
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONNECTING:  # a 2xx was sent or received
            self.tell("answered", status=int(info.lastStatusCode))
            if self.orders["talk"] is not None:
                self.worker.after(self.orders["talk"], functools.partial(self.worker.hang_up, self.key))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.worker.bury(self, int(info.lastStatusCode), info.lastReason)

    @_guarded
    def onCallMediaState(self, _prm: pj.OnCallMediaStateParam) -> None:  # noqa: N802
        """Connect what is played and recorded to the call's audio: early, answered, and again after a re-INVITE."""
        info = self.getInfo()  # kept: PJSIP's lists live only as long as what they belong to
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.audio = self.getAudioMedia(index)
                self.play(self.orders["play"])
                self.record()
                self.tell("media")

    @_guarded
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
            self.worker.after(RETIRED_S, functools.partial(_let_go, self.player))
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

    def __init__(self, worker: Host, number: int, spec: Message, behaviour: Message) -> None:
        super().__init__()
        self.worker, self.number, self.behaviour = worker, number, behaviour
        self.buddy: pj.Buddy | None = None  # whom a text on its way is for
        self.transport = worker.endpoint.listen(spec)
        try:
            self.create(_account_config(spec, self.transport))
        except BaseException:
            worker.endpoint.transportClose(self.transport)
            raise

    @property
    def port(self) -> int:
        """The port that it is bound to."""
        return int(self.worker.endpoint.transportGetInfo(self.transport).localName.rpartition(":")[2])

    def close(self) -> None:
        self.shutdown()
        self.worker.endpoint.transportClose(self.transport)

    def send_text(self, uri: str, body: str, caller: str, headers: list[list[str]]) -> float:
        """Send a text; a phone has one on its way at a time. Returns when it was sent."""
        options, config = pj.SendInstantMessageParam(), pj.BuddyConfig()
        config.uri, config.subscribe = uri, False
        self.buddy = pj.Buddy()
        self.buddy.create(self, config)
        options.content = body
        _dress(options.txOption, caller, headers)
        sent = time.monotonic()
        self.buddy.sendInstantMessage(options)
        return sent

    @_guarded
    def onRegState(self, prm: pj.OnRegStateParam) -> None:  # noqa: N802
        self.worker.emit("registration", self.number, status=int(prm.code), text=prm.reason)

    @_guarded
    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:  # noqa: N802
        """Report the INVITE and do with it what the phone was told to do with calls."""
        worker = self.worker
        key = worker.new_key()
        call = worker.calls[key] = PjsipCall(self, key, dict(self.behaviour), prm.callId)
        call.tell(
            "received", method="INVITE", message=prm.rdata.wholeMsg, call_id=call.getInfo().callIdString, new=True
        )
        if self.behaviour["ring"]:
            worker.respond(key, self.behaviour["ring"])
        if self.behaviour["answer_after"] is not None:
            answer = functools.partial(worker.respond, key, self.behaviour["answer"])
            worker.after(self.behaviour["answer_after"], answer)

    @_guarded
    def onInstantMessage(self, prm: pj.OnInstantMessageParam) -> None:  # noqa: N802
        """Report a text, which PJSIP has accepted."""
        self.worker.emit("text", self.number, method="MESSAGE", status=200, message=prm.rdata.wholeMsg)

    @_guarded
    def onInstantMessageStatus(self, prm: pj.OnInstantMessageStatusParam) -> None:  # noqa: N802
        """Report the final answer to a text, or that there was none (408)."""
        self.buddy = None
        answer = prm.rdata.wholeMsg
        self.worker.emit("delivered", self.number, method="MESSAGE", status=int(prm.code), message=answer)


class PjsipEndpoint(pj.Endpoint):  # type: ignore[misc]
    """PJSIP itself, without threads of its own and without a sound card, with the codecs `wanted` only."""

    number = 0  # concerns no phone in particular

    def __init__(self, worker: Host, wanted: Sequence[str]) -> None:
        super().__init__()
        self.worker = worker
        self.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "Ringfence phone"
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.medConfig.clockRate = CLOCK_HZ
        config.medConfig.ecTailLen = 0
        config.medConfig.noVad = True  # silence is sent too: what was heard must not depend on how loud it was
        config.medConfig.jbMax = LATE_MS
        self.libInit(config)
        self.audDevManager().setNullDev()
        self.libStart()
        codecs = self.codecEnum2()
        for codec in codecs:
            name = codec.codecId.partition("/")[0]
            self.codecSetPriority(codec.codecId, _FAVOURITE - wanted.index(name) if name in wanted else 0)

    def listen(self, spec: Message) -> int:
        """Open a phone's transport; returns PJSIP's number for it."""
        listen = pj.TransportConfig()
        listen.boundAddress, listen.port = spec["bind"], spec["port"]
        if tls := spec["tls"]:
            listen.tlsConfig.CaListFile = tls["ca"] or ""
            listen.tlsConfig.certFile = tls["certificate"] or ""
            listen.tlsConfig.privKeyFile = tls["private_key"] or ""
            listen.tlsConfig.verifyServer = tls["ca"] is not None
        return int(self.transportCreate(TRANSPORTS[spec["transport"]], listen))

    @_guarded
    def onRejectedIncomingCall(self, prm: pj.OnRejectedIncomingCallParam) -> None:  # noqa: N802
        """PJSIP answered by itself, most likely for want of room for another call: no phone saw that INVITE."""
        if prm.callId == pj.PJSUA_INVALID_ID:
            text = f"{prm.statusCode} {prm.reason} from PJSIP itself to {prm.remoteInfo} for {prm.localInfo}"
            self.worker.emit("trouble", self.number, text=text)


def _dress(option: pj.SipTxOption, caller: str, headers: list[list[str]]) -> None:
    """Give a request its From (empty: the phone's own) and more headers."""
    option.localUri = caller
    for name, value in headers:
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        option.headers.append(header)


def _with_status(status: int) -> pj.CallOpParam:
    options = pj.CallOpParam()
    options.statusCode = status
    return options


def _account_config(spec: Message, transport: int) -> pj.AccountConfig:
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
