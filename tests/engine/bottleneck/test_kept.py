"""Curves that need not be computed: those that ship are what is computed now; a file that is not whole is absent."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.bottleneck import kept
from ibtui_engine.bottleneck.choice import rule_curve
from ibtui_engine.bottleneck.coarse import coarse_binary_curve
from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.kept import (
    SHIPPED,
    SHIPPED_RULES,
    SUFFIX,
    Classes,
    find_curve,
    keep_curve,
    kept_curve,
    pack,
    unpack,
)
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.catalogue import BUILT_INS, load_rule
from ibtui_engine.rules.rule import Rule


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test's own."""
    monkeypatch.setattr(kept, "user_cache_path", lambda name: tmp_path / "cache")
    return tmp_path / "cache" / "curves"


def table(*p: float, name: str = "table") -> Rule:
    return Rule(name, np.arange(len(p), dtype=np.float32)[:, None], np.array(p))


def require_equal(one: Curve, other: Curve) -> None:
    for field in fields(Curve):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


# what ships


def test_every_built_in_rule_has_its_curve_at_once(cache: Path) -> None:
    for name in (*BUILT_INS, "perceptron"):
        found = kept_curve(load_rule(name))
        assert found is not None, name
        assert found.name == name
        assert not found.coarse
        assert found.error <= 1e-6
    assert set(SHIPPED_RULES) == set(BUILT_INS)
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 300_000


@pytest.mark.parametrize(
    "name", ["symmetric-soft", *(pytest.param(n, marks=pytest.mark.long) for n in ("symmetric", "committee"))]
)
def test_a_shipped_curve_is_what_is_computed_now(name: str, cache: Path) -> None:
    rule = load_rule(name)
    shipped, now = kept_curve(rule), rule_curve(rule)
    assert shipped is not None
    x = np.linspace(0, now.entropy, 2000)
    np.testing.assert_allclose(shipped.lower(x), now.lower(x), rtol=0, atol=1e-9)
    np.testing.assert_allclose(shipped.upper(x), now.upper(x), rtol=0, atol=1e-9)
    np.testing.assert_allclose(shipped.bifurcations, now.bifurcations, rtol=1e-6)
    for number in ("i_xy", "h_y", "entropy", "critical", "critical_local", "classes"):
        assert getattr(shipped, number) == pytest.approx(getattr(now, number), rel=1e-10)
    # where a flat optimum lies: half the digits of its height
    assert shipped.critical_decoder == pytest.approx(now.critical_decoder, rel=1e-5)


@pytest.mark.parametrize("name", SHIPPED_RULES)
def test_shipped_points_pass_certification_anew(name: str, cache: Path) -> None:
    """At some of its betas by the solver, and everywhere by the certificate of another method."""
    rule = load_rule(name)
    source, shipped = Source.of_rule(rule), kept_curve(rule)
    assert shipped is not None
    for k in np.linspace(0, len(shipped.beta) - 1, 7).astype(int).tolist():
        best = solve(source, float(shipped.beta[k]))
        assert shipped.i_y[k] <= best.intercept + shipped.i_x[k] / shipped.beta[k] + 1e-9
        assert best.i_y <= shipped.intercept[k] + best.i_x / shipped.beta[k] + 1e-9
    coarse = coarse_binary_curve(source)
    x = np.linspace(0, source.entropy, 2000)
    assert (shipped.lower(x) <= coarse.upper(x) + 1e-9).all()
    assert (coarse.lower(x) <= shipped.upper(x) + 1e-9).all()
    assert shipped.apart() <= 1e-6 + 1e-12


def test_a_shipped_curve_serves_the_same_classes_up_to_rounding_under_any_name_and_no_others(cache: Path) -> None:
    rule = load_rule("symmetric-soft")
    rounded = replace(rule, name="table:mine.npz", odds=rule.log_odds * (1 + 4e-16))
    found = kept_curve(rounded)
    assert found is not None
    assert found.name == "table:mine.npz"
    assert kept_curve(load_rule("symmetric-soft", gamma=12.0000001)) is None
    assert kept_curve(load_rule("symmetric-soft").over(np.arange(4000))) is None


def test_finding_a_kept_curve_waits_for_no_compiler() -> None:
    code = (
        "import sys\n"
        "from ibtui_engine.bottleneck.kept import kept_curve\n"
        "from ibtui_engine.rules.catalogue import load_rule\n"
        "assert kept_curve(load_rule('committee'))\n"
        "print('numba' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.strip() == "False"


# what is kept


def test_what_was_computed_once_is_found_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = table(0.1, 0.4, 0.7)
    assert kept_curve(rule) is None
    curve = find_curve(rule)
    monkeypatch.setattr(kept, "rule_curve", lambda *_, **__: pytest.fail("computed again"))
    require_equal(find_curve(rule), curve)
    other = table(0.7, 0.1, 0.4, name="another")  # the same classes
    require_equal(find_curve(other), replace(curve, name="another"))
    with pytest.raises(pytest.fail.Exception):
        find_curve(table(0.1, 0.4, 0.71))
    with pytest.raises(pytest.fail.Exception):
        find_curve(rule, error=1e-3)  # another curve


def test_curves_of_several_labels_are_kept_too(cache: Path) -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), 4)
    rule = Rule("table", np.arange(4, dtype=np.float32)[:, None], p)
    curve = find_curve(rule)
    found = kept_curve(rule)
    assert found is not None
    require_equal(found, curve)
    assert not found.certified


def test_another_version_of_the_engine_computes_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = table(0.1, 0.4)
    find_curve(rule)
    assert kept_curve(rule) is not None
    monkeypatch.setattr(kept, "source_digest", lambda: "another")
    assert kept_curve(rule) is None


def kept_file(cache: Path, rule: Rule) -> Path:
    find_curve(rule)
    (file,) = cache.glob(f"*{SUFFIX}")
    return file


@pytest.mark.parametrize("places", [12, pytest.param(60, marks=pytest.mark.long)])
def test_a_damaged_file_counts_as_absent_and_is_replaced(cache: Path, places: int) -> None:
    rule = table(0.1, 0.4)
    file = kept_file(cache, rule)
    whole = file.read_bytes()
    for at in range(0, len(whole), max(len(whole) // places, 1)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]):
            file.write_bytes(damaged)
            assert kept_curve(rule) is None
    file.write_bytes(b"")
    curve = find_curve(rule)
    found = kept_curve(rule)
    assert found is not None
    require_equal(found, curve)
    assert file.read_bytes()[:32] == whole[:32]


def test_a_file_of_another_rule_in_its_place_counts_as_absent(cache: Path) -> None:
    rule = table(0.1, 0.4)
    file = kept_file(cache, rule)
    mine = file.read_bytes()
    file.unlink()
    kept_file(cache, table(0.2, 0.4)).rename(file)
    assert kept_curve(rule) is None
    file.write_bytes(mine)
    assert kept_curve(rule) is not None


def test_what_others_can_write_is_not_read(cache: Path) -> None:
    rule = table(0.1, 0.4)
    file = kept_file(cache, rule)
    for place, mode in ((file, 0o666), (cache, 0o777)):
        before = place.stat().st_mode
        place.chmod(mode)
        assert kept_curve(rule) is None
        place.chmod(before)
    assert kept_curve(rule) is not None


@pytest.mark.parametrize("obstacle", ["file", "link", "none", "unwritable"])
def test_where_nothing_can_be_kept_curves_are_computed(
    obstacle: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.mkdir()
    if obstacle == "file":
        cache.write_text("in the way")
    elif obstacle == "link":
        (tmp_path / "elsewhere").mkdir()
        cache.symlink_to(tmp_path / "elsewhere")
    elif obstacle == "none":
        monkeypatch.setattr(kept, "user_cache_path", lambda _: Path("~/.cache/ibtui"))
    else:
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    rule = table(0.1, 0.4)
    assert find_curve(rule).certified
    assert kept_curve(rule) is None
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob(f"*{SUFFIX}"))


def test_curves_used_last_stay_and_other_files_are_not_ours_to_remove(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    first, second, third = (table(0.1, p) for p in (0.3, 0.4, 0.5))
    curve = rule_curve(first)
    keep_curve(first, curve)
    (cache / "notes.txt").write_text("mine")
    keep_curve(second, curve)
    for age, file in enumerate(sorted(cache.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime_ns)):
        os.utime(file, (1000 + age, 1000 + age))
    assert kept_curve(first) is not None  # used: now the second is the oldest
    keep_curve(third, curve)
    assert [kept_curve(one) is not None for one in (first, second, third)] == [True, False, True]
    assert (cache / "notes.txt").exists()


def test_a_packed_curve_has_every_number(cache: Path) -> None:
    rule = load_rule("symmetric")
    curve = rule_curve(rule, error=1e-3)
    classes, found = unpack(pack(Classes.of(rule), curve))
    require_equal(found, curve)
    assert classes.same(Classes.of(rule))
    with pytest.raises(InvalidValue, match="not a curve"):
        unpack(b"PK nothing of the kind")
