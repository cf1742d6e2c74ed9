"""The same house in either simulator: habitat's copy is written when it is needed, and once."""

from __future__ import annotations

import pytest

from embodied_mem.errors import InputError
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.habitat import HabitatSimulator
from embodied_mem.sim.houses import simulator_of_house


@pytest.fixture
def exports(monkeypatch, tmp_path):
    """The folder of exports, and a list of what was exported to it."""
    from embodied_mem.sim.export import habitat

    done = []

    def export(seed, folder, days):
        (folder / "scenes").mkdir(parents=True)
        (folder / "scenes" / f"house-{seed}.scene_instance.json").write_text("{}")
        done.append((seed, days))

    monkeypatch.setattr(habitat, "export_house", export)
    return tmp_path, done


def test_the_embedded_simulator_needs_no_export(exports):
    folder, done = exports
    assert isinstance(simulator_of_house("embedded", 7, days=3, exports=folder), EmbeddedSimulator) and not done


def test_habitat_gets_its_copy_of_the_house_once_for_each_length_of_its_life(exports):
    folder, done = exports
    for days in (3, 3, 6):
        assert isinstance(simulator_of_house("habitat", 7, days=days, exports=folder), HabitatSimulator)
    assert done == [(7, 3), (7, 6)]


def test_without_habitat_the_first_visit_says_what_is_missing(exports, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "habitat_sim", None)
    sim = simulator_of_house("habitat", 7, days=3, exports=exports[0])
    with pytest.raises(InputError, match="habitat_sim does not import"):
        sim.reset(7, visit="v")


def test_without_habitat_an_evaluation_says_so_before_it_begins(monkeypatch):
    import sys

    from embodied_mem.tasks.la_eqa.task import LaEqa, LaEqaConfig

    monkeypatch.setitem(sys.modules, "habitat_sim", None)
    with pytest.raises(InputError, match="habitat_sim does not import.*docs/habitat.md"):
        LaEqa(LaEqaConfig(simulator="habitat"))


def test_recordings_of_the_two_are_never_mixed():
    from embodied_mem.tasks.la_eqa.record import digest_of

    noise = NoiseConfig()
    assert digest_of(7, 3, noise, "habitat") != digest_of(7, 3, noise) == digest_of(7, 3, noise, "embedded")
