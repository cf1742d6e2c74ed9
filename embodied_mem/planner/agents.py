"""The agents that are compared: same palace, parser, belief and answer rule; they differ in when they stop."""

from __future__ import annotations

from embodied_mem.errors import ConfigError
from embodied_mem.planner.costs import Prices, Rates, default_rates
from embodied_mem.planner.reasoner import EmbeddedReasoner
from embodied_mem.planner.workbench import Agent

AGENTS = ("mind_palace", "no_voi", "all_images", "latest_visit", "flat_retrieval", "blind")


def build_agent(name: str, prices: Prices | None = None, rates: Rates | None = None) -> Agent:
    """An agent by its name in the tables; ConfigError for an unknown one.

    prices: what costs what (defaults are the evaluation's); rates: measured detector rates (default: shipped).
    """
    prices, rates = prices or Prices(), rates or default_rates()
    if name == "mind_palace":
        return EmbeddedReasoner(name, prices=prices, rates=rates)
    if name == "no_voi":
        return EmbeddedReasoner(name, stopping="confident", prices=prices, rates=rates)
    if name == "all_images":
        return EmbeddedReasoner(name, stopping="never", prices=prices, rates=rates)
    if name == "latest_visit":
        return EmbeddedReasoner(name, last_only=True, prices=prices, rates=rates)
    if name in ("flat_retrieval", "blind"):
        from embodied_mem.planner.baselines import Blind, FlatRetrieval

        return Blind() if name == "blind" else FlatRetrieval()
    raise ConfigError(f"unknown agent {name!r}; known are {', '.join(AGENTS)}")
