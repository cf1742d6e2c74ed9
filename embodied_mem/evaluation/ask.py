"""Ask a recorded palace: recall only, no body. With its sidecar beside it stored images can be inspected."""

from __future__ import annotations

from pathlib import Path

from embodied_mem.errors import PalaceError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.planner.agents import build_agent
from embodied_mem.planner.workbench import Workbench


def ask(folder: Path, question: str, trace: bool = False) -> str:
    """The answer in words with its confidence and evidence. Raises PalaceError for a bad palace folder.

    The present is taken to be the end of the last visit: there is no robot to go and look.
    """
    with MindPalace.open(folder, read_only=True) as palace:
        sidecar = Path(folder).parent / "sidecar"
        detector = SimulatedDetector(Sidecar(sidecar), NoiseConfig(), seed=0) if sidecar.is_dir() else None
        visits = palace.visits()
        if not visits:
            raise PalaceError(f"{folder} holds no finished visit; record one first (embodied-mem record HOUSE FOLDER)")
        now = visits[-1].end or visits[-1].start
        answer = build_agent("mind_palace").answer(question, Workbench(palace, palace.load_map(), None, detector, now))
        lines = [f"{answer.text}  (confidence {answer.confidence:.2f}, {answer.cost.images} images opened)"]
        lines += [f"evidence: {', '.join(map(str, answer.evidence))}"] if answer.evidence else []
        if detector is None:
            lines.append("note: no sidecar beside the palace: images were not inspected, this is what the index says")
        lines += [str(step) for step in answer.trace] if trace else []
        return "\n".join(lines)
