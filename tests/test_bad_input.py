"""What a user can get wrong at the command line: each time a sentence that names the value and the fix, and exit 2.

Frames with NaN, wrong shapes or time running backwards: ``tests/memory/test_palace.py``. Here is that what was
stored before stays, and what the commands say.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from embodied_mem import cli
from embodied_mem.errors import InputError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from tests.memory.boxworld import day_one, patrol
from tests.tasks.test_la_eqa_metrics import row

START = 1_803_805_200.0


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command line in this process; returns exit status, standard output and standard error."""

    def run(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["embodied-mem", *map(str, words)])
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return run


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """A palace of one visit in a world of boxes, without a sidecar beside it."""
    folder = tmp_path_factory.mktemp("boxes") / "palace"
    sidecar, noise = Sidecar(None, capacity=1000), NoiseConfig()
    with MindPalace.create(folder) as palace:
        Recorder(palace, SimulatedDetector(sidecar, noise, seed=3)).record(
            "v000", patrol("v000", START, day_one(), sidecar, noise, seed=3, turns=6)
        )
    return folder


# -- configurations ----------------------------------------------------------------------------------------------------

BROKEN_CONFIGS = {
    "unknown key": ("house: 3", ["'house'", "did you mean 'houses'"]),
    "unknown key inside": ("noise: {miss: 0.1}", ["la_eqa.noise", "'miss'", "index_miss_near"]),
    "wrong type": ("houses: three", ["la_eqa.houses", "int", "'three'"]),
    "yes is no number": ("days: yes", ["la_eqa.days", "True"]),
    "out of range": ("days: 2", ["la_eqa.days", "2", "3 to 366"]),
    "not a number": ("prices: {image: .nan}", ["la_eqa.prices.image", "nan", "finite"]),
    "infinite": ("prices: {w: .inf}", ["la_eqa.prices.w", "inf", "finite"]),
    "a probability above 1": ("noise: {label_confusion: 1.5}", ["label_confusion", "1.5"]),
    "a negative price": ("prices: {metre: -1.0}", ["metre", "-1.0", "at least 0"]),
    "an agent that is none": ("agents: [mind_palaces]", ["'mind_palaces'", "mind_palace, no_voi"]),
    "no agent": ("agents: []", ["agents", "at least one"]),
    "fewer questions than houses": ("{houses: 30, questions: 20}", ["questions", "20", "30"]),
    "seeds between development and evaluation": ("seed: 50000", ["50000", "development", "evaluation"]),
    "seeds that leave development": ("{seed: 9995, houses: 10}", ["9995 to 10004", "fewer houses"]),
    "not YAML": ("houses: [1, 2", ["not valid YAML"]),
    "not a mapping": ("- la_eqa", ["mapping", "list"]),
}


@pytest.mark.parametrize("fault", BROKEN_CONFIGS)
def test_a_broken_configuration_names_the_key_the_value_and_the_fix(fault, command, tmp_path):
    text, words = BROKEN_CONFIGS[fault]
    path = tmp_path / "broken.yaml"
    path.write_text(f"{{task: la_eqa, {text[1:]}" if text.startswith("{") else f"task: la_eqa\n{text}\n")
    if fault == "not a mapping":
        path.write_text(text)
    status, out, err = command("evaluate", path, "--out", tmp_path / "run")
    assert (status, out) == (2, "") and all(word in err for word in words), err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["no configuration", "la_eqa_small"]),
        ("seed: 1", ["missing key 'task'", "la_eqa"]),
        ("task: chess", ["no task 'chess'", "installed: darkroom, findingdory, grid_object_search, "]),
    ],
)
def test_a_missing_file_or_task_lists_what_there_is(text, words, command, tmp_path):
    path = tmp_path / "config.yaml"
    if text:
        path.write_text(text)
    status, _, err = command("evaluate", path)
    assert status == 2 and all(word in err for word in words), err


def test_an_option_is_checked_like_the_file(command, tmp_path):
    status, _, err = command("evaluate", "la_eqa", "--days", 1, "--out", tmp_path / "run")
    assert status == 2 and "la_eqa.days: 1 is out of range; use 3 to 366" in err


# -- palaces -----------------------------------------------------------------------------------------------------------


def nothing(folder):
    pass


def empty_folder(folder):
    folder.mkdir()


def truncated(folder):
    with MindPalace.create(folder) as palace:
        for n in range(50):
            palace.begin_visit(f"v{n:03d}", START + n)
            palace.end_visit(f"v{n:03d}", START + n)
        palace.commit()
    file = folder / "palace.sqlite"
    file.write_bytes(file.read_bytes()[:9000])


def not_a_database(folder):
    folder.mkdir()
    (folder / "palace.sqlite").write_bytes(b"these are words, not tables. " * 400)


def nothing_recorded(folder):
    MindPalace.create(folder).close()


def a_file(folder):
    folder.write_text("palace")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (nothing, ["holds no palace.sqlite", "record a palace there first"]),
        (empty_folder, ["holds no palace.sqlite", "record a palace there first"]),
        (truncated, ["palace.sqlite", "record again"]),
        (not_a_database, ["not a readable palace", "record again"]),
        (nothing_recorded, ["no finished visit", "record one first"]),
        (a_file, ["holds no palace.sqlite"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_asking_a_damaged_palace_says_what_is_wrong_with_which_file(damage, words, command, tmp_path):
    damage(tmp_path / "palace")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.sqlite")}
    status, out, err = command("ask", tmp_path / "palace", "Where is the mug?")
    assert (status, out) == (2, "")
    assert str(tmp_path / "palace") in err and all(word in err for word in words), err
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.sqlite")} == before, "asking must not touch the file"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: {"depth": np.where(np.eye(*f.depth.shape) > 0, np.nan, f.depth).astype(np.float32)}, "NaN"),
        (lambda f: {"base_to_map": np.full((4, 4), math.inf)}, "NaN or infinite"),
        (lambda f: {"color": f.color[::2]}, "expected uint8"),
        (lambda f: {"time": f.time - 60}, "runs back"),
    ],
    ids=["depth", "pose", "shape", "time"],
)
def test_a_bad_frame_in_the_middle_of_a_visit_costs_that_visit_only(change, message, boxes, tmp_path):
    """The recorder stops with the frame's name; visits that were committed stay, the visit can be recorded again."""
    folder = tmp_path / "palace"
    shutil.copytree(boxes, folder)
    sidecar, noise = Sidecar(None, capacity=1000), NoiseConfig()

    def frames(broken: bool):
        for n, frame in enumerate(patrol("v001", START + 86_400, day_one(), sidecar, noise, 3, turns=6)):
            yield replace(frame, **change(frame)) if broken and n == 5 else frame

    with MindPalace.open(folder) as palace:
        before = len(palace.sightings(visit="v000"))
        recorder = Recorder(palace, SimulatedDetector(sidecar, noise, seed=3))
        with pytest.raises(InputError, match=f"frame v001/000005.*{message}"):
            recorder.record("v001", frames(broken=True))
    with MindPalace.open(folder) as palace:
        assert [v.id for v in palace.visits()] == ["v000"] and len(palace.sightings(visit="v000")) == before
        Recorder(palace, SimulatedDetector(sidecar, noise, seed=3)).record("v001", frames(broken=False))
        assert [v.id for v in palace.visits()] == ["v000", "v001"]


# -- questions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("", "empty"),
        ("   \n ", "empty"),
        ("Wo ist die rote Tasse?", "English"),
        ("¿Dónde está el libro?", "English"),
        ("红色的杯子在哪里?", "English"),
        ("where is the mug " * 400, "the limit is 500"),
        ("Where is the flux capacitor?", "ever seen"),
        ("How many unicorns are in the kitchen?", "no thing of that name"),
        ("'; DROP TABLE visits; --", ""),
    ],
)
def test_a_question_that_cannot_be_answered_gets_an_honest_i_dont_know(question, why, command, boxes):
    status, out, err = command("ask", boxes, question)
    assert status == 0 and out.startswith("I don't know") and why in out, out + err


# -- predictions -------------------------------------------------------------------------------------------------------


def without(raw: dict, name: str) -> str:
    return json.dumps({k: v for k, v in raw.items() if k != name})


DAMAGED_ROWS = {
    "not JSON": (lambda r: "{'key': 3}", [":2", "not JSON", "remove the line"]),
    "torn": (lambda r: json.dumps(r)[:90], [":2", "not JSON"]),
    "not an object": (lambda r: "[1, 2]", [":2", "JSON object", "list"]),
    "missing field": (lambda r: without(r, "truth"), ["a/", "'truth'", "anew"]),
    "NaN confidence": (lambda r: json.dumps(r | {"confidence": math.nan}), ["confidence in [0, 1]", "nan"]),
    "confidence above 1": (lambda r: json.dumps(r | {"confidence": 1.5}), ["confidence in [0, 1]", "1.5"]),
    "negative cost": (lambda r: json.dumps(r | {"metres": -1}), ["costs must be >= 0", "-1"]),
    "unknown category": (lambda r: json.dumps(r | {"category": "tomorrow"}), ["unknown category 'tomorrow'"]),
    "no such answer": (lambda r: json.dumps(r | {"answer": {"type": "count", "data": "two"}}), ["'two'", "count"]),
}


@pytest.mark.parametrize("fault", DAMAGED_ROWS)
def test_a_damaged_predictions_file_is_refused_by_line_or_key(fault, command, tmp_path):
    spoil, words = DAMAGED_ROWS[fault]
    path = tmp_path / "predictions.jsonl"
    path.write_text(json.dumps(row()) + "\n" + spoil(row()))
    status, out, err = command("score", path, "--out", tmp_path / "metrics.json")
    assert (status, out) == (2, "") and all(word in err for word in words), err
    assert not (tmp_path / "metrics.json").exists()


def test_an_empty_or_missing_predictions_file_is_no_result(command, tmp_path):
    (tmp_path / "empty.jsonl").touch()
    assert command("score", tmp_path / "empty.jsonl")[0] == 2
    status, _, err = command("score", tmp_path / "none.jsonl")
    assert status == 2 and "no predictions file" in err and "none.jsonl" in err


def test_a_folder_that_cannot_be_written_is_named(command, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "p.jsonl").write_text(json.dumps(row()) + "\n")
    status, _, err = command("score", tmp_path / "p.jsonl", "--out", tmp_path / "file" / "metrics.json")
    assert status == 2 and "file/metrics.json" in err and "check the path" in err


def test_the_installed_command_itself_exits_with_2():
    code = "from embodied_mem.cli import main; main()"
    words = ["ask", "/nowhere/palace", "Where is the mug?"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("embodied-mem: /nowhere/palace holds no palace.sqlite")
    assert "Traceback" not in done.stderr
