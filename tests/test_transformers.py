"""What the transformers engine has of its own; what it shares with the others is in the contract suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract import need_torch
from contract import smollm2 as smollm2_file

from el4ner.errors import ModelError
from el4ner.models.base import Model, Outcome, Request
from el4ner.models.constraint import OneOf
from el4ner.models.open import open_models
from el4ner.recipes.load import parse_recipe

SENTENCES = [
    "In 1998 Angela Merkel met Barack Obama in New York City on Tuesday .",
    "李明在北京大学学习，后来搬到上海。",
    "Aspirin reduces the risk of stroke in 12,500 patients.",
]


def test_a_missing_extra_names_the_command() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from el4ner.errors import MissingExtraError\n"
        "from el4ner.models.transformers.engine import TransformersModel\n"
        "try: TransformersModel.open('org/model')\n"
        "except MissingExtraError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'el4ner[transformers]'" in said
    assert said.count("\n") == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two small layers with random weights, as a Hugging Face folder, and a tokenizer of bytes."""
    need_torch()
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("llama")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytewise = Tokenizer(models.BPE({**{c: i for i, c in enumerate(alphabet)}, "<end>": 256}, []))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token="<end>").save_pretrained(path)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=264,  # more than the tokenizer has, as of many models
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=256,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    return path


def opened(folder: Path, **settings: Any) -> Any:
    from el4ner.models.transformers.engine import TransformersModel

    return TransformersModel.open(folder, device="cpu", **settings)


@pytest.fixture(scope="module")
def small(folder: Path) -> Iterator[Any]:
    model = opened(folder)
    yield model
    model.close()


def logprobs(model: Model, requests: list[Request]) -> list[list[float]]:
    return [[token.logprob for token in reply.tokens] for reply in model.generate(requests)]


def questions() -> list[Request]:
    shared = "A long beginning that many questions about one text share. " * 3
    prompts = [shared + end for end in ("Who?", "Where was it?", "", "When, and of what kind?")]
    prompts += ["A", "A long beginning that", shared * 2, "Something else entirely, and not short either. " * 2]
    return [Request(prompt, 6 + number) for number, prompt in enumerate(prompts)]


def test_a_recipe_opens_a_folder(folder: Path) -> None:
    table = {
        "name": "test",
        "models": {"small": {"engine": "transformers", "path": str(folder), "device": "cpu", "context": 100}},
        "members": [{"name": "first", "model": "small"}],
    }
    model = open_models(parse_recipe(table, "test").used)["small"]
    assert model.context == 100
    assert model.generate([Request("Hello", 3)])[0].usage.generated == 3
    model.close()


def test_replies_do_not_depend_on_what_is_read_beside_them(small: Any) -> None:
    requests = questions()
    together = small.generate(requests)
    alone = [small.generate([request])[0] for request in requests]
    assert [reply.text for reply in together] == [reply.text for reply in alone]
    for one, other in zip(together, alone, strict=True):
        assert [t.logprob for t in one.tokens] == pytest.approx([t.logprob for t in other.tokens], abs=1e-4)


def test_a_beginning_that_prompts_share_is_read_once(small: Any) -> None:
    replies = small.generate(questions())
    cached = [reply.usage.cached for reply in replies]
    assert sum(tokens > 150 for tokens in cached) >= 3  # of the five that begin alike
    assert all(reply.usage.cached < reply.usage.prompt for reply in replies)
    assert all(small.generate([request])[0].usage.cached == 0 for request in questions())


def test_logprobs_are_those_of_the_model_itself(folder: Path, small: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    (reply,) = small.generate([Request("Hello", 8, constraint=OneOf(("abc",)))])
    with torch.no_grad():
        expected = model(torch.tensor([[*small._ids("Hello", True), *small._ids("abc", True), 256]])).logits
    expected = expected.log_softmax(-1)[0, range(4, 7), small._ids("abc", True)].tolist()
    assert reply.text == "abc"
    assert [token.logprob for token in reply.tokens] == pytest.approx(expected, abs=1e-4)


def test_a_seed_repeats_itself_and_another_differs(small: Any) -> None:
    asked = [Request("Hello", 24, temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (reply.text for reply in small.generate(asked))
    assert first == again != other
    assert small.generate([asked[2]])[0].text == other


def test_a_batch_that_does_not_fit_is_halved(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from el4ner.models import decode

    sizes, whole = [], decode.decode

    def narrow(model: Any, rows: Any, vocabulary: Any) -> None:
        sizes.append(len(rows))
        if len(rows) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        whole(model, rows, vocabulary)

    expected = [reply.text for reply in small.generate(questions())]
    limit = small._batch_tokens
    monkeypatch.setattr(decode, "decode", narrow)
    assert [reply.text for reply in small.generate(questions())] == expected
    assert max(sizes) == 8
    assert small._batch_tokens < limit
    small._batch_tokens = limit


def test_a_single_request_that_breaks_the_engine_fails_alone(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from el4ner.models import decode

    whole = decode.decode

    def broken(model: Any, rows: Any, vocabulary: Any) -> None:
        if any(row.request.max_tokens == 7 for row in rows):
            raise RuntimeError("no kernel\nfor that")
        whole(model, rows, vocabulary)

    monkeypatch.setattr(decode, "decode", broken)
    replies = small.generate(questions())
    assert [reply.outcome is Outcome.FAILED for reply in replies] == [n == 1 for n in range(8)]
    assert replies[1].error == "no kernel for that"


def test_a_lone_surrogate_is_no_failure(small: Any) -> None:
    assert small.generate([Request("a \ud800 b", 2)])[0].outcome is Outcome.CUT
    assert small.count(["\ud800"])[0] > 0


def test_a_model_without_a_chat_template_fails_the_chat_only(small: Any) -> None:
    from el4ner.models.base import Message

    chat, plain = small.generate([Request((Message("user", "Hello"),), 2), Request("Hello", 2)])
    assert chat.outcome is Outcome.FAILED
    assert "chat" in chat.error
    assert plain.outcome is Outcome.CUT


def adapter(path: Path, width: int = 32) -> Path:
    """A LoRA file of rank 2 as `train/` writes it, on two layers, with random factors."""
    from safetensors.numpy import save_file

    dice = np.random.default_rng(0)
    tensors: dict[str, Any] = {}
    for layer, rows, columns in (("0.q", 32, width), ("1.down", 32, 48)):
        for part, size in (("a", columns), ("b", rows)):
            tensors[f"{layer}.{part}"] = dice.integers(-127, 128, (2, size)).astype(np.int8)
            tensors[f"{layer}.{part}.scale"] = np.full((2, 1), 2e-3, np.float32)
    save_file(tensors, path, {"scale": "2.0"})
    return path


def test_an_adapter_changes_the_weights_by_its_product(folder: Path, small: Any, tmp_path: Path) -> None:
    from el4ner.models.gguf.adapter import Adapter

    path = adapter(tmp_path / "expert.safetensors")
    changed = opened(folder, adapter=path)
    for name, change in ((n, Adapter.load(path).change(n)) for n in ("0.q", "1.down")):
        place = {"0.q": "model.layers.0.self_attn.q_proj", "1.down": "model.layers.1.mlp.down_proj"}[name]
        before, after = (m._model.get_submodule(place).weight.detach().numpy() for m in (small, changed))
        np.testing.assert_allclose(after - before, change, atol=1e-6)
    assert changed.identity != small.identity
    assert logprobs(changed, questions()) != logprobs(small, questions())


def test_an_adapter_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="for another model"):
        opened(folder, adapter=adapter(tmp_path / "other.safetensors", width=64))


def test_a_peft_folder_is_merged(folder: Path, small: Any, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    import torch
    from transformers import AutoModelForCausalLM

    config = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    torch.manual_seed(1)
    trained = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config)
    trained.save_pretrained(tmp_path)
    merged = opened(folder, adapter=tmp_path)
    wanted = trained.merge_and_unload().model.layers[0].self_attn.q_proj.weight.detach().numpy()
    got = merged._model.model.layers[0].self_attn.q_proj.weight.detach().numpy()
    np.testing.assert_allclose(got, wanted, atol=1e-6)
    assert merged.identity != small.identity


@pytest.mark.parametrize("path", ["no such place!", "./nowhere", "/nowhere/at/all"])
def test_a_model_that_is_not_there_is_one_line(path: str) -> None:
    need_torch()
    from el4ner.models.transformers.engine import TransformersModel

    with pytest.raises(ModelError, match="no such model") as caught:
        TransformersModel.open(path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_holds_no_model_is_one_line(tmp_path: Path) -> None:
    need_torch()
    with pytest.raises(ModelError, match="cannot open") as caught:
        opened(tmp_path)
    assert "\n" not in str(caught.value)


def test_both_engines_give_the_same_weights_the_same_logprobs(smollm2: Model) -> None:
    need_torch()
    from el4ner.models.gguf.merge import prepared
    from el4ner.models.transformers.engine import TransformersModel

    embedded = smollm2
    here = TransformersModel.open(prepared(smollm2_file()))
    try:
        assert here.count(SENTENCES) == embedded.count(SENTENCES)
        requests = [Request(f"Text: {s}\nEntities:", 8, constraint=OneOf((" none", " person"))) for s in SENTENCES]
        requests += [Request(s, 8) for s in SENTENCES]
        for one, other in zip(here.generate(requests), embedded.generate(requests), strict=True):
            assert one.text == other.text
            assert [t.logprob for t in one.tokens] == pytest.approx([t.logprob for t in other.tokens], abs=2e-3)
    finally:
        here.close()
