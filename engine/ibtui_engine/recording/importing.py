"""A recording from files: layers' outputs that were stored during training, measured afterwards."""

from __future__ import annotations

import math
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num

from ibtui_engine.errors import InvalidValue, StorageError, shown
from ibtui_engine.measures.arrays import Activations, activations_of
from ibtui_engine.recorded import RecordedLayer
from ibtui_engine.recording.archives import (
    GRADIENT_MEAN,
    GRADIENT_STD,
    HELD_OUT,
    LEARNED,
    WEIGHTS,
    StoredArray,
    StoredEpoch,
    StoredNetwork,
    StoredOutputs,
    read_archives,
    units,
)
from ibtui_engine.recording.recorder import Recorder, RecordingWarning
from ibtui_engine.session.drafting import discard, rename
from ibtui_engine.session.summary import read_summary
from ibtui_engine.settings import MAX_EPOCHS

ACCURACIES = ("train_accuracy", "test_accuracy")
"""Those of `LEARNED` that are shares."""
Watch = Callable[[int, int], None]
"""Told after each snapshot how many are done, of how many."""


def import_archives(
    source: Path,
    path: Path,
    *,
    name: str | None = None,
    data: str | None = None,
    layers: Sequence[str] | None = None,
    activations: Activations = None,
    keep_inputs: bool = False,
    watch: Watch = lambda done, total: None,
    **settings: Any,
) -> tuple[str, ...]:
    """Measure the outputs of layers that are stored in .npz archives, and save that as a session.

    Args:
        source: the archive, or a directory of archives, in the layout of engine/README.md, *From files*.
        path: of the session, a name that is free; it is there whole or not at all.
        name: of the session, for people; by default that of its file.
        data: what the networks learned, for people; by default the name of `source`.
        layers: those to take, in order; by default all.
        activations: of the layers, where they are known (`ibtui.measure_outputs`).
        keep_inputs: whether the session keeps the inputs; else it keeps a digest.
        watch: told how far it has come.
        settings: `estimator`, by default `gauss`, its own, and `also` with further ones, as `Recorder` takes them.

    Returns:
        What could not be measured, in sentences: outputs that are not finite.

    Raises:
        InvalidValue: an archive or an argument is not as it must be, or the session cannot be written there.
        StorageError: the disk is full.
    """
    with read_archives(source, layers) as stored:
        for chosen in stored.layers.values():
            activations_of(activations, chosen)
        labels, held_out, inputs = stored.labels(), stored.labels("held_out_"), stored.shared.get("inputs")
        assert labels is not None
        if keep_inputs and inputs is None:
            raise InvalidValue(f"{str(source)!r} has no array inputs that could be kept")

        def fill(draft: Path) -> None:
            with Recorder(
                draft,
                labels,
                inputs=None if inputs is None else inputs.load(),
                name=name or path.stem,
                data=data or source.name.removesuffix(".npz") or "arrays",
                activations=activations,
                keep_inputs=keep_inputs,
                held_out=held_out,
                **settings,
            ) as recorder:
                _record(recorder, stored, watch)

        return _whole(path, fill)


def _whole(path: Path, fill: Callable[[Path], None]) -> tuple[str, ...]:
    """Make a recording beside its place, and give it its name when it is finished; what it warned of."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."[:200]))
    except OSError as error:
        raise InvalidValue(f"cannot write the session {str(path)!r}: {error.strerror}") from None
    draft = place / path.name
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", RecordingWarning)
            fill(draft)
        texts = tuple(str(one.message) for one in told)
        if read_summary(draft).status != "finished":
            raise StorageError(f"cannot write the session {str(path)!r}: {texts[-1] if texts else 'the disk is full'}")
        rename(draft, path)
    finally:
        discard(draft)
        shutil.rmtree(place, ignore_errors=True)
    return texts


def _record(recorder: Recorder, stored: StoredOutputs, watch: Watch) -> None:
    done = 0
    for (ensemble, number), network in stored.networks.items():
        layers = stored.layers[ensemble]
        recorder.begin_network(
            _layers(network, layers), ensemble=ensemble, network=number, batches=_batches(network.batches)
        )
        for epoch, at in network.epochs.items():
            beside = at.parts.get(HELD_OUT)
            loss, test_loss, accuracy, test_accuracy = (_learned(at, one) for one in LEARNED)
            recorder.record(
                epoch,
                _loaded(at.outputs, layers),
                gradients=_gradients(at, layers),
                weights={one: array.load() for one, array in at.parts.get(WEIGHTS, {}).items() if one in layers},
                losses=(loss, test_loss),
                accuracies=(accuracy, test_accuracy),
                network=number,
                ensemble=ensemble,
                held_out=_loaded(beside, layers) if beside else None,
            )
            done += 1
            watch(done, stored.epochs)


def _layers(network: StoredNetwork, layers: Sequence[str]) -> list[RecordedLayer]:
    first = next(iter(network.epochs.values()))
    of_weights = {
        name for at in network.epochs.values() for part in (GRADIENT_MEAN, WEIGHTS) for name in at.parts.get(part, {})
    }
    return [RecordedLayer(name, units(first.outputs[name]), name in of_weights) for name in layers]


def _loaded(
    arrays: dict[str, StoredArray], layers: Sequence[str]
) -> Iterator[tuple[str, Num[np.ndarray, "patterns ..."]]]:
    """One layer after the other: each is measured before the next takes memory."""
    for name in layers:
        yield name, arrays[name].load()


def _gradients(at: StoredEpoch, layers: Sequence[str]) -> dict[str, tuple[float, float]]:
    means, spreads = at.parts.get(GRADIENT_MEAN, {}), at.parts.get(GRADIENT_STD, {})
    return {
        name: (_size(means[name]), _size(spreads[name]) if name in spreads else math.nan)
        for name in layers
        if name in means
    }


def _size(stored: StoredArray, most: float = math.inf) -> float:
    """A number from 0; NaN where there is none."""
    value = stored.number()
    if math.isinf(value) or not (math.isnan(value) or 0 <= value <= most):
        to = f" to {most:g}" if math.isfinite(most) else ""
        raise stored.refused(f"of {value:g}; allowed is a number from 0{to}")
    return value


def _learned(at: StoredEpoch, name: str) -> float:
    stored = at.learned.get(name)
    return math.nan if stored is None else _size(stored, 1.0 if name in ACCURACIES else math.inf)


def _batches(stored: StoredArray | None) -> int:
    if stored is None:
        return 0
    value = stored.number()
    if not (value == math.floor(value) and 1 <= value <= MAX_EPOCHS):
        raise stored.refused(f"of {shown(value)}; allowed is a whole number from 1 to {MAX_EPOCHS}")
    return int(value)
