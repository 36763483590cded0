"""Outputs of layers in NumPy's .npz archives: which arrays there are, by network, epoch and layer.

The layout is that of engine/README.md, *From files*. Names and headers of all arrays are read and checked first: what
does not fit together is refused before anything is measured. An array is inflated when it is asked for, alone, and not
beyond the limits of `ibtui_engine.rules.limits`. Nothing in a file is executed: pickled objects are refused.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num

from ibtui_engine.errors import InvalidValue, shown
from ibtui_engine.recorded import MOST_LAYERS, MOST_UNITS, require_name
from ibtui_engine.rules.labels import MOST_LABELS
from ibtui_engine.rules.limits import MOST_NUMBERS, oversize
from ibtui_engine.rules.tables.archives import PICKLED, array_header, whole_array
from ibtui_engine.settings import MAX_EPOCHS

MOST_ARRAYS = 1_000_000
"""Arrays of all files together."""
ENSEMBLE, NETWORK = "ensemble=", "network="
"""How the parts of a key begin that say which ensemble and which network an array is of."""
SHARED = ("labels", "p_y", "inputs", "held_out_labels", "held_out_p_y")
"""What all networks share."""
BATCHES = "batches"
LEARNED = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
"""Numbers of a network at an epoch."""
GRADIENT_MEAN, GRADIENT_STD, WEIGHTS, HELD_OUT = "gradient_mean", "gradient_std", "weights", "held_out"
PARTS = (GRADIENT_MEAN, GRADIENT_STD, WEIGHTS, HELD_OUT)
"""What there may be of a layer beside its outputs."""
KEYS = f"{', '.join(SHARED)}, {BATCHES}, EPOCH/LAYER and EPOCH/LAYER/{'|'.join(PARTS)}, EPOCH/{'|'.join(LEARNED)}"


class OpenArchive:
    """The archive that was read last, kept open: the list of what is in one may be long."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._archive: zipfile.ZipFile | None = None

    def of(self, path: Path) -> zipfile.ZipFile:
        """This one, opened now or before."""
        if self._archive is None or path != self._path:
            self.close()
            self._path, self._archive = path, zipfile.ZipFile(path)
        return self._archive

    def close(self) -> None:
        """Let go of it."""
        if self._archive is not None:
            self._archive.close()
        self._archive = None


@dataclass(frozen=True)
class StoredArray:
    """An array of an archive, not yet loaded."""

    opened: OpenArchive = field(repr=False)
    path: Path
    member: str
    """Its name in the archive."""
    shape: tuple[int, ...]
    kind: np.dtype[Any]

    @property
    def key(self) -> str:
        """Its name, as people gave it."""
        return self.member.removesuffix(".npy")

    def refused(self, sentence: str) -> InvalidValue:
        """The error that the array deserves."""
        return InvalidValue(f"{str(self.path)!r} has {shown(self.key)} {sentence}")

    def load(self) -> Num[np.ndarray, ...]:
        """The array, in this machine's byte order.

        Raises:
            InvalidValue: it is damaged, or the file has changed since its header was read.
        """
        try:
            with self.opened.of(self.path).open(self.member) as file:
                array = whole_array(file, self.shape, self.kind)
                if file.read(1) or (array.shape, array.dtype) != (self.shape, self.kind):
                    raise ValueError("not what its header says")
        except MemoryError:
            raise
        except Exception as error:  # zipfile, zlib and numpy's parser raise a dozen kinds for damaged files
            raise self.refused("that is damaged") from error
        return array.astype(np.float64 if array.dtype.itemsize > 8 else array.dtype.newbyteorder("="), copy=False)

    def number(self) -> float:
        """The one number in it.

        Raises:
            InvalidValue: it holds more, or none.
        """
        self.require_number()
        return float(self.load().ravel()[0])

    def require_number(self) -> None:
        """Refuse it where it is not of one number, by its header."""
        if math.prod(self.shape) != 1:
            raise self.refused(f"of shape {self.shape}; needed is one number")


@dataclass
class StoredEpoch:
    """A network at an epoch."""

    outputs: dict[str, StoredArray] = field(default_factory=dict)
    parts: dict[str, dict[str, StoredArray]] = field(default_factory=dict)
    """Each of `PARTS` by layer."""
    learned: dict[str, StoredArray] = field(default_factory=dict)


@dataclass
class StoredNetwork:
    """A network: what was stored of it by epoch."""

    epochs: dict[int, StoredEpoch] = field(default_factory=dict)
    batches: StoredArray | None = None


@dataclass(frozen=True)
class StoredOutputs:
    """All that archives hold, checked."""

    opened: OpenArchive
    shared: Mapping[str, StoredArray]
    networks: Mapping[tuple[str, int], StoredNetwork]
    """By ensemble and number, with their epochs in order."""
    patterns: int
    layers: Mapping[str, tuple[str, ...]]
    """Of each ensemble, in order."""

    @property
    def epochs(self) -> int:
        """How many there are, over all networks."""
        return sum(len(network.epochs) for network in self.networks.values())

    def __enter__(self) -> StoredOutputs:
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.close()

    def labels(self, prefix: str = "") -> Num[np.ndarray, ...] | None:
        """Labels or p(y|x), `held_out_` ones with that prefix; None where there are none.

        Raises:
            InvalidValue: labels are no whole numbers, or an array is damaged.
        """
        if (p_y := self.shared.get(f"{prefix}p_y")) is not None:
            return p_y.load().astype(np.float64)
        stored = self.shared.get(f"{prefix}labels")
        if stored is None:
            return None
        labels = stored.load()
        if labels.dtype.kind != "f":
            return labels
        wrong = ~(np.isfinite(labels) & (labels == np.rint(labels)) & (abs(labels) <= MOST_LABELS))
        if wrong.any():
            raise stored.refused(f"with {labels[wrong][0]:g}; labels are whole numbers, p(y|x) is called {prefix}p_y")
        return labels.astype(np.int64)


def read_archives(path: Path, layers: Sequence[str] | None = None) -> StoredOutputs:
    """What is in an .npz archive, or in all those of a directory together.

    Args:
        path: of the archive or the directory.
        layers: those to take, in order; by default all, as they come in the first archive.

    Raises:
        InvalidValue: something cannot be read, is damaged, does not fit together, or is larger than allowed.
    """
    shared: dict[str, StoredArray] = {}
    networks: dict[tuple[str, int], StoredNetwork] = {}
    opened = OpenArchive()
    for count, stored in enumerate(_arrays(opened, path)):
        if count >= MOST_ARRAYS:
            raise InvalidValue(f"{str(path)!r} holds more than {MOST_ARRAYS} arrays, the most that is allowed")
        if stored.key in SHARED:
            _share(shared, stored)
        else:
            _sort_in(networks, stored)
    if not any(network.epochs for network in networks.values()):
        raise InvalidValue(f"{str(path)!r} has no outputs: needed are arrays EPOCH/LAYER, such as '0/conv1'")
    patterns = _patterns(path, shared)
    held_out = _patterns(path, shared, "held_out_")
    if patterns is None:
        raise InvalidValue(f"{str(path)!r} has no labels: needed is an array labels, or p_y with p(y|x)")
    if "inputs" in shared:
        _require_rows(shared["inputs"], patterns, "patterns")
    ordered: dict[tuple[str, int], StoredNetwork] = {}
    chosen: dict[str, tuple[str, ...]] = {}
    firsts: dict[str, dict[str, StoredArray]] = {}
    for key in sorted(networks):
        network = networks[key]
        if not network.epochs:
            raise InvalidValue(f"{str(path)!r} has no outputs of {_named(key)}, which it has batches of")
        ordered[key] = network = replace(network, epochs=dict(sorted(network.epochs.items())))
        found = _require_layers(path, key, network, layers)
        like = chosen.setdefault(key[0], found)
        if set(like) != set(found):
            raise InvalidValue(
                f"{str(path)!r} has other layers of {_named(key)} than of the first network of its ensemble: others "
                f"are behind {ENSEMBLE}NAME/"
            )
        outputs = firsts.setdefault(key[0], next(iter(network.epochs.values())).outputs)
        for epoch in network.epochs.values():
            _require_shapes(epoch, like, patterns, held_out)
            for name in like:
                _require_same_units(epoch.outputs[name], outputs[name])
    return StoredOutputs(opened, shared, ordered, patterns, chosen)


def units(array: StoredArray) -> int:
    """Of a layer, by its outputs."""
    return math.prod(array.shape[1:])


def _arrays(opened: OpenArchive, path: Path) -> Iterator[StoredArray]:
    try:
        files = sorted(one for one in path.iterdir() if one.suffix == ".npz") if path.is_dir() else [path]
    except OSError as error:
        raise InvalidValue(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if not files:
        raise InvalidValue(f"{str(path)!r} is a directory without .npz files")
    for file in files:
        yield from _arrays_in(opened, file)


def _arrays_in(opened: OpenArchive, path: Path) -> Iterator[StoredArray]:
    if not os.path.exists(path):
        raise InvalidValue(f"{str(path)!r} does not exist")
    if not os.path.isfile(path):
        raise InvalidValue(f"{str(path)!r} is not a regular file")
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if not member.filename.endswith(".npy"):
                    raise InvalidValue(f"{str(path)!r} holds {shown(member.filename)}, which is no array of NumPy")
                with archive.open(member) as file:
                    shape, _, kind = array_header(file)
                stored = StoredArray(opened, path, member.filename, shape, kind)
                if kind.hasobject:
                    raise InvalidValue(f"{str(path)!r} {PICKLED}")
                if kind.kind not in "fiub":
                    raise stored.refused(f"of type {shown(str(kind))}: not numbers")
                if not all(side > 0 for side in shape):
                    raise stored.refused(f"of shape {shown(shape)}: it holds no numbers")
                if math.prod(shape) * kind.itemsize > 8 * MOST_NUMBERS:
                    raise stored.refused(f"of {math.prod(shape)} numbers; allowed are {8 * MOST_NUMBERS} bytes")
                yield stored
    except OSError as error:
        raise InvalidValue(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    except (InvalidValue, MemoryError):
        raise
    except Exception as error:
        raise InvalidValue(f"{str(path)!r} is not an .npz archive, or is damaged") from error


def _share(shared: dict[str, StoredArray], stored: StoredArray) -> None:
    """Several files of a directory may have the same labels and inputs."""
    before = shared.setdefault(stored.key, stored)
    if before is stored:
        return
    if before.path == stored.path:
        raise stored.refused("twice")
    if before.shape != stored.shape or not np.array_equal(before.load(), stored.load()):
        raise stored.refused(f"that is not that of {str(before.path)!r}: networks are measured on the same patterns")


def _sort_in(networks: dict[tuple[str, int], StoredNetwork], stored: StoredArray) -> None:
    rest, ensemble, number = stored.key, "", 0
    if rest.startswith(ENSEMBLE):
        ensemble, _, rest = rest.removeprefix(ENSEMBLE).partition("/")
    if rest.startswith(NETWORK):
        text, _, rest = rest.removeprefix(NETWORK).partition("/")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise stored.refused(f"of network {shown(text)}: a network has a whole number from 0")
        number = int(text)
    epoch, _, layer = rest.partition("/")
    if not (rest == BATCHES or (epoch.isascii() and epoch.isdigit() and layer)):
        raise stored.refused(f"which is not known: allowed are {KEYS}, all but the first five also behind "
                             f"{ENSEMBLE}NAME/ and {NETWORK}NUMBER/")  # fmt: skip
    network = networks.setdefault((ensemble, number), StoredNetwork())
    if rest == BATCHES:
        if network.batches is not None:
            raise stored.refused("twice")
        network.batches = stored
        return
    if len(epoch) > 18 or int(epoch) > MAX_EPOCHS:
        raise stored.refused(f"of epoch {shown(epoch)}; allowed are 0 to {MAX_EPOCHS}")
    at = network.epochs.setdefault(int(epoch), StoredEpoch())
    before, _, last = layer.rpartition("/")
    if layer in LEARNED:
        place, name = at.learned, layer
    elif before and last in PARTS:
        place, name = at.parts.setdefault(last, {}), before
    else:
        place, name = at.outputs, layer
        try:
            require_name(name)
        except InvalidValue as error:
            raise stored.refused(f"of a layer whose name is not allowed: {error}") from None
    if name in place:
        raise stored.refused(f"twice: it is in {str(place[name].path)!r}, too; several networks have keys behind "
                             f"{NETWORK}NUMBER/")  # fmt: skip
    place[name] = stored


def _named(key: tuple[str, int]) -> str:
    return f"network {key[1]}" + (f" of ensemble {shown(key[0])}" if key[0] else "")


def _patterns(path: Path, shared: Mapping[str, StoredArray], prefix: str = "") -> int | None:
    """How many patterns there are labels of."""
    names = [f"{prefix}{name}" for name in ("labels", "p_y") if f"{prefix}{name}" in shared]
    if len(names) > 1:
        raise InvalidValue(f"{str(path)!r} has both {names[0]} and {names[1]}: give one of them")
    if not names:
        return None
    stored = shared[names[0]]
    most = 1 if names[0].endswith("labels") else 2
    if not 1 <= len(stored.shape) <= most:
        raise stored.refused(f"of shape {stored.shape}; needed is one for each pattern" + (
            ", or a row of p(y|x) for each" if most == 2 else ""))  # fmt: skip
    if wrong := oversize(stored.shape[0], 1, math.prod(stored.shape[1:]) if len(stored.shape) == 2 else 2):
        raise InvalidValue(f"{str(path)!r} has {wrong}")
    return stored.shape[0]


def _require_rows(stored: StoredArray, rows: int, what: str) -> None:
    if not stored.shape or stored.shape[0] != rows:
        raise stored.refused(f"of shape {stored.shape}; needed is a row for each of the {rows} {what} that have labels")


def _require_layers(
    path: Path, key: tuple[str, int], network: StoredNetwork, wanted: Sequence[str] | None
) -> tuple[str, ...]:
    """The layers of a network, which all its epochs must have: those that are wanted, or all of its first epoch."""
    number, first = next(iter(network.epochs.items()))
    there = tuple(first.outputs)
    if wanted is not None and (strange := [name for name in wanted if name not in there]):
        raise InvalidValue(
            f"layers must be of those that {_named(key)} has at epoch {number}, "
            f"{', '.join(shown(name) for name in there[:8])}, got {shown(strange[0])}"
        )
    chosen = there if wanted is None else tuple(wanted)
    if not 0 < len(chosen) <= MOST_LAYERS:
        raise InvalidValue(f"{str(path)!r} has {len(chosen)} layers; allowed are 1 to {MOST_LAYERS}")
    for number, epoch in network.epochs.items():
        if lost := [name for name in chosen if name not in epoch.outputs]:
            like = first.outputs[lost[0]].key
            raise InvalidValue(f"{str(path)!r} lacks {shown(lost[0])} at epoch {number}, and has {shown(like)}: each "
                               "epoch needs all layers")  # fmt: skip
        if wanted is None and (more := [one for name, one in epoch.outputs.items() if name not in there]):
            raise more[0].refused(f"and nothing of that layer at epoch {next(iter(network.epochs))}: each epoch needs "
                                  "all layers, or choose some by --layers")  # fmt: skip
        for part in epoch.parts.values():
            if lone := [one for name, one in part.items() if name not in epoch.outputs]:
                raise lone[0].refused("of a layer without outputs at that epoch")
    return chosen


def _require_shapes(epoch: StoredEpoch, layers: Sequence[str], patterns: int, held_out: int | None) -> None:
    beside = epoch.parts.get(HELD_OUT, {})
    for name in layers:
        stored = epoch.outputs[name]
        _require_rows(stored, patterns, "patterns")
        if units(stored) > MOST_UNITS:
            raise stored.refused(f"of {units(stored)} units; allowed are {MOST_UNITS}")
        if not beside:
            continue
        if name not in beside:
            raise stored.refused(f"without {HELD_OUT} beside it, which other layers have at that epoch")
        if held_out is None:
            raise beside[name].refused("and no held_out_labels or held_out_p_y")
        _require_rows(beside[name], held_out, "held-out patterns")
        _require_same_units(beside[name], stored)
    means, spreads = (epoch.parts.get(part, {}) for part in (GRADIENT_MEAN, GRADIENT_STD))
    for stored in (*means.values(), *spreads.values(), *epoch.learned.values()):
        stored.require_number()
    if lone := [one for name, one in spreads.items() if name not in means]:
        raise lone[0].refused(f"without {GRADIENT_MEAN} beside it")


def _require_same_units(stored: StoredArray, first: StoredArray) -> None:
    if units(stored) != units(first):
        raise stored.refused(f"of {units(stored)} units; {shown(first.key)} has {units(first)}")


def named_layers(words: Sequence[str]) -> tuple[str, ...] | None:
    """Layers from texts in which commas stand between them; None for no text.

    Raises:
        InvalidValue: one is named twice, or a name is empty.
    """
    if not words:
        return None
    names = tuple(name.strip() for word in words for name in word.split(","))
    if "" in names or len(set(names)) < len(names):
        raise InvalidValue(f"layers must be names with commas between, each once, got {shown(','.join(words))}")
    return names
