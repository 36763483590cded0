"""The figures of the paper, made from sessions: what each shows as plain data, and its picture, chart and table.

`registry` knows them by name; each has a module of its own that reads sessions into `content`. What is read becomes a
chart in the terminal (`terminal`), a table (`table`), or a picture for a page (`paper`, `drawing`); `film` moves. Only
this package knows matplotlib; its modules that import it import `plain` before it.
"""
