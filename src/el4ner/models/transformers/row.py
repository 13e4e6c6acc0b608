"""One request while its reply is generated, token by token."""

from __future__ import annotations

import codecs
from typing import Any

from el4ner.models.base import Outcome, Reply, Request, Token, Usage
from el4ner.models.partial_reply import stop_at, until


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
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._tokens: list[Token] = []
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
        # A character's bytes count for the token that completes it.
        self._tokens.append(Token(self._decoder.decode(piece), min(logprob, 0.0)))
        self._text += self._tokens[-1].text
        if stop_at(self._text, self.request.stop) is not None:
            self._outcome = Outcome.DONE
        elif self._generated >= self.request.max_tokens:
            self._outcome = Outcome.CUT

    def reply(self) -> Reply:
        """The reply, ended at the first stop string; its tokens make it up."""
        text, tokens = self._text, tuple(self._tokens)
        end = stop_at(text, self.request.stop)
        if end is not None:
            text, tokens = text[:end], until(tokens, end)
        usage = Usage(len(self.prompt), self.cached, self._generated)
        return Reply(text, self._outcome or Outcome.CUT, tokens, usage)
