"""The science: training networks and measuring their layers in the information plane.

The engine imports no front end. Heavy libraries (torch, Numba) are imported by the modules that need them,
never by this one, so that a program that only reads sessions starts at once.
"""
