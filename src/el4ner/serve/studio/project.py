"""How a project of Label Studio shows texts: the XML of its labelling configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from el4ner.data import Label
from el4ner.errors import DataError
from el4ner.pool.pool import Pool


@dataclass(frozen=True, slots=True)
class Project:
    """The names of the control and of the text that it marks, the key of the text in a task, and the types there."""

    control: str = "label"
    shown: str = "text"
    key: str = "text"
    labels: tuple[Label, ...] = ()

    @classmethod
    def parse(cls, config: object) -> Project:
        """The project of a configuration; the usual one where there is none. Raises `DataError`."""
        if not isinstance(config, str) or not config.strip():
            return cls()
        if "<!" in config.replace("<!--", ""):  # entities, which could grow without end
            raise DataError("the labelling configuration holds a DOCTYPE or CDATA; leave it out")
        try:
            root = ElementTree.fromstring(config)
        except (ElementTree.ParseError, ValueError) as error:
            raise DataError(f"the labelling configuration is no XML ({error}); mend it in the project") from None
        texts = {tag.get("name"): tag.get("value", "") for tag in root.iter("Text")}
        control = next((tag for tag in root.iter("Labels") if tag.get("toName") in texts), None)
        if control is None:
            raise DataError("the labelling configuration has no Labels for a Text; el4ner marks spans of texts")
        shown = control.get("toName", "")
        labels = [Label(_name(tag), tag.get("hint", "")) for tag in control.iter("Label") if _name(tag)]
        return cls(control.get("name", "label"), shown, (texts[shown] or "").lstrip("$") or "text", tuple(labels))

    def asked(self, pool: Pool) -> tuple[Label, ...] | None:
        """The types to look for: the pool's as it knows them, and then the project's own; None if these are the pool's.

        Those of the pool that the project lacks are left out: it could not show them.
        """
        wanted = {label.name: label for label in self.labels}
        known = [label for label in pool.labels if label.name in wanted]
        if not wanted or (len(known) == len(wanted) == len(pool.labels)):
            return None
        names = {label.name for label in known}
        return (*known, *(label for name, label in wanted.items() if name not in names))

    def text(self, data: Mapping[str, Any]) -> str | None:
        """The text of a task's data; None where there is none."""
        found = data.get(self.key)
        if found is None:
            strings = [value for value in data.values() if isinstance(value, str)]
            found = strings[0] if len(strings) == 1 else None
        return found if isinstance(found, str) else None


def _name(tag: ElementTree.Element) -> str:
    return tag.get("alias") or tag.get("value") or ""
