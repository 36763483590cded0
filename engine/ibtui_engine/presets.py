"""Experiments with a name: what the figures of Shwartz-Ziv and Tishby (2017) need, and controls.

Standard library only.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import DEFAULT_SNAPSHOTS, LARGE_GRID_SNAPSHOTS, Experiment

QUICK_MOST = MappingProxyType({"networks": 4, "epochs": 1_000, "snapshots": 40})
"""What a quick version has at most: all that happens until a layer's drift has ended, in seconds on two cores."""


MAP_QUICK = MappingProxyType({"networks": 2, "epochs": 200, "snapshots": 12})
"""Of maps, which have many ensembles."""


@dataclass(frozen=True)
class Preset:
    """An experiment that can be run by name."""

    name: str
    sentence: str
    """What it shows."""
    experiment: Experiment
    small: Mapping[str, Any] = field(default_factory=dict)
    """Settings of its quick version, as `Experiment.override` takes them, where `QUICK_MOST` does not fit."""

    @property
    def quick(self) -> Experiment:
        """A version that takes seconds: the same outputs, from fewer networks and epochs."""
        whole = self.experiment
        usual = 0 if whole.snapshot_at else LARGE_GRID_SNAPSHOTS if whole.large else DEFAULT_SNAPSHOTS
        counts = {
            "networks": whole.networks,
            "epochs": whole.epochs,
            "snapshots": usual if whole.snapshots is None else whole.snapshots,
        }
        less = {name: min(count, QUICK_MOST[name]) for name, count in counts.items()}
        return until(whole, less | dict(self.small))


def until(experiment: Experiment, settings: Mapping[str, Any]) -> Experiment:
    """`override`, where fewer epochs also leave out those of `snapshot_at` that are no longer reached, and a relaxation
    that would no longer begin does so at half of them.

    Raises:
        InvalidValue: as `override` does.
    """
    epochs = settings.get("epochs")
    if isinstance(epochs, int) and "snapshot_at" not in settings:
        reached = [epoch for epoch in experiment.snapshot_at if epoch <= epochs]
        if len(reached) < len(experiment.snapshot_at):
            count = experiment.snapshots if experiment.snapshots is not None or reached else 0
            settings = {"snapshots": count, **settings, "snapshot_at": reached}
    start = experiment.relax_from
    if start is not None and isinstance(epochs, int) and 0 < epochs <= start and "optimizer" not in settings:
        settings = {"relax_from": epochs // 2, **settings}
    return experiment.override(settings)


def _by_name(*presets: Preset) -> Mapping[str, Preset]:
    return MappingProxyType({preset.name: preset for preset in presets})


PRESETS = _by_name(
    Preset(
        "quick",
        "40 networks on 85 % of the patterns: watch the two phases in a quarter of a minute.",
        Experiment(networks=40, epochs=4_000),
    ),
    Preset(
        "figure-2",
        "Every layer of 50 networks in the information plane, before, during and after training.",
        Experiment(snapshots=120, snapshot_at=(400, 9_000)),
    ),
    Preset(
        "figure-3",
        "The layers' mean paths with 5 %, 45 % and 85 % of the patterns: too little data loses label information.",
        Experiment(fraction=(0.05, 0.45, 0.85)),
    ),
    Preset(
        "figure-4",
        "Mean and standard deviation of each layer's gradients in the network of section 3.1: drift and diffusion.",
        Experiment(hidden=((12, 10, 7, 5, 4, 3, 2),)),
    ),
    Preset(
        "figure-5",
        "One to six hidden layers at 80 % of the patterns: what depth does to the epochs needed.",
        Experiment(
            hidden=((12,), (12, 10), (12, 10, 8), (12, 10, 8, 6), (12, 10, 8, 6, 4), (12, 10, 8, 6, 4, 2)),
            fraction=(0.8,),
        ),
    ),
    Preset(
        "figure-6",
        "Converged layers of 50 networks at the IB curve, each with its beta*: the symmetric rule, all but a corner.",
        Experiment(snapshots=12),
    ),
    Preset(
        "figure-6-soft",
        "The same on symmetric-soft, whose curve bends: beta* differs from layer to layer there.",
        Experiment(rule=("symmetric-soft",), snapshots=12),
    ),
    Preset(
        "figure-7",
        "Converged layers of six hidden layers for sample fractions from 3 % to 85 %.",
        Experiment(
            hidden=((12, 10, 8, 6, 4, 2),),
            fraction=(0.03, 0.06, 0.1, 0.15, 0.25, 0.35, 0.5, 0.65, 0.85),
            networks=20,
        ),
        {"epochs": 500},
    ),
    Preset(
        "figure-8",
        "The committee machine, a rule without symmetry: do the same two phases appear?",
        Experiment(rule=("committee",)),
    ),
    Preset(
        "relu",
        "relu in place of tanh: does compression survive without saturation?",
        Experiment(activation=("relu",)),
    ),
    Preset(
        "quantised",
        "Activations rounded to 16 levels, in training too: every layer's information is exact, nothing is binned.",
        Experiment(activation_bits=(4,), snapshots=120, snapshot_at=(400, 9_000)),
    ),
    Preset(
        "full-batch",
        "Gradient descent on the whole sample at once, with as many updates as with batches: no noise to compress by.",
        Experiment(batch=("full",), epochs=70_000, networks=20),
    ),
    Preset(
        "sampling",
        "Batches dealt anew, drawn with replacement, or the whole sample's gradient with Gaussian noise of a batch's "
        "covariance: which noise does compression need?",
        Experiment(sampling=("shuffled", "replacement", "gaussian"), networks=10),
    ),
    Preset(
        "weight-decay",
        "A penalty on large weights, beside none: do layers compress that cannot saturate?",
        Experiment(weight_decay=(0.0, 0.001, 0.01), networks=20),
    ),
    Preset(
        "dropout",
        "Outputs of hidden units times Gaussian noise in training, beside none: what does a layer keep that must bear "
        "noise?",
        Experiment(dropout=(0.0, 0.1), networks=10),
    ),
    Preset(
        "random-labels",
        "Labels from a fair coin, measured under the true rule: what compression is left with nothing to learn?",
        Experiment(labels=("random",)),
    ),
    Preset(
        "width",
        "The usual layers, and layers of twice and four times as many units: does extra width help?",
        Experiment(
            hidden=((10, 8, 6, 4, 2), (20, 16, 12, 8, 4), (40, 32, 24, 16, 8)), networks=10, snapshots=60, weights=False
        ),
    ),
    Preset(
        "digits",
        "Ten networks learn 1797 small images of digits: drift and diffusion in a problem that no rule made. Needs the "
        "extra digits.",
        Experiment(
            rule=("digits",),
            hidden=((64, 32, 16),),
            networks=10,
            epochs=300,
            batch=(64,),
            estimator="kde",
            noise=0.1,
            measured=1000,
            snapshots=30,
        ),
        {"networks": 2, "epochs": 60, "snapshots": 10},
    ),
    # No weights: they would be 2 MB for each network and snapshot, twenty times all else.
    Preset(
        "mnist",
        "Wide networks learn MNIST, from --data DIR: drift and diffusion in a large standard problem.",
        Experiment(
            rule=("mnist",),
            hidden=((512, 256, 128),),
            networks=3,
            epochs=60,
            batch=(128,),
            learning_rate=(0.01,),  # at 0.02 drift is over in three epochs: too few to see its end
            estimator="kde",
            noise=0.1,
            measured=2000,
            snapshots=20,
            weights=False,
        ),
        {"networks": 1, "epochs": 20, "snapshots": 8},
    ),
    Preset(
        "monte-carlo",
        "SGD beside a Monte-Carlo relaxation of the weights from the end of drift on: does it compress, at what cost?",
        Experiment(optimizer=("sgd", "metropolis"), relax_from=400, networks=10, snapshots=60),
    ),
    Preset(
        "perceptron",
        "A single layer and a deep network learn a perceptron's labels: how much noise do their weights bear?",
        Experiment(
            rule=("perceptron",),
            hidden=((), (10, 8, 6, 4, 2)),
            fraction=(0.2,),
            networks=20,
            epochs=2_000,
            batch=(64,),
            snapshots=40,
        ),
    ),
    Preset(
        "stochastic",
        "Units that are −1 or 1 by chance: information is exact, so no bins can make compression, or hide it.",
        Experiment(
            units=("stochastic",), optimizer=("adam",), learning_rate=(0.005,), networks=10, epochs=2_000, snapshots=60
        ),
        {"networks": 2, "epochs": 150, "snapshots": 20},
    ),
    Preset(
        "ib-guided",
        "The information bottleneck as the objective of stochastic units, beside cross-entropy alone: do layers come "
        "closer to the curve?",
        Experiment(
            units=("stochastic",),
            ib_beta=("none", 200.0, 50.0),
            optimizer=("adam",),
            learning_rate=(0.005,),
            networks=5,
            epochs=500,
            snapshots=40,
        ),
        {"networks": 1, "epochs": 60, "snapshots": 12},
    ),
    Preset(
        "self-consistent",
        "Stochastic layers led to the IB equations, step by step, beside the gradient of the bottleneck: does the "
        "self-consistent encoder make a network?",
        Experiment(
            units=("stochastic",),
            ib_beta=(50.0,),
            ib_method=("gradient", "self-consistent"),
            optimizer=("adam",),
            learning_rate=(0.005,),
            networks=5,
            epochs=500,
            snapshots=40,
        ),
        {"networks": 1, "epochs": 60, "snapshots": 12},
    ),
    Preset(
        "map-learning",
        "A map of learning rate and batch, 100 ensembles: where do drift end and compression begin, where do they not?",
        Experiment(
            learning_rate=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5),
            batch=(32, 64, 128, 256, 512, 768, 1024, 1536, 2048, "full"),
            networks=10,
            snapshots=40,
            weights=False,
        ),
        MAP_QUICK,
    ),
    Preset(
        "map-depth",
        "A map of depth and width: one to six hidden layers of two to twelve units each.",
        Experiment(
            hidden=tuple((width,) * depth for depth in range(1, 7) for width in (2, 3, 4, 6, 8, 12)),
            networks=10,
            snapshots=40,
            weights=False,
        ),
        MAP_QUICK,
    ),
    Preset(
        "map-activation",
        "A map of activation and initial scale: which units compress, from which weights?",
        Experiment(
            activation=("tanh", "softsign", "sigmoid", "relu", "linear"),
            init_scale=(0.25, 0.5, 1.0, 2.0, 4.0),
            networks=10,
            snapshots=40,
            weights=False,
        ),
        MAP_QUICK,
    ),
    Preset(
        "map-data",
        "A map of sample fraction and label noise (I(X;Y) of the rule): how much data does fitting need, and does "
        "compression?",
        Experiment(
            fraction=(0.05, 0.1, 0.2, 0.4, 0.6, 0.85),
            i_xy=(0.5, 0.7, 0.9, 0.99),
            networks=10,
            snapshots=40,
            weights=False,
        ),
        MAP_QUICK,
    ),
    Preset("adam", "The authors' optimiser, Adam at 4e-4.", Experiment(optimizer=("adam",), learning_rate=(4e-4,))),
)
"""All presets by name, in the order to show them in."""

DEFAULT = "quick"
"""What runs where no preset is named."""


def find_preset(name: str) -> Preset:
    """Find an experiment that has a name.

    Args:
        name: of the preset, one of `PRESETS`.

    Returns:
        Its experiment, a quick version of that, and a sentence about it.

    Raises:
        InvalidValue: there is no preset of that name.
    """
    if name not in PRESETS:
        close = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InvalidValue(f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}{hint}")
    return PRESETS[name]
