"""What a command imports does not depend on where it is called: the current directory is left out of the search.

That directory is wherever the user works and may hold a `json.py`, a `torch.py` or an `engine.py` of their own. Python
searches it first for `python -m ibtui`, and where `PYTHONPATH` has an empty or relative entry. So this module comes
before all others, and uses nothing but what Python itself has loaded by then (`os` and `sys`).
"""

import os
import sys


def leave_out_current_directory() -> None:
    """Take the current directory off `sys.path`; put it last where this package itself was imported from it."""
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # it has been deleted: nothing can be found in it
        return
    others = [entry for entry in sys.path if os.path.realpath(os.path.join(here, entry)) != here]
    own = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    sys.path[:] = [*others, here] if own == here else others
