"""The sphere's statistic against spherical harmonics, its symmetries against the vertices' geometry."""

from __future__ import annotations

import hashlib
import itertools
import math

import numpy as np
import pytest

from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.sphere import (
    icosahedron_vertices,
    power_spectrum_classes,
    spectrum_norm,
    sphere_statistic,
)

PATTERNS = binary_patterns(12)


@pytest.fixture(scope="module")
def symmetries() -> tuple[np.ndarray, np.ndarray]:
    """The permutations of the vertices under all 120 symmetries, and which of them are rotations.

    An orthogonal matrix is fixed by where it sends three linearly independent vectors, here a face.
    """
    v = icosahedron_vertices()
    cosine = v @ v.T
    neighbours = (cosine > 0.1) & (cosine < 0.9)
    faces = [
        (i, j, k)
        for i, j, k in itertools.permutations(range(12), 3)
        if neighbours[i, j] and neighbours[j, k] and neighbours[k, i]
    ]
    base = np.linalg.inv(v[list(faces[0])])
    permutations, rotations = [], []
    for face in faces:
        matrix = base @ v[list(face)]  # rows are vectors: v_i @ matrix is the image of v_i
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
        image = (v @ matrix) @ v.T
        assert (image.max(axis=1) > 1 - 1e-12).all()
        permutations.append(image.argmax(axis=1))
        rotations.append(np.linalg.det(matrix) > 0)
    return np.array(permutations), np.array(rotations)


def orbit_names(permutations: np.ndarray) -> np.ndarray:
    """For every pattern the smallest number among its images."""
    bits = 1 << np.arange(12)[::-1]
    return np.min([PATTERNS[:, p] @ bits for p in permutations], axis=0)


def direct_norms() -> list[np.ndarray]:
    """|c_l| for l = 0, 1, 2 with the real spherical harmonics written out in x, y, z."""
    x, y, z = icosahedron_vertices().T
    pi = math.pi
    harmonics = [
        [np.full(12, math.sqrt(1 / pi) / 2)],
        [math.sqrt(3 / (4 * pi)) * u for u in (x, y, z)],
        [
            math.sqrt(15 / pi) / 2 * x * y,
            math.sqrt(15 / pi) / 2 * y * z,
            math.sqrt(5 / pi) / 4 * (3 * z**2 - 1),
            math.sqrt(15 / pi) / 2 * x * z,
            math.sqrt(15 / pi) / 4 * (x**2 - y**2),
        ],
    ]
    return [np.linalg.norm(4 * pi / 12 * PATTERNS @ np.array(y_l).T, axis=1) for y_l in harmonics]


def test_the_icosahedron_has_120_symmetries_of_which_60_are_rotations(symmetries) -> None:
    permutations, rotations = symmetries
    assert len(np.unique(permutations, axis=0)) == 120
    assert rotations.sum() == 60


def test_the_vertices_are_unit_vectors_with_the_angles_of_an_icosahedron() -> None:
    v = icosahedron_vertices()
    cosine = np.sort(v @ v.T, axis=1)
    expected = [-1] + [-1 / math.sqrt(5)] * 5 + [1 / math.sqrt(5)] * 5 + [1]
    np.testing.assert_allclose(cosine, np.tile(expected, (12, 1)), atol=1e-14)


def test_patterns_fall_into_96_orbits_under_rotations_and_82_under_all_symmetries(symmetries) -> None:
    permutations, rotations = symmetries
    assert np.unique(orbit_names(permutations[rotations])).size == 96
    assert np.unique(orbit_names(permutations)).size == 82


def test_patterns_fall_into_64_classes_which_are_those_of_equal_power_spectrum() -> None:
    classes, class_of = np.unique(power_spectrum_classes(), axis=0, return_inverse=True)
    spectra, spectrum_of = np.unique(np.round(np.stack(direct_norms(), axis=1), 6), axis=0, return_inverse=True)
    assert len(classes) == len(spectra) == 64
    pairs = np.unique(np.stack([class_of.ravel(), spectrum_of.ravel()]), axis=1)
    assert pairs.shape[1] == 64  # one to one


@pytest.mark.parametrize("r", [(1.0, 2.0, 0.0), (2.0, 5.0, 4.0), (0.3, 0.0, 7.0), (1.0,)])
def test_f_is_what_spherical_harmonics_give_for_every_pattern(r) -> None:
    norms = direct_norms()
    direct = sum(weight * norms[l] / (2 * l + 1) for l, weight in enumerate(r))
    np.testing.assert_allclose(sphere_statistic(r), direct, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("degree", range(7))
def test_norms_follow_the_addition_theorem_for_higher_degrees_too(degree) -> None:
    v = icosahedron_vertices()
    legendre = np.polynomial.Legendre.basis(degree)(v @ v.T)
    squares = np.einsum("ki,ij,kj->k", PATTERNS, legendre, PATTERNS.astype(float))
    squares *= (4 * math.pi / 12) ** 2 * (2 * degree + 1) / (4 * math.pi)
    np.testing.assert_allclose(spectrum_norm(power_spectrum_classes(), degree) ** 2, squares, atol=1e-13)


@pytest.mark.parametrize("degree", range(1, 6))
def test_all_twelve_points_together_have_no_power_at_degrees_1_to_5(degree) -> None:
    assert spectrum_norm(power_spectrum_classes(), degree)[-1] == 0


@pytest.mark.parametrize("r", [(1.0, 2.0, 0.0), (2.0, 5.0, 4.0)])
def test_f_is_the_same_number_to_the_last_bit_under_every_symmetry(symmetries, r) -> None:
    f = sphere_statistic(r)
    bits = 1 << np.arange(12)[::-1]
    for permutation in symmetries[0]:
        assert (f[PATTERNS[:, permutation] @ bits] == f).all()


def test_f_takes_64_values_for_symmetric_and_its_hard_labels_are_the_authors() -> None:
    f = sphere_statistic((1.0, 2.0, 0.0))
    labels = f > 2.3215
    assert np.unique(f).size == 64
    assert labels.mean() == 0.51708984375
    assert (
        hashlib.sha256(np.packbits(labels).tobytes()).hexdigest()
        == "371b2b46a5052b4f69f7991ca141fb5afa1ac364ef7beb81ec900eecac2f86d9"
    )
