"""Whether what a GGUF file says of itself goes together: engines reckon with it before they look, and fall over."""

from __future__ import annotations

from pathlib import Path

from el4ner.errors import ModelError
from el4ner.models.gguf.header import Header
from el4ner.text.printable import one_line

_COUNTS = ("block_count", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv")
_MOST = 1 << 24  # of any of them
_TOKENS = "tokenizer.ggml.tokens"
_EMBEDDING = "token_embd.weight"


def screen(path: Path, header: Header) -> None:
    """Raise `ModelError` where counts, shapes and vocabulary of a file contradict each other.

    What lacks is no matter: engines ask for what they need.
    """
    if fault := _fault(header):
        raise ModelError(f"{path}: {fault}; the file is damaged: fetch it again")


def _fault(header: Header) -> str:
    facts, shapes = header.facts, header.shapes
    kind = facts.get("general.architecture")
    counts = {key: value for key in _COUNTS if (value := facts.get(f"{kind}.{key}")) is not None}
    for key, value in counts.items():
        if type(value) is not int or not 0 < value <= _MOST:
            return f"{one_line(str(kind), 40)}.{key} is {one_line(str(value), 40)}"
    width, heads = counts.get("embedding_length", 1), counts.get("attention.head_count", 1)
    if heads % counts.get("attention.head_count_kv", heads):
        return f"{heads} heads do not share {counts['attention.head_count_kv']} keys"
    if f"{kind}.attention.key_length" not in facts and width % heads:
        return f"{heads} heads do not share {width} dimensions"
    blocks = {name.split(".")[1] for name in shapes if name.startswith("blk.")}
    if blocks and blocks != {str(number) for number in range(counts.get("block_count", len(blocks)))}:
        return f"holds {len(blocks)} blocks, and not those of {counts.get('block_count', len(blocks))}"
    tokens, embedding = header.lengths.get(_TOKENS), shapes.get(_EMBEDDING)
    if embedding is not None and "embedding_length" in counts and embedding != (width, tokens or embedding[-1]):
        return f"{_EMBEDDING} is {embedding}, with {tokens} tokens of {width} dimensions"
    for key, value in facts.items():
        if key.endswith("_token_id") and tokens and (type(value) is not int or not 0 <= value < tokens):
            return f"{one_line(key)} is {one_line(str(value), 40)} of {tokens} tokens"
    return ""
