"""The simulated detector: its contract, its rates, and what it must never give away."""

from dataclasses import fields

import numpy as np
import pytest

from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.perception.detector import Detector, check_detector
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import MissingSidecar, Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.types import Camera, Detection, Frame, FrameRef, planar_pose

CAMERA = Camera(width=320, height=40)
MUG = {"label": "mug", "attributes": {"colour": "red", "material": "ceramic", "print": "striped", "shape": "round"},
       "states": {}, "kind": "thing"}  # fmt: skip
STOVE = {"label": "stove", "attributes": {"colour": "white", "material": "metal"}, "states": {"power": "on"},
         "kind": "furniture"}  # fmt: skip


def many(fact, count, side=9, range_m=1.0, sidecar=None, cell=(0, 0, 0), visit="v000", index=0, first=1000):
    """A frame with ``count`` instances of one fact, each a square of ``side`` pixels."""
    instance = np.ones((CAMERA.height, CAMERA.width), np.uint16)
    for i in range(count):
        row, column = divmod(i, 32)
        instance[row * 10 : row * 10 + side, column * 10 : column * 10 + side] = first + i
    sidecar = sidecar or Sidecar(None)
    ref, pose = FrameRef(visit, index), planar_pose(0, 0, 0)
    sidecar.put(ref, instance, cell)
    sidecar.put_facts(visit, index, {first + i: fact for i in range(count)})
    colour = np.zeros((*instance.shape, 3), np.uint8)
    colour[instance >= first] = (217, 20, 20)
    depth = np.full(instance.shape, range_m, np.float32)
    return Frame(ref, 0.0, colour, depth, pose, pose @ CAMERA.to_base(), CAMERA), sidecar


def test_a_detection_has_no_identity():
    """The only thing that may tell two mugs apart is what a camera sees of them."""
    allowed = {"mask", "label", "score", "box", "rgb", "attributes", "states"}
    assert {field.name for field in fields(Detection)} == allowed
    frame, sidecar = many(MUG, 4)
    for detection in SimulatedDetector(sidecar, NoiseConfig.none()).detect(frame, "inspect"):
        assert set(vars(detection)) == allowed


@pytest.mark.parametrize("noise", [NoiseConfig(), NoiseConfig.none()])
def test_the_simulated_detector_keeps_the_contract(noise):
    frame, sidecar = many(MUG, 40)
    detector = SimulatedDetector(sidecar, noise, seed=1)
    assert isinstance(detector, Detector)
    check_detector(detector, [frame])


def test_the_check_says_what_a_detector_does_wrong():
    frame, _ = many(MUG, 1)

    class Careless:
        def detect(self, frame, gear="index"):
            mask = np.zeros(frame.depth.shape, bool)
            mask[2:4, 2:4] = True
            return [Detection(mask, "mug", 0.9, (2, 2, 3, 3), (1.0, 2.0, 3.0))]

    with pytest.raises(AssertionError, match="is not the mask's box"):
        check_detector(Careless(), [frame])


def test_without_noise_everything_is_read_as_it_is():
    frame, sidecar = many(STOVE, 5, range_m=6.0, side=2)
    detector = SimulatedDetector(sidecar, NoiseConfig.none())
    index, inspect = detector.detect(frame, "index"), detector.detect(frame, "inspect")
    assert len(index) == len(inspect) == 5
    assert {d.label for d in index} == {"stove"}
    assert all(d.attributes == {"colour": "red"} and not d.states for d in index)  # the colour is the pixels' own
    assert all(d.attributes == STOVE["attributes"] and d.states == {"power": "on"} for d in inspect)
    assert sum(int(d.mask.sum()) for d in index) == 5 * 4


@pytest.mark.parametrize(
    ("range_m", "side", "expected"), [(1.0, 9, 0.15), (3.5, 9, 0.375), (8.0, 9, 0.60), (1.0, 7, 1.0)]
)
def test_index_misses_at_the_configured_rate(range_m, side, expected):
    missed = []
    for seed in range(20):
        frame, sidecar = many(MUG, 100, side, range_m)
        cfg = NoiseConfig(false_positive=0)
        missed.append(1 - len(SimulatedDetector(sidecar, cfg, seed).detect(frame, "index")) / 100)
    assert np.mean(missed) == pytest.approx(expected, abs=0.04)


def test_labels_and_attributes_are_wrong_at_the_configured_rate():
    labels, prints, misses = [], [], []
    for seed in range(30):
        frame, sidecar = many(MUG, 100)
        detector = SimulatedDetector(sidecar, NoiseConfig(false_positive=0), seed)
        labels += [d.label for d in detector.detect(frame, "index")]
        inspected = detector.detect(frame, "inspect")
        prints += [d.attributes["print"] for d in inspected]
        misses.append(1 - len(inspected) / 100)
        assert {d.label for d in inspected} == {"mug"}
    assert np.mean([label != "mug" for label in labels]) == pytest.approx(0.04, abs=0.012)
    assert set(labels) <= {"mug", "glass", "jar"}
    assert np.mean([value != "striped" for value in prints]) == pytest.approx(0.05, abs=0.013)
    assert np.mean(misses) == pytest.approx(0.03, abs=0.01)


def test_one_frame_in_a_hundred_shows_what_is_not_there():
    sidecar, invented = Sidecar(None), []
    for i in range(2000):
        frame, _ = many(MUG, 0, sidecar=sidecar, cell=(i, 0, 0), index=i)
        invented += SimulatedDetector(sidecar, NoiseConfig()).detect(frame, "index")
    assert 5 <= len(invented) <= 40
    assert max(d.score for d in invented) < 0.75


def test_looking_again_from_the_same_place_reads_the_same():
    """Another frame of the same visit and viewpoint cell repeats its errors; another cell or visit does not."""
    sidecar = Sidecar(None)

    def look(index, cell, visit="v000"):
        frame, _ = many(MUG, 100, sidecar=sidecar, cell=cell, index=index, visit=visit)
        found = SimulatedDetector(sidecar, NoiseConfig(), 0).detect(frame, "index")
        return [(d.box, d.label) for d in found]

    assert look(0, (3, 4, 5)) == look(9, (3, 4, 5))
    assert look(0, (3, 4, 5)) != look(10, (3, 4, 6))
    assert look(0, (3, 4, 5)) != look(0, (3, 4, 5), visit="v001")


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_sidecar_gives_back_what_was_put(tmp_path, in_memory):
    sidecar = Sidecar(None if in_memory else tmp_path / "sidecar")
    instance = np.random.default_rng(0).integers(0, 65535, (6, 8)).astype(np.uint16)
    sidecar.put(FrameRef("v000", 5), instance, (1, -2, 3))
    sidecar.put_facts("v000", 0, {1000: MUG})
    sidecar.put_facts("v000", 6, {1000: STOVE})
    reader = sidecar if in_memory else Sidecar(tmp_path / "sidecar")
    back, cell = reader.get(FrameRef("v000", 5))
    assert np.array_equal(back, instance) and back.dtype == np.uint16 and cell == (1, -2, 3)
    assert reader.facts(FrameRef("v000", 5)) == {1000: MUG}
    assert reader.facts(FrameRef("v000", 6)) == {1000: STOVE}


def test_a_missing_sidecar_is_a_clear_error(tmp_path):
    frame, _ = many(MUG, 1)
    with pytest.raises(MissingSidecar, match="v000/000000") as error:
        SimulatedDetector(Sidecar(tmp_path), NoiseConfig()).detect(frame, "inspect")
    assert isinstance(error.value, LookupError) and isinstance(error.value, EmbodiedMemError)
    (tmp_path / "v000").mkdir()
    (tmp_path / "v000" / "000000.png").write_bytes(b"not an image")
    with pytest.raises(MissingSidecar, match="damaged"):
        Sidecar(tmp_path).get(frame.ref)
    with pytest.raises(InputError, match="uint16"):
        Sidecar(tmp_path).put(frame.ref, np.zeros((4, 4)), (0, 0, 0))
    with pytest.raises(InputError, match="cannot be a folder"):
        Sidecar(tmp_path).put(FrameRef("../v", 0), np.zeros((4, 4), np.uint16), (0, 0, 0))
