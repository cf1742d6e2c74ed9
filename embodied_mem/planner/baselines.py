"""Two controls: flat retrieval over frame captions (as ReMEmbR, no graph), and answering without any memory."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.planner.answers_text import say
from embodied_mem.planner.query import Query
from embodied_mem.planner.reasoner import EmbeddedReasoner
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import Answer, FrameRef, Value

BLIND_FILE = Path(__file__).parent / "data" / "blind.json"
TOP_K = 10
TIME_SHARE = 0.25  # weight of a frame's moment beside what it shows


# -- blind ------------------------------------------------------------------------------------------------------


def signatures(query: Query) -> list[str]:
    """What the blind table is looked up by, most special first."""
    label = query.target.label if query.target else ""
    kind = f"{query.kind}/{query.aspect}"
    return [f"{kind}/{label}/{query.surface}/{query.room}", f"{kind}/{label}", kind, query.kind]


def blind_table(examples: list[tuple[Query, Value, float]]) -> dict[str, dict]:
    """Most frequent answer per signature from (query, true value, question time) of development houses.

    Times are kept relative to the question (s); unanswerable questions are left out, blind never abstains.
    """
    votes: dict[str, Counter] = defaultdict(Counter)
    for query, value, now in examples:
        if value.type != "abstain":
            if value.type == "time":
                value = Value("time", round((value.data - now) / 43200) * 43200.0)
            for signature in signatures(query):
                votes[signature][json.dumps(value.to_json(), sort_keys=True)] += 1
    return {s: json.loads(min(c, key=lambda v: (-c[v], v))) for s, c in sorted(votes.items())}


@lru_cache(maxsize=2)
def _table(file: Path) -> dict[str, dict]:
    return json.loads(file.read_text()) if file.exists() else {}


@dataclass(frozen=True)
class Blind:
    """Answers from habit alone: the most frequent answer to such questions; sees nothing, never abstains."""

    name: str = "blind"
    file: Path = BLIND_FILE

    def answer(self, text: str, bench: Workbench) -> Answer:
        """Answer one question without looking at anything but its words and the clock."""
        from embodied_mem.planner.parser import parse

        try:
            query = parse(text, bench.now).query
        except InputError:
            query = None
        table = _table(self.file)
        raw = next((table[s] for s in signatures(query) if s in table), None) if query else None
        value = Value.from_json(raw) if raw else Value("bool", True)
        if value.type == "time":
            value = Value("time", bench.now + value.data)
        return Answer(value, say(query, value), 0.3, understood=query is not None)


# -- flat retrieval ---------------------------------------------------------------------------------------------


class FewFrames:
    """A palace of which only some frames are known: the rows they support, no negative evidence."""

    def __init__(self, palace, refs: set[FrameRef]) -> None:
        self._palace, self._refs = palace, refs

    def objects(self, **filters):
        rows = self._palace.objects(**filters)
        kept = ((o, tuple(f for f in o.frames if f in self._refs)) for o in rows)
        return [replace(o, frames=frames) for o, frames in kept if frames]

    def absences(self, **_):
        return []

    def __getattr__(self, name: str):
        return getattr(self._palace, name)


@dataclass
class FlatRetrieval:
    """The frames whose captions (their index labels and time) embed nearest to the question, and nothing else."""

    name: str = "flat_retrieval"
    k: int = TOP_K
    _known: WeakKeyDictionary = field(default_factory=WeakKeyDictionary, repr=False)

    def answer(self, text: str, bench: Workbench) -> Answer:
        """Answer one question from the top k frames, opening all of them; it never drives."""
        refs = self._nearest(text, bench.palace)
        few = Workbench(FewFrames(bench.palace, set(refs)), bench.site_map, None, bench.detector, bench.now)
        answer = EmbeddedReasoner(self.name, stopping="never").answer(text, few)
        return replace(answer, cost=replace(answer.cost, images=len(refs))) if answer.understood else answer

    def _nearest(self, text: str, palace) -> list[FrameRef]:
        from embodied_mem.planner.encoder import INSTALL, shared_encoder

        encoder, visits = shared_encoder(), tuple(palace.visits())
        if encoder is None:
            raise ModuleNotFoundError(f"flat retrieval needs the sentence encoder; run: {INSTALL}")
        if self._known.get(palace, (None,))[0] != visits:
            self._known[palace] = (visits, *embedded_frames(palace, encoder))
        _, refs, vectors = self._known[palace]
        if not refs or not text.strip():
            return []
        closeness = vectors @ encoder.encode([text])[0]
        return [refs[i] for i in np.argsort(-closeness, kind="stable")[: self.k]]


def embedded_frames(palace, encoder) -> tuple[list[FrameRef], np.ndarray]:
    """Frames (F) with a vector each (F 384): the mean of what the index saw in it, and a share of when that was.

    Only distinct words are embedded, so that thousands of frames cost no more than a vocabulary.
    """
    seen: dict[FrameRef, set[str]] = defaultdict(set)
    times: dict[FrameRef, str] = {}
    for sighting in palace.sightings():
        seen[sighting.ref].add(sighting.label)
        moment = datetime.fromtimestamp(sighting.time, timezone.utc)
        times[sighting.ref] = f"on {moment:%A %d %B} {'morning' if moment.hour < 13 else 'evening'}"
    refs = sorted(seen, key=lambda r: (r.visit, r.index))
    words = sorted({label for labels in seen.values() for label in labels} | set(times.values()))
    vector = dict(zip(words, encoder.encode(words), strict=True))
    rows = [np.mean([vector[w] for w in sorted(seen[r])], axis=0) + TIME_SHARE * vector[times[r]] for r in refs]
    return refs, np.array(rows, np.float32).reshape(len(refs), encoder.dim)
