"""What help says of charts, screens and words, as terms with their explanations."""

from __future__ import annotations

from types import MappingProxyType

Rows = tuple[tuple[str, str], ...]

CHARTS: MappingProxyType[str, tuple[str, Rows]] = MappingProxyType(
    {
        "plane": (
            "the information plane",
            (
                ("to the right", "I(X;T): how many bits of the input the layer still tells apart."),
                ("upwards", "I(T;Y): how many bits of the label can be read off the layer."),
                (
                    "a number",
                    "a layer at the playhead's epoch, counted from the input on; the last is the output.",
                ),
                ("a line", "where the layer was before, coloured by epoch."),
                ("◆", "where the layer's drift ends and diffusion begins."),
                ("H(X), I(X;Y)", "the ceilings: no layer can tell apart more inputs, or know more of the label."),
                ("a good layer", "is far up, and as far left as that allows: what it has forgotten cannot mislead it."),
            ),
        ),
        "gradients": (
            "gradients",
            (
                ("mean", "size of the mean gradient over an epoch's batches, over the size of the weights."),
                ("spread", "how much the batches differ. Where it is above the mean, they pull in random directions."),
                ("where they cross", "drift ends: the signal sinks into the noise. The line marks it."),
            ),
        ),
        "snr": (
            "gradient signal to noise",
            (
                ("SNR", "mean gradient over its spread, for each layer; geometric mean over networks."),
                ("above 1", "drift: the batches agree where to go, and the labels are being fitted."),
                ("below 1", "diffusion: a random walk. Independent batches would give 1/√batches from noise only."),
                ("dotted", "SNR of batches if weights stood still, of the layer in focus; no motion, no floor."),
                ("noise scale", "examples in a batch that would have as much noise as signal."),
            ),
        ),
        "learning": (
            "learning",
            (
                ("loss", "cross-entropy in nats, inside the sample that is learned from and outside."),
                ("accuracy", "share of labels guessed right. A gap between inside and outside is overfitting."),
                ("dotted", "one standard deviation over networks."),
            ),
        ),
        "bound": (
            "the bound",
            (
                (
                    "the curve",
                    "the most I(T;Y) that is possible at each I(X;T): nothing lies above it.",
                ),
                ("a number", "a layer; its distance below the curve is the label information that it gave away."),
                ("beta*", "the trade-off that fits the layer best (Eq. 12 of the paper); the slope there is 1/beta*."),
            ),
        ),
        "kept": (
            "what is kept",
            (
                ("a bar", "what a layer knows of the input, I(X;T), in three parts."),
                ("of the label", "I(T;Y), bits of the label itself."),
                ("of the orbit", "other bits of the class of equal p(y|x), all of x that the label depends on."),
                ("within orbits", "I(X;T | orbit): what tells the label nothing, which compression may forget."),
            ),
        ),
        "phases": (
            "the two phases",
            (
                ("drift ends", "epoch at which a layer's SNR falls below 1, with its 95 % interval over networks."),
                ("turns", "epoch at which I(X;T) turns from rising to falling."),
                ("bits lost", "from the peak of I(X;T) to the last snapshot."),
            ),
        ),
        "layers": (
            "the table of the layers",
            (
                ("± sd", "standard deviation over networks (n − 1)."),
                ("distinct", "different values of the layer over all inputs."),
                ("saturated", "share of outputs near the activation's bounds."),
            ),
        ),
    }
)
"""Each chart's name in a heading, and how to read it."""

SCREENS: MappingProxyType[str, tuple[str, Rows]] = MappingProxyType(
    {
        "LibraryScreen": (
            "Library",
            (
                ("a session", "one file with all that was measured. Opening one that runs shows it live."),
                ("drift ends", "epoch at which the gradient SNR of the whole network falls below 1."),
                ("bits lost", "the most that a hidden layer lost of the input, from the peak of I(X;T) to the end."),
                ("accuracy", "share of the labels outside the sample that are guessed right, at the end."),
                ("of several", "ensembles, results are of the one with the largest sample and the most layers."),
                ("examples", "ship with ibtui and are only read; d sets up an experiment with their settings."),
            ),
        ),
        "NewScreen": (
            "New experiment",
            (
                ("presets", "fill in the form; change what you like."),
                (
                    "a grid",
                    "several values of a setting make an ensemble each; settings combine with one another.",
                ),
                ("tab", "completes names and files; on to the next field where nothing is left to complete."),
                ("table:FILE", "a rule of your own, from a table; it is read and described as you type."),
            ),
        ),
        "SessionScreen": (
            "Session",
            (
                ("the playhead", "the epoch that all charts show. Moving it moves only this view, never the run."),
                ("the run", "is another process: closing the app leaves it running."),
                ("to read a number", "point at it, or press an arrow key: a box lists every layer at that epoch."),
                ("a difference", "m marks the point that is read; the box then has the differences from it."),
            ),
        ),
        "LessonScreen": (
            "Lesson",
            (
                ("a stop", "a view of a session, with what to look at, a key to press, and a question."),
                ("the place", "is kept: tour or lesson go on from the stop at which you left."),
                ("your views", "of the sessions stay as they were; nothing is written to them."),
            ),
        ),
        "AccountScreen": (
            "Account",
            (
                ("a claim", "of Shwartz-Ziv and Tishby (2017), with the chart that shows it, at the last epoch."),
                ("+ ~ - ?", "reproduced, partly, not, undecided: the networks leave it open."),
                ("n", "networks: the more there are, the less is undecided."),
                ("resamples", "of 1000 draws of the networks, how many would give the same verdict."),
                (
                    "sessions",
                    "those marked in the library; without marks, finished ones of the presets, or examples.",
                ),
            ),
        ),
        "MapScreen": (
            "Map",
            (
                ("a cell", "one ensemble of a grid; what it came to is kept as soon as it is finished."),
                ("its colour", "the number that is shown, from the least to the greatest; or the verdict of a claim."),
                ("/////", "hatched: undecided, the networks leave it open."),
                ("▸  ○  ·", "a cell that trains, one that has not begun, one without such a number."),
                ("A, B", "the two cells that are marked for comparing."),
                ("a slice", "where ensembles differ in more than two settings, the others have one value each."),
                ("percent", "of 1000 draws of the networks, how many would give the same verdict."),
            ),
        ),
        "CompareScreen": (
            "Compare",
            (
                (
                    "one playhead",
                    "two to six ensembles at one epoch, or the last that was measured before.",
                ),
                ("overlay", "all ensembles in one chart, a colour for each."),
                ("pinned", "the ensemble that is on top, and that the others are compared with in the table."),
                (
                    "the table",
                    "follows the charts (tab): ± se is the standard error over networks, of a difference both "
                    "errors together; * where chance is unlikely to make it (95 %).",
                ),
            ),
        ),
    }
)
"""Each screen's name, and its explanation."""

GROUPS = MappingProxyType(
    {
        "chart": "Keys: this chart",
        "library": "Keys: library",
        "new": "Keys: the form",
        "session": "Keys: session",
        "compare": "Keys: compare",
        "account": "Keys: account",
        "map": "Keys: map",
        "lesson": "Keys: the lesson",
        "measure": "Keys: measure again",
        "run": "Keys: the run",
        "app": "Keys: everywhere",
        "": "Keys: fields and lists",
    }
)
"""Groups of keys, by the beginnings of their names in the settings, in their order."""

WORDS: MappingProxyType[str, Rows] = MappingProxyType(
    {
        "Words: information": (
            ("X, T, Y", "the input, the values of one layer, the label."),
            ("I(X;T)", "bits of the input that the layer tells apart."),
            ("I(T;Y)", "bits of the label that can be read off the layer; never more than I(X;Y)."),
            ("the ceiling", "4096 equally likely inputs are 12 bits, H(X): a layer there gives each its own value, "
             "and its I(X;T) says nothing more."),
            ("bottleneck", "the trade-off between knowing the label and forgetting the input."),
        ),
        "Words: the two phases": (
            ("drift", "the batches of an epoch agree: SNR above 1, layers rise, the labels are fitted."),
            ("diffusion", "the batches pull in random directions: SNR below 1."),
            ("compression", "I(X;T) falls. Shwartz-Ziv and Tishby (2017) claim that diffusion does it; how much of it "
             "is an artefact of bins is disputed (Saxe 2018, Goldfeld 2019)."),
            ("to see for yourself", "run relu, full-batch, random-labels, or quantised, which bins nothing; change "
             "the bins and the estimator."),
        ),
        "Words: what the numbers rest on": (
            ("bins", "each neuron's output is put in one of 30 equal intervals; a layer's value is the tuple of its "
             "bins, counted exactly over all inputs and under the true rule, whatever sample was learned from."),
            ("estimator", "what values come from: binning, adaptive, quantile, kde, exact, gauss, renyi, probe."),
            ("the notes", "below the table say where a binned layer seems to know more than the one before."),
        ),
        "Words: sessions": (
            ("network", "one random start trained on one random sample; its seed determines both."),
            ("ensemble", "the networks of one combination of settings."),
            ("snapshot", "all that was measured at one epoch."),
        ),
    }
)  # fmt: skip
"""What words mean, in groups."""
