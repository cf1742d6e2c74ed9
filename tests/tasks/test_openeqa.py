"""From an OpenEQA or LA-EQA folder to predictions, in OpenEQA's own format, on folders made of one embedded house."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from embodied_mem import cli
from embodied_mem.config import build, read_yaml, shipped_configs
from embodied_mem.errors import ConfigError, InputError
from embodied_mem.evaluation.run import evaluate, load_task, read_rows
from embodied_mem.memory.palace import MindPalace
from embodied_mem.tasks.openeqa.make import make_la_eqa, make_openeqa
from embodied_mem.tasks.openeqa.task import FolderConfig, LaEqaFiles, OpenEqa

SEED = 7


def quiet(text: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One episode of every fourth frame of a patrol, its questions and one about an episode that is not there."""
    folder = tmp_path_factory.mktemp("openeqa")
    path = make_openeqa(SEED, folder, every=4, status=quiet)
    items = json.loads(path.read_text())
    foreign = {k: v for k, v in items[0].items() if k != "answer_value"}
    foreign |= {"question_id": "elsewhere", "episode_history": "scannet-v0/002-scannet-scene0709_00"}
    path.write_text(json.dumps([*items, foreign]))
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return evaluate("openeqa", folder / "run", {"folder": str(folder)}, quiet=True)


def rows_of(run) -> list[dict]:
    return list(read_rows(run / "predictions.jsonl"))


def test_the_palace_answers_what_blind_guesses_do_not(run):
    metrics = json.loads((run / "metrics.json").read_text())
    agents = metrics["agents"]
    assert agents["mind_palace"]["correct"] > 0.75 > 0.5 > agents["blind"]["correct"]
    assert agents["mind_palace"]["judged"] == 1.0 and agents["mind_palace"]["efficiency"] is None
    assert metrics["episodes"] == 1 and metrics["episodes_not_in_folder"] == 1


def test_answers_are_in_openeqas_format_one_for_every_question(run, folder):
    asked = {item["question_id"] for item in json.loads((folder / "open-eqa-v0.json").read_text())}
    for agent in ("mind_palace", "all_images", "blind"):
        answers = json.loads((run / f"openeqa-{agent}.json").read_text())
        assert all(set(a) == {"question_id", "answer"} and isinstance(a["answer"], str) for a in answers)
        ids = [a["question_id"] for a in answers]
        assert len(set(ids)) == len(ids) and set(ids) == asked - {"elsewhere"}


def test_the_report_says_that_this_is_not_openeqas_score_and_names_its_command(run, folder):
    text = (run / "report.html").read_text()
    assert "This is not OpenEQA's score" in text and "evaluate-predictions.py" in text
    assert str(run / "openeqa-mind_palace.json") in text and str(folder / "open-eqa-v0.json") in text


def test_scoring_the_file_alone_says_the_same_and_knows_whose_it_is(run, tmp_path, monkeypatch, capsys):
    alone = tmp_path / "predictions.jsonl"
    shutil.copy(run / "predictions.jsonl", alone)
    monkeypatch.setattr(sys, "argv", ["embodied-mem", "score", str(alone)])
    cli.main()
    scored, metrics = json.loads(capsys.readouterr().out), json.loads((run / "metrics.json").read_text())
    assert scored["task"] == "openeqa" and scored["agents"] == metrics["agents"]


def test_a_killed_run_goes_on_without_recording_again(run, folder):
    rows = rows_of(run)
    kept = {row["key"] for row in rows[:-5]}
    before = (run / "episodes" / rows[0]["job"] / "palace" / "palace.sqlite").stat().st_mtime_ns
    again: list[dict] = []
    load_task("openeqa", {"folder": str(folder)})[0].run(rows[0]["job"], run, kept, again.append, quiet)
    assert [row["key"] for row in again] == [row["key"] for row in rows[-5:]]
    assert [row["answer"] for row in again] == [row["answer"] for row in rows[-5:]]
    assert (run / "episodes" / rows[0]["job"] / "palace" / "palace.sqlite").stat().st_mtime_ns == before


def test_a_subset_and_a_number_of_questions(folder, tmp_path):
    subset = tmp_path / "subset.json"
    subset.write_text(json.dumps([f"embodied-{SEED}-003", f"embodied-{SEED}-001", "elsewhere"]))

    def asked(**options) -> list[str]:
        task = OpenEqa(FolderConfig(str(folder), **options))
        return [q.question_id for questions in task.asked().values() for q in questions]

    assert asked(subset=str(subset)) == [f"embodied-{SEED}-001", f"embodied-{SEED}-003"]
    assert asked(subset=str(subset), questions=1) == [f"embodied-{SEED}-001"]
    subset.write_text('["no such id"]')
    with pytest.raises(InputError, match="1 ids that .*open-eqa-v0.json does not have, 'no such id'"):
        asked(subset=str(subset))


def test_a_folder_that_no_detector_here_can_read_says_what_is_needed(folder, tmp_path):
    shutil.copytree(folder / "frames", tmp_path / "frames")
    shutil.copy(folder / "open-eqa-v0.json", tmp_path)
    next(tmp_path.rglob("instances.json")).unlink()
    task = OpenEqa(FolderConfig(str(tmp_path)))
    with pytest.raises(InputError, match="no instances.json.*no other detector.*CONTRIBUTING.md"):
        task.run(task.jobs()[0], tmp_path / "run", set(), quiet, quiet)


def test_what_is_missing_is_said_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match="openeqa.folder is empty.*--folder DIR.*make_openeqa_folder.py"):
        load_task("openeqa")
    with pytest.raises(InputError, match="no file .*open-eqa-v0.json"):
        load_task("openeqa", {"folder": str(tmp_path)})
    item = {"question": "Where?", "answer": "there", "category": "world knowledge", "question_id": "1"}
    (tmp_path / "open-eqa-v0.json").write_text(json.dumps([item | {"episode_history": "hm3d-v0/x"}]))
    with pytest.raises(InputError, match="no episode that open-eqa-v0.json asks about .such as .*hm3d-v0/x"):
        load_task("openeqa", {"folder": str(tmp_path)})[0].jobs()


@pytest.mark.parametrize("name", ["openeqa", "openeqa_active", "la_eqa_files"])
def test_the_shipped_configurations_are_sound(name):
    raw = read_yaml(shipped_configs()[name])
    assert build(FolderConfig, {k: v for k, v in raw.items() if k != "task"}).folder == ""


def test_the_active_track_remembers_what_it_walked_past_and_pays_for_it(folder, tmp_path):
    (tmp_path / "few.json").write_text(json.dumps([f"embodied-{SEED}-{n:03d}" for n in range(3)]))
    options = {"subset": str(tmp_path / "few.json"), "active": True, "explore_m": 3.0, "agents": ("mind_palace",)}
    task = OpenEqa(FolderConfig(str(folder), **options))
    rows: list[dict] = []
    task.run(task.jobs()[0], tmp_path, set(), rows.append, quiet)
    assert all(row["metres"] > 2 and row["reference_m"] is not None for row in rows)
    with MindPalace.open(tmp_path / "episodes" / rows[0]["job"] / "palace", read_only=True) as palace:
        assert 0 < len(palace.frames()) < len(list(folder.rglob("*-rgb.png"))) / 2
    scored = task.metrics(rows)["agents"]["mind_palace"]
    assert scored["travel_m"] > 2 and 0 <= scored["efficiency"] <= scored["correct"]


# -- LA-EQA's own files ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def la_folder(tmp_path_factory):
    """One past visit and the present, a third of a patrol's frames each: fewer leave holes in the map."""
    folder = tmp_path_factory.mktemp("la_eqa")
    make_la_eqa(SEED, folder, days=1, every=3, status=quiet)
    return folder


def test_la_eqa_files_are_answered_by_memory_and_by_walking_among_the_recorded_frames(la_folder, tmp_path):
    items = json.loads((la_folder / "eqa-questions.json").read_text())
    assert {item["category"] for item in items} == {"past", "present"}
    assert set(items[0]) >= {"question", "category", "question_id", "scene_name", "answer", "best_path", "start_place"}
    past = [i for i in items if i["category"] == "past"][:4]
    states = [i for i in items if i["category"] == "present" and " or " in i["question"]][:5]  # these need a look
    (tmp_path / "some.json").write_text(json.dumps([i["question_id"] for i in past + states]))
    task = LaEqaFiles(FolderConfig(str(la_folder), subset=str(tmp_path / "some.json"), agents=("mind_palace", "blind")))
    rows: list[dict] = []
    task.run(task.jobs()[0], tmp_path, set(), rows.append, quiet)
    metrics = task.metrics(rows)
    agents = metrics["agents"]
    assert agents["mind_palace"]["correct"] > 0.6 > agents["blind"]["correct"]
    mine = [r for r in rows if r["agent"] == "mind_palace"]
    past, present = ([r for r in mine if r["category"] == category] for category in ("past", "present"))
    assert all(r["metres"] == r["reference_m"] == 0 for r in past), "the past needs no motion and gets none"
    assert any(r["metres"] > 0 for r in present) and all(r["steps"] > 0 for r in present)
    assert any(ref.startswith("now/") for r in present for ref in r["evidence"])
    assert 0 < agents["mind_palace"]["efficiency"] <= agents["mind_palace"]["correct"]


def test_a_scene_without_past_visits_or_frames_is_refused(la_folder, tmp_path):
    shutil.copytree(la_folder, tmp_path / "la")
    labels = tmp_path / "la" / "scene-episode-names.json"
    labels.write_text(json.dumps({f"embodied-{SEED}": ["now"]}))
    task = LaEqaFiles(FolderConfig(str(tmp_path / "la")))
    with pytest.raises(InputError, match="no past visit of scene 'embodied-7'"):
        task.run(task.jobs()[0], tmp_path, set(), quiet, quiet)
    shutil.rmtree(tmp_path / "la" / "frames" / "hm3d-v0" / f"embodied-{SEED}_0")
    with pytest.raises(InputError, match="embodied-7_0"):
        LaEqaFiles(FolderConfig(str(tmp_path / "la"))).jobs()
