"""The vocabulary refers only to itself, names no two things alike, and reads colours through shading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.ontology import (
    COLOURS,
    FURNITURE,
    LEVELS,
    MATERIALS,
    PRINTS,
    ROOMS,
    SHAPES,
    STATES,
    THINGS,
    category,
    colour_name,
    plural,
    resolve,
    surface_name,
    surface_names,
)

EVERYTHING = (*THINGS.values(), *FURNITURE.values())


def test_there_is_enough_to_fill_a_house():
    assert len(THINGS) >= 48 and len(FURNITURE) >= 26
    assert {aspect for c in THINGS.values() for aspect in c.states} == set(STATES)


@pytest.mark.parametrize("known", EVERYTHING, ids=lambda c: c.label)
def test_references_resolve(known):
    kind = THINGS if known.label in THINGS else FURNITURE
    assert set(known.similar) <= set(kind) - {known.label} and known.similar, "confused within its own kind"
    assert set(known.surfaces) <= {*FURNITURE, "floor"} and bool(known.surfaces) == (known.label in THINGS)
    assert set(known.rooms) <= set(ROOMS) and all(weight > 0 for weight in known.rooms.values())
    assert set(known.colours) <= set(COLOURS) and set(known.materials) <= set(MATERIALS)
    assert set(known.prints) <= set(PRINTS) and set(known.shapes) <= set(SHAPES) and set(known.states) <= set(STATES)
    assert min(sorted(known.size)[1:]) >= 0.07, "seen from every side it is at least 7 cm in one direction"


@pytest.mark.parametrize("known", THINGS.values(), ids=lambda c: c.label)
def test_every_thing_has_a_usual_room_with_a_place_for_it(known):
    for room in known.rooms:
        assert "floor" in known.surfaces or any(room in FURNITURE[s].rooms for s in known.surfaces), room


def test_no_word_means_two_things():
    owner = {}
    for known in EVERYTHING:
        for word in {known.label, known.plural, *known.synonyms}:
            assert owner.setdefault(word, known.label) == known.label, word
            assert resolve(word.upper()) == known.label


def test_words_of_people():
    assert resolve("  Coffee  cups ") == "mug" and resolve("couches") == "sofa" and resolve("TVs") == "television"
    assert resolve("unicorn") is None
    assert plural("glass") == "glasses" and plural("unicorn") == "unicorns"
    assert category("mug").function == "drinking"


def test_levels_are_named_by_height():
    assert surface_name("bookcase", 0.1) == "lower shelf of the bookcase"
    assert surface_name("bookcase", 1.1) == "upper shelf of the bookcase"
    assert surface_name("desk", 0.74) == "desk"
    for label, bands in LEVELS.items():
        assert bands[0][0] == 0 and all(a[1] == b[0] for a, b in zip(bands, bands[1:], strict=False))
        assert surface_names(label) == tuple(name for _, _, name in bands)
    assert surface_names("desk") == ("desk",)


@given(st.sampled_from(sorted(COLOURS)), st.floats(0.48, 1.05))  # beyond, a bright grey is a dark white
def test_a_colour_keeps_its_name_in_the_dark(name, shading):
    seen = [min(1.0, shading * channel) for channel in COLOURS[name]]
    assert colour_name(seen) == name
    assert colour_name([255 * channel for channel in seen]) == name or max(seen) * 255 <= 1.5
