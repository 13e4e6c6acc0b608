"""A reply while it is written, token by token, and where it ends."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from el4ner.data import SEPARATOR
from el4ner.models.base import Outcome, Reply, Token, Usage


def stop_at(text: str, stop: Sequence[str]) -> int | None:
    """Where the first of these stop strings begins; None where there is none."""
    return min((at for string in stop if (at := text.find(string)) >= 0), default=None)


class PartialReply:
    """The text and the tokens so far; `stop` are the strings of which the first ends it."""

    def __init__(self, stop: Sequence[str]) -> None:
        self.text = ""
        self._stop = stop
        self._tokens: list[Token] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, piece: bytes, logprob: float) -> str:
        """The next token's bytes and log-probability; gives its text. A character counts for the token that completes
        it."""
        token = Token(self._decoder.decode(piece), min(logprob, 0.0))
        self._tokens.append(token)
        self.text += token.text
        return token.text

    @property
    def stopped(self) -> bool:
        """Whether a stop string was written."""
        return stop_at(self.text, self._stop) is not None

    def reply(self, outcome: Outcome, usage: Usage) -> Reply:
        """What there is, with the tokens that make it up; up to the first stop string, where it is done."""
        end = stop_at(self.text, self._stop)
        if end is None:
            return Reply(self.text, outcome, tuple(self._tokens), usage)
        return Reply(self.text[:end], Outcome.DONE, _until(self._tokens, end), usage)


def _until(tokens: Sequence[Token], end: int) -> tuple[Token, ...]:
    """The tokens of the first `end` characters of a reply, the last one cut to them."""
    kept, at = [], 0
    for token in tokens:
        if at < end:
            kept.append(Token(token.text[: end - at], token.logprob))
        at += len(token.text)
    return tuple(kept)


class Listed:
    """The entries so far. `repeats` counts how many in a row, up to the last, were there before."""

    def __init__(self) -> None:
        self.repeats = 0
        self._seen: set[str] = set()
        self._rest = ""

    def write(self, piece: str) -> None:
        """Some more of the text."""
        *entries, self._rest = (self._rest + piece).split(SEPARATOR)
        for entry in map(str.strip, entries):
            self.repeats = self.repeats + 1 if entry in self._seen else 0
            self._seen.add(entry)
