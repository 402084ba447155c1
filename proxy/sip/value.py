"""Values that are made for each message or call: plain classes, which cost a fraction of a NamedTuple or dataclass.

Those are made by interpreted code even where the core is compiled. A `Value` is equal to another of its class with
equal fields. Nobody changes one: its attributes are Final, which mypy sees to; at run time nothing is spent on that.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class Value:
    """The base of a class whose `__match_args__` names what its `__init__` takes, in that order."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def but(self, **changes: object) -> Self:
        """The same value with some fields changed."""
        made: Any = type(self)
        return made(**self.as_dict() | changes)  # type: ignore[no-any-return]

    def fields(self) -> tuple[object, ...]:
        """All that it is made of."""
        return tuple([getattr(self, name) for name in self.__match_args__])

    def as_dict(self) -> dict[str, Any]:
        """The same by name."""
        return {name: getattr(self, name) for name in self.__match_args__}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.fields()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and type(self) is type(other) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())

    def __repr__(self) -> str:
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__match_args__])
        return f"{type(self).__name__}({shown})"
