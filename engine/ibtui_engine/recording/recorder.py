"""The core of a recording: arrays in, a session out. It knows no framework.

What is wrong when a recording is begun is raised, before anything is trained. From then on nothing that concerns the
recording ends the training: what goes wrong is a warning, once, and a note in the session.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import Float64, Num

from ibtui_engine.errors import EngineError, InvalidValue, SessionError, StorageError, shown
from ibtui_engine.estimation import Estimation, Further
from ibtui_engine.logs import logger
from ibtui_engine.measures.arrays import (
    Activations,
    OutputsMeasurer,
    activations_of,
    as_rows,
    label_probabilities,
    layers_of,
)
from ibtui_engine.measures.outputs import NUMBERS
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.recorded import RecordedLayer, RecordedSettings, Recording
from ibtui_engine.recording.given import (
    Pair,
    Weights,
    digest_of,
    entropy_of,
    pair,
    require_layers,
    rule_of,
    shares_of_norms,
)
from ibtui_engine.recording.schedule import Schedule
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.liveness import HEARTBEAT_SECONDS
from ibtui_engine.session.recording_writer import RecordedData, RecordingWriter
from ibtui_engine.setting import is_whole
from ibtui_engine.settings import MAX_EPOCHS

_log = logger(__name__)
PAUSED_LOOK_SECONDS = 0.1
"""How often a paused recording looks whether it may go on."""
Outputs = Mapping[str, Num[np.ndarray, "patterns ..."]] | Iterable[tuple[str, Num[np.ndarray, "patterns ..."]]]
"""Of each layer by name; as pairs, each is measured before the next is asked for."""


Found = dict[str, tuple[int, Float64[np.ndarray, "estimators numbers"]]]
"""By layer its units, and its numbers by each estimator as `ibtui_engine.measures.outputs` orders them."""


class RecordingWarning(UserWarning):
    """Something of a recording could not be measured or stored; training goes on."""


@dataclass
class _Network:
    """A network that is being recorded."""

    number: int
    """In its ensemble."""
    settings: RecordedSettings
    row: CohortRow
    last: int = -1
    """The last epoch that `snapshot` was called with, measured or not,"""
    measured: int = -1
    """and the last that was measured."""


class Recorder:
    """Fills a session from a training loop, network by network and epoch by epoch.

    Use it as a context manager: at the end the session is finished; after an exception, stopped.
    """

    def __init__(
        self,
        path: Path | str,
        labels: Num[np.ndarray, " patterns"] | Num[np.ndarray, "patterns labels"],
        *,
        inputs: Num[np.ndarray, "patterns ..."] | None = None,
        name: str | None = None,
        data: str = "own data",
        estimator: str = "gauss",
        also: Further = (),
        activations: Activations = None,
        every: int | None = None,
        at: Collection[int] | None = None,
        epochs: int | None = None,
        keep_inputs: bool = False,
        held_out: Num[np.ndarray, " patterns"] | Num[np.ndarray, "patterns labels"] | None = None,
        **settings: Any,
    ) -> None:
        """Begin a recording, or go on with one: further networks of the same data, measured alike.

        Args:
            path: of the session, which ends in `.ibs`.
            labels: of the patterns that layers are measured on: whole numbers from 0, or p(y|x).
            inputs: the patterns. The session keeps a digest of them, so that no recording mixes data; with
                `keep_inputs` it keeps them.
            name: of the session, for people; by default that of the file.
            data: what the networks learn, for people.
            estimator: how information is measured (`measure_outputs`).
            also: further estimators that measure each snapshot, by their names, or with settings of their own in a
                dictionary: `("binning", {"estimator": "kde", "noise": 0.01})`. Readers choose one by its name (`by`).
            activations: of the layers, where they are known (`measure_outputs`).
            every: measure each so many epochs; by default each up to 20, and from there on in steps of 5 %.
            at: measure these epochs instead.
            epochs: how many are planned, where that is known: views then say how far it is.
            keep_inputs: whether the session keeps the inputs.
            held_out: labels of further patterns, which are measured separately: I(X;T) and I(T;Y) of what networks were
                not trained on.
            settings: of the (first) estimator: `bins`, `noise`, `scale`, `samples`, `width`, `seed`.

        Raises:
            InvalidValue: an argument is not allowed, or the file is something else.
            SessionError: another process writes the session, or it is damaged.
            StorageError: it cannot be written.
        """
        self.path = Path(path)
        if self.path.suffix != ".ibs":
            raise InvalidValue(f"path must end in .ibs, got {str(path)!r}")
        how = Estimation.chosen(estimator, **settings)
        recording = Recording.make(data, how, epochs, also)
        p_y = label_probabilities(labels)
        rows = None if inputs is None else as_rows("inputs", inputs, len(p_y))
        if keep_inputs and rows is None:
            raise InvalidValue("keep_inputs needs inputs")
        if keep_inputs and held_out is not None:
            raise InvalidValue("keep_inputs keeps no held-out inputs: leave one of both out")
        beside = None if held_out is None else _same_labels(p_y, label_probabilities(held_out))
        rule = rule_of(recording.rule[0], p_y, rows if keep_inputs else None, beside)
        h_x = math.log2(len(p_y)) if rows is None else entropy_of(rows)
        every_one = recording.estimations
        self._measurers = [OutputsMeasurer(p_y, each, inputs=rows, h_x=h_x) for each in every_one]
        self._held_out = None if beside is None else [OutputsMeasurer(beside, each) for each in every_one]
        self._activations = activations
        self._schedule = Schedule(every, at)
        self._rule = recording.rule[0]
        self._networks: dict[tuple[str, int], _Network] = {}
        self._told: set[str] = set()
        self._stopped = False
        self._broken = False
        self._closed = False
        self._beat = time.monotonic()
        self._writer = RecordingWriter.begin(
            self.path, name or self.path.stem, recording, rule, RecordedData(digest_of(p_y, rows, beside), h_x)
        )

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked it to stop, in the app or by `ibtui stop`."""
        return self._stopped

    def due(self, epoch: int) -> bool:
        """Whether this epoch is to be measured: where it is not, `snapshot` needs no arrays."""
        return not self._over and is_whole(epoch) and epoch >= 0 and self._schedule.due(epoch)

    def begin_network(
        self, layers: Sequence[RecordedLayer], *, ensemble: str = "", network: int | None = None, batches: int = 0
    ) -> int:
        """Say what a network's layers are before it is measured; its number, by default the next free one.

        Raises:
            InvalidValue: the ensemble has other layers, or the network has been recorded before.
        """
        return self._begin(layers, ensemble, network, batches).number

    def snapshot(
        self,
        epoch: int,
        outputs: Outputs | Callable[[], Outputs] | None = None,
        *,
        gradients: Mapping[str, tuple[float, float]] | None = None,
        weights: Weights | Callable[[], Weights] | None = None,
        losses: Pair = None,
        accuracies: Pair = None,
        network: int = 0,
        ensemble: str = "",
        batches: int = 0,
        measure: bool | None = None,
        held_out: Outputs | Callable[[], Outputs] | None = None,
    ) -> bool:
        """Measure and record a network at an epoch, if the schedule has it; waits here while paused.

        Args:
            epoch: how many epochs are trained, 0 before the first. They may not go back.
            outputs: of each layer on the patterns, or a function that gives them, which is called only when they are
                needed.
            gradients: of each layer's weights the norm of the mean gradient over the epoch's batches, and the root of
                the gradients' summed variance (NaN of one batch).
            weights: of each layer, or their Euclidean norm, or a function that gives them: gradients are recorded as
                shares of it.
            losses: cross-entropy in nats of training, or a pair with that of test.
            accuracies: likewise, 0 to 1.
            network: the number of the network in its ensemble, such as its seed.
            ensemble: the name of its settings, where there are several.
            batches: in an epoch, where that is known: the noise floor of the SNR follows from it.
            measure: whether to measure this epoch, whatever the schedule has; None leaves it to that.
            held_out: as `outputs`, on the held-out patterns.

        Returns:
            False once the recording was asked to stop: then end the training. Nothing is measured from there on.
        """
        if self._over:
            return not self._stopped
        try:
            self._heed_requests(epoch)
            if not self._stopped:
                learned = *pair("losses", losses), *pair("accuracies", accuracies)
                norms = gradients or {}, weights or {}
                self._take(epoch, (outputs, held_out), norms, learned, network, ensemble, batches, measure)
        except (StorageError, SessionError) as error:
            self._end(error)
        except Exception as error:
            what = " ".join(str(error).split())
            what = what if isinstance(error, EngineError) else f"{type(error).__name__}: {what}"
            self._warn(f"recording {self.path.stem!r}: epoch {epoch} is not measured: {what[:1000]}", what)
        return not self._stopped

    def record(
        self,
        epoch: int,
        outputs: Outputs,
        *,
        gradients: Mapping[str, tuple[float, float]],
        weights: Weights,
        losses: Pair,
        accuracies: Pair,
        network: int,
        ensemble: str,
        held_out: Outputs | None,
    ) -> None:
        """`snapshot` where no training depends on it: measures this epoch, whatever the schedule has.

        Raises:
            InvalidValue: it cannot be measured.
            StorageError: it cannot be written.
        """
        learned = *pair("losses", losses), *pair("accuracies", accuracies)
        self._take(epoch, (outputs, held_out), (gradients, weights), learned, network, ensemble, 0, True)

    @property
    def _over(self) -> bool:
        return self._stopped or self._broken or self._closed

    def _take(
        self,
        epoch: int,
        outputs: tuple[Outputs | Callable[[], Outputs] | None, Outputs | Callable[[], Outputs] | None],
        given_norms: tuple[Mapping[str, tuple[float, float]], Weights | Callable[[], Weights]],
        learned: tuple[float, ...],
        network: int,
        ensemble: str,
        batches: int,
        measure: bool | None,
    ) -> None:
        """What `snapshot` does: `outputs` are those on both kinds of patterns, `given_norms` the gradients and the
        weights, `learned` losses and accuracies.
        """
        if not is_whole(epoch) or not 0 <= epoch <= MAX_EPOCHS:
            raise InvalidValue(f"epoch must be a whole number from 0 to {MAX_EPOCHS}, got {shown(epoch)}")
        known = self._networks.get((ensemble, network))
        again = measure and known is not None and epoch == known.last and epoch > known.measured
        if known is not None and epoch <= known.last and not again:
            raise InvalidValue(f"it comes after epoch {known.last}: epochs may not be repeated or go back")
        if not (self._schedule.due(epoch) if measure is None else measure):
            self._pass(known, epoch)
            return
        gradients, weights = given_norms
        norms = gradients, weights() if callable(weights) else weights
        if outputs[0] is None:
            raise InvalidValue("no outputs were given")
        notes: list[str] = []
        found = self._measured(self._measurers, outputs[0], notes)
        if known is None:
            layers = [
                RecordedLayer(layer, units, any(layer in what for what in norms)) for layer, (units, _) in found.items()
            ]
            known = self._begin(layers, ensemble, network, batches)
        names = [layer.name for layer in known.settings.layers]
        require_layers(known.settings, {layer: units for layer, (units, _) in found.items()})
        for what in norms:
            if strange := [layer for layer in what if layer not in names]:
                raise InvalidValue(f"{shown(strange[0])} is no layer: {', '.join(names)}")
        if batches and batches != known.settings.batches:
            self._change(known, batches)
        information = _information(found, names)
        if self._held_out is not None and outputs[1] is not None:
            beside = self._measured(self._held_out, outputs[1], notes)
            require_layers(known.settings, {layer: units for layer, (units, _) in beside.items()})
            information = [*map(_with_held_out, information, _information(beside, names))]
        learning = Learning(*(np.array([value]) for value in learned))
        shares = shares_of_norms(names, *norms)
        self._writer.record_arrays(known.row, epoch, information[0], learning, shares, information[1:])
        known.last = known.measured = epoch
        self._beat = time.monotonic()
        for note in notes:
            self._warn(f"recording {self.path.stem!r}, epoch {epoch}: {note}", note.split(":")[0])

    def _measured(
        self, measurers: Sequence[OutputsMeasurer], outputs: Outputs | Callable[[], Outputs], notes: list[str]
    ) -> Found:
        """Each layer's units, and its numbers by each estimator; `notes` gets why some have none."""
        given = outputs() if callable(outputs) else outputs
        found: Found = {}
        for layer, array in given.items() if isinstance(given, Mapping) else given:
            name, first = str(layer), measurers[0]
            rows = layers_of({layer: array}, first.patterns)[name]
            kind = self._activation(name)
            measured = first.measure(name, rows, kind)
            told = [measured.note] if measured.note else []
            numbers = [measured.numbers, *(_by_further(one, name, rows, kind, told) for one in measurers[1:])]
            found[name] = rows.shape[1], np.stack(numbers)
            notes.extend(told)
        return found

    def _activation(self, layer: str) -> str | None:
        kinds = self._activations
        if kinds is None or isinstance(kinds, str):
            return activations_of(kinds, (layer,))[0]
        if isinstance(kinds, Mapping):
            return activations_of({layer: kinds.get(layer)}, (layer,))[0]
        raise InvalidValue("activations must be one for all layers, or a dictionary by layer")

    def _begin(self, layers: Sequence[RecordedLayer], ensemble: str, network: int | None, batches: int) -> _Network:
        activations_of(self._activations, tuple(layer.name for layer in layers))
        there = {one.name: one for one in self._writer.recorded_ensembles(self._rule)}
        settings = there.get(ensemble)
        if settings is None:
            settings = RecordedSettings.make(len(there), self._rule, ensemble, layers, batches)
            RecordedSettings.from_text(settings.index, self._rule, settings.text())  # what could not be read is refused
            self._writer.add_recorded(settings, self._measurers[0].patterns)
        require_layers(settings, {layer.name: layer.units for layer in layers})
        rows = self._writer.networks_of(settings.index)
        if network is None:
            network = max(rows, default=-1) + 1
        if not is_whole(network) or not 0 <= network < 2**62:
            raise InvalidValue(f"network must be a whole number from 0, got {shown(network)}")
        if network in rows:
            raise InvalidValue(
                f"network {network} is in the recording already, up to epoch {rows[network].epoch}: give it another "
                "number, or record to another file"
            )
        row = self._writer.add_network(settings.index, network)
        known = _Network(network, settings, row)
        self._networks[ensemble, network] = known
        return known

    def _change(self, known: _Network, batches: int) -> None:
        known.settings = replace(known.settings, batches=batches)
        self._writer.change_recorded(known.settings)

    def _pass(self, known: _Network | None, epoch: int) -> None:
        """An epoch goes by that is not measured."""
        if known is not None:
            known.last = epoch
            if self._is_silent():
                self._writer.reach(known.row, epoch)

    # requests, and signs of life

    def beat(self) -> None:
        """Show that the recording is alive, at most once a second: for training that takes long between epochs."""
        try:
            if not self._over and self._is_silent():
                self._writer.show_progress(None, None)
        except EngineError as error:
            self._end(error)

    def _is_silent(self) -> bool:
        """Whether nothing has been written for so long that it is time for a sign of life."""
        now = time.monotonic()
        if now - self._beat <= HEARTBEAT_SECONDS:
            return False
        self._beat = now
        return True

    def _heed_requests(self, epoch: int) -> None:
        paused = False
        while True:
            for request in self._writer.requests():
                _log.info("recording %s is asked to %s at epoch %s", self.path, request, epoch)
                if request == "stop":
                    self._stopped = True
                elif request != ("pause" if paused else "resume"):
                    paused = request == "pause"
                    self._writer.set_status("paused" if paused else "running")
            if self._stopped or not paused:
                return
            self.beat()
            time.sleep(PAUSED_LOOK_SECONDS)

    # what goes wrong, and the end

    def _end(self, error: EngineError) -> None:
        """Nothing more can be stored: training goes on without the recording."""
        self._broken = True
        _warn(f"recording {self.path.stem!r} ends here, and training goes on: {error}")

    def _warn(self, text: str, key: str) -> None:
        """Say a thing in the session the first time that it happens, and warn of the first of all."""
        if key in self._told:
            return
        self._told.add(key)
        _log.warning("%s", text)
        try:
            self._writer.add_note(text)
        except EngineError as error:
            self._end(error)
            return
        if len(self._told) == 1:
            _warn(f"{text} (what else goes wrong is noted in the session)")

    def close(self, failure: str = "") -> None:
        """End the recording: the session is finished, or stopped where it was asked to, or something has failed."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._broken:
                status = "stopped" if self._stopped or failure else "finished"
                self._writer.set_status(status, failure)
        except EngineError as error:
            self._end(error)
        finally:
            self._writer.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(failure_of(error))


def failure_of(error: BaseException | None) -> str:
    """What the session says of how the training loop ended; empty where nothing was raised."""
    if error is None:
        return ""
    return " ".join(f"the training loop ended with {type(error).__name__}: {error}".split())[:1000]


def _warn(text: str) -> None:
    """Warn the caller of the engine, who goes on also where warnings are errors."""
    try:
        warnings.warn(text, RecordingWarning, stacklevel=_outside())
    except RecordingWarning:
        _log.warning("made an error: %s", text)


def _outside() -> int:
    """How far up the stack of `_warn` the caller of the engine is."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("ibtui_engine."):
        level, frame = level + 1, frame.f_back
    return level


def _by_further(
    measurer: OutputsMeasurer,
    layer: str,
    rows: Num[np.ndarray, "patterns units"],
    activation: str | None,
    notes: list[str],
) -> Float64[np.ndarray, " numbers"]:
    """What a further estimator says of a layer: where it fails there is no number, and the others stay."""
    try:
        measured = measurer.measure(layer, rows, activation)
    except Exception as error:
        how = measurer.how.text
        notes.append(f"{how}: layer {layer!r} is not measured: {type(error).__name__}: {' '.join(str(error).split())}")
        return np.full(NUMBERS, math.nan)
    if measured.note and measured.note not in notes:
        notes.append(measured.note)
    return measured.numbers


def _information(found: Found, names: Sequence[str]) -> list[LayerInformation]:
    """The numbers of these layers, of one network, by each estimator."""
    by_estimator = np.stack([found[layer][1] for layer in names], axis=2)
    return [LayerInformation.of(numbers[:, None, :]) for numbers in by_estimator]


def _with_held_out(information: LayerInformation, of: LayerInformation) -> LayerInformation:
    """The numbers with those of the held-out patterns beside them."""
    lower = {"held_out_i_x_lower": of.i_x_lower, "held_out_i_y_lower": of.i_y_lower}
    return replace(information, held_out_i_x=of.i_x, held_out_i_y=of.i_y, **lower)


def _same_labels(
    p_y: Float64[np.ndarray, "patterns labels"], held_out: Float64[np.ndarray, "held_out labels"]
) -> Float64[np.ndarray, "held_out labels"]:
    """The probabilities of held-out patterns, with a column for each of the labels."""
    labels, there = p_y.shape[1], held_out.shape[1]
    if there > labels:
        raise InvalidValue(f"held-out patterns have {there} labels, and the others {labels}")
    return np.pad(held_out, ((0, 0), (0, labels - there)))
