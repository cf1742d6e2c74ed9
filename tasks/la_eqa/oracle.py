"""The oracle: knows the answer key and walks the shortest tour. The upper bound that the other agents are held to."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_mem.tasks.la_eqa.items import Item
from embodied_mem.types import Answer, Cost, FrameRef


@dataclass(frozen=True)
class Oracle:
    """Answers items, not texts; it needs no robot because its tour is part of the item."""

    name: str = "oracle"

    def answer_item(self, item: Item) -> tuple[Answer, dict[str, dict]]:
        """The right answer with one frame per requirement, and the views of the present frames it cites.

        The cost is the item's shortest tour and fewest images; the views are in the form of ``prediction_row``.
        """
        cited, views = [], {}
        for i, requirement in enumerate(item.evidence):
            if isinstance(requirement, dict):
                ref = FrameRef("now", i)
                pose = item.best_path[min(i, len(item.best_path) - 1)] if item.best_path else item.start_pose
                views[str(ref)] = {"pose": list(pose), "things": list(requirement["things"])}
            else:
                ref = FrameRef.parse(requirement[0])
            cited.append(ref)
        answer = Answer(
            item.value,
            item.answer,
            1.0,
            tuple(dict.fromkeys(cited)),
            Cost(images=item.min_images, metres=item.l_star),
        )
        return answer, views
