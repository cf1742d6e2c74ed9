"""What others reached in the yardsticks' environments, and where that can be read; only what we could look up.

MMER, POPGym's measure: the highest mean return of an episode over the course of training.
"""

from __future__ import annotations

from dataclasses import dataclass

_POPGYM = (
    "Morad et al., POPGym (ICLR 2023, arXiv 2303.01859), appendix B, table 3: MMER over 15 M steps of RLlib's PPO, "
    "mean and deviation of 3 trials; as copied out in github.com/bryjudy/fly-critic (a93e8b9), "
    "flycritic/popgym/results.py"
)
_S9 = (
    "github.com/MarcoMeter/recurrent-ppo-truncated-bptt (a1e87a8), images/minigrid_result.svg, read off its line: PPO "
    "with an LSTM of 256 on pixels of a 3 × 3 view, mean training return of 10 runs, perhaps on 99 fixed levels"
)


@dataclass(frozen=True)
class Reference:
    """``mean`` of what ``metric`` names (return of an episode), ``steps`` of training, ``spread`` if it was given."""

    agent: str
    metric: str
    mean: float
    steps: int
    source: str
    spread: float | None = None


#: By an experiment's name. Nothing was found that could be checked for the others.
REFERENCES = {
    "repeat_previous": (Reference("GRU", "MMER", 1.0, 15_000_000, _POPGYM, 0.0),),
    "autoencode": (Reference("GRU, best of 13 memories", "MMER", -0.283, 15_000_000, _POPGYM, 0.029),),
    "memory_s9": (
        Reference("LSTM", "return", 0.82, 510_000, _S9), Reference("LSTM", "return", 0.85, 1_020_000, _S9),
        Reference("LSTM", "return", 0.89, 2_040_000, _S9),
    ),
}  # fmt: skip
