"""What a recipe can say of a model behind an OpenAI-compatible server."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from contextlib import closing
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from el4ner.errors import ConfigError
from el4ner.models.base import Model
from el4ner.models.masked import MASK, looks_like_key, secrets
from el4ner.models.openai.address import Address
from el4ner.models.openai.key import HOME, OPENAI, is_set, read_key, told, variable
from el4ner.models.outlet import Outlet
from el4ner.models.settings import Count, EngineSettings, Positive

Price = Annotated[float, Field(ge=0)]
Dialect = Literal["auto", "gbnf", "vllm", "json_schema", "none"]


class OpenAISettings(EngineSettings):
    """Where a model is served, and how to ask there.

    `base_url` usually ends in `/v1`; a user and password in it (`http://USER:PASSWORD@HOST/v1`) are sent as basic
    authentication. Otherwise the key is the content of the environment variable `api_key_env`. Where none is named,
    OPENAI_API_KEY is sent to https://api.openai.com, and to no other server; "" names none. A server without a key is
    sent the word "EMPTY". Keys go over https only, or to this machine or the local network.
    `concurrency` bounds the requests under way at once. `timeout` (seconds) bounds each try, and the pauses of a
    request together; `retries` counts the further tries. After `patience` seconds without any answer the server is
    given up, and tried again now and then. `context` (tokens) is what the server tells if it is not given, else 4096.
    `thinking` is the number of tokens that a chat may spend on reasoning before its answer. `fields` renames the fields
    of a request, or leaves out those renamed to nothing, for a server that refuses them: `{max_tokens =
    "max_completion_tokens", seed = ""}`; `el4ner doctor` finds out. `extra` joins the body of every request, e.g.
    `{"chat_template_kwargs": {"enable_thinking": False}}`. Turn `logprobs` off for a server that refuses them.
    `parameters` is the number of weights, which no server tells: it is not used to ask, only to say what an ensemble
    weighs. `price_per_million`: what a million tokens cost that are read, and that are generated, in any currency: for
    `el4ner annotate --dry-run`.

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
    price_per_million: tuple[Price, Price] | None = None
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, text: str) -> str:
        Address.parse(text)
        return text

    @field_validator("api_key_env")
    @classmethod
    def _is_variable(cls, name: str | None) -> str | None:
        if name and (looks_like_key(name) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
            raise ValueError("no name of an environment variable; a key itself has no place in a recipe")
        return name

    @model_validator(mode="after")
    def _one_way_in(self) -> OpenAISettings:
        if self.api_key_env and (self.address.user or self.address.password):
            raise ValueError("api_key_env: base_url holds a user and password, too; leave one of the two out")
        return self

    def open(self, sharing: int = 1) -> Model:
        """Get ready to ask; nobody is asked yet. Raises `ConfigError` where a key or password cannot be sent."""
        if MASK in self.secrets:
            raise ConfigError(f"model {self.model}: a password or key is masked here as {MASK}; write it in again")
        from el4ner.models.openai.engine import OpenAIModel

        return OpenAIModel(self)

    def advice(self) -> list[str]:
        """What the server wants otherwise: fields that it refuses, and whether its model reasons."""
        from el4ner.models.openai.advice import advice

        return advice(self)

    def mended(self) -> EngineSettings:
        """With the fields renamed or left out that the server refuses."""
        from el4ner.models.openai.advice import find_fields

        return self.model_copy(update={"fields": self.fields | (find_fields(self) or {})})

    def count_parameters(self) -> int | None:
        """What the recipe says."""
        return self.parameters

    def price(self) -> tuple[float, float] | None:
        """What the recipe says."""
        return self.price_per_million

    def real_context(self, model: Model) -> int:
        """A server's own word, not the recipe's."""
        if self.context is None:
            return model.context
        with closing(self.model_copy(update={"context": None}).open()) as free:
            return free.context

    def outlet(self) -> Outlet:
        """The server."""
        address, key = self.address, self.key_variable
        sent = key if is_set(key) else ""
        usual = key == OPENAI and (address.origin == HOME or address.loopback)  # as it was before keys had to be named
        return Outlet(address.origin, address.loopback, sent, bool(sent) and not usual, told(self.api_key_env, address))

    def known_by(self) -> str:
        """As before `api_key_env` could be left open, and without what changes no reply: stores of that time count."""
        named = OPENAI if self.api_key_env is None else self.api_key_env
        unused = {name for name, value in (("thinking", self.thinking), ("fields", self.fields)) if not value}
        return self.model_copy(update={"api_key_env": named}).model_dump_json(
            exclude={"patience", "price_per_million", *unused}
        )

    @property
    def address(self) -> Address:
        """`base_url` in parts."""
        return Address.parse(self.base_url)

    @property
    def key_variable(self) -> str:
        """The environment variable that the key is in; empty if none is sent."""
        return variable(self.api_key_env, self.address)

    @property
    def key(self) -> str:
        """The key to send; empty if there is none. Raises `ConfigError` for one that cannot be sent."""
        return read_key(self.key_variable)

    @property
    def secrets(self) -> Collection[str]:
        """What nobody shall read in a message or a file: the key, the password, what `extra` holds of the kind."""
        user, password = self.address.user, self.address.password
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        sent = [self.key] if not (user or password) else [password or user, basic]
        return {secret for secret in (*sent, *secrets(self.model_dump())) if secret}

    @property
    def root(self) -> str:
        """The address without `/v1`: where servers keep what is not of the OpenAI API."""
        return self.address.url.rstrip("/").removesuffix("/v1")
