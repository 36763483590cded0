"""What of the paper reproduces: its claims (arXiv:1703.00810, sections 3.3 to 3.9 and 4), each with what is measured,
its numbers, and a verdict by a rule that is stated beside it.
"""
