"""Tables on disk: in the user's cache, written once, mapped into memory at the next start.

A folder holds what one encoder makes of one source of spans. In it, a table is a folder of its own, named by the
stretch of the pool that it covers and the digest of the pool up to there: a pool that has grown finds the tables of its
beginning.

    index/<encoder, source, version>/<start>-<end>-<digest>/  vectors.npy, texts.npy, meta.json; coarse.npz if asked for
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from el4ner.data import Example
from el4ner.files import user_cache, whole
from el4ner.retrieval.approximate import Coarse
from el4ner.retrieval.spansim import SpanTable, Vectors

_PROBES = 512  # rows whose checksum is kept; one of a whole file would cost a second a gigabyte at every start
Build = Callable[[Callable[[int, int], Vectors]], SpanTable]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of the tables of one encoder and source."""

    folder: Path

    @classmethod
    def of(cls, identity: str, source: str, root: Path | None = None) -> Shelf:
        """The shelf for an encoder's identity and a source of spans, in the user's cache unless `root` is given.

        What a text is shown as and what a phrase is may change from version to version of el4ner, and so the shelf.
        """
        name = hashlib.sha256(json.dumps([identity, source, version("el4ner")]).encode()).hexdigest()[:24]
        return cls((root or user_cache() / "index") / name)

    def covering(self, examples: Sequence[Example], start: int) -> tuple[Path, int] | None:
        """The longest table kept for a stretch of these examples from `start`, and where it ends."""
        names = [path.name.split("-") for path in self.folder.glob(f"{start}-*-*")]
        ends = {int(end): digest for _, end, digest in names if end.isdigit() and int(end) <= len(examples)}
        known = digests(examples, ends)
        fitting = [end for end in ends if (self.folder / f"{start}-{end}-{known[end]}").is_dir()]
        if not fitting:
            return None
        return self.folder / f"{start}-{max(fitting)}-{known[max(fitting)]}", max(fitting)

    def place(self, examples: Sequence[Example], start: int) -> Path:
        """Where the table of the examples from `start` to the last belongs."""
        return self.folder / f"{start}-{len(examples)}-{digests(examples, [len(examples)])[len(examples)]}"

    def write(self, place: Path, build: Build) -> SpanTable:
        """Build a table into a file that appears whole or not at all; in memory, with a warning, where that fails."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=".part-", ignore_cleanup_errors=True) as part:
                _save(build(lambda rows, width: _mapped(Path(part), rows, width)), Path(part))
                if place.exists():  # it did not load, or another process was faster
                    shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(part, place) if os.name == "nt" else Path(part).rename(place)
            if table := read(place):
                return table
            reason = "what was written cannot be read again"
        except OSError as error:
            reason = str(error)
        warnings.warn(f"{self.folder}: cannot keep the index there ({reason}); it is made anew each time", stacklevel=2)
        return build(lambda rows, width: np.empty((rows, width), dtype=np.float32))


def read(place: Path) -> SpanTable | None:
    """A table from disk, its vectors mapped into memory; None where it is not what was written there.

    Compared are the files' sizes and shapes, all that is small, and a sample of the vectors.
    """
    try:
        meta = json.loads((place / "meta.json").read_text("utf-8"))
        vectors = np.asarray(np.load(place / "vectors.npy", mmap_mode="r", allow_pickle=False))
        texts = np.load(place / "texts.npy", allow_pickle=False)
        table = SpanTable(vectors, texts[0], texts[1])
        return table if meta == _meta(table) else None
    except (OSError, ValueError, IndexError, EOFError):
        return None


def coarse(place: Path, table: SpanTable) -> Coarse:
    """The first pass over a table that is kept in `place`, from there or made and kept."""
    file = place / "coarse.npz"
    try:
        with np.load(file, allow_pickle=False) as held:
            made = Coarse(held["centres"], held["codes"])
        if made.codes.shape == (len(table.vectors),) and made.centres.shape[1:] == table.vectors.shape[1:]:
            return made
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
        pass
    made = Coarse.of(table)
    # Where it cannot be kept, it is made anew each time: that was said when the index was made.
    with suppress(OSError), whole(file) as part, part.open("wb") as stream:
        np.savez(stream, centres=made.centres, codes=made.codes)
    return made


def digests(examples: Sequence[Example], ends: Iterable[int]) -> dict[int, str]:
    """The digest of the first so many examples, for each of `ends`: their texts and where their entities are."""
    sha, at, known = hashlib.sha256(), 0, {}
    for end in sorted(ends):
        for example in examples[at:end]:
            spans = [(span.start, span.end) for span in example.entities]
            sha.update(f"{len(example.text)} {spans} ".encode() + example.text.encode("utf-8", "surrogatepass"))
        known[end], at = sha.copy().hexdigest()[:32], end
    return known


def _mapped(folder: Path, rows: int, width: int) -> Vectors:
    # A mapped file that runs out of disk kills the process, so it is not begun.
    if shutil.disk_usage(folder).free < rows * width * 4 * 1.1:
        raise OSError(f"{rows * width * 4 >> 20} MiB do not fit on the disk")
    shape = (rows, width)
    return np.lib.format.open_memmap(folder / "vectors.npy", mode="w+", dtype=np.float32, shape=shape)


def _save(table: SpanTable, folder: Path) -> None:
    if isinstance(table.vectors, np.memmap):
        table.vectors.flush()
    np.save(folder / "texts.npy", np.stack([table.owners, table.counts]))
    with (folder / "meta.json").open("w", encoding="utf-8") as file:
        json.dump(_meta(table), file)
        file.flush()
        os.fsync(file.fileno())


def _meta(table: SpanTable) -> dict[str, object]:
    probes = np.linspace(0, len(table.vectors) - 1, min(_PROBES, len(table.vectors))).astype(np.int64)
    return {
        "shape": list(table.vectors.shape),
        "texts": zlib.crc32(np.stack([table.owners, table.counts]).tobytes()),
        "vectors": zlib.crc32(np.asarray(table.vectors[probes]).tobytes()),
        "fits": bool(table.vectors.dtype == np.float32 and table.counts.sum() == len(table.vectors)),
    }
