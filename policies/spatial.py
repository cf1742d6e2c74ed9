"""Spatially aware memory (SAT): single moments with codes of time and place, read place by place, written on a budget.

What is remembered is a moment's embedding; each layer chooses the ``top`` places by the mean of their moments and
attends inside those. What goes when there is no room is an eviction rule (see ``allocator.py``), or, with ``allocator:
learned`` (SAT-AMA), one that a small Q network picks (``judge.py``). Its choices are kept with the trial, so that
learning goes through the memory as it was.

The gradient flows into memory, to the encoder. A query is one moment, so the source's attention among query tokens is
left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from embodied_mem.errors import ConfigError
from embodied_mem.policies.allocator import RULES, Slots, forgotten
from embodied_mem.policies.encoder import Encoder, Heads
from embodied_mem.policies.hcam import sinusoid
from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.judge import DECISIONS, Judge
from embodied_mem.policies.places import ReaderBlock, taken
from embodied_mem.policies.tokens import Spec, Tokens
from embodied_mem.policies.vision import VisionConfig

_MAX_PLACES = 4096
_SPAN = 32  # steps that learning reads for at once, at least


@dataclass(frozen=True)
class SpatialConfig:
    """``place`` names the observation's index field that says where (a position, or a room's number)."""

    width: int = field(default=64, metadata={"min": 8, "max": 4096})
    layers: int = field(default=2, metadata={"min": 1, "max": 64})
    heads: int = field(default=4, metadata={"min": 1, "max": 64})
    hidden: int = field(default=128, metadata={"min": 8, "max": 16384})
    budget: int = field(default=256, metadata={"min": 1, "max": 10_000_000})
    top: int = field(default=4, metadata={"min": 1, "max": _MAX_PLACES})
    place: str = "position"
    cell: int = field(default=3, metadata={"min": 1, "max": 1000})
    """Positions along each axis that make one place; 1 for rooms."""
    allocator: str = field(default="mvfo", metadata={"choices": (*RULES, "learned")})
    rules: tuple[str, ...] = field(default=RULES, metadata={"choices": RULES})
    """What a learned allocator chooses from."""
    decide: str = field(default="episode", metadata={"choices": DECISIONS})
    """How often it chooses; once a trial is the source's contextual bandit."""
    explore: float = field(default=0.2, metadata={"min": 0.0, "max": 1.0})
    """Share of its choices that are random while collecting; the source's final value."""
    horizon: float = field(default=0.99, metadata={"min": 0.0, "max": 0.9999})
    """Discount of rewards after a choice, across episodes."""
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
    """Keys and values of slots per layer, written one step late: a state may be stepped again."""

    kept: list[tuple[Tensor, ...]]
    """Per layer [B, K, width] (relevance) and [B, H, K, D] twice."""
    slots: Slots
    rule: Tensor
    pending: tuple[list[tuple[Tensor, ...]], Tensor, Tensor] | None = None
    """The latest token per layer, the slot [B] it goes to, and its place [B]."""
    length: int = 0
    keys: Tensor | None = None
    """[B] int64: what a learned allocator tries out follows from these; none: it does what it thinks best."""


class Spatial(Policy):
    """See the module."""

    Config = SpatialConfig

    def __init__(self, spec: Spec, config: SpatialConfig = SpatialConfig()) -> None:
        super().__init__(spec)
        self.config = c = config
        self.cells, self.places = _places(spec, config)
        self.encoder = Encoder(spec, c.width, c.vision)
        self.blocks = nn.ModuleList(ReaderBlock(c.width, c.heads, c.hidden, c.top) for _ in range(c.layers))
        self.heads = Heads(c.width, spec.actions)
        learned = c.allocator == "learned"
        self.judge = Judge(c.width, c.rules, c.decide, c.explore, c.horizon) if learned else None

    def init_state(self, batch: int, capacity: int = 0) -> SpatialState:
        c, like = self.config, self.heads.out.weight
        shapes = [(batch, c.budget, c.width)] + [(batch, c.heads, c.budget, c.width // c.heads)] * 2
        kept = [tuple(like.new_zeros(s) for s in shapes) for _ in range(c.layers)]
        rule = torch.full((batch,), RULES.index(c.among[0]), device=like.device)
        return SpatialState(kept, Slots.empty(batch, c.budget, like.device), rule)

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
            _put(state.kept, latest, slot)
        moment, place = self._moments(tokens, t), self._place(tokens)
        rule, x = self._rule(tokens, moment, state), moment[:, None]
        member = slots.used[:, None]
        for layer, (block, kept) in enumerate(zip(self.blocks, state.kept, strict=True)):
            x, weights = block(x, kept, slots.place, self.places, member)
            if layer == 0 and t:
                slots = slots.read(weights.mean(1)[:, 0])
        slot = slots.slot_for(t, rule, self.places, self.config.among)
        pending = ([block.keep(moment[:, None]) for block in self.blocks], slot, place)
        return self.heads(x[:, 0]), replace(state, slots=slots, rule=rule, pending=pending, length=t + 1)

    def forward(self, trial: Tokens) -> Output:
        length = trial["step"].shape[1]
        time = torch.arange(length, device=trial["step"].device)
        moments, place = self._moments(trial, time), self._place(trial)
        kept = [block.keep(moments) for block in self.blocks]
        c, rules = self.config, self._rules(trial, moments)
        weights = self._first_weights(moments, kept[0]) if "least" in c.among else None
        until = forgotten(place, rules, c.budget, self.places, c.among, weights)
        parts = [self._read(moments, kept, place, until, now) for now in time.split(max(c.budget, _SPAN))]
        return self.heads(torch.cat(parts, 1))

    def _read(self, moments: Tensor, kept: list[tuple[Tensor, ...]], place: Tensor, until: Tensor, now: Tensor
              ) -> Tensor:  # fmt: skip
        """The moments of the steps ``now`` [n] through all layers, over what was in memory then: what was at the
        first of them and what was written since, so that long trials do not cost pairs of all steps."""
        first = int(now[0])
        there = (until[:, :first] >= first).nonzero()[:, 1].view(len(until), -1)  # as many in every row
        index = torch.cat([there, now.expand(len(until), -1)], 1)
        member = (index[:, None] < now[:, None]) & (now[:, None] <= until.gather(1, index)[:, None])
        x, place = moments[:, now], place.gather(1, index)
        for block, tokens in zip(self.blocks, kept, strict=True):
            x, _ = block(x, tuple(taken(part, index) for part in tokens), place, self.places, member)
        return x

    def side_loss(self, tokens: Tokens, reward: Tensor, start: int) -> Tensor | None:
        if self.judge is None or "rule" not in tokens:
            return None
        time = torch.arange(reward.shape[1], device=reward.device)
        return self.judge.loss(self._moments(tokens, time), tokens, reward, start)

    def state_bytes(self, state: SpatialState) -> int:
        tensors = [x for kept in state.kept for x in kept] + list(vars(state.slots).values())
        return sum(x.numel() * x.element_size() for x in tensors)

    def _moments(self, tokens: Tokens, time: Tensor | int) -> Tensor:
        """Embeddings of tokens with the codes of time and place."""
        width, where = self.config.width, tokens[self.config.place] // self.config.cell
        time = torch.as_tensor(time, device=where.device)
        return self.encoder(tokens) + sinusoid(time, width) + sinusoid(where, width).mean(-2)

    def _place(self, tokens: Tokens) -> Tensor:
        """Places as numbers 0..places−1."""
        number = torch.zeros_like(tokens["step"])
        for axis in (tokens[self.config.place] // self.config.cell).unbind(-1):
            number = number * self.cells + axis
        return number

    def _rule(self, tokens: Tokens, moment: Tensor, state: SpatialState) -> Tensor:
        """[B]: the rule in force at a step: as recorded, or as chosen now."""
        if self.judge is None:
            return state.rule
        if "rule" in tokens:
            return tokens["rule"]
        return self.judge.choose(moment, tokens, state.length, state.rule, state.keys)

    def _rules(self, trial: Tokens, moments: Tensor) -> Tensor:
        """[B, T]: the rules in force: as recorded, or as Q thinks best."""
        if self.judge is None:
            return torch.full_like(trial["step"], RULES.index(self.config.allocator))
        if "rule" in trial:
            return trial["rule"]
        return self.judge.best(moments, trial)

    def _first_weights(self, moments: Tensor, kept: tuple[Tensor, ...]) -> Callable[[int, Slots], Tensor]:
        """The first layer's attention at step t over what is in the slots, as the rule ``least`` asks for it."""

        def weights(t: int, slots: Slots) -> Tensor:
            relevance, keys = (taken(part, slots.time.clamp(min=0)) for part in kept[:2])
            query, member = moments[:, t : t + 1], slots.used[:, None]
            return self.blocks[0].weights(query, relevance, keys, slots.place, self.places, member).mean(1)[:, 0]

        return weights


def _places(spec: Spec, config: SpatialConfig) -> tuple[int, int]:
    """Places along an axis, and in all. Raises ConfigError where the observation does not say where it is."""
    space = spec.spaces.get(config.place)
    if space is None or space.kind != "index" or len(space.shape) != 1:
        known = [k for k, s in sorted(spec.spaces.items()) if s.kind == "index" and len(s.shape) == 1]
        raise ConfigError(f"policy.place: {config.place!r} must be an index field of the observation with one axis; "
                          f"there are: {', '.join(known) or 'none'}")  # fmt: skip
    cells = -(-space.size // config.cell)
    places = cells ** space.shape[0]
    if places > _MAX_PLACES:
        raise ConfigError(f"policy.cell: {config.cell} makes {places} places, the limit is {_MAX_PLACES}; "
                          "take larger cells")  # fmt: skip
    return cells, places


def _put(kept: list[tuple[Tensor, ...]], latest: list[tuple[Tensor, ...]], slot: Tensor) -> None:
    """Write the latest token of each layer into its slot; done twice it is the same."""
    row = torch.arange(len(slot), device=slot.device)
    for (relevance, key, value), (r, k, v) in zip(kept, latest, strict=True):
        relevance[row, slot], key[row, :, slot], value[row, :, slot] = r[:, 0], k[:, :, 0], v[:, :, 0]
