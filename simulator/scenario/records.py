"""Records of real calls that a scenario plays again: the file, the meaning of its columns, the truth of its calls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from proxy.config.fields import ExistingFile
from proxy.files.yaml_file import Problem, Problems, did_you_mean, load
from simulator.scenario.calls import TrunkName
from simulator.scenario.fields import Model, Name, listed

RECORDED = "recorded"  # what their calls are called
_FORMATS = Path(__file__).with_name("record_formats.yaml")

RecordedOutcome = Literal["answer", "ring_only", "busy", "reject", "unknown"]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError('a time zone such as "UTC" or "Asia/Singapore"') from None
    return value


Columns = Annotated[tuple[str, ...], BeforeValidator(listed)]


class Mapped(Model):
    """Columns by their meaning; of several names the first that the file has counts.

    Rows of the same `id` are one call, and so are those whose `id` is another's `other_leg`. `start` is a time, or
    epoch seconds. `answered` is a time that is there only if the call was answered; `lasts` and `talk` are seconds.
    `outcomes` says what the values of the column `outcome` mean; any other means that the record cannot tell.
    """

    columns: tuple[str, ...] = ()
    needs: int = 0
    id: Columns = ()
    other_leg: Columns = ()
    start: Columns = ()
    caller: Columns = ()
    callee: Columns = ()
    display_name: Columns = ()
    trunk: Columns = ()
    truth: Columns = ()
    family: Columns = ()
    method: Columns = ()
    answered: Columns = ()
    lasts: Columns = ()
    talk: Columns = ()
    outcome: Columns = ()
    outcomes: Mapping[str, RecordedOutcome] = Field(default={})


class _Formats(Model):
    formats: dict[Name, Mapped]


@cache
def formats() -> Mapping[str, Mapped]:
    """The formats of call records that Ringfence knows, by name."""
    return load(_FORMATS, _Formats).formats


def _format(name: str) -> str:
    if name not in formats():
        raise ValueError(f"a format: {did_you_mean(name, formats())}")
    return name


class Records(Model):
    """Calls of a CSV or Parquet `file`, by a known `format`, with what `map` says otherwise, or by `map` alone.

    Times without a zone are in `zone`. `trunk` is the trunk of all calls, or by the values of the column that the map
    names as trunk: the first key that a value begins with counts, and where none does, it is international. So it is
    with `truth`, whose calls are unknown where nothing is said. `pace` plays so many seconds of the records in one, the
    ringing and talking included.
    """

    model_config = ConfigDict(populate_by_name=True)

    file: ExistingFile
    format: Annotated[str, AfterValidator(_format)] | None = None
    mapped: Annotated[Mapped, Field(alias="map")] = Mapped()
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    trunk: TrunkName | dict[str, TrunkName] = "international"
    truth: Literal["scam", "legit", "attack", "unknown"] | dict[str, Literal["scam", "legit", "attack", "unknown"]] = (
        "unknown"
    )
    pace: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0

    @property
    def meaning(self) -> Mapped:
        """The meaning of the columns: as in the format, but for those that the map gives another."""
        base = formats()[self.format] if self.format else Mapped()
        return base.model_copy(update={name: getattr(self.mapped, name) for name in self.mapped.model_fields_set})

    @model_validator(mode="after")
    def _says_enough(self) -> Records:
        problems = [
            Problem(("map",), f"{name}: the column that tells it, or a format")
            for name in ("start", "caller", "callee")
            if not getattr(self.meaning, name)
        ]
        problems += [
            Problem((name,), f"map: {{{name}: COLUMN}} beside it")
            for name in ("trunk", "truth")
            if isinstance(getattr(self, name), dict) and not getattr(self.meaning, name)
        ]
        if problems:
            raise Problems(problems)
        return self
