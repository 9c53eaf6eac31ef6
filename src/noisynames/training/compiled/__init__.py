"""The engine of compiled kernels."""
