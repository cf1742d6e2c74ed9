"""One exported house for all tests of the export: the smallest one, with two days of life."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

SEED, DAYS = 7, 2


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """``folder`` of the dataset, the ``house`` and the ``life`` behind it, the name of its ``scene``."""
    from embodied_mem.sim.export.habitat import export_house
    from embodied_mem.sim.generate import generate_house
    from embodied_mem.sim.life import Life

    folder = tmp_path_factory.mktemp("houses")
    export_house(SEED, folder, DAYS)
    house = generate_house(SEED)
    return SimpleNamespace(folder=folder, house=house, life=Life(house, SEED, DAYS), scene=f"house-{SEED}")
