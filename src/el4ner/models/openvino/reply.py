"""A reply that OpenVINO GenAI is writing."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from el4ner.models.base import Outcome, Reply, Request, Token, Usage
from el4ner.models.partial_reply import Listed, stop_at, until


class Reading:
    """Takes tokens from the engine's `handle` as they come, up to a stop string or until a list only repeats itself.

    The engine is not told of stop strings: it would decode the end of every sequence at every step, in threads that can
    wait for each other for ever (version 2026.4: `Sampler::sample`, `Tokenizer::decode`).

    `length` is the prompt's, in tokens; `vocabulary` holds the bytes of each token but the end of the text.
    """

    def __init__(self, handle: Any, request: Request, length: int, vocabulary: Mapping[int, bytes]) -> None:
        self._handle = handle
        self._request = request
        self._length = length
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tokens: list[Token] = []
        self._generated = 0
        self._reason: Any = None
        self._listed = Listed()
        self._text = ""
        self._ended = False

    def take(self) -> None:
        """What is new. A character's bytes count for the token that completes it."""
        while self._handle.can_read():
            for output in self._handle.read().values():
                self._reason = output.finish_reason
                self._generated += len(output.generated_ids)
                for token, logprob in zip(output.generated_ids, output.generated_log_probs, strict=True):
                    if token in self._vocabulary:
                        self._write(Token(self._decoder.decode(self._vocabulary[token]), min(logprob, 0.0)))
        if not self._ended and (self._stopped or self._stale):
            self._ended = True
            self._handle.stop()

    @property
    def _stopped(self) -> bool:
        return stop_at(self._text, self._request.stop) is not None

    @property
    def _stale(self) -> bool:
        return bool(self._request.stale) and self._listed.repeats >= self._request.stale

    def cancel(self) -> None:
        """Leave nothing behind in the engine."""
        self._handle.cancel()

    def reply(self) -> Reply:
        """What was written, once the engine has ended it."""
        import openvino_genai as genai

        self.take()
        if not self._ended and self._handle.get_status() != genai.GenerationStatus.FINISHED:
            return Reply("", Outcome.FAILED, usage=Usage(self._length), error="the key-value cache is full")
        usage = Usage(self._length, generated=self._generated)
        end = stop_at(self._text, self._request.stop)
        if end is not None:
            return Reply(self._text[:end], Outcome.DONE, until(self._tokens, end), usage)
        cut = self._ended or self._reason == genai.GenerationFinishReason.LENGTH
        return Reply(self._text, Outcome.CUT if cut else Outcome.DONE, tuple(self._tokens), usage)

    def _write(self, token: Token) -> None:
        self._tokens.append(token)
        self._text += token.text
        self._listed.write(token.text)
