"""Faults that befall runs and sessions on purpose: nothing is lost, and what is wrong is said in one line."""
