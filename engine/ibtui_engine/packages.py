"""Third-party packages that only part of the work needs: which are installed, and the command that installs them.

The command names requirements exactly as this project declares them, so it works wherever ibtui was installed from; it
never names ibtui itself, which need not be the project of that name on the user's package index.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ibtui_engine.errors import InvalidValue
from ibtui_engine.memory import is_out_of_memory

DISTRIBUTION = "ibtui"
"""The name under which this project's requirements are recorded."""
DISTRIBUTIONS = {
    "PIL": "pillow",
    "dask": "dask",
    "distributed": "distributed",
    "h5netcdf": "h5netcdf",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "keras": "keras",
    "lightning": "lightning",
    "matplotlib": "matplotlib",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "sklearn": "scikit-learn",
    "tensorboardX": "tensorboardx",
    "torch": "torch",
    "xarray": "xarray",
}
"""The distribution that brings each importable package which may be missing."""


def require_packages(need: str, *packages: str) -> None:
    """Refuse early what cannot be done without these importable packages. None of them is imported.

    Args:
        need: the beginning of the message, such as `pictures need`.
        packages: keys of `DISTRIBUTIONS`.

    Raises:
        InvalidValue: some are not installed; the message ends in the command that installs them.
    """
    if missing := [package for package in packages if not _is_installed(package)]:
        raise InvalidValue(_absence(need, missing))


def import_package(need: str, package: str) -> Any:
    """Import a package that may be missing; `need` begins the message, as in `require_packages`.

    Raises:
        InvalidValue: it is not installed, or cannot be loaded.
        MemoryError: it does not fit this machine's memory.
    """
    try:
        return import_module(package)
    except (ImportError, OSError) as error:  # OSError: a shared library of the package is missing
        if isinstance(error, ModuleNotFoundError) and error.name == package:
            raise InvalidValue(_absence(need, [package])) from None
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        cause = (str(error).strip() or type(error).__name__).splitlines()[0]
        command = install_command(package, again=True)
        raise InvalidValue(
            f"{need} {package}, which cannot be loaded ({cause}); reinstall it with: {command}"
        ) from None


def install_command(*packages: str, again: bool = False) -> str:
    """A shell command that installs importable packages into the Python that is running.

    It uses pip, or uv where this Python has no pip. `again` replaces what is installed.
    """
    wanted = [requirement(DISTRIBUTIONS[package]) for package in packages]
    uv = "uv" if shutil.which("uv") is not None else os.environ.get("UV")  # which uv tells what it runs (`uvx`)
    if not _is_installed("pip") and uv:
        python = sys.executable or "python"  # that of `uvx` is no longer `python` when this has ended
        command = [uv, "pip", "install", "--python", python, *(["--reinstall"] if again else [])]
    else:
        command = [_python(), "-m", "pip", "install", *(["--force-reinstall"] if again else [])]
    return shlex.join([*command, *wanted])


def requirement(distribution: str) -> str:
    """A distribution with the versions that ibtui allows, as pip takes it: `matplotlib>=3.10`.

    The bare name where ibtui is not installed and nothing records its requirements.
    """
    for line in _recorded_requirements():
        declared = line.partition(";")[0].strip()
        if _normal(re.split(r"[^\w.-]", declared, maxsplit=1)[0]) == _normal(distribution):
            return declared
    return distribution


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # this process has been told that there is none (`sys.modules[package] = None`)
        return False


def _absence(need: str, packages: list[str]) -> str:
    names = " and ".join(DISTRIBUTIONS[package] for package in packages)
    verb = "is" if len(packages) == 1 else "are"
    return f"{need} {names}, which {verb} not installed; install with: {install_command(*packages)}"


def _recorded_requirements() -> Iterator[str]:
    from importlib.metadata import (  # slow to import, needed only when something is missing
        PackageNotFoundError,
        requires,
    )

    try:
        yield from requires(DISTRIBUTION) or ()
    except PackageNotFoundError:
        return


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _python() -> str:
    """The running interpreter as a user would type it: `python` where that is the one, else its whole path."""
    if not sys.executable:
        return "python"
    found = shutil.which("python")
    running = Path(sys.executable)
    same = found is not None and Path(found).parent.absolute() == running.parent and Path(found).samefile(running)
    return "python" if same else sys.executable
