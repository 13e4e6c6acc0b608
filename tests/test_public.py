"""What `el4ner` gives: the names, their signatures, and that each is described."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel

import el4ner

SIGNATURES = Path(__file__).parent / "public.txt"


@pytest.mark.parametrize("name", el4ner.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(getattr(el4ner, name), "__name__", name) == name  # a union has no name


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(el4ner.__file__ or "").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(el4ner.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        el4ner.Nothing  # noqa: B018


def signatures() -> Iterator[str]:
    """The public functions, classes and their public methods, a line each. Errors, enums and settings have no say."""
    for name in el4ner.__all__:
        thing = getattr(el4ner, name)
        if inspect.isclass(thing) and issubclass(thing, (Exception, Enum, BaseModel)):
            continue
        if callable(thing) and inspect.getdoc(thing) and not hasattr(thing, "__origin__"):
            yield f"{name}{inspect.signature(thing)}" if not is_protocol(thing) else name
        for member, value in sorted(vars(thing).items()) if inspect.isclass(thing) else ():
            plain = value.__func__ if isinstance(value, classmethod) else value
            if inspect.isfunction(plain) and (not member.startswith("_") or member == "__call__"):
                yield f"{name}.{member}{inspect.signature(plain)}"


def is_protocol(thing: object) -> bool:
    return bool(getattr(thing, "_is_protocol", False))


def test_signatures_are_as_they_were() -> None:
    # What others call. To change it on purpose, write the file anew, and say so in the changelog.
    assert re.sub(r" at 0x\w+", "", "\n".join(signatures())) + "\n" == SIGNATURES.read_text("utf-8")


def test_what_is_public_is_described() -> None:
    bare = [name for name in el4ner.__all__ if not inspect.getdoc(getattr(el4ner, name))]
    assert not bare
