"""Spatially aware memory (SAT): single moments with codes of time and place, read place by place, written on a budget.

What is remembered is a moment's embedding; each layer chooses the ``top`` places by the mean of their moments and
attends inside those. What goes when there is no room is an eviction rule (see ``allocator.py``), or, with ``allocator:
learned`` (SAT-AMA), one that a small Q network picks for each trial, each episode or each write. Q learns from what
was paid after its choice; its choices are kept with the trial, so that learning goes through the memory as it was.

The gradient flows into memory, to the encoder. A query is one moment, so the source's attention among query tokens is
left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from embodied_mem.errors import ConfigError
from embodied_mem.policies.allocator import RULES, Slots, forgotten
from embodied_mem.policies.attention import FORBIDDEN, token_weights
from embodied_mem.policies.encoder import Encoder, GatedMLP, Heads
from embodied_mem.policies.hcam import sinusoid
from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.tokens import Spec, Tokens
from embodied_mem.sim.vector.draws import integers, uniform

DECISIONS = ("trial", "episode", "write")
_MAX_PLACES = 4096
_SPAN = 32  # steps that learning reads for at once, at least
_TRIES, _WHICH = 31, 32  # streams
_Q_WEIGHT, _Q_HIDDEN = 0.1, 64  # the source's


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
        if config.width % (2 * config.heads):
            raise ConfigError(f"policy.width: {config.width} must be a multiple of 2 × heads = {2 * config.heads}")
        self.config = config
        self.cells, self.places = _places(spec, config)
        self.encoder = Encoder(spec, config.width)
        self.blocks = nn.ModuleList(ReaderBlock(config) for _ in range(config.layers))
        self.heads = Heads(config.width, spec.actions)
        if config.allocator == "learned":
            self.judge = nn.Sequential(nn.RMSNorm(config.width), nn.Linear(config.width, _Q_HIDDEN), nn.ReLU(),
                                       nn.Linear(_Q_HIDDEN, len(config.rules)))  # fmt: skip
            chosen = torch.tensor([RULES.index(r) for r in config.rules])
            self.register_buffer("choices", chosen, persistent=False)

    def init_state(self, batch: int, capacity: int = 0) -> SpatialState:
        c, like = self.config, self.heads.out.weight
        shapes = [(batch, c.budget, c.width)] + [(batch, c.heads, c.budget, c.width // c.heads)] * 2
        kept = [tuple(like.new_zeros(s) for s in shapes) for _ in range(c.layers)]
        rule = torch.full((batch,), 0 if self.learned else RULES.index(c.allocator), device=like.device)
        return SpatialState(kept, Slots.empty(batch, c.budget, like.device), rule)

    def explore(self, state: SpatialState, keys: Tensor) -> SpatialState:
        return replace(state, keys=keys)

    def lived(self, state: SpatialState) -> Tokens:
        return {"rule": state.rule} if self.learned else {}

    @property
    def learned(self) -> bool:
        return self.config.allocator == "learned"

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
            x, _ = block(x, tuple(_taken(part, index) for part in tokens), place, self.places, member)
        return x

    def side_loss(self, tokens: Tokens, reward: Tensor, start: int) -> Tensor | None:
        """How far Q is from the discounted mean reward after its choices, from step ``start`` on."""
        if not self.learned or "rule" not in tokens:
            return None
        paid, weight = torch.zeros_like(reward), torch.zeros_like(reward)
        total, norm = torch.zeros_like(reward[:, 0]), 0.0
        for t in range(reward.shape[1] - 1, -1, -1):
            total, norm = reward[:, t] + self.config.horizon * total, 1 + self.config.horizon * norm
            paid[:, t] = total / norm
        time = torch.arange(reward.shape[1], device=reward.device)
        weight = (self._decides(tokens, time) & (time >= start)).to(reward.dtype)
        chosen = (tokens["rule"][..., None] == self.choices).long().argmax(-1, keepdim=True)
        believed = self.judge(self._moments(tokens, time).detach()).gather(-1, chosen)[..., 0]
        return _Q_WEIGHT * (weight * (paid - believed).square()).sum() / weight.sum().clamp(min=1)

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

    def _decides(self, tokens: Tokens, time: Tensor | int) -> Tensor:
        """Whether a learned allocator chooses at these steps."""
        start = tokens["step"] == 0
        first = torch.as_tensor(time, device=start.device) == 0
        return {"trial": first & start, "episode": start, "write": torch.ones_like(start)}[self.config.decide]

    def _rule(self, tokens: Tokens, moment: Tensor, state: SpatialState) -> Tensor:
        """[B]: the rule in force at a step: as recorded, or as chosen now."""
        if not self.learned:
            return state.rule
        if "rule" in tokens:
            return tokens["rule"]
        choice = self.judge(moment).argmax(-1)
        if state.keys is not None:
            tries = uniform(state.keys, _TRIES, state.length) < self.config.explore
            choice = torch.where(tries, integers(len(self.choices), state.keys, _WHICH, state.length), choice)
        return torch.where(self._decides(tokens, state.length), self.choices[choice], state.rule)

    def _rules(self, trial: Tokens, moments: Tensor) -> Tensor:
        """[B, T]: the rules in force: as recorded, or as Q thinks best."""
        if not self.learned:
            return torch.full_like(trial["step"], RULES.index(self.config.allocator))
        if "rule" in trial:
            return trial["rule"]
        time = torch.arange(moments.shape[1], device=moments.device)
        since = torch.where(self._decides(trial, time), time, 0).cummax(1).values
        return self.choices[self.judge(moments).argmax(-1)].gather(1, since)

    def _first_weights(self, moments: Tensor, kept: tuple[Tensor, ...]) -> Callable[[int, Slots], Tensor]:
        """The first layer's attention at step t over what is in the slots, as the rule ``least`` asks for it."""

        def weights(t: int, slots: Slots) -> Tensor:
            relevance, keys = (_taken(part, slots.time.clamp(min=0)) for part in kept[:2])
            query, member = moments[:, t : t + 1], slots.used[:, None]
            return self.blocks[0].weights(query, relevance, keys, slots.place, self.places, member).mean(1)[:, 0]

        return weights


class ReaderBlock(nn.Module):
    """The two-level read of places, then a gated MLP; each normed before and added after."""

    def __init__(self, config: SpatialConfig) -> None:
        super().__init__()
        width, self.count, self.top = config.width, config.heads, config.top
        self.norm, self.memory_norm, self.mlp_norm = (nn.RMSNorm(width) for _ in range(3))
        self.relevant, self.summary = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.query, self.key_value = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp = GatedMLP(width, config.hidden)

    def keep(self, moments: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is kept of moments [B, n, width]: for relevance [B, n, width], keys and values [B, H, n, D]."""
        x = self.memory_norm(moments)
        key, value = self.key_value(x).unflatten(-1, (2, self.count, -1)).permute(2, 0, 3, 1, 4)
        return self.summary(x), key, value

    def forward(self, x: Tensor, kept: tuple[Tensor, ...], place: Tensor, places: int, member: Tensor
                ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """x [B, n, width] over S kept moments at ``place`` [B, S], as far as ``member`` [B, n, S]; returns it after
        the layer, and the attention weights [B, H, n, S]."""
        relevance, key, value = kept
        weights = self.weights(x, relevance, key, place, places, member)
        x = x + self.out((weights @ value).transpose(1, 2).flatten(2))
        return x + self.mlp(self.mlp_norm(x)), weights

    def weights(self, x: Tensor, relevance: Tensor, key: Tensor, place: Tensor, places: int, member: Tensor) -> Tensor:
        """[B, H, n, S]. The score of a place is that of its mean moment, which is the mean of its moments' scores."""
        x = self.norm(x)
        each = (self.relevant(x) @ relevance.transpose(1, 2)) / math.sqrt(x.shape[-1]) * member
        of = nn.functional.one_hot(place, places).to(x.dtype)
        count = member.to(x.dtype) @ of
        score = torch.where(count > 0, each @ of / count.clamp(min=1), FORBIDDEN)
        query = self.query(x).unflatten(-1, (self.count, -1)).transpose(1, 2)
        return token_weights(query, key, score, place, member, self.top)


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


def _taken(part: Tensor, index: Tensor) -> Tensor:
    """Tokens ``index`` [B, S] of what is kept of all: [B, T, width] or [B, H, T, D]."""
    index = index[..., None] if part.dim() == 3 else index[:, None, :, None]
    return part.gather(-2, index.expand(*part.shape[:-2], -1, part.shape[-1]))


def _put(kept: list[tuple[Tensor, ...]], latest: list[tuple[Tensor, ...]], slot: Tensor) -> None:
    """Write the latest token of each layer into its slot; done twice it is the same."""
    row = torch.arange(len(slot), device=slot.device)
    for (relevance, key, value), (r, k, v) in zip(kept, latest, strict=True):
        relevance[row, slot], key[row, :, slot], value[row, :, slot] = r[:, 0], k[:, :, 0], v[:, :, 0]
