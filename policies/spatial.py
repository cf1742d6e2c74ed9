"""Spatially aware memory (SAT): single moments with codes of time and place, read place by place, written on a budget.

What is remembered is a moment's embedding; each layer chooses the ``top`` places by the mean of their moments and
attends inside those. What goes when there is no room is an eviction rule (see ``allocator.py``), or, with ``allocator:
learned`` (SAT-AMA), one that a small Q network picks (``judge.py``). Its choices are kept with the trial, so that
learning goes through the memory as it was.

The gradient flows into memory, to the encoder. A query is one moment, so the source's attention among query tokens is
left out; ``running`` puts a recurrent state before memory instead, which knows what the robot is just about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.errors import ConfigError
from embodied_mem.policies.allocator import RULES, Slots, forgotten
from embodied_mem.policies.attention import SHARP, span_of
from embodied_mem.policies.clock import Clock, sinusoid
from embodied_mem.policies.encoder import Encoder, Heads
from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.judge import DECISIONS, Judge
from embodied_mem.policies.places import Chunks, ReaderBlock, as_kept, length_of, taken
from embodied_mem.policies.running import Running
from embodied_mem.policies.tokens import Spec, Tokens
from embodied_mem.policies.vision import VisionConfig
from embodied_mem.sim.vector.protocol import POSITION

_MAX_PLACES = 4096
_UNTIL = "until"  # among a trial's tokens: the step that overwrote each
_UNIT, _WORLD = 10.0, 40.0  # metres: of a position in numbers; along an axis, places further apart than this are one


@dataclass(frozen=True)
class SpatialConfig:
    """``place`` names the observation's field that says where: an index (a position on a grid, or a room's number), or
    the position on the floor in numbers."""

    width: int = field(default=64, metadata={"min": 8, "max": 4096})
    layers: int = field(default=2, metadata={"min": 1, "max": 64})
    heads: int = field(default=4, metadata={"min": 1, "max": 64})
    hidden: int = field(default=128, metadata={"min": 8, "max": 16384})
    budget: int = field(default=256, metadata={"min": 1, "max": 10_000_000})
    top: int = field(default=4, metadata={"min": 1, "max": _MAX_PLACES})
    place: str = "position"
    cell: int = field(default=3, metadata={"min": 1, "max": 1000})
    """Positions along each axis that make one place (1 for rooms), or metres where the position is in numbers."""
    allocator: str = field(default="mvfo", metadata={"choices": (*RULES, "learned")})
    rules: tuple[str, ...] = field(default=RULES, metadata={"choices": RULES})
    """What a learned allocator chooses from."""
    decide: str = field(default="episode", metadata={"choices": DECISIONS})
    """How often it chooses; once a trial is the source's contextual bandit."""
    explore: float = field(default=0.2, metadata={"min": 0.0, "max": 1.0})
    """Share of its choices that are random while collecting; the source's final value."""
    horizon: float = field(default=0.99, metadata={"min": 0.0, "max": 0.9999})
    """Discount of rewards after a choice, across episodes."""
    codes: float = field(default=0.3, metadata={"min": 0.01, "max": 10.0})
    """How loud the codes of time and place are. At 1, the source's, they drown what a policy of width 64 sees, and it
    learns much less (docs/policies_measured.md)."""
    span: int | None = field(default=None, metadata={"min": 2, "max": 10_000_000})
    """Steps that the code of time counts; after as many it begins anew half of them later, for memory too, which
    then knows what is older as "long ago". None: it counts on. A loaded checkpoint counts what it was trained with."""
    match: bool = False
    """The first layer begins by asking for what is like the present, as in ``relic``."""
    running: int = field(default=0, metadata={"min": 0, "max": 4096})
    """Numbers of a GRU's state through which moments go: a short memory beside the long one. 0: none."""
    vision: VisionConfig = VisionConfig()

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ConfigError(f"policy.width: {self.width} must be a multiple of 2 × heads = {2 * self.heads}")
        if not self.rules or len(set(self.rules)) < len(self.rules):
            raise ConfigError(f"policy.rules: {list(self.rules)} must name one rule or more, each once")

    @property
    def among(self) -> tuple[str, ...]:
        """The rules that may come into force."""
        return self.rules if self.allocator == "learned" else (self.allocator,)


@dataclass
class SpatialState:
    """Moments in slots, written one step late: a state may be stepped again."""

    memory: Tensor
    """[B, K, width]"""
    slots: Slots
    rule: Tensor
    scale: Tensor | None = None
    """[B, K]: how long moments were before they were kept; none: their codes of time never change (no ``span``)."""
    pending: tuple[Tensor, Tensor, Tensor] | None = None
    """The latest moment [B, width], not yet as it is kept, the slot [B] it goes to, and its place [B]."""
    length: int = 0
    running: Tensor | None = None
    """[1, B, running]: the GRU's state, where there is one."""
    keys: Tensor | None = None
    """[B] int64: what a learned allocator tries out follows from these; none: it does what it thinks best."""


class Spatial(Policy):
    """See the module."""

    Config = SpatialConfig

    def __init__(self, spec: Spec, config: SpatialConfig = SpatialConfig()) -> None:
        super().__init__(spec)
        self.config = c = config
        self.clock = Clock(c.span, c.codes)
        self.cells, self.places = _places(spec, config)
        self.encoder = Encoder(spec, c.width, c.vision)
        self.running = Running(c.width, c.running) if c.running else None
        self.blocks = nn.ModuleList(ReaderBlock(c.width, c.heads, c.hidden, c.top) for _ in range(c.layers))
        if c.match:
            self.blocks[0].match(SHARP)
        self.heads = Heads(c.width, spec)
        learned = c.allocator == "learned"
        self.judge = Judge(c.width, c.rules, c.decide, c.explore, c.horizon) if learned else None

    def init_state(self, batch: int, capacity: int = 0) -> SpatialState:
        c, like = self.config, self.heads.out.weight
        rule = torch.full((batch,), RULES.index(c.among[0]), device=like.device)
        memory, scale = like.new_zeros(batch, c.budget, c.width), like.new_zeros(batch, c.budget)
        slots, running = Slots.empty(batch, c.budget, like.device), like.new_zeros(1, batch, c.running)
        return SpatialState(memory, slots, rule, scale if c.span else None, running=running if c.running else None)

    def explore(self, state: SpatialState, keys: Tensor) -> SpatialState:
        return replace(state, keys=keys)

    def lived(self, state: SpatialState) -> Tokens:
        return {} if self.judge is None else {"rule": state.rule}

    @torch.no_grad()
    def step(self, tokens: Tokens, state: SpatialState) -> tuple[Output, SpatialState]:
        t, slots = state.length, state.slots
        if state.pending is not None:
            latest, slot, place = state.pending
            slots = slots.written(slot, place, t - 1)
            # Written twice, it is the same.
            state.memory.scatter_(1, slot[:, None, None].expand(-1, 1, latest.shape[-1]), as_kept(latest)[:, None])
            if state.scale is not None:
                state.scale.scatter_(1, slot[:, None], length_of(latest)[:, None])
                state = self._counted_anew(state, slots.time, t)
        moment, place = self._moments(tokens, t - self.clock.origin(t)), self._place(tokens)
        rule = self._rule(tokens, moment, state)
        x, running = self._present(moment[:, None], state.running)
        chunks = Chunks.among(slots.place, self.places, slots.used[:, None])
        for layer, block in enumerate(self.blocks):
            x, weights = block(x, state.memory, chunks)
            if layer == 0 and t and "least" in self.config.among:
                slots = slots.read(weights.mean(1)[:, 0])
        slot = slots.slot_for(t, rule, self.places, self.config.among)
        pending = (moment, slot, place)
        return self.heads(x[:, 0]), replace(
            state, slots=slots, rule=rule, pending=pending, running=running, length=t + 1
        )

    def forward(self, trial: Tokens) -> Output:
        length = trial["step"].shape[1]
        time = torch.arange(length, device=trial["step"].device)
        moments, place = self._moments(trial, time), self._place(trial)
        until = trial[_UNTIL] if _UNTIL in trial else self._until(trial, moments)
        present, parts = self._present(self.clock.as_lived(moments))[0], []
        for origin, stretch in self.clock.stretches(time):
            memory = as_kept(self.clock.recounted(moments, time, 0, origin))
            spans = stretch.split(span_of(self.config.budget // 2, time.device))
            parts += [self._read(present, memory, place, until, now) for now in spans]
        return self.heads(torch.cat(parts, 1))

    @torch.no_grad()
    def prepared(self, trial: Tokens) -> Tokens:
        """With ``until``: every epoch learns through the memory as it was before the first, in which it was acted."""
        return {**trial, _UNTIL: self._until(trial)}

    def replay(self, trial: Tokens, capacity: int = 0) -> tuple[Output, SpatialState]:
        if self._by_weights(trial):
            return super().replay(trial, capacity)
        prepared = self.prepared(trial)
        output, (batch, length) = self(prepared), trial["step"].shape
        state, time = self.init_state(batch), torch.arange(length, device=trial["step"].device)
        kept = (prepared[_UNTIL] >= length).nonzero()[:, 1].view(batch, -1)  # as many in every row
        room = (0, self.config.budget - kept.shape[1])
        place = F.pad(self._place(trial).gather(1, kept), room)
        slots = replace(state.slots, time=F.pad(kept, room, value=-1), place=place)
        moments = self._moments(trial, time)
        running = self._present(self.clock.as_lived(moments))[1]
        moments = self.clock.recounted(moments, time, 0, self.clock.origin(length))
        moments = taken(moments, kept).detach()
        memory, rule = F.pad(as_kept(moments), (0, 0, *room)), self._rules(trial, None)[:, -1]
        scale = None if state.scale is None else F.pad(length_of(moments), room)
        state = replace(state, memory=memory, scale=scale, slots=slots, rule=rule, length=length)
        return output, replace(state, running=None if running is None else running.detach())

    def _until(self, trial: Tokens, moments: Tensor | None = None) -> Tensor:
        """[B, T]: see :func:`~embodied_mem.policies.allocator.forgotten`."""
        c = self.config
        if moments is None and self._by_weights(trial):
            moments = self._moments(trial, torch.arange(trial["step"].shape[1], device=trial["step"].device))
        rules = self._rules(trial, moments)
        weights = self._first_weights(moments) if "least" in c.among else None
        return forgotten(self._place(trial), rules, c.budget, self.places, c.among, weights)

    def _by_weights(self, trial: Tokens) -> bool:
        """Whether what goes in a trial follows from weights: attention, or a choice that is not recorded."""
        return "least" in self.config.among or (self.judge is not None and "rule" not in trial)

    def _present(self, moments: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """What reads memory: moments [B, T, width] as they were lived, after the GRU where there is one; its state."""
        return (moments, None) if self.running is None else self.running(moments, state)

    def _read(self, present: Tensor, memory: Tensor, place: Tensor, until: Tensor, now: Tensor) -> Tensor:
        """What is present at the steps ``now`` [n] through all layers, over what was in memory then: what was at the
        first of them and what was written since, so that long trials do not cost pairs of all steps."""
        first = int(now[0])
        there = (until[:, :first] >= first).nonzero()[:, 1].view(len(until), -1)  # as many in every row
        index = torch.cat([there, now.expand(len(until), -1)], 1)
        member = (index[:, None] < now[:, None]) & (now[:, None] <= until.gather(1, index)[:, None])
        x, memory = present[:, first : first + len(now)], taken(memory, index)
        chunks = Chunks.among(place.gather(1, index), self.places, member)
        for block in self.blocks:
            x, _ = block(x, memory, chunks)
        return x

    def _counted_anew(self, state: SpatialState, time: Tensor, now: int) -> SpatialState:
        """The state whose moments ([B, K], of the steps ``time``) are counted as step ``now`` counts."""
        before, after = self.clock.origin(now - 1), self.clock.origin(now)
        if before == after:
            return state
        moments = self.clock.recounted(state.memory * state.scale[..., None], time, before, after)
        return replace(state, memory=as_kept(moments), scale=length_of(moments))

    def side_loss(self, tokens: Tokens, reward: Tensor, start: int) -> Tensor | None:
        if self.judge is None or "rule" not in tokens:
            return None
        time = torch.arange(reward.shape[1], device=reward.device)
        return self.judge.loss(self.clock.as_lived(self._moments(tokens, time)), tokens, reward, start)

    def state_bytes(self, state: SpatialState) -> int:
        parts = (state.memory, *vars(state.slots).values(), state.scale, state.running)
        return sum(x.numel() * x.element_size() for x in parts if x is not None)

    def _moments(self, tokens: Tokens, time: Tensor | int) -> Tensor:
        """Embeddings of tokens with the codes of time and place."""
        width, where = self.config.width, self._where(tokens)
        time = torch.as_tensor(time, device=where.device)
        codes = self.clock.code(time, width) + self.config.codes * sinusoid(where, width).mean(-2)
        return self.encoder(tokens) + codes

    def _place(self, tokens: Tokens) -> Tensor:
        """Places as numbers 0..places−1."""
        number = torch.zeros_like(tokens["step"])
        for axis in self._where(tokens).unbind(-1):
            number = number * self.cells + axis.remainder(self.cells)
        return number

    def _where(self, tokens: Tokens) -> Tensor:
        """int64 [..., axes]: the place along each axis."""
        where, cell = tokens[self.config.place], self.config.cell
        return (where * (_UNIT / cell)).floor().long() if where.is_floating_point() else where // cell

    def _rule(self, tokens: Tokens, moment: Tensor, state: SpatialState) -> Tensor:
        """[B]: the rule in force at a step: as recorded, or as chosen now."""
        if self.judge is None:
            return state.rule
        if "rule" in tokens:
            return tokens["rule"]
        return self.judge.choose(moment, tokens, state.length, state.rule, state.keys)

    def _rules(self, trial: Tokens, moments: Tensor | None) -> Tensor:
        """[B, T]: the rules in force: as recorded, or as Q thinks best."""
        if self.judge is None:
            return torch.full_like(trial["step"], RULES.index(self.config.allocator))
        if "rule" in trial:
            return trial["rule"]
        return self.judge.best(self.clock.as_lived(moments), trial)

    def _first_weights(self, moments: Tensor) -> Callable[[int, Slots], Tensor]:
        """The first layer's attention at step t over what is in the slots, as the rule ``least`` asks for it."""
        present, memory = self._present(self.clock.as_lived(moments))[0], as_kept(moments)

        def weights(t: int, slots: Slots) -> Tensor:
            chunks = Chunks.among(slots.place, self.places, slots.used[:, None])
            written, origin = slots.time.clamp(min=0), self.clock.origin(t)
            there = taken(memory, written)
            if origin:
                there = as_kept(self.clock.recounted(taken(moments, written), written, 0, origin))
            return self.blocks[0].weights(present[:, t : t + 1], there, chunks).mean(1)[:, 0]

        return weights


def _places(spec: Spec, config: SpatialConfig) -> tuple[int, int]:
    """Places along an axis, and in all. Raises ConfigError where the observation does not say where it is."""
    space = spec.spaces.get(config.place)
    numbers = space is not None and space.kind == "vector" and config.place == POSITION
    if not numbers and (space is None or space.kind != "index" or len(space.shape) != 1):
        known = [k for k, s in sorted(spec.spaces.items()) if s.kind == "index" and len(s.shape) == 1]
        raise ConfigError(f"policy.place: {config.place!r} must be {POSITION!r} or an index field of the observation "
                          f"with one axis; there are: {', '.join(known) or 'none'}")  # fmt: skip
    cells = math.ceil((_WORLD if numbers else space.size) / config.cell)
    places = cells ** space.shape[0]
    if places > _MAX_PLACES:
        raise ConfigError(f"policy.cell: {config.cell} makes {places} places, the limit is {_MAX_PLACES}; "
                          "take larger cells")  # fmt: skip
    return cells, places
