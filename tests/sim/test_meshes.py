"""Every label has a mesh that fits its size, shows its states and prints, and carries what stands on it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.ontology import COLOURS, FURNITURE, LEVELS, PRINTS, STATES, THINGS, colour_name, surface_names
from embodied_mem.sim.catalog import ASSETS, find_asset, furniture_size, surfaces_of, thing_size
from embodied_mem.sim.meshes import body_colour, mesh_of

ALL_ASSETS = [asset.name for assets in ASSETS.values() for asset in assets]


def looks(known):
    """All prints, shapes and combinations of states of a category."""
    for look in itertools.product(known.prints, known.shapes, *(STATES[aspect] for aspect in known.states)):
        yield look[0], look[1], dict(zip(known.states, look[2:], strict=True))


def check(mesh, size, limit):
    x, y, z = size
    assert np.isfinite(mesh.vertices).all() and len(mesh.triangles) <= limit
    assert (np.abs(mesh.vertices[:, 0]) <= x / 2 + 1e-5).all() and (np.abs(mesh.vertices[:, 1]) <= y / 2 + 1e-5).all()
    assert (mesh.vertices[:, 2] >= 0).all() and (mesh.vertices[:, 2] <= z + 1e-5).all()
    assert mesh.triangles.min() >= 0 and mesh.triangles.max() < len(mesh.vertices)
    assert mesh.colours.shape == mesh.triangles.shape and mesh.colours.min() >= 0 and mesh.colours.max() <= 1
    assert mesh.emissive.shape == (len(mesh.triangles),) and mesh.emissive.dtype == bool
    assert mesh.vertices.dtype == np.float32 and mesh.triangles.dtype == np.int32


def differ(a, b):
    return a.vertices.shape != b.vertices.shape or not (
        np.array_equal(a.vertices, b.vertices) and np.array_equal(a.colours, b.colours)
    )


@pytest.mark.parametrize("label", THINGS)
def test_a_thing_fits_its_size_in_every_look_and_fills_it(label):
    known = THINGS[label]
    size = thing_size(label, np.random.default_rng(len(label)))
    for pattern, shape, states in looks(known):
        mesh = mesh_of(label, "", size, known.colours[0], known.materials[0], pattern, states, shape)
        check(mesh, size, 800)
        reach = np.ptp(mesh.vertices, axis=0)
        assert (reach[:2] > 0.8 * np.array(size[:2])).all(), "the size is that of what is seen"


@pytest.mark.parametrize("label", [label for label, known in THINGS.items() if known.states])
def test_a_state_is_visible(label):
    known = THINGS[label]
    aspect = known.states[0]
    one, other = (mesh_of(label, "", known.size, "red", states={aspect: value}) for value in STATES[aspect])
    assert differ(one, other)
    if aspect == "power":
        assert one.emissive.any() and not other.emissive.any()


@pytest.mark.parametrize("label", [label for label, known in THINGS.items() if len(known.prints) > 1])
def test_a_print_is_visible_and_keeps_the_colour(label):
    known = THINGS[label]
    meshes = [mesh_of(label, "", known.size, known.colours[0], print=pattern) for pattern in known.prints]
    assert all(differ(a, b) for a, b in itertools.combinations(meshes, 2))


@pytest.mark.parametrize("asset", ALL_ASSETS)
def test_furniture_fits_its_size_and_its_surfaces_are_drawn(asset):
    label, size = find_asset(asset).label, furniture_size(asset, np.random.default_rng(3))
    known = FURNITURE[label]
    mesh = mesh_of(label, asset, size, known.colours[-1], known.materials[0])
    check(mesh, size, 520)
    surfaces = surfaces_of(asset, size)
    assert {name for name, *_ in surfaces} <= set(surface_names(label))
    if label in LEVELS:
        assert [name for name, *_ in surfaces] == list(surface_names(label))
    for _, (x0, y0, x1, y1), z, headroom in surfaces:
        assert x1 - x0 > 0.15 and y1 - y0 > 0.15 and headroom > 0.3
        assert -size[0] / 2 <= x0 and x1 <= size[0] / 2 and -size[1] / 2 <= y0 and y1 <= size[1] / 2
        # Where a thing may stand, something is drawn directly under it and nothing in the room above it.
        line = np.linspace(x0, x1, 25)[1:-1]
        tops = [top_below(mesh, x, (y0 + y1) / 2 + 0.005, z + 0.9 * headroom) for x in line]
        assert max(tops) == pytest.approx(z, abs=0.012)
        if label != "drying rack":  # there one looks through between the bars
            assert np.mean(np.abs(np.array(tops) - z) < 0.012) > 0.8


def top_below(mesh, x, y, height):
    """Height of the highest triangle at x, y under ``height`` (brute force over triangles)."""
    a, b, c = (mesh.vertices[mesh.triangles[:, k]].astype(float) for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    flat = np.abs(area) > 1e-12
    a, b, c, area = a[flat], b[flat], c[flat], area[flat]
    u = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (y - a[:, 1])) / area
    v = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
    z = a[:, 2] + u * (b[:, 2] - a[:, 2]) + v * (c[:, 2] - a[:, 2])
    under = (u >= 0) & (v >= 0) & (u + v <= 1) & (z < height)
    return z[under].max(initial=0.0)


def test_every_surface_of_the_vocabulary_exists_and_is_furniture_with_room():
    offered = {asset.label for assets in ASSETS.values() for asset in assets if surfaces_of(asset.name, asset.low)}
    assert {s for known in THINGS.values() for s in known.surfaces} - {"floor"} <= offered


@given(st.sampled_from(sorted(THINGS)), st.tuples(*[st.floats(0.05, 1.0)] * 3), st.sampled_from(PRINTS))
@settings(max_examples=80, deadline=None)
def test_any_size_is_kept(label, size, pattern):
    check(mesh_of(label, "", size, "blue", print=pattern), size, 800)


def test_a_material_tints_but_does_not_rename_the_colour():
    for colour in COLOURS:
        for material in ("wood", "metal", "glass", "leather", "wicker"):
            assert colour_name(body_colour(colour, material)) == colour


def test_unknown_words_are_refused():
    with pytest.raises(KeyError):
        mesh_of("unicorn", "", (1, 1, 1), "red")
    with pytest.raises(KeyError):
        mesh_of("mug", "", (0.1, 0.1, 0.1), "mauve")
