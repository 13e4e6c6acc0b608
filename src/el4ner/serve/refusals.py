"""What the pool does not take, and how an answer says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from el4ner.errors import DataError
from el4ner.serve.kept_pool import AlreadyThere, PoolUnwritten
from el4ner.web.problem import Problem


@contextmanager
def refusals(where: str) -> Iterator[None]:
    """What is raised for an example becomes a `Problem`, with its place in the body."""
    try:
        yield
    except AlreadyThere as error:
        raise Problem(409, str(error), where) from None
    except DataError as error:
        raise Problem(422, str(error), where) from None
    except PoolUnwritten as error:
        raise Problem(503, str(error)) from None
