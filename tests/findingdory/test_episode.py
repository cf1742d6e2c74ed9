"""The episode file: the same bytes for the same experience, readable by others, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory import episode as module
from embodied_mem.tasks.findingdory.episode import _checksum, episode_of, load_episode, save_episode
from embodied_mem.tasks.findingdory.generate import generate_items
from embodied_mem.tasks.findingdory.settings import EPISODE_VERSION
from tests.findingdory.small_day import small_day

SCHEMA = json.loads((Path(module.__file__).parent / "episode.schema.json").read_text())


@pytest.fixture(scope="module")
def episode():
    log, scene, facts = small_day()
    return episode_of(log, *generate_items(log, scene, facts))


@pytest.fixture
def path(episode, tmp_path):
    save_episode(tmp_path / "7-0.json", episode)
    return tmp_path / "7-0.json"


def changed(path: Path, change) -> Path:
    """The file with something changed and a checksum that fits again."""
    raw = json.loads(path.read_text())
    change(raw)
    raw["sha256"] = _checksum({k: v for k, v in raw.items() if k != "sha256"})
    path.write_text(json.dumps(raw))
    return path


def test_what_is_written_is_read_back(episode, path):
    assert load_episode(path) == episode
    assert json.loads(path.read_text())["sha256"] == episode.sha256


def test_the_same_experience_gives_the_same_bytes(episode, path, tmp_path):
    log, scene, facts = small_day()
    save_episode(tmp_path / "again.json", episode_of(log, *generate_items(log, scene, facts)))
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_the_schema_describes_it(path):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)
    assert SCHEMA["properties"]["generator"]["const"] == EPISODE_VERSION
    assert SCHEMA["properties"]["format"]["const"] == module.FORMAT


def test_another_version_is_refused(path):
    with pytest.raises(InputError, match="generator version 0, this program reads"):
        load_episode(changed(path, lambda raw: raw.update(generator=0)))


def test_a_changed_file_is_refused(path):
    path.write_text(path.read_text().replace("Go to", "Go for", 1).replace("Return to", "Turn to", 1))
    with pytest.raises(InputError, match=r"7-0.json: the checksum does not fit the content"):
        load_episode(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.pop("frames"), "missing frames"),
        (lambda raw: raw.update(more=1), "unknown field more"),
        (lambda raw: raw["items"][0].pop("goals"), r"item 7-0/1: missing goals"),
        (lambda raw: raw["items"][4].update(template=61), r"item 7-0/5: template 61 must be a whole number from 1"),
        (lambda raw: raw["items"][4].update(id="8-0/5"), "the id must be '7-0/5'"),
        (lambda raw: raw["items"][4].update(quantifier="some"), "quantifier 'some' is none of any, all, ordered"),
        (lambda raw: raw["items"][4].update(category=["Interaction"]), "category .* is none of"),
        (lambda raw: raw["items"][4].update(goals=[]), "there must be a goal"),
        (lambda raw: raw["items"][4].update(frames=[[1]]), "a list of 4 is needed"),
        (lambda raw: raw["items"][4]["frames"].__setitem__(0, [5, 4]), "must be ascending whole numbers"),
        (lambda raw: raw["items"][4]["frames"].__setitem__(0, [100_000]), r"whole numbers in 0\.\.200"),
        (lambda raw: raw["items"][4]["goals"][0].update(kind="person"), "goal kind 'person' is none of"),
        (lambda raw: raw["items"][4]["goals"][0].update(id=-1), "-1 must be a whole number"),
        (lambda raw: raw["items"][4].update(instruction=""), "instruction must be a text"),
        (lambda raw: raw["items"].pop(3), "left_out must give a reason for each of the templates"),
        (lambda raw: raw["items"].append(raw["items"][0]), "one a template"),
        (lambda raw: raw["interactions"][0].update(steps=[1, 2, 3]), "steps: a list of 4 is needed"),
        (lambda raw: raw["interactions"][0].update(times=[4, 3, 2, 1]), "4 ascending numbers"),
        (lambda raw: raw.update(seconds_per_step=0), "seconds_per_step 0 must be in"),
        (lambda raw: raw.update(items={}), "items must be a list"),
    ],
)
def test_wrong_fields_are_named(path, change, message):
    with pytest.raises(InputError, match=message) as caught:
        load_episode(changed(path, change))
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": NaN}', "[" * 100_000])
def test_what_is_no_episode_file_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match="x.json"):
        load_episode(tmp_path / "x.json")


def test_missing_or_huge_files_are_refused(tmp_path, path, monkeypatch):
    with pytest.raises(InputError, match="cannot be read"):
        load_episode(tmp_path / "none.json")
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="has at most 10"):
        load_episode(path)
