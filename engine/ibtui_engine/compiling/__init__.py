"""How kernels are compiled and kept: Numba's settings, the files that hold machine code, and Numba's side of them."""
