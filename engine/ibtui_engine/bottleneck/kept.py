"""IB curves that need not be computed: closed forms, those that ship with the engine, and those computed before.

A curve depends on the classes of p(y|x) and their weights alone. Curves that ship lie in `curves/`, each with the
classes that it is of; they serve a rule whose classes are the same up to rounding, which differs between processors.
A curve that this machine has computed is kept in the user's cache under a digest of the classes and of the engine's
sources, so that no other version of the computation is ever taken for this one.

What is read is not certified again: that would need the encoder of every point, twenty times the numbers. It is
trusted because it was certified when it was written, and a digest of all it holds, in a file that this user alone can
have written, says that it is still the same. The tests compute and certify the shipped curves again.

Numpy alone: no compiler is loaded to find a curve, only to compute one.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from ibtui_engine.bottleneck.choice import rule_curve
from ibtui_engine.bottleneck.curve import ERROR, Curve
from ibtui_engine.compiling.store import source_digest
from ibtui_engine.errors import InvalidValue
from ibtui_engine.own_files import make_own, read_own, require_own, sealed, unsealed, write_own
from ibtui_engine.rules.rule import Rule

if TYPE_CHECKING:
    from jaxtyping import Float64

SHIPPED = Path(__file__).parent / "curves"
SHIPPED_RULES = ("symmetric", "symmetric-soft", "committee")
"""Built-in rules whose curves ship; `perceptron` has a closed form. `engine/make_curves.py` makes them."""
SAME = 1e-11
"""Difference of two log-odds, relative to 1 plus their size, that is rounding. It moves the curve by as many bits."""
MOST_KEPT = 64
"""Curves in the cache; those used last stay. One takes some 50 kB."""
SUFFIX = ".curve"
_NAME = re.compile(r"[0-9a-f]{64}\.curve")


@dataclass(frozen=True, eq=False)
class Classes:
    """What a curve is of."""

    p_y: Float64[np.ndarray, "classes columns"]
    """Of two labels the log-odds of each class, ascending, in one column; of more p(y|x), a column a label."""
    weights: Float64[np.ndarray, " classes"]
    """p(class)."""

    @classmethod
    def of(cls, rule: Rule) -> Classes:
        """The classes of a rule's patterns, in an order that does not depend on that of the patterns."""
        if rule.labels == 2:
            from ibtui_engine.bottleneck.source import Source

            source = Source.of_rule(rule)
            return cls(source.log_odds[:, None], source.weights)
        rows, group, counts = np.unique(rule.p_y, axis=0, return_inverse=True, return_counts=True)
        if rule.p_x is not None:
            return cls(rows, np.bincount(group.ravel(), weights=rule.p_x))
        return cls(rows, counts / counts.sum())

    def digest(self) -> str:
        """SHA-256 (hex) of exactly these numbers."""
        found = hashlib.sha256(f"{self.p_y.shape}".encode())
        for array in (self.p_y, self.weights):
            found.update(np.ascontiguousarray(array, "<f8").tobytes())
        return found.hexdigest()

    def same(self, other: Classes) -> bool:
        """Whether they are these classes, up to rounding."""
        if self.p_y.shape != other.p_y.shape or not np.allclose(self.weights, other.weights, rtol=1e-12, atol=0):
            return False
        return bool(np.isclose(self.p_y, other.p_y, rtol=SAME, atol=SAME).all())


def find_curve(rule: Rule, *, error: float = ERROR) -> Curve:
    """The IB curve of a rule, as `rule_curve` computes it: kept, if it is, else computed and then kept.

    Raises:
        InvalidValue: error is out of range.
    """
    if error != ERROR:
        return rule_curve(rule, error=error)
    curve = kept_curve(rule)
    if curve is None:
        curve = rule_curve(rule)
        keep_curve(rule, curve)
    return curve


def kept_curve(rule: Rule) -> Curve | None:
    """The IB curve of a rule where it is known without being searched for; None where it is not. Never fails."""
    if rule.deterministic:
        return rule_curve(rule)
    classes = Classes.of(rule)
    curve = _shipped(classes) or _cached(classes)
    return None if curve is None else replace(curve, name=rule.name)


def keep_curve(rule: Rule, curve: Curve) -> None:
    """Keep what `rule_curve` has computed for a rule, for later processes. Where that fails, it is computed again."""
    directory = cache_directory()
    if directory is None or rule.deterministic:
        return
    classes = Classes.of(rule)
    with suppress(OSError):
        make_own(directory)
        key = _key(classes)
        write_own(directory / f"{key}{SUFFIX}", sealed(key.encode(), pack(classes, curve)))
        _drop_old(directory)


def cache_directory() -> Path | None:
    """Where curves are kept; None where this user has no home."""
    usual = user_cache_path("ibtui") / "curves"
    return usual if usual.is_absolute() else None


def pack(classes: Classes, curve: Curve) -> bytes:
    """A curve and what it is of, as the bytes of an .npz file."""
    buffer = io.BytesIO()
    columns = {field.name: np.asarray(getattr(curve, field.name)) for field in fields(curve)}
    np.savez_compressed(buffer, class_p_y=classes.p_y, class_weights=classes.weights, **columns)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(data: bytes) -> tuple[Classes, Curve]:
    """The inverse of `pack`.

    Raises:
        InvalidValue: these are not such bytes.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        classes = Classes(values.pop("class_p_y"), values.pop("class_weights"))
        return classes, Curve.from_dict({name: value.tolist() for name, value in values.items()})
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidValue(f"this is not a curve: {error}") from None


def _shipped(classes: Classes) -> Curve | None:
    for name in SHIPPED_RULES:
        try:
            whose, curve = unpack((SHIPPED / f"{name}.npz").read_bytes())
        except (OSError, InvalidValue):  # not installed whole
            continue
        if whose.same(classes):
            return curve
    return None


def _cached(classes: Classes) -> Curve | None:
    directory = cache_directory()
    if directory is None:
        return None
    key = _key(classes)
    path = directory / f"{key}{SUFFIX}"
    try:
        require_own(os.lstat(directory))
        data = unsealed(read_own(path), key.encode())
        if data is None:
            return None
        _, curve = unpack(data)
    except (OSError, InvalidValue):
        return None
    with suppress(OSError):
        os.utime(path)
    return curve


def _key(classes: Classes) -> str:
    return hashlib.sha256(f"{source_digest()} {ERROR!r} {classes.digest()}".encode()).hexdigest()


def _drop_old(directory: Path) -> None:
    """Remove curves but for those used last."""
    found = []
    for path in directory.iterdir():
        if _NAME.fullmatch(path.name):
            with suppress(OSError):
                found.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(found, reverse=True)[MOST_KEPT:]:
        path.unlink(missing_ok=True)
