"""The settings of an experiment: what each is, what it may be, and how it is described.

`SETTINGS` is their one home: `ibtui_engine.experiment.Experiment`, which has their defaults, checks values by it, and
the options of commands and the fields of the app's form follow from it. Standard library only.
"""

from __future__ import annotations

from types import MappingProxyType

from ibtui_engine.rules.names import BUILT_IN_SENTENCES, DIGITS
from ibtui_engine.rules.tables.options import LABEL_KINDS, MOST_LABEL_BINS, SCALES
from ibtui_engine.setting import HOW, MACHINE, MEASURED, WHAT, Setting

ACTIVATIONS = ("tanh", "relu", "sigmoid", "softsign", "linear")
BOUNDED = ("tanh", "sigmoid", "softsign")
"""Those whose outputs have two bounds."""
NOT_ROUNDED = "none"
"""In place of a number of bits: activations are not rounded."""
MOST_BITS = 12
"""There, training in single precision and measuring in double round one output in 20 000 to different levels; at 8 bits
one in 500 000 (of the paper's networks at epoch 500)."""
OPTIMIZERS = ("sgd", "momentum", "adam", "metropolis")
"""`metropolis` is SGD up to the epoch `relax_from`, and from there a Monte-Carlo relaxation of the weights under the
training-error constraint (`ibtui_engine.training.relaxation`)."""
FLAT = "flat"
PRIORS = (FLAT, "gauss", "sphere")
"""Laws of the weights that the relaxation samples where the loss allows (`ibtui_engine.training.relaxation`)."""
TRAINERS = ("auto", "fused", "torch")
DEVICES = ("auto", "cpu", "cuda", "mps")
ESTIMATORS = ("binning", "adaptive", "quantile", "kde", "exact", "gauss", "renyi", "probe")
"""How information is measured: bins of equal width on a fixed interval or on the range that occurs, bins of equal mass,
pairwise bounds under Gaussian noise (Kolchinsky and Tracey 2017), the outputs as they are, information under Gaussian
noise by sampling it (Goldfeld and others 2019), matrix-based Rényi entropy (Yu and others 2020), or what a linear
classifier reads on patterns that it was not fitted to."""
BINNED = ("binning", "adaptive", "quantile")
"""The estimators that have bins."""
NOISY = ("kde", "gauss")
"""Those that add noise to the outputs."""
UNIFORM = ("renyi", "probe")
"""Those that need equally likely patterns."""
SAMPLING = ("gauss", "probe")
"""Those that sample, and know their error."""
SLOW = ("kde", "gauss", "renyi", "probe")
"""Those that take from a tenth of a second to seconds for a network."""
USED_BY = MappingProxyType(
    {"bins": BINNED, "noise": NOISY, "noise_scale": NOISY, "noise_samples": ("gauss",), "kernel_width": ("renyi",)}
)
"""Settings that only some estimators use, and which."""
NOISE_SCALES = ("absolute", "unit", "layer")
"""What the variance of noise is a multiple of: 1, the mean variance of a unit's outputs over the patterns, or the sum
of that over units, which is the mean squared distance of a pattern's outputs from their mean."""
LABELS = ("rule", "random")
SAMPLINGS = ("shuffled", "replacement", "gaussian")
"""How a step comes by its gradient (`ibtui_engine.training.problem.Optimization`)."""
MOST_DROPOUT = 10.0
UNITS = ("deterministic", "stochastic")
"""What hidden units give out: the activation of what goes into them, or −1 or 1 by chance
(`ibtui_engine.stochastic`)."""
NO_BOTTLENECK = "none"
"""In the place of beta where information is no part of the objective."""
IB_METHODS = ("gradient", "self-consistent")
"""How stochastic units are trained on the bottleneck: down the gradient of the objective, or towards
what the paper's Eq. 8 and 9 make of the encoder."""
LEAST_BETA, MOST_BETA = 1e-3, 1e9
OWN_NOISE = "own-noise"
"""What information of stochastic units rests on, where estimators are named: the network's own noise, exactly."""
MAX_STATES_WIDTH = 12
"""Units of a stochastic layer: n of them have 2^n states, all of which are computed with."""

MAX_NETWORKS = 100_000
MAX_EPOCHS = 100_000_000
MAX_BINS = 1_000_000
MAX_SNAPSHOTS = 100_000
"""Epochs to measure between the first and the last, and as many named by `snapshot_at`."""
MOST_MOMENTUM = 1 - 2.0**-24
"""The largest float32 below 1."""
LONGEST_STEP = 0.05
"""Step of a Monte-Carlo move over the root mean square of its layer's weights at most. With it, 10 000 epochs move the
weights of the paper's network about as far as SGD moves them."""
DEFAULT_RELAX_FROM = 350
"""Where `metropolis` leaves SGD unless another epoch is asked for: the paper's end of drift."""
DEFAULT_SNAPSHOTS = 120
LARGE_GRID_SNAPSHOTS = 40
"""Epochs measured between the first and the last, unless others are asked for."""
DEFAULT_NOISE = 1e-3
"""Variance of the noise that `kde` adds, in units of activation²: that of the code of Saxe et al. (2018)."""
DEFAULT_RELATIVE_NOISE = 0.03
"""Variance of the noise of `gauss`, of the scale `layer`: layers of a convolutional network on 1000 images keep nearly
all that they know of ten labels, and are far from the ceiling of I(X;T). Noise in the scale of a unit says nothing of
wide layers: squared distances are sums over units."""
DEFAULT_SAMPLES = 1000
"""Draws of noise of `gauss`."""
MOST_SAMPLES = 10_000_000
DEFAULT_WIDTH = 0.5
"""Standard deviation of the kernel of `renyi`, in medians of the distance between two patterns."""
LEAST_NOISE, MOST_NOISE = 1e-30, 1e30
"""Beyond these, squares of distances leave the range of floating point."""
LEAST_FLOAT32, MOST_FLOAT32 = 2.0**-126, 3.4028234663852886e38
"""The smallest positive number that float32 has in full precision, and its largest: settings beyond them would reach
training as 0 or as infinity."""
IN_FLOAT32 = f"a number from {LEAST_FLOAT32:.3g} to {MOST_FLOAT32:.3g}, the range of float32"

SETTINGS = MappingProxyType(
    {
        "rule": Setting(
            label="Rule",
            kind="text",
            panel=WHAT,
            about="P(X,Y): symmetric, symmetric-soft, committee, perceptron, digits, mnist:DIR, or table:FILE.",
            hint="or mnist:DIR, table:FILE",
            suggested=(*BUILT_IN_SENTENCES, DIGITS),
            metavar="NAME",
            grid=True,
        ),
        "theta": Setting(
            label="Theta",
            kind="number",
            panel=WHAT,
            about="Threshold of the rule; `auto` balances p(y=1) to 0.5.",
            hint="threshold of the rule, or auto; empty: the rule's own",
            allowed="a finite number, or auto",
            words=("auto",),
            suggested=("auto",),
            unset="the rule's own",
            metavar="NUMBER|auto",
            grid=True,
            named="theta {}",
        ),
        "gamma": Setting(
            label="Gamma",
            kind="number",
            panel=WHAT,
            about="Sharpness of the rule, above 0.",
            hint="sharpness of the rule, above 0; empty: the rule's own",
            allowed="a number above 0",
            low=0.0,
            unset="the rule's own",
            grid=True,
            named="gamma {}",
        ),
        "i_xy": Setting(
            label="I(X;Y)",
            kind="number",
            panel=WHAT,
            about="Choose the sharpness that gives this I(X;Y), in bits; instead of --gamma.",
            hint="bits that gamma is chosen for, above 0 and below 1; instead of gamma",
            allowed="a number of bits above 0 and below 1",
            low=0.0,
            below=1.0,
            unset="that of gamma",
            metavar="BITS",
            grid=True,
            named="I(X;Y) {}",
        ),
        "label": Setting(
            label="Label column",
            kind="text",
            panel=WHAT,
            about="The label column of a table, by its name or its number from 1; several, with commas between, are a "
            "one-hot code.",
            hint="of a table: name or number; empty: label, y, target, class, ... or the last one",
            unset="found by its name",
            metavar="NAME|NUMBER",
        ),
        "ignore": Setting(
            label="Ignore",
            kind="text",
            panel=WHAT,
            about="Columns of a table that are no inputs: names or numbers, with commas between.",
            hint="columns of a table that are no inputs: names or numbers, with commas",
            unset="row numbers and constant columns",
            metavar="NAMES",
        ),
        "label_kind": Setting(
            label="Label kind",
            kind="choice",
            panel=WHAT,
            about="What the label column of a table holds: probability (of y = 1), class, or auto (probabilities if it "
            "is called p_y, else classes).",
            hint="auto: probabilities only in a column p_y",
            choices=LABEL_KINDS,
            metavar="KIND",
        ),
        "label_bins": Setting(
            label="Label bins",
            kind="whole",
            panel=WHAT,
            about="Cut a continuous label of a table into this many classes of equal mass.",
            hint=f"classes of equal mass for a continuous label, 2 to {MOST_LABEL_BINS}; empty: not cut",
            least=2,
            most=MOST_LABEL_BINS,
            unset="not cut",
            metavar="N",
        ),
        "scale": Setting(
            label="Scale",
            kind="choice",
            panel=WHAT,
            about="Scaling of a table's inputs: none, standard (mean 0, standard deviation 1), unit (0 to 1), or auto "
            "(standard for inputs far outside [−3, 3], unit for pixels).",
            hint="auto: standard for inputs far outside [−3, 3], unit for pixels",
            choices=SCALES,
            metavar="KIND",
        ),
        "weight": Setting(
            label="Weight column",
            kind="text",
            panel=WHAT,
            about="The column of a table that p(x) is in proportion to, by its name or its number from 1, or none: "
            "then a column called weight is an input like others.",
            hint="column that p(x) is in proportion to, or none; empty: one called weight",
            unset="one called weight",
            metavar="NAME|none",
        ),
        "test_fraction": Setting(
            label="Test fraction",
            kind="number",
            panel=WHAT,
            about="Hold out this share of a table's rows, above 0 and below 1: no network trains on them, and they are "
            "measured separately. They are drawn by the first seed, in proportion from each label.",
            hint="share of a table's rows that no network trains on, measured separately",
            allowed="above 0 and below 1",
            low=0.0,
            below=1.0,
            unset="none held out",
            metavar="SHARE",
        ),
        "test": Setting(
            label="Test file",
            kind="text",
            panel=WHAT,
            about="A second table with the same inputs and labels, whose rows are held out: no network trains on them, "
            "and they are measured separately.",
            hint="a second table with the same columns, measured separately",
            unset="none",
            metavar="FILE",
        ),
        "hidden": Setting(
            label="Hidden layers",
            kind="widths",
            panel=WHAT,
            about="Widths of the hidden layers, from the input on, or none.",
            hint="widths from the input on, or none",
            grid=True,
            suggested=("10-8-6-4-2", "10-7-5-4-3", "12-10-8-6-4-2", "12"),
            metavar="WIDTHS",
        ),
        "fraction": Setting(
            label="Sample fractions",
            kind="number",
            panel=WHAT,
            about="Share of the patterns in each network's sample, above 0 and at most 1.",
            hint="above 0 and at most 1",
            allowed="above 0 and at most 1",
            low=0.0,
            most=1.0,
            grid=True,
            suggested=("0.85", "0.45", "0.05"),
            metavar="SHARE",
        ),
        "networks": Setting(
            label="Networks",
            kind="whole",
            panel=WHAT,
            about="Networks per ensemble.",
            hint="in each ensemble, from 1",
            least=1,
            most=MAX_NETWORKS,
            suggested=("10", "50"),
        ),
        "seed": Setting(
            label="First seed",
            kind="whole",
            panel=WHAT,
            about="Seed of the first network; the others count on from it.",
            hint="from 0; the others count on from it",
            least=0,
            most=2**62,
        ),
        "epochs": Setting(
            label="Epochs",
            kind="whole",
            panel=HOW,
            about="Passes through the sample.",
            hint="passes through the sample, from 1",
            least=1,
            most=MAX_EPOCHS,
            suggested=("2000", "10000"),
        ),
        "batch": Setting(
            label="Batch",
            kind="whole",
            panel=HOW,
            about="Patterns in a batch, or full.",
            hint="patterns, from 1, or full",
            least=1,
            most=2**31,
            words=("full",),
            suggested=("512", "128", "full"),
            metavar="SIZE|full",
            grid=True,
            named="batch {}",
        ),
        "learning_rate": Setting(
            label="Learning rate",
            kind="number",
            panel=HOW,
            about="Learning rate, above 0.",
            hint="above 0",
            allowed=IN_FLOAT32,
            least=LEAST_FLOAT32,
            most=MOST_FLOAT32,
            suggested=("0.02", "0.0004"),
            metavar="NUMBER",
            grid=True,
            named="learning rate {}",
        ),
        "optimizer": Setting(
            label="Optimiser",
            kind="choice",
            panel=HOW,
            about="sgd, momentum, adam or metropolis (SGD first, then a Monte-Carlo relaxation of the weights at a "
            "loss that never rises above the one it begins at).",
            grid=True,
            choices=OPTIMIZERS,
            metavar="NAME",
        ),
        "momentum": Setting(
            label="Momentum",
            kind="number",
            panel=HOW,
            about="Momentum coefficient (Adam: beta1), at least 0 and below 1.",
            hint="of momentum (Adam: beta1), from 0, below 1",
            allowed="at least 0 and, as a float32, below 1",
            least=0.0,
            most=MOST_MOMENTUM,
            metavar="NUMBER",
            grid=True,
            named="momentum {}",
            beside=(("optimizer", "momentum"),),
        ),
        "relax_from": Setting(
            label="Relax from",
            kind="epoch",
            panel=HOW,
            about="Where metropolis leaves SGD; from there, epochs of both cost the same, a forward pass counting "
            "as a third of a gradient.",
            hint=f"epoch at which metropolis leaves SGD, from 0; empty: {DEFAULT_RELAX_FROM}",
            unset=f"{DEFAULT_RELAX_FROM}",
            metavar="EPOCH",
            of="metropolis",
        ),
        "relax_prior": Setting(
            label="Relax prior",
            kind="choice",
            panel=HOW,
            about="Law of the weights that metropolis samples where the loss allows: flat, gauss (each normal, with "
            "mean 0 and the standard deviation INIT_SCALE / sqrt(fan-in)) or sphere (flat, but the weights into each "
            "neuron, bias included, keep their norm).",
            hint="law of the weights where the loss allows; empty: flat",
            choices=PRIORS,
            unset="flat",
            metavar="LAW",
            of="metropolis",
        ),
        "weight_decay": Setting(
            label="Weight decay",
            kind="number",
            panel=HOW,
            about="Add half of this times the squared norm of the weights, biases apart, to the loss. Statistics of "
            "gradients are those of the loss without it.",
            hint="half of it times the weights' squared norm is added to the loss; 0 to 1",
            allowed="a number from 0 to 1",
            least=0.0,
            most=1.0,
            suggested=("0", "0.001", "0.01"),
            metavar="NUMBER",
            grid=True,
            named="weight decay {}",
        ),
        "dropout": Setting(
            label="Gaussian dropout",
            kind="number",
            panel=HOW,
            about="In training, multiply each output of a deterministic hidden unit by a normal number of mean 1 and "
            "this variance, anew for each sample and step; layers are measured without it.",
            hint="variance of the noise that outputs are multiplied by in training; 0: none",
            allowed=f"a variance from 0 to {MOST_DROPOUT:g}",
            least=0.0,
            most=MOST_DROPOUT,
            suggested=("0", "0.1", "0.5"),
            metavar="VARIANCE",
            grid=True,
            named="dropout {}",
        ),
        "sampling": Setting(
            label="Sampling",
            kind="choice",
            panel=HOW,
            about="shuffled (an epoch's batches are the sample, dealt anew), replacement (each batch is drawn from the "
            "sample with replacement) or gaussian (the gradient of the whole sample, plus Gaussian noise with the "
            "covariance that a batch's gradient has: each step costs an epoch).",
            hint="of batches; gaussian: the whole sample's gradient, and noise of a batch's covariance",
            choices=SAMPLINGS,
            metavar="KIND",
            grid=True,
            named="{} sampling",
        ),
        "units": Setting(
            label="Units",
            kind="choice",
            panel=HOW,
            about="deterministic, or stochastic: hidden units are −1 or 1 by chance, p(1) = s(2 (w·t + b)), so that "
            "information is exact; layers of up to 12 units, two labels.",
            hint="stochastic: −1 or 1 by chance, information exact, layers of up to 12",
            choices=UNITS,
            metavar="KIND",
            grid=True,
            named="{} units",
        ),
        "ib_beta": Setting(
            label="IB beta",
            kind="number",
            panel=HOW,
            about="Train stochastic units on cross-entropy + the sum over hidden layers of I(X;T) / BETA, in nats, "
            "with I(X;T) over the patterns of a batch; none: on cross-entropy alone.",
            hint="of stochastic units: adds the sum of I(X;T) / beta to the loss; none: does not",
            allowed=f"a number from {LEAST_BETA:g} to {MOST_BETA:g}, or {NO_BOTTLENECK}",
            least=LEAST_BETA,
            most=MOST_BETA,
            words=(NO_BOTTLENECK,),
            suggested=(NO_BOTTLENECK, "5", "50"),
            metavar=f"BETA|{NO_BOTTLENECK}",
            grid=True,
            named="IB beta {}",
            beside=(("units", "stochastic"),),
        ),
        "ib_method": Setting(
            label="IB method",
            kind="choice",
            panel=HOW,
            about="What IB beta is used for: gradient (down the gradient of that sum) or self-consistent (each step "
            "finds every hidden layer's p_beta(t|x) by the paper's Eq. 8 and 9, and takes p(t|x) closer to it; only "
            "the output sees the loss).",
            hint="gradient of that sum; or steps towards the encoder of Eq. 8 and 9, with the loss at the output alone",
            choices=IB_METHODS,
            metavar="NAME",
            grid=True,
            named="{} IB",
            beside=(("units", "stochastic"), ("ib_beta", 1.0)),
        ),
        "activation": Setting(
            label="Activation",
            kind="choice",
            panel=HOW,
            about="Of deterministic hidden layers: tanh, relu, sigmoid, softsign or linear.",
            choices=ACTIVATIONS,
            metavar="NAME",
            grid=True,
        ),
        "activation_bits": Setting(
            label="Activation bits",
            kind="whole",
            panel=HOW,
            about="Round each activation to one of 2^BITS levels and hand that on, in training and in measuring "
            "(straight-through gradients; tanh, sigmoid and softsign): I(X;T) is then exact. Such networks are "
            "measured by the estimator exact, unless you choose another.",
            hint=f"round activations to 2^bits levels: 1 to {MOST_BITS}, or none",
            least=1,
            most=MOST_BITS,
            words=(NOT_ROUNDED,),
            suggested=(NOT_ROUNDED, "4", "8"),
            metavar=f"BITS|{NOT_ROUNDED}",
            grid=True,
            named="activation bits {}",
        ),
        "init_scale": Setting(
            label="Initial scale",
            kind="number",
            panel=HOW,
            about="Spread of the initial weights, in units of 1/sqrt(fan-in).",
            hint="spread of the initial weights, in 1/sqrt(fan-in), above 0",
            allowed=IN_FLOAT32,
            least=LEAST_FLOAT32,
            most=MOST_FLOAT32,
            metavar="NUMBER",
            grid=True,
            named="initial scale {}",
        ),
        "labels": Setting(
            label="Labels",
            kind="choice",
            panel=HOW,
            about="Training labels: drawn from the rule (`rule`), or at random (`random`); information is measured "
            "under the rule either way.",
            hint="random: a fair coin instead of the rule",
            choices=LABELS,
            metavar="KIND",
            grid=True,
            named="{} labels",
        ),
        "estimator": Setting(
            label="Estimator",
            kind="choice",
            panel=MEASURED,
            about="binning (of [−1, 1], or of what occurs where outputs are unbounded), adaptive (of what occurs), "
            "quantile (bins of equal mass), kde (bounds under Gaussian noise; slow), exact (no bins), gauss (under "
            "Gaussian noise, by sampling it), renyi (matrix-based entropy, no Shannon information; slow) or probe (a "
            "lower bound of I(T;Y): what a linear classifier reads of held-out patterns; no I(X;T); slow).",
            choices=ESTIMATORS,
            metavar="NAME",
        ),
        "bins": Setting(
            label="Bins",
            kind="whole",
            panel=MEASURED,
            about="Intervals for a neuron's output; for binning, adaptive and quantile.",
            hint="intervals for a neuron's output, from 2",
            least=2,
            most=MAX_BINS,
            suggested=("30", "60"),
        ),
        "noise": Setting(
            label="Noise",
            kind="number",
            panel=MEASURED,
            about="Variance of the noise that kde and gauss add to each output, in units of activation² (or of "
            "--noise-scale).",
            hint=f"variance that kde and gauss add; empty: {DEFAULT_NOISE:g}, of gauss {DEFAULT_RELATIVE_NOISE:g} of "
            "the layer",
            allowed=f"a variance from {LEAST_NOISE:g} to {MOST_NOISE:g}",
            least=LEAST_NOISE,
            most=MOST_NOISE,
            unset=f"{DEFAULT_NOISE:g} of kde, {DEFAULT_RELATIVE_NOISE:g} of the layer of gauss",
            metavar="VARIANCE",
        ),
        "noise_scale": Setting(
            label="Noise scale",
            kind="choice",
            panel=MEASURED,
            about="What --noise is a multiple of: absolute (units of activation²), unit (the mean variance of a unit's "
            "outputs) or layer (the mean squared distance of a pattern's outputs from their mean).",
            hint="what the noise is a multiple of; empty: absolute",
            choices=NOISE_SCALES,
            unset="absolute",
            metavar="KIND",
            beside=(("noise", DEFAULT_NOISE),),
        ),
        "noise_samples": Setting(
            label="Noise samples",
            kind="whole",
            panel=MEASURED,
            about="Draws of the noise of gauss for each layer: its error falls with their root.",
            hint=f"draws of the noise of gauss; empty: {DEFAULT_SAMPLES}",
            least=2,
            most=MOST_SAMPLES,
            unset=f"{DEFAULT_SAMPLES}",
        ),
        "kernel_width": Setting(
            label="Kernel width",
            kind="number",
            panel=MEASURED,
            about="Standard deviation of the kernel of renyi, in medians of the distance between two patterns.",
            hint=f"of the kernel of renyi, in median distances; empty: {DEFAULT_WIDTH:g}",
            allowed="a number from 0.001 to 1000",
            least=1e-3,
            most=1e3,
            unset=f"{DEFAULT_WIDTH:g}",
            metavar="WIDTH",
        ),
        "measured": Setting(
            label="Measured",
            kind="whole",
            panel=MEASURED,
            about="Measure information over this many patterns, chosen at random; for rules of more than two labels.",
            hint="patterns that information is measured over, from 2; empty: all. For more than two labels",
            least=2,
            most=2**31,
            unset="all",
            metavar="PATTERNS",
        ),
        "snapshots": Setting(
            label="Snapshots",
            kind="whole",
            panel=MEASURED,
            about="Epochs to measure between the first and the last, evenly spaced in log epoch.",
            hint=f"epochs measured between the first and the last, from 0; empty: {DEFAULT_SNAPSHOTS}, of a large "
            f"grid {LARGE_GRID_SNAPSHOTS}",
            least=0,
            most=MAX_SNAPSHOTS,
            unset=f"{DEFAULT_SNAPSHOTS}; of a grid of 20 ensembles or more {LARGE_GRID_SNAPSHOTS}",
        ),
        "snapshot_at": Setting(
            label="Snapshots at",
            kind="epoch",
            panel=MEASURED,
            about="Measure at these epochs, such as 0,400,9000, and at the first and last; repeat it to add more. "
            "With --snapshots, both are measured.",
            hint="more epochs to measure, such as 0, 400, 9000",
            listed=True,
            metavar="EPOCHS",
        ),
        "weights": Setting(
            label="Keep weights",
            kind="flag",
            panel=MEASURED,
            about="Keep each snapshot's weights.",
            hint="of each snapshot: for beta*, and to measure again",
        ),
        "trainer": Setting(
            label="Trainer",
            kind="choice",
            panel=MACHINE,
            about="auto, fused (small networks on the CPU) or torch (any size, any device).",
            hint="fused: small networks; torch: any",
            choices=TRAINERS,
            metavar="NAME",
        ),
        "device": Setting(
            label="Device",
            kind="choice",
            panel=MACHINE,
            about="auto, cpu, cuda or mps.",
            choices=DEVICES,
            metavar="NAME",
        ),
    }
)
"""By name, in the order in which they are shown."""
GRID = tuple(name for name, setting in SETTINGS.items() if setting.grid)
"""Settings that may have several values, in the order of the grid: the ensembles of the first one's first value come
first."""
