"""Policies: memory-conditioned policies and their trainer (issue of its own; empty so far)."""
