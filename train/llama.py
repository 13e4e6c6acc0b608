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

    def forward(self, tokens: Tensor, branches: Tensor, wanted: Tensor) -> Tensor:
        """Logits at the wanted places: tokens, branches and wanted (truth values), (rows, length) each.

        A token sees what stands before it in its own branch and in branch 0, and is placed as if there were no other.
        """
        seen, places = _seen(branches), _places(branches)
        mask = torch.zeros(seen.shape, dtype=self.dtype, device=seen.device).masked_fill_(~seen, float("-inf"))
        turn = self.cos[places][:, None], self.sin[places][:, None]
        x = F.embedding(tokens, self.base["embed"])
        for layer in range(self.form.layers):
            x = self._layer(x, layer, mask[:, None], turn)
        return self._norm(x[wanted], "norm") @ self.base["embed"].T

    def _layer(self, x: Tensor, layer: int, mask: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        rows, length, width = x.shape
        heads, groups = self.form.heads, self.form.kv_heads
        qkv = F.linear(self._norm(x, f"{layer}.attn_norm"), self._weight(layer, *_FUSED[0]))
        qkv = qkv.view(rows, length, heads + 2 * groups, self.size).transpose(1, 2)
        turned = self._turn(qkv[:, : heads + groups], *turn)
        q, k, v = turned[:, :heads], turned[:, heads:], qkv[:, heads + groups :]
        k, v = (t.repeat_interleave(heads // groups, 1) for t in (k, v))
        seen = _attend(q, k, v, mask)
        x = x + F.linear(seen.transpose(1, 2).reshape(rows, length, width), self._weight(layer, "o"))
        gate, up = F.linear(self._norm(x, f"{layer}.ffn_norm"), self._weight(layer, *_FUSED[1])).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, self._weight(layer, "down"))

    def _weight(self, layer: int, *parts: str) -> Tensor:
        return torch.cat([self._merged(f"{layer}.{part}") for part in parts])

    def _merged(self, name: str) -> Tensor:
        key = name.replace(".", "_")
        return torch.addmm(self.base[name], self.b[key], self.a[key], alpha=self.scale).to(self.dtype)

    def _turn(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        half = torch.cat([x[..., self.size // 2 :], x[..., : self.size // 2]], -1)
        return x * cos + half * sin

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


def _seen(branches: Tensor) -> Tensor:
    """Which tokens (last axis) each token sees: (rows, length, length) of truth values."""
    own = (branches[:, None, :] == branches[:, :, None]) | (branches == 0)[:, None, :]
    return own.tril()


def _places(branches: Tensor) -> Tensor:
    """Where each token stands in its question: (rows, length)."""
    shared = (branches == 0).sum(1, keepdim=True)
    at = torch.arange(branches.shape[1], device=branches.device).expand_as(branches)
    new = F.pad(branches[:, 1:] != branches[:, :-1], (1, 0))
    return torch.where(branches == 0, at, at - torch.where(new, at, 0).cummax(1).values + shared)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention, (rows, heads, length, size) each; the mask is added to the scores."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, mask)
    # In bfloat16 on a CPU plain products take half the time of PyTorch's fused kernel, forth and back (430 tokens).
    return torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + mask, -1) @ v
