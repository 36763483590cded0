"""Which trainer and device an ensemble gets."""

from __future__ import annotations

import re
import sys

import pytest
import torch

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import DEVICES, TRAINERS
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer, require_device
from ibtui_engine.training.choice import GPU_PAYS, LARGE, choose, make_trainer
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from ibtui_engine.training.stochastic import StochasticTrainer

PAPER = Architecture((12, 10, 8, 6, 4, 2, 1), "tanh")


def with_parameters(count: int) -> Architecture:
    """A network without hidden layers has as many weights as inputs, and a bias."""
    architecture = Architecture((count - 1, 1), "tanh")
    assert architecture.parameters == count
    return architecture


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch):
    """Make this machine look as if it had these devices beside the CPU."""

    def there(*names: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    there()
    return there


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (2, "fused"),
        (GPU_PAYS, "fused"),
        (GPU_PAYS + 1, "fused"),
        (LARGE, "fused"),
        (LARGE + 1, "torch"),
        (10**7, "torch"),
    ],
)
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_on_a_cpu_networks_up_to_the_large_are_fused(device: str, parameters: int, expected: str) -> None:
    assert choose("auto", device, with_parameters(parameters)) == (expected, "cpu")


@pytest.mark.parametrize("there", ["cuda", "mps"])
def test_with_a_gpu_only_small_networks_are_fused_unless_the_cpu_is_asked_for(there: str, devices) -> None:
    devices(there)
    assert choose("auto", "auto", PAPER) == ("fused", "cpu")
    assert choose("auto", "auto", with_parameters(GPU_PAYS)) == ("fused", "cpu")
    assert choose("auto", "auto", with_parameters(GPU_PAYS + 1)) == ("torch", there)
    assert choose("auto", "cpu", with_parameters(LARGE)) == ("fused", "cpu")
    assert choose("auto", "cpu", with_parameters(LARGE + 1)) == ("torch", "cpu")


@pytest.mark.parametrize("there", ["cuda", "mps"])
@pytest.mark.parametrize("trainer", ["auto", "torch"])
def test_a_device_asked_for_is_used_even_for_small_networks(trainer: str, there: str, devices) -> None:
    devices(there)
    assert choose(trainer, there, PAPER) == ("torch", there)


@pytest.mark.usefixtures("devices")
def test_a_trainer_asked_for_is_used_whatever_the_size() -> None:
    for architecture in (PAPER, with_parameters(LARGE + 1)):
        assert choose("fused", "auto", architecture) == ("fused", "cpu")
        assert choose("fused", "cpu", architecture) == ("fused", "cpu")
        assert choose("torch", "cpu", architecture) == ("torch", "cpu")
        assert choose("torch", "auto", architecture) == ("torch", "cpu")


def test_the_best_device_there_is_comes_first(devices) -> None:
    assert choose("torch", "auto", PAPER) == ("torch", "cpu")
    devices("mps")
    assert choose("torch", "auto", PAPER) == ("torch", "mps")
    devices("mps", "cuda")
    assert choose("torch", "auto", PAPER) == ("torch", "cuda")


@pytest.mark.parametrize("device", ["cuda", "mps"])
@pytest.mark.parametrize("trainer", ["auto", "torch"])
@pytest.mark.parametrize("architecture", [PAPER, with_parameters(LARGE + 1)], ids=["small", "large"])
def test_a_device_that_is_not_there_is_refused_and_the_usable_named(
    device: str, trainer: str, architecture: Architecture, devices
) -> None:
    sentence = f"device '{device}' is not available here; available: cpu"
    with pytest.raises(InvalidValue, match=f"^{re.escape(sentence)}$"):
        choose(trainer, device, architecture)
    with pytest.raises(InvalidValue, match=re.escape(sentence)):
        require_device(device)
    other = {"cuda": "mps", "mps": "cuda"}[device]
    devices(other)
    with pytest.raises(InvalidValue, match=f"'{device}'.*; available: cpu, {other}$"):
        choose(trainer, device, architecture)


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("device", DEVICES)
def test_every_setting_that_an_experiment_may_have_is_chosen_for_or_refused(trainer: str, device: str) -> None:
    try:
        chosen = choose(trainer, device, PAPER)
    except InvalidValue:
        assert device in ("cuda", "mps")
    else:
        assert chosen in [("fused", "cpu"), ("torch", "cpu")]


def tiny_problem() -> tuple[Problem, TrainingState]:
    patterns = binary_patterns(2)
    rule = Rule("or", patterns, patterns.max(axis=1).astype(float))
    problem = Problem(
        Architecture.of(rule, (2,), "tanh"), rule, draw_samples(rule, 1.0, (0,)), (0,), Optimization("sgd", 0.1, 0.9, 4)
    )
    return problem, TrainingState.initial(problem, 1.0)


@pytest.mark.usefixtures("devices")
def test_trainers_are_made_by_name() -> None:
    problem, state = tiny_problem()
    assert isinstance(make_trainer("fused", "cpu", problem, state, Threads(1)), FusedTrainer)
    assert isinstance(make_trainer("torch", "cpu", problem, state, Threads(1)), TorchTrainer)
    assert isinstance(make_trainer("stochastic", "cpu", problem, state, Threads(1)), StochasticTrainer)


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize("size", [GPU_PAYS, LARGE + 1])
def test_stochastic_units_of_any_number_of_weights_are_trained_on_the_cpu(size: int) -> None:
    assert choose("auto", "auto", Architecture((size - 1, 1), "tanh", stochastic=True)) == ("stochastic", "cpu")


@pytest.mark.usefixtures("devices")
def test_an_unknown_trainer_or_a_device_that_is_not_there_makes_none() -> None:
    problem, state = tiny_problem()
    with pytest.raises(InvalidValue, match=r"^trainer must be fused, torch or stochastic, got 'jax'$"):
        make_trainer("jax", "cpu", problem, state, Threads(1))
    with pytest.raises(InvalidValue, match="device 'cuda' is not available here; available: cpu"):
        make_trainer("torch", "cuda", problem, state, Threads(1))


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("without_torch")
def test_without_torch_what_the_fused_trainer_can_do_is_fused() -> None:
    for device in ("auto", "cpu"):
        for parameters in (2, GPU_PAYS + 1, LARGE + 1):
            assert choose("auto", device, with_parameters(parameters)) == ("fused", "cpu")


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize(
    ("trainer", "device", "widths", "need"),
    [
        ("torch", "auto", PAPER.widths, "the torch trainer needs"),
        ("torch", "cuda", PAPER.widths, "the torch trainer needs"),
        ("auto", "cuda", PAPER.widths, "device 'cuda' needs"),
        ("auto", "mps", PAPER.widths, "device 'mps' needs"),
        ("auto", "auto", (64, 20, 10), "a rule of more than two labels (this one has 10) is trained by"),
    ],
)
def test_without_torch_what_needs_it_is_refused(trainer: str, device: str, widths: tuple[int, ...], need: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{re.escape(need)} torch, which is not installed; install with: "):
        choose(trainer, device, Architecture(widths, "tanh"))


@pytest.mark.usefixtures("without_torch")
def test_without_torch_no_trainer_of_it_is_made() -> None:
    problem, state = tiny_problem()
    with pytest.raises(InvalidValue, match=r"^the torch trainer needs torch, which is not installed; install with: "):
        make_trainer("torch", "cpu", problem, state, Threads(1))
    assert isinstance(make_trainer("fused", "cpu", problem, state, Threads(1)), FusedTrainer)
