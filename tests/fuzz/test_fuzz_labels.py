"""Files of labels and names of types, whatever they say: taken, or refused in one line."""

from __future__ import annotations

import json
import random
import tempfile
from functools import partial
from pathlib import Path

import pytest
from campaign import campaign, told
from corpus_files import LABELS, TOKENS
from fakes import POOL
from growth import in_line
from mutation import mutated_bytes, mutated_text, mutated_value, nasty, value

from el4ner.data import Label
from el4ner.errors import ConfigError, DataError
from el4ner.formats import read_labels
from el4ner.formats.label_names import tidy
from el4ner.pool.labels import asked_labels
from el4ner.pool.pool import Pool

pytestmark = pytest.mark.fuzz


def file(rng: random.Random) -> tuple[str, bytes]:
    text = rng.choice(LABELS)
    suffix = ".toml" if "=" in text else ".json"
    match rng.randint(0, 3):
        case 0:
            content = mutated_bytes(rng, text.encode(), TOKENS)
        case 1 if suffix == ".json":
            content = json.dumps(mutated_value(rng, json.loads(text))).encode()
        case 2:
            content = json.dumps(value(rng)).encode()
        case _:
            content = mutated_text(rng, text).encode("utf-8", "surrogatepass")
    return (suffix if rng.random() < 0.9 else ".txt"), content


def read(folder: Path, given: tuple[str, bytes]) -> None:
    suffix, content = given
    (path := folder / f"labels{suffix}").write_bytes(content)
    try:
        labels = read_labels(path)
    except DataError as error:
        told(error, str(path))
        return
    assert labels
    for label in labels:
        assert isinstance(label.name, str)
        assert label.name.strip()
        assert isinstance(label.description, str)
    assert len({label.name for label in labels}) == len(labels)


def test_any_file_of_labels_is_read_or_refused(tmp_path: Path) -> None:
    campaign("labels", file, partial(read, tmp_path))


def names(rng: random.Random) -> list[str]:
    ordinary = ("person", "location", "none", "O", "true", "work of art")
    return [
        rng.choice((nasty(rng, 2), mutated_text(rng, "person"), rng.choice(ordinary))) for _ in range(rng.randint(0, 4))
    ]


def ask(given: list[str]) -> None:
    """Types that are asked for keep the user's names, or are refused in a line."""
    try:
        asked = asked_labels(given, POOL)
    except ConfigError as error:
        told(error)
        return
    assert [label.name for label in asked] == [tidy(name) for name in given]
    try:
        pool = Pool.of(POOL.examples, [*POOL.labels, *(label for label in asked if label not in POOL.labels)])
    except DataError as error:
        told(error)
    else:
        assert all(isinstance(label, Label) for label in pool.labels)


def test_any_names_of_types_are_taken_or_refused() -> None:
    campaign("asked labels", names, ask)


@pytest.mark.parametrize("form", ["{0}", '["{0}"]', '{{"a": "{0}"}}', "a = [{0}"])
def test_the_time_to_read_labels_grows_with_the_file(form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("labels.toml" if "=" in form else "labels.json")

        def work(text: str) -> None:
            path.write_text(form.replace("{{", "{").replace("}}", "}").replace("{0}", text), "utf-8")
            try:
                read_labels(path)
            except DataError:
                return

        in_line(work, patterns=("a", " ", "[", "{", '"', "\\\\", '"a", ', '"a": "", ', "\\n", "{\n", "#", "1,", "."))
