"""A recipe that builds on another (`base = "nano"`): the base's table, and what differs laid over it.

    base = "nano"                           a shipped recipe, or a file beside the one that names it
    name = "mine"                           its own; a description, too, or the base's stays

    members = ["technical", "reader"]       only these of the base's; without the line all stay

    [decide]                                tables are merged key by key, whatever their depth
    threshold = 0.3

Members given as tables, `[[members]]`, are matched by name: they change the base's or are added behind them, and all
others stay. A list may mix both: as soon as it has a name in it, only those in it stay, in its order. A model in
`[models.NAME]` of another engine than the base's replaces it.
"""

from __future__ import annotations

from typing import Any

from el4ner.errors import did_you_mean
from el4ner.recipes.settings import renamed

Table = dict[str, Any]


def merge(base: Table, own: Table) -> Table:
    """`own` laid over `base`, a recipe's table that has been checked; both stay as they are.

    What in `own` is no table where one belongs is taken as it stands, for the check that follows. Raises `ValueError`
    where it names a member that the base does not have.
    """
    below, above = renamed(base), renamed(own)
    merged: Table = _over({key: value for key, value in below.items() if key != "name"}, above)
    if isinstance(models := above.get("models"), dict):
        merged["models"] = below["models"] | {name: _model(below["models"].get(name), m) for name, m in models.items()}
    if isinstance(members := above.get("members"), list):
        merged["members"] = _members(below["members"], members)
    return merged


def _over(base: Any, own: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    return base | {key: _over(base.get(key), value) for key, value in own.items()}


def _model(base: Any, own: Any) -> Any:
    same = isinstance(base, dict) and isinstance(own, dict) and own.get("engine", base["engine"]) == base["engine"]
    return _over(base, own) if same else own


def _members(base: list[Table], own: list[Any]) -> list[Any]:
    known = {member["name"]: member for member in base}
    given = [_member(known, one) for one in own]
    if not own or any(isinstance(one, str) for one in own):
        return given
    kept = [one for name in known for one in [g for g in given if _name(g) == name] or [known[name]]]
    return kept + [one for one in given if _name(one) not in known]


def _member(known: dict[str, Table], own: Any) -> Any:
    if not isinstance(own, str):
        return _over(known.get(_name(own)), own)
    if own not in known:
        raise ValueError(f"members: the base has no member {own!r}{did_you_mean(own, known)}")
    return known[own]


def _name(member: Any) -> str:
    name = member.get("name") if isinstance(member, dict) else None
    return name if isinstance(name, str) else ""
