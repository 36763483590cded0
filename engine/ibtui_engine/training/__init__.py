"""Training: two trainers with one interface, `fused` for small networks on the CPU and `torch` for the rest."""
