"""An engine of your own: a "model" that looks words up in a list, and so answers the four questions at once.

An engine is a settings class that opens a model. Give its settings where a recipe has models, as below. Or let your
package register the class; then recipes know it by its name, and its table is checked like any other:

    [project.entry-points."el4ner.engines"]
    gazetteer = "own_engine:GazetteerSettings"

    [models.list]                                 # in a recipe
    engine = "gazetteer"
    words = {Vigo = "location"}

Run it: uv run python examples/own_engine.py
"""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from el4ner import EL4NER, Done, EngineSettings, Model, Outcome, Recipe, Reply, Request, Usage
from el4ner.pool.demo import demo_pool, demo_texts

ASKED = re.compile(r"Entities: (?P<span>.+?) \((?P<label>.*)\)\. True or false\? \($|Entities: (?P<untyped>.+) \($")


class GazetteerSettings(EngineSettings):
    """What a recipe can say: the words that are known, each with its type."""

    engine: Literal["gazetteer"]
    words: Annotated[dict[str, str], Field(min_length=1)]

    def open(self, sharing: int = 1) -> Model:
        """A heavy engine would be imported here."""
        return Gazetteer(self.words)


class Gazetteer:
    """Answers prompts of the style "compact", whose last block is "Text: ..." and the line that asks."""

    overlaps = False  # nothing is gained by asking from several threads
    cached = None  # and nothing is kept
    context = 100_000  # tokens; here they are words

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words
        self.identity = f"gazetteer 1 {json.dumps(words, sort_keys=True)}"  # all that changes an answer

    def count(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        return [len(text.split()) for text in texts]

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """One reply a request; one that cannot be answered fails alone."""
        replies = [self._reply(request) for request in requests]
        if done is not None:
            done(list(enumerate(replies)))  # kept in the reply store
        return replies

    def _reply(self, request: Request) -> Reply:
        if not isinstance(request.prompt, str):
            return Reply("", Outcome.FAILED, error='it reads plain prompts alone; set style = "compact"')
        text, _, question = request.prompt.rpartition("Text: ")[2].partition("\n")
        return Reply(self._answer(text, question), usage=Usage(*self.count([request.prompt]), generated=1))

    def _answer(self, text: str, question: str) -> str:
        if asked := ASKED.search(question):
            if asked["span"]:  # stage 4: is this span of this type?
                return "true" if self._words.get(asked["span"]) == asked["label"] else "false"
            return self._words.get(asked["untyped"], "none")  # stage 3: of which type is it?
        typed = question == "Entities:"  # stage 2; else the names of stage 1, which have no types
        found = sorted((text.find(word), word) for word in self._words if word in text)
        return " " + ("; ".join(f"{word} ({self._words[word]})" if typed else word for _, word in found) or "none")

    def close(self) -> None:
        """Nothing is held."""


def main() -> None:
    """Annotate two of the demo texts."""
    words = {"Brenner Pass": "location", "Vigo": "location", "Bruno Estevez": "person", "Thursday": "date"}
    recipe = Recipe.model_validate(
        {
            "name": "looked-up",
            "models": {"list": GazetteerSettings(engine="gazetteer", words=words)},
            "members": [{"name": "list", "model": "list", "style": "compact"}],
        }
    )
    ner = EL4NER.from_recipe(recipe, demo_pool())
    for annotation in ner.annotate(demo_texts()[:2]):
        for entity in annotation.entities:
            print(f"{entity.text}: {entity.label}, {entity.score:.2f}")


if __name__ == "__main__":
    main()
