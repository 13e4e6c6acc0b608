"""How many prompt tokens an engine has to read when it keeps whole blocks of what it has read.

OpenVINO GenAI 2026.4 does not tell how many tokens it found in its cache, so they are counted: its CPU plug-in keeps
blocks of 32 tokens, and looks for known blocks when a request is handed over. So a request finds what earlier batches
have read, and nothing of its own batch (eight prompts that share 600 tokens took as long as eight different ones).
The count takes the cache to be large enough, and leaves out what replies add to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BLOCK = 32


def fresh_tokens(batches: Sequence[Sequence[Sequence[int]]], block: int = BLOCK) -> int:
    """Prompt tokens that are not in the cache; `batches` are lists of prompts, a prompt being a list of tokens.

    The last token of a prompt is always read.
    """
    known: set[int] = set()
    total = 0
    for batch in batches:
        chains = [list(_blocks(prompt, block)) for prompt in batch]
        for prompt, chain in zip(batch, chains, strict=True):
            hits = next((i for i, name in enumerate(chain) if name not in known), len(chain))
            total += max(1, len(prompt) - hits * block)
        known.update(name for chain in chains for name in chain)
    return total


def _blocks(prompt: Sequence[int], block: int) -> Iterator[int]:
    """A name for each whole block of a prompt, which depends on all that stands before it."""
    name = 0
    for end in range(block, len(prompt) + 1, block):
        name = hash((name, tuple(prompt[end - block : end])))
        yield name
