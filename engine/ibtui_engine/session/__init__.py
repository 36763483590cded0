"""The session file: what ran and what was measured, as one SQLite database with one writer and many readers.

`format` is the schema, `connection` how a file is opened and how errors are told, `places` what its directory can do,
`summary` what a list of sessions needs, `history` the numbers as arrays. `writer` is the only one that changes a file,
under a `claim`, but for `control`, which asks a run to pause or stop; `ending` makes it one plain file again.
"""
