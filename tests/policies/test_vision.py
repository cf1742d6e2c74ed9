"""Images: policies act on them as they learn from them; the small CNN learns, a frozen model is not even kept."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.policies import checkpoint
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.rollout import Collector
from embodied_mem.policies.tokens import Spec
from embodied_mem.policies.train import train
from embodied_mem.policies.trainer import Trainer
from embodied_mem.sim.vector.check import check_vector_env
from embodied_mem.sim.vector.protocol import Space
from embodied_mem.tasks.darkroom.env import Darkroom
from tests.policies.agreement import check_agreement, random_trial, shaken
from tests.policies.test_learning import tiny

SMALL = {"kind": "relic", "width": 16, "heads": 2, "hidden": 16, "layers": 1}
SHAPE = (12, 9, 3)


class LitRoom(Darkroom):
    """Darkroom seen from above: where one is shines, and nothing else says it."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.cells = self.spaces["position"].size
        self.spaces = {"picture": Space("image", (self.cells, self.cells, 3))}

    def reset_trial(self, seeds, mask=None):
        return self._seen(super().reset_trial(seeds, mask))

    def step(self, actions):
        step = super().step(actions)
        return dataclasses.replace(step, obs=self._seen(step.obs))

    def _seen(self, obs):
        x, y = obs["position"].unbind(-1)
        picture = torch.zeros(self.batch, self.cells, self.cells, 3, dtype=torch.uint8)
        picture[torch.arange(self.batch), x, y] = 255
        return {"picture": picture}


@pytest.fixture
def lit(monkeypatch):
    """Darkroom's name stands for LitRoom."""
    monkeypatch.setattr("embodied_mem.tasks.darkroom.env.Darkroom", LitRoom)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny vision transformer with weights drawn at random, as transformers saves it."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
                                    image_size=16, patch_size=8)  # fmt: skip
    where = tmp_path_factory.mktemp("vision")
    transformers.ViTModel(config, add_pooling_layer=False).save_pretrained(where)
    (where / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.4] * 3, "image_std": [0.3] * 3}))
    return where


def with_images(trial: dict) -> dict:
    """A made-up trial that also has two cameras."""
    g, lead = torch.Generator().manual_seed(9), trial["step"].shape
    return trial | {k: torch.randint(256, (*lead, *SHAPE), generator=g, dtype=torch.uint8) for k in ("left", "right")}


SPEC = Spec({"place": Space("index", (2,), 5), "smell": Space("vector", (3,)), "left": Space("image", SHAPE),
             "right": Space("image", SHAPE)}, actions=4, episode_cap=9)  # fmt: skip


@pytest.fixture
def cameras(monkeypatch):
    """Made-up trials of the agreement have images."""
    monkeypatch.setattr("tests.policies.agreement.random_trial", lambda **kind: with_images(random_trial(**kind)))


@pytest.mark.parametrize("kind", ["relic", "gru", "trxl", "spatial"])
def test_every_kind_of_memory_acts_on_images_as_it_learns_from_them(cameras, kind):
    options = {"width": 16, "hidden": 16, "kind": kind} | ({} if kind == "gru" else {"heads": 2, "layers": 1})
    options |= {"trxl": {"budget": 14, "segment": 6}, "spatial": {"budget": 9, "place": "place"}}.get(kind, {})
    check_agreement(shaken(make_policy(SPEC, options)), length=20)


def test_a_policy_with_a_frozen_model_acts_as_it_learns(cameras, folder):
    check_agreement(shaken(make_policy(SPEC, {**SMALL, "vision": {"model": str(folder)}})), length=20)


def gradients(policy) -> dict[str, float]:
    """Size of the gradient of each weight of the image encoder."""
    output = policy(with_images(random_trial()))
    (output.logits.square().sum() + output.value.square().sum()).backward()
    return {n: float(p.grad.abs().sum()) for n, p in policy.encoder.images.named_parameters()}


def test_the_small_cnn_learns_from_its_first_layer_on():
    found = gradients(shaken(make_policy(SPEC, SMALL)))
    assert len(found) == 8 and all(size > 0 for size in found.values())  # a convolution and a map for each camera


def test_a_frozen_model_gets_no_gradient_and_only_its_fingerprint_is_kept(folder):
    policy = shaken(make_policy(SPEC, {**SMALL, "vision": {"model": str(folder)}}))
    assert set(gradients(policy)) == {f"eyes.{i}.out.{part}" for i in (0, 1) for part in ("weight", "bias")}
    model = policy.encoder.images.eyes[0].frozen._model
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    kept = {k for k in policy.state_dict() if "images" in k}
    assert len(kept) == 6 and {k for k in kept if "out" not in k} == {
        f"encoder.images.eyes.{i}.fingerprint" for i in (0, 1)
    }


def test_features_of_a_frozen_model_are_those_of_transformers(folder):
    """Its colours normed as its folder says, its size as it wants; the first token and the mean of the others."""
    transformers = pytest.importorskip("transformers")
    model = transformers.ViTModel.from_pretrained(folder, add_pooling_layer=False).eval()
    picture = torch.randint(256, (2, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        tokens = model((picture.permute(0, 3, 1, 2) / 255 - 0.4) / 0.3).last_hidden_state
    policy = make_policy(Spec({"eye": Space("image", (16, 16, 3))}, 2, 5), {**SMALL, "vision": {"model": str(folder)}})
    got = policy.encoder.images.eyes[0].frozen(picture)
    torch.testing.assert_close(got, torch.cat([tokens[:, 0], tokens[:, 1:].mean(1)], -1))


def test_a_checkpoint_is_refused_with_another_model_than_it_was_trained_with(folder, tmp_path):
    transformers = pytest.importorskip("transformers")
    trained = make_policy(SPEC, {**SMALL, "vision": {"model": str(folder)}})
    other = tmp_path / "other"
    torch.manual_seed(7)
    transformers.ViTModel(transformers.ViTConfig.from_pretrained(folder)).save_pretrained(other)
    policy = make_policy(SPEC, {**SMALL, "vision": {"model": str(other)}})
    with pytest.raises(InputError, match="other weights than the policy was trained with"):
        checkpoint.load_weights(policy, trained.state_dict(), "the file")


def test_what_cannot_be_used_is_refused(folder, tmp_path):
    blind = Spec({"place": Space("index", (2,), 5)}, 4, 9)
    for spec, model, why in ((SPEC, str(tmp_path), "no \\*.safetensors"), (blind, str(folder), "there is no image"),
                             (Spec({"eye": Space("image", (8, 8, 1))}, 2, 5), str(folder), "1 channels")):  # fmt: skip
        with pytest.raises(ConfigError, match=f"vision.model.*{why}"):
            make_policy(spec, {**SMALL, "vision": {"model": model}})


def test_an_environment_of_images_keeps_the_contract_and_is_lived_in(lit):
    check_vector_env(lambda batch: LitRoom(LitRoom.Config(cap=6), batch))
    env = LitRoom(LitRoom.Config(cap=6), 4)
    collector = Collector(env, make_policy(Spec.of(env), SMALL), seed=0)
    collector.begin(torch.arange(4), 12)
    trial = collector.collect(12).shuffled(torch.arange(4))
    assert trial.tokens["picture"].shape == (4, 12, env.cells, env.cells, 3)
    assert (trial.tokens["picture"].flatten(2).float().sum(-1) == 3 * 255).all()


@pytest.mark.parametrize("frozen", [False, True], ids=["learned", "frozen"])
def test_a_training_with_images_resumes_with_the_same_numbers(lit, folder, tmp_path, frozen):
    vision = {"vision": {"model": str(folder)}} if frozen else {}
    config = tiny(policy={**SMALL, **vision}, trials=4, total_steps=2 * 4 * 24, checkpoint_every=1)
    assert "picture" in Trainer(config).spec.spaces
    train(config, tmp_path / "whole", quiet=True)
    train(config, tmp_path / "cut", until=4 * 24, quiet=True)
    train(config, tmp_path / "cut", quiet=True)
    one, other = (checkpoint.read(tmp_path / name / "checkpoint.safetensors")[0] for name in ("whole", "cut"))
    assert one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
    assert any("images" in k for k in one)
