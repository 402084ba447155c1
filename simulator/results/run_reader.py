"""Reads the folder of a run afterwards: its calls, the proxy's records of them, and the addresses of its lab."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from io import BytesIO
from itertools import islice
from json import JSONDecodeError
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from proxy.files.visible import visible
from proxy.files.yaml_file import FileError, FileErrors
from simulator.errors import LabError
from simulator.results.formats import CallLine, Events, Manifest, Records
from simulator.results.messages import Calls, Message, messages_of
from simulator.results.run_json import NoSuchNumber, line_and_column, place_of, read_document, read_line

_SHOWN = 5  # names of calls in an error
_SHOWN_LETTERS = 40  # of what is wrong in a file
_TOLD = 20  # things that are wrong in a file: each one's place is looked for from its beginning


@dataclass(frozen=True, slots=True)
class PlayedCall:
    """A call of a run: its line of calls.jsonl, and the proxy's record of it, empty where it wrote none."""

    told: dict[str, Any]
    record: dict[str, Any]

    @property
    def call_id(self) -> str:
        """The Call-ID with which it left its caller."""
        return str(self.told.get("call_id") or self.told["id"])


def find_call(run: Path, name: str) -> PlayedCall:
    """The call of that name. Raises FileErrors where there is no such run or call."""
    path = run / "calls.jsonl"
    known = []
    for call in lines_of(path):
        if call["id"] == name:
            return PlayedCall(call, _record(run, call.get("call_id") or call["id"]))
        known.append(call["id"])
    near = get_close_matches(name, known, n=_SHOWN) or known[:_SHOWN]
    more = f" or one of {len(known) - len(near):,} more" if len(known) > len(near) else ""
    expected = ", ".join(f'"{each}"' for each in near) + more if known else "nothing: no call was played"
    raise FileErrors([FileError.whole(path, f'found no call "{name}", expected {expected}')])


def parts_of(run: Path) -> list[Path]:
    """The folders with the calls of a run: its own, or of a suite those of its scenarios. Raises FileErrors."""
    folders = [each["folder"] for each in manifest_of(run).get("scenarios", ())]
    beside = run.parent if all((run.parent / each).exists() for each in folders) else run.resolve().parent
    return [beside / each for each in folders] or [run]


def find_in(run: Path, name: str) -> tuple[Path, PlayedCall]:
    """The call of that name and the folder that it is in, which of a suite is that of its scenario. Raises FileErrors
    where there is no such run or call, or where several scenarios of a suite have one of that name."""
    parts = parts_of(run)
    if len(parts) == 1:
        return parts[0], find_call(parts[0], name)
    found = [(part, calls[name]) for part in parts if name in (calls := find_calls(part, (name,)))]
    if len(found) == 1:
        return found[0]
    if found:
        where = ", ".join(str(part) for part, _ in found)
        raise FileErrors(
            [FileError.whole(run, f'found {len(found)} calls "{name}", expected the folder of one: {where}')]
        )
    known = [str(call["id"]) for part in parts for call in lines_of(part / "calls.jsonl")]
    near = ", ".join(f'"{each}"' for each in get_close_matches(name, known, n=_SHOWN) or known[:_SHOWN])
    raise FileErrors([FileError.whole(run, f'found no call "{name}", expected {near} or one of {len(known):,} in all')])


@contextmanager
def as_written(run: Path) -> Iterator[None]:
    """Turn what goes wrong inside into FileErrors with the place, where a file of the run is not as it was written."""
    try:
        yield
    except (FileErrors, LabError, OSError):
        raise
    except Exception:
        _check(run)
        raise


def _check(run: Path) -> None:
    """Hold the files of a run against their formats. Raises FileErrors, with the place, for one that is of another."""
    read_json(run / "manifest.json", Manifest)
    for part in parts_of(run):
        read_json(part / "manifest.json", Manifest)
        for name, model in (("calls.jsonl", CallLine), ("events.jsonl", Events), ("proxy-calls.jsonl", Records)):
            if (part / name).exists():
                for _ in lines_of(part / name, model):
                    pass


def find_calls(run: Path, names: Collection[str]) -> dict[str, PlayedCall]:
    """The calls of these names that a run has; its files are read once. Raises FileErrors where it is no run."""
    told = {call["id"]: call for call in lines_of(run / "calls.jsonl") if call["id"] in names} if names else {}
    ids = {call.get("call_id") or call["id"] for call in told.values()}
    path = run / "proxy-calls.jsonl"
    lines = lines_of(path) if ids and path.exists() else ()
    records = {each["call_id"]: each for each in lines if each["event"] == "call" and each["call_id"] in ids}
    return {name: PlayedCall(call, records.get(call.get("call_id") or name, {})) for name, call in told.items()}


def failed_calls(run: Path) -> Calls:
    """Tells the messages of calls with a wrong verdict, and of those that no verdict can be trusted of, from others."""
    failed = (call for call in lines_of(run / "calls.jsonl") if call["wrong"] or call["disagreements"])
    return Calls(call.get("call_id") or call["id"] for call in failed)


def messages_of_call(run: Path, call: PlayedCall, *, proxied: bool = True) -> list[Message]:
    """Its recorded messages in order of time: through the proxy, or in the pass straight to the softswitch."""
    found = messages_of(run, call.call_id, call.record.get("legs", ()))
    return [message for message in found if message.proxied is proxied]


def addresses(run: Path) -> dict[str, str]:
    """The addresses of the lab's proxy and softswitch, HOST:PORT, and what each of them is. Raises FileErrors."""
    path = run / "proxy.yaml"
    if not path.exists():
        return {}
    try:
        config = yaml.load(path.read_text(encoding="utf-8"), yaml.CBaseLoader)  # noqa: S506 - text only
        found = {str(address).partition(":")[2]: "proxy" for address in config.get("listen", ())}
        return found | {str(config["softswitch"]).partition(":")[2].partition(";")[0]: "softswitch"}
    except (ValueError, TypeError, AttributeError, LookupError, yaml.YAMLError):
        raise FileErrors([FileError.whole(path, "this is no config of a proxy: `ringfence lint` says why")]) from None


def lines_of(path: Path, model: Any = None) -> Iterator[dict[str, Any]]:
    """The lines of one of its files; a last one that was cut off is left out. Raises FileErrors where there is no such
    file, or no JSON in it, or where a line is not of the format of a `model`; without one, where it has a number that
    nothing can have measured."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    said = value_of(path, number, line, model)
                except FileErrors:
                    if line.endswith(b"\n"):
                        raise
                    return  # whoever wrote it was killed, or the disk was full
                yield said
    except FileNotFoundError:
        raise FileErrors([FileError.whole(path, _no_calls(path.parent))]) from None


def value_of(path: Path, number: int, line: bytes, model: Any = None) -> Any:
    """The value of one line of a file. Raises FileErrors, as `lines_of`."""
    try:
        text = line.decode()
        said = read_line(text) if model is None else read_document(text)
    except (ValueError, RecursionError) as error:
        raise FileErrors([_unreadable(path, number, line, error)]) from None
    if model is not None and (wrong := list(islice(_not_of_format(said, model), _TOLD))):
        raise FileErrors(FileError(path, number, place_of(text, where)[1], *each) for where, *each in wrong)
    return said


def _unreadable(path: Path, number: int, line: bytes, error: Exception) -> FileError:
    if isinstance(error, UnicodeDecodeError):
        return FileError(path, number, error.start + 1, f"byte 0x{line[error.start]:02x}", "UTF-8 text")
    if isinstance(error, NoSuchNumber):
        return FileError(path, number, error.position + 1, error.found[:_SHOWN_LETTERS], error.expected)
    shown = line[:_SHOWN_LETTERS].decode("utf-8", "replace").rstrip()
    return FileError(path, number, getattr(error, "colno", 1), shown, "JSON")


def manifest_of(run: Path, *needed: str) -> dict[str, Any]:
    """Its manifest. Raises FileErrors where the folder is none of a run, or its manifest not of that format; a member
    may be missing, as it is in the folder of an older Ringfence, unless it is `needed`."""
    path = run / "manifest.json"
    if not path.exists():
        raise FileErrors([FileError.whole(run, "this is no folder of a run")])
    manifest: dict[str, Any] = read_json(path, Manifest, whole=False)
    if missing := [name for name in needed if name not in manifest]:
        raise FileErrors(FileError.whole(path, f"found no {name}, expected one") for name in missing)
    return manifest


def read_json(path: Path, model: Any, *, whole: bool = True) -> Any:
    """A JSON file as it is, once it has been held against the `model` of its format; members that are more than that
    are no mistake, nor are fewer where it need not be `whole`. Raises FileErrors, for a file that somebody has changed
    say."""
    try:
        text = path.read_text(encoding="utf-8")
        said = read_document(text)
    except FileNotFoundError:
        raise FileErrors([FileError.whole(path, "there is no such file")]) from None
    except JSONDecodeError as error:
        there = error.doc[error.pos : error.pos + 20].strip() or "the end"
        raise FileErrors([FileError(path, error.lineno, error.colno, there, "JSON")]) from None
    except UnicodeDecodeError:
        raise FileErrors([FileError.whole(path, "this is no UTF-8")]) from None
    except RecursionError:
        raise FileErrors([FileError.whole(path, "there is too much in one another")]) from None
    except NoSuchNumber as error:
        place = line_and_column(text, error.position)
        raise FileErrors([FileError(path, *place, error.found[:_SHOWN_LETTERS], error.expected)]) from None
    if wrong := list(islice(_not_of_format(said, model, whole=whole), _TOLD)):
        raise FileErrors(FileError(path, *place_of(text, where), *each) for where, *each in wrong)
    return said


def _not_of_format(said: Any, model: Any, *, whole: bool = True) -> Iterator[tuple[tuple[int | str, ...], str, str]]:
    """The places at which this is not of the format: the keys to it, what is found, and what is expected."""
    try:
        _adapter(model).validate_python(said)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False):
            where, kind = ".".join(map(str, each["loc"])), each["type"]
            if kind == "missing" and whole:
                yield each["loc"], f"no {where}", "one"
            elif kind not in ("missing", "extra_forbidden"):
                found = visible(repr(each["input"]))[:_SHOWN_LETTERS]
                expected = each["msg"].removeprefix("Input should be ")
                yield each["loc"], f"{where}: {found}" if where else found, expected


_Figure = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Metrics(dict[str, float]):
    """Figures by name, of which one that is asked for and not there was taken away."""

    def __init__(self, path: Path) -> None:
        super().__init__(read_json(path, dict[str, _Figure]))
        self._path = path

    def __missing__(self, name: str) -> float:
        raise FileErrors([FileError.whole(self._path, f"found no {name}, expected one")])


def metrics_of(folder: Path) -> Mapping[str, float]:
    """The figures of a run or load. Raises FileErrors where they are none, and where one is looked up that is not
    there."""
    return _Metrics(folder / "metrics.json")


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def missing_calls(run: Path, told: int | None = None) -> Iterator[str]:
    """Say of a run, or of each scenario of a suite, if its file of calls has others than were played; of a report that
    has `told` of so many, if it left some out."""
    manifest, parts = manifest_of(run), parts_of(run)
    if parts != [run]:
        for part in parts:
            yield from missing_calls(part)
        played = sum(manifest_of(part).get("played", 0) for part in parts)
        if told not in (None, played):
            yield f"{run}: {played:,} calls were played, and {told:,} are told of: do not use this report"
        return
    path, played = run / "calls.jsonl", manifest.get("played")
    if played is None:
        return
    with path.open("rb") if path.exists() else BytesIO() as file:
        written = sum(1 for _ in file)
    if written != played:
        yield f"{path}: found {written:,} calls, expected the {played:,} that were played: do not use it"
    elif told not in (None, played):
        yield f"{path}: {played:,} calls were played, and {told:,} are told of: do not use this report"


def _no_calls(run: Path) -> str:
    if not (run / "manifest.json").exists():
        return "this is no folder of a run"
    manifest = manifest_of(run)
    folders = [str(run.resolve().parent / each["folder"]) for each in manifest.get("scenarios", ())]
    if folders:
        return f"the calls are in the folders of the scenarios: {', '.join(folders)}"
    if "load" in manifest:
        return "it is a load, of which calls are counted, and none is kept"
    if manifest.get("state") != "finished":
        return "this run has not come to its end, and no call was judged; see messages.bin and proxy-calls.jsonl"
    return "it has no calls"


def _record(run: Path, call_id: str) -> dict[str, Any]:
    path = run / "proxy-calls.jsonl"
    if path.exists():
        for record in lines_of(path):
            if record["event"] == "call" and record["call_id"] == call_id:
                return record
    return {}
