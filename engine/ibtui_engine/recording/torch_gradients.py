"""The gradients that an optimiser is given, batch by batch, as the engine weighs them (section 3.5 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

PIECE = 2**18
"""Numbers of a gradient that are added up together: in double precision they stay in a core's cache."""
PIECE_ELSEWHERE = 2**24
"""On other devices, where each call costs more than what lies in a cache saves."""


class GradientCollector:
    """Sums up each layer's gradients at every step of an optimiser, until they are taken.

    A hook looks at them just before the optimiser does: after gradients were accumulated, scaled back (AMP) and
    clipped. Where a step is given a closure, which computes them (Lightning, L-BFGS), it looks after the first call of
    that, at the weights that the step begins from. What it keeps is one sum a weight and one number a layer: norms of
    mean and spread follow from them.
    """

    def __init__(
        self,
        weights: Mapping[str, Sequence[Tensor]],
        optimizers: Sequence[torch.optim.Optimizer],
        each_step: Callable[[], None] = lambda: None,
    ) -> None:
        """`each_step` is called at every step."""
        self._each_step = each_step
        self._weights = {name: tuple(tensors) for name, tensors in weights.items() if tensors}
        self._sums: dict[str, list[Tensor]] = {}
        self._squares: dict[str, Tensor] = {}
        self._steps: dict[str, int] = {}
        self._rooms: dict[tuple[torch.device, torch.dtype], Tensor] = {}
        """Where a piece of a gradient lies in the precision of the sums."""
        self._handles = [optimizer.register_step_pre_hook(self._before_step) for optimizer in optimizers]

    def _before_step(
        self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """What the step is called with instead, where that changes; `args` begin with the optimiser."""
        self._each_step()
        by_name = kwargs.get("closure") is not None
        closure = kwargs["closure"] if by_name else next(iter(args[1:2]), None)
        if closure is None:
            self._collect(optimizer)
            return None
        waiting = [True]

        def collecting() -> Any:
            loss = closure()
            if waiting:
                waiting.clear()
                self._collect(optimizer)
            return loss

        if by_name:
            return args, {**kwargs, "closure": collecting}
        return (args[0], collecting, *args[2:]), kwargs

    @torch.no_grad()
    def _collect(self, optimizer: torch.optim.Optimizer) -> None:
        """Add the gradients that there are now."""
        scale = getattr(optimizer, "grad_scale", None)  # optimisers that divide by the loss's scale themselves
        broken = getattr(optimizer, "found_inf", None)
        if broken is not None and bool(broken):
            return  # the optimiser leaves this step out
        own = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
        for name, weights in self._weights.items():
            gradients = [weight.grad for weight in weights if weight.grad is not None and id(weight) in own]
            if len(gradients) != len(weights):
                continue  # of another optimiser, or frozen
            if any(gradient.is_sparse for gradient in gradients):
                gradients = [gradient.to_dense() for gradient in gradients]
            if name not in self._sums:
                self._sums[name] = [torch.zeros(g.numel(), dtype=_sum_type(g), device=g.device) for g in gradients]
                self._squares[name] = torch.zeros((), dtype=_sum_type(gradients[0]), device=gradients[0].device)
                self._steps[name] = 0
            by = 1.0 if scale is None else 1.0 / float(scale)
            for total, gradient in zip(self._sums[name], gradients, strict=True):
                self._squares[name] += by * by * self._add(total, gradient, by)
            self._steps[name] += 1

    def _add(self, total: Tensor, gradient: Tensor, by: float) -> Tensor:
        """Add a gradient to its flat sum; its squared norm, without the factor.

        Torch is slower at adding single to double precision than at converting, and adding what then lies in cache.
        """
        size = PIECE if total.device.type == "cpu" else PIECE_ELSEWHERE
        room = self._rooms.get((total.device, total.dtype))
        if room is None or len(room) < min(size, len(total)):
            room = total.new_empty(min(size, len(total)))
            self._rooms[total.device, total.dtype] = room
        squared = total.new_zeros(())
        for sums, values in zip(torch.split(total, size), torch.split(gradient.reshape(-1), size), strict=True):
            piece = room[: len(values)].copy_(values)
            sums.add_(piece, alpha=by)
            squared += torch.dot(piece, piece)
        return squared

    def take(self) -> tuple[dict[str, tuple[float, float]], int]:
        """By layer the norm of the mean gradient, and the root of the gradients' summed variance, over the steps since
        the last call; the second is NaN of one step. Layers without steps are left out. Then how many steps there were,
        of the layer that has most. Begins anew.
        """
        found = {}
        for name, sums in self._sums.items():
            steps = self._steps[name]
            mean = sum(float(square(total)) for total in sums) / steps**2
            rest = max(float(self._squares[name]) - steps * mean, 0.0)
            found[name] = math.sqrt(mean), math.sqrt(rest / (steps - 1)) if steps > 1 else math.nan
        most = max(self._steps.values(), default=0)
        self._sums.clear()
        self._squares.clear()
        self._steps.clear()
        return found, most

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._sums.clear()
        self._rooms.clear()


def _sum_type(tensor: Tensor) -> torch.dtype:
    """Double precision; only mps has none."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def square(tensor: Tensor) -> Tensor:
    """The squared norm."""
    norm: Tensor = torch.linalg.vector_norm(tensor, dtype=_sum_type(tensor))
    return norm * norm
