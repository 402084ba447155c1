"""The table of calls as data for the page."""

from __future__ import annotations

import json

from simulator.report.html import table
from simulator.report.html.reading import WORDS, Calls


def calls(*rows: tuple[str, str, float, float]) -> Calls:
    made = Calls()
    for name, campaign, setup, direct in rows:
        for word in WORDS:
            made.words[word].append(campaign if word == "name" else "same")
        made.ids.append(name)
        made.status.append(200)
        for column, value in ((made.at, 0.5), (made.setup, setup), (made.direct, direct)):
            column.append(value)
        made.right.append(True)
        made.failed.append(False)
    return made


def test_names_are_short_where_they_begin_like_their_campaign() -> None:
    held = calls(("w.01", "w", 0.01, 0.002), ("w", "w", 0.01, 0.02), ("other", "w", float("nan"), float("nan")))
    data = json.loads(table.document(held, {1}))
    assert data["ids"] == [".01", "", "=other"]
    assert data["words"]["name"] == ["w"]
    assert (data["setup"], data["added"], data["at"]) == ([1000, 1000, None], [800, -1000, None], [500, 500, 500])
    assert data["ladders"] == [1]


def test_no_text_ends_the_element_that_it_is_in() -> None:
    text = table.document(calls(("</script><!--", "x", 0.0, 0.0)), ())
    assert "<" not in text
    assert json.loads(text)["ids"] == ["=</script><!--"]


def test_a_hundred_thousand_calls_take_less_than_half_of_a_page() -> None:
    held = calls(
        *((f"cold-calls-from-overseas.{row:06}", "cold-calls-from-overseas", row / 1e5, 0.0) for row in range(2000))
    )
    assert len(table.document(held, ())) / 2000 < 70
