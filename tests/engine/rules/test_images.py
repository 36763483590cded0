"""Rules of images: MNIST from small files of the same form, and the real ones where they are; scikit-learn's digits."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.image_files import PARTS, SOURCE, require_images, size_of, told_parts
from ibtui_engine.rules.names import parse_rule_name

REAL = Path(__file__).parents[4] / "shared" / "data" / "mnist"


def idx(numbers: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in numbers.shape)
    return bytes([0, 0, 8, numbers.ndim]) + sizes + numbers.astype(np.uint8).tobytes()


def write_part(directory: Path, part: str, images: int, *, compressed: bool = False, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, images])
    numbers = rng.integers(0, 256, (images, 3, 2), np.uint8)
    for name, array in zip(PARTS[part], (numbers, np.arange(images) % 10), strict=True):
        content = idx(array)
        path = directory / (f"{name}.gz" if compressed else name)
        path.write_bytes(gzip.compress(content) if compressed else content)
    return numbers


@pytest.mark.parametrize("compressed", [False, True])
def test_mnist_is_the_training_images_and_then_the_test_images(tmp_path: Path, compressed: bool) -> None:
    train = write_part(tmp_path, "training", 20, compressed=compressed)
    test = write_part(tmp_path, "test", 10)
    rule = load_rule(f"mnist:{tmp_path}")
    assert rule.patterns.dtype == np.float32
    assert np.array_equal(np.rint(rule.patterns * 255), np.concatenate((train, test)).reshape(30, 6))
    assert rule.p_y.tolist() == np.tile(np.eye(10), (3, 1)).tolist()
    assert rule.parameters == {"training": 20, "test": 10}
    assert rule.h_x == pytest.approx(np.log2(30))
    assert rule.i_xy == rule.h_y == pytest.approx(np.log2(10))
    assert told_parts(tmp_path) == "mnist: the patterns are the training and the test images together"


@pytest.mark.parametrize(("there", "absent"), [("test", "training"), ("training", "test")])
def test_one_part_alone_is_enough_and_is_said(tmp_path: Path, there: str, absent: str) -> None:
    write_part(tmp_path, there, 20)
    assert load_rule(f"mnist:{tmp_path}").parameters == {there: 20}
    told = f"mnist: the patterns are the {there} images only; there are no {absent} images in {str(tmp_path)!r}"
    assert told_parts(tmp_path) == told


def test_equal_images_share_the_mean_of_their_labels(tmp_path: Path) -> None:
    write_part(tmp_path, "test", 20)
    (tmp_path / PARTS["test"][0]).write_bytes(idx(np.repeat(np.arange(10), 2)[:, None, None] * np.ones((1, 2, 2))))
    rule = load_rule(f"mnist:{tmp_path}")
    assert rule.p_y[0].tolist() == rule.p_y[1].tolist() == [0.5, 0.5, *[0.0] * 8]
    assert rule.h_x == pytest.approx(np.log2(10))
    assert rule.i_xy == pytest.approx(np.log2(10) - 1)


def test_what_is_missing_is_named_with_where_it_comes_from(tmp_path: Path) -> None:
    for name in (f"mnist:{tmp_path}", "mnist:/no/such/directory"):
        with pytest.raises(InvalidValue) as caught:
            require_images(parse_rule_name(name))
        said = str(caught.value)
        assert all(file in said for files in PARTS.values() for file in files)
        assert all(part in said for part in (name[6:], "--data DIR", SOURCE, "digits"))
        assert "\n" not in said
    write_part(tmp_path, "test", 10)
    write_part(tmp_path, "training", 10)
    (tmp_path / PARTS["training"][1]).unlink()
    with pytest.raises(InvalidValue, match=f"^no {PARTS['training'][1]} .or .gz. in "):
        load_rule(f"mnist:{tmp_path}")


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    write_part(tmp_path, "test", 10)
    labels = tmp_path / PARTS["test"][1]
    labels.write_bytes(idx(np.arange(9)))
    with pytest.raises(InvalidValue, match=r"t10k-images.* has 10 images, but .*t10k-labels.* has 9 labels"):
        load_rule(f"mnist:{tmp_path}")
    labels.write_bytes(idx(np.array([0, 1, 2, 10, 4, 5, 6, 7, 8, 9])))
    with pytest.raises(InvalidValue, match=r"has the label 10 for image 4 .from 1.; allowed are 0 to 9"):
        load_rule(f"mnist:{tmp_path}")
    write_part(tmp_path, "test", 10)
    write_part(tmp_path, "training", 10)
    (tmp_path / PARTS["training"][0]).write_bytes(idx(np.zeros((10, 4, 4))))
    with pytest.raises(InvalidValue, match="of different sizes: 4 x 4 and 3 x 2"):
        load_rule(f"mnist:{tmp_path}")


def test_a_name_without_a_directory_and_settings_of_other_rules_are_refused() -> None:
    with pytest.raises(InvalidValue, match="'mnist:' names no directory; write mnist:DIR"):
        Experiment(rule="mnist:")
    with pytest.raises(InvalidValue, match="did you mean digits"):
        Experiment(rule="digit")
    with pytest.raises(InvalidValue, match="do not apply to 'digits': it has its own labels"):
        Experiment(rule="digits", gamma=1.0)
    assert Experiment(rule="mnist:/a/b.npz").title.startswith("mnist-10-8")


def test_digits_are_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    rule = load_rule("digits")
    data = datasets.load_digits()
    assert np.array_equal(rule.patterns * 16, data.data)
    assert np.array_equal(rule.p_y.argmax(axis=1), data.target)
    assert size_of(parse_rule_name("digits")) == (*rule.patterns.shape, rule.labels)
    assert rule.h_x == pytest.approx(np.log2(1797))


def test_without_scikit_learn_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for ask in (lambda name: require_images(parse_rule_name(name)), load_rule):
        with pytest.raises(
            InvalidValue,
            match=r"^the rule digits needs scikit-learn, which is not installed; install with: .* install ",
        ):
            ask("digits")


@pytest.mark.skipif(not REAL.is_dir(), reason="MNIST's files are not here")
def test_the_real_test_images() -> None:
    rule = load_rule(f"mnist:{REAL}")
    assert rule.patterns.shape == (10_000, 784)
    assert rule.p_y.sum(axis=0).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert rule.h_x == pytest.approx(np.log2(10_000))
    assert size_of(parse_rule_name(f"mnist:{REAL}")) == (10_000, 784, 10)
