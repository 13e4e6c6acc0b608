"""Adapters merged into their base models: a tiny Llama file and random factors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from el4ner.cli.commands import app
from el4ner.errors import ConfigError, DataError, ModelError
from el4ner.models.gguf.adapter import LAYERS, Adapter
from el4ner.models.gguf.build import build
from el4ner.models.gguf.merge import prepared
from el4ner.models.locate import locate
from el4ner.models.openvino.settings import OpenVINOSettings
from el4ner.recipes.export import experts, export_ollama
from el4ner.recipes.load import load_recipe, parse_recipe
from el4ner.recipes.settings import Recipe

WIDTH, HEADS = 64, 4


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("el4ner.models.gguf.merge.user_cache", lambda: tmp_path / "cache" / "el4ner")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS // 2)
    dice = np.random.default_rng(0)
    for name, rows in (("attn_q", WIDTH), ("attn_k", WIDTH // 2), ("ffn_down", WIDTH)):
        writer.add_tensor(f"blk.0.{name}.weight", dice.normal(size=(rows, WIDTH)).astype(np.float16))
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def adapter(path: Path, layers: dict[str, int], width: int = WIDTH) -> Path:
    dice = np.random.default_rng(1)
    tensors: dict[str, Any] = {}
    for layer, rows in layers.items():
        for part, size in (("a", width), ("b", rows)):
            tensors[f"{layer}.{part}"] = dice.integers(-127, 128, (2, size)).astype(np.int8)
            tensors[f"{layer}.{part}.scale"] = np.full((2, 1), 5e-3, np.float32)
    save_file(tensors, path, {"scale": "2.0"})
    return path


@pytest.fixture
def expert(tmp_path: Path) -> Path:
    return adapter(tmp_path / "reader.safetensors", {"0.q": WIDTH, "0.k": WIDTH // 2, "0.down": WIDTH})


def recipe(base: Path, *adapters: Path, **changes: Any) -> Recipe:
    models = {
        f"Tiny {n}": {"engine": "openvino", "path": str(base), "adapter": str(path)} for n, path in enumerate(adapters)
    }
    models["remote"] = {"engine": "openai", "base_url": "http://localhost:1/v1", "model": "m"}
    members = [{"name": f"m{n}", "model": name, "style": "compact"} for n, name in enumerate(models)]
    return parse_recipe({"name": "test", "models": models, "members": members, **changes}, "test")


def test_a_file_that_ends_too_early_is_told(base: Path, expert: Path) -> None:
    whole = base.read_bytes()
    for share in (30, len(whole) // 3, len(whole) - 8):
        base.write_bytes(whole[:share])
        with pytest.raises(ModelError, match=r"tiny\.gguf"):
            prepared(base, expert)


@pytest.mark.parametrize("path", ["package:SmolLM2.gguf", "package:my.models/x.gguf", "package:/x"])
def test_a_packages_file_that_is_misspelt_is_told(path: str) -> None:
    with pytest.raises(ConfigError, match="give package:NAME/FILE"):
        locate(path)


def weights(path: Path) -> dict[str, np.ndarray]:
    return {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(path).tensors}


def test_the_adapter_is_added_to_the_weights(base: Path, expert: Path) -> None:
    (made,) = build(recipe(base, expert).used)
    before, after, factors = weights(base), weights(made.path), Adapter.load(expert)
    for name, layer, heads in (("attn_q", "0.q", HEADS), ("attn_k", "0.k", HEADS // 2), ("ffn_down", "0.down", 0)):
        change = factors.change(layer)
        if heads:  # llama.cpp has the two halves of each head in turns
            half = len(change) // heads // 2
            change = np.concatenate(
                [change[h * 2 * half + np.arange(2 * half).reshape(2, half).T.ravel()] for h in range(heads)]
            )
        expected = before[f"blk.0.{name}.weight"] + change
        assert np.abs(change).max() > 0.1
        np.testing.assert_allclose(after[f"blk.0.{name}.weight"], expected, atol=np.abs(expected).max() / 200)


def test_what_is_built_is_kept_and_a_damaged_file_is_made_again(base: Path, expert: Path) -> None:
    heard: list[tuple[str, float]] = []
    (first,) = build(recipe(base, expert).used, lambda name, share: heard.append((name, share)))
    content = first.path.read_bytes()
    noted = first.path.with_name(f"{first.path.name}.sha256").read_text("utf-8")
    assert first.made
    assert first.context == 256
    assert noted == f"{hashlib.sha256(content).hexdigest()}  {first.path.name}\n"
    assert [share for _, share in heard] == sorted(share for _, share in heard)
    assert heard[-1] == ("Tiny 0", 1.0)
    assert not next(iter(build(recipe(base, expert).used))).made
    first.path.write_bytes(content[:-1])
    (again,) = build(recipe(base, expert).used)
    assert again.made
    assert again.path.read_bytes() == content
    assert not list(first.path.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("layers", "width"), [({"0.q": WIDTH}, 32), ({"7.q": WIDTH}, WIDTH), ({"0.odd": WIDTH}, WIDTH)]
)
def test_an_adapter_of_another_model_is_one_line(
    base: Path, tmp_path: Path, layers: dict[str, int], width: int
) -> None:
    other = adapter(tmp_path / "other.safetensors", layers, width)
    with pytest.raises(ModelError, match=r"other.safetensors: it is not for tiny.gguf") as caught:
        list(build(recipe(base, other).used))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.gguf*"))


def test_a_missing_file_is_one_line(base: Path, expert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere.safetensors"):
        list(build(recipe(base, tmp_path / "nowhere.safetensors").used))
    with pytest.raises(ConfigError, match=r"nowhere.gguf"):
        list(build(recipe(tmp_path / "nowhere.gguf", expert).used))
    with pytest.raises(ConfigError, match="nothing to do"):
        experts(recipe(base))


def test_an_export_is_what_ollama_and_el4ner_read(base: Path, expert: Path, tmp_path: Path) -> None:
    other = adapter(tmp_path / "general.safetensors", {"0.down": WIDTH})
    described = {"description": 'a "quoted" \\ one\nand more \x7f 李明 🎉', "decide": {"threshold": 0.2}}
    settings = recipe(base, expert, other, **described)
    files = list(build(settings.used))
    folder = tmp_path / "out"
    commands = export_ollama(settings, files, folder)
    assert commands == [f"ollama create test-tiny-{n} -f test-tiny-{n}.Modelfile" for n in (0, 1)]
    for n, made in enumerate(files):
        lines = (folder / f"test-tiny-{n}.Modelfile").read_text("utf-8").splitlines()
        assert lines[:3] == [f"FROM ./test-tiny-{n}.gguf", 'TEMPLATE """{{ .Prompt }}"""', "PARAMETER num_ctx 256"]
        assert (folder / f"test-tiny-{n}.gguf").read_bytes() == made.path.read_bytes()
    assert all(command in (folder / "README.md").read_text("utf-8") for command in commands)
    served = load_recipe(str(folder / "recipe.toml"))
    kept = {"models"}
    assert served.model_dump(exclude=kept) == settings.model_dump(exclude=kept)
    assert served.models["remote"] == settings.models["remote"]
    assert served.models["Tiny 1"].model_dump()["model"] == "test-tiny-1"
    export_ollama(settings, files, folder)  # again, over itself
    assert all((folder / f"test-tiny-{n}.gguf").samefile(made.path) for n, made in enumerate(files))  # no second copy
    assert sorted(p.suffix for p in folder.iterdir()) == [".Modelfile"] * 2 + [".gguf"] * 2 + [".md", ".toml"]


def test_a_folder_that_cannot_be_written_is_one_line(base: Path, expert: Path, tmp_path: Path) -> None:
    settings = recipe(base, expert)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="give another folder"):
        export_ollama(settings, list(build(settings.used)), tmp_path / "file")


def test_the_commands_print_where_the_files_are(base: Path, expert: Path, tmp_path: Path) -> None:
    written = tmp_path / "recipe.toml"
    written.write_text(
        f'name = "mine"\n[models.m]\nengine = "openvino"\npath = "{base.as_posix()}"\nadapter = "{expert.as_posix()}"\n'
        '[[members]]\nname = "one"\nmodel = "m"\n',
        "utf-8",
    )
    built = CliRunner().invoke(app, ["experts", "build", "-r", str(written)])
    (file,) = (tmp_path / "cache").rglob("*.gguf")
    assert built.exit_code == 0, built.output
    assert f"m: {file}" in built.output
    assert hashlib.sha256(file.read_bytes()).hexdigest() in built.output
    exported = CliRunner().invoke(app, ["experts", "export", "-r", str(written), "--ollama", str(tmp_path / "out")])
    assert exported.exit_code == 0, exported.output
    assert "ollama create mine-m -f mine-m.Modelfile" in exported.output


def test_the_adapters_that_ship_fit_their_base_model() -> None:
    changes = []
    for settings in experts(load_recipe("nano")).values():
        assert isinstance(settings, OpenVINOSettings)
        assert settings.adapter is not None
        shapes = {t.name: tuple(map(int, reversed(t.shape))) for t in gguf.GGUFReader(locate(settings.path)).tensors}
        shipped = Adapter.load(locate(settings.adapter))
        assert len(shipped.factors) == 30 * len(LAYERS)
        for name in shipped.factors:
            block, _, layer = name.partition(".")
            tensor = next(theirs for theirs, ours in LAYERS.items() if ours == layer)
            assert shapes[f"blk.{block}.{tensor}.weight"] == shipped.change(name).shape
        changes.append(shipped.change("29.down"))
    assert all(0 < np.abs(one).max() < 1 for one in changes)
    assert len({one.tobytes() for one in changes}) == len(changes) >= 3
