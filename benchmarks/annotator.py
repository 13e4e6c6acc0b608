"""An annotator who knows the right answers, on the review page's own API: does the order of work pay?

    uv run benchmarks/annotator.py DATA --decisions 100 --order valuable --order given --order random

DATA is a folder with train.jsonl, dev.jsonl and meta.json. The page is opened on texts of train, with no pool; each
text that it shows is accepted with its gold entities. Prints the strict micro-F1 of the suggestions by tens of
decisions, and at the end that of the ensemble, reading the pool that came of it, on texts of dev, with its 95 %
bootstrap interval.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
import uuid
from pathlib import Path
from random import Random
from typing import Any, get_args

import httpx2
import uvicorn

from el4ner.data import Document, Example, Span
from el4ner.evaluate.bootstrap import interval
from el4ner.evaluate.score import Text, counts, total
from el4ner.formats import read_examples, read_labels
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.recipes.load import load_recipe
from el4ner.retrieval.encoder import default_encoder
from el4ner.review.app import review_app
from el4ner.review.judgement import ref_of
from el4ner.review.reader import Reader
from el4ner.review.readings import Readings
from el4ner.review.review import Review
from el4ner.review.worth import Sorting
from el4ner.web.guard import Guard
from el4ner.web.server import listen

_STEP = 10  # decisions to a figure


def drawn(file: Path, count: int) -> list[Example]:
    """So many texts of a file at random, the same each time, each once."""
    known = {example.text: example for example in read_examples(file)}
    return Random(0).sample(list(known.values()), min(count, len(known)))


def annotate(page: httpx2.Client, gold: dict[str, Example], decisions: int) -> list[Text]:
    """Accept text after text with its gold; what was suggested, against it."""
    seen: list[Text] = []
    while len(seen) < decisions:
        state = page.get("/api/state").json()
        shown = state["texts"][0] if state["texts"] else None
        if shown is None or shown["ballots"] is None:
            time.sleep(0.2)
            continue
        example = gold[shown["ref"]]
        suggested = [[b["start"], b["end"], b["label"], b["score"]] for b in shown["ballots"] if not b["out"]]
        body: dict[str, Any] = {
            "digest": state["digest"], "key": uuid.uuid4().hex, "ref": shown["ref"], "decision": "accept",
            "entities": [[e.start, e.end, e.label] for e in example.entities], "suggested": suggested, "seconds": 1.0,
        }  # fmt: skip
        answer = page.post("/api/judge", json=body)
        if answer.status_code == 409:  # the pool is another by now
            continue
        answer.raise_for_status()
        seen.append(Text(example.text, example.entities, tuple(Span(*row[:3]) for row in suggested)))
    return seen


def run(data: Path, recipe: str, order: Sorting, texts: int, decisions: int, held: int) -> None:
    """One annotator."""
    labels, examples = read_labels(data / "meta.json"), drawn(data / "train.jsonl", texts)
    settings, encoder = load_recipe(recipe), default_encoder()
    pool = Path(tempfile.mkdtemp()) / "pool.jsonl"
    documents = [Document(example.id, example.text) for example in examples]
    review = Review(documents, pool, labels, lambda shown: Readings(shown, settings, encoder, order))
    opened = EL4NER.from_recipe(settings, Pool((), tuple(labels)))
    reader = Reader(review, opened.on_pool, pool.with_name("rest.jsonl"))
    with listen("127.0.0.1", 0) as bound:
        app = review_app(review, reader, Guard.at("127.0.0.1", None))
        # A busy machine may let the annotator wait longer than the usual five seconds between two requests.
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=600))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        reader.start()
        with httpx2.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", timeout=600) as page:
            seen = annotate(page, {ref_of(example.text): example for example in examples}, decisions)
        server.should_exit = True
        thread.join()
    f1s = [total(counts(seen[at : at + _STEP])).f1 for at in range(0, len(seen), _STEP)]
    later = opened.on_pool(Pool.read(pool, labels))
    dev = drawn(data / "dev.jsonl", held)
    found = later.annotate([Document(example.id, example.text) for example in dev])
    judged = [Text(e.text, e.entities, a.entities) for e, a in zip(dev, found, strict=True)]
    reader.close()
    table = counts(judged)
    middle = interval(table)
    print(
        f"{data.name} {order}: suggestions {' '.join(f'{f1:.2f}' for f1 in f1s)} · after {len(seen)} corrections"
        f" {total(table).f1:.3f} [{middle.low:.3f}, {middle.high:.3f}] on {len(dev)} other texts",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--order", action="append", choices=get_args(Sorting))
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--decisions", type=int, default=100)
    parser.add_argument("--held", type=int, default=60)
    chosen = parser.parse_args()
    for data in chosen.data:
        for order in chosen.order or ["valuable", "given", "random"]:
            run(data, chosen.recipe, order, chosen.texts, chosen.decisions, chosen.held)


if __name__ == "__main__":
    main()
