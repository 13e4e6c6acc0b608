"""Where a served model is, and how to ask there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from el4ner.errors import ConfigError

Dialect = Literal["auto", "gbnf", "vllm", "json_schema", "none"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a model is served, and how to ask there.

    `base_url` usually ends in `/v1`. The key is `api_key`, else the content of the environment variable `api_key_env`,
    else "EMPTY"; a variable that is not named is not read. `concurrency` bounds the requests under way at once.
    `timeout` (seconds) bounds each try, and the pauses of a request together; `retries` counts the further tries.
    `context` (tokens) is what the server tells if it is not given, else 4096. `extra` joins the body of every request,
    e.g. `{"chat_template_kwargs": {"enable_thinking": False}}`. Turn `logprobs` off for a server that refuses them.

    `grammar` is how constraints are said: "gbnf" (llama.cpp), "vllm" (`structured_outputs`, since its version 0.11),
    "json_schema" (`response_format`; replies are then JSON) or "none". "auto" goes by what `/models` says: gbnf for
    llama-server, vllm for vLLM; elsewhere json_schema for chats, and none for plain prompts, where the API has none.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    api_key_env: str = ""
    concurrency: int = 8
    timeout: float = 120.0
    retries: int = 4
    context: int | None = None
    grammar: Dialect = "auto"
    logprobs: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.timeout <= 0 or self.retries < 0:
            raise ConfigError(f"{self.model}: concurrency and timeout must be above zero, retries not below")
        try:
            parts = urlsplit(self.base_url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, brackets that are not closed
            sound = False
        if not sound:
            raise ConfigError(f"{self.model}: base_url {self.base_url!r} is no address; give http://HOST:PORT/v1")

    @property
    def key(self) -> str:
        """The key to send."""
        return self.api_key or os.environ.get(self.api_key_env, "") or "EMPTY"

    @property
    def root(self) -> str:
        """The address without `/v1`: where servers keep what is not of the OpenAI API."""
        return self.base_url.rstrip("/").removesuffix("/v1")
