"""The torch trainer: all networks of a cohort in batched matrix products, on any device and for any size.

The backward pass is written out, which saves autograd's bookkeeping; the tests hold it against autograd. It draws
the same batches from the same streams as the fused trainer, so the two differ by rounding alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ibtui_engine.errors import InvalidValue
from ibtui_engine.streams import SAMPLING_CODES, Purpose, normals, order_epoch, rounded_up, share_out
from ibtui_engine.training.problem import (
    ADAM_EPSILON,
    ADAM_SQUARES_DECAY,
    FrozenGradients,
    GradientNorms,
    Problem,
    TrainingState,
    worth,
)

_ACTIVATION: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softsign": torch.nn.functional.softsign,
    "linear": lambda z: z,
}
_SLOPE: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda a: 1 - a * a,
    "relu": lambda a: (a > 0).to(a.dtype),
    "sigmoid": lambda a: a * (1 - a),
    "softsign": lambda a: (1 - a.abs()) ** 2,
    "linear": torch.ones_like,
}
"""Each activation's derivative from its value."""


def rounded(y: Tensor, activation: str, bits: int) -> Tensor:
    """Activations rounded to levels as `ibtui_engine.forward.round_to_levels` does it; as they are without bits."""
    if not bits:
        return y
    scale = 2.0 ** (bits if activation == "sigmoid" else bits - 1)
    return torch.floor(y * scale).clamp_(max=scale - 1).add_(0.5).mul_(1 / scale)


def _output(z: Tensor) -> Tensor:
    """One logistic unit, or the softmax of several."""
    return torch.sigmoid(z) if z.shape[2] == 1 else torch.softmax(z, dim=2)


def require_device(name: str) -> torch.device:
    """The torch device of that name; `auto` is the best there is.

    Raises:
        InvalidValue: this machine, or this build of torch, has no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there.get(name):
        usable = ", ".join(device for device, usable in there.items() if usable)
        raise InvalidValue(f"device {name!r} is not available here; available: {usable}")
    return torch.device(name)


class TorchTrainer:
    """Trains a cohort with torch (`Trainer`)."""

    def __init__(self, problem: Problem, state: TrainingState, device: str = "cpu", threads: int = 1) -> None:
        if problem.optimization.optimizer == "metropolis":
            raise InvalidValue("the torch trainer has no metropolis: use --trainer fused or auto")
        torch.set_num_threads(threads)
        self._problem = problem
        self._device = require_device(device)
        self._epoch = state.epoch
        rule, samples = problem.rule, problem.samples
        self._patterns = torch.from_numpy(rule.patterns.astype(np.float32)).to(self._device)
        self._labels = rule.labels
        self._items = (samples.patterns * rule.labels + samples.labels).astype(np.uint32)
        self._worth, self._shares = (torch.from_numpy(one).to(self._device) for one in worth(problem))
        self._weights = self._matrices(state.weights)
        self._slots = [self._matrices(slot) for slot in state.slots]
        # Sums of gradients and their squares lose digits in single precision; only mps has no other.
        self._sum_type = torch.float32 if self._device.type == "mps" else torch.float64

    def _matrices(self, weights: np.ndarray) -> list[Tensor]:
        views = self._problem.architecture.matrices(np.array(weights, np.float32))
        return [torch.from_numpy(view.copy()).to(self._device) for view in views]

    def _orders(self, epoch: int) -> Tensor:
        """Every network's samples in the order of one epoch: networks x samples."""
        orders = np.empty_like(self._items)
        scratch = np.empty(rounded_up(orders.shape[1]), np.uint32)
        for order, items, seed in zip(orders, self._items, self._problem.seeds, strict=True):
            order_epoch(items, order, scratch, SAMPLING_CODES[self._problem.optimization.sampling], seed, epoch)
        return torch.from_numpy(orders.astype(np.int64)).to(self._device)

    @torch.no_grad()
    def advance(self, epochs: int, *, statistics: bool = False) -> GradientNorms | None:
        """Train that many epochs; with `statistics`, return those of the last of them."""
        size, batch = self._problem.samples.size, self._problem.optimization.batch
        norms = None
        for epoch in range(self._epoch + 1, self._epoch + epochs + 1):
            orders = self._orders(epoch)
            measured = statistics and epoch == self._epoch + epochs
            sums = [torch.zeros_like(w, dtype=self._sum_type) for w in self._weights] if measured else []
            squares = [torch.zeros_like(s) for s in sums]
            for number, start in enumerate(range(0, size, batch)):
                step = (epoch - 1) * self._problem.batches + number + 1
                chosen = orders[:, start : start + batch]
                counts = None
                if self._problem.optimization.sampling == "gaussian":
                    counts = self._portions(chosen.shape[1], step) * size
                    chosen = orders
                counts = self._worthy(chosen, counts)
                factors = self._factors(chosen.shape[1], step)
                gradients = self.gradients(*self._of(chosen), counts, factors)
                self._update(gradients, step)
                for total, square, gradient in zip(sums, squares, gradients if measured else (), strict=True):
                    total += gradient
                    square += gradient.to(self._sum_type) ** 2
            if measured:
                norms = self._norms(sums, squares)
        self._epoch += epochs
        return norms

    def _of(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and labels of samples."""
        return self._patterns[chosen // self._labels], chosen % self._labels

    def _worthy(self, chosen: Tensor, counts: Tensor | None) -> Tensor | None:
        """How much samples count, with p(x); None where all count the same."""
        if not len(self._worth):
            return counts
        worth = self._worth[chosen // self._labels] * self._shares[:, None]
        return worth if counts is None else counts * worth

    def _portions(self, batch: int, step: int) -> Tensor:
        """What every sample counts in a step with Gaussian noise for the choice of a batch: networks x samples."""
        portions = np.empty(self._items.shape, np.float32)
        room = rounded_up(portions.shape[1])
        numbers, words = np.empty(room, np.float32), np.empty(room, np.uint32)
        for row, seed in zip(portions, self._problem.seeds, strict=True):
            share_out(row, batch, numbers, words, seed, step)
        return torch.from_numpy(portions).to(self._device)

    def _factors(self, samples: int, step: int) -> list[Tensor]:
        """What outputs of each hidden layer are multiplied by, networks x samples x units; none without dropout."""
        variance, widths = self._problem.optimization.dropout, self._problem.architecture.widths[1:-1]
        if not variance or not widths:
            return []
        count = sum(widths) * samples
        drawn = np.stack([normals(count, seed, Purpose.DROPOUT, step) for seed in self._problem.seeds])
        factors = 1 + math.sqrt(variance) * torch.from_numpy(drawn).to(self._device)
        by_unit = factors.reshape(len(drawn), -1, samples)
        return [part.transpose(1, 2) for part in torch.split(by_unit, list(widths), dim=1)]

    def gradients(
        self,
        inputs: Tensor,
        labels: Tensor,
        counts: Tensor | None = None,
        factors: Sequence[Tensor] = (),
        squares: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """Gradients of the mean cross-entropy over a batch, one matrix a layer, the bias in its last column.

        `inputs`: networks x samples x inputs; `labels`: networks x samples, from 0; `counts`: how much each of them
        counts; `factors`: what hidden layers' outputs are multiplied by. The derivative by what goes into a softmax, as
        into a logistic output, is the output less the label, which there is a row of 0 with one 1. Rounding to levels
        is taken for the identity (straight-through). `squares` gets for each layer, the last one first, the sum over
        samples of their own squared gradients, biases apart, of each network.
        """
        architecture = self._problem.architecture
        activation, slope = _ACTIVATION[architecture.activation], _SLOPE[architecture.activation]
        values, smooth = [inputs], [inputs]
        last = len(self._weights) - 1
        for layer, w in enumerate(self._weights):
            z = torch.baddbmm(w[:, None, :, -1], values[-1], w[:, :, :-1].transpose(1, 2))
            smooth.append(activation(z) if layer < last else _output(z))
            if layer < last:
                handed_on = rounded(smooth[-1], architecture.activation, architecture.bits)
                values.append(handed_on * factors[layer] if factors else handed_on)
        delta = smooth.pop()
        if self._labels == 2:
            delta = delta - labels[:, :, None].to(delta.dtype)
        else:
            delta.scatter_add_(2, labels[:, :, None], delta.new_full((*labels.shape, 1), -1.0))
        delta = delta / labels.shape[1]
        if counts is not None:
            delta = delta * counts[:, :, None]
        found: list[Tensor] = []
        for layer in range(last, -1, -1):
            below, unrounded = values.pop(), smooth.pop()
            by_weight = torch.bmm(delta.transpose(1, 2), below)
            if squares is not None:
                one_by_one = (delta.to(self._sum_type) ** 2).sum(dim=2) * (below.to(self._sum_type) ** 2).sum(dim=2)
                squares.append(one_by_one.sum(dim=1))
            found.append(torch.cat((by_weight, delta.sum(dim=1)[:, :, None]), dim=2))
            if layer > 0:
                delta = torch.bmm(delta, self._weights[layer][:, :, :-1]) * slope(unrounded)
                delta = delta * factors[layer - 1] if factors else delta
        return found[::-1]

    def _update(self, gradients: list[Tensor], step: int) -> None:
        how = self._problem.optimization
        for layer, (w, gradient) in enumerate(zip(self._weights, gradients, strict=True)):
            if how.weight_decay:
                gradient = gradient.clone()  # whoever measures has it without
                gradient[:, :, :-1].add_(w[:, :, :-1], alpha=how.weight_decay)
            if how.optimizer == "sgd":
                w.sub_(gradient, alpha=how.learning_rate)
            elif how.optimizer == "momentum":
                velocity = self._slots[0][layer].mul_(how.momentum).add_(gradient)
                w.sub_(velocity, alpha=how.learning_rate)
            else:
                mean = self._slots[0][layer].mul_(how.momentum).add_(gradient, alpha=1 - how.momentum)
                square = self._slots[1][layer].mul_(ADAM_SQUARES_DECAY)
                square.addcmul_(gradient, gradient, value=1 - ADAM_SQUARES_DECAY)
                root = square.sqrt().div_(math.sqrt(1 - ADAM_SQUARES_DECAY**step)).add_(ADAM_EPSILON)
                w.addcdiv_(mean, root, value=-how.learning_rate / (1 - how.momentum**step))

    @torch.no_grad()
    def frozen_gradients(self) -> FrozenGradients:
        """Statistics of single examples' gradients where training stands."""
        size, part = self._problem.samples.size, self._problem.optimization.batch
        items = torch.from_numpy(self._items.astype(np.int64)).to(self._device)
        means = [torch.zeros_like(w, dtype=self._sum_type) for w in self._weights]
        sums = [torch.zeros(len(items), dtype=self._sum_type, device=self._device) for _ in means]
        for start in range(0, size, part):
            chosen = items[:, start : start + part]
            share = torch.full(chosen.shape, chosen.shape[1] / size, device=self._device)
            squares: list[Tensor] = []
            gradients = self.gradients(*self._of(chosen), self._worthy(chosen, share), squares=squares)
            for mean, total, gradient, square in zip(means, sums, gradients, squares[::-1], strict=True):
                mean += gradient
                total += square
        found = []
        for mean, total in zip(means, sums, strict=True):
            square = (mean[:, :, :-1] ** 2).sum(dim=(1, 2))
            rest = (total * size**2 - size * square).clamp_(min=0)
            std = (rest / (size - 1)).sqrt() if size > 1 else torch.full_like(rest, math.nan)
            found.append((square.sqrt(), std))
        mean_norms, stds = (torch.stack(of, dim=1).cpu().numpy().astype(np.float64) for of in zip(*found, strict=True))
        return FrozenGradients(mean_norms, stds)

    def _norms(self, sums: list[Tensor], squares: list[Tensor]) -> GradientNorms:
        batches = self._problem.batches
        means, stds = [], []
        for total, square in zip(sums, squares, strict=True):
            mean = total[:, :, :-1] / batches
            means.append((mean**2).sum(dim=(1, 2)).sqrt())
            rest = (square[:, :, :-1] - batches * mean**2).clamp_(min=0).sum(dim=(1, 2))
            stds.append((rest / (batches - 1)).sqrt() if batches > 1 else torch.full_like(rest, math.nan))
        as_numpy = [torch.stack(found, dim=1).cpu().numpy().astype(np.float64) for found in (means, stds)]
        return GradientNorms(as_numpy[0], as_numpy[1])

    def state(self) -> TrainingState:
        """A copy of where training stands."""

        def flat(matrices: list[Tensor]) -> np.ndarray:
            rows = [matrix.cpu().numpy().reshape(len(matrix), -1) for matrix in matrices]
            return np.concatenate(rows, axis=1)

        weights = flat(self._weights)
        slots = np.array([flat(slot) for slot in self._slots], np.float32).reshape(-1, *weights.shape)
        return TrainingState(self._epoch, weights, slots)

    def close(self) -> None:
        """Let go of the device's memory."""
        self._weights, self._slots = [], []
