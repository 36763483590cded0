"""Every command takes a recording: it shows it, or says in a line why it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Ibtui
from tests.recordings import LABELS, make_recording

SHOWN = (
    "show",
    "show --json",
    "show --epoch 4",
    "phases",
    "phases --json",
    "fit",
    "fit --json",
    "compare",
    "compare --json",
    "account",
    "account --json",
    "export --what information",
    "export --what gradients",
    "export --what learning",
    "figure 3 --session",
    "figure 4 --session",
    "list --results",
)


@pytest.mark.parametrize("command", SHOWN)
@pytest.mark.parametrize("kind", ["labels", pytest.param("p(y|x)", marks=pytest.mark.long)])
def test_what_can_be_shown_of_a_recording_is_shown(ibtui: Ibtui, tmp_path: Path, command: str, kind: str) -> None:
    soft = np.random.default_rng(0).random(60)
    path = make_recording(tmp_path / "own.ibs", labels=LABELS if kind == "labels" else soft)
    words = command.split()
    if words[0] == "list":
        words += ["--sessions-dir", str(tmp_path)]
    elif words[0] in ("figure", "export") or len(words) == 1:
        words.append(str(path))
    else:
        words.insert(1, str(path))
    found = ibtui(*words)
    assert found.returncode == 0, found.stderr
    assert "Traceback" not in found.stderr
    assert "true rule" not in found.stdout
    assert "nan %" not in found.stdout


def test_layers_are_called_by_their_names(ibtui: Ibtui, tmp_path: Path) -> None:
    found = ibtui("show", make_recording(tmp_path / "own.ibs"))
    assert "1 [bold]conv\\n1" in found.stdout
    assert "output fc" in found.stdout
    assert "gauss, noise 0.03 of the layer's variance" in " ".join(found.stdout.split())


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("resume", "cannot be resumed: it is a recording: only the training loop that filled it can go on with it"),
        ("resume --epochs 90", "cannot be resumed: it is a recording"),
        ("remeasure --estimator exact", "cannot be measured again: it is a recording, which keeps no weights"),
        ("sweep-bins", "cannot be measured again: it is a recording, which keeps no weights"),
        ("noise", "it is a recording, which keeps no weights"),
        ("relaxation", "has no ensemble of the optimiser metropolis"),
    ],
)
def test_what_cannot_be_done_with_a_recording_is_said_in_a_line(
    ibtui: Ibtui, tmp_path: Path, command: str, why: str
) -> None:
    path = make_recording(tmp_path / "own.ibs")
    before = path.read_bytes()
    name, *more = command.split()
    found = ibtui(name, str(path), *more)
    assert found.returncode == 2
    assert why in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert path.read_bytes() == before
