"""Every noise figure in one place, and the draws that use them.

A draw is a hash of its key, not the next number of a stream: whatever is asked twice reads the same,
in whatever order, so a camera that looks again from the same place learns nothing new. Noise 0 is exact.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from embodied_mem.errors import ConfigError
from embodied_mem.types import planar_pose, pose_xyyaw

_STANDARD = NormalDist()
_PROBABILITIES = (
    "index_miss_near",
    "index_miss_far",
    "label_confusion",
    "false_positive",
    "inspect_miss",
    "attribute_error",
)


@dataclass(frozen=True)
class NoiseConfig:
    """The noise model of the simulated detector, depth and pose. Probabilities, metres, pixels, degrees.

    index gear: misses ``index_miss_near`` up to ``near_m``, linear to ``index_miss_far`` at ``far_m``,
    constant beyond, and everything under ``index_min_pixels``; confuses ``label_confusion`` of the
    labels with a similar category; invents one thing in ``false_positive`` of the frames.
    inspect gear: misses ``inspect_miss`` and everything under ``inspect_min_pixels``; reads
    ``attribute_error`` of attributes and states wrong. ``depth_sigma`` is a share of the range;
    ``pose_sigma_m``/``pose_sigma_deg`` hold per frame, and once more as a constant offset per visit.

    Raises ConfigError where a probability is outside [0, 1] or another figure is negative.
    """

    index_miss_near: float = 0.15
    index_miss_far: float = 0.60
    near_m: float = 2.0
    far_m: float = 5.0
    index_min_pixels: int = 60
    label_confusion: float = 0.04
    false_positive: float = 0.01
    inspect_miss: float = 0.03
    inspect_min_pixels: int = 30
    attribute_error: float = 0.05
    depth_sigma: float = 0.01
    pose_sigma_m: float = 0.02
    pose_sigma_deg: float = 0.5

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            limit = 1.0 if name in _PROBABILITIES else math.inf
            if not 0 <= value <= limit:
                raise ConfigError(f"noise.{name} is {value}; it must lie in [0, {limit:g}]")
        if self.far_m < self.near_m:
            raise ConfigError(f"noise.far_m is {self.far_m}; it must be at least near_m ({self.near_m})")

    @classmethod
    def none(cls) -> NoiseConfig:
        """A perfect camera and detector: sees every pixel, reads everything right."""
        return cls(0.0, 0.0, 2.0, 5.0, 1, 0.0, 0.0, 0.0, 1, 0.0, 0.0, 0.0, 0.0)

    def index_miss(self, range_m: float, pixels: int) -> float:
        """The probability that the index gear misses something at ``range_m`` that covers ``pixels``."""
        if pixels < self.index_min_pixels:
            return 1.0
        return float(
            np.interp(range_m, (self.near_m, self.far_m), (self.index_miss_near, self.index_miss_far))
        )

    def inspect_miss_at(self, pixels: int) -> float:
        """The probability that the inspect gear misses something that covers ``pixels``."""
        return 1.0 if pixels < self.inspect_min_pixels else self.inspect_miss


def draw(*key: object) -> float:
    """A uniform number in [0, 1) that depends on nothing but the key (ints, strings, nested tuples)."""
    return (_digest(key) >> 11) / 2.0**53


def normal(*key: object) -> float:
    """A standard normal number that depends on nothing but the key."""
    return _STANDARD.inv_cdf((draw(*key) * (2**53 - 1) + 0.5) / 2**53)


def _digest(key: tuple) -> int:
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest(), "little")


def noisy_pose(base_to_world: np.ndarray, seed: int, visit: str, index: int, cfg: NoiseConfig) -> np.ndarray:
    """What the robot believes its pose to be: 4×4 float64 ``base_to_map``, still flat on the floor.

    The offset of the visit and the jitter of the frame are added to x, y (metres) and yaw.
    """
    if cfg.pose_sigma_m == 0 and cfg.pose_sigma_deg == 0:
        return np.array(base_to_world, dtype=np.float64)
    sigma = (cfg.pose_sigma_m, cfg.pose_sigma_m, math.radians(cfg.pose_sigma_deg))
    x, y, yaw = (
        value + sigma[axis] * (normal(seed, visit, "pose", axis) + normal(seed, visit, "pose", axis, index))
        for axis, value in enumerate(pose_xyyaw(base_to_world))
    )
    believed = planar_pose(x, y, yaw)
    believed[2, 3] = base_to_world[2, 3]
    return believed


def noisy_depth(depth: np.ndarray, seed: int, visit: str, index: int, cfg: NoiseConfig) -> np.ndarray:
    """Depth with Gaussian noise in proportion to the range: float32 H W; 0 (no return) stays 0."""
    if cfg.depth_sigma == 0:
        return np.array(depth, dtype=np.float32)
    rng = np.random.Generator(np.random.SFC64(_digest((seed, visit, "depth", index))))
    factor = rng.standard_normal(depth.shape, dtype=np.float32)
    factor *= np.float32(cfg.depth_sigma)
    factor += np.float32(1)
    # Five sigma below zero cannot happen with sane figures; a silly sigma must still not turn depth negative.
    np.maximum(factor, 0, out=factor)
    factor *= depth
    return factor
