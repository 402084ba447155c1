"""Finished runs, to be looked at on the stage: their calls, and the events of one as if it happened now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from proxy.config.models import ProxyConfig, load_config
from proxy.counterfactual import Reconsidering
from proxy.files.yaml_file import FileErrors, load
from proxy.subscribers.storage import SubscribersFile, path_of
from simulator.addresses import Address, read_address
from simulator.results.messages import Message as Recorded
from simulator.results.run_reader import (
    PlayedCall,
    addresses,
    as_written,
    find_call,
    lines_of,
    manifest_of,
    messages_of_call,
    parts_of,
)
from simulator.stage.events import Ended, Event, Judged, Lifeline, Message, Phone, Placed, Text, name_of, to_json
from simulator.stage.masking import page_without_pin, without_pin
from simulator.stage.saving import REPORT
from simulator.stage.verdicts import verdict_of
from simulator.stage.watching import Watching, opening, shown_by

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,200}")
_MOST_RUNS, _MOST_CALLS = 100, 200
_TICK = 1e-4  # seconds between the first message and what comes before it
_SEARCHED = ("id", "family", "caller", "callee", "truth", "outcome")


class NoRun(LookupError):
    """There is no such run, or no such call in it."""


def runs_in(root: Path) -> list[dict[str, Any]]:
    """The runs in a folder that were played to their end, the latest first. It blocks, as all here does."""
    found = []
    folders = sorted((each for each in root.iterdir() if not each.is_symlink()), reverse=True) if root.is_dir() else []
    for folder in folders:
        try:
            manifest = manifest_of(folder)
        except (FileErrors, OSError, ValueError):
            continue
        if manifest.get("played") and "scenarios" not in manifest:
            told = {name: manifest.get(name) for name in ("scenario", "started", "played", "softswitch")}
            found.append({"id": folder.name, **told, "report": (folder / REPORT).is_file()})
        if len(found) >= _MOST_RUNS:
            break
    return found


def calls_of(root: Path, run: str, searched: str = "") -> list[dict[str, Any]]:
    """The first 200 calls of a run, or those of which something has all words that are searched for. Raises NoRun."""
    folder, words = _folder(root, run), searched.lower().split()
    try:
        with as_written(folder):
            matching = (call for call in lines_of(folder / "calls.jsonl") if _matches(call, words))
            return [_shown(call) for call in islice(matching, _MOST_CALLS)]
    except (FileErrors, ValueError) as error:
        raise NoRun(str(error)) from None


def events_of(root: Path, run: str, name: str) -> list[dict[str, Any]]:
    """All that happened to a call of a run, in order of time, as far as it was recorded. Raises NoRun."""
    folder = _folder(root, run)
    try:
        with as_written(folder):
            call = find_call(folder, name)
            messages = messages_of_call(folder, call)
            config = load_config(folder / "proxy.yaml")
            events = list(_events(folder, call, messages, config))
    except (FileErrors, OSError, ValueError) as error:
        raise NoRun(str(error)) from None
    return [{"event": name_of(event), **to_json(event)} for event in sorted(events, key=lambda event: event.at)]


def report_of(root: Path, run: str) -> str:
    """The report that lies in a run's folder, without the PINs that `ringfence report` shows. Raises NoRun."""
    folder = _folder(root, run)
    try:
        page = (folder / REPORT).read_text(encoding="utf-8")
        return page_without_pin(page, _dialled(folder))
    except FileNotFoundError:
        raise NoRun("no report in it: `ringfence report RUN --html FILE` makes one") from None
    except (FileErrors, OSError, ValueError) as error:
        raise NoRun(str(error)) from None


def _dialled(folder: Path) -> set[str]:
    """The star codes that calls of a run were dialled with."""
    found = set()
    for part in parts_of(folder):
        path = part / "calls.jsonl"
        for call in lines_of(path) if path.exists() else ():
            if isinstance(callee := call.get("callee"), str) and without_pin(callee) != callee:
                found.add(callee)
    return found


def _events(folder: Path, call: PlayedCall, messages: Sequence[Recorded], config: ProxyConfig) -> Iterator[Event]:
    told, record, phones = call.told, call.record, _phones(config)
    begins = messages[0].time.timestamp() if messages else 0.0
    offset = begins - messages[0].at if messages else 0.0
    watching = Watching(_elements(folder), phones, lambda: offset)
    watching.begin(call.call_id)
    seen = [event for each in messages for event in watching.seen(*_as_heard(each))]
    openings = watching.openings(call.call_id)
    callee = phones.get(told["callee"])
    first = opening(openings[0]) if openings else None
    shown = {"subscriber": callee, "display_name": shown_by(first)[1] if first is not None else "", "body": None}
    seen = [each._replace(call=told["id"]) if isinstance(each, (Message, Phone, Text)) else each for each in seen]
    if record:
        deciding = None if manifest_of(folder).get("pseudonyms") else Reconsidering(config)
        judged = verdict_of(record, told["caller"], callee or without_pin(told["callee"]), openings, deciding)
        seen.append(judged._replace(call=told["id"]))
        if not messages:
            seen += _phone_saw(told, callee, judged)
    # The proxy's clock may be a little behind that of the messages, or before it.
    first_at = min((event.at for event in seen), default=begins)
    last = max((event.at for event in seen), default=begins)
    yield Placed(first_at - _TICK, {**_shown(told), **shown})
    yield from seen
    yield Ended(last + _TICK, told["id"], told["outcome"], told["caller_saw"]["status"], str(record.get("by", "")))


def _phone_saw(told: Mapping[str, Any], callee: str | None, judged: Judged) -> Iterator[Event]:
    """The ringing of a phone, of a call of which no message was recorded."""
    sent, rang = told["caller_saw"]["sent"], told["phone_saw"].get("first_invite")
    if callee is None or None in (sent, rang) or told["method"] != "INVITE":
        return
    at = judged.at + max(_TICK, rang - sent)
    yield Phone(at, callee, "ringing", told["id"], told["caller"], "", judged.label)
    over = told["caller_saw"]["final"]
    yield Phone(max(at, judged.at + ((over or rang) - sent)) + _TICK, callee, "idle", told["id"], "", "", "")


def _as_heard(message: Recorded) -> tuple[float, bytes, str, Address, Address]:
    return message.at, message.data, message.transport, message.sender, message.receiver


def _elements(run: Path) -> dict[Address, Lifeline]:
    """The lab's proxy and softswitch, by address."""
    found: dict[Address, Lifeline] = {}
    for address, role in addresses(run).items():
        found[read_address(address)] = "proxy" if role == "proxy" else "softswitch"
    return found


def _phones(config: ProxyConfig) -> dict[str, str]:
    """The subscribers' names by what their phones are called with: user names and numbers."""
    found: dict[str, str] = {}
    for each in load(path_of(config.subscribers), SubscribersFile).subscribers if config.subscribers else ():
        found |= dict.fromkeys((each.user, each.number), each.user or each.number)
    return found


def _folder(root: Path, run: str) -> Path:
    if not _NAME.fullmatch(run) or not (root / run / "manifest.json").is_file():
        raise NoRun("no such run")
    return root / run


def _matches(call: Mapping[str, Any], words: list[str]) -> bool:
    said = " ".join(str(call.get(name, "")) for name in _SEARCHED).lower() if words else ""
    return all(word in said for word in words)


def _shown(call: Mapping[str, Any]) -> dict[str, Any]:
    wrote = call.get("proxy_wrote") or {}
    return {
        "id": call["id"],
        "from": call["caller"],
        "to": without_pin(call["callee"]),
        "trunk": call["trunk"],
        "method": call["method"],
        "truth": call["truth"],
        "family": call["family"],
        "outcome": call["outcome"],
        "action": wrote.get("action"),
        "rule": wrote.get("rule"),
        "final": call["caller_saw"]["status"],
    }
