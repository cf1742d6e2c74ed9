"""The noise model: exact at zero, at the configured rates otherwise, and the same at a second look."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import ConfigError
from embodied_mem.perception.noise import NoiseConfig, draw, noisy_depth, noisy_pose, normal
from embodied_mem.types import planar_pose, pose_xyyaw

KEYS = st.lists(st.one_of(st.integers(), st.text(max_size=8), st.tuples(st.integers(), st.integers())), max_size=5)


@given(KEYS)
def test_a_draw_depends_on_its_key_alone(key):
    assert draw(*key) == draw(*key)
    assert 0 <= draw(*key) < 1
    assert math.isfinite(normal(*key))


def test_draws_are_known_numbers():
    """Recordings of one seed must agree over machines and versions: these numbers never change."""
    assert draw(0, "v000", 1000, (3, -2, 5), "index", "miss") == 0.39156707877505126
    assert draw(1) != draw("1")


def test_draws_are_uniform_and_normal():
    uniform = np.array([draw("u", i) for i in range(20_000)])
    gauss = np.array([normal("n", i) for i in range(20_000)])
    assert np.allclose(np.quantile(uniform, (0.1, 0.5, 0.9)), (0.1, 0.5, 0.9), atol=0.015)
    assert abs(gauss.mean()) < 0.03 and abs(gauss.std() - 1) < 0.03


def test_the_defaults_are_those_of_the_specification():
    cfg = NoiseConfig()
    assert [cfg.index_miss(r, 500) for r in (0.5, 2.0, 3.5, 5.0, 9.0)] == pytest.approx([0.15, 0.15, 0.375, 0.6, 0.6])
    assert cfg.index_miss(1.0, 59) == 1.0
    assert (cfg.inspect_miss_at(30), cfg.inspect_miss_at(29)) == (0.03, 1.0)


def test_zero_noise_is_exact():
    cfg, rng = NoiseConfig.none(), np.random.default_rng(0)
    pose, depth = planar_pose(1.234, -5.678, 2.9), rng.random((6, 8), dtype=np.float32)
    assert np.array_equal(noisy_pose(pose, 7, "v000", 3, cfg), pose)
    assert np.array_equal(noisy_depth(depth, 7, "v000", 3, cfg), depth)


def test_depth_noise_is_one_percent_of_the_range_and_keeps_holes():
    depth = np.full((240, 320), 4.0, np.float32)
    depth[:10] = 0
    noisy = noisy_depth(depth, 0, "v000", 0, NoiseConfig())
    assert noisy.dtype == np.float32 and (noisy[:10] == 0).all()
    assert noisy[10:].std() == pytest.approx(0.04, rel=0.05)
    assert np.array_equal(noisy, noisy_depth(depth, 0, "v000", 0, NoiseConfig()))
    assert not np.array_equal(noisy, noisy_depth(depth, 0, "v000", 1, NoiseConfig()))


def test_pose_noise_has_a_jitter_per_frame_and_an_offset_per_visit():
    cfg, pose = NoiseConfig(), planar_pose(2.0, 3.0, 1.0)
    x = np.array([[pose_xyyaw(noisy_pose(pose, 0, f"v{v}", i, cfg))[0] for i in range(60)] for v in range(60)]) - 2.0
    yaw = np.array([pose_xyyaw(noisy_pose(pose, 0, f"v{v}", 0, cfg))[2] for v in range(400)]) - 1.0
    assert x.std(axis=1).mean() == pytest.approx(0.02, rel=0.1)  # within a visit
    assert x.mean(axis=1).std() == pytest.approx(0.02, rel=0.25)  # between visits
    assert math.degrees(yaw.std()) == pytest.approx(0.5 * math.sqrt(2), rel=0.15)


@pytest.mark.parametrize(
    "bad", [{"index_miss_near": 1.2}, {"depth_sigma": -0.1}, {"far_m": 1.0}, {"inspect_miss": math.nan}]
)
def test_impossible_noise_is_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        NoiseConfig(**bad)
