from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from el4ner.retrieval.encoder import ASSET, Encoder, StaticEncoder, default_encoder

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates and null bytes included
SCRIPTS = ["New York", "北京市", "Владивосток", "نيويورك", "กรุงเทพ", "東京タワー", "서울"]


def cosine(a: str, b: str) -> float:
    first, second = default_encoder().encode([a, b])
    return float(first @ second)


def test_is_an_encoder_and_loaded_once() -> None:
    assert isinstance(default_encoder(), Encoder)
    assert default_encoder() is default_encoder()


@given(st.lists(ANY_TEXT, max_size=6))
@settings(max_examples=60, deadline=None)
def test_rows_are_unit_vectors_or_zero(texts: list[str]) -> None:
    vectors = default_encoder().encode(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), default_encoder().encode(["a"]).shape[1])
    assert np.all(np.isclose(lengths, 1, atol=1e-5) | (lengths == 0))


@given(st.lists(ANY_TEXT, min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_text_has_one_vector_whatever_stands_beside_it(texts: list[str]) -> None:
    together = default_encoder().encode(texts)
    alone = np.concatenate([default_encoder().encode([t]) for t in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b"])
def test_nothing_recognised_is_a_zero_row(text: str) -> None:
    assert not default_encoder().encode([text, "Paris"])[0].any()


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_gets_a_vector(text: str) -> None:
    assert default_encoder().encode([text]).any()


def test_nothing_of_a_long_text_is_cut_off() -> None:
    long = "word " * 2000
    assert cosine(long, long + "Paris Berlin Rome " * 500) < 0.9


def test_like_is_near_like() -> None:
    assert cosine("New York", "Chicago") > cosine("New York", "banana bread")
    assert cosine("北京市", "上海市") > cosine("北京市", "李小龙")
    assert cosine("上海交通大学", "交通大学") > 0.7
    assert cosine("Владивосток", "Владивостока") > cosine("Владивосток", "Мария")


def test_scripts_do_not_resemble_each_other_by_accident() -> None:
    vectors = default_encoder().encode(SCRIPTS)
    assert np.abs(np.triu(vectors @ vectors.T, 1)).max() < 0.45


def test_identity_names_the_weights(tmp_path: Path) -> None:
    copy = tmp_path / "encoder"
    shutil.copytree(ASSET, copy)
    assert StaticEncoder.load(copy).identity == default_encoder().identity
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert StaticEncoder.load(copy).identity != default_encoder().identity


def test_a_missing_folder_is_an_error_not_a_download(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such"):
        StaticEncoder.load(tmp_path / "no-such")


def test_loading_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    StaticEncoder.load(ASSET)  # the hub client complains of a README without a metadata block
    assert capfd.readouterr() == ("", "")


def test_the_asset_is_small_and_names_no_machine() -> None:
    assert sum(f.stat().st_size for f in ASSET.iterdir()) < 5e6
    assert "/" not in (ASSET / "config.json").read_text("utf-8").replace("sentence-transformers/", "")
