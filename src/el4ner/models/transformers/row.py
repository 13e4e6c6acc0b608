"""One request while its reply is generated, token by token."""

from __future__ import annotations

from typing import Any

from el4ner.models.base import Outcome, Reply, Request, Usage
from el4ner.models.partial_reply import PartialReply


class Row:
    """A request, the tokens of its prompt, and the reply so far.

    `matcher` (xgrammar's) holds the reply to a grammar, None to nothing. `dice` (a `torch.Generator`) draws the tokens;
    None takes the likeliest. `cached`: how many tokens of the prompt were read for another row.
    """

    def __init__(self, request: Request, prompt: list[int], matcher: Any = None, dice: Any = None) -> None:
        self.request = request
        self.prompt = prompt
        self.matcher = matcher
        self.dice = dice
        self.cached = 0
        self._written = PartialReply(request.stop)
        self._generated = 0
        self._outcome: Outcome | None = None

    @property
    def ended(self) -> bool:
        """Whether the reply is complete."""
        return self._outcome is not None

    def take(self, token: int, piece: bytes | None, logprob: float) -> None:
        """The next token, its bytes (None: the model's end token), and its log-probability."""
        self._generated += 1
        if piece is None:
            self._outcome = Outcome.DONE
            return
        if self.matcher is not None and not self.matcher.accept_token(token):
            raise RuntimeError(f"the grammar refused the token {token} after it had allowed it")
        self._written.write(piece, logprob)
        if self._written.stopped:
            self._outcome = Outcome.DONE
        elif self._generated >= self.request.max_tokens:
            self._outcome = Outcome.CUT

    def reply(self) -> Reply:
        """The reply as far as it was generated."""
        return self._written.reply(self._outcome or Outcome.CUT, Usage(len(self.prompt), self.cached, self._generated))
