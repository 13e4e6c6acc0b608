"""Leave-one-out, what is chosen by it, the honest estimate, and the recipe that is written."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import LABELS, STYLE, Asked, FakeModel, LetterEncoder, example, recipe, scripted
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from el4ner.annotation import Annotation
from el4ner.data import Document, Example
from el4ner.decide import calibrated
from el4ner.ensemble.member import Member
from el4ner.errors import ConfigError, DataError
from el4ner.evaluate.score import Text, counts, total
from el4ner.evaluate.tuning.fit_calibration import fit_platt
from el4ner.evaluate.tuning.leave_one_out import Evidence, Opener
from el4ner.evaluate.tuning.one_standard_error import Goal, choose_setting
from el4ner.evaluate.tuning.tune import Tuned, budget, draw, tune
from el4ner.models.base import Outcome, Reply, Token
from el4ner.models.store import Store
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.recipes.load import load_recipe, parse_recipe, recipe_names
from el4ner.recipes.settings import Recipe
from el4ner.recipes.write import recipe_toml

TOWNS = ("Oslo", "Lima", "Kyoto", "Quito", "Berlin", "Porto")
NOISE = ("rain", "snow", "storm", "frost")


def made(number: int) -> Example:
    """A town, and a word that is none; every fourth text holds no entity."""
    word = NOISE[number % len(NOISE)]
    if number % 4 == 3:
        return example(str(number), f"there is {word} on day {number}")
    town = TOWNS[number % len(TOWNS)]
    return example(str(number), f"there is {word} in {town} on day {number}", location=town)


POOL = Pool.of([made(number) for number in range(28)], LABELS)


def opener(*models: FakeModel, store: Store | None = None) -> Opener:
    """Members "a", "b", ... ask these models."""
    named = {chr(ord("a") + number): model for number, model in enumerate(models)}

    def open_(how: Recipe, pool: Pool) -> EL4NER:
        members = [Member(settings, named[settings.model], STYLE) for settings in how.members]
        return EL4NER(how, members, pool, store=store or memory, encoder=LetterEncoder())

    memory = Store.open(":memory:")
    return open_


def tuned(*models: FakeModel, pool: Pool = POOL, store: Store | None = None, **how: Any) -> Tuned:
    """Tune members on these models: arguments of `tune`, and settings and tables of the recipe."""
    arguments = {name: how.pop(name) for name in ("precision", "texts", "seed", "only_scores") if name in how}
    base = recipe([chr(ord("a") + n) for n in range(len(models))], how.pop("member", None), **how)
    return tune(base, pool, open_=opener(*models, store=store), **arguments)


def settings(result: Tuned) -> dict[str, Any]:
    """What was changed besides the calibration of scores."""
    return {name: values for name, values in result.changes.items() if name != "decide.calibration"}


def surely(text: str, probability: float) -> Reply:
    return Reply(text, tokens=(Token(text, math.log(probability)),))


def listed(asked: Asked) -> str:
    return "; ".join(word for word in (*TOWNS, *NOISE) if word in asked.text) or "none"


def doubting(asked: Asked) -> Reply:
    """Takes everything for a location, but is surer of towns."""
    return surely("location", 0.9 if asked.span in TOWNS else 0.3)


def hashed(*parts: object) -> float:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4]) / 2**32


def noisy(salt: int) -> FakeModel:
    """Lists, types and verdicts by chance."""
    return scripted(
        lambda a: (
            "; ".join(w for w in a.text.split() if hashed(salt, "e", w, a.text, a.demonstrations) < 0.4) or "none"
        ),
        lambda a: surely("location", 0.05 + 0.9 * hashed(salt, "c", a.span, a.text, a.demonstrations)),
        lambda a: "true" if hashed(salt, "v", a.span, a.text) < 0.7 else "false",
        identity=f"noisy {salt}",
    )


WITH_REPEATS = Pool.of(
    [*POOL.examples[:12], example("again", POOL.examples[0].text), example("spaced", POOL.examples[1].text + " \n")],
    LABELS,
)


@pytest.mark.parametrize("retrieve", [{"by": "sentence"}, {"by": "random"}, {"by": "span", "spans": "words"}])
@pytest.mark.parametrize("entity_free", [0, 1])
def test_leaving_one_out_is_removing_it_from_the_pool(retrieve: dict[str, str], entity_free: int) -> None:
    how = recipe(["a"], {"demonstrations": 4, "entity_free": entity_free}, retrieve=retrieve)
    for one in WITH_REPEATS.examples:
        model, removed = scripted(listed, doubting), scripted(listed, doubting)
        same = [e.text for e in WITH_REPEATS.examples if e.text.split() == one.text.split()]
        document = Document(one.id, one.text)
        ner = opener(model)(how, WITH_REPEATS)
        [left_out] = ner.annotate([document], leave_one_out=True)
        [without] = opener(removed)(how, WITH_REPEATS.without(same)).annotate([document])
        assert left_out == without
        assert model.asked == removed.asked
        assert [a.traces[0].shown for a in ner.annotate([document])] == [{"a": 4}]


def test_no_text_is_among_its_own_demonstrations() -> None:
    models = scripted(listed, doubting), scripted(listed, doubting, identity="other")
    pool = Pool.of([*POOL.examples, *(example(f"again {e.id}", f" {e.text} ") for e in POOL.examples[:9])], LABELS)
    tuned(*models, pool=pool, texts=30)
    asked = [Asked.of(request) for model in models for request in model.asked]
    assert {len(a.demonstrations) for a in asked} == {2, 4, 8, 16}
    assert all(a.text != shown for a in asked for shown, _ in a.demonstrations)


RECIPES = [
    {"decide": {"rule": "weighted", "threshold": 0.4}, "verify": {"members": ["b"]}},
    {"decide": {"rule": "probability", "proposers": 2}, "verify": {"members": ["a", "c"]}},
    {"decide": {"rule": "majority", "threshold": 0.25, "overlap": "nested"}},
    {"decide": {"rule": "probability", "threshold": 0.1, "overlap": "all"}, "verify": {"members": ["c"]}},
    {"decide": {"rule": "probability", "threshold": 0.2}, "crf": {"votes": True, "weight": 3.0}},
    {"decide": {"rule": "weighted"}, "crf": {"votes": True, "weight": 0.1}},
    {"decide": {"rule": "probability"}, "crf": {"votes": True, "weight": 4.0, "measured": True}},
    {"decide": {"rule": "probability", "calibration": (1.5, 0.4), "threshold": 0.4}},
]


@pytest.mark.parametrize("sections", RECIPES)
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.2, 0.9, 0.5)])
def test_evidence_tells_what_the_recipe_itself_would_decide(sections: dict[str, Any], weights: Sequence[float]) -> None:
    how = recipe(["a", "b", "c"], **sections)
    members = [m.model_copy(update={"weight": w}) for m, w in zip(how.members, weights, strict=True)]
    how = how.model_copy(update={"members": tuple(members)})
    open_ = opener(*(noisy(salt) for salt in range(3)))
    evidence = Evidence(POOL, POOL.examples, open_)
    documents = [Document(e.id, e.text) for e in POOL.examples]
    really = list(open_(how, POOL).annotate(documents, leave_one_out=True))
    assert [a.entities for a in evidence.annotations(how)] == [a.entities for a in really]
    texts = [Text(e.text, e.entities, a.entities) for e, a in zip(POOL.examples, really, strict=True)]
    assert (evidence.table(how) == counts(texts)).all()
    assert counts(texts)[:, 1].sum() > 0


def test_a_tagger_that_votes_is_weighed_like_a_member() -> None:
    voting = {"votes": True, "weight": 3.0}
    result = tuned(scripted(listed, doubting), crf=voting, texts=20)
    assert any("by accuracy" in tried.setting for tried in result.tried)
    assert {tried.setting for tried in result.tried if "2 propose" in tried.setting}
    assert set(result.base.weights) == {"a", "crf"}


def test_a_tagger_alone_can_be_tuned() -> None:
    pool = Pool.of([made(number) for number in range(28)], LABELS)
    base = load_recipe("tagger")
    assert budget(base, pool, pool.examples).questions == (0, 0)
    result = tune(base, pool, open_=opener(), texts=20)
    assert result.before.score.gold > 0


def test_a_threshold_that_helps_is_found() -> None:
    result = tuned(scripted(listed, doubting))
    assert set(settings(result)) == {"decide.threshold"}
    assert 0.3 < result.recipe.decide.threshold <= 0.9
    assert (result.before.score.f1, result.cross_validated.score.f1) == (pytest.approx(0.6), 1)
    assert result.comparison.p < 0.01
    assert not result.kept
    assert result.agreed == 5


def test_a_verifier_that_is_always_wrong_is_not_chosen_and_one_that_is_right_is() -> None:
    liar = scripted(listed, "location", lambda a: "false" if a.span in TOWNS else "true")
    judge = scripted(listed, "location", lambda a: "true" if a.span in TOWNS else "false", identity="judge")
    assert settings(tuned(liar, liar)) == {}
    assert settings(tuned(liar, judge)) == {"verify.members": ([], ["b"])}


def test_a_verifier_of_the_base_recipe_that_is_always_wrong_is_dropped() -> None:
    liar = scripted(listed, "location", lambda a: "false" if a.span in TOWNS else "true")
    result = tuned(liar, verify={"members": ["a"]})
    assert settings(result) == {"verify.members": (["a"], [])}
    assert result.before.score.right == 0


def test_a_member_that_proposes_too_much_is_outvoted() -> None:
    careful = scripted(lambda a: "; ".join(t for t in TOWNS if t in a.text) or "none", "location", identity="careful")
    assert settings(tuned(scripted(listed, "location"), careful)) == {"decide.proposers": (1, 2)}


def test_the_number_of_demonstrations_is_raised_where_that_helps_and_not_beyond() -> None:
    def learned(asked: Asked) -> str:
        return listed(asked) if len(asked.demonstrations) >= 8 else "none"

    result = tuned(scripted(learned, lambda a: "location" if a.span in TOWNS else "none"))
    assert settings(result) == {"demonstrations": ({"a": 2}, {"a": 8})}


def test_the_precision_floor_is_kept_and_recall_gained_under_it() -> None:
    sure = {"rain": 0.8, "snow": 0.2, "storm": 0.4, "frost": 0.6}
    model = lambda: scripted(listed, lambda a: surely("location", sure.get(a.span, 0.7)))  # noqa: E731
    loose = tuned(model(), precision=0.5, decide={"threshold": 0.75})
    assert loose.cross_validated.score.recall == 1
    assert loose.cross_validated.score.precision >= 0.5
    strict = tuned(model(), precision=0.7)
    assert strict.cross_validated.score.precision >= 0.7
    assert strict.recipe.decide.threshold > loose.recipe.decide.threshold - 0.75
    assert strict.in_sample.score.precision >= 0.7


def test_the_number_of_demonstrations_is_not_chosen_for_a_floor_that_only_the_vote_can_reach() -> None:
    """With 16 demonstrations one town is listed, rightly; with 2, what two members agree on reaches the floor."""

    def listing(word: str) -> Callable[[Asked], str]:
        return lambda a: (
            "; ".join(w for w in (*TOWNS, word, "there") if w in a.text)
            if len(a.demonstrations) < 16
            else next((t for t in TOWNS[:1] if t in a.text), "none")
        )

    models = (scripted(listing(word), "location", identity=word) for word in ("on", "day"))
    result = tuned(*models, precision=0.35)
    assert settings(result) == {"decide.proposers": (1, 2)}
    assert result.cross_validated.score.recall == 1


def test_where_the_floor_cannot_be_reached_the_nearest_is_taken_and_it_is_told() -> None:
    model = scripted(listed, lambda a: surely("location", 0.9 if a.span in (*TOWNS, "rain") else 0.3))
    result = tuned(model, precision=0.95)
    assert result.estimate.score.precision < 0.95
    assert result.estimate.score.precision > result.before.score.precision


def test_where_there_is_only_noise_the_recipe_stays() -> None:
    results = [tuned(noisy(salt), seed=salt, texts=20) for salt in range(8)]
    assert sum(r.kept for r in results) >= 6
    assert np.mean([r.cross_validated.score.f1 - r.before.score.f1 for r in results]) < 0.02


def too_sure() -> FakeModel:
    """Of what it is sure of, half is right: the town, and not the word."""
    return scripted(listed, lambda a: surely("location", 0.9), identity="too sure")


def test_scores_are_calibrated_and_what_is_found_stays() -> None:
    result = tuned(too_sure(), only_scores=True, decide={"rule": "probability", "threshold": 0.5})
    slope, shift = result.recipe.decide.calibration or (0.0, 0.0)
    right = result.before.score.precision
    assert result.kept
    assert result.tried == ()
    assert result.calibration.helps
    assert result.calibration.before == pytest.approx(0.9 - right)
    assert result.calibration.after < 0.1
    assert calibrated(0.9, (slope, shift)) == pytest.approx(right, abs=0.1)
    documents = [Document(e.id, e.text) for e in POOL.examples]
    was, now = (list(opener(too_sure())(how, POOL).annotate(documents)) for how in (result.base, result.recipe))
    assert [spans(a) for a in was] == [spans(a) for a in now]
    assert any(map(spans, now))


def spans(annotation: Annotation) -> list[tuple[int, int, str]]:
    return [(e.start, e.end, e.label) for e in annotation.entities]


def test_scores_alone_take_one_run() -> None:
    model, runs = too_sure(), []
    how = recipe(["a"])

    def watch(annotations: Any, ner: EL4NER, total: int) -> Any:
        runs.append(total)
        return annotations

    tune(how, POOL, texts=20, only_scores=True, open_=opener(model), watch=watch)
    told = budget(how, POOL, draw(POOL, 20, 0), only_scores=True)
    assert runs == [20]
    assert told.runs == (1, 1)
    assert len(model.questions("extract")) == told.lists


def test_scores_that_are_right_stay() -> None:
    model = scripted(listed, lambda a: surely("location", 0.98 if a.span in TOWNS else 0.02))
    result = tuned(model, only_scores=True, decide={"rule": "probability", "threshold": 0.5})
    assert result.calibration.before < 0.03
    assert result.calibration.after < 0.03


@pytest.mark.parametrize("base", [(0.5, 1.5), (2.0, -1.0)])
def test_a_calibration_is_fitted_again(base: tuple[float, float]) -> None:
    threshold = calibrated(0.5, base)
    how = {"rule": "probability", "threshold": threshold, "calibration": base}
    result = tuned(too_sure(), only_scores=True, decide=how)
    assert result.before.score.found > 0
    assert result.calibration.after <= result.calibration.before
    assert result.recipe.decide.threshold < calibrated(0.9, result.recipe.decide.calibration)


def test_what_is_found_stays_where_nearly_nothing_is_right() -> None:
    """A threshold is small then, and stays one."""
    model = scripted(listed, lambda a: surely("location", 0.45 + 0.1 * hashed(a.span)))
    how = {"rule": "probability", "threshold": 0.5}
    pool = Pool.of([example(e.id, e.text, location="day") for e in POOL.examples if "day" in e.text], LABELS)
    result = tuned(model, only_scores=True, decide=how, pool=pool)
    assert 0 < result.recipe.decide.threshold < 0.25
    documents = [Document(e.id, e.text) for e in pool.examples]
    was, now = (list(opener(model)(r, pool).annotate(documents)) for r in (result.base, result.recipe))
    assert [spans(a) for a in was] == [spans(a) for a in now]


def test_a_calibrated_recipe_is_searched_as_finely() -> None:
    base = {"rule": "probability", "threshold": calibrated(0.2, (2.0, 3.0)), "calibration": (2.0, 3.0)}
    model = scripted(listed, lambda a: surely("location", 0.9 if a.span in TOWNS else 0.6))
    assert tuned(model, decide=base).cross_validated.score.f1 == 1


def test_where_all_have_to_be_asked_that_is_told() -> None:
    result = tuned(too_sure(), only_scores=True, classify={"ask": "undecided"}, decide={"rule": "probability"})
    assert result.changes["classify.ask"] == ("undecided", "others")
    assert result.base.classify.ask == "undecided"


def test_without_entities_a_calibration_stays_where_it_was() -> None:
    nothing, none = np.array([]), np.array([], dtype=bool)
    assert fit_platt(nothing, none) == (1, 0)
    assert fit_platt(nothing, none, (0.7, -0.3)) == (0.7, -0.3)


@hypothesis_settings(max_examples=20)
@given(st.floats(0.3, 3), st.floats(-1.5, 1.5))
def test_fitting_finds_what_scores_were_made_by(slope: float, shift: float) -> None:
    draws = np.random.default_rng(0)
    shares = draws.uniform(0.05, 0.95, 4000)
    true = np.array([calibrated(share, (slope, shift)) for share in shares])
    found = fit_platt(shares, draws.uniform(size=len(true)) < true)
    assert np.abs(np.array([calibrated(share, found) for share in shares]) - true).mean() < 0.05


@pytest.mark.slow
def test_a_search_that_takes_noise_for_merit_flatters_itself_but_not_its_estimate(monkeypatch: Any) -> None:
    """Without the rule of standard errors, over many searches: the estimate is no higher than other texts show."""
    monkeypatch.setattr("el4ner.evaluate.tuning.search.choose_setting", partial(choose_setting, errors=0.0))
    fresh = [made(1000 + number) for number in range(150)]
    told = []
    for salt in range(24):
        models = noisy(salt), noisy(salt + 50)
        result = tuned(*models, seed=salt)
        documents = [Document(e.id, e.text) for e in fresh]
        annotations = opener(*models)(result.recipe, POOL).annotate(documents)
        texts = [Text(e.text, e.entities, a.entities) for e, a in zip(fresh, annotations, strict=True)]
        told.append((total(counts(texts)).f1, result.cross_validated.score.f1, result.in_sample.score.f1))
    really, honest, flattered = np.mean(told, axis=0)
    assert flattered > really + 0.03
    assert honest < really + 0.01


def test_nothing_is_asked_twice_after_an_interruption(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def dying(after: int) -> FakeModel:
        model = scripted(listed, doubting)
        answer = model.answer

        def limited(request: Any) -> Reply | str:
            if model.calls > after:
                model.asked.pop()
                raise Killed
            return answer(request)

        model.answer = limited
        return model

    whole = scripted(listed, doubting)
    expected = tuned(whole, store=Store.open(tmp_path / "whole"), window=4)
    half = dying(len(whole.asked) // 2)
    with pytest.raises(Killed):
        tuned(half, store=Store.open(tmp_path / "store"), window=4)
    rest = scripted(listed, doubting)
    again = tuned(rest, store=Store.open(tmp_path / "store"), window=4)
    lost = len(half.asked) + len(rest.asked) - len(whole.asked)  # of the batch that died
    assert 0 <= lost < 24
    assert len(rest.asked) == len(set(rest.asked)) < len(whole.asked) * 0.6
    assert (again.recipe, again.cross_validated, again.tried) == (
        expected.recipe,
        expected.cross_validated,
        expected.tried,
    )
    third = scripted(listed, doubting)
    tuned(third, store=Store.open(tmp_path / "store"), window=4)
    assert third.calls == 0


def test_the_same_question_is_asked_once_though_nothing_is_remembered() -> None:
    model = scripted(listed, doubting)
    tuned(model)
    assert len(model.asked) == len(set(model.asked))


def test_the_budget_holds() -> None:
    runs: list[int] = []

    def watch(annotations: Any, ner: EL4NER, total: int) -> Any:
        runs.append(total)
        return annotations

    models = [noisy(salt) for salt in range(3)]
    how = recipe(["a", "b", "c"])
    tune(how, POOL, texts=20, open_=opener(*models), watch=watch)
    told = budget(how, POOL, draw(POOL, 20, 0))
    assert set(runs) == {20}
    assert told.runs[0] <= len(runs) <= told.runs[1]
    assert sum(len(model.questions("extract")) for model in models) <= told.lists


def test_a_failed_answer_is_no_end() -> None:
    def often(asked: Asked) -> Reply | str:
        failed = Reply("", Outcome.FAILED, error="busy")
        return failed if hashed(asked.text, asked.demonstrations) < 0.2 else listed(asked)

    assert tuned(scripted(often, doubting)).cross_validated.score.found > 0


@pytest.mark.parametrize(
    ("count", "texts", "message"),
    [(12, 100, "has 9 different texts with entities; at least 10"), (28, 12, "of the 12 drawn texts hold entities")],
)
def test_a_pool_that_is_too_small_is_told(count: int, texts: int, message: str) -> None:
    model = scripted(listed, doubting)
    with pytest.raises(DataError, match=message):
        tuned(model, pool=Pool.of(POOL.examples[:count], LABELS), texts=texts)
    assert model.calls == 0


def test_scores_alone_are_chosen_for_nothing() -> None:
    with pytest.raises(ConfigError, match="leave one of the two out"):
        tuned(scripted(), precision=0.9, only_scores=True)


def test_a_precision_that_cannot_be_is_told() -> None:
    with pytest.raises(ConfigError, match=r"precision: 1\.5"):
        tuned(scripted(), precision=1.5)


def test_texts_are_drawn_by_the_seed_and_none_twice() -> None:
    pool = Pool.of([*POOL.examples, *POOL.examples], LABELS)
    drawn = draw(pool, 20, 0)
    assert len({e.text for e in drawn}) == 20
    assert drawn == draw(pool, 20, 0)
    assert drawn != draw(pool, 20, 1)
    assert len(draw(pool, 100, 0)) == 28


def tables(*rights: Sequence[int]) -> np.ndarray:
    """Settings that find one entity a text, which is right or not; one is true in each."""
    return np.array([[(right, 1, 1) for right in setting] for setting in rights])


def test_of_near_equals_the_one_with_the_fewest_changes_is_chosen_and_of_these_the_best() -> None:
    base, bit, more = [1, 0] * 10, [1, 1] + [1, 0] * 9, [1, 1, 0, 1] + [1, 0] * 8
    assert choose_setting(tables(base, bit), [0, 1], Goal()) == 0
    assert choose_setting(tables(bit, base), [1, 0], Goal()) == 1
    assert choose_setting(tables(bit, base, more), [1, 2, 1], Goal()) == 0


def test_a_clear_gain_is_worth_changes() -> None:
    assert choose_setting(tables([1, 0] * 10, [1] * 20), [0, 3], Goal()) == 1


def test_one_right_out_of_one_reaches_no_floor() -> None:
    goal, one = Goal(0.8), [(1, 1, 1)] + [(0, 0, 1)] * 19
    most, all_ = [(1, 1, 1)] * 16 + [(0, 0, 1)] * 4, [(1, 1, 1)] * 16 + [(1, 6, 1)] * 4
    assert choose_setting(np.array([one, all_, most]), [0, 1, 2], goal) == 2


def test_below_the_floor_the_nearest_is_chosen() -> None:
    few, many = [(1, 2, 1)] * 10, [(1, 4, 1)] * 10
    assert choose_setting(np.array([many, few]), [0, 1], Goal(0.9)) == 1


names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@given(names, names, names, st.floats(0, 1), st.dictionaries(names, st.one_of(names, st.integers(), st.booleans())))
def test_a_recipe_is_read_back_equal(
    name: str, model: str, member: str, threshold: float, extra: dict[str, Any]
) -> None:
    server = {"engine": "openai", "base_url": "http://x", "model": name, "extra": extra and {"more": [extra], **extra}}
    members = [{"name": member, "model": model, "stripe": [1, 3]}, {"name": member + "2", "model": model}]
    how = parse_recipe(
        {
            "name": name,
            "models": {model: server},
            "members": members,
            "decide": {"threshold": threshold},
            "verify": {"members": [member]},
        },
        "test",
    )
    text = recipe_toml(how, [f"{name}\n[models]", "\x00 ]] \u2028"])
    import tomllib

    assert parse_recipe(tomllib.loads(text), "test") == how


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_are_read_back_equal(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(recipe_toml(load_recipe(name), ["mine"]).encode())
    assert load_recipe(str(file)) == load_recipe(name)


def test_what_toml_cannot_say_is_told() -> None:
    table = {"engine": "openai", "base_url": "http://x", "model": "m", "extra": {"a": {"b": None}}}
    how = parse_recipe({"name": "x", "models": {"m": table}, "members": [{"name": "a", "model": "m"}]}, "x")
    with pytest.raises(ConfigError, match="a null in"):
        recipe_toml(how)


RECIPE = """
name = "mine"
[models.m]
engine = "openvino"
path = "/nowhere"
[[members]]
name = "one"
model = "m"
style = "compact"
demonstrations = 2
[retrieve]
by = "sentence"
"""


def lister(request: Any) -> Reply:
    """Lists towns surely, and what falls from the sky less so."""
    text = str(request.prompt).rsplit("Text: ", 1)[1]
    if "True or false?" in text:
        return Reply("true")
    tokens: list[Token] = []
    for word in (w for w in (*TOWNS, *NOISE) if w in text.split("\n")[0]):
        chance = 0.9 if word in TOWNS else 0.3
        tokens += [Token(f"{'; ' if tokens else ' '}{word} ", -0.1), Token("(", 0), Token("location", math.log(chance))]
        tokens.append(Token(")", 0))
    return Reply("".join(t.text for t in tokens) or " none", tokens=tuple(tokens))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EL4NER_STORE", str(tmp_path / "replies.sqlite"))
    rows = [
        {
            "id": e.id,
            "text": e.text,
            "entities": [{"start": s.start, "end": s.end, "label": s.label} for s in e.entities],
        }
        for e in POOL.examples
    ]
    Path("pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("base.toml").write_text(RECIPE)
    model = FakeModel(lister)
    monkeypatch.setattr("el4ner.evaluate.experiment.open_models", lambda models: dict.fromkeys(models, model))
    return model


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str) -> tuple[int, str, str]:
        from el4ner import cli

        monkeypatch.setattr("sys.argv", ["el4ner", "tune", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfdbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    return call


Run = Callable[..., tuple[int, str, str]]
ASK = ("-p", "pool.jsonl", "-r", "base.toml")


def test_the_command_writes_a_recipe_that_is_read_back_and_says_what_to_expect(work: FakeModel, run: Run) -> None:
    code, told, said = run(*ASK, "-o", "mine.toml")
    assert code == 0, said
    mine = load_recipe("mine.toml")
    assert mine.decide.threshold > 0.25
    assert mine.name == "mine-tuned"
    text = Path("mine.toml").read_text()
    assert text.startswith("# Made by: el4ner tune: tune -p pool.jsonl -r base.toml -o mine.toml\n")
    assert f"#   decide.threshold: 0.0 -> {mine.decide.threshold}\n" in text
    assert "cross-validated: precision 1.000, recall 1.000, F1 1.000" in text
    assert "cross-validated (expect this)" in told
    assert "mine, as it is" in told
    assert "28 texts, 1 member: 6 to 14 runs" in said
    calls = work.calls
    assert run(*ASK, "-o", "mine.toml")[0] == 0  # ours: written anew, from the store
    assert work.calls == calls
    assert Path("mine.toml").read_text() == text


@pytest.mark.parametrize("output", [(), ("-o", "-")])
def test_without_a_file_the_recipe_is_what_stands_on_standard_output(
    work: FakeModel, run: Run, output: tuple[str, ...]
) -> None:
    import tomllib

    code, told, said = run(*ASK, *output)
    assert code == 0
    assert parse_recipe(tomllib.loads(told), "told").decide.threshold > 0.25
    assert "cross-validated (expect this)" in said


def test_the_command_calibrates_scores_alone(work: FakeModel, run: Run) -> None:
    code, told, said = run(*ASK, "--only-scores", "-o", "mine.toml")
    assert code == 0, said
    assert "28 texts, 1 member: 1 run;" in said
    assert "expected calibration error of" in told
    assert "cross-validated (expect this)" not in told
    mine, base = load_recipe("mine.toml"), load_recipe("base.toml")
    assert mine.decide.calibration is not None
    assert mine.model_copy(update={"decide": base.decide, "name": "", "description": ""}) == base.model_copy(
        update={"name": "", "description": ""}
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-p", "pool.jsonl", "-r", "nona"), "did you mean 'nano'"),
        ((*ASK, "-o", "no/such/folder.toml"), "cannot be written"),
        ((*ASK, "-o", "base.toml"), "is there, and not by `el4ner tune`"),
        ((*ASK, "-o", "pool.jsonl"), "is there, and not by `el4ner tune`"),
        ((*ASK, "--texts", "12"), "draw more"),
        (("-p", "none.jsonl", "-r", "base.toml"), "none.jsonl"),
    ],
)
def test_mistakes_are_told_before_anything_is_asked(
    work: FakeModel, run: Run, arguments: tuple[str, ...], message: str
) -> None:
    code, told, said = run(*arguments)
    assert (code, told, work.calls) == (1, "", 0)
    assert message in said
    assert "Traceback" not in said
    assert Path("base.toml").read_text() == RECIPE
    assert not list(Path().glob("*.part"))


def test_a_broken_off_search_leaves_no_half_recipe(work: FakeModel, run: Run) -> None:
    def broken(request: Any) -> Reply:
        return Reply("", Outcome.FAILED, error="gone")

    work.answer = broken
    code, _, said = run(*ASK, "-o", "mine.toml")
    assert code == 1
    assert "gone" in said
    assert not list(Path().glob("mine.toml*"))


def test_annotations_of_a_run_can_be_watched() -> None:
    seen: list[Annotation] = []

    def watch(annotations: Any, ner: EL4NER, total: int) -> Any:
        for annotation in annotations:
            seen.append(annotation)
            yield annotation

    tune(recipe(["a"]), POOL, texts=20, open_=opener(scripted(listed, doubting)), watch=watch)
    assert len(seen) % 20 == 0
    assert seen


def test_a_recipe_chosen_on_degraded_runs_says_so(work: FakeModel, run: Run) -> None:
    turn = iter(range(100_000))

    def shaky(request: Any) -> Reply:
        return Reply("", Outcome.FAILED, error="HTTP 502: bad\ngateway") if next(turn) % 9 == 8 else lister(request)

    work.answer = shaky
    code, _, said = run(*ASK, "--only-scores", "--strict", "-o", "mine.toml")
    assert code == 3
    assert said.count("one failed: HTTP 502: bad␤gateway") == 1
    assert "the recipe was chosen on degraded runs" in said
    header = [line for line in Path("mine.toml").read_text().splitlines() if "degraded" in line]
    assert len(header) == 1
    assert header[0].startswith("# Chosen on degraded runs: one: ")
    assert header[0].endswith("calls failed: HTTP 502: bad␤gateway")
    load_recipe("mine.toml")
