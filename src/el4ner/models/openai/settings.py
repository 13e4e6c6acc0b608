"""What a recipe can say of a model behind an OpenAI-compatible server."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import closing
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_serializer, field_validator

from el4ner.errors import ConfigError
from el4ner.models.base import Model
from el4ner.models.openai.address import MASK, Address, masked
from el4ner.models.settings import Count, EngineSettings, Positive

_OPENAI, _OPENAI_KEY = "https://api.openai.com", "OPENAI_API_KEY"
Dialect = Literal["auto", "gbnf", "vllm", "json_schema", "none"]


class OpenAISettings(EngineSettings):
    """Where a model is served, and how to ask there.

    `base_url` usually ends in `/v1`. The key is the content of the environment variable `api_key_env`; where that is
    not given, OPENAI_API_KEY goes to https://api.openai.com, and no key ("EMPTY") anywhere else.
    `concurrency` bounds the requests under way at once. `timeout` (seconds) bounds each try, and the pauses of a
    request together; `retries` counts the further tries. After `patience` seconds without any answer the server is
    given up, and tried again now and then. `context` (tokens) is what the server tells if it is not given, else 4096.
    `thinking` is the number of tokens that a chat may spend on reasoning before its answer. `fields` renames the fields
    of a request, or leaves out those renamed to nothing, for a server that refuses them: `{max_tokens =
    "max_completion_tokens", seed = ""}`; `el4ner doctor` finds out. `extra` joins the body of every request, e.g.
    `{"chat_template_kwargs": {"enable_thinking": False}}`. Turn `logprobs` off for a server that refuses them.
    `parameters` is the number of weights, which no server tells: it is not used to ask, only to say what an ensemble
    weighs.

    `grammar` is how constraints are said: "gbnf" (llama.cpp), "vllm" (`structured_outputs`, since its version 0.11),
    "json_schema" (`response_format`; replies are then JSON) or "none". "auto" goes by what `/models` says: gbnf for
    llama-server, vllm for vLLM; elsewhere json_schema for chats, and none for plain prompts, where the API has none.
    """

    engine: Literal["openai"]
    base_url: str
    model: str
    api_key_env: str | None = None
    concurrency: Positive = 8
    timeout: Annotated[float, Field(gt=0)] = 120.0
    retries: Count = 4
    patience: Annotated[float, Field(gt=0)] = 60.0
    thinking: Count = 0
    fields: dict[str, str] = Field(default_factory=dict)
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
            raise ValueError(f"{masked(address)!r} is no address; give http://HOST:PORT/v1")
        return address

    @field_serializer("base_url")
    def _shown(self, address: str) -> str:
        return masked(address)

    @field_validator("api_key_env")
    @classmethod
    def _is_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch("(?:[A-Za-z_][A-Za-z0-9_]*)?", name):
            raise ValueError("this is no name of an environment variable; put the key into one, and give its name here")
        return name

    def open(self, sharing: int = 1) -> Model:
        """Get ready to ask; nobody is asked yet. Warns where OPENAI_API_KEY is there, but is another host's."""
        if f":{MASK}@" in self.base_url or f"={MASK}" in self.base_url:
            raise ConfigError(f"base_url {self.base_url}: its secret was masked when it was kept; write it anew")
        address = Address.of(self.base_url)
        if self.key_variable is None and not address.loopback and os.environ.get(_OPENAI_KEY):
            warnings.warn(
                f"{_OPENAI_KEY} is not sent to {address}, which is not its host; if it shall be, write"
                f' api_key_env = "{_OPENAI_KEY}"',
                stacklevel=2,
            )
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
    def key_variable(self) -> str | None:
        """The environment variable whose content goes to the server; None where none does."""
        if self.api_key_env is None:
            return _OPENAI_KEY if str(Address.of(self.base_url)) == _OPENAI else None
        return self.api_key_env

    @property
    def key(self) -> str:
        """The key to send, "" for none. Raises `ConfigError`, which does not quote it, for one that cannot be sent, and
        where it would go through the open network as it is."""
        name, address = self.key_variable, Address.of(self.base_url)
        key = os.environ.get(name, "").strip() if name else ""
        if not key.isascii() or not key.isprintable():
            raise ConfigError(f"the key in {name} holds control characters or letters that no key has; set it anew")
        if key and address.scheme == "http" and not address.near:
            raise ConfigError(f"the key in {name} would go to {address} unencrypted; use https")
        return key

    @property
    def root(self) -> str:
        """The address without `/v1`: where servers keep what is not of the OpenAI API."""
        return self.base_url.rstrip("/").removesuffix("/v1")
