"""The dataset is what habitat-sim reads: fields, files, names that fit one thing only; bad input; repeatable bytes."""

from __future__ import annotations

import hashlib
import re
import struct
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from embodied_mem import cli
from embodied_mem.errors import InputError
from embodied_mem.sim.export.habitat import DATASET, NAVMESH, export_house
from embodied_mem.sim.export.navmesh import navmesh_settings
from embodied_mem.sim.protocol import RobotSpec

from . import schemas
from .conftest import DAYS, SEED
from .reading import config, read

KINDS = {
    "*.scene_dataset_config.json": (schemas.DATASET, 1), "stages/*.stage_config.json": (schemas.STAGE, 1),
    "objects/*/*.object_config.json": (schemas.OBJECT, 60), "scenes/*.scene_instance.json": (schemas.SCENE, 1),
    "semantics/*.semantic_config.json": (schemas.SEMANTICS, 1), "*.navmesh_settings.json": (schemas.NAVMESH, 1),
}  # fmt: skip


@pytest.mark.parametrize("pattern", KINDS)
def test_every_config_has_the_documented_fields_and_no_others(exported, pattern):
    schema, least = KINDS[pattern]
    files = sorted(exported.folder.glob(pattern))
    assert len(files) >= least
    validator = jsonschema.Draft202012Validator(schema)
    for file in files:
        validator.validate(config(file))


def test_every_file_that_a_config_names_is_there_and_every_object_file_is_named(exported):
    named = set()
    for file in [*exported.folder.glob("stages/*.json"), *exported.folder.glob("objects/*/*.json")]:
        for field in ("render_asset", "collision_asset", "semantic_asset"):
            if field in config(file):
                named.add(file.parent / config(file)[field])
    assert named == set(exported.folder.glob("*/*.glb")) | set(exported.folder.glob("*/*/*.glb"))
    for parts in config(exported.folder / DATASET).values():
        for path in parts["paths"][".json"]:
            assert list(exported.folder.glob(path))
    scene = config(exported.folder / "scenes" / "house-7.scene_instance.json")
    assert (exported.folder / scene["user_defined"]["life"]).is_file()


def test_a_template_name_is_part_of_one_handle_only(exported):
    """habitat-sim looks templates up as substrings of paths and takes the first that fits."""
    scene = config(exported.folder / "scenes" / "house-7.scene_instance.json")
    handles = [str(p) for p in exported.folder.glob("objects/*/*.object_config.json")]
    for instance in scene["object_instances"]:
        assert len([h for h in handles if instance["template_name"] in h]) == 1
    stems = [Path(h).name.removesuffix(".object_config.json") for h in handles]
    assert not [(a, b) for a in stems for b in stems if a != b and a in b]


def test_the_semantic_descriptor_names_every_id_once_and_paints_the_building_white(exported):
    lines = (exported.folder / "semantics" / "house-7.semantic.txt").read_text().splitlines()
    assert lines[0] == "HM3D Semantic Annotations"
    rows = [re.fullmatch(r'(\d+),([0-9A-F]{6}),"([^"]+)",(\d+)', line).groups() for line in lines[1:]]
    ids, colours = [int(r[0]) for r in rows], [r[1] for r in rows]
    assert len(set(ids)) == len(set(colours)) == len(rows) and "000000" not in colours
    configs = [config(p) for p in exported.folder.glob("objects/*/*.object_config.json")]
    assert {c["semantic_id"] for c in configs} == set(ids) - {1}
    assert rows[0][:2] == ("1", "FFFFFF")
    for mesh in read(exported.folder / "stages" / "house-7_semantic.glb").values():
        assert (mesh.colours == 255).all()
    regions = config(exported.folder / "semantics" / "house-7.semantic_config.json")["region_annotations"]
    assert [r["label"] for r in regions] == [r.label for r in exported.house.rooms]
    assert max(int(r[3]) for r in rows) < len(regions)


@pytest.mark.parametrize("radius", [0.1, 0.17, 0.18, 0.2, 0.25, 0.3])
def test_recast_rounds_the_radius_to_what_it_is(radius):
    settings = navmesh_settings(RobotSpec(radius_m=radius))
    cells = np.ceil(np.float32(settings["agentRadius"]) / np.float32(settings["cellSize"]))
    assert radius <= cells * settings["cellSize"] < radius + 0.001


def test_glb_files_say_how_long_they_are(exported):
    for path in exported.folder.glob("*/*.glb"):
        magic, version, length = struct.unpack("<4sII", path.read_bytes()[:12])
        assert (magic, version, length) == (b"glTF", 2, path.stat().st_size)


def test_an_export_that_was_killed_is_done_again_and_the_same_house_is_the_same_bytes(exported, tmp_path):
    def killed(done, count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_house(SEED, tmp_path, DAYS, killed)
    assert not list(tmp_path.glob("scenes/*")) and not list(tmp_path.rglob("*.part"))
    export_house(SEED, tmp_path, DAYS)
    assert digests(tmp_path) == digests(exported.folder)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["-1", "new"], "seed -1 is out of range"), (["99999999999", "new"], "take one from 0 to 4294967295"),
     (["7", "new", "--days", "0"], "a life of 0 days"), (["7", "full"], "is not empty and no earlier export"),
     (["7", "file"], "is a file"), (["7", "new", "--format", "usd"], "invalid choice 'usd'"),
     (["seven", "new"], "seven")],
)  # fmt: skip
def test_what_a_user_can_get_wrong_is_a_sentence_and_exit_status_2(words, said, tmp_path, monkeypatch, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["embodied-mem", "export-house", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists() and len(list((tmp_path / "full").iterdir())) == 1


def test_a_house_joins_an_earlier_export_but_is_not_written_over(exported, monkeypatch):
    with pytest.raises(InputError, match="house 7 is already in"):
        export_house(SEED, exported.folder, DAYS)

    class Joined(Exception):
        pass

    def begun(seed):
        raise Joined

    monkeypatch.setattr("embodied_mem.sim.export.habitat.generate_house", begun)
    with pytest.raises(Joined):
        export_house(11, exported.folder, DAYS)


def test_the_settings_of_the_navmesh_are_the_default_robots(exported):
    assert config(exported.folder / NAVMESH) == navmesh_settings(RobotSpec())


def digests(folder: Path) -> dict[str, str]:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
