"""ibtui from Python: the public names of the engine, and `open_session`.

Behind these names, `ibtui` is what people see: commands, charts and the app. Each name is imported from its module when
it is first used, so `import ibtui` itself is quick and loads no numerics and no front end. engine/README.md describes
the names.
"""

TYPE_CHECKING = False
"""True for type checkers. Nothing is imported here: `python -m ibtui` would find it in the current directory first."""

if TYPE_CHECKING:
    from ibtui.locations import open_session
    from ibtui_engine import (
        EngineError,
        Experiment,
        RecordedEnsemble,
        Recorder,
        Run,
        SessionReader,
        Source,
        begin,
        find_preset,
        fit_session,
        hard_frontier,
        ib_curve,
        keras_callback,
        lightning_callback,
        load_rule,
        measure_outputs,
        phases_of,
        read_summary,
        record,
        reopen,
    )

    __version__: str

__all__ = [
    "EngineError",
    "Experiment",
    "RecordedEnsemble",
    "Recorder",
    "Run",
    "SessionReader",
    "Source",
    "begin",
    "find_preset",
    "fit_session",
    "hard_frontier",
    "ib_curve",
    "keras_callback",
    "lightning_callback",
    "load_rule",
    "measure_outputs",
    "open_session",
    "phases_of",
    "read_summary",
    "record",
    "reopen",
]

if not TYPE_CHECKING:  # a type checker would take it for a name that has all attributes

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("ibtui")
        if name == "open_session":
            from ibtui.locations import open_session

            return open_session
        if name == "plot":
            from importlib import import_module

            return import_module("ibtui.plot")
        if name in __all__:
            import ibtui_engine

            return getattr(ibtui_engine, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__", "plot"})
