"""What another program reads from the exported files is the house: shapes, colours, names, places, pictures."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.export.life import SceneLife
from embodied_mem.sim.export.shapes import name_of, obstacle
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.habitat_frames import points_from_habitat
from embodied_mem.sim.house import Furniture
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.scene import STRUCTURE, SceneBuilder, placed
from embodied_mem.types import Camera, planar_pose

from .reading import assemble, config, read

DAY = 86400.0


@pytest.fixture(scope="module")
def builder():
    return SceneBuilder()


def test_the_building_is_that_of_the_house_and_its_nodes_are_named_after_rooms(exported):
    nodes = read(exported.folder / "stages" / "house-7.glb")
    rooms = {room.label for room in exported.house.rooms}
    assert {f"{part} of the {room}" for room in rooms for part in ("floor", "ceiling", "walls")} < set(nodes)
    soup = SceneBuilder().build(exported.house)
    ours = soup.vertices[soup.triangles[soup.instance == STRUCTURE]]
    theirs = np.concatenate([m.vertices[m.triangles] for m in nodes.values()])
    assert len(theirs) == len(ours)
    assert corners(theirs) == corners(ours)


def test_files_are_y_up_with_our_y_running_against_z(exported):
    scene = trimesh.load_scene(exported.folder / "stages" / "house-7.glb", process=False)
    for room in exported.house.rooms:
        x0, y0, x1, y1 = room.rect
        floor, ceiling = (scene.geometry[f"{part} of the {room.label}"].bounds for part in ("floor", "ceiling"))
        assert np.allclose(floor, [(x0, 0, -y1), (x1, 0, -y0)], atol=1e-5)
        assert np.allclose(ceiling[:, 1], exported.house.wall_height)
    instance = config(exported.folder / "scenes" / "house-7.scene_instance.json")
    at = {o["user_defined"]["name"]: o for o in instance["object_instances"]}
    for thing in exported.house.things:
        placed, half = at[name_of(thing)], thing.yaw / 2
        assert np.allclose(placed["translation"], (thing.x, thing.z, -thing.y), atol=1e-5)
        turn = np.array([np.cos(half), 0, np.sin(half), 0])  # w x y z: about Y by our yaw about Z
        assert min(np.abs(turn - placed["rotation"]).max(), np.abs(turn + placed["rotation"]).max()) < 1e-5


def test_walls_floors_and_ceilings_look_into_the_rooms(exported):
    """habitat-sim draws fronts only, and walks on whatever looks up."""
    nodes = read(exported.folder / "stages" / "house-7.glb")
    for room in exported.house.rooms:
        middle = np.array([(room.rect[0] + room.rect[2]) / 2, (room.rect[1] + room.rect[3]) / 2, 1.3])
        for part in ("floor", "ceiling", "walls"):
            mesh = nodes[f"{part} of the {room.label}"]
            a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
            assert (np.einsum("nk,nk->n", np.cross(b - a, c - a), middle - a) > 0).all()


def test_every_object_is_one_node_with_its_name_its_shape_from_both_sides_and_its_colours(exported, builder):
    folder = exported.folder / "objects" / exported.scene
    for owner in (*exported.house.furniture, *exported.house.things):
        paths = [p for p in folder.glob(f"{name_of(owner)}*.glb") if "obstacle" not in p.name]
        states = "-".join(owner.states[k] for k in sorted(owner.states))
        path = paths[0] if len(paths) == 1 else folder / f"{name_of(owner)}_{states}.glb"
        ((name, mesh),) = read(path).items()
        ours = builder.mesh(owner)
        assert name == name_of(owner)
        fronts, backs = np.split(mesh.vertices[mesh.triangles], 2)
        assert np.allclose(fronts, ours.vertices[ours.triangles], atol=1e-6)
        assert np.array_equal(fronts, backs[:, ::-1])
        assert np.abs(mesh.vertices.max(0) - ours.vertices.max(0)).max() < 1e-6
        # The sun leaves 0.62 to 0.95 of a colour and the headlight adds a little; what shines itself keeps it all.
        shown = mesh.colours[: len(ours.colours)] / 255
        assert (shown <= 1.03 * ours.colours + 0.005).all()
        assert (shown >= 0.63 * ours.colours - 0.005).all()
        assert (shown[ours.emissive] >= ours.colours[ours.emissive] - 0.003).all()


def test_the_exported_scene_seen_from_a_pose_is_what_the_embedded_simulator_sees(exported):
    """Depth within a millimetre, the same instances, much the same colours: at noon of days 0 and 2 of its life."""
    sim = EmbeddedSimulator(spec=RobotSpec(camera=Camera(width=96, height=96)), days=exported.life.days)
    life = SceneLife.open(exported.folder / "life" / "house-7.json")
    for time in (life.start + 0.5 * DAY, life.start + 2.5 * DAY):
        sim.reset(7, visit="look", time=time)
        scene = assemble(exported.folder, {n: p[:3] for n, p in life.state_at(time).items()}, exported.scene)
        for x, y, yaw in poses_of(sim, 5):
            view = sim.truth.render(x, y, yaw)
            depth, ids, colour = cast(scene, sim.spec.camera, planar_pose(x, y, yaw))
            assert (ids == view.instance).mean() > 0.9995  # a ray along the edge of two triangles may take either
            same = ids == view.instance
            assert np.abs(depth - view.depth)[same].max() < 1e-3
            assert np.abs(colour.astype(float) - view.color)[same].mean() < 9


def test_the_scene_instance_is_the_beginning_of_the_life(exported):
    instance = config(exported.folder / "scenes" / "house-7.scene_instance.json")
    life = SceneLife.open(exported.folder / "life" / "house-7.json")
    there = {
        o["user_defined"]["name"]: (o["template_name"], tuple(o["translation"]), tuple(o["rotation"]))
        for o in instance["object_instances"]
    }
    assert there == {name: p[:3] for name, p in life.state_at(life.start).items()}
    things = {name_of(t) for t in exported.house.things}
    moving = [o for o in instance["object_instances"] if o["motion_type"] != "STATIC"]
    assert {o["user_defined"]["name"] for o in moving} == things


def test_the_obstacles_are_the_embedded_robots_obstacles(exported):
    for piece in exported.house.furniture:
        box = obstacle(piece)
        corners = placed(points_from_habitat(box.vertices).astype(np.float32), piece.x, piece.y, 0.0, piece.yaw)
        low, high = corners.min(0), corners.max(0)
        assert np.allclose((*low[:2], *high[:2]), footprint(piece), atol=2e-4)
        assert low[2] == 0 and np.isclose(high[2], piece.size[2])


def test_an_obstacle_has_no_top_to_walk_on_and_its_sides_look_out(exported):
    piece: Furniture = exported.house.furniture[0]
    box = obstacle(piece)
    a, b, c = (points_from_habitat(box.vertices)[box.triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 2] <= 0).all() and (normals[-2:, 2] < 0).all()
    assert (np.einsum("nk,nk->n", normals[:8], a[:8] * (1, 1, 0)) > 0).all()


def corners(triangles: np.ndarray) -> set:
    """Triangles whatever the order of their corners, to a tenth of a millimetre."""
    return {tuple(sorted(map(tuple, t))) for t in np.round(triangles.astype(float), 4).tolist()}


def poses_of(sim: EmbeddedSimulator, count: int) -> list[tuple[float, float, float]]:
    rng = np.random.default_rng(5)
    cells = np.argwhere(sim.truth.grid.passable)
    chosen = cells[rng.integers(len(cells), size=count)]
    return [(*sim.truth.grid.centre(cell), float(rng.uniform(-np.pi, np.pi))) for cell in chosen]


def cast(scene, camera: Camera, base_to_world: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, semantic id and colour images of a scene that was read back, by the renderer's ray caster."""
    import open3d as o3d

    rays = o3d.t.geometry.RaycastingScene()
    vertices, triangles = scene.vertices.astype(np.float32), scene.triangles.astype(np.uint32)
    rays.add_triangles(o3d.core.Tensor(vertices), o3d.core.Tensor(triangles))
    rows, columns = np.mgrid[: camera.height, : camera.width] + 0.5
    optical = np.stack(((columns - camera.width / 2) / camera.focal, (rows - camera.height / 2) / camera.focal,
                        np.ones_like(rows)), axis=-1)  # fmt: skip
    pose = base_to_world @ camera.to_base()
    directions = optical @ pose[:3, :3].T
    lines = np.concatenate((np.broadcast_to(pose[:3, 3], directions.shape), directions), axis=-1).astype(np.float32)
    hits = rays.cast_rays(o3d.core.Tensor(lines))
    depth, triangle = hits["t_hit"].numpy(), hits["primitive_ids"].numpy().astype(np.int64)
    missed = ~np.isfinite(depth)
    triangle[missed] = 0
    ids = np.where(missed, 0, scene.ids[triangle])
    return np.where(missed, 0, depth), ids, np.where(missed[..., None], 0, scene.colours[triangle])
