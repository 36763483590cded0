"""The session file: what ran and what was measured, as one SQLite database with one writer and many readers.

`format` is the schema and how a file is opened, `summary` what a list of sessions needs, `history` the numbers as
arrays, `writer` the only one that changes a file, but for `control`, which asks a run to pause or stop.
"""
