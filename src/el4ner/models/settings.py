"""What a recipe can say of a model: one table an engine. `el4ner.models.open` opens them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """A table of a recipe. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EmbeddedSettings(Settings):
    """A model in this process. `path` is a file or folder, or `package:NAME/FILE` for a file that a package carries.

    `adapter` is a file of LoRA factors that are merged into a GGUF model on first use.
    `exact` computes in 32 bits throughout, so that a reply does not depend on what is read beside it; it is slower.
    """

    engine: Literal["openvino"]
    path: str
    adapter: str | None = None
    exact: bool = False
    device: str = "CPU"
    context: Positive | None = None


class ServerSettings(Settings):
    """A model behind an OpenAI-compatible server: see `el4ner.models.openai.engine.Endpoint`.

    `grammar` "auto" asks the server what it is. `extra` joins the body of every request. `parameters` is the number of
    weights, which no server tells: it is not used to ask, only to say what an ensemble weighs.
    """

    engine: Literal["openai"]
    base_url: str
    model: str
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: Positive = 8
    timeout: Annotated[float, Field(gt=0)] = 120.0
    retries: Count = 4
    context: Positive | None = None
    grammar: Literal["auto", "gbnf", "vllm", "json_schema", "none"] = "auto"
    logprobs: bool = True
    parameters: Positive | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class TransformersSettings(Settings):
    """A Hugging Face model in this process: see `el4ner.models.transformers.engine`.

    `path` is a folder, a `.gguf` file (also `package:NAME/FILE`), or a name on the hub, there at `revision`.
    `adapter` is a PEFT folder or a file of LoRA factors. `batch_tokens` bounds what is read and written side by side.
    """

    engine: Literal["transformers"]
    path: str
    revision: str | None = None
    adapter: str | None = None
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch_tokens: Positive = 16384
    context: Positive | None = None


ModelSettings = Annotated[EmbeddedSettings | ServerSettings | TransformersSettings, Field(discriminator="engine")]
