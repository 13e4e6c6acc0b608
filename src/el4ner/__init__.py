"""Named entity recognition by an ensemble of small, open language models that read a few labelled examples.

from el4ner import EL4NER, Pool

ner = EL4NER.from_recipe("nano", pool=Pool.read("pool.jsonl"))
for entity in ner("Storms hit Porto on Tuesday.").entities:
    print(entity.text, entity.label, entity.score)
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from el4ner.annotation import Annotation as Annotation
    from el4ner.data import Ballot as Ballot
    from el4ner.data import Candidate as Candidate
    from el4ner.data import Document as Document
    from el4ner.data import Entity as Entity
    from el4ner.data import Example as Example
    from el4ner.data import Label as Label
    from el4ner.data import Span as Span
    from el4ner.data import Trace as Trace
    from el4ner.data import Verdict as Verdict
    from el4ner.data import Vote as Vote
    from el4ner.decide import BallotOutcome as BallotOutcome
    from el4ner.decide import Decision as Decision
    from el4ner.decide import Out as Out
    from el4ner.ensemble.costs import Failure as Failure
    from el4ner.errors import ConfigError as ConfigError
    from el4ner.errors import ContextError as ContextError
    from el4ner.errors import DataError as DataError
    from el4ner.errors import El4nerError as El4nerError
    from el4ner.errors import MissingExtraError as MissingExtraError
    from el4ner.errors import ModelError as ModelError
    from el4ner.formats import FileLayout as FileLayout
    from el4ner.formats import Format as Format
    from el4ner.formats import Line as Line
    from el4ner.formats import read_documents as read_documents
    from el4ner.formats import read_examples as read_examples
    from el4ner.formats import write_examples as write_examples
    from el4ner.models.base import Done as Done
    from el4ner.models.base import Message as Message
    from el4ner.models.base import Model as Model
    from el4ner.models.base import Outcome as Outcome
    from el4ner.models.base import Reply as Reply
    from el4ner.models.base import Request as Request
    from el4ner.models.base import Token as Token
    from el4ner.models.base import Usage as Usage
    from el4ner.models.constraint import Constraint as Constraint
    from el4ner.models.constraint import Listing as Listing
    from el4ner.models.constraint import OneOf as OneOf
    from el4ner.models.open import open_models as open_models
    from el4ner.models.settings import EngineSettings as EngineSettings
    from el4ner.models.store import Store as Store
    from el4ner.pipeline import EL4NER as EL4NER
    from el4ner.pool.pool import Pool as Pool
    from el4ner.recipes.load import load_recipe as load_recipe
    from el4ner.recipes.settings import Recipe as Recipe
    from el4ner.retrieval.encoder import Encoder as Encoder

# Where each public name lives; looked up when it is first used, so that `import el4ner` costs nothing.
_HOMES = {
    "annotation": ("Annotation",),
    "recipes.settings": ("Recipe",),
    "data": ("Ballot", "Candidate", "Document", "Entity", "Example", "Label", "Span", "Trace", "Verdict", "Vote"),
    "ensemble.costs": ("Failure",),
    "errors": ("ConfigError", "ContextError", "DataError", "El4nerError", "MissingExtraError", "ModelError"),
    "formats": ("FileLayout", "Format", "Line", "read_documents", "read_examples", "write_examples"),
    "models.base": ("Done", "Message", "Model", "Outcome", "Reply", "Request", "Token", "Usage"),
    "models.constraint": ("Constraint", "Listing", "OneOf"),
    "models.open": ("open_models",),
    "models.settings": ("EngineSettings",),
    "models.store": ("Store",),
    "pipeline": ("EL4NER",),
    "pool.pool": ("Pool",),
    "recipes.load": ("load_recipe",),
    "decide": ("BallotOutcome", "Decision", "Out"),
    "retrieval.encoder": ("Encoder",),
}
logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent unless an application listens
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # a tenth of the time of `el4ner --help`

        return version("el4ner")
    if name not in _HOME:
        raise AttributeError(f"module 'el4ner' has no attribute {name!r}")
    return getattr(import_module(f"el4ner.{_HOME[name]}"), name)
