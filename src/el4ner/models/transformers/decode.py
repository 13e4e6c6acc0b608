"""Decoding a batch with a Hugging Face model: every row has its own limit, stop strings, grammar and dice.

`generate` of transformers has one configuration for all rows, so that the loop is here; the model, its attention and
its cache are the library's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import xgrammar
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from el4ner.models.transformers.row import Row

_WORTH = 64  # tokens that prompts must share to be read once


def decode(model: Any, rows: Sequence[Row], vocabulary: Mapping[int, bytes]) -> None:
    """Generate the replies of all rows, side by side.

    `vocabulary` holds the bytes of every token that does not end a reply.
    """
    rows = sorted(rows, key=lambda row: row.prompt)  # neighbours share beginnings
    with torch.inference_mode():
        cache, mask, logits = _read(model, rows)
        while True:
            chosen = _choose(logits, rows, vocabulary)
            going = [i for i, row in enumerate(rows) if not row.ended]
            if not going:
                return
            if 2 * len(going) <= len(rows):  # not at once: each time copies the cache
                keep = torch.tensor(going, device=mask.device)
                rows = [rows[i] for i in going]
                cache.batch_select_indices(keep)
                mask, chosen = mask[keep], chosen[keep]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
            logits = _forward(model, chosen[:, None], mask, cache)


def _read(model: Any, rows: Sequence[Row]) -> tuple[DynamicCache, torch.Tensor, torch.Tensor]:
    """Read the prompts; a long beginning that several share, once. Gives cache, mask, and logits after the prompts."""
    cache = DynamicCache(config=model.config)
    groups = _groups([row.prompt for row in rows])
    plain = all(type(layer) is DynamicLayer for layer in cache.layers)  # others mind gaps between tokens
    if not plain or len(groups) == len(rows):
        ids, mask = _padded([row.prompt for row in rows], model.device)
        return cache, mask, _forward(model, ids, mask, cache)
    ids, mask = _padded([rows[group[0]].prompt[:length] for group, length in groups], model.device)
    _forward(model, ids, mask, cache)
    owners = torch.tensor([number for number, (group, _) in enumerate(groups) for _ in group], device=model.device)
    cache.batch_select_indices(owners)
    for group, length in groups:
        for i in group[1:]:
            rows[i].cached = length
    lengths = [length for group, length in groups for _ in group]
    ids, rest = _padded([row.prompt[n:] for row, n in zip(rows, lengths, strict=True)], model.device)
    mask = torch.cat([mask[owners], rest], 1)
    return cache, mask, _forward(model, ids, mask, cache)


def _groups(prompts: Sequence[list[int]]) -> list[tuple[list[int], int]]:
    """Sorted prompts, by number, in groups that share a beginning of so many tokens; never the whole of a prompt."""
    groups: list[tuple[list[int], int]] = []
    for i, prompt in enumerate(prompts):
        if groups:
            group, length = groups[-1]
            common = min(_common(prompts[group[0]], prompt), len(prompt) - 1, length)
            if common >= max(_WORTH, len(prompt) // 2, length // 2):
                groups[-1] = [*group, i], common
                continue
        groups.append(([i], len(prompt) - 1))
    return groups


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _padded(prompts: Sequence[list[int]], device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids (rows, longest), padded on the left, and the mask that hides the padding."""
    gaps = [max(map(len, prompts)) - len(prompt) for prompt in prompts]
    ids = [[0] * gap + prompt for gap, prompt in zip(gaps, prompts, strict=True)]
    mask = [[0] * gap + [1] * len(prompt) for gap, prompt in zip(gaps, prompts, strict=True)]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _forward(model: Any, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    """Logits (rows, vocabulary) after the last token of each row, in 32 bits; the cache grows by `ids`."""
    places = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    output = model(input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache, logits_to_keep=1)
    logits: torch.Tensor = output.logits[:, -1].float()
    return logits


def _choose(logits: torch.Tensor, rows: Sequence[Row], vocabulary: Mapping[int, bytes]) -> torch.Tensor:
    """The next token of each row, handed to it with its log-probability under the unconstrained model."""
    held = _held(logits, rows)
    chosen = held.argmax(-1)
    for i, row in enumerate(rows):
        if row.dice is not None:
            chances = (held[i] / row.request.temperature).softmax(-1).cpu()
            chosen[i] = torch.multinomial(chances, 1, generator=row.dice)[0]
    logprobs = logits.gather(1, chosen[:, None])[:, 0] - logits.logsumexp(-1)
    for row, token, logprob in zip(rows, chosen.tolist(), logprobs.tolist(), strict=True):
        if not row.ended:
            row.take(token, vocabulary.get(token), logprob)
    return chosen


def _held(logits: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
    """The logits, what a row's grammar forbids at minus infinity."""
    held = [i for i, row in enumerate(rows) if row.matcher is not None and not row.ended]
    if not held:
        return logits
    bits = xgrammar.allocate_token_bitmask(len(rows), logits.shape[1])  # all ones
    for i in held:
        rows[i].matcher.fill_next_token_bitmask(bits, i)
    # Unpacked here: xgrammar's own way needs a kernel for each kind of device.
    allowed = (bits.to(logits.device)[:, :, None] >> torch.arange(32, device=logits.device)) & 1
    return logits.masked_fill(allowed.flatten(1)[:, : logits.shape[1]] == 0, -torch.inf)
