"""Lesson files: what they may say, and every mistake told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.__main__ import main
from simulator.scenario.file_kinds import FileKind, kind_of
from simulator.scenario.lesson import LANGUAGES, lessons_of, load_lesson
from simulator.scenario.model import load_scenarios
from tests.plays import ROOT

STAGE = """\
scenario: small
home: CN
preset: cn
subscribers:
  lan: {number: "+8613800138001"}
calls:
  - {call: one, trunk: domestic, from: "+8613900139004", to: lan, truth: legit}
"""
LESSON = """\
lesson: mine
stage: ../small.yaml
title: {en: Mine, zh: 我的}
about: {en: About, zh: 关于}
remember: {en: Remember, zh: 记住}
steps:
"""
STEP = "  - step: {en: A, zh: 甲}\n    say: {en: B, zh: 乙}\n"
CALL = '{call: {from: "+61491570156", to: lan, trunk: international, truth: scam}}'


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(STAGE)
    (tmp_path / "lessons").mkdir()
    return tmp_path / "lessons"


def mistakes(folder: Path, steps: str, head: str = LESSON) -> list[str]:
    """The errors of a lesson with these steps, without the path before them."""
    path = folder / "mine.yaml"
    path.write_text(head + steps, encoding="utf-8")
    with pytest.raises(FileErrors) as wrong:
        load_lesson(path)
    return [str(error).removeprefix(f"{path}:") for error in wrong.value.errors]


def test_a_lesson_is_read_with_its_stage(lessons: Path) -> None:
    (lessons / "mine.yaml").write_text(f"{LESSON}{STEP}    do: {CALL}\n    see: {{phone: rings}}\n", encoding="utf-8")
    lesson = load_lesson(lessons / "mine.yaml")
    assert (lesson.name, lesson.title.zh, lesson.minutes) == ("mine", "我的", 10)
    assert lesson.scenario.subscribers["lan"].number == "+8613800138001"
    (step,) = lesson.steps
    assert step.do is not None
    assert (step.do.kind, step.do.subscriber) == ("call", "")


def test_names_that_nobody_on_the_stage_has_are_pointed_out(lessons: Path) -> None:
    steps = (
        f"{STEP}    do: {CALL.replace('lan', 'lann')}\n    see: {{phone: rings}}\n"
        f"{STEP}    do: {{set: {{subscriber: lon, settings: {{incoming_internasional: on}}}}}}\n"
        f"{STEP}    do: {{rule: {{name: scam_list.exakt, mode: shadow}}}}\n"
    )
    (first,) = mistakes(lessons, steps)  # a setting that there is not, before the names
    assert first == '13:44: found "incoming_internasional", expected a setting: "incoming_international"'
    assert mistakes(lessons, steps.replace("internasional", "international")) == [
        '9:43: found "lann", expected a number to dial, or a subscriber: "lan"',
        '13:28: found "lon", expected a subscriber: "lan"',
        '16:23: found "scam_list.exakt", expected a rule: "scam_list.exact"',
    ]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (f"{STEP}    see: {{phone: rings}}\n", '9:5: found "see", expected something to do beside it'),
        (f"{STEP}    do: {CALL}\n", "9:9: found a mapping, expected see: {...} beside it, for what must be seen then"),
        (f"{STEP}    do: {CALL}\n    see: {{phone: receives}}\n", '10:18: found "receives", expected rings or silent'),
        (
            f"{STEP}    do: {CALL}\n    see: {{reply: done}}\n",
            '10:18: found "done", expected nothing here: of this call it cannot be seen',
        ),
        (
            f"{STEP}    do: {{}}\n    see: {{phone: rings}}\n",
            "9:9: found a mapping, expected one thing to do: call, text, set, allow, rule or apps",
        ),
        (f"{STEP}    dos: 1\n", '9:5: found unknown key "dos", expected "do"'),
        (
            "  - step: {en: A}\n    say: {en: B, zh: 乙}\n",
            '7:11: found no "zh", expected the required key "zh"',
        ),
    ],
)
def test_steps_that_cannot_be_meant_say_what_was_expected(lessons: Path, step: str, expected: str) -> None:
    assert expected in mistakes(lessons, step)


def test_a_lesson_has_steps(lessons: Path) -> None:
    assert mistakes(lessons, "  []\n") == ["7:3: found a list, expected at least one of them"]


def test_a_stage_that_is_missing_or_wrong_is_an_error_of_the_lesson(lessons: Path) -> None:
    good = f"{STEP}    do: {CALL}\n    see: {{phone: rings}}\n"
    (missing,) = mistakes(lessons, good, LESSON.replace("small", "other"))
    assert missing == '2:8: found "../other.yaml", expected a file that exists, named relative to this one'
    (lessons.parent / "small.yaml").write_text(STAGE.replace("to: lan", "to: lon"))
    (wrong,) = mistakes(lessons, good)
    assert wrong.startswith('2:8: found "../small.yaml", expected a scenario without mistakes: ')
    assert "small.yaml:7:" in wrong


def test_other_files_are_no_lessons_and_a_lesson_is_no_scenario(lessons: Path) -> None:
    with pytest.raises(FileErrors, match=r"this is a scenario; a lesson has the keys lesson, stage and steps"):
        load_lesson(lessons.parent / "small.yaml")
    (lessons / "mine.yaml").write_text(f"{LESSON}{STEP}", encoding="utf-8")
    assert kind_of(lessons / "mine.yaml") is FileKind.LESSON
    with pytest.raises(FileErrors, match="this is a lesson: play it on the stage of `ringfence serve`"):
        load_scenarios([lessons / "mine.yaml"])
    assert [scenario.name for scenario, _ in load_scenarios([lessons.parent])] == ["small"]


def test_a_lesson_that_is_no_yaml_is_told_with_the_place(lessons: Path) -> None:
    (lessons / "mine.yaml").write_text(f"{LESSON}  - [", encoding="utf-8")
    with pytest.raises(FileErrors, match=r"mine\.yaml:\d+:\d+: found .*, expected "):
        lessons_of(lessons.parent / "small.yaml")


def test_the_lessons_of_a_stage_lie_beside_its_scenario(lessons: Path) -> None:
    other = lessons.parent / "other.yaml"
    other.write_text(STAGE.replace("small", "other"))
    for name, stage in (("b", "small"), ("a", "small"), ("c", "other")):
        head = LESSON.replace("mine", name).replace("small", stage)
        (lessons / f"{name}.yaml").write_text(f"{head}{STEP}", encoding="utf-8")
    assert [lesson.name for lesson in lessons_of(lessons.parent / "small.yaml")] == ["a", "b"]
    assert [lesson.name for lesson in lessons_of(other)] == ["c"]
    assert [lesson.name for lesson in lessons_of(other, lessons)] == ["c"]
    assert len(lessons_of(ROOT / "simulator" / "stage" / "default.yaml", ROOT / "scenarios" / "lessons")) >= 5
    (lessons / "d.yaml").write_text(f"{LESSON.replace('mine', 'a')}{STEP}", encoding="utf-8")
    with pytest.raises(FileErrors, match=r'd.yaml:1:9: found "a", expected a name of its own: .*a.yaml has this one'):
        lessons_of(other)


def test_lint_tells_what_is_in_a_lesson_and_the_schema_knows_its_keys(
    lessons: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lessons / "mine.yaml"
    path.write_text(f"{LESSON}{STEP}    do: {CALL}\n    see: {{phone: rings}}\n", encoding="utf-8")
    assert main(["lint", str(path)]) == 0
    assert capsys.readouterr().out == f'{path}: lesson "mine", 1 step on the stage of small.yaml\n'
    path.write_text(path.read_text(encoding="utf-8").replace("rings", "silent"), encoding="utf-8")
    assert main(["lint", str(path)]) == 2
    assert f'{path}:10:18: found "silent", expected rings, as the policy decides' in capsys.readouterr().err
    assert main(["schema", "lesson"]) == 0
    shown = capsys.readouterr().out
    assert all(f'"{key}"' in shown for key in ("lesson", "stage", "title", "begins", "diversion", *LANGUAGES))
