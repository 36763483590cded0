"""Maps: what each ensemble of a grid came to, in numbers and verdicts, kept in its session as soon as it is finished.

`quantities` declares what a cell has, `cells` works a cell out and keeps it, `axes` lays cells out, `reading` reads the
whole map of a session.
"""
