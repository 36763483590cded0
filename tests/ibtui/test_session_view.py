"""What is remembered of a view comes back, and nothing that makes no sense."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ibtui.epoch_display import LOGARITHMIC, EpochDisplay
from ibtui.session_view import SessionView

PANELS = ("plane", "gradients", "learning")


@given(
    st.builds(
        SessionView,
        panel=st.sampled_from(PANELS),
        beside=st.sampled_from(PANELS),
        points=st.booleans(),
        ensemble=st.integers(0, 4),
        everything=st.booleans(),
        hidden=st.lists(st.integers(1, 12), unique=True).map(lambda found: tuple(sorted(found))),
        epoch=st.none() | st.integers(0, 10**6),
        following=st.booleans(),
        over_epochs=st.builds(
            EpochDisplay,
            other_scale=st.frozensets(st.sampled_from(sorted(LOGARITHMIC))),
            smooth=st.booleans(),
            singles=st.booleans(),
            focus=st.none() | st.integers(0, 20),
        ),
    )
)
def test_what_is_kept_comes_back(view: SessionView) -> None:
    assert SessionView.from_dict(view.to_dict(), panels=PANELS, ensembles=5) == view


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from([*SessionView().to_dict(), "other"]), ANY), st.integers(0, 3))
def test_whatever_was_kept_a_view_comes_of_it(found: dict[str, Any], ensembles: int) -> None:
    view = SessionView.from_dict(found, panels=PANELS, ensembles=ensembles)
    assert view.panel in PANELS
    assert 0 <= view.ensemble < max(ensembles, 1)
    assert not (view.everything and ensembles < 2)
    assert all(type(layer) is int for layer in view.hidden)
    assert view.epoch is None or type(view.epoch) is int
    assert view.over_epochs.other_scale <= LOGARITHMIC.keys()
    assert view.over_epochs.focus is None or view.over_epochs.focus >= 0
