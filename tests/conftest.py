"""What several tests share: one recording of a small development house, made once a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

RECORDED_SEED, RECORDED_DAYS = 7, 3  # four rooms, 37 things, some 400 frames a patrol: under a minute in all


@pytest.fixture(scope="session")
def recording_cache(tmp_path_factory) -> Path:
    """A cache folder that an evaluation of house ``RECORDED_SEED`` over ``RECORDED_DAYS`` days can start from."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def recording(recording_cache):
    """The recording itself (``embodied_mem.tasks.la_eqa.record.Recording``), default noise; tests only read it."""
    from embodied_mem.perception.noise import NoiseConfig
    from embodied_mem.tasks.la_eqa.record import digest_of, record_house

    noise = NoiseConfig()
    name = f"house-{RECORDED_SEED}-{digest_of(RECORDED_SEED, RECORDED_DAYS, noise)[:8]}"
    return record_house(RECORDED_SEED, RECORDED_DAYS, recording_cache / name, noise)


# The same examples on every machine and day; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


#: Beginnings of the names of files that run in one process: what a session makes once for them takes long to make.
TOGETHER = {
    "tests/findingdory/": "experience", "tests/sim/export/": "exported", "tests/tasks/test_boundary.py": "recording",
    "tests/tasks/test_searching.py": "recording", "tests/test_end_to_end.py": "recording",
}  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Several processes (``scripts/test``) share the tests by file, but those that belong together stay together."""
    if config.getvalue("dist") != "loadfile":
        return None  # something else was asked for
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((group for start, group in TOGETHER.items() if file.startswith(start)), file)

    return Together(config, log)


def pytest_collection_modifyitems(items) -> None:
    """Tests marked ``habitat`` run where habitat-sim imports; elsewhere they say why they do not."""
    marked = [item for item in items if item.get_closest_marker("habitat")]
    if marked:
        try:
            import habitat_sim  # noqa: F401
        except ImportError as error:
            reason = f"habitat-sim does not import ({error}); docs/habitat.md says how to install it"
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=reason))
