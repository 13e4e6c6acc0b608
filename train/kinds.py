"""What types of entity the data sets have, whatever they call them: names and descriptions to choose from.

None of the longer descriptions is one of a held-out set's (`corpus.py` refuses that).
"""

from __future__ import annotations

# What a label is, whatever a data set calls it: names, then descriptions.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "person": (
        ("person", "people", "PER", "human name", "person name", "individual", "name of a person", "PERSON", "human"),
        (
            "names of people",
            "names of real and of invented people",
            "who is named",
            "first names, surnames, full names",
        ),
    ),
    "organisation": (
        ("organisation", "organization", "ORG", "institution", "company or institution", "ORGANIZATION", "org"),
        (
            "names of organisations",
            "names of companies, institutions, agencies, teams and other groups",
            "companies, parties, clubs, authorities, media, bands",
        ),
    ),
    "location": (
        ("location", "place", "LOC", "place name", "LOCATION", "geographical name", "loc"),
        (
            "names of locations",
            "names of towns, regions, countries and landmarks",
            "countries, cities, regions, rivers, mountains, buildings",
        ),
    ),
    "misc": (
        ("misc", "other", "MISC", "miscellaneous", "other name", "OTH"),
        (
            "names of anything else",
            "other names: nationalities, religions, events, works, products",
        ),
    ),
    "gene": (
        ("gene", "gene or gene product", "protein", "gene or protein", "GENE", "Gene/Protein"),
        ("genes and gene products", "genes, proteins and RNA", "names of genes, proteins, enzymes, receptors"),
    ),
    "chemical": (
        ("chemical", "drug", "chemical compound", "drug or chemical", "Simple_chemical", "substance"),
        ("chemicals and drugs", "chemical compounds, medicines, small molecules"),
    ),
    "disease": (
        ("disease", "illness", "medical condition", "disorder", "DISEASE", "diagnosis"),
        ("diseases, disorders and symptoms", "names of illnesses, syndromes and adverse effects"),
    ),
    "cancer": (("cancer", "tumour", "tumor", "neoplasm"), ("cancers and tumours", "kinds of cancer")),
    "cell": (("cell", "cell type", "kind of cell"), ("cells, cell types and cell lines", "kinds of cells")),
    "tissue": (("tissue", "body tissue"), ("tissues",)),
    "organ": (("organ", "body organ"), ("organs of the body", "organs")),
    "organism": (("organism", "species", "living being"), ("organisms, species and patients",)),
    "fluid": (("organism substance", "body fluid"), ("body fluids and substances",)),
    "food": (
        ("food", "ingredient", "food item", "foodstuff", "dish or food", "product"),
        ("foods and ingredients", "what is eaten or cooked with"),
    ),
    "quantity": (("quantity", "amount", "number"), ("quantities", "how much or how many")),
    "unit": (("unit", "measure", "unit of measure"), ("units of measure", "units such as cup, gram or spoon")),
    "process": (("process", "preparation", "way of preparing"), ("processes and ways of preparing",)),
    "quality": (("physical quality", "property", "texture or size"), ("physical qualities such as size or shape",)),
    "colour": (("color", "colour"), ("colours",)),
    "taste": (("taste", "flavour"), ("tastes",)),
    "date": (("date", "time", "DATE", "when"), ("dates and times", "dates")),
    "facility": (("facility", "building", "FAC", "facility or building"), ("facilities: buildings, rooms, roads",)),
    "gpe": (("geo-political entity", "GPE", "city or country"), ("cities, countries, villages and other GPEs",)),
    "nature": (("location", "LOC", "natural place"), ("locations: forests, rivers, mountains",)),
    "vehicle": (("vehicle", "VEH", "means of transport"), ("vehicles: ships, cars, carriages",)),
    "mention": (("person", "PER", "people", "character"), ("people, by name or common noun phrase",)),
    "malware": (("malware", "virus", "malicious program"), ("malware", "malicious software by name")),
    "tool": (("tool", "software", "program"), ("tools used in attacks", "software and tools")),
    "group": (("group", "hacker group", "threat actor"), ("hacker groups",)),
    "sector": (("sector", "industry"), ("industry sectors",)),
    "technique": (("technique", "attack technique", "method"), ("techniques of attackers", "methods")),
    "tactic": (("tactic", "attack tactic"), ("tactics of attackers",)),
    "code": (("code", "command", "file or command"), ("code snippets and commands",)),
    "concept": (("concept", "technical term", "term"), ("other cyber security concepts",)),
    # Finer types, found by the surface (see `finer`).
    "country": (("country", "nation", "COUNTRY"), ("countries", "names of countries")),
    "university": (("university", "school", "academic institution"), ("universities and schools",)),
    "company": (("company", "corporation", "business"), ("businesses by name", "companies")),
    "party": (("political party", "party"), ("political parties",)),
    "team": (("sports team", "club", "side"), ("sports teams and clubs",)),
    "media": (("media", "newspaper", "news source"), ("newspapers, magazines, broadcasters",)),
    "nationality": (("nationality", "NORP", "demonym"), ("nationalities, languages, words derived from a place",)),
    "award": (("award", "prize"), ("prizes, medals and other honours",)),
    "event": (("event", "EVENT", "happening"), ("events", "wars, festivals, tournaments")),
    "work": (("creative work", "work of art", "title"), ("titles of films, books, songs, series",)),
    "facility name": (("facility", "building", "landmark"), ("names of buildings, streets, airports, stations",)),
    "water": (("river", "body of water", "water"), ("rivers, lakes, seas",)),
    "user": (("user", "user name", "account", "handle"), ("user names of social media",)),
    "year": (("year", "YEAR"), ("years",)),
    "number": (("number", "NUM", "cardinal"), ("numbers",)),
    "month": (("month", "month name"), ("names of months",)),
    "link": (("url", "link", "web address"), ("web addresses",)),
    "hashtag": (("hashtag", "tag"), ("hashtags",)),
}

KIND_OF = {
    "PER": "person", "ORG": "organisation", "LOC": "location", "MISC": "misc", "OTH": "misc", "GENE": "gene",
    "Gene_or_gene_product": "gene", "Chemical": "chemical", "Simple_chemical": "chemical", "Disease": "disease",
    "Cancer": "cancer", "Cell": "cell", "Tissue": "tissue", "Organ": "organ", "Organism": "organism",
    "Organism_substance": "fluid", "FOOD": "food", "QUANTITY": "quantity", "UNIT": "unit", "PROCESS": "process",
    "PHYSICAL_QUALITY": "quality", "COLOR": "colour", "TASTE": "taste", "DATE": "date", "MALWARE": "malware",
    "TOOL": "tool", "GROUP": "group", "SECTOR": "sector", "TECHNIQUE": "technique", "TACTIC": "tactic", "CODE": "code",
    "CON": "concept", "USER": "user", "LOCderiv": "nationality",
}  # fmt: skip
ELSEWHERE = {  # labels that mean something else in one data set
    "litbank": {"PER": "mention", "FAC": "facility", "GPE": "gpe", "LOC": "nature", "VEH": "vehicle"},
}
OTHER_LANGUAGES = {
    "de": {
        "person": ("Person", "Personenname", "Mensch"),
        "organisation": ("Organisation", "Firma oder Verein", "Institution"),
        "location": ("Ort", "Ortsname", "Geographie"),
        "misc": ("Sonstiges", "andere Namen"),
    },
    "zh": {
        "person": ("人名", "人物", "姓名", "nr"),
        "organisation": ("机构", "组织", "机构名", "nt"),
        "location": ("地名", "地点", "位置", "ns"),
        "country": ("国家",),
    },
}
