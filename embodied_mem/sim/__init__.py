"""Simulators: the embedded one (houses, their life, a ray-cast camera) and the protocol that all follow."""
