"""The forward pass of a BERT encoder (all-MiniLM-L6-v2), written out.

transformers' own BertModel gives the same numbers, but every worker process takes 10 s to import it (it brings sympy,
torch._dynamo and the quantisers). Reading the weights takes 0.3 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotag_core.errors import InputError

if TYPE_CHECKING:
    import torch


class Bert:
    """A loaded encoder: Devlin et al. 2018, post-norm layers, exact GELU."""

    def __init__(self, weights: Mapping[str, torch.Tensor], settings: Mapping[str, Any], device: torch.device) -> None:
        self._num_layers, self._num_heads = settings["num_hidden_layers"], settings["num_attention_heads"]
        self._eps = settings["layer_norm_eps"]
        self._weights = {name: tensor.to(device) for name, tensor in weights.items() if tensor.is_floating_point()}

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Last hidden states (n, length, d) of token ids (n, length); mask (n, length) is True at real tokens."""
        hidden = self._tensor("embeddings.word_embeddings.weight")[ids]  # (n, length, d)
        hidden = hidden + self._tensor("embeddings.position_embeddings.weight")[: ids.shape[1]]
        hidden = self._norm(hidden + self._tensor("embeddings.token_type_embeddings.weight")[0], "embeddings")
        for layer in range(self._num_layers):
            name = f"encoder.layer.{layer}"
            attended = self._attend(hidden, mask, f"{name}.attention.self")
            attended = self._dense(attended, f"{name}.attention.output.dense")
            hidden = self._norm(hidden + attended, f"{name}.attention.output")
            hidden = self._norm(hidden + self._feed_forward(hidden, name), f"{name}.output")
        return hidden

    def _attend(self, hidden: torch.Tensor, mask: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import scaled_dot_product_attention

        n, length, d = hidden.shape
        query, key, value = (
            self._dense(hidden, f"{name}.{part}").view(n, length, self._num_heads, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )  # (n, heads, length, d / heads)
        attended = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        return attended.transpose(1, 2).reshape(n, length, d)

    def _feed_forward(self, hidden: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import gelu

        return self._dense(gelu(self._dense(hidden, f"{name}.intermediate.dense")), f"{name}.output.dense")

    def _dense(self, hidden: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import linear

        return linear(hidden, self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias"))

    def _norm(self, hidden: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import layer_norm

        weight, bias = self._tensor(f"{name}.LayerNorm.weight"), self._tensor(f"{name}.LayerNorm.bias")
        return layer_norm(hidden, (hidden.shape[-1],), weight, bias, self._eps)

    def _tensor(self, name: str) -> torch.Tensor:
        try:
            return self._weights[name]
        except KeyError:
            raise InputError(f"these are not weights of a BERT encoder: {name} is missing") from None
