"""The phases of a session as one JSON document: every number with its interval, None where it is absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ibtui.cli.console import or_none
from ibtui_engine.statistics import EpochSpread, Spread

if TYPE_CHECKING:
    from ibtui_engine.phases.depth import Sides
    from ibtui_engine.phases.diffusion import LayerDiffusion
    from ibtui_engine.phases.order import Order
    from ibtui_engine.phases.summary import LayerPhases
    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.summary import Summary


@dataclass(frozen=True, eq=False)
class Found:
    """One ensemble, and what its weights say."""

    recorded: RecordedEnsemble
    diffusion: tuple[LayerDiffusion, ...] | None
    """None where the session keeps no weights."""


def document(summary: Summary, found: list[Found]) -> dict[str, Any]:
    """Of the ensembles found. Epochs, bits, natural logarithms; scripts rely on the names.

    `error` is the standard error over the networks that have a value, `networks` how many these are, `low` and `high`
    the ends of a 95 % interval. Of the SNR (`level`) the mean is geometric, and its error the relative one times it.
    """
    return {
        "name": summary.name,
        "path": str(summary.path),
        "status": summary.status,
        "estimator": summary.experiment.measured_by,
        "bins": None if summary.experiment.all_stochastic else summary.experiment.bins,
        "ensembles": [_ensemble_document(each) for each in found],
    }


def _ensemble_document(found: Found) -> dict[str, Any]:
    account, ensemble = found.recorded.phases, found.recorded.ensemble
    whole = account.transition
    depth = account.depth
    return {
        "ensemble": ensemble.index,
        **ensemble.settings.to_dict(),
        "networks": ensemble.networks,
        "epochs": account.epochs,
        "batches": account.batches,
        "snr_measured": whole.measured,
        "noise_floor": or_none(account.floor),
        "network": {
            "transition": spread_document(whole.network),
            "returns": int(whole.network_returns.sum()),
            "drift_share": spread_document(account.drift_share),
            "levels_at": spread_document(account.levels_at),
            "level": spread_document(account.level),
        },
        "layer_names": list(ensemble.layer_names),
        "layers": [_layer_document(row) for row in account.layers],
        "fitting_order": _order(account.fitting),
        "compressing_order": _order(account.compressing),
        "equation_11": {"from_below": _sides(depth.from_below), "since_peak": _sides(depth.since_peak)},
        "diffusion": None if found.diffusion is None else [_diffusion_document(row) for row in found.diffusion],
        "diffusion_absent": found.recorded.summary.why_not("weights") if found.diffusion is None else None,
    }


def _layer_document(row: LayerPhases) -> dict[str, Any]:
    spreads = (
        "transition",
        "turning",
        "half_fitted",
        "half_compressed",
        "delay",
        "compression",
        "drift_share",
        "levels_at",
        "level",
        "slope",
        "r_squared",
    )
    return {
        "layer": row.layer,
        "width": row.width,
        **{name: spread_document(getattr(row, name)) for name in (*spreads, "norm_first", "norm_last")},
        "returns": row.returns,
        "from_start": row.from_start,
        "coincide": row.coincide,
    }


def _diffusion_document(row: LayerDiffusion) -> dict[str, Any]:
    names = (
        "exponent",
        "late_exponent",
        "displacement",
        "correlation_at_transition",
        "correlation",
        "correlation_square",
    )
    return {
        "layer": row.layer,
        **{name: spread_document(getattr(row, name)) for name in names},
        "independent": or_none(row.independent),
        "independent_square": or_none(row.independent_square),
    }


def spread_document(value: Spread | EpochSpread) -> dict[str, Any]:
    """A number over networks with its error, its interval and the networks that it is over."""
    ends = {"low": or_none(value.low), "high": or_none(value.high), "networks": value.count}
    if isinstance(value, EpochSpread):
        return {"epoch": or_none(value.epoch), "log_error": or_none(value.log_error), **ends}
    return {"mean": or_none(value.mean), "error": or_none(value.error), **ends}


def _order(value: Order) -> dict[str, Any]:
    return {"layers": list(value.layers), "agreement": or_none(value.agreement), "networks": value.networks}


def _sides(value: Sides) -> dict[str, Any]:
    return {
        "steps_nats": [or_none(step) for step in value.steps],
        "log_alone": or_none(value.log_alone),
        "log_together": or_none(value.log_together),
    }
