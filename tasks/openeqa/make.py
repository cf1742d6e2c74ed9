"""A dataset folder out of an embedded house: its patrols in OpenEQA's or LA-EQA's layout, with questions.

For trying the whole way without a download, and for tests: the files are as the datasets' own, and carry besides what
the simulated detector and a scorer without a language model need (instance pictures, typed keys).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from embodied_mem.datasets.write import save_json, write_episode
from embodied_mem.ontology import STATES, plural
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.house import House, Thing
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.schedule import part_of_day, question_time, visit_times
from embodied_mem.tasks.la_eqa.patrol import plan_patrol
from embodied_mem.tasks.la_eqa.seen import pixels_of
from embodied_mem.types import Camera, Frame, Value

SEEN_PX = 150  # what the camera never saw this large is not asked about
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Status = Callable[[str], None]


def make_openeqa(seed: int, folder: Path, layout: str = "hm3d-v0", every: int = 2, status: Status = print) -> Path:
    """One patrol of a house as one episode with some twenty questions; returns the questions file.

    every: which frames of the patrol are kept.
    """
    tour = Tour(seed, days=1)
    episode = f"{layout}/000-embodied-{seed}"
    status(f"walking through house {seed}")
    count = write_episode(folder / "frames" / episode, layout, tour.frames(0, every), tour.sidecar)
    items = [
        {"question": q, "answer": a, "category": c, "question_id": f"embodied-{seed}-{n:03d}",
         "episode_history": episode, "answer_value": v.to_json(), "start_place": 0, "best_path": [tour.nearest_view(t)]}
        for n, (q, a, c, v, t) in enumerate(questions_about(tour.house, tour.seen))
    ]  # fmt: skip
    save_json(folder / "open-eqa-v0.json", items)
    status(f"{count} frames, {len(items)} questions in {folder}")
    return folder / "open-eqa-v0.json"


def make_la_eqa(seed: int, folder: Path, days: int = 2, every: int = 2, status: Status = print) -> Path:
    """Patrols of some days as past visits and one more as the present, with questions about the present and the last
    visit; returns the questions file."""
    tour = Tour(seed, days)
    scene = f"embodied-{seed}"
    names = [f"{WEEK[day % 7]} {part_of_day(day)}" for day in range(days + 1)]
    labels = [f"now ({names[-1]})", *names[-2::-1]]
    items = []
    for day in range(days + 1):
        status(f"walking through house {seed}, {names[day]}")
        where = folder / "frames" / "hm3d-v0" / f"{scene}_{days - day}"
        write_episode(where, "hm3d-v0", tour.frames(day, every), tour.sidecar)
        if day >= days - 1:
            items += _timed(tour, names[day], day == days)
    rows = [{**item, "question_id": f"emb_{seed}_{n}", "scene_name": scene} for n, item in enumerate(items)]
    save_json(folder / "eqa-questions.json", rows)
    save_json(folder / "scene-episode-names.json", {scene: labels})
    status(f"{days} past visits, {len(rows)} questions in {folder}")
    return folder / "eqa-questions.json"


class Tour:
    """The patrols of one house, exact; ``house``, ``seen`` ({instance: {frame: pixels}}): of the last one walked."""

    def __init__(self, seed: int, days: int) -> None:
        self.sidecar = Sidecar(None, capacity=10_000)
        self._sim = EmbeddedSimulator(sidecar=self.sidecar, spec=RobotSpec(camera=Camera()), days=days)
        self._seed = seed
        self._times = [*(start for _, start in visit_times(seed, days)), question_time(seed, days)]
        self._patrol = None
        self.seen: dict[int, dict[int, int]] = {}
        self._stood: dict[int, tuple[float, float]] = {}

    @property
    def house(self) -> House:
        return self._sim.truth.house

    def frames(self, day: int, every: int) -> Iterator[Frame]:
        """Every so many-th frame of the patrol of a day (the day after the last one: the present)."""
        from embodied_mem.sim.generate import generate_house

        self._patrol = self._patrol or plan_patrol(generate_house(self._seed))
        self.seen, self._stood = {}, {}
        frame = self._sim.reset(self._seed, visit=f"v{day:03d}", time=self._times[day], start=self._patrol.start)
        for action in (*self._patrol.actions, None):
            if frame.ref.index % every == 0:
                self._stood[frame.ref.index] = self._sim.truth.pose[:2]
                for number, pixels in pixels_of(self.sidecar.get(frame.ref)[0]).items():
                    self.seen.setdefault(number, {})[frame.ref.index] = pixels
                yield frame
            if action is not None:
                frame = self._sim.step(action)

    def nearest_view(self, thing: int) -> int:
        """The frame nearest to the first one (as the crow flies) that shows a thing well."""
        shown = [index for index, pixels in self.seen[thing].items() if pixels >= SEEN_PX]
        return min(shown, key=lambda index: (math.dist(self._stood[0], self._stood[index]), index))


Line = tuple[str, str, str, Value, int]  # question, answer in words, category, typed answer, instance it is about


def questions_about(house: House, seen: dict[int, dict[int, int]], when: str = "") -> list[Line]:
    """Questions about what was well seen, one of a kind: where, colour, state, whether and how many.

    when: "" asks of the present, else of a past moment ("on Monday evening").
    """
    rooms = {r.id: r.label for r in house.rooms}
    counts = Counter(t.label for t in house.things)
    clear = [t for t in house.things if max(seen.get(t.id, {0: 0}).values()) >= SEEN_PX]
    alone = sorted((t for t in clear if counts[t.label] == 1), key=lambda t: t.id)
    be, do, end = ("was", "were", f" {when}?") if when else ("is", "are", "?")
    found: list[Line] = []
    for thing in alone[:8]:
        surface, room = thing.surface, rooms[thing.room]
        said = f"On the floor of the {room}" if surface == "floor" else f"On the {surface} in the {room}"
        place = Value("place", (surface, room))
        found.append((f"Where {be} the {thing.label}{end}", said, "object localization", place, thing.id))
    for thing in alone[8:14]:
        colour = thing.attributes.get("colour", "")
        if colour and thing.surface != "floor":
            asked = f"What color {be} the {thing.label}{end}"
            found.append((asked, colour.capitalize(), "attribute recognition", Value("label", colour), thing.id))
    for thing in alone:
        for name, value in sorted(thing.states.items()):
            asked = f"{be.capitalize()} the {thing.label} {' or '.join(STATES[name])}{end}"
            found.append((asked, value.capitalize(), "object state recognition", Value("label", value), thing.id))
    return found + _counted(clear, house, rooms, be, do, end)


def _counted(clear: list[Thing], house: House, rooms: dict[int, str], be: str, do: str, end: str) -> list[Line]:
    found: list[Line] = []
    for label, room in sorted({(t.label, t.room) for t in clear})[:6]:
        inside = [t for t in house.things if (t.label, t.room) == (label, room)]
        if all(t in clear for t in inside):
            asked = f"How many {plural(label)} {do} there in the {rooms[room]}{end}"
            count = Value("count", len(inside))
            found.append((asked, str(len(inside)), "spatial understanding", count, inside[0].id))
    return found


def _timed(tour: Tour, name: str, present: bool) -> list[dict]:
    """LA-EQA items about the patrol walked last; the way to where the thing is seen is what the present needs."""
    lines = questions_about(tour.house, tour.seen, "" if present else f"on {name.capitalize()}")
    items = []
    for question, answer, _, value, thing in lines:
        way = [tour.nearest_view(thing)] if present else []
        items.append({
            "question": question, "category": "present" if present else "past", "answer": answer,
            "best_path": way, "start_place": 0, "answer_value": value.to_json(),
        })  # fmt: skip
    return items
