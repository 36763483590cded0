"""The way in for programs: recording a model in a line, without a library being imported before it is used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui_engine.estimation import Further
from ibtui_engine.packages import import_package

if TYPE_CHECKING:
    import torch

    from ibtui_engine.recording.torch_layers import Choices
    from ibtui_engine.recording.torch_recording import TorchRecording


def record(
    path: Path | str,
    model: torch.nn.Module,
    inputs: Any,
    labels: Any,
    *,
    layers: Choices = None,
    optimizer: torch.optim.Optimizer | Iterable[torch.optim.Optimizer] | None = None,
    network: int | None = None,
    ensemble: str = "",
    activations: Mapping[str, str | None] | str | None = None,
    estimator: str = "gauss",
    also: Further = (),
    every: int | None = None,
    at: Collection[int] | None = None,
    epochs: int | None = None,
    name: str | None = None,
    data: str = "own data",
    keep_inputs: bool = False,
    batch: int = 512,
    double: bool = False,
    held_out: tuple[Any, Any] | None = None,
    **settings: Any,
) -> TorchRecording:
    """Record a torch model from its own training loop into a session, which the app shows while it grows.

    Call `snapshot(epoch)` of what is returned before training, with epoch 0, and after each epoch. Use it as a context
    manager. Layers are measured in eval mode on the same inputs each time; the model, its gradients and the random
    numbers stay as they are. After this call nothing that concerns the recording raises: it warns, and training goes
    on.

    Args:
        path: of the session, which ends in `.ibs`. One that is there gets a further network of the same data.
        model: to record. `DataParallel` and compiled models are taken as what they hold.
        inputs: the patterns to measure on, some hundred to some thousand: a tensor or array with a row for each, or a
            tuple or dictionary of them, as the model is called. They are sent to where the model is.
        labels: of the patterns: whole numbers from 0, or p(y|x).
        layers: names of modules whose outputs are recorded; by default all modules with weights. A dictionary names
            layers itself: of each a module, several modules (the output is that of the last, the weights those of all),
            or a module and a function that is applied to its output: `{"T1": ("fc1", torch.tanh)}`.
        optimizer: whose steps tell the gradients, or several. Without one, gradients are not recorded.
        network: a number for this network, such as its seed; by default the next free one. Several networks of one
            ensemble are shown with their spread.
        ensemble: the name of its settings, where there are several.
        activations: of layers whose outputs have bounds (`ibtui.measure_outputs`); those of torch's own modules are
            known.
        estimator: how information is measured (`ibtui.measure_outputs`).
        also: further estimators that measure each snapshot, by their names, or with settings of their own in a
            dictionary: `("binning", {"estimator": "kde", "noise": 0.01})`. Readers choose one by its name (`by`).
        every: measure each so many epochs; by default each up to 20, and from there on in steps of 5 %.
        at: measure these epochs instead.
        epochs: how many are planned, where that is known.
        name: of the session, for people; by default that of the file.
        data: what the networks learn, for people.
        keep_inputs: whether the session keeps the inputs; else it keeps a digest.
        batch: patterns that go through the model together.
        double: compute the outputs that are measured in double precision, as runs of ibtui do: bins then do not depend
            on rounding. The model itself stays as it is.
        held_out: inputs and labels of further patterns, which are measured separately: those that networks were not
            trained on.
        settings: of the (first) estimator: `bins`, `noise`, `scale`, `samples`, `width`, `seed`.

    Raises:
        InvalidValue: an argument is not allowed, a layer does not exist, the model cannot compute the inputs, or the
            file is something else.
        SessionError: another process writes the session, or it is damaged.
        StorageError: it cannot be written.
    """
    import_package("recording a model needs", "torch")
    from ibtui_engine.recording.torch_recording import TorchRecording

    return TorchRecording(
        path,
        model,
        inputs,
        labels,
        layers=layers,
        optimizer=optimizer,
        network=network,
        ensemble=ensemble,
        activations=activations,
        estimator=estimator,
        also=also,
        every=every,
        at=at,
        epochs=epochs,
        name=name,
        data=data,
        keep_inputs=keep_inputs,
        batch=batch,
        double=double,
        held_out=held_out,
        **settings,
    )
