"""Watch whether the softswitch is there: by what it says, what refuses our messages, and OPTIONS where it says nothing.

- Any message of its is a sign of life; while it talks, it is never asked.
- A request that goes unanswered without another word from it has us knock at its port, which it does not hear, but a
  closed port refuses (ICMP); a moment later, and after a longer silence, we ask with OPTIONS (RFC 3261 11). Any answer
  will do, 404, 405 and 501 among them.
- It is down where its port is closed, where no connection to it can be made, or where it does not answer in time.
- While it is down, what would start something new is answered with 503 and Retry-After, what waits without a response
  is answered so too, and OPTIONS are sent until something comes back.
- A switch that never answered OPTIONS may be one that never does: its silence alone says nothing, and once it is held
  for down a request is let through now and then to see.

Sans-IO: time is an argument, and what happened goes into `outputs`.
"""

from __future__ import annotations

import secrets
from collections import Counter

from proxy.core.events import Event, SoftswitchDown, SoftswitchUp
from proxy.core.probing import Probing
from proxy.core.response_context import ResponseContext, ResponseContexts
from proxy.core.routing import Router
from proxy.sip.errors import ServiceUnavailable
from proxy.sip.flow import Flow
from proxy.sip.message import Request
from proxy.sip.timers import NEVER
from proxy.sip.transaction import ClientTransaction, State
from proxy.sip.transaction_layer import TransactionLayer

_KNOCK_AFTER = 0.1  # seconds without a word after a request
_WAKING = 2.0  # seconds
_TRIAL = 5.0  # seconds between two requests that are let through to a switch that may never answer OPTIONS


class SoftswitchWatch:
    """Knows whether the switch at the other end of `flow` is `up`. Without `probing` it always is."""

    def __init__(
        self,
        probing: Probing | None,
        flow: Flow,
        layer: TransactionLayer,
        router: Router,
        contexts: ResponseContexts,
        counters: Counter[str],
        outputs: list[Event],
    ) -> None:
        self.up = True
        self.due = NEVER  # when `run` is next to be called
        self.knocks = False  # its port is to be knocked at, where that can be
        self._outputs = outputs
        self._on = probing is not None
        self._probing = probing or Probing()
        self._flow = flow
        self._layer = layer
        self._router = router
        self._contexts = contexts
        self._counters = counters
        self._probe: ClientTransaction | None = None
        self._answers = False  # it has answered OPTIONS
        self._known = False  # it has been heard; what never was is not asked for its silence
        self._closed = False  # the last knock was refused, or the last connection
        self._knocked = False  # since the request that waits
        self._quiet_since = 0.0
        self._waiting = NEVER  # since when a request has gone without any word from the switch
        self._down_since = 0.0
        self._refused = 0  # requests, while it is down
        self._try_at = 0.0
        self._froze = False
        self._awake_at = 0.0  # when a switch that was frozen has read what lay in its buffer

    # --- what happens

    def start(self, now: float) -> None:
        """Begin to count its silence."""
        if self._on:
            self._quiet_since = now
            self._watch_silence()

    def sent(self, now: float) -> None:
        """A request went to the switch."""
        if self._waiting == NEVER and self._on:
            self._waiting = now
            if self.up and self._probe is None:
                self._knocked = False
                self.due = min(self.due, now + _KNOCK_AFTER)

    def heard(self, now: float) -> None:
        """Something came from the switch."""
        self._quiet_since = now
        if self._contexts.left_unheard:  # what it says first may be that it rings for them
            self._contexts.left_unheard = False
            if now >= self._waiting + _KNOCK_AFTER:
                self._awake_at = now + _WAKING
        self._waiting = NEVER
        self._known = True
        if self._probe is not None or not self.up:
            self._alive(now)

    def refused(self, now: float) -> None:
        """Its port is closed."""
        self._closed, self._froze = True, False
        if not self.up:
            self._fail_waiting(now, certain=True)
        elif self._on:
            self._down("refused", now)
            if self._probe is None:
                self._ask(now)

    def suspect(self, now: float) -> None:
        """A connection to it broke, or could not be made, while requests waited: it may be gone."""
        if self._on and self._probe is None:
            self._ask(now)

    def gone(self, client: ClientTransaction, now: float, *, refused: bool = False) -> bool:
        """A client transaction got no answer; True where it was our question."""
        if client is not self._probe:
            return False
        self._layer.abandon(client)
        self._probe = None
        self._closed = self._closed or refused
        if not self.up:
            self._fail_waiting(now, certain=False)
        elif refused or self._answers or self._waiting != NEVER:
            self._down("refused" if refused else "silent", now)
        else:
            self._quiet_since = now
            self._watch_silence()
            return True
        if refused:
            self.due = now + self._probing.retry
        else:
            self._ask(now)
        return True

    def run(self, now: float) -> None:
        """Ask, where it is time to."""
        if now < self.due:
            return
        self.due = NEVER
        if self._probe is not None:
            return
        if not self.up or now >= self._waiting + self._probing.unanswered:
            self._ask(now)
            return
        if now >= self._waiting + _KNOCK_AFTER and not self._knocked:
            self.knocks = self._knocked = True
        elif now >= self._silent_at:
            if self._known:
                self._ask(now)
                return
            self.knocks = True
            self._quiet_since = now
        self._watch_silence()

    # --- what follows

    def wakes_up(self, request: Request, now: float) -> bool:
        """True for an INVITE that may come of one which the switch found in its buffer just now, when it woke up."""
        return now < self._awake_at and request.method == "INVITE" and request.to.tag is None

    def check(self, now: float) -> None:
        """Raises ServiceUnavailable for what would start something new while the switch is down."""
        if self.up:
            return
        if not self._answers and not self._closed and now >= self._try_at:
            self._try_at = now + _TRIAL
            return
        self._refused += 1
        raise ServiceUnavailable("the softswitch is down")

    def _watch_silence(self) -> None:
        wait = self._probing.unanswered if self._knocked else _KNOCK_AFTER
        self.due = min(self._silent_at, self._waiting + wait)

    @property
    def _silent_at(self) -> float:
        """The moment at which the switch has been silent for so long that it is asked."""
        return self._quiet_since + self._probing.interval if self._probing.interval else NEVER

    def _ask(self, now: float) -> None:
        host = f"[{self._flow.host}]" if ":" in self._flow.host else self._flow.host
        transport = "" if self._flow.transport == "udp" else f";transport={self._flow.transport}"
        uri = f"sip:{host}:{self._flow.port}{transport}"
        ours = self._router.listeners[self._flow.local].host_port
        headers = [
            ("Max-Forwards", "1"),  # 0 when it arrives: it is for the switch and for nobody behind it
            ("From", f"<sip:{ours}>;tag={secrets.token_hex(4)}"),
            ("To", f"<{uri}>"),
            ("Call-ID", secrets.token_hex(12)),
            ("CSeq", "1 OPTIONS"),
            ("Accept", "application/sdp"),
        ]
        options = Request.build("OPTIONS", uri, headers)
        branches = self._router.branches
        branch = branches.new(branches.fingerprint(options))
        sending = self._router.forward(options, self._flow, branch)
        timer_f = self._probing.timeout if self.up else self._probing.retry
        self._closed = False  # until we are told
        self._probe = self._layer.send((branch, "OPTIONS"), sending, self._flow, now, timer_f)
        self.knocks = True
        self.due = NEVER

    def _alive(self, now: float) -> None:
        if self._probe is not None:
            self._answers = self._answers or self._probe.state is not State.TRYING
            if self._probe.state is State.TRYING:
                self._layer.abandon(self._probe)
            self._probe = None
        if not self.up:
            self.up = True
            if self._froze and self._contexts.late.open:
                self._awake_at = now + _WAKING
            self._counters["softswitch_up"] += 1
            self._outputs.append(SoftswitchUp(now - self._down_since, self._refused))
        self._watch_silence()

    def _down(self, cause: str, now: float) -> None:
        self.up = False
        self._down_since, self._refused, self._try_at = now, 0, now + _TRIAL
        self._froze = cause == "silent"
        self._counters["softswitch_down"] += 1
        failed = self._fail_waiting(now, certain=cause == "refused")
        self._outputs.append(SoftswitchDown(cause, failed))

    def _fail_waiting(self, now: float, *, certain: bool) -> int:
        """Answer what the switch has not said a word to and, where it is gone for `certain`, what it rang for."""
        waiting = [
            client
            for client in self._layer.clients.values()
            if client.flow == self._flow and isinstance(client.tu, ResponseContext) and _fails(client, certain)
        ]
        for client in waiting:
            self._contexts.unavailable(client, now)
        return len(waiting)


def _fails(client: ClientTransaction, certain: bool) -> bool:
    """True if a request is not to be waited for: what belongs to a dialog still may reach a switch that wakes up."""
    if client.key[1] == "INVITE":
        return client.state is State.CALLING or (certain and client.state is State.PROCEEDING)
    request = client.request
    return client.state < State.ACCEPTED and request is not None and request.to.tag is None
