"""The one interface of all policies: act with a memory (:meth:`Policy.step`), learn from a trial (``forward``).

Both must say the same, to 1e-4 in float32, at every step of a trial, across episode ends, evictions and refreshes
(:mod:`embodied_mem.policies.check` checks any policy). A policy shares :class:`~embodied_mem.policies.encoder.Encoder`
and :class:`~embodied_mem.policies.encoder.Heads` with all others and brings the memory between them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from embodied_mem.policies.tokens import Spec, Tokens

#: What a policy keeps between steps; only the policy looks inside.
State = Any


class Output(NamedTuple):
    """``logits`` [..., actions] of a categorical action, ``value`` [...] the expected return of the episode, and
    ``recalled`` [..., WAYS]: the way to where the goal was seen (``sightings.py``; [..., 0] where looks do not say)."""

    logits: Tensor
    value: Tensor
    recalled: Tensor


class Policy(nn.Module):
    """Base of all policies. ``generator`` draws what is random in learning (DropPath, ...); the trainer sets it."""

    #: A dataclass of what can be chosen; its fields are the keys of a configuration's ``policy``.
    Config: type
    #: Whether it can know in one episode of a trial what it saw in another.
    across: bool = True

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.generator: torch.Generator | None = None

    def init_state(self, batch: int, capacity: int = 0) -> State:
        """An empty memory for ``batch`` trials. ``capacity`` tokens are expected (0: unknown; memory grows)."""
        raise NotImplementedError

    def step(self, tokens: Tokens, state: State) -> tuple[Output, State]:
        """Act: tokens [B, ...] after what ``state`` remembers. Go on with the state that comes back.

        The given state may be stepped again from the same point (to look at a value and forget it), as long as the
        state that came back is no longer used.
        """
        raise NotImplementedError

    def forward(self, trial: Tokens) -> Output:
        """Learn: all steps of trials [B, T, ...] from an empty memory, each seeing what came before it only."""
        raise NotImplementedError

    def newest(self, trial: Tokens, since: int) -> Output:
        """The outputs of ``forward`` for the steps from ``since`` on, [B, T − since, ...], with the same gradients:
        what a partial update learns from. A policy that need not work out the others' outputs overrides it."""
        return Output(*(part[:, since:] for part in self(trial)))

    def replay(self, trial: Tokens, capacity: int = 0) -> tuple[Output, State]:
        """The outputs of ``forward`` and the memory as it is after the trial's steps, under the present weights."""
        batch, length = trial["step"].shape
        state, outputs = self.init_state(batch, max(capacity, length)), []
        for t in range(length):
            output, state = self.step({k: v[:, t] for k, v in trial.items()}, state)
            outputs.append(output)
        return Output(*(torch.stack(part, 1) for part in zip(*outputs, strict=True))), state

    def explore(self, state: State, keys: Tensor) -> State:
        """The state of a policy that tries things out in what it remembers; draws follow from ``keys`` [B] int64."""
        return state

    def lived(self, state: State) -> Tokens:
        """What the policy decided in its latest step besides the action, [B] each. It is kept with the trial's tokens,
        and with those in the tokens ``forward``, ``replay`` and ``step`` do the same again."""
        return {}

    def prepared(self, trial: Tokens) -> Tokens:
        """Tokens [B, T, ...] with what ``forward`` need not find out anew in every epoch: what no weight changes, or
        what learning takes as it was when the actions were chosen."""
        return trial

    def side_loss(self, tokens: Tokens, reward: Tensor, start: int) -> Tensor | None:
        """A loss for such decisions from step ``start`` on, added to that of the actions; none: nothing to learn."""
        return None

    def state_bytes(self, state: State) -> int:
        """Bytes of memory a state takes, for all its trials together."""
        raise NotImplementedError

    @property
    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())
