"""Calls between real SIPp peers through the running proxy: set-up, loss, CANCEL, re-INVITE, refusals."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.loopback import free_port
from tests.plays.proxy_process import INTERNATIONAL, PHONES, STRANGER, SWITCH, ProxyProcess, eventually
from tests.plays.sipp_peer import SippPeers, arrivals, received, sent

pytestmark = pytest.mark.peers
Start = Callable[..., ProxyProcess]
both_transports = pytest.mark.parametrize("transport", ["udp", "tcp"])


@both_transports
def test_calls_are_set_up_and_ended_along_the_record_route(
    running_proxy: Start, sipp: SippPeers, transport: str
) -> None:
    switch = sipp.switch("switch_answers", calls=20, transport=transport)
    proxy = running_proxy(switch.port, transport=transport)
    caller = sipp.caller("caller_talks", INTERNATIONAL, proxy.address, calls=20, transport=transport, TALK="20")
    at_caller, at_switch = caller.finish(), switch.finish()
    # The switch rings at once, which says it all: 100 is for who would have to wait longer (RFC 3261 17.2.1).
    invited = {line.call_id: line.at for line in reversed(at_caller) if line.start.startswith("INVITE")}
    trying = [line for line in at_caller if line.start.startswith("SIP/2.0 100")]
    assert [line for line in trying if line.at < invited[line.call_id] + 0.2] == []
    assert received(at_caller, "SIP/2.0 200") == 40
    assert [received(at_switch, method) for method in ("INVITE", "ACK", "BYE")] == [20, 20, 20]
    assert [record["final"] for record in proxy.records(20)] == [200] * 20


@both_transports
def test_either_side_may_hang_up(running_proxy: Start, sipp: SippPeers, transport: str) -> None:
    switch = sipp.switch("switch_hangs_up", calls=5, transport=transport)
    proxy = running_proxy(switch.port, transport=transport)
    caller = sipp.caller("caller_is_hung_up_on", INTERNATIONAL, proxy.address, calls=5, transport=transport)
    at_caller = caller.finish()
    switch.finish()
    assert received(at_caller, "BYE") == 5


def test_transports_may_differ_on_the_two_sides(running_proxy: Start, sipp: SippPeers) -> None:
    switch = sipp.switch("switch_hangs_up", calls=5)
    proxy = running_proxy(switch.port)
    caller = sipp.caller("caller_is_hung_up_on", INTERNATIONAL, proxy.address, calls=5, transport="tcp")
    caller.finish()
    switch.finish()


@both_transports
def test_a_re_invite_stays_on_the_path(running_proxy: Start, sipp: SippPeers, transport: str) -> None:
    switch = sipp.switch("switch_is_reinvited", calls=5, transport=transport)
    proxy = running_proxy(switch.port, transport=transport)
    caller = sipp.caller("caller_reinvites", INTERNATIONAL, proxy.address, calls=5, transport=transport)
    caller.finish()
    assert received(switch.finish(), "INVITE") == 10
    assert len(proxy.records(5)) == 5  # one a call: the policy judges calls, not re-INVITEs


@both_transports
def test_a_cancelled_call_ends_with_487(running_proxy: Start, sipp: SippPeers, transport: str) -> None:
    switch = sipp.switch("switch_is_cancelled", calls=5, transport=transport)
    proxy = running_proxy(switch.port, transport=transport)
    caller = sipp.caller("caller_cancels", INTERNATIONAL, proxy.address, calls=5, transport=transport)
    caller.finish()
    switch.finish()
    assert [record["final"] for record in proxy.records(5)] == [487] * 5


@both_transports
@pytest.mark.parametrize("answer", ["486 Busy Here", "404 Not Found", "480 Temporarily Unavailable", "600 Busy"])
def test_a_refusal_by_the_switch_reaches_the_caller(
    running_proxy: Start, sipp: SippPeers, transport: str, answer: str
) -> None:
    switch = sipp.switch("switch_refuses", calls=3, transport=transport, ANSWER=answer)
    proxy = running_proxy(switch.port, transport=transport)
    caller = sipp.caller(
        "caller_is_refused", INTERNATIONAL, proxy.address, calls=3, transport=transport, STATUS=answer[:3]
    )
    at_caller = caller.finish()
    switch.finish()
    assert received(at_caller, f"SIP/2.0 {answer}") == 3


def test_the_proxy_repeats_itself_towards_a_silent_switch_and_spares_the_caller(
    running_proxy: Start, sipp: SippPeers
) -> None:
    switch = sipp.switch("switch_is_slow", SILENCE="700")
    proxy = running_proxy(switch.port)
    caller = sipp.caller("caller_talks", INTERNATIONAL, proxy.address, TALK="10")
    at_caller, at_switch = caller.finish(), switch.finish()
    told_to_wait = next(index for index, line in enumerate(at_caller) if line.start.startswith("SIP/2.0 100"))
    assert sent(at_caller[told_to_wait:], "INVITE") == 0
    assert arrivals(at_switch, "INVITE") == 2  # timer A: after 0.5 s once
    assert sent(at_caller, "BYE") == 2  # no 100 for a BYE; the proxy does not pass the second one on
    assert arrivals(at_switch, "BYE") == 2  # timer E, the proxy's own


def test_a_lost_ack_brings_the_200_again_end_to_end(running_proxy: Start, sipp: SippPeers) -> None:
    switch = sipp.switch("switch_answers")
    proxy = running_proxy(switch.port)
    caller = sipp.caller("caller_loses_ack", INTERNATIONAL, proxy.address)
    at_caller = caller.finish()
    switch.finish()
    assert arrivals(at_caller, "SIP/2.0 200") == 3  # two to the INVITE, one to the BYE


def test_a_lost_200_is_made_good_by_the_switch(running_proxy: Start, sipp: SippPeers) -> None:
    switch = sipp.switch("switch_loses_200")
    proxy = running_proxy(switch.port)
    caller = sipp.caller("caller_talks", INTERNATIONAL, proxy.address, TALK="10")
    at_caller = caller.finish()
    switch.finish()
    assert sent(at_caller, "INVITE") == 1


def test_the_same_request_by_two_ways_rings_once(running_proxy: Start, sipp: SippPeers) -> None:
    switch = sipp.switch("switch_answers_later", RING="300")
    proxy = running_proxy(switch.port)
    caller = sipp.caller("caller_asks_twice", INTERNATIONAL, proxy.address)
    caller.finish()
    assert arrivals(switch.finish(), "INVITE") == 1


def ask(sipp: SippPeers, proxy: ProxyProcess, host: str, status: int, **words: str) -> None:
    """One request from `host`, which the proxy has to answer with `status`."""
    said: dict[str, Any] = {
        "URI": "sip:@CALLEE@@[remote_ip]:[remote_port]",
        "HEADER": "Subject: test",
        "HOPS": "70",
        **words,
    }
    said["URI"] = said["URI"].replace("@CALLEE@", "+8613800138001")
    sipp.caller("caller_sends", host, proxy.address, STATUS=str(status), **said).finish()


def test_an_options_ping_is_answered(running_proxy: Start, sipp: SippPeers) -> None:
    proxy = running_proxy(free_port(SWITCH))
    ask(sipp, proxy, INTERNATIONAL, 200, METHOD="OPTIONS", URI="sip:[remote_ip]:[remote_port]")


def test_no_hops_left_is_483(running_proxy: Start, sipp: SippPeers) -> None:
    proxy = running_proxy(free_port(SWITCH))
    ask(sipp, proxy, INTERNATIONAL, 483, METHOD="OPTIONS", HOPS="0")


def test_an_unknown_source_is_403(running_proxy: Start, sipp: SippPeers) -> None:
    switch = sipp.switch("switch_answers")
    proxy = running_proxy(switch.port)
    sipp.caller("caller_is_refused", STRANGER, proxy.address, STATUS="403").finish()
    assert not switch.heard("INVITE")


def test_an_extension_that_the_proxy_does_not_have_is_420(running_proxy: Start, sipp: SippPeers) -> None:
    proxy = running_proxy(free_port(SWITCH))
    ask(sipp, proxy, INTERNATIONAL, 420, METHOD="OPTIONS", HEADER="Proxy-Require: teleport")


def test_a_route_does_not_make_it_an_open_relay(running_proxy: Start, sipp: SippPeers) -> None:
    victim = sipp.switch("switch_answers", host="127.0.5.31")
    switch = sipp.switch("switch_answers")
    proxy = running_proxy(switch.port)
    for header in (
        f"Route: <sip:127.0.5.31:{victim.port};lr>",
        f"Route: <sip:{proxy.address};lr>, <sip:127.0.5.31:{victim.port};lr>",
        f"Route: <sip:forged~token@{proxy.address};lr>, <sip:127.0.5.31:{victim.port};lr>",
    ):
        ask(sipp, proxy, INTERNATIONAL, 403, METHOD="MESSAGE", HEADER=header)
    assert victim.seen() == []
    assert switch.seen() == []


def test_the_request_uri_does_not_make_it_an_open_relay(running_proxy: Start, sipp: SippPeers) -> None:
    victim = sipp.switch("switch_answers", host="127.0.5.31")
    switch = sipp.switch("switch_refuses", ANSWER="404 Not Found")
    proxy = running_proxy(switch.port)
    ask(sipp, proxy, INTERNATIONAL, 404, METHOD="INVITE", URI=f"sip:x@127.0.5.31:{victim.port}")
    assert received(switch.finish(), "INVITE") == 1  # served domains all go to the switch
    assert victim.seen() == []


def test_a_phone_registers_and_is_called_by_its_path(running_proxy: Start, sipp: SippPeers) -> None:
    switch = sipp.switch("switch_registers")
    proxy = running_proxy(switch.port)
    phone_port = free_port(PHONES)
    sipp.caller(
        "caller_sends",
        PHONES,
        proxy.address,
        port=phone_port,
        METHOD="REGISTER",
        URI="sip:[remote_ip]:[remote_port]",
        HEADER="Expires: 600",
        HOPS="70",
        STATUS="200",
    ).finish()
    switch.finish()
    path = next(line.partition(":")[2].strip() for line in switch.messages().splitlines() if line.startswith("Path:"))
    phone = sipp.switch("switch_answers", host=PHONES, port=phone_port)
    contact = f"sip:+8613800138001@{PHONES}:{phone_port}"
    sipp.caller("switch_calls_phone", SWITCH, proxy.address, port=switch.port, PATH=path, CONTACT=contact).finish()
    assert received(phone.finish(), "INVITE") == 1


def test_a_registration_on_a_trunk_is_refused(running_proxy: Start, sipp: SippPeers) -> None:
    proxy = running_proxy(free_port(SWITCH))
    ask(sipp, proxy, INTERNATIONAL, 403, METHOD="REGISTER")


def test_the_switch_cannot_call_by_a_path_that_is_not_ours(running_proxy: Start, sipp: SippPeers) -> None:
    victim = sipp.switch("switch_answers", host="127.0.5.31")
    switch_port = free_port(SWITCH)
    proxy = running_proxy(switch_port)
    contact = f"sip:x@127.0.5.31:{victim.port}"
    caller = sipp.caller(
        "caller_sends",
        SWITCH,
        proxy.address,
        port=switch_port,
        METHOD="MESSAGE",
        URI=contact,
        HEADER="Subject: t",
        HOPS="70",
        STATUS="403",
    )
    caller.finish()
    assert victim.seen() == []


def test_a_barred_call_is_refused_with_603_and_never_rings(
    running_proxy: Start, sipp: SippPeers, tmp_path: Path
) -> None:
    switch = sipp.switch("switch_answers")
    proxy = running_proxy(switch.port, subscribers=str(alice(tmp_path, barred=True)))
    sipp.caller("caller_is_refused", INTERNATIONAL, proxy.address, calls=3, STATUS="603").finish()
    said = {(record["action"], record["rule"], record["final"]) for record in proxy.records(3)}
    assert said == {("reject", "barring.incoming_international", 603)}
    assert not switch.heard("INVITE")


def test_a_reload_bars_the_next_call_and_keeps_the_one_that_stands(
    running_proxy: Start, sipp: SippPeers, tmp_path: Path
) -> None:
    switch = sipp.switch("switch_answers")
    subscribers = alice(tmp_path, barred=False)
    proxy = running_proxy(switch.port, subscribers=str(subscribers))
    talking = sipp.caller("caller_talks", INTERNATIONAL, proxy.address, TALK="1500")
    proxy.records(1)  # answered
    alice(tmp_path, barred=True)
    proxy.reload()
    sipp.caller("caller_is_refused", INTERNATIONAL, proxy.address, STATUS="603").finish()
    talking.finish()
    assert received(switch.finish(), "BYE") == 1


def test_a_reload_names_what_waits_for_a_restart(running_proxy: Start) -> None:
    proxy = running_proxy(free_port(SWITCH))
    config = json.loads(proxy.config.read_text())
    proxy.write_config({**config, "rules": {"anonymous.reject": "off"}})
    proxy.reload()
    assert "needs_restart" not in proxy.events("reloaded")[0]
    config["listen"] = [f"udp:{proxy.host}:{free_port(proxy.host)}", f"tcp:{proxy.host}:{free_port(proxy.host)}"]
    proxy.write_config({**config, "trunks": {}, "self_service": {"enabled": False, "lock_hours": 1}})
    proxy.reload()
    warned = proxy.events("reloaded")[1]
    assert warned["level"] == "warning"
    assert warned["needs_restart"] == ["listen", "trunks", "self_service.enabled"]


def test_a_reload_of_a_broken_file_keeps_the_old_lists(running_proxy: Start, sipp: SippPeers, tmp_path: Path) -> None:
    subscribers = alice(tmp_path, barred=True)
    proxy = running_proxy(free_port(SWITCH), subscribers=str(subscribers))
    subscribers.write_text("subscribers: {")
    proxy.process.send_signal(signal.SIGHUP)
    failed = proxy.wait_for("reload_failed")
    assert "subscribers.yaml:2:1" in failed["detail"]
    assert failed["in_force"] == "what was read before"
    sipp.caller("caller_is_refused", INTERNATIONAL, proxy.address, STATUS="603").finish()


def test_sigterm_lets_the_call_being_set_up_finish_and_takes_no_new_one(running_proxy: Start, sipp: SippPeers) -> None:
    switch = sipp.switch("switch_answers_later", RING="1000")
    proxy = running_proxy(switch.port, limits={"drain_seconds": 10})
    ringing = sipp.caller("caller_talks", INTERNATIONAL, proxy.address, TALK="0")
    eventually(lambda: switch.heard("INVITE"))
    proxy.process.send_signal(signal.SIGTERM)
    proxy.wait_for("draining")
    sipp.caller("caller_is_refused", INTERNATIONAL, proxy.address, STATUS="503").finish()
    assert proxy.process.wait(10) == 0
    assert proxy.wait_for("stopped")["drained"] is True
    eventually(lambda: ringing.heard("SIP/2.0 200"))


def alice(folder: Path, *, barred: bool) -> Path:
    """(Re)write the subscribers: alice alone, her line barred for calls from abroad or not."""
    path = folder / "subscribers.yaml"
    line = f'{{number: "+8613800138001", barring: {{incoming_international: {"on" if barred else "off"}}}}}'
    path.write_text(f"subscribers:\n  - {line}\n")
    return path
