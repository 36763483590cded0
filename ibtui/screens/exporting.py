"""Exporting a session from the app: a dialog that asks what and where, and the command that writes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from ibtui.commands import ask
from ibtui.files import FORMATS, PAGE, TENSORBOARD, require_output, require_vacant
from ibtui.formatting import printable
from ibtui.locations import safe_name
from ibtui_engine.errors import EngineError, either


@dataclass(frozen=True)
class Kind:
    """Something that a session can be exported as."""

    name: str
    told: str
    command: tuple[str, ...]
    """What writes it, where `SESSION` stands for the file; `-o` and the output's name are added."""
    endings: tuple[str, ...]
    """What the output's name may end in, the usual one first; none where it is a new directory."""

    @property
    def where(self) -> str:
        """What the output is, for the line over its name."""
        return f"To a {either(self.endings)} file" if self.endings else "To a new directory"

    def require(self, out: Path, session: Path) -> None:
        """Refuse what the output cannot be."""
        if self.endings:
            require_output(out, self.endings, source=session)
        else:
            require_vacant(out)


_TABLES = tuple(FORMATS.values())
KINDS = (
    Kind("information", "Information of every layer, as a table", ("export", "SESSION", "--what", "information"),
         _TABLES),
    Kind("gradients", "Gradients and weight norms, as a table", ("export", "SESSION", "--what", "gradients"),
         _TABLES),
    Kind("learning", "Losses and accuracies, as a table", ("export", "SESSION", "--what", "learning"),
         _TABLES),
    Kind("tensorboard", "Information of every layer, for TensorBoard",
         ("export", "SESSION", "--what", "information", "--format", TENSORBOARD), ()),
    Kind("figure-2", "Picture: every network in the plane (figure 2)", ("figure", "2", "--session", "SESSION"),
         (".png", ".svg", ".pdf")),
    Kind("figure-3", "Picture: mean paths in the plane (figure 3)", ("figure", "3", "--session", "SESSION"),
         (".png", ".svg", ".pdf")),
    Kind("figure-4", "Picture: gradients over epochs (figure 4)", ("figure", "4", "--session", "SESSION"),
         (".png", ".svg", ".pdf")),
    Kind("orbits", "Picture: what is compressed (orbits)", ("figure", "orbits", "--session", "SESSION"),
         (".png", ".svg", ".pdf")),
    Kind("page", "Page for a browser: all charts, to replay", ("export", "SESSION"), (f".{PAGE}",)),
    Kind("film", "Film of the moving plane", ("animate", "SESSION"), (".gif", ".mp4")),
)  # fmt: skip


class Exporting(ModalScreen[tuple[Kind, Path] | None]):
    """Asks what to export and where to; None where it is left with escape. A file that exists is asked about."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, session: Path, by: str | None = None) -> None:
        """`by`: the estimator whose numbers are shown of a recording that has several."""
        super().__init__()
        self._session = session
        self._by = "" if by is None else f", by {by}"
        self._kind = KINDS[0]
        self._replaces = ""
        """A file that exists, of which it was said that it would be replaced."""

    def compose(self) -> ComposeResult:
        """What there is, where it goes, what is wrong, what keys do."""
        with Vertical(id="dialog"):
            yield Static(f"Export {printable(self._session.stem)}{self._by}:", markup=False)
            yield OptionList(*[Option(kind.told, id=kind.name) for kind in KINDS], id="kinds")
            yield Label(self._kind.where, id="where", classes="over-line", markup=False)
            yield Input(self._usual(), id="out")
            yield Static(id="trouble", markup=False)
            yield Static("tab where   enter writes it   esc writes nothing", classes="keys", markup=False)

    def on_mount(self) -> None:
        """Begin with what."""
        self.query_one("#kinds", OptionList).highlighted = 0
        self.query_one("#kinds").focus()

    def _usual(self) -> str:
        return f"{safe_name(self._session.stem)}-{self._kind.name}{next(iter(self._kind.endings), '')}"

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Something else is to be exported: the usual name follows, in the directory that was given."""
        before, out = self._usual(), self.query_one("#out", Input)
        self._kind = next(kind for kind in KINDS if kind.name == event.option_id)
        if Path(out.value).name == before:
            out.value = str(Path(out.value).with_name(self._usual()))
        self.query_one("#where", Label).update(self._kind.where)
        self._look()

    def on_option_list_option_selected(self) -> None:
        """That is what; on to where."""
        self.query_one("#out").focus()

    def on_input_changed(self) -> None:
        """Say what is wrong with the name."""
        self._look()

    def _look(self) -> str:
        """Say what is wrong, or what would happen; what is wrong."""
        text, wrong, said = self.query_one("#out", Input).value.strip(), "", ""
        try:
            self._kind.require(Path(text), self._session)
        except EngineError as error:
            wrong = said = printable(str(error))
        if not wrong and os.path.lexists(text):
            again = "press enter again to replace it" if self._replaces == text else "enter asks before it is replaced"
            said = f"{printable(text)} exists already: {again}"
        self.query_one("#trouble", Static).update(said)
        return wrong

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """That is where, if nothing is wrong with it; what exists is asked about first."""
        text = event.value.strip()
        if self._look():
            return
        if os.path.lexists(text) and self._replaces != text:
            self._replaces = text
            self._look()
            return
        self.dismiss((self._kind, Path(text)))


async def export(screen: Screen[None], session: Path, by: str | None = None) -> None:
    """Ask what and where, and write it with the command that does; say what came of it. To be awaited in a worker.
    `by`: the estimator whose numbers are shown of a recording that has several.
    """
    chosen = await screen.app.push_screen_wait(Exporting(session, by))
    if chosen is None:
        return
    kind, out = chosen
    words = [str(session.absolute()) if word == "SESSION" else word for word in kind.command]
    screen.notify(printable(f"writing {out} …"), markup=False)
    words += ["--by", by] if by is not None else []
    answer = await ask(*words, "-o", str(out))
    if answer.status == 0:
        screen.notify(printable(f"wrote {out}"), markup=False)
    else:
        screen.notify(printable(answer.said), severity="error", markup=False, timeout=10)
