"""A Llama in plain PyTorch, its linear layers being the frozen base plus a low-rank delta.

The delta is added to the weights, not to the activations: at this size a product of two factors costs nothing next to
another pass over every token. Rows of a batch are padded on the right, where causal attention never looks.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from adapter import Factors
from torch import Tensor, nn
from weights import LINEAR, Shape

_FUSED = (("q", "k", "v"), ("gate", "up"))


class Llama(nn.Module):
    """`a` and `b` hold the factors, in float32; everything else is frozen, in `dtype`."""

    def __init__(
        self, form: Shape, state: dict[str, np.ndarray], rank: int, alpha: float, device: str, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.form, self.scale, self.dtype = form, alpha / rank, dtype
        names = [f"{i}.{part}" for i in range(form.layers) for part in LINEAR]
        # The layers stay in float32 until the delta is added: half of a small delta would be lost in bfloat16.
        kinds = {name: torch.float32 if name in names else dtype for name in state}
        self.base = {name: torch.from_numpy(array).to(device, kinds[name]) for name, array in state.items()}
        generator = torch.Generator().manual_seed(0)
        self.a, self.b = nn.ParameterDict(), nn.ParameterDict()
        for name in names:
            rows, columns = state[name].shape
            start = torch.randn(rank, columns, generator=generator) / columns**0.5
            self.a[name.replace(".", "_")] = nn.Parameter(start.to(device))
            self.b[name.replace(".", "_")] = nn.Parameter(torch.zeros(rows, rank, device=device))
        size = state["0.q"].shape[0] // form.heads
        turns = 1.0 / form.theta ** (torch.arange(0, size, 2, device=device).float() / size)
        angles = torch.outer(torch.arange(2048, device=device).float(), turns)
        self.size = size
        self.cos = torch.cat([angles.cos()] * 2, -1).to(dtype)
        self.sin = torch.cat([-angles.sin(), angles.sin()], -1).to(dtype)

    def forward(self, tokens: Tensor, wanted: Tensor) -> Tensor:
        """Logits at the wanted positions: tokens (rows, length), wanted (rows, length) of truth values."""
        x = F.embedding(tokens, self.base["embed"])
        for layer in range(self.form.layers):
            x = self._layer(x, layer)
        return self._norm(x[wanted], "norm") @ self.base["embed"].T

    def _layer(self, x: Tensor, layer: int) -> Tensor:
        rows, length, width = x.shape
        heads, groups = self.form.heads, self.form.kv_heads
        qkv = F.linear(self._norm(x, f"{layer}.attn_norm"), self._weight(layer, *_FUSED[0]))
        qkv = qkv.view(rows, length, heads + 2 * groups, self.size).transpose(1, 2)
        turned = self._turn(qkv[:, : heads + groups], length)
        q, k, v = turned[:, :heads], turned[:, heads:], qkv[:, heads + groups :]
        k, v = (t.repeat_interleave(heads // groups, 1) for t in (k, v))
        seen = _attend(q, k, v)
        x = x + F.linear(seen.transpose(1, 2).reshape(rows, length, width), self._weight(layer, "o"))
        gate, up = F.linear(self._norm(x, f"{layer}.ffn_norm"), self._weight(layer, *_FUSED[1])).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, self._weight(layer, "down"))

    def _weight(self, layer: int, *parts: str) -> Tensor:
        return torch.cat([self._merged(f"{layer}.{part}") for part in parts])

    def _merged(self, name: str) -> Tensor:
        key = name.replace(".", "_")
        return torch.addmm(self.base[name], self.b[key], self.a[key], alpha=self.scale).to(self.dtype)

    def _turn(self, x: Tensor, length: int) -> Tensor:
        half = torch.cat([x[..., self.size // 2 :], x[..., : self.size // 2]], -1)
        return x * self.cos[:length] + half * self.sin[:length]

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.rms_norm(x, x.shape[-1:], self.base[name], self.form.epsilon)

    def factors(self) -> Factors:
        """What was learned, as numpy."""

        def array(parameter: Tensor) -> np.ndarray:
            return parameter.detach().float().cpu().numpy()

        return {key.replace("_", "."): (array(self.a[key]), array(self.b[key])) for key in self.a}

    @torch.no_grad()
    def put(self, factors: Factors) -> None:
        """Take factors over."""
        for name, (a, b) in factors.items():
            key = name.replace(".", "_")
            self.a[key].copy_(torch.from_numpy(a))
            self.b[key].copy_(torch.from_numpy(b))


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention, (rows, heads, length, size) each."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    # In bfloat16 on a CPU plain products take half the time of PyTorch's fused kernel, forth and back (430 tokens).
    length = q.shape[2]
    ahead = torch.full((length, length), float("-inf"), dtype=q.dtype, device=q.device).triu(1)
    return torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + ahead, -1) @ v
