"""ReLIC's transformer: attention over every episode of the trial, rotary code of the episode's index, a sink.

Positions: the step inside the episode is a learned code of the encoder; the episode's index rotates queries and keys,
so attention knows how many episodes ago something was (``ago: steps``: how many steps ago; not ReLIC's). With
``across: false`` (no inter-episode attention, the control) a token sees its own episode only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.errors import ConfigError
from embodied_mem.policies.attention import (
    SHARP,
    SINKS,
    Sink,
    Span,
    attend,
    attend_one,
    rotate,
    rotation,
    spans,
    visible,
    with_sink,
)
from embodied_mem.policies.encoder import Encoder, GatedMLP, Heads
from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.tokens import Spec, Tokens
from embodied_mem.policies.vision import VisionConfig


@dataclass(frozen=True)
class RelicConfig:
    """The tiny size by default; small is 4 layers, 8 heads, width 256, hidden 1024."""

    width: int = field(default=64, metadata={"min": 8, "max": 4096})
    layers: int = field(default=2, metadata={"min": 1, "max": 64})
    heads: int = field(default=4, metadata={"min": 1, "max": 64})
    kv_heads: int | None = field(default=None, metadata={"min": 1, "max": 64})
    """Fewer keys and values than queries, each shared by a group of heads; none: as many."""
    hidden: int = field(default=128, metadata={"min": 8, "max": 16384})
    sink: str = field(default="kv", metadata={"choices": SINKS})
    across: bool = True
    budget: int | None = field(default=None, metadata={"min": 1, "max": 10_000_000})
    ago: str = field(default="episodes", metadata={"choices": ("episodes", "steps")})
    """What the rotary code counts. Steps tell moments of one episode apart by their distance in time, but the order in
    which episodes were lived is then part of what is learned."""
    drop_path: float = field(default=0.0, metadata={"min": 0.0, "max": 0.9})
    match: bool = False
    """Keys of the first layer begin as queries: what is remembered is asked for by what it is like from the start."""
    half_cache: bool = False
    """While acting, remember in bfloat16: half the bytes, outputs to about two digits."""
    vision: VisionConfig = VisionConfig()

    @property
    def groups(self) -> int:
        """How many heads there are keys and values for."""
        return self.kv_heads or self.heads


@dataclass
class KeyValues:
    """What was computed of the past: [L, B, G, S + C, D], S sinks first, then C slots written in turn."""

    keys: Tensor
    values: Tensor
    episode: Tensor
    """[B, C] int64: the episode of each slot."""
    length: int = 0
    """Tokens so far; the token t stands in slot t modulo C."""


class Relic(Policy):
    """See the module. The budget is in tokens kept (a window over the trial); None keeps all of them."""

    Config = RelicConfig

    def __init__(self, spec: Spec, config: RelicConfig = RelicConfig()) -> None:
        super().__init__(spec)
        if config.width % (2 * config.heads):
            raise ConfigError(f"policy.width: {config.width} must be a multiple of 2 × heads = {2 * config.heads}")
        if config.heads % config.groups:
            raise ConfigError(f"policy.heads: {config.heads} must be a multiple of kv_heads = {config.groups}")
        self.config, self.across = config, config.across
        self.encoder = Encoder(spec, config.width, config.vision)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        if config.match:
            self.blocks[0].match(SHARP)
        self.heads = Heads(config.width, spec)
        self.token = nn.Parameter(torch.randn(config.width) * 0.02) if config.sink == "token" else None
        self._sinks = 0 if config.sink == "none" else 1

    def forward(self, trial: Tokens, since: int = 0) -> Output:
        return self._run(trial, None, since)

    def newest(self, trial: Tokens, since: int) -> Output:
        return self(trial, since)

    def replay(self, trial: Tokens, capacity: int = 0) -> tuple[Output, KeyValues]:
        batch, length = trial["step"].shape
        state = self.init_state(batch, max(capacity, length))
        output = self._run(trial, state)
        state.length = length
        return output, state

    def init_state(self, batch: int, capacity: int = 0) -> KeyValues:
        c = self.config
        slots = c.budget or max(capacity, 16)
        like = self.heads.out.weight
        shape = (c.layers, batch, c.groups, self._sinks + slots, c.width // c.heads)
        keys, values = (torch.zeros(shape, dtype=torch.bfloat16 if c.half_cache else like.dtype, device=like.device)
                        for _ in range(2))  # fmt: skip
        state = KeyValues(keys, values, torch.full((batch, slots), -1, dtype=torch.int64, device=like.device))
        if self._sinks:
            for layer, (key, value) in enumerate(self._sink_pairs()):
                state.keys[layer, :, :, 0], state.values[layer, :, :, 0] = key, value
        return state

    @torch.no_grad()
    def step(self, tokens: Tokens, state: KeyValues) -> tuple[Output, KeyValues]:
        slots = state.episode.shape[1]
        if state.length >= slots and self.config.budget is None:
            state, slots = _doubled(state), 2 * slots
        slot, used = state.length % slots, min(state.length + 1, slots)
        state.episode[:, slot] = tokens["episode"]
        mask = None
        if not self.config.across:
            own = state.episode[:, :used] == tokens["episode"][:, None]
            mask = F.pad(own, (self._sinks, 0), value=True)[:, None, None]
        x = self.encoder(tokens)[:, None]
        turn = self._rotation({k: tokens[k][:, None] for k in ("step", "episode")}, state.length)
        for block, keys, values in zip(self.blocks, state.keys, state.values, strict=True):
            x = block.step(x, turn, keys, values, self._sinks + slot, self._sinks + used, mask)
        after = KeyValues(state.keys, state.values, state.episode, state.length + 1)
        return self.heads(x[:, 0]), after

    def state_bytes(self, state: KeyValues) -> int:
        return 2 * state.keys.numel() * state.keys.element_size()

    def _run(self, trial: Tokens, state: KeyValues | None, since: int = 0) -> Output:
        """All steps at once, said of those from ``since`` on; keys and values go into ``state`` when there is one."""
        episodes = self._episodes_as_rows(trial) if state is None else None
        if episodes is not None:
            output = self._run(episodes, None)
            shape = trial["step"].shape
            return Output(*(part.reshape(*shape, *part.shape[2:])[:, since:] for part in output))
        x, index = self.encoder(trial), trial["episode"]
        mask = self._mask(index)
        turn = self._rotation(trial)
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), 1, -1), x], 1)
            turn = F.pad(turn.real, (0, 0, 0, 0, 1, 0), value=1.0) + 1j * F.pad(turn.imag, (0, 0, 0, 0, 1, 0))
            mask = None if mask is None else F.pad(F.pad(mask, (0, 0, 1, 0), value=False), (1, 0), value=True)
        keep = self._kept_paths(len(x))
        for layer, block in enumerate(self.blocks):
            first = since + int(self.token is not None) if block is self.blocks[-1] else 0  # earlier layers serve later
            x, key, value = block(x, turn, mask, None if keep is None else keep[:, layer, None, None], first)
            if state is not None:
                self._store(state, layer, key, value)
        if state is not None:
            slots = state.episode.shape[1]
            kept = torch.arange(max(0, index.shape[1] - slots), index.shape[1], device=index.device)
            state.episode[:, kept % slots] = index[:, kept]
        return self.heads(x)

    def _rotation(self, tokens: Tokens, lived: int = 0) -> Tensor:
        """The rotary code of tokens [B, T] that come after as many as were ``lived``."""
        count = tokens["episode"]
        if self.config.ago == "steps":
            now = torch.arange(lived, lived + count.shape[1], device=count.device)
            count = now.expand_as(count) if self.across else tokens["step"]
        return rotation(count, self.config.width // self.config.heads)

    def _mask(self, index: Tensor) -> Tensor | list[Span] | None:
        """What each token may look at."""
        across, budget = self.config.across, self.config.budget
        if budget is None or budget >= index.shape[1] or self.token is not None:
            return visible(index, across, budget)
        return spans(index, across, budget)

    def _store(self, state: KeyValues, layer: int, key: Tensor, value: Tensor) -> None:
        skip, slots = int(self.token is not None), state.episode.shape[1]
        length = key.shape[2] - skip
        kept = torch.arange(max(0, length - slots), length, device=key.device)
        state.keys[layer][:, :, self._sinks + kept % slots] = key[:, :, skip + kept].detach().to(state.keys.dtype)
        state.values[layer][:, :, self._sinks + kept % slots] = value[:, :, skip + kept].detach().to(state.keys.dtype)

    def _sink_pairs(self) -> list[tuple[Tensor, Tensor]]:
        """Key and value [G, D] of slot 0 in each layer, detached."""
        if self.token is None:
            return [(b.sink.key.detach(), b.sink.value.detach()) for b in self.blocks]
        pairs = []
        with torch.no_grad():
            x = self.token[None, None]
            turn = rotation(torch.zeros(1, 1, device=x.device), self.config.width // self.config.heads)
            for block in self.blocks:
                x, key, value = block(x, turn, None, None)
                pairs.append((key[0, :, 0], value[0, :, 0]))
        return pairs

    def _kept_paths(self, batch: int) -> Tensor | None:
        """[B, L] 0 or 1: which layers of which trial are passed through in this forward pass of learning."""
        if not (self.training and self.config.drop_path):
            return None
        where = self.heads.out.weight.device
        draw = torch.rand(batch, self.config.layers, generator=self.generator, device=where)
        return (draw >= self.config.drop_path).float()

    def _episodes_as_rows(self, trial: Tokens) -> Tokens | None:
        """Without attention across episodes of one length, every episode is a row of its own: the same, but faster."""
        length, cap = trial["step"].shape[1], self.spec.episode_cap
        plain = not self.config.across and self.config.budget is None and not (self.training and self.config.drop_path)
        if not plain or length <= cap or length % cap:
            return None
        steps = torch.arange(length, device=trial["step"].device) % cap
        if not torch.equal(trial["step"], steps.expand_as(trial["step"])):
            return None
        return {k: v.reshape(-1, cap, *v.shape[2:]) for k, v in trial.items()}


class Block(nn.Module):
    """Attention and gated MLP, each normed before and added after; no biases."""

    def __init__(self, config: RelicConfig) -> None:
        super().__init__()
        self.count, self.groups = config.heads, config.groups
        self.norm = nn.RMSNorm(config.width)
        head = config.width // config.heads
        self.qkv = nn.Linear(config.width, config.width + 2 * config.groups * head, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        self.mlp_norm = nn.RMSNorm(config.width)
        self.mlp = GatedMLP(config.width, config.hidden)
        own = config.sink not in ("token", "none")
        self.sink = Sink(config.sink, config.groups, head) if own else None

    def forward(
        self, x: Tensor, turn: Tensor, mask: Tensor | list[Span] | None, keep: Tensor | None, since: int = 0
    ) -> tuple[Tensor, ...]:
        """x [B, T, width]; returns the tokens from ``since`` on after the layer, and keys and values [B, G, T, D] of
        all."""
        query, key, value = self._project(x, turn)
        keys, values = (key, value) if self.sink is None else (
            with_sink(key, self.sink.key), with_sink(value, self.sink.value))  # fmt: skip
        shared = self.count // self.groups
        if shared > 1:
            keys, values = keys.repeat_interleave(shared, 1), values.repeat_interleave(shared, 1)
        seen = self.out(attend(query[:, :, since:], keys, values, mask, since).transpose(1, 2).flatten(2))
        x = x[:, since:] + (seen if keep is None else seen * keep)
        thought = self.mlp(self.mlp_norm(x))
        return x + (thought if keep is None else thought * keep), key, value

    def match(self, sharp: float) -> None:
        """Make every query what the key of its group is, both ``sharp`` times as long."""
        with torch.no_grad():
            rows = self.qkv.weight.unflatten(0, (self.count + 2 * self.groups, -1))
            keys = rows[self.count : self.count + self.groups] * sharp
            rows[self.count : self.count + self.groups] = keys
            rows[: self.count] = keys.repeat_interleave(self.count // self.groups, 0)

    def step(self, x: Tensor, turn: Tensor, keys: Tensor, values: Tensor, slot: int, used: int,
             mask: Tensor | None) -> Tensor:  # fmt: skip
        """One token [B, 1, width] over the first ``used`` slots, its own key and value put into ``slot``."""
        query, key, value = self._project(x, turn)
        keys[:, :, slot], values[:, :, slot] = key[:, :, 0], value[:, :, 0]
        query = query.reshape(len(x), self.groups, self.count // self.groups, -1).to(keys.dtype)
        seen = attend_one(query, keys[:, :, :used], values[:, :, :used], mask)
        x = x + self.out(seen.reshape(len(x), 1, -1).to(x.dtype))
        return x + self.mlp(self.mlp_norm(x))

    def _project(self, x: Tensor, turn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        qkv = self.qkv(self.norm(x)).unflatten(-1, (self.count + 2 * self.groups, -1))
        turned = rotate(qkv[..., : -self.groups, :], turn).transpose(1, 2)
        return turned[:, : self.count], turned[:, self.count :], qkv[..., -self.groups :, :].transpose(1, 2)


def _doubled(state: KeyValues) -> KeyValues:
    """The same memory with room for twice the tokens."""
    slots = state.episode.shape[1]
    grown = [F.pad(x, (0, 0, 0, slots)) for x in (state.keys, state.values)]
    return KeyValues(*grown, F.pad(state.episode, (0, slots), value=-1), state.length)
