"""What a recipe can say of a model behind an OpenAI-compatible server."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from el4ner.models.base import Model
from el4ner.models.settings import Count, EngineSettings, Positive

Dialect = Literal["auto", "gbnf", "vllm", "json_schema", "none"]


class OpenAISettings(EngineSettings):
    """Where a model is served, and how to ask there.

    `base_url` usually ends in `/v1`. The key is the content of the environment variable `api_key_env`, else "EMPTY".
    `concurrency` bounds the requests under way at once. `timeout` (seconds) bounds each try, and the pauses of a
    request together; `retries` counts the further tries. `context` (tokens) is what the server tells if it is not
    given, else 4096. `extra` joins the body of every request, e.g. `{"chat_template_kwargs": {"enable_thinking":
    False}}`. Turn `logprobs` off for a server that refuses them. `parameters` is the number of weights, which no server
    tells: it is not used to ask, only to say what an ensemble weighs.

    `grammar` is how constraints are said: "gbnf" (llama.cpp), "vllm" (`structured_outputs`, since its version 0.11),
    "json_schema" (`response_format`; replies are then JSON) or "none". "auto" goes by what `/models` says: gbnf for
    llama-server, vllm for vLLM; elsewhere json_schema for chats, and none for plain prompts, where the API has none.
    """

    engine: Literal["openai"]
    base_url: str
    model: str
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: Positive = 8
    timeout: Annotated[float, Field(gt=0)] = 120.0
    retries: Count = 4
    grammar: Dialect = "auto"
    logprobs: bool = True
    parameters: Positive | None = None
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, address: str) -> str:
        try:
            parts = urlsplit(address)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, brackets that are not closed
            sound = False
        if not sound:
            raise ValueError(f"{address!r} is no address; give http://HOST:PORT/v1")
        return address

    def open(self, sharing: int = 1) -> Model:
        """Get ready to ask; nobody is asked yet."""
        from el4ner.models.openai.engine import OpenAIModel

        return OpenAIModel(self)

    def count_parameters(self) -> int | None:
        """What the recipe says."""
        return self.parameters

    def real_context(self, model: Model) -> int:
        """A server's own word, not the recipe's."""
        if self.context is None:
            return model.context
        with closing(self.model_copy(update={"context": None}).open()) as free:
            return free.context

    @property
    def key(self) -> str:
        """The key to send."""
        return os.environ.get(self.api_key_env, "") or "EMPTY"

    @property
    def root(self) -> str:
        """The address without `/v1`: where servers keep what is not of the OpenAI API."""
        return self.base_url.rstrip("/").removesuffix("/v1")
