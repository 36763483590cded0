"""Help: what a screen shows, in plain words, and the keys that work on it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Markdown

if TYPE_CHECKING:
    from typing import Any

SCIENCE = """
## What you see

A network turns an input **X** into the values **T** of one layer after another, and from the last of them guesses a
label **Y**. Each layer is a point in the *information plane*:

* **I(X;T)**, to the right: how many bits of the input the layer still tells apart. There are 4096 equally likely
  inputs, 2 to the power of 12, so **12 bits is the ceiling**: a layer there gives every input a value of its own.
* **I(T;Y)**, upwards: how many bits of the label can be read off the layer. No layer can know more of the label than
  the input does: that is the line **I(X;Y)**.

A good layer is far up. The information bottleneck adds: and as far left as that allows, since what it forgets of the
input cannot mislead it.

## The two phases

* **Drift**: the batches of an epoch agree where the weights should go, so the mean of their gradients is larger than
  its spread (SNR above 1). Layers rise: the labels are fitted.
* **Diffusion**: the mean has become small, the batches pull in random directions (SNR below 1; batches that were
  independent would give 1/√batches from noise alone). Shwartz-Ziv and Tishby (2017) claim that this random walk
  *compresses* the input: layers move left.

◆ marks where a layer goes over from one to the other: where its SNR falls below 1 for good or for longest, estimated in
every network. The tab *Phases* has each layer's figures with 95 % intervals, and where I(X;T) turns.

Whether compression happens, and what of it is an artefact of measuring with bins, is disputed (Saxe 2018, Goldfeld
2019). Run `relu` beside tanh, `full-batch`, `random-labels`; press `(` and `)` for fewer and more bins, `e` for another
estimator, and see.

## What the numbers rest on

Each neuron's output is put in one of 30 equal intervals; a layer's value is the tuple of its neurons' bins, counted
exactly over all inputs and under the true rule, whatever sample the network learned from. The status line says which
bins they were. A layer *at the ceiling* gives every input a value of its own: there I(X;T) is H(X) whatever the layer
does. *Saturated* is the share of outputs near the activation's bounds. In truth no layer knows more than the one below
it; binned layers can break that a little, and the notes under the table say where.
"""

ABOUT = {
    "LibraryScreen": "# Library\n\nAll sessions in the directory, the newest first. A session is one file with all "
    "that was measured; opening one that runs shows it live.",
    "NewScreen": "# New experiment\n\nChoose a preset and change what you like. Several architectures, "
    "fractions or optimisers make a grid: every one with every other.",
    "SessionScreen": "# Session\n\nThe charts of one ensemble of networks, at the epoch of the playhead. *Playing* and "
    "*stepping* move this view alone. The *run* is another process: P pauses it, R lets it go on, S stops it, and "
    "closing the app leaves it running.",
    "CompareScreen": "# Compare\n\nTwo to six ensembles at the epoch of one playhead: where one has not measured that "
    "epoch, it shows the last before it. O lays all paths over each other, one colour for each ensemble.",
}


class HelpScreen(ModalScreen[None]):
    """Explains the screen it was called from."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "Close")]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._text = f"{ABOUT.get(type(screen).__name__, '# Help')}\n\n{_keys(screen)}\n{SCIENCE}"

    def compose(self) -> ComposeResult:
        """One text."""
        with VerticalScroll(id="help"):
            yield Markdown(self._text)

    def on_mount(self) -> None:
        """Scroll with the arrows at once."""
        self.query_one("#help").focus()


def _keys(screen: Screen[Any]) -> str:
    """The keys that work on a screen now, one after another."""
    does: dict[str, list[str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.description and active.enabled and not binding.system:
            does.setdefault(binding.tooltip or binding.description, []).append(screen.app.get_key_display(binding))
    told = [f"**{' '.join(f'`{key}`' for key in keys)}** {what}" for what, keys in does.items()]
    palette = "`ctrl+p` opens a palette of everything that can be done here, to be found by typing."
    return "\n".join(["## Keys", "", " · ".join(told), "", palette, ""])
