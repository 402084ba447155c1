"""The announcements that the switches play, `prompts/NAME.wav`, and the words of callers, as
`prompts/callers/NAME-LANGUAGE.wav`.

Both are spoken by prompts/make.sh, 8 kHz 16-bit mono.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).with_name("prompts")
_CALLERS = _FOLDER / "callers"

PROMPTS: tuple[str, ...] = tuple(sorted(path.stem for path in _FOLDER.glob("*.wav")))

CALLERS: tuple[str, ...] = tuple(sorted({path.stem.rpartition("-")[0] for path in _CALLERS.glob("*.wav")}))
LANGUAGES: tuple[str, ...] = ("en", "zh")


def prompt(name: str) -> Path:
    """The file of the announcement of this name. Raises LookupError for a name that there is not."""
    if name not in PROMPTS:
        raise LookupError(f"no prompt {name!r}: there are {', '.join(PROMPTS)}")
    return _FOLDER / f"{name}.wav"


def caller_says(name: str, language: str) -> Path:
    """The file of what such a caller says. Raises LookupError for a caller or language that there is not."""
    if name not in CALLERS or language not in LANGUAGES:
        raise LookupError(f"no caller {name!r} who speaks {language!r}: there are {', '.join(CALLERS)}")
    return _CALLERS / f"{name}-{language}.wav"
