"""A reply that OpenVINO GenAI is writing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from el4ner.models.base import Outcome, Reply, Request, Usage
from el4ner.models.partial_reply import Listed, PartialReply


class Reading:
    """Takes tokens from the engine's `handle` as they come, up to a stop string or until a list only repeats itself.

    The engine is not told of stop strings: it would decode the end of every sequence at every step, in threads that can
    wait for each other for ever (version 2026.4: `Sampler::sample`, `Tokenizer::decode`).

    `length` is the prompt's, in tokens; `vocabulary` holds the bytes of each token but the end of the text.
    """

    def __init__(self, handle: Any, request: Request, length: int, vocabulary: Mapping[int, bytes]) -> None:
        self._handle = handle
        self._stale = request.stale
        self._length = length
        self._vocabulary = vocabulary
        self._written = PartialReply(request.stop)
        self._listed = Listed()
        self._generated = 0
        self._reason: Any = None
        self._ended = False

    def take(self) -> None:
        """What is new."""
        while self._handle.can_read():
            for output in self._handle.read().values():
                self._reason = output.finish_reason
                self._generated += len(output.generated_ids)
                for token, logprob in zip(output.generated_ids, output.generated_log_probs, strict=True):
                    if token in self._vocabulary:
                        self._listed.write(self._written.write(self._vocabulary[token], logprob))
        if not self._ended and (self._written.stopped or 0 < self._stale <= self._listed.repeats):
            self._ended = True
            self._handle.stop()

    def cancel(self) -> None:
        """Leave nothing behind in the engine."""
        self._handle.cancel()

    def reply(self) -> Reply:
        """What was written, once the engine has ended it."""
        import openvino_genai as genai

        self.take()
        if not self._ended and self._handle.get_status() != genai.GenerationStatus.FINISHED:
            return Reply("", Outcome.FAILED, usage=Usage(self._length), error="the key-value cache is full")
        cut = self._ended or self._reason == genai.GenerationFinishReason.LENGTH
        usage = Usage(self._length, generated=self._generated)
        return self._written.reply(Outcome.CUT if cut else Outcome.DONE, usage)
