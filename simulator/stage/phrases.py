"""Sentences in each language of the stage, put together from forms with gaps. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.scenario.lesson import LANGUAGES
from simulator.stage.events import Words


def fill(form: Words, **fields: Words | str) -> Words:
    """Put each field into the gap of its name, in all languages; a field is words, or the same text in each."""
    return {
        language: form[language].format(
            **{name: value if isinstance(value, str) else value[language] for name, value in fields.items()}
        )
        for language in LANGUAGES
    }


def joined(sentences: Sequence[Words]) -> Words:
    """One sentence behind the other: Chinese has no space between them."""
    return {
        language: ("" if language == "zh" else " ").join(each[language] for each in sentences) for language in LANGUAGES
    }


def short(text: str, longest: int) -> str:
    """Cut what came from elsewhere to that many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
