from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import LABELS, POOL, LetterEncoder, example

import el4ner.retrieval.approximate
import el4ner.retrieval.index
from el4ner.data import Example, Span
from el4ner.pool.pool import Pool
from el4ner.retrieval.index import Index, Kind, Query, gold
from el4ner.retrieval.spansim import NOTHING

QUERIES: list[Query] = [
    (["Oslo", "Tom Lind"], np.array([4.0, 2.0])),
    (["Lima"], np.array([1.0])),
    (["nothing", "like it"], np.ones(2)),
]
KINDS: tuple[Kind, ...] = ("spans", "texts", "bare")
NAMES = ("Ada Lund", "Bo Ek", "Cy Dahl", "Dan Moe", "Eva Nes")
PLACES = ("Rome", "Lima", "Kyoto", "Porto", "Graz", "Turku")


def grown(count: int, first: int = 0) -> list[Example]:
    """Examples of one, two or three entities, and one in five without any."""
    made = []
    for i in range(first, first + count):
        name, place, other = NAMES[i % 5], PLACES[i % 6], PLACES[(i + 1 + i // 6) % 6]
        text = f"{name} {i} went from {place} to {other} ."
        spans = {"person": name} | ({"location": place} if i % 3 else {}) | ({"group": other} if i % 2 else {})
        made.append(example(f"g{i}", text, **(spans if i % 5 else {})))
    return made


def found(index: Index, count: int = 6, approximate: bool = False) -> list[tuple[list[int], list[float]]]:
    rankings = [r for kind in KINDS for r in index.rank(kind, QUERIES, count, approximate)]
    return [(r.ids.tolist(), r.scores.tolist()) for r in rankings]


def pool_of(examples: Sequence[Example]) -> Pool:
    return Pool.of(examples, LABELS)


@pytest.fixture
def always_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(el4ner.retrieval.index, "KEEP", 1)


def kept(root: Path) -> list[Path]:
    """The folders of tables, without half-written ones."""
    return sorted(path for path in root.glob("*/*") if not path.name.startswith("."))


class TestSearch:
    def test_each_kind_holds_its_examples(self) -> None:
        index = Index(POOL, LetterEncoder(), gold)
        named = [i for i, e in enumerate(POOL.examples) if e.entities]
        ranked: dict[Kind, list[int]] = {"spans": named, "texts": named, "bare": [4]}
        for kind, expected in ranked.items():
            (ranking,) = index.rank(kind, QUERIES[:1], 99)
            assert sorted(ranking.ids.tolist()) == expected
        assert index.rank("spans", QUERIES[:1], 1)[0].ids.tolist() == [1]
        assert index.rank("spans", [], 1) == []

    def test_an_example_without_a_found_span_cannot_be_found(self) -> None:
        index = Index(POOL, LetterEncoder(), lambda named: [e.entities if e.id != "p1" else () for e in named])
        (ranking,) = index.rank("spans", QUERIES[:1], 99)
        assert 0 not in ranking.ids

    def test_nothing_is_embedded_before_it_is_needed(self) -> None:
        encoder = LetterEncoder()
        index = Index(POOL, encoder, gold)
        index.rank("texts", QUERIES, 2)
        index.rank("texts", QUERIES, 2)
        assert all(encoder.given.count(e.text) == bool(e.entities) for e in POOL.examples)
        assert "Anna Berg" not in encoder.given

    def test_more_texts_than_are_asked_about_together(self) -> None:
        index = Index(pool_of(grown(50)), LetterEncoder(), gold)
        many = index.rank("spans", QUERIES * 50, 4)
        assert [r.ids.tolist() for r in many] == [r.ids.tolist() for r in index.rank("spans", QUERIES, 4)] * 50

    def test_scores_of_some_examples(self) -> None:
        index = Index(POOL, LetterEncoder(), gold)
        (every,) = index.rank("spans", QUERIES[:1], 9)
        some = index.scores("spans", QUERIES[0], np.array([0, 4, 5]))
        assert dict(zip(some.ids.tolist(), some.scores.tolist(), strict=True)) == {
            i: s for i, s in zip(every.ids.tolist(), every.scores.tolist(), strict=True) if i in (0, 5)
        }

    def test_labels_know_their_examples(self) -> None:
        by_label = Index(POOL, LetterEncoder(), gold).by_label
        assert {label: ids.tolist() for label, ids in by_label.items()} == {
            "person": [0, 1, 5],
            "location": [0, 1, 2, 3, 5],
            "group": [1, 3],
        }


class TestGrowth:
    @pytest.mark.parametrize("steps", [(1,) * 12, (30, 1, 2), (3, 40)])
    def test_examples_added_are_found_as_in_a_fresh_index(self, steps: tuple[int, ...]) -> None:
        examples, encoder = grown(200), LetterEncoder()
        index = Index(pool_of(examples[:100]), encoder, gold)
        found(index)
        at = 100
        for step in steps:
            at += step
            index = index.extended(pool_of(examples[:at]))
            found(index)
        assert found(index) == found(Index(pool_of(examples[:at]), LetterEncoder(), gold))
        assert all(encoder.given.count(e.text) == 1 for e in examples[:at])
        assert len(index._parts["spans"]) <= 1 + len(steps).bit_length()

    def test_the_index_it_came_from_stays_as_it_was(self) -> None:
        index = Index(POOL, LetterEncoder(), gold)
        before = found(index)
        found(index.extended(Pool((*POOL.examples, *grown(3)), POOL.labels)))
        assert found(index) == before

    def test_an_empty_pool_has_nothing_to_show_and_grows(self) -> None:
        index = Index(Pool((), POOL.labels), LetterEncoder(), gold)
        assert index.rank("texts", [(["Rome"], np.ones(1))], 3) == [NOTHING]
        assert found(index.extended(POOL)) == found(Index(POOL, LetterEncoder(), gold))

    def test_on_disk_too(self, tmp_path: Path, always_on_disk: None) -> None:
        examples = grown(60)
        first = Index(pool_of(examples[:40]), LetterEncoder(), gold, "gold", tmp_path)
        found(first)
        found(first.extended(pool_of(examples)))
        encoder = LetterEncoder()
        later = Index(pool_of(examples), encoder, gold, "gold", tmp_path)
        assert found(later) == found(Index(pool_of(examples), LetterEncoder(), gold))
        assert not any(e.text in encoder.given for e in examples)
        assert len(kept(tmp_path)) == 6


class TestDisk:
    def test_a_small_pool_needs_no_file(self, tmp_path: Path) -> None:
        found(Index(POOL, LetterEncoder(), gold, "gold", tmp_path))
        assert list(tmp_path.iterdir()) == []

    def test_the_next_start_reads_what_the_first_wrote(self, tmp_path: Path, always_on_disk: None) -> None:
        pool = pool_of(grown(50))
        first = found(Index(pool, LetterEncoder(), gold, "gold", tmp_path))
        encoder = LetterEncoder()
        assert found(Index(pool, encoder, gold, "gold", tmp_path)) == first
        assert not set(encoder.given) & {e.text for e in pool.examples}
        assert not list(tmp_path.glob("*/.part*"))

    def test_the_vectors_are_mapped(self, tmp_path: Path, always_on_disk: None) -> None:
        pool = pool_of(grown(50))
        for _ in range(2):
            index = Index(pool, LetterEncoder(), gold, "gold", tmp_path)
            found(index)
            assert not index._parts["spans"][0].table.vectors.flags.writeable

    def test_a_grown_file_of_examples_embeds_the_new_ones_only(self, tmp_path: Path, always_on_disk: None) -> None:
        examples = grown(60)
        found(Index(pool_of(examples[:40]), LetterEncoder(), gold, "gold", tmp_path))
        encoder = LetterEncoder()
        index = Index(pool_of(examples), encoder, gold, "gold", tmp_path)
        assert found(index) == found(Index(pool_of(examples), LetterEncoder(), gold))
        assert {e.text for e in examples} & set(encoder.given) == {e.text for e in examples[40:]}

    def test_what_is_kept_belongs_to_one_pool_source_and_encoder(self, tmp_path: Path, always_on_disk: None) -> None:
        class Other(LetterEncoder):
            identity = "other"

        examples = grown(30)
        found(Index(pool_of(examples), LetterEncoder(), gold, "gold", tmp_path))
        changed = [Example(e.id, e.text, e.entities[:1]) for e in examples]

        def firsts(examples: Sequence[Example]) -> list[tuple[Span, ...]]:
            return [e.entities[:1] for e in examples]

        for pool, encoder, spans, source in (
            (pool_of(examples[::-1]), LetterEncoder(), gold, "gold"),
            (pool_of(changed), LetterEncoder(), gold, "gold"),
            (pool_of(examples), Other(), gold, "gold"),
            (pool_of(examples), LetterEncoder(), firsts, "firsts"),
        ):
            fresh = found(Index(pool, LetterEncoder(), spans))
            assert found(Index(pool, encoder, spans, source, tmp_path)) == fresh

    @pytest.mark.parametrize("name", ["vectors.npy", "texts.npy", "meta.json"])
    @pytest.mark.parametrize("harm", ["missing", "empty", "short", "other"])
    def test_a_damaged_table_is_made_again(self, tmp_path: Path, name: str, harm: str, always_on_disk: None) -> None:
        pool = pool_of(grown(50))
        fresh = found(Index(pool, LetterEncoder(), gold, "gold", tmp_path))
        for place in kept(tmp_path):
            file = place / name
            content = file.read_bytes()
            file.unlink()
            if harm != "missing":
                other = content[: len(content) // 2] + b"\0" * (len(content) - len(content) // 2)
                file.write_bytes({"empty": b"", "short": content[:-9], "other": other}[harm])
        assert found(Index(pool, LetterEncoder(), gold, "gold", tmp_path)) == fresh
        encoder = LetterEncoder()
        found(Index(pool, encoder, gold, "gold", tmp_path))
        assert not set(encoder.given) & {e.text for e in pool.examples}

    def test_what_breaks_off_leaves_nothing(
        self, tmp_path: Path, always_on_disk: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Breaking(LetterEncoder):
            def encode(self, texts: Sequence[str]) -> np.ndarray:
                if len(self.given) > 20:
                    raise KeyboardInterrupt
                return super().encode(texts)

        monkeypatch.setattr(el4ner.retrieval.index, "_BATCH", 8)
        with pytest.raises(KeyboardInterrupt):
            found(Index(pool_of(grown(50)), Breaking(), gold, "gold", tmp_path))
        assert list(tmp_path.glob("*/*")) == []

    def test_a_folder_that_cannot_be_written_is_said_and_done_without(
        self, tmp_path: Path, always_on_disk: None
    ) -> None:
        root = tmp_path / "file"
        root.write_text("in the way")
        pool = pool_of(grown(50))
        with pytest.warns(UserWarning, match="cannot keep the index"):
            assert found(Index(pool, LetterEncoder(), gold, "gold", root)) == found(Index(pool, LetterEncoder(), gold))

    def test_a_full_disk_likewise(self, tmp_path: Path, always_on_disk: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=100, used=100, free=0))
        pool = pool_of(grown(50))
        with pytest.warns(UserWarning, match="do not fit on the disk"):
            assert found(Index(pool, LetterEncoder(), gold, "gold", tmp_path))
        assert kept(tmp_path) == []

    def test_the_first_pass_is_kept_too(
        self, tmp_path: Path, always_on_disk: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(el4ner.retrieval.index, "FROM", 1)
        pool = pool_of(grown(50))
        exact = found(Index(pool, LetterEncoder(), gold))
        assert found(Index(pool, LetterEncoder(), gold, "gold", tmp_path), approximate=True) == exact
        files = list(tmp_path.glob("*/*/coarse.npz"))
        assert len(files) == 3
        files[0].write_bytes(b"damaged")
        files[1].write_bytes(files[1].read_bytes()[:-400])
        assert found(Index(pool, LetterEncoder(), gold, "gold", tmp_path), approximate=True) == exact
        monkeypatch.setattr(el4ner.retrieval.approximate.Coarse, "of", None)
        assert found(Index(pool, LetterEncoder(), gold, "gold", tmp_path), approximate=True) == exact
