"""Example instructions for the encoder: a wording that no rule knows is read as its nearest example."""
from __future__ import annotations
def nearest_query(marked):
    return None
