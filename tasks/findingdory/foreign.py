"""Scores answers made elsewhere: rows in the original dataset's columns become rows of predictions.jsonl."""

from __future__ import annotations

from pathlib import Path

from embodied_mem.errors import InputError
from embodied_mem.evaluation.run import load_task
from embodied_mem.tasks.findingdory.answering import facts_beside, folder_of
from embodied_mem.tasks.findingdory.dataset import Prediction, read_rows, stops_from_rows
from embodied_mem.tasks.findingdory.episode import EpisodeFile, load_episode
from embodied_mem.tasks.findingdory.experience import load_log
from embodied_mem.tasks.findingdory.rows import prediction_row
from embodied_mem.tasks.findingdory.scene import Scene
from embodied_mem.tasks.findingdory.task import FindingDoryConfig

SURE = 0.5  # such answers carry no confidence


def foreign_rows(predictions: Path, run: Path) -> tuple[list[dict], list[str]]:
    """Rows to score for answers to the instructions of a run folder, and what was wrong with single answers.

    predictions: .jsonl or .csv with ep_id, task_id, answer (frame indices, 0-based). Every instruction of the run gets
    a row; where the answer is missing, unparsable or names frames that are not there, with that error. Raises
    InputError for a file or run folder that cannot be used.
    """
    episodes = [load_episode(path) for path in sorted((run / "episodes").glob("*.json"))]
    if not episodes:
        raise InputError(f"{run}/episodes holds no episode files; give the folder of a FindingDory run")
    answers, problems = stops_from_rows(read_rows(predictions), episodes)
    config = load_task(run / "config.json")[0].config
    rows = [row for episode in episodes for row in _rows_of(episode, answers, predictions.stem, config)]
    wrong = [f"{item}: {answer.error}" for item, answer in answers.items() if answer.error not in ("", "no_answer")]
    return rows, problems + wrong


def _rows_of(episode: EpisodeFile, answers: dict[str, Prediction], agent: str, config: FindingDoryConfig) -> list[dict]:
    folder = folder_of(config, episode.house, episode.episode)
    if not (folder / "manifest.json").exists():
        raise InputError(
            f"the experience of episode {episode.name} is not in {folder}, where its frames are judged from; "
            "run the same evaluation again, or from the same folder as before"
        )
    log = load_log(folder)
    scene = Scene(log.after)
    facts = facts_beside(folder, log, scene)
    rows = []
    for item in episode.items:
        answer = answers[item.id]
        rows.append(prediction_row(item, agent, answer.stops, answer.error, log, scene, facts) | {"confidence": SURE})
    return rows
