"""Noise added to trained weights: how much of it does generalisation bear?

Shwartz-Ziv and Tishby (2017, section 4) ask how far compression can be understood from noise in the weights, and of
the single-layer network, which has a closed form.

The noise of a layer is independent and normal, of a size relative to its weights W: each weight gets s = sigma
‖W‖ / sqrt(number of weights) times a standard normal number, so that the noise has the norm sigma ‖W‖ in the root mean
square. Biases get none and do not count in the norm. Draw k of a network is the same for every sigma (it is scaled) and
depends on the network's seed and k alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy.special import ndtri, owens_t

from ibtui_engine.compiled import compiled
from ibtui_engine.errors import InvalidValue
from ibtui_engine.forward import ACTIVATION_CODES
from ibtui_engine.measures.outputs import enter_layer
from ibtui_engine.measures.scratch import Scratch, as_layer, make_scratch
from ibtui_engine.networks import Architecture, Samples
from ibtui_engine.rules.perceptron import teacher_of
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import EnsembleSummary
from ibtui_engine.streams import Purpose, uniforms
from ibtui_engine.threads import Threads

DEFAULT_SIGMAS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
DEFAULT_DRAWS = 10
MOST_SIGMA = 1e6
MOST_DRAWS = 10_000


@dataclass(frozen=True, eq=False)
class NoiseErrors:
    """Generalisation error, the chance of a wrong answer, against the noise in the weights; mean over draws."""

    sigmas: Float64[np.ndarray, " sigmas"]
    """Noise relative to each layer's weights."""
    outside: Float64[np.ndarray, "networks sigmas"]
    """On the patterns outside each network's sample, in expectation under p(y|x); NaN where there are none."""
    every: Float64[np.ndarray, "networks sigmas"]
    """On all patterns."""
    drawn: Float64[np.ndarray, "networks sigmas"] | None
    """Of a perceptron, on all Gaussian inputs, for the noise that was drawn: exact. None of other networks."""
    closed: Float64[np.ndarray, "networks sigmas"] | None
    """Of a perceptron, over all noise too: exact in the limit of many inputs."""


def perceptron_error(
    overlap: Float64[np.ndarray, "*shape"], threshold: Float64[np.ndarray, "*shape"]
) -> Float64[np.ndarray, "*shape"]:
    """Chance that a student and a teacher perceptron disagree on an isotropic Gaussian input.

    The teacher's field u and the student's v are jointly normal with correlation R, the overlap of their weights; the
    teacher answers sign(u), the student sign(v + t), t its bias over the norm of its weights. So the chance is
    1/2 − 2 T(t, R / sqrt(1 − R²)), T Owen's (1956) function; without bias that is arccos(R) / pi.
    """
    with np.errstate(divide="ignore"):
        slope = overlap / np.sqrt(np.maximum(1 - np.square(overlap), 0.0))
    return np.asarray(0.5 - 2 * owens_t(threshold, slope))


def closed_form(
    weights: Float64[np.ndarray, "networks inputs"],
    biases: Float64[np.ndarray, " networks"],
    teacher: Float64[np.ndarray, " inputs"],
    sigmas: Float64[np.ndarray, " sigmas"],
) -> Float64[np.ndarray, "networks sigmas"]:
    """`perceptron_error` of students with noise in their weights, for many inputs.

    Noise of the relative size sigma is then orthogonal to teacher and student, so that it leaves the product with the
    teacher and makes the norm sqrt(1 + sigma²) times as large: R' = R / sqrt(1 + sigma²), and the bias counts as much
    less. For N inputs the error of this is of the order 1/N.
    """
    norms = np.linalg.norm(weights, axis=1)
    growth = np.sqrt(1 + np.square(sigmas))
    overlap = weights @ teacher / (norms * np.linalg.norm(teacher))
    return perceptron_error(overlap[:, None] / growth, (biases / norms)[:, None] / growth)


def noise_errors(
    architecture: Architecture,
    rule: Rule,
    samples: Samples,
    seeds: Sequence[int],
    weights: Float32[np.ndarray, "networks parameters"],
    threads: Threads,
    *,
    sigmas: Sequence[float] = DEFAULT_SIGMAS,
    draws: int = DEFAULT_DRAWS,
    teacher: Float64[np.ndarray, " inputs"] | None = None,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> NoiseErrors:
    """Error of networks with noise added to their weights, at every sigma.

    Args:
        samples: what each network learned from.
        seeds: of each network.
        sigmas: each at least 0.
        draws: of the noise, for each network.
        teacher: weights of a teacher perceptron, for Gaussian inputs; used where the networks have no hidden layer.
        watch: told after each draw how many are done, of how many.

    Raises:
        InvalidValue: a sigma or the number of draws is out of range, or the rule has more than two labels, or the
            units are stochastic.
    """
    sizes = np.array(sigmas, np.float64)
    if not sizes.size or not ((sizes >= 0) & (sizes <= MOST_SIGMA)).all():
        raise InvalidValue(f"sigma must be numbers from 0 to {MOST_SIGMA:g}, got {', '.join(f'{s:g}' for s in sigmas)}")
    if not 1 <= draws <= MOST_DRAWS:
        raise InvalidValue(f"draws must be a whole number from 1 to {MOST_DRAWS}, got {draws}")
    if rule.labels > 2:
        raise InvalidValue(f"the rule {rule.name} has {rule.labels} labels: noise is added to networks of two")
    if architecture.stochastic:
        raise InvalidValue("noise is added to weights of deterministic units, and these units are stochastic")
    networks = len(weights)
    inputs = as_layer(rule.patterns)
    inside = np.zeros((networks, len(rule.p_y)), np.bool_)
    np.put_along_axis(inside, samples.patterns, True, axis=1)
    mass = np.ones(len(rule.p_y)) if rule.p_x is None else rule.p_x * len(rule.p_x)
    single = architecture.layers == 1 and teacher is not None
    found = np.zeros((2, networks, len(sizes)))
    exact = np.zeros((networks, len(sizes)))
    for draw in range(draws):
        noise = np.stack([_noise(architecture, row, seed, draw) for row, seed in zip(weights, seeds, strict=True)])
        noisy = weights + (sizes[:, None, None] * noise).astype(np.float32)  # sigmas, networks, parameters

        def work(first: int, last: int, noisy: Float32[np.ndarray, "sigmas networks parameters"] = noisy) -> None:
            widths = np.array(architecture.widths, np.int64)
            code = ACTIVATION_CODES[architecture.activation]
            scratch = threads.kept(make_scratch, architecture.widths, len(rule.p_y))
            _wrong(first, last, noisy, widths, code, architecture.bits, inputs, rule.p_y, mass, inside, found, scratch)

        threads.share_out(networks, work)
        if single and teacher is not None:
            student = noisy.astype(np.float64)
            norms = np.linalg.norm(student[:, :, :-1], axis=2)
            overlap = student[:, :, :-1] @ teacher / (norms * np.linalg.norm(teacher))
            exact += perceptron_error(overlap, student[:, :, -1] / norms).T
        watch(draw + 1, draws)
    counts = (mass * ~inside).sum(axis=1)[:, None]
    with np.errstate(invalid="ignore"):
        outside = np.where(counts > 0, found[0] / (draws * counts), np.nan)
    double = weights.astype(np.float64)
    return NoiseErrors(
        sigmas=sizes,
        outside=outside,
        every=found[1] / (draws * len(rule.p_y)),
        drawn=exact / draws if single else None,
        closed=closed_form(double[:, :-1], double[:, -1], teacher, sizes) if single and teacher is not None else None,
    )


def noise_of(
    reader: SessionReader,
    ensemble: EnsembleSummary,
    threads: Threads,
    *,
    epoch: int | None = None,
    sigmas: Sequence[float] = DEFAULT_SIGMAS,
    draws: int = DEFAULT_DRAWS,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> NoiseErrors:
    """The same of a recorded ensemble's weights at a measured epoch (None: the last).

    Raises:
        InvalidValue: as `noise_errors` does; the epoch was not measured, or the session keeps no weights.
        SessionError: the session is damaged.
    """
    rule = reader.rule(ensemble.rule.number)
    teacher = teacher_of(rule.name, rule.parameters)
    return noise_errors(
        reader.architecture(ensemble),
        rule,
        reader.samples(ensemble),
        reader.seeds(ensemble),
        reader.weights(ensemble, ensemble.snapshots[-1] if epoch is None else epoch),
        threads,
        sigmas=sigmas,
        draws=draws,
        teacher=teacher if teacher is None or len(teacher) == rule.inputs else None,
        watch=watch,
    )


def _noise(
    architecture: Architecture, weights: Float32[np.ndarray, " parameters"], seed: int, draw: int
) -> Float64[np.ndarray, " parameters"]:
    """One draw for one network, of the relative size 1; 0 for biases."""
    normal = ndtri(uniforms(len(weights), seed, Purpose.WEIGHT_NOISE, draw))[None]
    for noise, matrix in zip(architecture.matrices(normal), architecture.matrices(weights[None]), strict=True):
        inner = matrix[0, :, :-1].astype(np.float64)
        noise[0] *= np.sqrt(np.square(inner).mean())
        noise[0, :, -1] = 0.0
    return np.asarray(normal[0])


@compiled
def _wrong(first: int, last: int, weights: Float32[np.ndarray, "sigmas networks parameters"],
           widths: np.ndarray, activation: int, bits: int, inputs: Float64[np.ndarray, "inputs_and_one columns"],
           p_y: Float64[np.ndarray, " patterns"], mass: Float64[np.ndarray, " patterns"], inside: np.ndarray,
           found: Float64[np.ndarray, "2 networks sigmas"], scratch: Scratch) -> None:  # fmt: skip
    """Add up wrong answers of networks first..last-1, in expectation: outside their samples, and in all."""
    patterns = p_y.shape[0]
    for network in range(first, last):
        for k in range(weights.shape[0]):
            for layer in range(widths.shape[0] - 1):
                enter_layer(layer, weights[k, network], widths, activation, bits, inputs, scratch)
            for s in range(patterns):
                wrong = mass[s] * (1.0 - p_y[s] if scratch.z[0, s] > 0.0 else p_y[s])
                found[1, network, k] += wrong
                if not inside[network, s]:
                    found[0, network, k] += wrong
