"""Every softswitch registers phones and routes calls and texts alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.sip.message import Request
from simulator.agents.orders import ANONYMOUS, BUSY, REJECT, RING_ONLY, Behaviour, Order
from tests.plays.contract_lab import ALICE, BOB, CAROL, MOTHER, RING_TIME, ContractLab, MakeTalker, until
from tests.plays.stranger import Stranger
from tests.plays.talker import PATIENCE, Talker

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def registered(lab: ContractLab) -> None:
    """Alice's and bob's phones are where the wire agents are."""
    assert await asyncio.wait_for(lab.phones.register([ALICE, BOB]), PATIENCE) == []


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(lab: ContractLab) -> AsyncIterator[Stranger]:
    stranger = Stranger(lab.address)
    yield stranger
    stranger.close()


async def test_a_phone_registers_with_the_right_password_only(lab: ContractLab, stranger: Stranger) -> None:
    contact = f"sip:carol@{stranger.host}:{stranger.port}"
    assert await stranger.register(CAROL, "guessed", contact) in (401, 403)
    refused = await lab.place(Order("carol not there", MOTHER, CAROL.number))
    assert await stranger.register(CAROL, CAROL.password, contact) == 200
    assert await stranger.register(CAROL, CAROL.password, contact, expires=0) == 200
    assert refused.status == 480


async def test_a_phone_that_has_left_is_not_there(lab: ContractLab) -> None:
    assert await asyncio.wait_for(lab.phones.register([ALICE], expires=0), PATIENCE) == []
    assert (await lab.place(Order("alice has left", MOTHER, ALICE.number))).status == 480
    assert "alice has left" not in lab.phones.taken


async def test_a_call_goes_to_the_phone_by_way_of_its_path(lab: ContractLab, stranger: Stranger) -> None:
    path = f"<sip:token@{stranger.host}:{stranger.port};lr>"
    assert await stranger.register(CAROL, CAROL.password, "sip:carol@127.0.0.99:5999", path=path) == 200
    lab.trunk.place(Order("by path", MOTHER, CAROL.number))
    invite = await stranger.receive(lambda each: isinstance(each, Request) and each.method == "INVITE")
    assert isinstance(invite, Request)
    assert invite.uri.partition(";")[0] == "sip:carol@127.0.0.99:5999"
    assert invite.values("route") == [path]
    stranger.send(invite.reply(486, to_tag="busy"))
    await asyncio.wait_for(lab.trunk.idle(), PATIENCE)
    assert await stranger.register(CAROL, CAROL.password, "sip:carol@127.0.0.99:5999", expires=0) == 200


@pytest.mark.parametrize("dialled", [ALICE.number, ALICE.number.removeprefix("+"), "alice", "013800138001"])
async def test_a_number_is_found_however_it_is_dialled(lab: ContractLab, dialled: str) -> None:
    call = f"dialled {dialled}"
    placed = await lab.place(Order(call, MOTHER, dialled, talk=0.0))
    assert (placed.status, placed.error) == (200, None)
    seen = lab.phones.taken[call]
    assert [each.number for each in seen] == [ALICE.number]
    await until(lambda: seen[0].bye_received is not None)


@pytest.mark.parametrize(
    ("callee", "behaviour", "status"),
    [
        (ALICE.number, BUSY, 486),
        (ALICE.number, REJECT, 603),
        (ALICE.number, Behaviour(status=480, rings=False), 480),
        (ALICE.number, RING_ONLY, 480),
        (ALICE.number, Behaviour(status=302), 480),
        (CAROL.number, None, 480),
        ("+8613800138009", None, 404),
    ],
    ids=["busy", "declined", "unavailable", "no answer", "redirected", "not registered", "nobody"],
)
async def test_what_keeps_a_call_from_its_phone_is_told(
    lab: ContractLab, callee: str, behaviour: Behaviour | None, status: int
) -> None:
    call = f"refused {status} {callee} {behaviour}".replace(" ", "-")
    if behaviour is not None:
        lab.phones.for_call[call] = behaviour
    placed = await lab.place(Order(call, MOTHER, callee, patience=RING_TIME + 10))
    assert (placed.status, placed.error) == (status, None)
    assert len(lab.phones.taken.get(call, [])) == (behaviour is not None)
    if behaviour == RING_ONLY:
        await until(lambda: lab.phones.taken[call][0].cancelled is not None)


async def test_a_caller_who_gives_up_gets_487_and_the_phone_a_cancel(lab: ContractLab) -> None:
    lab.phones.for_call["gives-up"] = RING_ONLY
    placed = await lab.place(Order("gives-up", MOTHER, ALICE.number, cancel_after=0.05))
    assert placed.status == 487
    await until(lambda: lab.phones.taken["gives-up"][0].cancelled is not None)


async def test_what_says_who_calls_and_why_reaches_the_phone(lab: ContractLab) -> None:
    order = Order(
        "labels",
        ANONYMOUS,
        ALICE.number,
        diversion="+8613800138007",
        privacy="id",
        headers=(
            ("P-Asserted-Identity", '"Overseas: Singapore" <sip:+6591234567@ringfence.example>'),
            ("Alert-Info", "<urn:alert:tone:suspect>"),
            ("Call-Info", "<https://lab.example/why>;purpose=info"),
            ("X-Private", "stays here"),
        ),
        talk=0.0,
    )
    await lab.place(order)
    seen = lab.phones.taken["labels"][0]  # found by X-Ringfence-Call
    assert seen.from_.startswith('"Anonymous" <sip:anonymous@')
    assert seen.headers["p-asserted-identity"] == '"Overseas: Singapore" <sip:+6591234567@ringfence.example>'
    assert seen.headers["alert-info"] == "<urn:alert:tone:suspect>"
    assert seen.headers["call-info"] == "<https://lab.example/why>;purpose=info"
    assert seen.headers["diversion"] == "<sip:+8613800138007@ringfence.example>;reason=unconditional"
    assert seen.headers["privacy"] == "id"
    assert "x-private" not in seen.headers


async def test_a_display_name_reaches_the_phone(lab: ContractLab) -> None:
    await lab.place(Order("named", MOTHER, ALICE.number, display_name="Overseas call: Singapore", talk=0.0))
    assert lab.phones.taken["named"][0].from_.startswith('"Overseas call: Singapore" <sip:+6591234567@')


async def test_a_text_reaches_the_phone_and_its_answer_comes_back(lab: ContractLab) -> None:
    placed = await lab.place(Order("text", MOTHER, BOB.number, text="your parcel waits 包裹"))
    assert placed.status in (200, 202)
    await until(lambda: any(each.method == "MESSAGE" for taken in lab.phones.taken.values() for each in taken))
    seen = [each for taken in lab.phones.taken.values() for each in taken if each.method == "MESSAGE"]
    assert [(each.number, each.body.decode()) for each in seen] == [(BOB.number, "your parcel waits 包裹")]


async def test_the_switch_says_that_it_is_there(lab: ContractLab, stranger: Stranger) -> None:
    headers = [
        ("From", "<sip:x@127.0.0.1>;tag=o"),
        ("To", "<sip:127.0.0.1>"),
        ("Call-ID", f"options-{stranger.port}"),
        ("CSeq", "1 OPTIONS"),
    ]
    stranger.send(stranger.request("OPTIONS", f"sip:127.0.0.1:{lab.address[1]}", headers))
    assert (await stranger.final()).status == 200


async def talk(lab: ContractLab, talker: MakeTalker) -> tuple[Talker, Talker]:
    """A call between two telephones that talk."""
    assert await asyncio.wait_for(lab.phones.register([ALICE], expires=0), PATIENCE) == []
    callee = await talker("callee", 1000, registers=ALICE)
    caller = await talker("caller", 440)
    caller.call(ALICE.number)
    await caller.sees("200")
    await callee.sees("INVITE", "ACK")
    return caller, callee


async def test_both_sides_hear_each_other_and_the_caller_hangs_up(lab: ContractLab, talker: MakeTalker) -> None:
    caller, callee = await talk(lab, talker)
    await caller.hears(1000, 0.3)
    await callee.hears(440, 0.3)
    caller.hang_up()
    await callee.sees("BYE")
    assert caller.heard_tone(1000) > 0.3
    assert callee.heard_tone(440) > 0.3


async def test_the_phone_hangs_up(lab: ContractLab, talker: MakeTalker) -> None:
    caller, callee = await talk(lab, talker)
    callee.hang_up()
    await caller.sees("BYE")


@pytest.mark.parametrize("by", ["caller", "callee"])
async def test_each_side_may_offer_again(lab: ContractLab, talker: MakeTalker, by: str) -> None:
    caller, callee = await talk(lab, talker)
    asks = caller if by == "caller" else callee
    answer = await asks.offer_again()
    assert answer.status == 200
    assert b"m=audio" in answer.body
    await caller.hears(1000, 0.3)
    await callee.hears(440, 0.3)
    caller.hang_up()
    await callee.sees("BYE")
    assert caller.heard_tone(1000) > 0.3
    assert callee.heard_tone(440) > 0.3


async def two_phones(lab: ContractLab, talker: MakeTalker, *, answers: bool) -> tuple[Talker, Talker, Talker]:
    """A caller, and two telephones of alice's, the second of which may answer at once."""
    assert await asyncio.wait_for(lab.phones.register([ALICE], expires=0), PATIENCE) == []
    kitchen = await talker("kitchen", 800, registers=ALICE, answers=False)
    pocket = await talker("pocket", 1000, registers=ALICE, answers=answers)
    return await talker("caller", 440), kitchen, pocket


async def test_two_phones_of_a_subscriber_ring_together_and_the_first_that_answers_has_the_call(
    lab: ContractLab, talker: MakeTalker
) -> None:
    caller, kitchen, pocket = await two_phones(lab, talker, answers=False)
    caller.call(ALICE.number)
    await kitchen.sees("INVITE")
    await pocket.sees("INVITE")
    kitchen.answer()
    await caller.sees("200")
    await pocket.sees("CANCEL")
    cancel = pocket.messages[pocket.events.index("CANCEL")]
    assert 'cause=200;text="Call completed elsewhere"' in (cancel.header("reason") or "")
    await caller.hears(800, 0.3)
    await kitchen.hears(440, 0.3)
    caller.hang_up()
    await kitchen.sees("BYE")
    assert caller.heard_tone(800) > 0.3
    assert kitchen.heard_tone(440) > 0.3
    assert "BYE" not in pocket.events


async def test_who_gives_up_stops_both_phones(lab: ContractLab, talker: MakeTalker) -> None:
    caller, kitchen, pocket = await two_phones(lab, talker, answers=False)
    caller.call(ALICE.number)
    await kitchen.sees("INVITE")
    await pocket.sees("INVITE")
    caller.hang_up()
    await kitchen.sees("CANCEL")
    await pocket.sees("CANCEL")
    await caller.sees("487")


async def test_a_busy_phone_leaves_the_other_ringing_and_two_make_the_caller_hear_that_they_are(
    lab: ContractLab,
) -> None:
    elsewhere = [Stranger(lab.address), Stranger(lab.address)]
    for number, phone in enumerate(elsewhere):
        path = f"<sip:token{number}@{phone.host}:{phone.port};lr>"  # each is met by its own
        contact = f"sip:carol@127.0.0.99:{5990 + number}"
        assert await phone.register(CAROL, CAROL.password, contact, path=path) == 200
    placed = lab.trunk.place(Order("both busy", MOTHER, CAROL.number))
    for number, phone in enumerate(elsewhere):
        invite = await phone.receive(lambda each: isinstance(each, Request) and each.method == "INVITE")
        assert isinstance(invite, Request)
        assert invite.uri.partition(";")[0] == f"sip:carol@127.0.0.99:{5990 + number}"
        assert invite.values("route") == [f"<sip:token{number}@{phone.host}:{phone.port};lr>"]
        phone.send(invite.reply(486, to_tag="busy"))
    await asyncio.wait_for(lab.trunk.idle(), PATIENCE)
    assert placed.status == 486
    for number, phone in enumerate(elsewhere):
        assert await phone.register(CAROL, CAROL.password, f"sip:carol@127.0.0.99:{5990 + number}", expires=0) == 200
        phone.close()
