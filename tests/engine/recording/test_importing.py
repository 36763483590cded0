"""Sessions from arrays in files: the numbers of a recorder, refusals that name the array, and nothing half written."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ibtui_engine.recording.archives as archives
from ibtui_engine.errors import InvalidValue
from ibtui_engine.recording.archives import named_layers, read_archives
from ibtui_engine.recording.importing import import_archives
from ibtui_engine.recording.recorder import Recorder
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS
from ibtui_engine.session.history import SessionReader

LABELS = np.arange(30) % 3
EPOCHS = (0, 1, 4)
Arrays = dict[str, Any]


def outputs_at(epoch: int, network: int = 0, patterns: int = 30) -> Arrays:
    random = np.random.default_rng(1000 * network + 10 * epoch + patterns)
    labels = np.arange(patterns) % 3
    return {
        "conv/1": np.maximum(random.normal(size=(patterns, 2, 3)), 0).astype(np.float16),
        "fc": random.normal(size=(patterns, 4)) + labels[:, None] * epoch,
    }


def arrays(networks: int = 1) -> Arrays:
    found: Arrays = {"labels": LABELS}
    for network in range(networks):
        for epoch in EPOCHS:
            place = f"network={7 + network}/{epoch}" if networks > 1 else f"{epoch}"
            found |= {f"{place}/{layer}": outputs for layer, outputs in outputs_at(epoch, network).items()}
    return found


def save(path: Path, held: Arrays) -> Path:
    np.savez(path, **held)
    return path


def columns_of(path: Path, index: int = 0) -> Arrays:
    with SessionReader(path) as reader:
        one = reader.recorded_ensemble(index)
    return {name: one.values(name) for name in (*LAYER_COLUMNS, *LEARNING_COLUMNS)}


def refusal_of(path: Path, held: Arrays, **options: Any) -> str:
    source = save(path / "in.npz", held)
    with pytest.raises(InvalidValue) as refused:
        import_archives(source, path / "out.ibs", **options)
    assert sorted(one.name for one in path.iterdir()) == ["in.npz"], "something was left behind"
    return str(refused.value)


def test_a_session_has_the_numbers_that_a_recorder_finds_in_the_same_arrays(tmp_path: Path) -> None:
    held = arrays(2) | {"batches": 9, "network=8/batches": [9]} | {"held_out_labels": LABELS[:12]}
    del held["batches"]
    inputs = np.random.default_rng(1).normal(size=(30, 5))
    held["inputs"] = inputs
    with Recorder(tmp_path / "own.ibs", LABELS, inputs=inputs, held_out=LABELS[:12], samples=50, seed=3) as recorder:
        for network in range(2):
            for epoch in EPOCHS:
                place = f"network={7 + network}/{epoch}"
                weights = {"fc": np.full((3, 4), 1.0 + epoch), "conv/1": 2.0}
                gradients = {"fc": (0.5 / (1 + epoch), 0.25), "conv/1": (0.1, math.nan)} if epoch else {}
                beside = outputs_at(epoch, network, 12)
                recorder.snapshot(
                    epoch,
                    outputs_at(epoch, network),
                    gradients=gradients,
                    weights=weights,
                    losses=(0.5, 0.75),
                    accuracies=(0.25, 0.125),
                    held_out=beside,
                    network=7 + network,
                    batches=9,
                    measure=True,
                )
                held |= {f"{place}/{layer}/held_out": outputs for layer, outputs in beside.items()}
                held |= {f"{place}/{layer}/weights": array for layer, array in weights.items()}
                held |= {f"{place}/{layer}/gradient_mean": mean for layer, (mean, _) in gradients.items()}
                held |= {f"{place}/fc/gradient_std": gradients["fc"][1]} if epoch else {}
                held |= {f"{place}/train_loss": 0.5, f"{place}/test_loss": 0.75, f"{place}/train_accuracy": 0.25}
                held |= {f"{place}/test_accuracy": np.array([0.125])}
    held["network=7/batches"] = 9
    told: list[tuple[int, int]] = []
    notes = import_archives(
        save(tmp_path / "in.npz", held), tmp_path / "deep" / "new.ibs", samples=50, seed=3, name="mine", data="blobs",
        watch=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert notes == ()
    assert told == [(done, 6) for done in range(1, 7)]
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["new.ibs"]
    own, new = columns_of(tmp_path / "own.ibs"), columns_of(tmp_path / "deep" / "new.ibs")
    for name, values in own.items():
        np.testing.assert_array_equal(new[name], values, err_msg=name)
    assert np.isfinite(new["grad_std"]).sum() == 4  # of fc, after epoch 0, in two networks
    with SessionReader(tmp_path / "deep" / "new.ibs") as reader:
        summary, one = reader.summary, reader.recorded_ensemble(0)
    assert (summary.name, summary.status, summary.recorded) == ("mine", "finished", True)
    assert summary.experiment.title == "blobs"
    assert (one.layer_names, one.widths, one.batches) == (("conv/1", "fc"), (6, 4), 9)


def test_ensembles_have_layers_of_their_own(tmp_path: Path) -> None:
    held = arrays()
    held |= {f"ensemble=wide/{epoch}/only": outputs_at(epoch)["fc"] for epoch in (0, 2)}
    import_archives(save(tmp_path / "in.npz", held), tmp_path / "new.ibs", estimator="binning", bins=5)
    with SessionReader(tmp_path / "new.ibs") as reader:
        first, wide = reader.recorded_ensembles()
    assert (first.layer_names, first.epochs) == (("conv/1", "fc"), EPOCHS)
    assert (wide.ensemble.settings.title, wide.layer_names, wide.epochs) == ("wide", ("only",), (0, 2))


@pytest.mark.parametrize("by", ["epoch", "network"])
def test_files_of_a_directory_are_one_recording(tmp_path: Path, by: str) -> None:
    whole, place = arrays(2), tmp_path / "parts"
    place.mkdir()
    (place / "notes.txt").write_text("not read")
    parts = [f"/{epoch}/" for epoch in EPOCHS] if by == "epoch" else ["network=7/", "network=8/"]
    for k, part in enumerate(parts):
        chosen = {key: array for key, array in whole.items() if part in key}
        save(place / f"part-{k}.npz", {"labels": LABELS, **chosen})
    import_archives(save(tmp_path / "in.npz", whole), tmp_path / "a.ibs", samples=20)
    import_archives(place, tmp_path / "b.ibs", samples=20)
    for name, values in columns_of(tmp_path / "a.ibs").items():
        np.testing.assert_array_equal(columns_of(tmp_path / "b.ibs")[name], values)
    save(place / "part-9.npz", {"labels": LABELS[::-1], "network=9/0/fc": whole["network=7/0/fc"]})
    with pytest.raises(InvalidValue, match=r"'labels' that is not that of .*part-0\.npz"):
        read_archives(place)


def test_layers_are_chosen_and_ordered(tmp_path: Path) -> None:
    held = arrays() | {"3/fc": outputs_at(3)["fc"]}
    assert "lacks 'conv/1' at epoch 3, and has '0/conv/1': each epoch needs all layers" in refusal_of(tmp_path, held)
    import_archives(save(tmp_path / "in.npz", held), tmp_path / "one.ibs", layers=["fc"], samples=20)
    with SessionReader(tmp_path / "one.ibs") as reader:
        assert reader.recorded_ensemble(0).epochs == (0, 1, 3, 4)
    import_archives(save(tmp_path / "in.npz", arrays()), tmp_path / "two.ibs", layers=["fc", "conv/1"], samples=20)
    with SessionReader(tmp_path / "two.ibs") as reader:
        assert reader.recorded_ensemble(0).layer_names == ("fc", "conv/1")
    assert named_layers(["a, b", "c"]) == ("a", "b", "c")
    assert named_layers([]) is None
    for wrong in (["a,,b"], ["a", "a"], [""]):
        with pytest.raises(InvalidValue, match="layers must be names with commas between, each once, got "):
            named_layers(wrong)


@pytest.mark.parametrize("kind", ["labels", "labels as floats", "probabilities of 1", "a row each"])
def test_labels_are_whole_numbers_and_p_y_probabilities(tmp_path: Path, kind: str) -> None:
    held = {key: array for key, array in arrays().items() if key != "labels"}
    labels = LABELS % 2
    held |= {
        "labels": {"labels": labels.astype(np.uint8)},
        "labels as floats": {"labels": labels.astype(np.float32)},
        "probabilities of 1": {"p_y": labels},
        "a row each": {"p_y": np.eye(2, dtype=np.float32)[labels]},
    }[kind]
    import_archives(save(tmp_path / "in.npz", held), tmp_path / "new.ibs", estimator="exact")
    with SessionReader(tmp_path / "new.ibs") as reader:
        assert reader.summary.rules[0].i_xy == pytest.approx(math.log2(3) - 2 / 3)


def test_inputs_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    inputs = np.random.default_rng(2).normal(size=(30, 2, 2)).astype(np.float32)
    source = save(tmp_path / "in.npz", arrays() | {"inputs": inputs.astype(">f4")})
    import_archives(source, tmp_path / "new.ibs", keep_inputs=True, samples=20)
    with SessionReader(tmp_path / "new.ibs") as reader:
        np.testing.assert_array_equal(reader.rule(1).patterns, inputs.reshape(30, 4))
    (tmp_path / "new.ibs").unlink()
    assert "has no array inputs that could be kept" in refusal_of(tmp_path, arrays(), keep_inputs=True)


def test_outputs_that_are_not_finite_are_noted_and_the_rest_is_measured(tmp_path: Path) -> None:
    held = arrays()
    held["1/fc"] = np.full((30, 4), np.nan)
    notes = import_archives(save(tmp_path / "in.npz", held), tmp_path / "new.ibs", samples=20)
    assert len(notes) == 1
    assert "epoch 1: layer 'fc': 120 of 120 outputs are NaN or infinite" in notes[0]
    found = np.isnan(columns_of(tmp_path / "new.ibs")["i_x"])
    assert found.tolist() == [[[False, False]], [[False, True]], [[False, False]]]


ROW = np.zeros((30, 2))
REFUSALS: dict[str, tuple[Arrays, tuple[str, ...], str]] = {
    "no labels": ({}, ("labels",), "has no labels: needed is an array labels, or p_y with p(y|x)"),
    "both": ({"p_y": LABELS % 2}, (), "has both labels and p_y: give one of them"),
    "no outputs": ({}, tuple(arrays())[1:], "has no outputs: needed are arrays EPOCH/LAYER"),
    "labels that are none": ({"labels": LABELS / 2}, (), "has 'labels' with 0.5; labels are whole numbers"),
    "labels of two axes": ({"labels": np.eye(3)[LABELS]}, (), "'labels' of shape (30, 3); needed is one for each"),
    "labels too high": ({"labels": LABELS + 300}, (), "labels must be whole numbers from 0 to 255, got 300 to 302"),
    "p_y beyond 1": ({"p_y": LABELS * 1.0}, ("labels",), "p(y|x) must be from 0 to 1, got 2"),
    "rows": ({"1/fc": ROW[:29]}, (), "'1/fc' of shape (29, 2); needed is a row for each of the 30 patterns"),
    "no rows": ({"1/fc": 5.0}, (), "'1/fc' of shape (); needed is a row for each"),
    "empty": ({"1/fc": ROW[:, :0]}, (), "'1/fc' of shape (30, 0): it holds no numbers"),
    "units": ({"1/fc": ROW}, (), "'1/fc' of 2 units; '0/fc' has 4"),
    "units of networks": ({"network=2/0/fc": ROW, "network=2/0/conv/1": np.zeros((30, 6))}, (), "has 4"),
    "layers of networks": ({"network=2/0/fc": ROW}, (), "has other layers of network 2 than of the first network"),
    "a layer more": ({"4/new": ROW}, (), "'4/new' and nothing of that layer at epoch 0: each epoch needs all layers"),
    "unknown": ({"config": ROW}, (), "has 'config' which is not known: allowed are labels, p_y, inputs, "),
    "epoch that is none": ({"first/fc": ROW}, (), "has 'first/fc' which is not known"),
    "epoch too late": ({"100000001/fc": ROW}, (), "of epoch '100000001'; allowed are 0 to 100000000"),
    "network that is none": ({"network=x/0/fc": ROW}, (), "of network 'x': a network has a whole number from 0"),
    "no name": ({"0/": ROW}, (), "has '0/' which is not known"),
    "long name": ({f"0/{501 * 'x'}": ROW}, (), "of a layer whose name is not allowed"),
    "twice": ({"00/fc": ROW}, (), "twice: it is in "),
    "texts": ({"1/fc": np.array(["a"] * 30)}, (), "'1/fc' of type '<U1': not numbers"),
    "complex": ({"1/fc": ROW * 1j}, (), "'1/fc' of type 'complex128': not numbers"),
    "inputs": ({"inputs": ROW[:9]}, (), "'inputs' of shape (9, 2); needed is a row for each of the 30 patterns"),
    "spread alone": ({"1/fc/gradient_std": 1.0}, (), "'1/fc/gradient_std' without gradient_mean beside it"),
    "gradients": ({"1/fc/gradient_mean": ROW}, (), "'1/fc/gradient_mean' of shape (30, 2); needed is one number"),
    "negative": ({"1/fc/gradient_mean": -1.0}, (), "'1/fc/gradient_mean' of -1; allowed is a number from 0"),
    "loss": ({"1/train_loss": ROW}, (), "'1/train_loss' of shape (30, 2); needed is one number"),
    "accuracy": ({"1/test_accuracy": 1.5}, (), "'1/test_accuracy' of 1.5; allowed is a number from 0 to 1"),
    "batches": ({"batches": 2.5}, (), "'batches' of 2.5; allowed is a whole number from 1"),
    "batches alone": ({"network=5/batches": 2}, (), "has no outputs of network 5, which it has batches of"),
    "weights of nothing": ({"1/other/weights": ROW}, (), "'1/other/weights' of a layer without outputs at that epoch"),
    "held out": ({f"{e}/{n}/held_out": ROW for e in EPOCHS for n in ("fc", "conv/1")}, (), "and no held_out_labels"),
    "one held out": ({"held_out_labels": LABELS, "0/fc/held_out": ROW}, (), "'0/conv/1' without held_out beside it"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_what_does_not_fit_together_is_refused_by_name(tmp_path: Path, what: str) -> None:
    more, without, said = REFUSALS[what]
    held = {key: array for key, array in (arrays() | more).items() if key not in without}
    told = refusal_of(tmp_path, held)
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": ["nope"]}, "layers must be of those that network 0 has at epoch 0, 'conv/1', 'fc', got 'nope'"),
        ({"estimator": "guess"}, "estimator must be "),
        ({"activations": {"nope": "tanh"}}, "activations name 'nope', which is no layer"),
        ({"activations": "cubic"}, "activation must be "),
        ({"data": 501 * "x"}, "a name must be 1 to 500 characters"),
    ],
)
def test_arguments_are_refused_with_nothing_written(tmp_path: Path, options: Arrays, said: str) -> None:
    assert said in refusal_of(tmp_path, arrays(), **options)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("bomb-went-off",))


def test_pickled_objects_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for key in ("labels", "0/fc", "anything"):
        assert "holds pickled objects, which are never loaded" in refusal_of(
            tmp_path, arrays() | {key: np.array([Bomb()] * 30, dtype=object)}
        )


def header(shape: tuple[int, ...], size: int) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + bytes(size)


@pytest.mark.parametrize("declared", [(30, 2**40), (30, 6_700_000), (2**62, 2**62)])
def test_arrays_that_declare_too_much_are_refused_before_they_are_inflated(
    tmp_path: Path, declared: tuple[int, ...]
) -> None:
    source = save(tmp_path / "in.npz", arrays())
    with zipfile.ZipFile(source, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("9/fc.npy", header(declared, 1000))
    with pytest.raises(InvalidValue, match=r"'9/fc' of \d+ numbers; allowed are 1600000000 bytes"):
        import_archives(source, tmp_path / "out.ibs")


@pytest.mark.parametrize("size", [0, 8 * 30 * 4 - 1, 8 * 30 * 4 + 1])
def test_arrays_that_are_not_what_they_declare_are_damaged(tmp_path: Path, size: int) -> None:
    held = {key: array for key, array in arrays().items() if key != "4/fc"}
    source = save(tmp_path / "in.npz", held)
    with zipfile.ZipFile(source, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("4/fc.npy", header((30, 4), size))
    with pytest.raises(InvalidValue, match="'4/fc' that is damaged"):
        import_archives(source, tmp_path / "out.ibs", samples=20)
    assert [one.name for one in tmp_path.iterdir()] == ["in.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 and then nothing", b"\x80\x04N."])
def test_files_that_are_no_archives(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.npz").write_bytes(content)
    with pytest.raises(InvalidValue, match=r"is not an \.npz archive, or is damaged"):
        read_archives(tmp_path / "in.npz")


def test_places_without_arrays(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"is a directory without \.npz files"):
        read_archives(tmp_path)
    with pytest.raises(InvalidValue, match="does not exist"):
        read_archives(tmp_path / "none.npz")
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(InvalidValue, match="is not a regular file"):
        read_archives(tmp_path / "pipe.npz")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InvalidValue, match=r"holds 'readme\.txt', which is no array of NumPy"):
        read_archives(tmp_path / "other.npz")


def test_flipped_and_missing_bytes_are_refused_or_change_nothing(tmp_path: Path) -> None:
    source = tmp_path / "in.npz"
    np.savez_compressed(source, **arrays())
    whole = source.read_bytes()
    random = np.random.default_rng(5)
    refused = 0
    for place in random.integers(0, len(whole), 60).tolist():
        cut = random.random() < 0.3
        source.write_bytes(whole[:place] if cut else whole[:place] + bytes([whole[place] ^ 64]) + whole[place + 1 :])
        try:
            import_archives(source, tmp_path / "out.ibs", estimator="exact")
            (tmp_path / "out.ibs").unlink()
        except InvalidValue:
            refused += 1
        assert [one.name for one in tmp_path.iterdir()] == ["in.npz"]
    assert refused > 40


def test_the_number_of_arrays_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_ARRAYS", len(arrays()))
    read_archives(save(tmp_path / "in.npz", arrays()))
    monkeypatch.setattr(archives, "MOST_ARRAYS", len(arrays()) - 1)
    with pytest.raises(InvalidValue, match="holds more than 6 arrays, the most that is allowed"):
        read_archives(tmp_path / "in.npz")


def test_a_name_that_is_taken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    source, path = save(tmp_path / "in.npz", arrays()), tmp_path / "out.ibs"
    taken: Callable[[int, int], object] = lambda done, total: path.write_text("somebody's")  # noqa: E731
    with pytest.raises(InvalidValue, match="exists already"):
        import_archives(source, path, samples=20, watch=taken)  # type: ignore[arg-type]
    assert path.read_text() == "somebody's"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.npz", "out.ibs"]
