"""Activations and the forward pass of a layer, in both precisions, against NumPy in a wider one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.experiment import ACTIVATIONS
from ibtui_engine.forward import ACTIVATION_CODES, activate, forward_layer

PRECISIONS = [np.float32, np.float64]
both = pytest.mark.parametrize("dtype", PRECISIONS)
SMALLEST = {np.float32: 1e-45, np.float64: 5e-324}
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "relu": lambda z: np.where(z > 0, z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "linear": lambda z: z,
}


def activated(name: str, z: np.ndarray) -> np.ndarray:
    """One row through `activate`; the rows around the one written to must not change."""
    a = np.full((3, z.size), 7, z.dtype)
    activate(ACTIVATION_CODES[name], z[None], a, 1, 1, z.size)
    assert (a[[0, 2]] == 7).all()
    return a[1]


def inputs(dtype: type) -> np.ndarray:
    """Everything near 0, the range in which outputs change, and beyond it."""
    spread = [np.linspace(-most, most, 20_001) for most in (1e-3, 1, 10, 44, 86)]
    powers = np.logspace(-44 if dtype is np.float32 else -300, 1.9, 20_001)
    return np.concatenate([*spread, powers, -powers]).astype(dtype)


def error_in_units_of_precision(found: np.ndarray, z: np.ndarray, exact: Callable[[np.ndarray], np.ndarray]) -> float:
    """Largest difference from the value in extended precision, relative to it (or to the smallest normal number)."""
    expected = exact(z.astype(np.longdouble))
    size = np.maximum(np.abs(expected), np.finfo(z.dtype).tiny)
    return float((np.abs(found - expected) / size).max() / np.finfo(z.dtype).eps)


def test_every_activation_has_a_function() -> None:
    assert set(ACTIVATION_CODES) == set(ACTIVATIONS) == set(FUNCTIONS)
    assert len(set(ACTIVATION_CODES.values())) == len(ACTIVATIONS)


@both
@pytest.mark.parametrize(("name", "units"), [("tanh", 4), ("sigmoid", 4), ("softsign", 2), ("relu", 0), ("linear", 0)])
def test_activations_are_right_to_a_few_units_in_the_last_place(dtype: type, name: str, units: float) -> None:
    """Relative to the value itself, however small: no digits are lost in tanh near 0 or sigmoid near −86."""
    z = inputs(dtype)
    # without one operation for multiply and add, k ln 2 is rounded: up to 1e-6 of the value in single precision
    allowed = 9 if dtype is np.float32 and name == "sigmoid" else units
    assert error_in_units_of_precision(activated(name, z), z, FUNCTIONS[name]) <= allowed


@both
@pytest.mark.parametrize("name", ["tanh", "softsign", "linear"])
def test_odd_functions_are_odd_to_the_last_bit(dtype: type, name: str) -> None:
    z = inputs(dtype)
    assert np.array_equal(activated(name, -z), -activated(name, z))


@both
def test_sigmoid_of_minus_z_is_one_less_sigmoid_of_z(dtype: type) -> None:
    z = inputs(dtype)
    assert (np.abs(activated("sigmoid", -z) - (1 - activated("sigmoid", z))) <= 2 * np.finfo(dtype).eps).all()


@both
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softsign"])
def test_bounded_activations_stay_in_bounds_and_rise(dtype: type, name: str) -> None:
    z = np.sort(inputs(dtype))
    a = activated(name, z)
    eps = np.finfo(dtype).eps
    assert a.max() <= 1
    assert a.min() >= (0 if name == "sigmoid" else -1)
    assert (np.diff(a.astype(np.longdouble)) >= -4 * eps * np.abs(a[1:])).all()


@both
def test_zero_keeps_its_sign_and_the_smallest_numbers_their_value(dtype: type) -> None:
    z = np.array([0.0, -0.0, SMALLEST[dtype], -SMALLEST[dtype], np.finfo(dtype).tiny, -np.finfo(dtype).tiny], dtype)
    for name in ("tanh", "softsign", "linear"):
        a = activated(name, z)
        assert np.array_equal(a, z), name
        assert np.array_equal(np.signbit(a), np.signbit(z)), name
    assert (activated("sigmoid", z) == 0.5).all()
    assert activated("relu", z).tolist() == [0, 0, z[2], 0, z[4], 0]


@both
@pytest.mark.parametrize("size", [25.0, 87.5, 89.0, 710.0, 1e5, 1e38])
def test_huge_inputs_saturate(dtype: type, size: float) -> None:
    z = np.array([size, -size], dtype)
    assert activated("tanh", z).tolist() == [1, -1]
    high, low = activated("sigmoid", z).tolist()
    assert high == pytest.approx(1, abs=2e-11)
    assert 0 <= low < 2e-11
    if size > 80:
        assert low < 2e-38  # exp(−87), where it stops falling
    assert activated("softsign", z) == pytest.approx(np.array([size / (1 + size), -size / (1 + size)]), rel=1e-6)
    assert activated("relu", z).tolist() == [z[0], 0]
    assert np.array_equal(activated("linear", z), z)


@both
def test_infinity_is_a_limit_and_what_is_no_number_stays_none(dtype: type) -> None:
    """A network that has diverged must not look as if it had not."""
    z = np.array([np.inf, -np.inf], dtype)
    assert activated("tanh", z).tolist() == [1, -1]
    assert activated("sigmoid", z) == pytest.approx(np.array([1, 0]), abs=2e-38)
    assert activated("relu", z).tolist() == [np.inf, 0]
    for name in ACTIVATIONS:
        assert np.isnan(activated(name, np.full(33, np.nan, dtype))).all(), name


@both
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_value_has_the_same_bits_in_any_company(dtype: type, name: str) -> None:
    """In a vector, and in what is left over beside whole ones."""
    z = inputs(dtype)[::997].copy()
    whole = activated(name, z)
    for begin, end in [(0, 1), (1, 34), (5, 70), (0, len(z) - 1)]:
        assert np.array_equal(activated(name, z[begin:end].copy()), whole[begin:end]), (begin, end)


@both
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_rows_are_activated_into_the_rows_asked_for(dtype: type, name: str) -> None:
    z = np.random.default_rng(1).normal(size=(7, 37)).astype(dtype)
    a = np.full((9, 40), 5, dtype)
    activate(ACTIVATION_CODES[name], z, a, 2, 4, 37)
    assert a[2:6, :37] == pytest.approx(FUNCTIONS[name](z[:4].astype(np.longdouble)).astype(dtype), rel=1e-6)
    a[2:6, :37] = 5
    assert (a == 5).all()


def layer(dtype: type, fan_in: int, units: int, vectors: int, top: int, first: int, seed: int) -> None:
    """One layer inside larger matrices whose other cells must be neither used nor, outside the padding, written."""
    rng = np.random.default_rng(seed)
    columns = 2 * (64 // dtype().itemsize) * vectors
    stored = (units + 1) // 2 * 2
    w = np.full((top + stored + 1, fan_in + 3), np.nan, dtype)
    w[top : top + units, :fan_in] = rng.normal(size=(units, fan_in))
    w[top + units : top + stored, :fan_in] = 0
    a = np.full((first + fan_in + 2, columns + 5), np.nan, dtype)
    a[first : first + fan_in, :columns] = rng.normal(size=(fan_in, columns))
    z = np.full((units + 3, columns + 7), 5, dtype)
    forward_layer(w, top, a, first, z, fan_in, units, columns)
    exact_w = w[top : top + units, :fan_in].astype(np.longdouble)
    exact_a = a[first : first + fan_in, :columns].astype(np.longdouble)
    bound = fan_in * np.finfo(dtype).eps * (np.abs(exact_w) @ np.abs(exact_a))
    assert (np.abs(z[:units, :columns] - exact_w @ exact_a) <= bound).all()
    assert (z[units:stored, :columns] == 0).all()
    assert (z[stored:] == 5).all()
    assert (z[:, columns:] == 5).all()


@both
@pytest.mark.parametrize("units", range(1, 10))
@pytest.mark.parametrize("fan_in", range(1, 10))
def test_a_layer_is_the_matrix_product(dtype: type, units: int, fan_in: int) -> None:
    layer(dtype, fan_in, units, vectors=1, top=0, first=0, seed=10 * units + fan_in)


@given(
    st.sampled_from(PRECISIONS),
    st.integers(1, 70),
    st.integers(1, 40),
    st.integers(0, 4),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 2**32),
)
def test_a_layer_anywhere_in_larger_matrices_is_the_matrix_product(
    dtype: type, fan_in: int, units: int, vectors: int, top: int, first: int, seed: int
) -> None:
    layer(dtype, fan_in, units, vectors, top, first, seed)
