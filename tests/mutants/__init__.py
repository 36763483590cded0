"""Mutation testing of the modules that judge and date: see `tests.mutants.__main__`."""
