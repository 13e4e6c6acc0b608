"""The pool and the texts that come with the package, written for it: news, biomedicine, social media, shopping."""

from __future__ import annotations

from importlib.resources import as_file, files

from el4ner.data import Document
from el4ner.formats import read_documents
from el4ner.pool.pool import Pool

_FOLDER = files("el4ner").joinpath("assets", "demo")


def demo_pool() -> Pool:
    """The shipped labelled examples, with descriptions of their types."""
    with as_file(_FOLDER.joinpath("pool.jsonl")) as pool, as_file(_FOLDER.joinpath("labels.json")) as labels:
        return Pool.read(pool, labels)


def demo_texts() -> list[Document]:
    """A dozen texts to annotate with it."""
    with as_file(_FOLDER.joinpath("texts.jsonl")) as texts:
        return list(read_documents(texts))
