"""What the paper does not claim: a claim that others dispute, and numbers to hold the others beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, all_hold, censored, do_lose, hidden_losses, in_every, losses, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, BATCHES, SEVERAL_NETWORKS, setting
from ibtui_engine.account.criteria import AtLeast, Between
from ibtui_engine.account.finding import NO_VERDICT, of_median, of_spread
from ibtui_engine.account.questions import Mean
from ibtui_engine.settings import SAMPLINGS
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class Relu(Claim):
    """Units that do not saturate."""

    key = "relu"
    section = "–"
    text = "Compression does not rest on saturation: relu compresses, too (disputed by Saxe et al. 2018)"
    measured = "bits from the peak of I(X;T) to the end"
    rests_on = ("relu",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, setting("activation", "relu"))

    loss: AtLeast = AtLeast(0.5, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"every hidden layer loses {self.loss}; partly: some do"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers compress."""
        of = only(given).of
        grow = "bins of relu layers span the range that occurs at each snapshot, so they grow with the outputs"
        return in_every(
            of,
            hidden_losses(of),
            do_lose(of, self.loss),
            lambda rest: f"less than {self.loss.limit:g} bits are lost in {rest}; {grow}",
        )


@dataclass(frozen=True)
class ShapeOfNoise(Claim):
    """Batches dealt anew balance one another within an epoch, and their noise has heavy tails: does either matter?"""

    key = "noise-shape"
    section = "–"
    text = (
        "The size of the noise counts for compression, not its shape: batches drawn with replacement, and Gaussian "
        "noise of a batch's covariance, compress as batches dealt anew do"
    )
    measured = "bits from the peak of I(X;T) to the end, less those with batches dealt anew, network by network"
    rests_on = ("sampling",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)
    spans = ("sampling",)
    paired = True

    alike: Between = Between(-0.5, 0.5)
    """Bits."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"shown to be {self.alike} bits (equivalence tests) in every hidden layer, however gradients are sampled; "
            "partly: in some"
        )

    def place(self, one: Evidence) -> float:
        """The usual one first; recordings, of which nobody knows, last."""
        kind = one.setting("sampling")
        return float([*SAMPLINGS, kind].index(kind))

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers lose as much."""
        usual, *others = given
        names = usual.of.layer_names
        numbers, asked = hidden_losses(usual.of, f"{usual.setting('sampling')}: {{}} loses"), []
        for one in others:
            more = losses(one.of) - losses(usual.of)
            for k, column in enumerate(more.T):
                said = f"{one.setting('sampling')}: {names[k]}"
                numbers.append(of_spread(f"{said} loses more", spread(column), "bits"))
                asked.append(Mean(f"{said} loses as much", column, self.alike))
        return all_hold(numbers, asked, lambda said: said.replace("loses as much", "does not lose as much"))


@dataclass(frozen=True)
class RandomLabels(Claim):
    """Nothing to learn."""

    key = "random-labels"
    section = "–"
    text = "What compresses with nothing to learn but the sample itself"
    measured = "bits from the peak of I(X;T) to the end, labels from a fair coin"
    rule = ""
    rests_on = ("random-labels",)
    needs = (A_HIDDEN_LAYER, setting("labels", "random"))

    def case(self, given: Sequence[Evidence]) -> Case:
        """Numbers alone."""
        of = only(given).of
        accuracy = of_spread("accuracy inside the sample", spread(of.learning.train_accuracy[-1]))
        return Case([*hidden_losses(of), accuracy], [], _no_verdict)


@dataclass(frozen=True)
class Sensitivity(Claim):
    """How one trains."""

    key = "sensitivity"
    section = "–"
    text = "How much these numbers depend on learning rate, batch and optimiser"
    measured = "where drift ends, what the hidden layers lose together, and I(T;Y) at the output"
    rule = ""
    rests_on = ("figure-3", "adam", "learning rate 0.005", "learning rate 0.08", "batch 128", "batch 1024")
    needs = (A_HIDDEN_LAYER, BATCHES)
    spans = ("learning_rate", "batch", "optimizer")

    def case(self, given: Sequence[Evidence]) -> Case:
        """Numbers alone."""
        numbers = []
        usual = [given[0].setting(name) for name in self.spans]
        for one in given:
            of, said = one.of, _differs(one, usual)
            ends = censored(of.phases.transition.network_epochs)
            numbers.append(of_median(f"{said}: drift ends", ends, "epoch"))
            lost = spread(losses(of).sum(axis=1))
            numbers.append(of_spread(f"{said}: hidden layers lose", lost, "bits"))
            numbers.append(of_spread(f"{said}: output knows", spread(of.layers.i_y[-1, :, -1]), "bits"))
        return Case(numbers, [], _no_verdict)


def _differs(one: Evidence, usual: Sequence[object]) -> str:
    """How an ensemble is trained: what is other than `usual`, by the names of the settings; all, where nothing is."""
    rate, batch, optimizer = (one.setting(name) for name in Sensitivity.spans)
    if [rate, batch, optimizer] == usual:
        return f"{rate:g}, {batch}, {optimizer}"
    if optimizer != usual[2]:
        return f"{optimizer} {rate:g}" + (f", batch {batch}" if batch != usual[1] else "")
    parts = [f"learning rate {rate:g}"] if rate != usual[0] else []
    return ", ".join(parts + ([f"batch {batch}"] if batch != usual[1] else []))


def _no_verdict(_yes: Yes) -> tuple[str, str]:
    return NO_VERDICT, ""
