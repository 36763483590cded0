"""`ibtui lesson` and `ibtui tour`: what is checked before the app is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

LESSON = """
title = "Week 3"

[[stops]]
name = "One"
session = "{session}"
text = "See."
key = "session.play"
does = "to see it."
question = "Why?"
answer = "So."
"""


def test_a_lesson_can_be_checked_without_a_terminal(program: Program) -> None:
    file = program.directory / "mine.toml"
    file.write_text(LESSON.format(session="example-figure-3"))
    assert program.good("lesson", "mine.toml", "--check") == "'mine.toml' has 1 stop, and all can be shown\n"
    file.write_text(
        LESSON.format(session="example-figure-3") + LESSON.format(session="x").replace('title = "Week 3"', "")
    )
    refused = program("lesson", "mine.toml", "--check")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "session of stop 2 in 'mine.toml' must be one there is, got 'x'" in refused.stderr


def test_a_stop_is_one_that_there_is(program: Program) -> None:
    for stop in ("0", "9"):
        refused = program("tour", "--stop", stop)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == f"ibtui: --stop must be 1 to 8, got {stop}\n"


def test_the_tour_needs_a_terminal(program: Program) -> None:
    for stop in ("1", "8"):
        refused = program("tour", "--stop", stop)
        assert refused.returncode == 2
        assert "terminal" in refused.stderr
