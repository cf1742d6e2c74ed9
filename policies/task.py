"""An experiment as the runner of evaluations sees it: a job is an agent with one seed, a prediction is one trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from embodied_mem.config import build
from embodied_mem.errors import ConfigError
from embodied_mem.evaluation.seeds import check_seeds
from embodied_mem.policies import checkpoint, metrics
from embodied_mem.policies.actors import CONTROLS, Actor, PolicyActor
from embodied_mem.policies.build import environment_config, make_environment, policy_config, with_split
from embodied_mem.policies.candidates import Part, not_shipped, parts_of
from embodied_mem.policies.evaluate import load_policy
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.parallel import check_device
from embodied_mem.policies.tokens import Spec
from embodied_mem.policies.trials import run_trials
from embodied_mem.sim.vector.protocol import VectorEnv


class PolicyTask:
    """Found through the entry points as each task in which policies are trained."""

    Config = ExperimentConfig
    #: Options of the command line, and the keys they set.
    OPTIONS = {
        "seed": "evaluation.first_house", "houses": "evaluation.houses", "episodes": "evaluation.episodes",
        "checkpoint": "evaluation.checkpoints", "streaming": "evaluation.streaming", "workers": "workers",
        "device": "evaluation.device", "split": "evaluation.split",
    }  # fmt: skip
    unit = "trials"

    def __init__(self, config: ExperimentConfig) -> None:
        e = config.evaluation
        check_seeds(e.first_house, e.houses)
        check_device(e.device)
        self.config = config if e.device == "cpu" else replace(config, workers=1)
        environment_config(config.task, self._with_split(config.environment))  # refused now, not by a worker
        self.parts = {f"{part.agent}-{part.seed}": part for part in parts_of(config)}

    @staticmethod
    def train(config: dict, agent: str | None, seed: int | None, out: Path | None, device: str | None) -> None:
        """Train the agents of an experiment's file; see :func:`embodied_mem.policies.train.train_all`."""
        from embodied_mem.policies.train import train_all

        train_all(build(ExperimentConfig, config, config["task"]), agent, seed, out, device)

    def inputs(self) -> dict[str, str]:
        """The weights that act in each job."""
        files = {job: part.checkpoint for job, part in self.parts.items() if part.checkpoint}
        return {job: checkpoint.digest(checkpoint.read(path)[0]) for job, path in files.items()}

    def jobs(self) -> list[str]:
        return list(self.parts)

    def expected(self) -> int:
        return len(self.parts) * self.config.evaluation.houses

    def run(
        self, job: str, folder: Path, done: set[str], emit: Callable[[dict], None], status: Callable[[str], None]
    ) -> None:
        torch.set_num_threads(1)
        part, e = self.parts[job], self.config.evaluation
        houses = range(e.first_house, e.first_house + e.houses)
        left = [h for h in houses if f"{part.agent}/{part.seed}/{h}" not in done]
        if not left:
            return
        env = self._environment(part, min(e.batch, len(left)))
        actor = self._actor(part, env)
        for first in range(0, len(left), env.batch):
            status(f"{e.houses - len(left) + first}/{e.houses} trials")
            some = left[first : first + env.batch]
            options = {"demonstrations": part.demonstrations} if part.demonstrations else {}
            curves = run_trials(env, actor, some, e.episodes, part.seed, part.swapped, **options)
            more: dict = {}
            if isinstance(actor, PolicyActor):
                more["context_bytes"] = actor.bytes_kept
            if own := self.config.agents[part.trained].environment:
                more["environment"] = own
            for row in metrics.rows_of(self.config.task, part.agent, part.seed, some, curves, **more):
                emit(row)

    def _environment(self, part: Part, batch: int) -> VectorEnv:
        options = self._with_split(self.config.environment_of(part.trained))
        return make_environment(self.config.task, options, batch, self.config.evaluation.device)

    def _with_split(self, options: dict) -> dict:
        e = self.config.evaluation
        return with_split(self.config.task, options, e.first_house, e.split)

    def _actor(self, part: Part, env: VectorEnv) -> Actor:
        if part.checkpoint is None:
            return CONTROLS[part.agent]()
        actor, _, meta = load_policy(part.checkpoint, self.config.evaluation.device, part.streaming)
        if Spec.of(env).as_dict() != meta["spec"]:
            raise ConfigError(f"{part.checkpoint} was trained on {meta['spec']}, the environment now is "
                              f"{Spec.of(env).as_dict()}; train again")  # fmt: skip
        return actor

    def metrics(self, rows: list[dict]) -> dict:
        figures = self.score(rows)
        for name, part in {p.agent: p for p in reversed(self.parts.values())}.items():
            files = [p.checkpoint for p in self.parts.values() if p.agent == name and p.checkpoint]
            if files:
                figures["agents"][name] |= {"policy": self.config.agents[part.trained].policy, **_training(files),
                                            "demonstrations": part.demonstrations,
                                            "streaming": part.streaming}  # fmt: skip
        return {**figures, "name": self.config.name, "controls_of": self.parts[self.jobs()[0]].agent,
                "split": self._with_split(self.config.environment).get("split"), "environment": self.config.environment,
                "not_shipped": not_shipped(self.config)}  # fmt: skip

    def report(self, folder: Path) -> Path:
        from embodied_mem.policies.report import write_report

        return write_report(folder)

    @staticmethod
    def score(rows: list[dict]) -> dict:
        """Metrics of predictions alone, without what only the checkpoints tell."""
        return metrics.score(rows)

    @staticmethod
    def made(row: dict) -> bool:
        """Whether a line of a predictions file is a trial."""
        return "returns" in row

    @staticmethod
    def table(metrics: dict) -> tuple[str, list[str], list[list]]:
        """What a finished run prints: title, column names, a line an agent."""
        from embodied_mem.policies.report import table

        return table(metrics)


def _training(files: list[Path]) -> dict:
    """What the checkpoints of an agent's seeds say about their training; lists go by seed."""
    tensors, _ = checkpoint.read(files[0])
    metas = [checkpoint.describe(path) for path in files]
    options = policy_config(metas[0]["config"]["policy"])
    return {
        "parameters": sum(x.numel() for x in checkpoint.part_of(tensors, "policy.").values()),
        "sink": getattr(options, "sink", None), "context_tokens": getattr(options, "budget", 0),  # none: all
        "training_steps": [m["counters"]["steps"] for m in metas],
        "optimiser_steps": [m["counters"]["optimiser_steps"] for m in metas],
        "training_seconds": [round(m["counters"]["seconds"]) for m in metas],
        "hardware": sorted({m.get("hardware", "not noted") for m in metas}),
        "takeoff_steps": [m.get("takeoff_steps") for m in metas],
        "sha256": [checkpoint.digest(checkpoint.read(path)[0]) for path in files],
    }  # fmt: skip
