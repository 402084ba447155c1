"""Texts that others chose, as people see them."""

from __future__ import annotations

import pytest

from proxy.files.visible import brief, visible

LONG = "9" * 5000
CUT = "9" * 97 + "..."


def test_what_would_command_a_terminal_is_a_picture_of_itself() -> None:
    assert visible("a\x1b[2Jb\u202ec\n") == "a␛[2Jb\ufffdc\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (f'found "{LONG}", expected a number', f'found "{CUT}", expected a number'),
        (f"-k '{LONG}': expected a name", f"-k '{CUT}': expected a name"),
        (f"{LONG}: File name too long", f"{CUT}: File name too long"),
        (f"/srv/{LONG}/x.yaml: File name too long", f"/srv/{CUT}/x.yaml: File name too long"),
        (f'found "{"a b " * 50}" and "{"c " * 51}"', f'found "{("a b " * 50)[:97]}..." and "{("c " * 51)[:97]}..."'),
        ("said=" + repr("it's " * 40), 'said="' + ("it's " * 40)[:97] + '..."'),
    ],
)
def test_of_values_in_an_error_that_are_too_long_to_be_read_the_begin_is_shown(error: str, said: str) -> None:
    assert brief(error) == said


@pytest.mark.parametrize(
    "error",
    [
        'found "trunk", expected one of ' + ", ".join(f'"name-{number}"' for number in range(50)),
        "the callees' phones do not ring, which isn't what " + "was expected of them, " * 10 + "or the callers' either",
        f"/srv/{'folder-with-a-name/' * 60}scenario.yaml: there is no such file",
        f'found "{"9" * 100}", expected a number',
        "",
    ],
)
def test_other_words_of_errors_are_left_as_they_are(error: str) -> None:
    assert brief(error) == error
