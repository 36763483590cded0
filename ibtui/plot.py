"""Plots of a session for notebooks and programs, by matplotlib: into axes of yours, or into new ones.

Each function takes what `ibtui.open_session` takes or gives, and gives back the axes. They draw as the figures for
papers do, in the style that matplotlib has at the moment.
"""

from ibtui_engine.packages import require_packages

require_packages("plots need", "matplotlib")

from ibtui.figures.notebook import bound, gradients, plane, snr  # noqa: E402  (matplotlib, which may be missing)

__all__ = ["bound", "gradients", "plane", "snr"]
