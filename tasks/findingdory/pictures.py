"""Pictures of single instructions for the report: the frames chosen, the way driven, the timeline of the day."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from embodied_mem.evaluation.report import figure_png, new_figure
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.sim.house import House
from embodied_mem.tasks.findingdory.items import Goal, Item
from embodied_mem.tasks.findingdory.log import EpisodeLog
from embodied_mem.tasks.findingdory.settings import VISIT
from embodied_mem.types import Frame, FrameRef

KEPT = 1  # cards of a category for each verdict, an episode; the report chooses among the episodes
SHOWN_STOPS = 6  # images of a card
CHOSEN, STOPPED = "chosen", "stopped here"  # how captions begin
TICKS = 6  # of the timeline, at most
BLUE, GREEN, RED, SOFT = "#1d4ed8", "#15803d", "#b91c1c", "#5b6675"
XY = tuple[float, float]


@dataclass
class Pictures:
    """Draws into ``folder``: one JSON an instruction with its timeline, and the pictures and captions it names.

    ``log`` is the scorers' knowledge; it is shown in the report and never to an agent.
    """

    folder: Path
    palace: MindPalace
    site_map: SiteMap
    log: EpisodeLog
    _kept: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for file in sorted(self.folder.glob("*.json")):  # a resumed run keeps no more than an unbroken one
            about = json.loads(file.read_text())
            self._kept[about["category"], about["right"]] += 1

    def draw(
        self,
        item: Item,
        row: dict,
        right: bool,
        path: Sequence[Sequence[float]] = (),
        ends: Sequence[Sequence[float]] = (),
        seen: Sequence[Frame] = (),
    ) -> bool:
        """Keep a card of one answered instruction, if its category lacks one of this verdict; whether it was kept.

        row: its row of predictions.jsonl; right: HL success; path: positions (x, y m, map frame) driven from the end
        pose on, [] if it did not drive; ends: where it stopped while driving; seen: what the robot saw as it stopped.
        """
        if self._kept[item.category, right] >= KEPT:
            return False
        self._kept[item.category, right] += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        name = item.id.replace("/", "_")
        goals = [self._goal(goal) for goal in item.goals]
        frames = [s.get("frame") for s in row["stops"]]
        pictures = [(f"{name}-plan.png", "the robot's own map and the way it drove", None)]
        (self.folder / pictures[0][0]).write_bytes(self._plan(goals, row["stops"], path, ends))
        for k, frame in [(k, f) for k, f in enumerate(frames) if f is not None][:SHOWN_STOPS]:
            if 0 <= frame < len(self.log.steps):
                pictures.append(self._keep(f"{name}-{k}", self.palace.load_frame(FrameRef(VISIT, frame)), CHOSEN, k))
        for k, frame in enumerate(list(seen)[:SHOWN_STOPS]):
            pictures.append(self._keep(f"{name}-end{k}", frame, STOPPED, k))
        about = {
            "item": item.id, "agent": row["agent"], "category": item.category, "right": right,
            "goals": [{"text": g["text"], "xy": g["xy"]} for g in goals],
            "pictures": pictures,
            "timeline": timeline(self.log, item.goals, [f for f in frames if f is not None]),
        }  # fmt: skip
        write_atomically(self.folder / f"{name}.json", json.dumps(about))
        return True

    def _keep(self, name: str, frame: Frame, why: str, stop: int) -> tuple[str, str, int]:
        (self.folder / f"{name}.jpg").write_bytes(_jpeg(frame.color))
        when = clock(frame.time, float(self.log.steps.time[0]))
        label = f"frame {frame.ref.index}" if frame.ref.visit == VISIT else "now"
        return f"{name}.jpg", f"{why}: {label}, {when}", stop

    def _goal(self, goal: Goal) -> dict:
        """How the report names a goal, and where it is."""
        return describe(self.log.after, goal)

    def _plan(self, goals: list[dict], stops: list[dict], path: Sequence, ends: Sequence) -> bytes:
        figure, axes = new_figure(4.6, 4.6)
        _draw_map(axes, self.site_map)
        for node in self.palace.rooms():
            axes.text(*node.centroid, node.label, ha="center", va="center", fontsize=7, color=SOFT)
        for goal in goals:
            x0, y0, x1, y1 = goal["box"]
            axes.fill([x0, x1, x1, x0], [y0, y0, y1, y1], facecolor=GREEN, alpha=0.25, edgecolor=GREEN, lw=1.4)
            axes.plot(*goal["xy"], "*", color=GREEN, ms=9, zorder=4)
        if len(path) > 1:
            axes.plot(*np.asarray(path, float)[:, :2].T, color=BLUE, lw=1.6, zorder=3)
        for k, stop in enumerate(stops):
            x, y, yaw = self._pose(stop)
            axes.annotate("", (x + 0.7 * np.cos(yaw), y + 0.7 * np.sin(yaw)), (x, y),
                          arrowprops={"arrowstyle": "->", "color": RED, "lw": 1.4})  # fmt: skip
            axes.text(x, y, str(k + 1), fontsize=7, color="white", ha="center", va="center", zorder=6,
                      bbox={"boxstyle": "circle,pad=0.22", "fc": RED, "ec": "none"})  # fmt: skip
        for end in ends:
            axes.plot(end[0], end[1], "s", color=BLUE, ms=5, zorder=5)
        x, y, _ = self.log.end_pose
        axes.plot(x, y, "o", color=BLUE, ms=6, zorder=5)
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.grid(False)
        axes.spines[["left", "bottom"]].set_visible(False)
        return figure_png(figure, dpi=90)

    def _pose(self, stop: dict) -> tuple[float, float, float]:
        """Where a stop's camera stands and looks: of the frame as the robot believed it, or the pose it named."""
        if stop.get("frame") is None:
            return tuple(stop["pose"])
        step = min(max(int(stop["frame"]), 0), len(self.log.steps) - 1)
        x, y, yaw = (float(v) for v in self.log.steps.pose[step])
        return x, y, yaw - np.pi / 2 * bool(self.log.steps.manipulating[step])


def describe(house: House, goal: Goal) -> dict:
    """A goal in words, its centre ``xy`` and its floor area ``box`` (x0, y0, x1, y1), in the house as it is now."""
    if goal.kind == "room":
        room = house.room(goal.id)
        x0, y0, x1, y1 = room.rect
        return {"text": room.label, "xy": [(x0 + x1) / 2, (y0 + y1) / 2], "box": list(room.rect)}
    if goal.kind == "receptacle":
        piece = house.piece(goal.id)
        w, d = piece.size[:2] if abs(np.cos(piece.yaw)) > 0.5 else piece.size[1::-1]
        box = [piece.x - w / 2, piece.y - d / 2, piece.x + w / 2, piece.y + d / 2]
        words = f"{goal.surface or piece.label} in the {house.room(piece.room).label}"
        return {"text": words, "xy": [piece.x, piece.y], "box": box}
    thing = next(t for t in house.things if t.id == goal.id)
    words = f"{thing.attributes.get('colour', '')} {thing.label}, now on the {thing.surface}".strip()
    where = f"{words} in the {house.room(thing.room).label}"
    r = max(thing.size[:2]) / 2
    return {"text": where, "xy": [thing.x, thing.y], "box": [thing.x - r, thing.y - r, thing.x + r, thing.y + r]}


def timeline(log: EpisodeLog, goals: Sequence[Goal], frames: Sequence[int]) -> dict:
    """What happened when, over the frames of the experience (nights take no room), for the report to draw.

    rows: one an interaction, with its four frames and whether it touches a goal; marks: the chosen frames;
    ticks: (frame, clock time) of whole hours, at most six, and of the last frame.
    """
    house, times = log.before, log.steps.time
    zero, labels = float(times[0]), {t.id: t.label for t in house.things}
    wanted = {(g.kind, g.id) for g in goals}
    rows = [
        {
            "label": labels[i.thing],
            "steps": list(i.steps),
            "clock": [clock(t, zero) for t in i.times],
            "start": f"{i.start[1]}, {house.room(i.start_room).label}",
            "goal": f"{i.goal[1]}, {house.room(i.goal_room).label}",
            "wanted": [
                part
                for part, key in (("thing", ("object", i.thing)), ("start", ("receptacle", i.start[0])),
                                  ("goal", ("receptacle", i.goal[0])))
                if key in wanted
            ],
        }
        for i in log.interactions
    ]  # fmt: skip
    marks = [f for f in frames if 0 <= f < len(times)]
    return {"frames": len(times), "rows": rows, "marks": marks, "ticks": _ticks(times)}


def _ticks(times: np.ndarray) -> list[tuple[int, str]]:
    zero = float(times[0])
    hours = np.arange(np.ceil(zero / 3600), times[-1] / 3600) * 3600
    first = [(int(np.searchsorted(times, h)), h) for h in hours]
    at = [(k, clock(h, zero)) for k, h in first if times[k] - h < 1800]  # there are no frames at night
    for every in (1, 2, 4, 8, 16):
        if len(at[::every]) <= TICKS:
            break
    last = len(times) - 1
    return [tick for tick in at[::every] if tick[0] < 0.9 * last] + [(last, clock(float(times[-1]), zero))]


def clock(seconds: float, zero: float) -> str:
    """``"08:04"``, from the second day on ``"day 2, 08:04"`` (``zero``: UTC s of frame 0)."""
    day = int(seconds // 86400 - zero // 86400) + 1
    minutes = int(seconds % 86400 // 60)
    time = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return time if day == 1 else f"day {day}, {time}"


def _draw_map(axes, site: SiteMap) -> None:
    """Rooms in colour, what stands in the way in grey; the view ends where the map knows nothing."""
    room = site.room_grid.astype(float)
    low = np.asarray(site.origin)
    high = low + np.array(room.shape) * site.resolution
    extent = (low[0], high[0], low[1], high[1])
    shown = np.where(room > 0, room % 10, np.nan)
    axes.imshow(shown.T, origin="lower", extent=extent, cmap="Pastel1", interpolation="nearest", vmin=0, vmax=9)
    axes.imshow(np.where(site.occupied(), 0.35, np.nan).T, origin="lower", extent=extent, cmap="gray", vmin=0, vmax=1)
    known = np.argwhere((room > 0) | site.occupied())
    if len(known):
        (x0, y0), (x1, y1) = low + site.resolution * known.min(0), low + site.resolution * (known.max(0) + 1)
        axes.set(xlim=(x0 - 0.2, x1 + 0.2), ylim=(y0 - 0.2, y1 + 0.2))


def _jpeg(color: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(color).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
