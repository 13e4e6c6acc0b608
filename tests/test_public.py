import ast
from pathlib import Path

import pytest

import el4ner


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
