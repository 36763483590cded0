"""Recording a model that Lightning trains: a callback for its Trainer."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui_engine.packages import import_package
from ibtui_engine.recording.given import logged_pair
from ibtui_engine.recording.record import record
from ibtui_engine.recording.recorder import failure_of

if TYPE_CHECKING:
    from ibtui_engine.recording.torch_recording import TorchRecording

PACKAGES = ("lightning.pytorch", "pytorch_lightning")
"""Where Lightning may be, under its two names; each has a Callback of its own."""
Names = tuple[str, str]


def lightning_callback(
    path: Path | str,
    inputs: Any,
    labels: Any,
    *,
    losses: Names = ("train_loss", "val_loss"),
    accuracies: Names = ("train_acc", "val_acc"),
    **settings: Any,
) -> Any:
    """A callback for `Trainer(callbacks=[...])` that records the module into a session, as `ibtui.record` does.

    It measures before the first epoch and at the end of each. Gradients are those that the optimisers' steps use. A
    request to stop, from the app or by `ibtui stop`, ends the fit after the epoch. Of several processes the first
    records.

    Args:
        path: of the session, which ends in `.ibs`.
        inputs: the patterns to measure on, as the module's `forward` takes them.
        labels: of the patterns: whole numbers from 0, or p(y|x).
        losses: what the module logs the cross-entropies of training and test as; what is not logged is left out.
        accuracies: likewise of the shares of labels that are guessed right.
        settings: all others of `ibtui.record`, such as `layers`, `network` and `estimator`; not `optimizer`.

    Raises:
        InvalidValue: Lightning is not installed. What `ibtui.record` refuses is refused when the fit begins.
    """

    class Recording(_callback_class()):  # type: ignore[misc]
        """Records the module of a fit."""

        def __init__(self) -> None:
            self.recording: TorchRecording | None = None
            """While the fit goes on."""

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            """The optimisers are there: begin, and measure the module as it is."""
            if not trainer.is_global_zero:
                return
            planned = trainer.max_epochs if (trainer.max_epochs or -1) > 0 else None
            given = {"epochs": planned, **settings}
            self.recording = record(path, pl_module, inputs, labels, optimizer=trainer.optimizers, **given)
            self._snapshot(trainer, trainer.current_epoch)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            """An epoch is trained, and validated."""
            self._snapshot(trainer, trainer.current_epoch + 1)

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            """The fit fails, or is interrupted."""
            self._close(failure_of(exception))

        def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
            """The fit ends."""
            self._close("")

        def _close(self, failure: str) -> None:
            if self.recording is not None:
                self.recording.close(failure)
                self.recording = None

        def _snapshot(self, trainer: Any, epoch: int) -> None:
            if self.recording is None:
                return
            logged = trainer.callback_metrics
            found = {"losses": logged_pair(logged, losses), "accuracies": logged_pair(logged, accuracies)}
            if not self.recording.snapshot(epoch, **found):
                trainer.should_stop = True

    return Recording()


def _callback_class() -> type:
    """Lightning's own, of the package that is in use."""
    package = next((one for one in PACKAGES if one in sys.modules), None)
    if package is None and find_spec("lightning") is None and find_spec("pytorch_lightning") is not None:
        package = "pytorch_lightning"
    if package is None:
        import_package("recording a fit of Lightning needs", "lightning")
        package = PACKAGES[0]
    return import_module(package).Callback  # type: ignore[no-any-return]
