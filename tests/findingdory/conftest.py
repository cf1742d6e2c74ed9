"""One recorded experience for all tests of a session: two errands in a small house, without the tour of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

HOUSE, INTERACTIONS = 7, (2, 2)


def config_of(cache: Path, **values):
    """The configuration that finds the recorded experience in its cache."""
    from embodied_mem.tasks.findingdory.task import FindingDoryConfig

    plain = {"seed": HOUSE, "houses": 1, "interactions": INTERACTIONS, "cache": str(cache)}
    return FindingDoryConfig(**{**plain, **values})


@pytest.fixture(scope="session")
def experience_cache(tmp_path_factory) -> Path:
    """A cache folder that an evaluation of house ``HOUSE`` with ``INTERACTIONS`` interactions can start from."""
    from embodied_mem.perception.noise import NoiseConfig
    from embodied_mem.tasks.findingdory.answering import folder_of, settings_of
    from embodied_mem.tasks.findingdory.experience import record_experience
    from embodied_mem.tasks.findingdory.oracle import Oracle

    cache = tmp_path_factory.mktemp("findingdory")
    config = config_of(cache)
    with pytest.MonkeyPatch.context() as patch:
        for tour in ("_errands", "_rooms", "_again"):  # most of the minute that an experience takes
            patch.setattr(Oracle, tour, lambda self, *_: iter(()))
        record_experience(HOUSE, 0, settings_of(config), folder_of(config, HOUSE, 0), NoiseConfig())
    return cache


@pytest.fixture(scope="session")
def experience(experience_cache):
    """The experience itself (``tasks.findingdory.experience.Experience``), default noise; tests only read it."""
    from embodied_mem.tasks.findingdory.answering import folder_of
    from embodied_mem.tasks.findingdory.experience import Experience

    return Experience(folder_of(config_of(experience_cache), HOUSE, 0))
