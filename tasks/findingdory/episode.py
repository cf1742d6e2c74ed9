"""The episode file: the instructions of one experience with their goals, as versioned JSON with a checksum.

``episode.schema.json`` describes it for others; reading checks everything by itself. The same experience gives the same
bytes. Nothing in it is unpickled or evaluated.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NoReturn, get_args

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory.items import CATEGORIES, GROUPS, Answerable, Goal, Item, Kind, Quantifier
from embodied_mem.tasks.findingdory.log import EpisodeLog
from embodied_mem.tasks.findingdory.settings import EPISODE_VERSION

FORMAT = 1  # of the file; what the instructions mean is versioned by settings.EPISODE_VERSION
TEMPLATES = 60
MAX_BYTES = 64 * 2**20
MAX_TEXT = 2000  # characters of one string
_KEYS = (
    "format", "generator", "house", "episode", "frames", "seconds_per_step", "interactions", "items", "left_out",
    "sha256",
)  # fmt: skip


@dataclass(frozen=True)
class EpisodeFile:
    """The instructions of one experience.

    house, episode: which experience; frames: T, so that frames are named 0..T−1; seconds_per_step: of its clock;
    interactions: one dict each (index, thing, label, start, goal, rooms, times, steps), for readers; items in the order
    of their templates; left_out: template → why there is no item of it.
    """

    house: int
    episode: int
    frames: int
    seconds_per_step: float
    interactions: tuple[dict, ...]
    items: tuple[Item, ...]
    left_out: dict[int, str]

    @property
    def name(self) -> str:
        """As ``EpisodeLog.name``: ``"100000-0"``."""
        return f"{self.house}-{self.episode}"

    @property
    def sha256(self) -> str:
        """Hexadecimal checksum over the content."""
        return _checksum(self._content())

    def _content(self) -> dict:
        return {
            "format": FORMAT,
            "generator": EPISODE_VERSION,
            "house": self.house,
            "episode": self.episode,
            "frames": self.frames,
            "seconds_per_step": self.seconds_per_step,
            "interactions": list(self.interactions),
            "items": [asdict(item) for item in self.items],
            "left_out": {str(k): self.left_out[k] for k in sorted(self.left_out)},
        }


def episode_of(log: EpisodeLog, items: list[Item], left_out: dict[int, str]) -> EpisodeFile:
    """The episode file of an experience and its items (``generate_items``)."""
    labels = {t.id: t.label for t in log.after.things}
    interactions = tuple(
        {
            "index": i.index, "thing": i.thing, "label": labels[i.thing], "start": list(i.start), "goal": list(i.goal),
            "rooms": [i.start_room, i.goal_room], "times": [float(t) for t in i.times],
            "steps": [int(s) for s in i.steps],
        }
        for i in log.interactions
    )  # fmt: skip
    seconds = float(log.seconds_per_step)
    return EpisodeFile(log.house, log.episode, len(log.steps), seconds, interactions, tuple(items), dict(left_out))


def save_episode(path: Path, episode: EpisodeFile) -> None:
    """Write it, one item a line; readers see the old file or the new one."""
    content = episode._content()
    lines = [f'"{key}": {_json(content[key])}' for key in _KEYS[:6]]
    lines += [f'"{key}": [\n {_joined(content[key])}\n]' for key in ("interactions", "items")]
    lines += [f'"left_out": {_json(content["left_out"])}', f'"sha256": "{_checksum(content)}"']
    part = path.with_name(path.name + ".part")
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    os.replace(part, path)


def load_episode(path: Path) -> EpisodeFile:
    """The inverse of :func:`save_episode`.

    Raises InputError, naming the file and what is wrong, for a file that is missing, too large, no JSON, of another
    version, with missing, unknown or wrong fields, or with another checksum than it says.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: {size} bytes, an episode file has at most {MAX_BYTES}; give another file")
        raw = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
        return _episode(raw)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as an episode file ({error}); generate it anew") from error
    except InputError as error:
        raise error if str(error).startswith(str(path)) else InputError(f"{path}: {error}") from error


def _episode(raw: Any) -> EpisodeFile:
    _need(isinstance(raw, dict), f"a JSON object is needed, got {type(raw).__name__}")
    for name, known in (("format", FORMAT), ("generator", EPISODE_VERSION)):
        _need(raw.get(name) == known, f"{name} version {raw.get(name)!r}, this program reads {known}; generate it anew")
    _only(raw, _KEYS, "the episode file")
    content = {k: v for k, v in raw.items() if k != "sha256"}
    _need(
        raw["sha256"] == _checksum(content), "the checksum does not fit the content, the file was changed; restore it"
    )
    house, episode = _count(raw["house"], "house"), _count(raw["episode"], "episode")
    frames = _count(raw["frames"], "frames")
    seconds = raw["seconds_per_step"]
    _need(type(seconds) in (int, float) and 0 < seconds <= 86400, f"seconds_per_step {seconds!r} must be in (0, 86400]")
    name = f"{house}-{episode}"
    for key in ("interactions", "items"):
        _need(isinstance(raw[key], list), f"{key} must be a list, got {type(raw[key]).__name__}")
    interactions = tuple(_interaction(i, k, frames) for k, i in enumerate(raw["interactions"]))
    items = tuple(item_from_json(item, name, frames) for item in raw["items"])
    made = [item.template for item in items]
    _need(made == sorted(set(made)), f"items must be one a template, in order; their templates are {made}")
    return EpisodeFile(house, episode, frames, float(seconds), interactions, items, _left_out(raw["left_out"], made))


def _left_out(raw: Any, made: list[int]) -> dict[int, str]:
    missing = [t for t in range(1, TEMPLATES + 1) if t not in made]
    fits = isinstance(raw, dict) and sorted(raw) == sorted(map(str, missing))
    _need(fits, f"left_out must give a reason for each of the templates {missing} without an item, got {raw!r:.200}")
    return {t: _text(raw[str(t)], f"left_out of template {t}") for t in missing}


def _interaction(raw: Any, k: int, frames: int) -> dict:
    what = f"interaction {k}"
    _only(raw, ("index", "thing", "label", "start", "goal", "rooms", "times", "steps"), what)
    _need(raw["index"] == k, f"{what}: index {raw['index']!r} must be {k}")
    _text(raw["label"], f"{what}: label")
    for key in ("start", "goal"):
        spot = raw[key]
        _need(isinstance(spot, list) and len(spot) == 2, f"{what}: {key} must be [furniture id, surface], got {spot!r}")
        _count(spot[0], f"{what}: {key}")
        _text(spot[1], f"{what}: {key}")
    for number in (raw["thing"], *_list(raw["rooms"], 2, f"{what}: rooms")):
        _count(number, what)
    for key, kinds in (("times", (int, float)), ("steps", (int,))):
        moments = _list(raw[key], 4, f"{what}: {key}")
        ordered = all(type(m) in kinds for m in moments) and moments == sorted(moments)
        _need(ordered, f"{what}: {key} must be 4 ascending numbers, got {moments!r:.200}")
    steps = raw["steps"]
    _need(steps[0] >= 0 and steps[3] < frames, f"{what}: steps {steps} must lie in 0..{frames - 1}")
    return raw


def item_from_json(raw: Any, name: str, frames: int) -> Item:
    """The item of a JSON object made by ``dataclasses.asdict``.

    name: of its episode ("100000-0"); frames: T of the experience. Raises InputError naming the item and the field.
    """
    what = f"item {raw.get('id', '?')!s:.40}" if isinstance(raw, dict) else "an item"
    _only(raw, [f.name for f in fields(Item)], what)
    template = raw["template"]
    ok = type(template) is int and 1 <= template <= TEMPLATES
    _need(ok, f"{what}: template {template!r} must be a whole number from 1 to {TEMPLATES}")
    _need(raw["id"] == f"{name}/{template}", f"{what}: the id must be '{name}/{template}'")
    _text(raw["instruction"], f"{what}: instruction")
    choices = {"category": CATEGORIES, "group": GROUPS, "quantifier": get_args(Quantifier)}
    for key, known in (choices | {"answerable": get_args(Answerable)}).items():
        _need(raw[key] in known, f"{what}: {key} {raw[key]!r:.60} is none of {', '.join(known)}")
    _need(isinstance(raw["slots"], dict), f"{what}: slots must be an object, got {type(raw['slots']).__name__}")
    goals = tuple(_goal(goal, what) for goal in _list(raw["goals"], None, f"{what}: goals"))
    _need(bool(goals), f"{what}: there must be a goal")
    shown = tuple(_frames(f, frames, what) for f in _list(raw["frames"], len(goals), f"{what}: frames"))
    return Item(**{**raw, "goals": goals, "frames": shown})


def _goal(raw: Any, what: str) -> Goal:
    _only(raw, ("kind", "id", "surface"), f"{what}: a goal")
    known = get_args(Kind)
    _need(raw["kind"] in known, f"{what}: goal kind {raw['kind']!r:.60} is none of {', '.join(known)}")
    _count(raw["id"], f"{what}: goal id")
    _need(raw["surface"] == "" or _text(raw["surface"], f"{what}: surface"), "")
    return Goal(raw["kind"], raw["id"], raw["surface"])


def _frames(raw: Any, frames: int, what: str) -> tuple[int, ...]:
    found = _list(raw, None, f"{what}: frames of a goal")
    fits = all(type(f) is int and 0 <= f < frames for f in found) and all(map(int.__lt__, found, found[1:]))
    _need(fits, f"{what}: frames of a goal must be ascending whole numbers in 0..{frames - 1}")
    return tuple(found)


# -- small checks ------------------------------------------------------------------------------------------------


def _need(ok: bool, what: str) -> None:
    if not ok:
        raise InputError(what)


def _only(raw: Any, names, what: str) -> None:
    _need(isinstance(raw, dict), f"{what}: a JSON object is needed, got {type(raw).__name__}")
    if missing := sorted(set(names) - raw.keys()):
        raise InputError(f"{what}: missing {', '.join(missing)}; generate the file anew")
    if extra := sorted(raw.keys() - set(names)):
        raise InputError(f"{what}: unknown field {extra[0]:.60}; remove it or generate the file anew")


def _count(value: Any, what: str) -> int:
    _need(type(value) is int and 0 <= value < 2**31, f"{what}: {value!r:.60} must be a whole number >= 0")
    return value


def _text(value: Any, what: str) -> str:
    fits = isinstance(value, str) and 0 < len(value) <= MAX_TEXT
    _need(fits, f"{what} must be a text of 1 to {MAX_TEXT} characters, got {value!r:.60}")
    return value


def _list(value: Any, length: int | None, what: str) -> list:
    fits = isinstance(value, list) and length in (None, len(value))
    _need(fits, f"{what}: a list{f' of {length}' if length is not None else ''} is needed, got {value!r:.60}")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _joined(values: list) -> str:
    return ",\n ".join(map(_json, values))


def _checksum(content: dict) -> str:
    return hashlib.sha256(_json(content).encode()).hexdigest()
