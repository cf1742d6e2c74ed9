"""Simulators of many trials side by side, in torch alone: what policies learn in, on a CPU or a GPU."""
