"""What `train/` teaches: the questions as they are at inference, held-out texts left out, branches that do not mix."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from el4ner.prompts.style import style

pytest.importorskip("tokenizers")

HOME = Path(__file__).parents[1] / "train"
PEOPLE = ("Ana Torres", "Li Wei", "Grace Hopper", "Omar Haddad", "Ines Vogel", "Jo Byrne")
PLACES = ("Lima", "New Haven", "Oslo", "Porto", "Ulm", "Cape Town")


@pytest.fixture(scope="module", autouse=True)
def path() -> Iterator[None]:
    """The folder's modules import each other by their bare names."""
    before = set(sys.modules)
    sys.path.insert(0, str(HOME))
    yield
    sys.path.remove(str(HOME))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(HOME)):
            del sys.modules[name]


def row(number: int, person: str, place: str) -> dict[str, Any]:
    text = f"Letter {number}: {person} moved to {place} in the year {1900 + number} ."
    found = ((person, "person"), (place, "location"))
    entities = [{"start": text.index(s), "end": text.index(s) + len(s), "label": label} for s, label in found]
    return {"id": str(number), "text": text, "entities": entities}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The corpus file's content, made by the command itself of a set of one's own, and the set's test texts."""
    import corpus as command

    folder = tmp_path_factory.mktemp("own")
    texts = [row(n, PEOPLE[n % 6], PLACES[n // 6 % 6]) for n in range(60)]
    free = [{"id": f"free{n}", "text": f"Nothing was written on day {n} .", "entities": []} for n in range(8)]
    test = texts[:3]
    for split, rows in (("train", texts + free), ("test", test)):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    out = folder / "corpus.json.xz"
    arguments = sys.argv
    sys.argv = ["corpus.py", str(folder), str(out), "--workers", "1"]
    try:
        command.main()
    finally:
        sys.argv = arguments
    import lzma

    with lzma.open(out, "rt") as file:
        return json.load(file), test


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """Pieces that run over the end of what is shared, as a byte-pair tokenizer's can: the hard case."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bytewise = Tokenizer(models.BPE())
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytewise.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bytewise.train_from_iterator([".\nEntities:"] * 20, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet))
    return bytewise


def episodes(corpus: dict[str, Any], seed: int, count: int, mix: str = "own") -> list[Any]:
    from mixes import MIXES
    from questions import Episodes
    from sets import Corpus

    source = Episodes([Corpus(table) for table in corpus["sets"]], MIXES[mix], random.Random(seed))
    return [source.draw() for _ in range(count)]


def test_held_out_texts_are_left_out(corpus: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    content, test = corpus
    (table,) = content["sets"]
    texts = [text for text, _ in [*table["texts"], *table["dev"]]]
    assert len(texts) == 65
    assert not {r["text"] for r in test} & set(texts)
    assert content["report"]["own0"]["verbatim"] == 3


def test_a_near_copy_of_a_held_out_text_is_left_out() -> None:
    from outside import Outside

    outside = Outside()
    outside.add("The council of the old harbour town met on Monday to vote on the new bridge across the river .")
    assert outside.verdict(
        "THE council of the old harbour town met on monday to vote on the new bridge across the river."
    )
    near = "The council of the old harbour town met on Monday to vote on the new bridge across the bay , again ."
    assert outside.verdict(near) == "near"
    assert outside.verdict("A quite different sentence about a council and the vote that it held on a bridge .") == ""


def test_a_written_type_keeps_its_own_meaning(corpus: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    from kinds import KINDS
    from mixes import MIXES
    from questions import Episodes
    from sets import Corpus

    (own,) = corpus[0]["sets"]
    told = {"person": "people who are not riders", "location": "towns that have no station"}
    written = Corpus({**own, "name": "written/riders", "labels": told})
    source = Episodes([written], MIXES["breadth"], random.Random(5))
    shared = [source.draw().shared for _ in range(80)]
    heads = [text.split("\n", 1)[0] for text in shared if text.startswith("Types: ")]
    assert any("people who are not riders" in head for head in heads)
    foreign = ("individual", "place name", *KINDS["person"][1], *KINDS["location"][1])
    assert not any(text in head for head in heads for text in foreign)


def test_descriptions_of_held_out_sets_are_known(tmp_path: Path) -> None:
    from outside import Outside

    folder = tmp_path / "wnut17"
    folder.mkdir()
    (folder / "meta.json").write_text(json.dumps({"labels": {"x": "Names of very odd things", "y": "names of people"}}))
    assert Outside.read([folder]).descriptions == {"names of very odd things"}


def test_without_the_held_out_sets_nothing_is_made(tmp_path: Path) -> None:
    from outside import Outside

    for name in ("wikigold", "wnut17"):
        (tmp_path / name).mkdir()
    with pytest.raises(SystemExit, match="genia"):
        Outside.read(sorted(tmp_path.iterdir()))


def test_the_mean_of_adapters_is_the_mean_of_what_they_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import adapter
    import average as command

    rng = np.random.default_rng(0)
    first = {"0.q": (rng.normal(size=(4, 12)), rng.normal(size=(9, 4)))}
    second = {"0.q": (first["0.q"][0], first["0.q"][1] + rng.normal(size=(9, 4)))}  # spans no more than four directions
    paths = [tmp_path / f"{name}.safetensors" for name in ("out", "first", "second")]
    adapter.save(paths[1], first, 2.0, {})
    adapter.save(paths[2], second, 1.0, {})
    monkeypatch.setattr(sys, "argv", ["average.py", *map(str, paths)])
    command.main()
    found, *given = ((scale * f["0.q"][1]) @ f["0.q"][0] for f, scale in map(adapter.load, paths))
    np.testing.assert_allclose(found, sum(given) / 2, atol=0.02 * np.abs(found).max())


def test_what_chooses_is_cut_from_a_set_that_has_no_dev_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import choose

    rows = [row(i, PEOPLE[i % 6], PLACES[i % 5]) for i in range(60)]
    for row_ in rows[20:]:
        row_["entities"] = []
    for name, files in (("e_ner", ("train", "dev")), ("indian_legal", ("train",))):
        (tmp_path / name).mkdir()
        for file in files:
            lines = (json.dumps(r) for r in rows)
            (tmp_path / name / f"{file}.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.setattr(choose, "PUBLIC", {"e_ner": 0, "indian_legal": 15})
    (_, _, sparse), (_, pool, cut) = choose._public(tmp_path, 10)
    assert (len(sparse), sum(not text.entities for text in sparse)) == (10, 3)
    assert (len(cut), len(pool.examples)) == (10, 45)
    assert not {text.text for text in cut} & {example.text for example in pool.examples}


def test_questions_are_those_of_the_style(corpus: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    compact = style("compact")
    seen: Counter[str] = Counter()
    for episode in episodes(corpus[0], 0, 80):
        for branch in episode.branches:
            prompt = episode.shared + branch.asked
            ends = {
                0: compact.texts["extract"],
                1: "(",
                2: "True or false? (",
                3: compact.texts["preextract"].rsplit("\n", 1)[-1],
            }
            assert prompt.endswith(ends[branch.kind])
            assert branch.answer.endswith("\n" if branch.kind in (0, 3) else ")")
            seen[f"{branch.kind} {branch.answer if branch.kind == 2 else ''}"] += 1
        if len(episode.branches) > 1:
            assert episode.shared.startswith("Types: ")
    assert set(seen) == {"0 ", "1 ", "2 true)", "2 false)", "3 "}
    assert 0.8 < seen["2 true)"] / seen["2 false)"] <= 1


def test_true_claims_are_true_and_false_ones_false(corpus: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    for episode in episodes(corpus[0], 1, 80):
        listed = next((b.answer for b in episode.branches if b.kind == 0), "")
        entries = [entry.strip() for entry in listed.strip().split(";")]
        for branch in episode.branches:
            if branch.kind == 2:
                claim = branch.asked.removeprefix("Entities: ").removesuffix(". True or false? (")
                assert (claim in entries) == (branch.answer == "true)")


def test_each_question_has_the_tokens_it_has_alone(
    corpus: tuple[dict[str, Any], list[dict[str, Any]]], tokenizer: Any
) -> None:
    from episodes import encoded

    for episode in episodes(corpus[0], 2, 40):
        tokens = encoded(tokenizer, episode)
        shared = tokens.ids[tokens.branches == 0].tolist()
        for number, branch in enumerate(episode.branches, 1):
            alone = tokenizer.encode(episode.shared + branch.asked + branch.answer).ids
            mine = tokens.branches == number
            assert shared + tokens.ids[mine].tolist() == alone
            answer = tokenizer.decode(tokens.ids[mine & (tokens.weights > 0)].tolist())
            assert branch.answer.endswith(answer)
            assert answer


def test_a_branch_is_read_as_if_it_were_alone(
    corpus: tuple[dict[str, Any], list[dict[str, Any]]], tokenizer: Any
) -> None:
    torch = pytest.importorskip("torch")
    from episodes import encoded
    from llama import Llama
    from weights import LINEAR, Shape

    dice = np.random.default_rng(0)
    rows = {"q": 32, "k": 16, "v": 16, "o": 32, "gate": 48, "up": 48, "down": 32}
    state = {f"{i}.{p}": dice.normal(0, 0.2, (rows[p], 48 if p == "down" else 32)) for i in (0, 1) for p in LINEAR}
    state |= {f"{i}.{p}": np.ones(32) for i in (0, 1) for p in ("attn_norm", "ffn_norm")}
    state |= {"embed": dice.normal(size=(tokenizer.get_vocab_size(), 32)), "norm": np.ones(32)}
    state = {name: array.astype(np.float32) for name, array in state.items()}
    model = Llama(Shape(2, 2, 1, 1e-5, 1e4), state, 2, 4.0, "cpu", torch.float32)

    def logits(ids: np.ndarray, branches: np.ndarray) -> Any:
        tokens = torch.from_numpy(ids.astype(np.int64))[None]
        numbers = torch.from_numpy(branches.astype(np.int32))[None]
        return model(tokens, numbers, torch.ones_like(tokens, dtype=torch.bool))

    with torch.no_grad():
        for episode in episodes(corpus[0], 3, 5):
            ids, _, branches, _ = encoded(tokenizer, episode)
            together = logits(ids, branches)
            for number in range(1, len(episode.branches) + 1):
                of_it = (branches == 0) | (branches == number)
                alone = logits(ids[of_it], np.zeros(of_it.sum()))
                torch.testing.assert_close(together[of_it], alone, atol=1e-4, rtol=1e-4)
