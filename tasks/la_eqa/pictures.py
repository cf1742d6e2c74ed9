"""Pictures of single questions for the report: the robot's map with the way it drove, and the images it cites."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embodied_mem.evaluation.report import figure_png, new_figure
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.tasks.la_eqa.items import Item
from embodied_mem.tasks.la_eqa.report import day_and_time
from embodied_mem.types import Frame


@dataclass
class Pictures:
    """Draws into ``folder``; one JSON a question names its pictures and their captions."""

    folder: Path
    palace: MindPalace
    site_map: SiteMap

    def draw(self, item: Item, row: dict, frames: list[tuple[str, Frame]]) -> None:
        """Floor plan and images of one answered question, each with why it is shown ("cited", "opened")."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = item.question_id.replace("/", "_")
        shown = [(f"{name}-plan.png", "the robot's map: rooms, start (dot) and the way it drove")]
        (self.folder / shown[0][0]).write_bytes(self._plan(item, row["path"]))
        for k, (why, frame) in enumerate(frames):
            file = f"{name}-{k}.jpg"
            (self.folder / file).write_bytes(_jpeg(frame.color))
            shown.append((file, f"{why}: {frame.ref}, {day_and_time(frame.time)}"))
        write_atomically(self.folder / f"{name}.json", json.dumps({"pictures": shown}))

    def _plan(self, item: Item, path: list[list[float]]) -> bytes:
        figure, axes = new_figure(4.4, 3.6)
        site = self.site_map
        room = site.room_grid.astype(float)
        low = np.asarray(site.origin)
        high = low + np.array(room.shape) * site.resolution
        extent = (low[0], high[0], low[1], high[1])
        shown = np.where(room > 0, room % 10, np.nan)
        axes.imshow(shown.T, origin="lower", extent=extent, cmap="Pastel1", interpolation="nearest", vmin=0, vmax=9)
        axes.imshow(
            np.where(site.occupied(), 0.35, np.nan).T, origin="lower", extent=extent, cmap="gray", vmin=0, vmax=1
        )
        for node in self.palace.rooms():
            axes.text(*node.centroid, node.label, ha="center", va="center", fontsize=7)
        axes.plot(item.start_pose[0], item.start_pose[1], "o", color="#1d4ed8", ms=6)
        if len(path) > 1:
            axes.plot(*np.array(path).T, color="#1d4ed8", lw=1.8)
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        axes.spines[["left", "bottom"]].set_visible(False)
        return figure_png(figure, dpi=90)


def _jpeg(color: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(color).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
