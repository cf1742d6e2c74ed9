"""A house as a Habitat scene dataset: glTF, stage, object and scene configs, semantics, navmesh settings, its life.

What habitat-sim reads is described in its docs/pages/attributesJSON.rst and src/esp/metadata/managers (0.3.x). Three
choices follow from how it reads: furniture are STATIC objects whose collision asset is their footprint box, because
navigation meshes are built from the stage's render mesh and from collision assets of static objects; semantic ids are
the house's instance ids; names come from a descriptor in HM3D's text format.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from embodied_mem.errors import InputError
from embodied_mem.sim.export.gltf import coloured, white
from embodied_mem.sim.export.moves import Templates, life_file, name_of, placement
from embodied_mem.sim.export.navmesh import navmesh_settings
from embodied_mem.sim.export.shapes import body, building, obstacle
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.habitat_frames import points_to_habitat
from embodied_mem.sim.house import Furniture, House, Room, Thing
from embodied_mem.sim.life import Life
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.scene import STRUCTURE, SceneBuilder

DATASET = "embodied.scene_dataset_config.json"
NAVMESH = "embodied.navmesh_settings.json"
_LARGEST_SEED = 2**32 - 1


def export_house(
    seed: int, folder: Path | str, days: int = 8, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Add the house of ``seed`` with ``days`` patrol days of life to the dataset in ``folder``; returns its config.

    The scene is called ``house-SEED``. The folder may be missing, empty, or a dataset of earlier exports without this
    house; anything else raises InputError, as does a seed or a number of days out of range. The scene instance is
    written last: an export that was killed is simply done again. ``progress(done, all)`` hears of every object.
    """
    folder = Path(folder)
    _check(seed, folder, days)
    house, scene = generate_house(seed), f"house-{seed}"
    life, builder = Life(house, seed, days), SceneBuilder()
    templates = Templates(life.log, builder)
    _write(folder / DATASET, _dataset())
    _write(folder / NAVMESH, navmesh_settings(RobotSpec()))
    _write_stage(folder / "stages", scene, house)
    for done, (name, owner) in enumerate(templates.owners.items()):
        _write_object(folder / "objects" / scene, name, owner, builder)
        if progress:
            progress(done + 1, len(templates.owners))
    _write_semantics(folder / "semantics", scene, house, templates)
    _write(folder / "life" / f"{scene}.json", life_file(life, templates, scene))
    _write(folder / "scenes" / f"{scene}.scene_instance.json", _scene_instance(scene, life, templates))
    return folder / DATASET


def _check(seed: int, folder: Path, days: int) -> None:
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"house seed {seed} is out of range; take one from 0 to {_LARGEST_SEED}")
    if not 1 <= days <= 366:
        raise InputError(f"a life of {days} days; take 1 to 366")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder that is new, empty or an earlier export")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / DATASET).is_file():
        raise InputError(f"{folder} is not empty and no earlier export (it lacks {DATASET}); give another folder")
    if (folder / "scenes" / f"house-{seed}.scene_instance.json").exists():
        raise InputError(f"house {seed} is already in {folder}; remove its scene instance first or give another folder")


def _dataset() -> dict:
    paths = {
        "stages": "stages", "objects": "objects/*", "scene_instances": "scenes",
        "semantic_scene_descriptor_instances": "semantics",
    }  # fmt: skip
    return {name: {"paths": {".json": [path]}} for name, path in paths.items()}


def _write_stage(folder: Path, scene: str, house: House) -> None:
    nodes = building(house)
    _write(folder / f"{scene}.glb", coloured(nodes))
    _write(folder / f"{scene}_semantic.glb", white(nodes))
    _write(folder / f"{scene}.stage_config.json", {
        "render_asset": f"{scene}.glb", "collision_asset": f"{scene}.glb", "semantic_asset": f"{scene}_semantic.glb",
        "up": [0, 1, 0], "front": [0, 0, -1], "units_to_meters": 1, "is_collidable": True, "force_flat_shading": True,
    })  # fmt: skip


def _write_object(folder: Path, name: str, owner: Furniture | Thing, builder: SceneBuilder) -> None:
    asset = collision = f"{name}.glb"
    _write(folder / asset, coloured([body(builder, owner)]))
    if isinstance(owner, Furniture):
        collision = f"{name}_obstacle.glb"
        _write(folder / collision, white([obstacle(owner)]))
    _write(folder / f"{name}.object_config.json", {
        "render_asset": asset, "collision_asset": collision, "semantic_id": owner.id, "COM": [0, 0, 0],
        "up": [0, 1, 0], "front": [0, 0, -1], "units_to_meters": 1, "is_collidable": True, "force_flat_shading": True,
    })  # fmt: skip


def _write_semantics(folder: Path, scene: str, house: House, templates: Templates) -> None:
    """Every id with its category and region (HM3D's text format), and the rooms as regions."""
    regions = {room.id: k for k, room in enumerate(house.rooms)}
    rows = [(STRUCTURE, "FFFFFF", "structure", 0)]  # white: what the stage's semantic mesh is painted
    owners = {owner.id: owner for owner in templates.owners.values()}
    rows += [(i, f"{i:06X}", owner.label, regions[owner.room]) for i, owner in sorted(owners.items())]
    lines = ["HM3D Semantic Annotations", *(f'{i},{colour},"{label}",{region}' for i, colour, label, region in rows)]
    _write(folder / f"{scene}.semantic.txt", "\n".join(lines) + "\n")
    _write(folder / f"{scene}.semantic_config.json", {
        "semantic_descriptor_filename": f"{scene}.semantic.txt",
        "region_annotations": [_region(room, house.wall_height) for room in house.rooms],
    })  # fmt: skip


def _region(room: Room, height: float) -> dict:
    x0, y0, x1, y1 = room.rect
    corners = points_to_habitat([(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)]) + 0.0
    low, high = corners.min(axis=0), corners.max(axis=0)
    return {
        "name": room.label, "label": room.label, "poly_loop": corners.tolist(), "floor_height": 0,
        "extrusion_height": height, "min_bounds": low.tolist(), "max_bounds": [high[0], height, high[2]],
    }  # fmt: skip


def _scene_instance(scene: str, life: Life, templates: Templates) -> dict:
    house, instances = life.log.initial, []
    for owner in (*house.furniture, *house.things):
        at = placement(owner, templates, scene)
        instances.append({
            "template_name": at["template"], "translation": at["translation"],
            "rotation": at["rotation"], "translation_origin": "asset_local",
            "motion_type": "STATIC" if isinstance(owner, Furniture) else "KINEMATIC",
            "user_defined": {"name": name_of(owner)},
        })  # fmt: skip
    return {
        "stage_instance": {"template_name": f"{scene}.stage_config.json"},
        "default_lighting": "no_lights",
        "object_instances": instances,
        "semantic_scene_instance": f"{scene}.semantic_config.json",
        "user_defined": {"house_seed": house.seed, "life": f"life/{scene}.json", "navmesh_settings": NAVMESH},
    }


def _write(path: Path, content: dict | str | bytes) -> None:
    """The whole file or none of it."""
    if isinstance(content, dict):
        content = json.dumps(content, indent=1) + "\n"
    if isinstance(content, str):
        content = content.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
    part.replace(path)
