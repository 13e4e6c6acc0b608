# /// script
# requires-python = ">=3.11"
# dependencies = ["spacy-llm>=0.7.4"]
# ///
"""spacy-llm on the benchmark's texts: its NER.v3 task with label definitions and five fixed examples.

Its class for OpenAI models takes the address of another server, but asks api.openai.com for a list of models before
anything else; so a subclass that leaves this out is registered, as its documentation says for models of one's own.
Variants: `1` sends one request at a time, which is how that class works; `4` keeps four under way.
Reasons of the examples are written as spacy-llm writes them when it makes examples of gold entities.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Iterable  # noqa: UP035 - spacy-llm asks of a model's annotations that they be this very name

import spacy
from spacy_llm.models.rest.openai import OpenAI
from spacy_llm.registry import registry
from task import CAP, Found, System, Task, run, server_meter


class Local(OpenAI):
    """spacy-llm's own client, for a server of one's own."""

    in_flight = 1

    def _verify_auth(self) -> None:
        """There is nobody to ask."""

    def __call__(self, prompts: Iterable[Iterable[str]]) -> Iterable[Iterable[str]]:
        """Answers of each text's prompts."""
        if self.in_flight == 1:
            return super().__call__(prompts)
        with ThreadPoolExecutor(self.in_flight) as pool:
            return [answer for (answer,) in pool.map(super().__call__, ([each] for each in prompts))]


@registry.llm_models("benchmark.Local.v1")
def local(url: str, in_flight: int) -> Local:
    """A model behind an OpenAI-compatible server."""
    config = {"temperature": 0.0, "max_tokens": CAP}
    model = Local("smollm2", f"{url}/chat/completions", config, True, 5, 1.0, 600.0, None)
    model.in_flight = in_flight
    return model


def prepare(variant: str, task: Task, url: str) -> System:
    """A pipeline of one component."""
    os.environ.setdefault("OPENAI_API_KEY", "none")
    examples = [
        {
            "text": example["text"],
            "spans": [
                {"text": example["text"][start:end], "is_entity": True, "label": label, "reason": f"is a {label}"}
                for start, end, label in example["entities"]
            ],
        }
        for example in task["examples"]
    ]
    ner = {
        "@llm_tasks": "spacy.NER.v3",
        "labels": list(task["labels"]),
        "label_definitions": task["labels"],
        "examples": examples,
    }
    model = {"@llm_models": "benchmark.Local.v1", "url": url, "in_flight": int(variant)}
    nlp = spacy.blank("en")
    nlp.add_pipe("llm", config={"task": ner, "model": model})

    def annotate(texts: Sequence[str]) -> Found:
        return [[[e.start_char, e.end_char, e.label_] for e in doc.ents] for doc in nlp.pipe(texts)]

    return System(annotate, server_meter(url))


if __name__ == "__main__":
    run(prepare)
