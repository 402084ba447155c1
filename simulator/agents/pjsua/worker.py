"""The process in which PJSIP lives: a few real phones, told what to do by JSON lines on standard input.

All is done in this process's one thread, as PJSIP wants it. The loop sleeps in PJSIP's own poll and looks at standard
input in between; end of input means that the parent is gone, and this process goes too.

A command is ``{"id": 3, "do": "call", ...}``; its answer is ``{"reply": 3, ...}``, with ``"error"`` where it failed.
What happens is reported as ``{"event": ..., "phone": ..., "at": seconds, ...}``; ``at`` is the monotonic clock, which
on Linux is one clock for all processes.
"""

from __future__ import annotations

import ctypes
import gc
import heapq
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from simulator.agents.pjsua.pjsip import Error, Message, PjsipCall, PjsipEndpoint, PjsuaAccount, built_codecs

POLL_MS = 10  # how long a command may wait for the poll to return; costs an idle worker 100 wake-ups a second
FAREWELL_S = 0.5  # how long to wait for the answers to our BYEs when told to stop
RECORDED_S = 2.0  # how long to wait for a recording to be completed
PR_SET_PDEATHSIG = 1


class Worker:
    """The endpoint, its phones and calls, the timers of their behaviour, and the two pipes to the parent."""

    def __init__(self, pipe_in: int, pipe_out: int, codecs: Sequence[str]) -> None:
        self.pipe_in, self.pipe_out = pipe_in, pipe_out
        os.set_blocking(pipe_in, False)
        self.unread = b""
        self.phones: dict[int, PjsuaAccount] = {}
        self.calls: dict[str, PjsipCall] = {}
        self.buried: list[tuple[PjsipCall, Message]] = []
        self.outlived: list[PjsipCall] = []  # whose number another call has now
        self.incoming = itertools.count(1)
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.timer_order = itertools.count()
        self.endpoint = PjsipEndpoint(self, codecs)

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

    def new_key(self) -> str:
        return f"in{next(self.incoming)}"

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
            except Error as error:
                answer = {"error": f"{error.title}: {error.reason}"}
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            self.write({"reply": command["id"]} | answer)
        return bool(data)

    # --- commands

    def do_phone(self, number: int, spec: Message, behaviour: Message) -> Message:
        """Open the phone's transport and account; answers with the address that it is bound to."""
        phone = self.phones[number] = PjsuaAccount(self, number, spec, behaviour)
        return {"port": phone.port}

    def do_remove(self, number: int) -> None:
        phone = self.phones.pop(number)
        for call in list(self.calls.values()):
            if call.number == number:
                self.hang_up(call.key)
        phone.close()

    def do_behave(self, number: int, behaviour: Message) -> None:
        self.phones[number].behaviour = behaviour

    def do_ping(self) -> None:
        """Being answered is all that is wanted."""

    def do_register(self, number: int, on: bool) -> None:
        self.phones[number].setRegistration(on)

    def do_call(
        self, number: int, call: str, uri: str, caller: str, headers: list[list[str]], orders: Message
    ) -> Message:
        made = self.calls[call] = PjsipCall(self.phones[number], call, orders)
        try:
            return {"call_id": made.dial(uri, caller, headers)}
        except BaseException:
            self.calls.pop(call, None)
            raise

    def do_text(self, number: int, uri: str, body: str, caller: str, headers: list[list[str]]) -> Message:
        return {"at": self.phones[number].send_text(uri, body, caller, headers)}

    def do_answer(self, call: str, status: int) -> None:
        self.respond(call, status)

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

    def respond(self, key: str, status: int) -> None:
        if key in self.calls:  # the caller may have given up before
            self.calls[key].respond(status)

    def hang_up(self, key: str, status: int = 0) -> None:
        if key in self.calls:
            self.calls[key].end(status)

    def bury(self, call: PjsipCall, status: int, reason: str) -> None:
        """The call is over: forget it, and let its objects go as soon as PJSIP is done with them."""
        if self.calls.pop(call.key, None) is not None:
            self.buried.append((call, {"at": time.monotonic(), "status": status, "text": reason}))


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
