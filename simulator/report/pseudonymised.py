"""A run with pseudonyms: everything in its folder, and the result that reports are made of.

The key stands nowhere in the folder; `pseudonyms` in the manifest tells runs of one key from those of another. Until a
run has ended, its folder holds what was played.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from proxy.numbers.numbering import Numbering
from proxy.policy.precedence import PRECEDENCE
from simulator.judging.compared import Compared
from simulator.judging.paired import Changed
from simulator.judging.result import Result
from simulator.load.result import LoadResult
from simulator.report.files import SCHEMAS
from simulator.report.pseudonyms import SHORTEST, Pseudonyms
from simulator.results.inputs import INPUTS
from simulator.results.media import MEDIA
from simulator.results.message_file import MessageFile, read_records
from simulator.results.messages import MESSAGES
from simulator.results.run_folder import fresh, point_latest
from simulator.scenario.model import Scenario
from simulator.traffic.planned_call import PlannedCall

_NUMBER = re.compile(rf"(?<!\d)\+?\d{{{SHORTEST},}}(?!\d)")
_SECRET = re.compile(rb"""(\b(?:password|pin)["']?\s*:\s*)("[^"\n]*"|'[^'\n]*'|[^,}\s]+)""")
_KEPT = frozenset((".wav", ".pem", ".secret", ".hlog"))  # what is in them says no number
# Words of SIP and of the folder that no schema names.
_WORDS = """
    INVITE ACK BYE CANCEL OPTIONS REGISTER MESSAGE REFER NOTIFY INFO UPDATE PRACK SUBSCRIBE PUBLISH SIP Via From To
    Contact Route Record Path Allow Supported Require Reason Privacy Warning Date Event Expires Digest sip sips tel udp
    tcp tls ws wss tag branch rport received expires lr user phone transport ob instance reg anonymous invalid localhost
    example ringfence proxy softswitch caller callee call calls run runs latest lists scenario inputs records manifest
    events messages bin metrics log jsonl json yaml csv wav true false null none yes the and not for with from rule
"""


Played = tuple[Scenario, Iterable[PlannedCall | Changed]]


def pseudonyms_for(key: str, played: Iterable[Played]) -> Pseudonyms:
    """Pseudonyms for all that scenarios name, and for what their calls are made of."""
    numbers: set[str] = set()
    names: set[str] = set()
    code = ""
    for scenario, calls in played:
        numbering = Numbering(scenario.home)
        code = code or str(numbering.country_code)
        users = {text for name, each in scenario.subscribers.items() for text in (name, each.user) if text}
        names |= users
        texts = {*_texts(scenario), *users}
        for call in calls:
            if isinstance(call, Changed):
                texts |= set(_texts(call))
                continue
            texts |= {call.caller, call.callee, call.display_name, call.body or "", *(text for _, text in call.headers)}
        numbers |= {number for text in texts for number in _numbers(text, numbering)}
    return Pseudonyms(key, code, numbers, names, words())


def _texts(value: Any) -> Iterator[str]:
    """All texts in a model, keys included."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))
    elif hasattr(value, "model_fields_set"):
        yield from _texts(dict(value))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(name)
            yield from _texts(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _texts(each)


def _numbers(text: str, numbering: Numbering) -> Iterator[str]:
    """The numbers in a text: as E.164 where they can be read as such, else their digits."""
    for match in _NUMBER.finditer(text):
        understood = numbering.understand(match[0]).e164
        yield understood or match[0]
        if (
            understood and understood[1:] not in match[0] and len(match[0]) >= SHORTEST
        ):  # a prefix of some sort before it
            yield match[0].lstrip("+0") if match[0][0] != "+" else match[0]


@cache
def words() -> frozenset[str]:
    """The words that formats of Ringfence, and SIP, are made of."""
    found = {*_WORDS.split(), *(part for rule in PRECEDENCE for part in re.split(r"[._]", rule)), *PRECEDENCE}
    for schema in SCHEMAS.values():
        found |= set(_keywords(schema()))
    return frozenset(found)


def _keywords(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _keywords(each)
    if not isinstance(schema, dict):
        return
    for name, value in schema.items():
        if name == "properties":
            yield from value
        elif name in ("enum", "const", "default"):
            yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))
        yield from _keywords(value)


def pseudonymise_folder(folder: Path, pseudonyms: Pseudonyms) -> Path:
    """Put pseudonyms into every file of a run's folder, and into the names of these; returns the folder as it is named.

    Records of calls are taken out of its inputs: their columns may say more than numbers. So are packets of sound: the
    keys that were pressed can be read in them. Raises OSError.
    """
    for path in sorted((folder / INPUTS / "records").glob("*")):
        path.unlink()
    (folder / MEDIA).unlink(missing_ok=True)
    for path in sorted(folder.rglob("*"), key=lambda each: len(each.parts), reverse=True):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            continue
        if path.name == MESSAGES:
            _messages(path, pseudonyms)
        elif path.is_file() and path.suffix not in _KEPT:
            _rewrite(path, pseudonyms)
        if (name := pseudonyms.text(path.name)) != path.name:
            path.rename(path.with_name(name))
    _mark(folder / "manifest.json", pseudonyms)
    name = pseudonyms.text(folder.name)
    if name == folder.name:
        return folder
    renamed = fresh(folder.with_name(name))  # another run of the same second may have that name
    folder.rename(renamed)
    point_latest(renamed.parent, renamed)
    return renamed


def _rewrite(path: Path, pseudonyms: Pseudonyms) -> None:
    part = path.with_name(f".{path.name}.part")
    if path.suffix == ".json":
        part.write_bytes(pseudonyms.json(path.read_bytes()))
    else:
        with path.open("rb") as old, part.open("wb") as new:
            for line in old:
                new.write(_line(line, path, pseudonyms))
    part.replace(path)


def _line(line: bytes, path: Path, pseudonyms: Pseudonyms) -> bytes:
    if line.startswith(b"{") and path.suffix in (".jsonl", ".log"):
        return pseudonyms.json(line)
    if path.suffix in (".yaml", ".yml"):
        line = _SECRET.sub(lambda match: match[1] + b"0" * len(match[2].strip(b"\"'")), line)
    return pseudonyms.plain(line)


def _messages(path: Path, pseudonyms: Pseudonyms) -> None:
    part = MessageFile(path.with_name(f".{path.name}.part"))
    for record in read_records(path):
        part.add(record._replace(data=pseudonyms.plain(record.data)))
    part.replace(path)


def _mark(path: Path, pseudonyms: Pseudonyms) -> None:
    if path.exists():
        manifest = json.loads(path.read_text(encoding="utf-8")) | {"pseudonyms": pseudonyms.fingerprint}
        path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def pseudonymise_result(result: Result, folder: Path, pseudonyms: Pseudonyms) -> Result:
    """The result with pseudonyms, for the reports that are made of it; its folder is this one now."""
    mapped: Result = _mapped(result, pseudonyms)
    return replace(mapped, folder=folder)


def pseudonymise_load(result: LoadResult, folder: Path, pseudonyms: Pseudonyms) -> LoadResult:
    """The same of a load, which knows no more of calls than counts and times."""
    name, source, notes, problems = (
        _mapped(each, pseudonyms) for each in (result.name, result.source, result.notes, result.problems)
    )
    return replace(result, name=name, source=source, folder=folder, notes=notes, problems=problems)


def pseudonymise_compared(compared: Compared, renamed: Mapping[Path, Path], pseudonyms: Pseudonyms) -> Compared:
    """A comparison with pseudonyms; `renamed` are the folders of its runs as they are called now."""
    folders = [(side, str(renamed.get(Path(folder), folder))) for side, folder in compared.folders]
    mapped: Compared = _mapped(replace(compared, folders=()), pseudonyms)
    return replace(mapped, folders=folders)


def _mapped(value: Any, pseudonyms: Pseudonyms) -> Any:
    """A copy of a value with pseudonyms in every text."""
    new = value
    if isinstance(value, Enum) or value is None:
        return value
    if isinstance(value, str):
        new = pseudonyms.text(value)
    elif isinstance(value, Path):
        new = Path(pseudonyms.text(str(value)))
    elif is_dataclass(value) and not isinstance(value, type):
        new = replace(value, **{each.name: _mapped(getattr(value, each.name), pseudonyms) for each in fields(value)})
    elif isinstance(value, (tuple, list)):
        items = [_mapped(each, pseudonyms) for each in value]
        kind = type(value)
        new = kind(*items) if hasattr(kind, "_fields") else kind(items)  # a named tuple takes them one by one
    elif isinstance(value, Mapping):
        pairs = {_mapped(name, pseudonyms): _mapped(each, pseudonyms) for name, each in value.items()}
        new = Counter(pairs) if isinstance(value, Counter) else pairs
    return new


def masked(command: Iterable[str], option: str) -> Iterator[str]:
    """A command line without the value of an option."""
    hide = False
    for word in command:
        if word.startswith(f"{option}="):
            yield f"{option}=***"
        else:
            yield "***" if hide else word
        hide = word == option
