"""Examples into the pool, and how an answer says that they could not be taken."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from el4ner.data import Example
from el4ner.errors import DataError
from el4ner.pool.pool import Pool
from el4ner.serve.desk import AlreadyThere, Desk, PoolUnwritten
from el4ner.web.problem import Problem


async def added(desk: Desk, examples: Sequence[tuple[Example, Mapping[str, object]]]) -> Pool:
    """The pool with the examples appended. Raises `Problem`: 409 where a text is there already."""
    try:
        return await asyncio.to_thread(desk.add, examples)
    except AlreadyThere as error:
        raise Problem(409, str(error), "examples") from None
    except PoolUnwritten as error:
        raise Problem(503, str(error)) from None
    except DataError as error:
        raise Problem(422, str(error), "examples") from None
