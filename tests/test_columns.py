"""CoNLL files as they come: which column is the token, which are tags, what comments say; and prose that looks so."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from el4ner.data import Document
from el4ner.errors import ConfigError, DataError
from el4ner.formats import FileLayout, read_documents, read_examples
from el4ner.formats.layout import Scheme

GERMEVAL = (
    "#\tn-tv.de vom 26.02.2005 [2005-02-26]\n"
    "1\tSchartau\tB-PER\tO\n2\tsagte\tO\tO\n3\tdem\tO\tO\n4\tFC\tB-ORG\tO\n5\tKöln\tI-ORG\tB-LOC\n\n"
    "#\thttp://de.wikipedia.org/wiki/Oslo [2009-10-17]\n1\tOslo\tB-LOC\tO\n2\t.\tO\tO\n"
)
CONLL_2003 = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\ncall NN I-NP O\n"
CONLLU = (
    "# sent_id = a1\n# text = Don't go to (Oslo).\n"
    "1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_\n1\tDo\tdo\tAUX\t_\t_\t3\taux\t_\t_\n2\tn't\tnot\tPART\t_\t_\t3\tadvmod\t_\t_\n"
    "3\tgo\tgo\tVERB\t_\t_\t0\troot\t_\t_\n3.1\tnull\t_\t_\t_\t_\t_\t_\t_\t_\n4\tto\tto\tADP\t_\t_\t6\tcase\t_\t_\n"
    "5\t(\t(\tPUNCT\t_\t_\t6\tp\t_\tSpaceAfter=No\n6\tOslo\tOslo\tPROPN\t_\t_\t3\tobl\t_\tner=S-LOC|SpaceAfter=No\n"
    "7\t)\t)\tPUNCT\t_\t_\t6\tp\t_\tSpaceAfter=No\n8\t.\t.\tPUNCT\t_\t_\t3\tp\t_\t_\n\n"
)
Found = list[tuple[str, list[tuple[str, str | None]]]]


def write(folder: Path, content: str, name: str = "x.conll") -> Path:
    (folder / name).write_text(content)
    return folder / name


def read(path: Path, layout: FileLayout | None = None, format: str | None = None) -> Found:
    """Texts, each with its mentions and their types. Warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [
            (e.text, [(e.text[s.start : s.end], s.label) for s in e.entities])
            for e in read_examples(path, format, layout)
        ]


def refused(path: Path, layout: FileLayout | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read_examples(path, layout=layout)
    return str(caught.value)


@pytest.mark.parametrize("name", ["x.conll", "x.tsv", "x"])
def test_germeval_counts_its_tokens_and_has_two_layers(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, GERMEVAL, name)
    first = "Schartau sagte dem FC Köln"
    assert read(path) == [
        (first, [("Schartau", "PER"), ("FC Köln", "ORG"), ("Köln", "LOC")]),
        ("Oslo .", [("Oslo", "LOC")]),
    ]
    assert list(read_documents(path)) == [Document("1", first), Document("2", "Oslo .")]


@pytest.mark.parametrize("name", ["x.conllu", "x.conll", "x.tsv", "x"])
def test_conllu_has_its_own_text_and_offsets_into_it(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, CONLLU, name)
    assert read(path) == [("Don't go to (Oslo).", [("Oslo", "LOC")])]
    assert list(read_documents(path)) == [Document("1", "Don't go to (Oslo).", {"sent_id": "a1"})]


def test_conllu_text_is_made_of_its_tokens_where_the_comment_does_not_fit(tmp_path: Path) -> None:
    other = CONLLU.replace("# text = Don't go to (Oslo).", "# text = Do go to Oslo")
    assert read(write(tmp_path, other)) == [("Don't go to (Oslo).", [("Oslo", "LOC")])]
    assert read(write(tmp_path, other.replace("SpaceAfter=No", "X=Y"))) == [
        ("Don't go to ( Oslo ) .", [("Oslo", "LOC")])
    ]


def test_a_contraction_is_one_piece_of_the_text(tmp_path: Path) -> None:
    rows = "1\tvia\tO\tO\n2-3\tdo\t_\t_\n2\tde\tO\tO\n3\to\tB-LOC\tO\n4\tPorto\tI-LOC\tO\n"
    assert read(write(tmp_path, rows)) == [("via do Porto", [("do Porto", "LOC")])]


def test_conll_2003_has_phrases_before_the_tags(tmp_path: Path) -> None:
    path = write(tmp_path, CONLL_2003)
    assert read(path) == [("EU rejects German call", [("EU", "ORG"), ("German", "MISC")])]
    assert [d.text for d in read_documents(path)] == ["EU rejects German call"]
    assert read(write(tmp_path, CONLL_2003.replace(" ", "\t"))) == read(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("1\tAda\tB-PER\t-\t-\n2\tran\tO\t-\t-\n", [("Ada ran", [("Ada", "PER")])]),  # Universal NER
        (
            "0\tAda\tB-PER\n1\tran\tO\n\n2\tBob\tB-PER\n3\tran\tO\n",
            [("Ada ran", [("Ada", "PER")]), ("Bob ran", [("Bob", "PER")])],
        ),
        ("O\tin\nB-LOC\tOslo\n\nO\tbye\n", [("in Oslo", [("Oslo", "LOC")]), ("bye", [])]),  # the tag first
        ("token\tner\nAda\tB-PER\nran\tO\n", [("Ada ran", [("Ada", "PER")])]),  # a header
        (
            "Bank B-ORG O\nof I-ORG O\nOslo I-ORG B-LOC\nOslo B-LOC B-ORG\n",
            [("Bank of Oslo Oslo", [("Bank of Oslo", "ORG"), ("Oslo", "LOC"), ("Oslo", "LOC"), ("Oslo", "ORG")])],
        ),
        ("1\tB-N\n", [("1", [("1", "N")])]),
        ("1\tO\n2\tB-N\n", [("1 2", [("2", "N")])]),  # numbers are tokens where there is nothing else
        ("I-95\tB-ROAD\n", [("I-95", [("I-95", "ROAD")])]),
        ("I-95 NN B-ROAD\nO NN O\n", [("I-95 O", [("I-95", "ROAD")])]),
        ("2019 CD O\n2020 CD B-N\nwas VB O\nhot JJ O\n", [("2019 2020 was hot", [("2020", "N")])]),
        ("1\tAda\tB-PER\n2\tran\tO\n\n1\t1\tB-N\n", [("Ada ran", [("Ada", "PER")]), ("1", [("1", "N")])]),
    ],
)
def test_the_right_columns_are_taken(tmp_path: Path, content: str, found: Found) -> None:
    assert read(write(tmp_path, content)) == found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("1 CD O\n", "line 1: the first column counts the tokens, or holds them"),
        ("1\tThe\tO\n1\tcat\tO\n2\tAda\tB-PER\n2\tran\tO\n", "line 1: the first column mostly holds numbers (1)"),
        ("1\tAda\tB-PER\n2\tran\tO\n3\taway\n", "line 3: 2 columns, where the others have 3"),
        ("1\tAda\tB-PER\n2\tran\tO\nx\taway\tO\n", "line 3: the tokens are numbered, but here stands 'x'"),
        ("1\tAda\tNNP\n2\tran\tVBD\n", "line 1: no column holds tags such as O and B-PER; name it: `el4ner data"),
        ("Ada B-NNP B-PER\nran B-VBD O\n", "line 1: columns 2, 3 hold tags of different kinds"),
        (
            "Ada PER\nran O\n",
            "line 1: 'PER' is not a tag; the last column holds O or a tag such as B-PER; bare types: ",
        ),
        ("Ada (PERSON*\nran *\n", "line 1: '(PERSON*' is not a tag"),
        ("1\tAda\tB-PER\n9-1\tx\tO\n2\tran\tO\n", "line 2: 9-1 is no range of words"),
        ("#FORMAT=WebAnno TSV 3.3\n\n1-1\t0-3\tAda\tPER\n", "line 1: this is WebAnno's TSV"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, content: str, says: str) -> None:
    assert says in refused(write(tmp_path, content))


def test_the_index_alone_is_no_token(tmp_path: Path) -> None:
    assert [d.text for d in read_documents(write(tmp_path, "1\tAda\n2\tran\n\n1\tBob\n"))] == ["Ada ran", "Bob"]


def test_columns_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "1\tThe\tO\tB-X\n1\tcat\tB-ANIMAL\tO\n")
    assert read(path, FileLayout.of(["token=2,tag=3"])) == [("The cat", [("cat", "ANIMAL")])]
    assert read(path, FileLayout.of(["token=2", "tag=3,tag=4"])) == [("The cat", [("cat", "ANIMAL"), ("The", "X")])]
    assert read(path, FileLayout(token=1, tag=(4,))) == [("1 1", [("1", "X")])]
    assert [d.text for d in read_documents(path, layout=FileLayout(token=2))] == ["The cat"]
    assert "line 1: column 9 is empty; it holds the token" in refused(path, FileLayout(token=9, tag=(3,)))
    assert "line 1: no tag column" in refused(path, FileLayout(token=2, tag=(9,)))


@pytest.mark.parametrize(
    ("given", "layout"),
    [
        (["body"], FileLayout(text="body")),
        (["text=body,id=key"], FileLayout(text="body", id="key")),
        (["a, b=c"], FileLayout(text="a, b=c")),
        (["id=key", "2"], FileLayout(text="2", id="key")),
        (["token=2,tag=4,tag=5"], FileLayout(token=2, tag=(4, 5))),
    ],
)
def test_layouts_in_words(given: list[str], layout: FileLayout) -> None:
    assert FileLayout.of(given) == layout


@pytest.mark.parametrize(
    "given", [["token=x"], ["tag=0"], ["text="], [""], ["a", "b"], ["token=1,token=2"], ["token=-1"]]
)
def test_words_that_are_no_layout(given: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"column"):
        FileLayout.of(given)


def test_a_layout_that_a_format_has_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CoNLL files have no column of the kind 'text'"):
        read_examples(write(tmp_path, "Ada O\n"), layout=FileLayout(text="x"))
    with pytest.raises(ConfigError, match="JSONL files have no column of the kind 'token'"):
        read_examples(write(tmp_path, "{}", "x.jsonl"), layout=FileLayout(token=2))
    with pytest.raises(ConfigError, match="brackets files have no columns"):
        read_documents(write(tmp_path, "a", "x.txt"), "brackets", FileLayout(text="x"))


# Tags


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ("b-per i-per o b-Loc", [("a b", "per"), ("d", "Loc")]),
        ("B_PER I_PER 0 B_LOC", [("a b", "PER"), ("d", "LOC")]),
        ("B:PER E:PER _ S:LOC", [("a b", "PER"), ("d", "LOC")]),
        ("B‑PER I‑PER O B‑LOC", [("a b", "PER"), ("d", "LOC")]),
        ("B-PER-first I-PER-first O B-PER-first", [("a b", "PER-first"), ("d", "PER-first")]),
        ("B-P M-P E-P W-L", [("a b c", "P"), ("d", "L")]),  # BMEWO
    ],
)
def test_tags_in_other_spellings(tmp_path: Path, tags: str, entities: list[tuple[str, str]]) -> None:
    rows = "".join(f"{token}\t{tag}\n" for token, tag in zip("abcd", tags.split(), strict=True))
    assert read(write(tmp_path, rows)) == [("a b c d", entities)]


def test_bare_types_by_option(tmp_path: Path) -> None:
    path = write(tmp_path, "Ada PER\nByron PER\nmet O\nOslo LOC\n\nof _\ne-mail e-mail\n")
    expected = [("Ada Byron met Oslo", [("Ada Byron", "PER"), ("Oslo", "LOC")]), ("of e-mail", [("e-mail", "e-mail")])]
    assert read(path, FileLayout(scheme=Scheme.IO)) == expected
    assert "'B-PER' is not a tag; the last column has no prefix in the scheme io" in refused(
        write(tmp_path, "Ada B-PER\n"), FileLayout(scheme=Scheme.IO)
    )


@pytest.mark.parametrize(
    ("tags", "entities", "says"),
    [
        ("B-P O I-L O", [("a", "P"), ("c", "L")], "line 3: 'I-L' goes on with an entity that was not begun"),
        ("B-P E-P E-L O", [("a b", "P"), ("c", "L")], "line 3: 'E-L' ends an entity that was not begun"),
        ("B-P E-P B-L O", [("a b", "P"), ("c", "L")], "line 3: 'B-L' has no end behind it"),
    ],
)
def test_a_repair_is_said_with_its_line(tmp_path: Path, tags: str, entities: list[tuple[str, str]], says: str) -> None:
    path = write(tmp_path, "".join(f"{token} {tag}\n" for token, tag in zip("abcd", tags.split(), strict=True)))
    with pytest.warns(UserWarning, match=f"x.conll, {says}"):
        (example,) = read_examples(path)
    assert [(example.text[s.start : s.end], s.label) for s in example.entities] == entities


@pytest.mark.parametrize("tags", ["I-P I-P B-P O", "B-P I-P B-P I-P", "O I-P I-L O", "S-P B-P I-P E-P"])
def test_schemes_that_agree_with_themselves_are_not_spoken_of(tmp_path: Path, tags: str) -> None:
    rows = "".join(f"{token} {tag}\n" for token, tag in zip("abcd", tags.split(), strict=True))
    assert len(read(write(tmp_path, rows))) == 1


# Looks


@pytest.mark.parametrize("content", [GERMEVAL, CONLL_2003, CONLLU, "O\tin\nB-LOC\tOslo\n"])
def test_column_files_are_not_taken_for_lines_of_text(tmp_path: Path, content: str) -> None:
    with pytest.raises(
        DataError, match=r"x\.txt, line 1: this looks like conll; say --format conll, or --format plain"
    ):
        read_documents(write(tmp_path, content, "x.txt"))
    assert len(list(read_documents(tmp_path / "x.txt", "plain"))) == len([x for x in content.split("\n") if x])
    assert read_examples(tmp_path / "x.txt") == read_examples(write(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        "# Heading\nA text of blood type O\nAnother line.\n",
        "1. First of all, Ada.\n2. Then Bob.\n",
        "1 Ada\n2 Bob\n",
        "B-Movie night\nO well\n",
        "O Captain! My Captain!\nO Christmas tree\n",
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x"])
def test_prose_is_not_taken_for_columns(tmp_path: Path, content: str, name: str) -> None:
    assert [d.text for d in read_documents(write(tmp_path, content, name))] == content.splitlines()
