"""Drift and diffusion: where one ends and the other begins, and what the second is made of."""
