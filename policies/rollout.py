"""Trials as they are lived: a policy acts in a batch of houses, and what happened is kept for learning."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from embodied_mem.policies.interface import Policy
from embodied_mem.policies.tokens import Tokens, TokenStream, stack
from embodied_mem.sim.vector.draws import hashed, uniform
from embodied_mem.sim.vector.protocol import VectorEnv

_ACTIONS, _ORDER, _EXPERT = 21, 22, 26  # streams


@dataclass
class Trial:
    """B trials of T steps; every tensor is [B, T, ...]."""

    tokens: Tokens
    action: Tensor
    log_prob: Tensor
    """Of the action under the policy that took it; never recomputed."""
    reward: Tensor
    end: Tensor
    """bool: the step was the last of its episode."""
    value: Tensor
    """As predicted when acting, or by the latest refresh."""
    success: Tensor
    """bool: the goal of the step's episode was reached by then."""
    label: Tensor | None = None
    """int64: what the oracle would have done, in trials with imitation. Not a token: no policy reads it.
    −1 where the policy could not know either."""
    expert: Tensor | None = None
    """bool: the oracle acted (all through a trial), where it acts in any."""

    @property
    def length(self) -> int:
        return self.action.shape[1]

    def map(self, change) -> Trial:
        """The same trial with every tensor changed alike."""
        return Trial({k: change(v) for k, v in self.tokens.items()},
                     **{k: change(v) for k, v in self._steps().items()})  # fmt: skip

    def outline(self) -> Trial:
        """Without what was seen, which takes most of the memory."""
        return replace(self, tokens={"episode": self.tokens["episode"]})

    def rows(self, index: Tensor) -> Trial:
        """Some of the trials."""
        return self.map(lambda x: x[index])

    def followed_by(self, other: Trial) -> Trial:
        """This trial and the steps after it, with the tokens that this one has."""
        tokens = {k: torch.cat([v, other.tokens[k]], 1) for k, v in self.tokens.items()}
        return Trial(tokens, **{k: torch.cat([v, getattr(other, k)], 1) for k, v in self._steps().items()})

    def shuffled(self, keys: Tensor) -> Trial:
        """Finished episodes of each trial in another order, their indices by order; the running one stays last.

        ``keys`` [B] int64 decide the orders.
        """
        episode, end = self.tokens["episode"], self.end
        running = episode == episode[:, -1:] + end[:, -1:]  # nothing, when the last step ended its episode
        key = torch.where(running, 2.0, uniform(keys[:, None], episode))
        order = key.argsort(dim=1, stable=True)
        mixed = self.map(lambda x: x.gather(1, order.view(*order.shape, *[1] * (x.dim() - 2)).expand_as(x)))
        mixed.tokens["episode"] = (mixed.tokens["step"] == 0).cumsum(1) - 1
        return mixed

    def _steps(self) -> dict[str, Tensor]:
        """What there is beside the tokens."""
        return {k: v for k, v in vars(self).items() if k != "tokens" and v is not None}


class Collector:
    """Runs one policy in one environment, a trial at a time, a chunk of steps at a time.

    What is drawn follows from (``seed``, the trial's house seed, the step): rows do not influence each other.
    """

    def __init__(self, env: VectorEnv, policy: Policy, seed: int) -> None:
        self.env, self.policy, self.seed = env, policy, seed
        self.stream = TokenStream(env.actions, env.batch, env.device)
        self._small = [k for k, s in env.spaces.items() if s.kind == "kinds" and s.size <= 256]

    def begin(self, seeds: Tensor, capacity: int, expert: float | None = None, told: int = 0) -> None:
        """New trials with an empty memory in the houses of ``seeds``; ``capacity`` steps are to come. With ``expert``
        the oracle's actions are kept as labels, and it acts itself in this share of the trials; where the environment
        tells ``goal_known``, the policy's own steps have a label from ``told`` on."""
        self.tokens = self.stream.begin(self.env.reset_trial(seeds))
        self.keys = hashed(seeds.to(self.env.device), self.seed)
        self.state = self.policy.explore(self.policy.init_state(self.env.batch, capacity), self.keys)
        self.capacity, self.lived = capacity, 0
        self.labelled, self.told = expert is not None, told
        self.expert = uniform(self.keys, _EXPERT) < expert if expert else None

    @torch.no_grad()
    def collect(self, steps: int) -> Trial:
        """The next steps of the trials, actions sampled."""
        self.policy.eval()
        tokens, records, labels = [], [], []
        draws = uniform(self.keys, _ACTIONS, self.lived + torch.arange(steps, device=self.env.device)[:, None])
        self.lived += steps
        for u in draws:
            output, self.state = self.policy.step(self.tokens, self.state)
            kinds = {k: self.tokens[k].byte() for k in self._small}  # most of a trial's memory
            tokens.append({**self.tokens, **kinds, **self.policy.lived(self.state)})
            log_probs = output.logits.log_softmax(-1)
            action = sample(log_probs, u)
            if self.labelled:
                labels.append(self.env.oracle())
                action = action if self.expert is None else torch.where(self.expert, labels[-1], action)
            step = self.env.step(action)
            if self.labelled and "goal_known" in step.info:
                told = step.info["goal_known"] >= self.told
                labels[-1] = torch.where(told if self.expert is None else told | self.expert, labels[-1], -1)
            log_prob = log_probs.gather(1, action[:, None])[:, 0]
            records.append((action, log_prob, step.reward, step.episode_end, output.value, step.success))
            self.tokens = self.stream.after(step, action)
        lived = Trial(stack(tokens), *(torch.stack(part, 1) for part in zip(*records, strict=True)))
        lived.label = torch.stack(labels, 1) if labels else None
        lived.expert = None if self.expert is None else self.expert[:, None].expand_as(lived.end)
        return lived

    @torch.no_grad()
    def next_value(self) -> Tensor:
        """[B]: the value of what comes next, to bootstrap from; nothing is remembered of the look."""
        self.policy.eval()
        return self.policy.step(self.tokens, self.state)[0].value

    @torch.no_grad()
    def refresh(self, trial: Trial) -> Trial:
        """Memory and values of everything lived so far, computed anew with the present weights."""
        self.policy.eval()
        output, state = self.policy.replay(trial.tokens, self.capacity)
        self.state = self.policy.explore(state, self.keys)
        trial.value = output.value
        return trial

    def shuffle(self, trial: Trial) -> Trial:
        """Finished episodes in an order that is new each time."""
        return trial.shuffled(hashed(self.keys, _ORDER, self.lived))


def sample(log_probs: Tensor, u: Tensor) -> Tensor:
    """[B] actions from log-probabilities [B, A] and draws [B] in [0, 1)."""
    edges = log_probs.double().exp().cumsum(-1)
    return (edges[:, :-1] <= u[:, None] * edges[:, -1:]).sum(-1)


def by_episode(trial: Trial, what: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of ``what`` [B, T] over each finished episode, and which are finished: [B, E] each."""
    episode = trial.tokens["episode"]
    count = int(episode.max()) + 1
    sums = torch.zeros(len(episode), count, dtype=torch.float64, device=episode.device)
    sums.scatter_add_(1, episode, what.double())
    done = torch.zeros_like(sums).scatter_add_(1, episode, trial.end.double())
    return sums, done > 0
