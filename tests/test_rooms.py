"""The house: who may import whom, and that a name means one thing (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import el4ner

HOME = Path(el4ner.__file__ or "").parent
# From the ground up. A room imports from its own floor's own files and from floors below.
FLOORS = (
    ("errors",),
    ("data", "files", "concurrency"),
    ("decide", "text"),
    ("annotation",),
    ("formats", "models"),
    ("prompts", "pool"),
    ("retrieval",),
    ("recipes",),
    ("crf",),
    ("ensemble",),
    ("stages",),
    ("pipeline",),
    ("view",),
    ("evaluate",),
    ("web",),
    ("serve", "review"),
    ("cli",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path for path in HOME.rglob("*.py") if path != HOME / "__init__.py")


def module(path: Path) -> str:
    return ".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, when_used: bool = True) -> Iterator[str]:
    """The modules of el4ner that a file imports; with `when_used`, also those that a function imports when it runs."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree) if when_used else tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("el4ner."):
            yield (node.module or "").removeprefix("el4ner.")


@pytest.mark.parametrize("path", MODULES, ids=module)
def test_imports_go_down(path: Path) -> None:
    room = module(path).split(".")[0]
    up = [name for name in imported(path) if name.split(".")[0] != room and FLOOR[name.split(".")[0]] >= FLOOR[room]]
    assert not up


def test_nothing_imports_in_a_circle() -> None:
    names = {module(path) for path in MODULES}
    graph = {module(path): {name for name in imported(path, when_used=False) if name in names} for path in MODULES}
    while graph:
        leaves = [name for name, needs in graph.items() if not needs & graph.keys() - {name}]
        assert leaves, f"a circle among {sorted(graph)}"
        for leaf in leaves:
            del graph[leaf]


def test_a_class_has_a_name_of_its_own() -> None:
    classes = Counter(
        node.name
        for path in MODULES
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in classes.items() if times > 1] == []


def test_the_root_is_no_corridor() -> None:
    assert len(list(HOME.glob("*.py"))) <= 8
