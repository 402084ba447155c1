"""The calls that are shown one by one: those that failed, those that were picked, others as there is room."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from proxy.files.visible import visible
from simulator.media.recordings import RECORDING_SERVICES, recording_path
from simulator.report.evidence_words import caller_saw, phone_saw
from simulator.report.html import ladder_svg
from simulator.report.html.counterfactuals import Counterfactuals
from simulator.report.html.reading import Calls, Played, Run, why
from simulator.report.html.svg import Markup
from simulator.report.ladder import Judgement, Ladder, build, text, title_of
from simulator.results.messages import Message, messages_by_call
from simulator.results.run_reader import addresses, find_calls

MOST = 200  # calls
_MOST_MESSAGES = 300  # of a call
_SOUND = 2 << 20  # bytes of recordings


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the page lists it, with its number; the policy's verdict among them has none."""

    number: int | None
    at: str
    since: str
    way: str
    label: str
    ends: str
    data: str


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording: who heard it, and its file as a data URL; where that is empty, the file was too big."""

    title: str
    url: str
    path: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A call with all that is known of it."""

    row: int
    scenario: str
    told: Mapping[str, Any]
    record: Mapping[str, Any]
    why: str
    picture: Markup
    text: str
    counterfactual: str
    messages: Sequence[Shown]
    messages_left: int
    sounds: Sequence[Sound]

    @property
    def trace(self) -> Sequence[Sequence[str]]:
        """The answers of the rules, as the proxy's record tells them."""
        return self.record.get("trace") or ()

    @property
    def call_ids(self) -> str:
        """The Call-IDs of its legs."""
        return ", ".join(dict.fromkeys((self.told.get("call_id") or self.told["id"], *self.record.get("legs", ()))))

    @property
    def caller_saw(self) -> str:
        """The caller's evidence, in words."""
        return caller_saw(self.told["caller_saw"])

    @property
    def phone_saw(self) -> str:
        """The phone's evidence, in words."""
        return phone_saw(self.told["phone_saw"], self.told["method"])

    @property
    def size(self) -> int:
        """About the bytes that it takes in the page."""
        return 3000 + len(self.picture) + len(self.text) + sum(200 + len(each.data) for each in self.messages)


def panels(run: Run, picked: Collection[str], room: int) -> Iterator[Panel]:
    """The panels of a run, those of failed and `picked` calls first, until there is no more room (in bytes)."""
    chosen = chosen_rows(run.calls, picked)
    sound = [min(_SOUND, room // 4)]
    room -= sound[0]
    parts = [(played, [row for row in chosen if played.first <= row < played.last]) for played in run.scenarios]
    parts = [(played, rows) for played, rows in parts if rows]
    for left, (played, rows) in zip(range(len(parts), 0, -1), parts, strict=True):
        share = room // left  # what a scenario leaves is for those after it
        for panel in _of_scenario(run.calls, played, rows, sound):
            must = run.calls.failed[panel.row] or run.calls.ids[panel.row] in picked
            if (must or panel.messages) and panel.size <= share:
                share -= panel.size
                room -= panel.size
                yield panel


def chosen_rows(calls: Calls, picked: Collection[str]) -> list[int]:
    """The rows to show: picked ones, one of each way to fail, the other failed ones, one of each name, then any."""
    kinds: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    columns = [calls.words[name].codes for name in ("scenario", "name", "action", "rule")]
    for row in range(len(calls)):
        if calls.failed[row]:
            kinds[tuple(column[row] for column in columns)].append(row)
    named: dict[tuple[int, int], int] = {}
    for row in range(len(calls)):
        named.setdefault((columns[0][row], columns[1][row]), row)
    order = dict.fromkeys(row for row in range(len(calls)) if calls.ids[row] in picked) if picked else {}
    order |= dict.fromkeys(rows[0] for rows in kinds.values())
    order |= dict.fromkeys(row for rows in kinds.values() for row in rows)
    order |= dict.fromkeys(named.values())
    order |= dict.fromkeys(range(min(len(calls), MOST)))
    return list(islice(order, MOST))


def _of_scenario(calls: Calls, played: Played, rows: Sequence[int], sound: list[int]) -> Iterator[Panel]:
    found = find_calls(played.folder, {calls.ids[row] for row in rows})
    messages = messages_by_call(played.folder, {each.call_id: each.record.get("legs", ()) for each in found.values()})
    known = addresses(played.folder)
    counterfactuals = Counterfactuals(played.folder) if any(messages.values()) else None
    for row, each in ((row, found[calls.ids[row]]) for row in rows):
        call, record, call_id = each.told, each.record, each.call_id
        own = [message for message in messages[call_id] if message.proxied]
        left, own = len(own) - _MOST_MESSAGES, own[:_MOST_MESSAGES]
        otherwise = counterfactuals.told(record, own) if counterfactuals else ""
        ladder = build(title_of(call), own, known, record)
        yield Panel(
            row,
            played.name,
            call,
            record,
            why(call),
            ladder_svg.drawn(ladder, otherwise) if own else Markup(),
            "\n".join(text(ladder)) if own else "",
            otherwise,
            list(_messages(ladder)),
            max(0, left),
            list(_sounds(played.folder, call, call_id, sound)),
        )


def _messages(ladder: Ladder) -> Iterator[Shown]:
    previous: float | None = None
    count = 0
    for step in ladder.steps:
        if isinstance(step, Judgement):
            yield Shown(None, f"{step.at * 1e3:.1f}", "", "policy", step.verdict, "", step.detail)
        else:
            message = step.message
            source, target = ladder.lifelines[step.source].title, ladder.lifelines[step.target].title
            yield Shown(
                count,
                f"{step.at * 1e3:.1f}",
                "" if previous is None else f"+{(step.at - previous) * 1e3:.1f}",
                f"{source} → {target}",
                step.label + (" again" if step.again else ""),
                f"{message.transport.upper()} {_ends(message)}, Call-ID {message.call_id}",
                visible(message.data.decode("utf-8", "backslashreplace").replace("\r\n", "\n").rstrip("\n")),
            )
            previous = step.at
            count += 1


def _ends(message: Message) -> str:
    return " to ".join(f"{address[0]}:{address[1]}" for address in (message.sender, message.receiver))


def _sounds(folder: Path, call: Mapping[str, Any], call_id: str, room: list[int]) -> Iterator[Sound]:
    sides = [("caller", "what the caller heard", call["id"]), ("phone", "what the phone heard", call["id"])]
    sides += [(service, f"what the {service} heard", call_id) for service in RECORDING_SERVICES]
    for side, title, name in sides:
        path = recording_path(folder, side, name)
        if path.exists():
            size = path.stat().st_size
            fits = size * 4 // 3 <= room[0]
            room[0] -= size * 4 // 3 if fits else 0
            url = f"data:audio/wav;base64,{b64encode(path.read_bytes()).decode()}" if fits else ""
            yield Sound(title, url, f"recordings/{path.name}")
