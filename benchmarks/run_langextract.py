# /// script
# requires-python = ">=3.11"
# dependencies = ["langextract[openai]>=1.7"]
# ///
"""langextract on the benchmark's texts: its OpenAI provider with the server's address, the same examples, and a cap.

All else is as it ships: ten requests under way, replies held to a JSON schema made of the examples. Without the cap
(`max_output_tokens`) the small model often lists on until the context is full. What langextract could not place in the
text, and types that were not asked for, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import langextract as lx
from langextract.factory import ModelConfig
from task import CAP, Found, System, Task, run, server_meter

DESCRIPTION = """Extract named entities in order of appearance, of these types:
{types}
Use exact text for extractions. Do not paraphrase or overlap entities."""


def prepare(variant: str, task: Task, url: str) -> System:
    """The extraction with all that does not change from text to text."""
    examples = [
        lx.data.ExampleData(
            text=example["text"],
            extractions=[
                lx.data.Extraction(extraction_class=label, extraction_text=example["text"][start:end])
                for start, end, label in example["entities"]
            ],
        )
        for example in task["examples"]
    ]
    types = "\n".join(f"- {name}: {description}" for name, description in task["labels"].items())
    served = {"base_url": url, "api_key": "none", "temperature": 0.0, "max_output_tokens": CAP}
    config = ModelConfig(model_id="smollm2", provider="OpenAILanguageModel", provider_kwargs=served)

    def annotate(texts: Sequence[str]) -> Found:
        documents = lx.extract(
            text_or_documents=[lx.data.Document(text=text, document_id=str(i)) for i, text in enumerate(texts)],
            prompt_description=DESCRIPTION.format(types=types),
            examples=examples,
            config=config,
            show_progress=False,
        )
        return [[entity(e) for e in document.extractions or [] if placed(e)] for document in documents]

    def placed(extraction: lx.data.Extraction) -> bool:
        place = extraction.char_interval
        return place is not None and place.start_pos is not None and extraction.extraction_class in task["labels"]

    def entity(extraction: lx.data.Extraction) -> list[Any]:
        place = extraction.char_interval
        return [place.start_pos, place.end_pos, extraction.extraction_class]

    return System(annotate, server_meter(url))


if __name__ == "__main__":
    run(prepare)
