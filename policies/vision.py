"""What cameras see, as one vector: a small CNN that learns with the policy, or a vision model that stays as it is.

Which of the two is the policy's ``vision`` option. A frozen model is read from a folder that transformers has saved;
only then is that package needed. Checkpoints do not hold it but the fingerprint of its weights.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.sim.vector.protocol import Space

_CHANNELS = (16, 32, 64)  # of the first convolutions; more have as many as the last
_CELLS = 8  # along the longer side, to which convolutions bring an image
_AT_ONCE = 256  # images that go through a frozen model together


@dataclass(frozen=True)
class VisionConfig:
    """How a policy sees images."""

    model: str = ""
    """Folder of a frozen vision model (config.json, model.safetensors); empty: a small CNN that learns."""


def image_encoder(spaces: dict[str, Space], width: int, config: VisionConfig | None = None) -> ImageEncoder | None:
    """The encoder of an observation's images; none when it has none. Raises ConfigError for a model without use."""
    config = config or VisionConfig()
    fields = {k: s.shape for k, s in sorted(spaces.items()) if s.kind == "image"}
    if config.model and not fields:
        raise ConfigError(f"policy.vision.model: {config.model!r}, but there is no image in the observation, which has "
                          f"{', '.join(spaces)}; leave vision out")  # fmt: skip
    return ImageEncoder(fields, width, config) if fields else None


class ImageEncoder(nn.Module):
    """All images of an observation, uint8 [..., H, W, C] each, to the sum of their vectors [..., width]."""

    def __init__(self, fields: dict[str, tuple[int, ...]], width: int, config: VisionConfig) -> None:
        super().__init__()
        self.fields = tuple(fields)
        frozen = _Frozen(config.model) if config.model else None
        self.eyes = nn.ModuleList(
            SmallCNN(shape, width) if frozen is None else FrozenVision(frozen, shape, width)
            for shape in fields.values()
        )

    def forward(self, tokens: dict[str, Tensor]) -> Tensor:
        lead = tokens["step"].shape
        seen = [eye(tokens[k].reshape(-1, *tokens[k].shape[len(lead) :]))
                for k, eye in zip(self.fields, self.eyes, strict=True)]  # fmt: skip
        return torch.stack(seen).sum(0).reshape(*lead, -1)


class SmallCNN(nn.Module):
    """Convolutions that halve an image until it is 8 cells long or less, then one linear map."""

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        (high, wide, channels), layers = shape, []
        while not layers or max(high, wide) > _CELLS:
            out = _CHANNELS[min(len(layers) // 2, len(_CHANNELS) - 1)]
            layers += [nn.Conv2d(channels, out, 3, stride=2, padding=1), nn.SiLU()]
            channels, high, wide = out, (high + 1) // 2, (wide + 1) // 2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * high * wide, width))

    def forward(self, images: Tensor) -> Tensor:
        """[N, width] of uint8 [N, H, W, C]."""
        return self.layers(_pixels(images) - 0.5)


class FrozenVision(nn.Module):
    """Features of a vision model that does not learn, and a linear map that does."""

    def __init__(self, frozen: _Frozen, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        if shape[-1] != 3:
            raise ConfigError(f"policy.vision.model: images {shape} have {shape[-1]} channels, a vision model reads 3")
        self.frozen = frozen  # no module of ours: neither trained nor kept in checkpoints
        self.register_buffer("fingerprint", frozen.fingerprint)
        self.out = nn.Linear(frozen(torch.zeros(1, *shape, dtype=torch.uint8)).shape[-1], width)

    def forward(self, images: Tensor) -> Tensor:
        """[N, width] of uint8 [N, H, W, 3]."""
        return self.out(torch.cat([self.frozen(some) for some in images.split(_AT_ONCE)]))

    def _load_from_state_dict(self, state: dict, prefix: str, *rest: Any) -> None:
        saved = state.get(f"{prefix}fingerprint")
        if saved is not None and not torch.equal(saved.cpu(), self.frozen.fingerprint):
            raise InputError(f"policy.vision.model: {self.frozen.folder} holds other weights than the policy was "
                             "trained with; give it the model it had then")  # fmt: skip
        super()._load_from_state_dict(state, prefix, *rest)


class _Frozen:
    """A model of the transformers package from a folder, nothing fetched and nothing unpickled. Raises ConfigError."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        weights = sorted(self.folder.glob("*.safetensors"))
        if not weights:
            raise ConfigError(f"policy.vision.model: no *.safetensors in {folder!r}; give the folder of a saved model")
        self._model = _load(self.folder)
        digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in weights)).digest()
        self.fingerprint = torch.frombuffer(bytearray(digest), dtype=torch.int64)
        own = self.folder / "preprocessor_config.json"
        colours = json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
        self._mean, self._std = (torch.tensor(colours.get(k, [0.5] * 3)).view(3, 1, 1)
                                 for k in ("image_mean", "image_std"))  # fmt: skip
        size = self._model.config.image_size if hasattr(self._model.config, "image_size") else None
        self._size = (size, size) if isinstance(size, int) else size and tuple(size)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """[N, features] of uint8 [N, H, W, 3]: the first token and the mean of the others, or the mean of a map."""
        if self._model.device != images.device:
            self._model.to(images.device)
        pixels = _pixels(images)
        if self._size:
            pixels = F.interpolate(pixels, self._size, mode="bilinear", antialias=True)
        seen = self._model(pixel_values=(pixels - self._mean.to(pixels)) / self._std.to(pixels)).last_hidden_state
        return seen.mean((2, 3)) if seen.dim() == 4 else torch.cat([seen[:, 0], seen[:, 1:].mean(1)], -1)


def _load(folder: Path) -> nn.Module:
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise ConfigError("policy.vision.model needs the transformers package; install it or leave it out") from error
    try:
        model, report = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"policy.vision.model: {folder} cannot be read: {error}") from error
    lacking = sorted(k for k in report["missing_keys"] if "pooler" not in k)  # which we do not use
    if lacking or model.main_input_name != "pixel_values":
        why = f"lacks {lacking[0]}" if lacking else f"reads {model.main_input_name}, not images"
        raise ConfigError(f"policy.vision.model: {folder} {why}; give the folder of a vision model alone")
    return model.float().eval().requires_grad_(False)


def _pixels(images: Tensor) -> Tensor:
    """float32 [N, C, H, W] in 0..1."""
    return images.permute(0, 3, 1, 2).float() / 255
