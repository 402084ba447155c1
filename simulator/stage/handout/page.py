"""The hand-out as a page of its own, in one language: `document(session, "en")`. Pure; everything in it is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from simulator.report.html.svg import Markup, joined, tag
from simulator.scenario.lesson import LANGUAGES
from simulator.stage import lesson_json
from simulator.stage.events import Words
from simulator.stage.handout.charts import CELLS, interval, parts
from simulator.stage.handout.words import KINDS, SAID
from simulator.stage.teaching import Taught
from simulator.stage.words import TITLES

_OWN = re.compile(r"call-[0-9]+")  # calls of the trainer's own choice have no kind but their name
_SHEET = "handout.css"
_TAGS = {"en": "en", "zh": "zh-Hans"}


@dataclass(frozen=True, slots=True)
class Happened:
    """A session: lessons that were played, the latest calls (newest first), the score of all, the names of their
    `kinds`, and its times in seconds since 1970."""

    taught: Sequence[Taught]
    calls: Sequence[Mapping[str, Any]]
    score: Mapping[str, Any]
    kinds: Mapping[str, Words]
    home: str
    preset: str
    begun: float
    now: float


def write(session: Happened, folder: Path) -> None:
    """Write a page for each language into a folder: `handout.en.html` ... Raises OSError, and leaves none."""
    pages = {folder / f"handout.{language}.html": document(session, language, alone=True) for language in LANGUAGES}
    try:
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")
    except OSError:
        for path in pages:
            path.unlink(missing_ok=True)
        raise


def document(session: Happened, language: str, *, alone: bool = False) -> str:
    """The page. Where it is to stand `alone`, its style is in it, and it leads nowhere."""
    return f"<!doctype html>\n{_Page(session, language, alone=alone).html()}\n"


class _Page:
    def __init__(self, session: Happened, language: str, *, alone: bool) -> None:
        self._session = session
        self._language = language
        self._alone = alone

    def html(self) -> Markup:
        title = self._say("title")
        if self._alone:
            text = files("simulator.stage").joinpath("static", _SHEET).read_text(encoding="utf-8")
            head = [Markup(f"<style>\n{text}</style>")]
        else:
            head = [
                tag("link", rel="stylesheet", href=f"/static/{_SHEET}"),
                tag("link", rel="icon", href="/static/mark.svg", type="image/svg+xml"),
                Markup('<script type="module" src="/static/handout.js"></script>'),
            ]
        meta = [
            tag("meta", charset="utf-8"),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        ]
        body = tag(
            "main", self._head(), self._remember(), self._lessons(), self._figures(), self._calls(), self._foot()
        )
        return tag(
            "html", tag("head", *meta, tag("title", title), *head), tag("body", body), lang=_TAGS[self._language]
        )

    def _head(self) -> Markup:
        session = self._session
        begun, now = _local(session.begun), _local(session.now)
        date = f"{now:%Y-%m-%d}"
        tools = Markup("")
        if not self._alone:
            other = LANGUAGES[1 - LANGUAGES.index(self._language)]
            link = tag(
                "a", self._say("other"), href=f"/handout?language={other}", lang=_TAGS[other], hreflang=_TAGS[other]
            )
            button = tag("button", self._say("print"), type="button", id="print")
            tools = tag("p", link, button, class_="tools")
        return tag(
            "header",
            tools,
            tag("p", self._say("about"), class_="kicker"),
            tag("h1", self._say("title")),
            tag("p", self._say("when", date=date, begun=f"{begun:%H:%M}", now=f"{now:%H:%M}")),
            tag("p", self._say("lab", home=session.home, preset=session.preset), class_="dim"),
        )

    def _remember(self) -> Markup:
        lessons = {each.progress.lesson.name: each.progress.lesson for each in self._session.taught}
        if not lessons:
            return Markup("")
        items = [tag("li", self._both(lesson.remember.model_dump())) for lesson in lessons.values()]
        return self._section("remember", tag("ul", *items, class_="remember"))

    # --- lessons

    def _lessons(self) -> Markup:
        taught = [self._lesson(each) for each in self._session.taught]
        return self._section("lessons", *(taught or [tag("p", self._say("no lessons"))]))

    def _lesson(self, taught: Taught) -> Markup:
        lesson = taught.progress.lesson
        shown = lesson_json.under_way(taught.progress, TITLES)["steps"]
        steps = [self._step(step) for step in shown]
        begun = f"{_local(taught.begun):%H:%M}"
        return tag(
            "article",
            tag("h3", self._both(lesson.title.model_dump()), " ", tag("span", begun, class_="dim")),
            tag("p", self._both(lesson.about.model_dump()), class_="dim"),
            tag("ol", *steps, class_="steps"),
        )

    def _step(self, step: Mapping[str, Any]) -> Markup:
        result = step["result"] if step["result"] in ("done", "failed") else "skipped"
        if step["result"] == "said" and step["state"] in ("done", "now"):
            result = "done"
        lines = [tag("b", self._both(step["title"]))]
        if result != "skipped" and step["do"] is not None:
            lines.append(tag("span", self._both(step["do"]), class_="did"))
        if step["result"] == "done" and step["check"] is not None:
            lines.append(tag("span", self._both(step["check"]), class_="saw"))
        lines += [tag("span", self._both(each), class_="saw") for each in step["found"]]
        if step["result"] == "done" and step["then"] is not None:
            lines.append(tag("span", self._both(step["then"]), class_="then"))
        return tag("li", _sign(result, self._say(result)), tag("div", *lines), class_=result)

    # --- figures

    def _figures(self) -> Markup:
        score = self._session.score
        if not score.get("calls"):
            return self._section("figures", tag("p", self._say("no figures")))
        cards = [
            card
            for key, name in (("scam_recall", "recall"), ("false_block_rate", "false"))
            if (card := self._rate(score.get(key), name)) is not None
        ]
        delay = score.get("delay")
        if delay is not None:
            within = {name: f"{delay[name] * 1e3:.1f} ms" for name in ("p50", "p95")}
            told = self._say("half", count=f"{delay['count']:,}", **within)
            cards.append(
                tag("div", tag("h3", self._say("delay")), tag("p", within["p50"], class_="big"), tag("p", told))
            )
        return self._section(
            "figures", tag("div", *cards, class_="cards"), tag("p", self._say("how"), class_="dim"), self._kinds()
        )

    def _rate(self, rate: Mapping[str, Any] | None, name: str) -> Markup | None:
        if rate is None:
            return None
        low, high = _percent(rate["lower95"]), _percent(rate["upper95"])
        between = self._say("interval", low=low, high=high)
        told = f"{self._say(name)}: {_percent(rate['value'])}, {between}"
        return tag(
            "div",
            tag("h3", self._say(name)),
            tag(
                "p",
                _percent(rate["value"]),
                " ",
                tag("span", self._say("of", hits=rate["hits"], of=rate["of"])),
                class_="big",
            ),
            interval(rate["value"], rate["lower95"], rate["upper95"], told),
            tag("p", between, class_="dim"),
        )

    def _kinds(self) -> Markup:
        kinds: Mapping[str, Mapping[str, Any]] = self._session.score.get("families", {})
        counts: dict[str, dict[str, int]] = {}
        for name, each in kinds.items():
            if any(each.get(cell) for cell in CELLS):
                row = counts.setdefault(self._kind(name), dict.fromkeys(CELLS, 0))
                for cell in CELLS:
                    row[cell] += int(each.get(cell, 0))
        if not counts:
            return Markup("")
        most = max(sum(row.values()) for row in counts.values())
        rows = []
        for title, row in counts.items():
            told = ", ".join(f"{row[cell]} {self._say(cell)}" for cell in CELLS if row[cell])
            rows.append(
                tag(
                    "tr",
                    tag("th", title, scope="row"),
                    tag("td", parts(row, most, f"{title}: {told}")),
                    tag("td", told),
                )
            )
        key = [tag("span", tag("i", " ", class_=cell), self._say(cell)) for cell in CELLS]
        return joined(
            [
                tag("h3", self._say("kinds")),
                tag("p", *key, class_="key"),
                tag("table", tag("tbody", *rows), class_="kinds"),
            ]
        )

    def _kind(self, name: str) -> str:
        if _OWN.fullmatch(name):
            return self._say("own")
        titles = {**KINDS, **self._session.kinds}
        return self._both(titles[name]) if name in titles else name

    # --- calls

    def _calls(self) -> Markup:
        calls, count = list(self._session.calls), int(self._session.score.get("calls", 0))
        if not calls:
            return Markup("")
        shown = [tag("p", self._say("latest", shown=len(calls), count=f"{count:,}"))] if count > len(calls) else []
        names = ("time", "who", "to", "was", "became")
        head = tag("thead", tag("tr", *(tag("th", self._say(name), scope="col") for name in names)))
        table = tag("table", head, tag("tbody", *(self._call(each) for each in reversed(calls))), class_="calls")
        return self._section("calls", *shown, table)

    def _call(self, call: Mapping[str, Any]) -> Markup:
        is_text = call.get("method") == "MESSAGE"
        truth = str(call.get("truth", "unknown"))
        who = [str(call.get("from", ""))]
        if call.get("display_name"):
            who.append(f"“{call['display_name']}”")
        if is_text:
            who.append(f"({self._say('text')})")
        became = [self._both(words) for name in ("words", "evidence") if (words := call.get(name))]
        judged = _judged(truth, str(call.get("outcome", "")))
        if judged:
            became.append(f"({self._say(judged)})")
        return tag(
            "tr",
            tag("td", f"{_local(call['at']):%H:%M:%S}"),
            tag("td", " ".join(who)),
            tag("td", str(call.get("subscriber") or call.get("to", ""))),
            tag("td", _sign("done" if truth == "legit" else "failed", ""), self._say(truth))
            if truth != "unknown"
            else tag("td", "—"),
            tag("td", " ".join(became)),
            class_=judged or None,
        )

    def _foot(self) -> Markup:
        return tag("footer", tag("p", self._say("foot")))

    def _section(self, name: str, *parts_of: Markup) -> Markup:
        return tag("section", tag("h2", self._say(name)), *parts_of, class_=name)

    def _say(self, key: str, **fields: object) -> str:
        return SAID[key][self._language].format(**fields)

    def _both(self, words: Words) -> str:
        return words.get(self._language, "")


def _judged(truth: str, outcome: str) -> str:
    """True to its words: was the call let through, or kept out, as it should be? Empty where nobody can say."""
    if truth == "unknown" or outcome not in ("passed", "blocked"):
        return ""
    return "rightly" if (truth == "legit") == (outcome == "passed") else "wrongly"


def _sign(result: str, word: str) -> Markup:
    """A sign of its own shape for each result; the word is for those who do not see it."""
    shapes = dict(_SHAPES)
    return tag(
        "svg",
        *([tag("title", word)] if word else []),
        *shapes[result],
        viewBox="0 0 24 24",
        class_=f"sign {result}",
        **({"role": "img"} if word else {"aria_hidden": "true"}),
    )


def _shapes() -> Iterator[tuple[str, list[Markup]]]:
    yield "done", [tag("circle", cx=12, cy=12, r=10), tag("path", d="M7.2 12.4l3.3 3.3 6.3-7")]
    yield "failed", [tag("path", d="M12 1.5 22.5 12 12 22.5 1.5 12Z"), tag("path", d="M12 6v7m0 3.6v.3", class_="mark")]
    yield "skipped", [tag("circle", cx=12, cy=12, r=9, class_="open")]


_SHAPES = tuple(_shapes())


def _local(at: float) -> datetime:
    """A time in seconds since 1970, by the clock on the wall."""
    return datetime.fromtimestamp(at, UTC).astimezone()


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
