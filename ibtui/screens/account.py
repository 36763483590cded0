"""The account: the paper's claims with their verdicts, and beside the chosen one the chart that shows it.

A process of its own judges them (`ibtui account --json`): it reads weights and fits, which would hold up the screen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ibtui.account_text import MARK, STYLES, sentences, shown_by, told_of
from ibtui.bound_fits import BoundFits
from ibtui.commands import ask
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.formatting import printable
from ibtui.messages import OpenSession
from ibtui.screens.closed import is_closed
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.text import write
from ibtui.widgets.too_small import TooSmall
from ibtui_engine.bottleneck.fits import why_no_beta
from ibtui_engine.errors import EngineError
from ibtui_engine.session.follow import Follower

if TYPE_CHECKING:
    from ibtui.charts.spec import ChartSpec

Told = dict[str, Any]
"""A finding, as `ibtui account --json` has it."""


class AccountScreen(Screen[None]):
    """Claims on the left, the evidence on the right."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide"), (170, "-huge")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Library", id="account.leave"),
        Binding("tab", "focus_on(1)", "Chart", tooltip="Claims, chart, words", id="account.focus", priority=True),
        Binding("shift+tab", "focus_on(-1)", "Back", show=False, id="account.focus_back", priority=True),
        Binding("right_square_bracket", "go(1)", "Next ensemble", id="account.next"),
        Binding("left_square_bracket", "go(-1)", "Ensemble before", show=False, id="account.before"),
        Binding("o", "open", "Open", tooltip="Open the session that is shown", id="account.open"),
    ]

    def __init__(self, paths: Sequence[Path], directory: Path) -> None:
        """`paths`: of the sessions to judge; of none, what there is of the presets. `directory`: of the sessions."""
        super().__init__()
        self._paths = tuple(paths)
        self._directory = directory
        self._found: list[Told] = []
        self._place = 0
        """Which of the ensembles of a finding is shown."""
        self._follower: Follower | None = None
        self._bound: BoundFits | None = None
        self._charts: dict[tuple[Path, int], EnsembleCharts] = {}

    def compose(self) -> ComposeResult:
        """What it is of, the claims, the chart, the words, keys."""
        yield Static(id="status", markup=False)
        with Container(id="judged"):
            yield OptionList(id="claims")
            with Vertical(id="evidence"):
                yield ChartView(id="shown")
                with VerticalScroll(id="finding"):
                    yield Static(id="words", markup=False)
        yield KeysFooter()
        yield TooSmall()

    def on_mount(self) -> None:
        """Have the claims judged."""
        of = ", ".join(path.stem for path in self._paths) or "finished sessions of the presets, and examples"
        write(self.query_one("#status", Static), printable(f"Account: judging the paper's claims on {of} …"))
        self.query_one("#shown", ChartView).clear("reading weights, fitting beta* …")
        self.query_one("#claims").focus()
        self._judge(of)

    def on_unmount(self) -> None:
        """Let go of the file and the process."""
        self._close()

    @work(exclusive=True)
    async def _judge(self, of: str) -> None:
        paths = [str(path.absolute()) for path in self._paths]
        more = [] if paths else ["--examples", "--sessions-dir", str(self._directory.absolute())]
        answer = await ask("account", *paths, *more, "--json", "--quiet")
        if answer.status:
            write(self.query_one("#status", Static), printable(f"Account: {answer.said}"))
            self.query_one("#shown", ChartView).clear(printable(answer.said))
            return
        self._found = sorted(json.loads(answer.output), key=lambda one: not one["ensembles"])
        counts = {verdict: sum(one["verdict"] == verdict for one in self._found) for verdict in MARK}
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        write(self.query_one("#status", Static), printable(f"Account: {told}. Of {of}"))
        claims = self.query_one("#claims", OptionList)
        claims.add_options([Option(_line(one)) for one in self._found])
        claims.highlighted = 0

    def on_option_list_option_highlighted(self) -> None:
        """Another claim is chosen."""
        chosen = self.chosen
        self._place = len(chosen["ensembles"]) - 1 if chosen else 0
        self._show()

    def on_option_list_option_selected(self) -> None:
        """Enter, or a click."""
        self.action_open()

    @property
    def chosen(self) -> Told | None:
        """The chosen finding."""
        place = self.query_one("#claims", OptionList).highlighted
        return None if place is None or place >= len(self._found) else self._found[place]

    @property
    def panel(self) -> str:
        """The chart that shows the chosen claim."""
        chosen = self.chosen
        return shown_by(chosen["key"]) if chosen else "plane"

    def _show(self) -> None:
        """Show the chosen claim."""
        chosen = self.chosen
        if chosen is None or is_closed(self, "#words"):
            return
        lines = [Content.styled(printable(text), style) for text, style in told_of(chosen, self._place)]
        write(self.query_one("#words", Static), Content("\n").join(lines))
        self.query_one("#finding").scroll_home(animate=False)
        view = self.query_one("#shown", ChartView)
        if not chosen["ensembles"]:
            view.clear(f"Not measured: {chosen['reason']}." if chosen["reason"] else "Nothing was judged.")
            return
        place = chosen["ensembles"][self._place]
        try:
            charts = self._charts_of(Path(place["path"]), place["ensemble"])
        except (EngineError, KeyError) as error:
            view.clear(printable(str(error)) if isinstance(error, EngineError) else "nothing has been measured")
            return
        spec = self._bound_chart(charts) if self.panel == "bound" else self._chart(charts)
        if spec is None:
            view.clear("finding the IB curve …")
        else:
            view.show(spec)

    def _chart(self, charts: EnsembleCharts) -> ChartSpec:
        last = charts.epochs[-1] if charts.epochs else 0
        shown = tuple(range(len(charts.widths)))
        points = self.chosen is not None and self.chosen["key"] == "endpoints"
        return charts.chart(self.panel, epoch=last, shown=shown, points=points)

    def _bound_chart(self, charts: EnsembleCharts) -> ChartSpec | None:
        """The curve with the layers at the last epoch; None until it is known."""
        assert self._bound is not None
        index, epoch = charts.ensemble.index, charts.ensemble.snapshots[-1]
        fits = None
        if why_no_beta(charts.summary, charts.ensemble):
            self._bound.want_curve(index)
        else:
            self._bound.want(index, epoch)
            fits = self._bound.shown(index, epoch)
        curve = self._bound.curve_of(index)
        if curve is None:
            return None
        return charts.bound(curve, epoch, fits or charts.distances(curve, epoch), self._bound.hard_of(index))

    def _charts_of(self, path: Path, ensemble: int) -> EnsembleCharts:
        """The charts of an ensemble; its session stays open until another one is shown."""
        if self._follower is None or self._follower.path != path:
            self._close()
            self._follower = follower = Follower(path)

            def rule_of(index: int) -> int:
                return next(one.rule.number for one in follower.summary.ensembles if one.index == index)

            self._bound = BoundFits(path, self._show, self._complain, rule_of)
        if (path, ensemble) not in self._charts:
            self._charts[path, ensemble] = EnsembleCharts(self._follower.recorded_ensemble(ensemble))
        return self._charts[path, ensemble]

    def _complain(self, text: str) -> None:
        self.notify(printable(text), severity="error", markup=False)

    def _close(self) -> None:
        if self._bound is not None:
            self._bound.close()
        if self._follower is not None:
            self._follower.close()
        self._follower = self._bound = None
        self._charts.clear()

    # keys

    def action_focus_on(self, steps: int) -> None:
        """The claims, the chart or the words get the keys."""
        order = ("claims", "shown", "finding")
        now = self.focused.id if self.focused is not None else ""
        place = (order.index(now) + steps if now in order else 0) % len(order)
        self.set_class(order[place] == "shown", "charted")
        self.query_one(f"#{order[place]}").focus()

    def action_go(self, steps: int) -> None:
        """Another of the ensembles that the claim was judged on."""
        chosen = self.chosen
        if chosen and len(chosen["ensembles"]) > 1:
            self._place = (self._place + steps) % len(chosen["ensembles"])
            self._show()

    def action_open(self) -> None:
        """Open the session that is shown."""
        chosen = self.chosen
        if chosen and chosen["ensembles"]:
            self.post_message(OpenSession(Path(chosen["ensembles"][self._place]["path"])))

    def action_leave(self) -> None:
        """Back to the library."""
        self.dismiss()


def _line(one: Told) -> Text:
    """A claim in the list."""
    line = Text(f"{MARK.get(one['verdict'], ' ')} ", STYLES.get(one["verdict"], "dim"))
    line.append(printable(sentences(one)), "" if one["verdict"] in STYLES else "dim")
    return line
