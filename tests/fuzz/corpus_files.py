"""Valid files in many formats, to be changed: ours, and those that other tools write."""

from __future__ import annotations

JSONL = """{"id": "a", "text": "Anna Berg lives in Porto .", "entities": [{"start": 0, "end": 9, "label": "person"}]}
{"text": "Zoë 🇳🇴 l’été", "entities": [], "meta": {"source": "x"}}
{"id": 3, "tokens": ["李明", "在", "北京", "."], "entities": [{"start": 2, "end": 3, "label": "location"}]}
"""
CONLL = """-DOCSTART- -X- -X- O

Anna NNP B-NP B-PER
Berg NNP I-NP I-PER
lives VBZ B-VP O
in IN B-PP O
Porto NNP B-NP B-LOC

# a comment
李明\tB-PER
在\tO
北京\tE-LOC
"""
GERMEVAL = """#\thttp://de.example/Schartau [2009-10-23]
1\t"\tO\tO
2\tUniversität\tB-ORG\tO
3\tPorto\tI-ORG\tB-LOC

#\tn-tv.de
1\tAnna\tB-PER\tO
"""
CONLLU = """# sent_id = 1
# text = Anna can't come.
1\tAnna\tAnna\tPROPN\tNNP\t_\t3\tnsubj\t_\tname=B-PER
2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\t_
2\tca\tcan\tAUX\tMD\t_\t3\taux\t_\tname=O|SpaceAfter=No
3\tcome\tcome\tVERB\tVB\t_\t0\troot\t_\tname=O
3.1\t_\t_\t_\t_\t_\t_\t_\t_\t_
"""
CSV = 'id,text,label\n1,"Anna Berg, of ""Acme"", lives in Porto",x\n2,"Two\nlines",y\n'
TSV = "id\tsentence\n1\tAnna lives in Porto.\n2\tBerg does not.\n"
OTHERS = (
    '{"text": "Anna in Porto", "label": [[0, 4, "PER"]]}\n{"text": "b", "labels": []}\n',
    '{"text": "Anna", "spans": [{"start": 0, "end": 4, "label": "PER"}], "answer": "accept"}\n',
    '[["Anna in Porto", {"entities": [[0, 4, "PER"]]}]]',
    '{"tokenized_text": ["Anna", "in", "Porto"], "ner": [[0, 0, "person"]]}\n',
    '{"tokens": ["Anna"], "ner_tags": [1]}\n',
    "[Anna Berg](person) lives in [Porto](location).\n",
    "<PER>Anna Berg</PER> lives in <LOC>Porto</LOC>.\n",
    "Anna\tO\nBerg O\nPorto  I-LOC\n",
    "Anna Berg lives in Porto.\r\nSo does O’Brien.\r\n\r\n",
    "Anna Berg lives in Porto.\rSo does she.\r",
)
FILES = (JSONL, CONLL, GERMEVAL, CONLLU, CSV, TSV, *OTHERS)
SUFFIXES = (".jsonl", ".json", ".conll", ".tsv", ".txt", ".csv", ".bio", "")
LABELS = (
    '{"person": "names of people", "location": "places"}',
    '["person", "location"]',
    '{"name": "x", "labels": {"person": "names", "misc.": ""}}',
    'labels = ["person", "location"]\n',
    '[labels]\nperson = "names of people"\n"a b" = ""\n',
)
TOKENS = (
    b"\n", b"\r", b"\r\n", b"\t", b" ", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b",
    b"\x80", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\ud800", b"\\u0000", b"NaN", b"Infinity", b"-1",
    b"9" * 5000, b"1e999", b"[" * 3000, b'{"a":' * 3000, b"null", b'"text"', b'"entities"', b'"start": 1', b'"end": 99',
    b'"tokens"', b"O", b"B-PER", b"I-", b"B-", b"-DOCSTART-", b"# ", b"# text = ", b"1\t", b"2-3\t", b";", b'""',
)  # fmt: skip
