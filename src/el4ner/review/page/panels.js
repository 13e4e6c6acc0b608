// What unfolds below the text: why, how good, the rest, types, help. All text is set as text.
"use strict";

const KEYS = [
  ["a", "accept: what is marked goes to the pool"], ["x", "reject the text: it is not asked about again"],
  ["space", "skip: later"], ["backspace", "undo, ten back, also after a restart"],
  ["1 – 9", "type of the marked span, or a new one on what is selected"], ["Tab, Shift-Tab", "next doubtful span (all, where none is)"],
  ["d", "delete the span"], ["[ and ]", "begin further left, end further right, by a word; with Alt by a character"],
  ["{ and }", "begin further right, end further left"], ["n", "next of those that the vote left out; a digit or Enter takes it in"],
  ["← →", "the word to select; with Shift more of them, with Alt by a character"], ["u", "why: who said what, and what was read"],
  ["m", "to the buttons: Tab then goes through the page, Esc back to the text"], ["Esc", "nothing selected"], ["?", "this"],
];

const percent = (share) => (share === null || share === undefined ? "" : share.toFixed(2));
const item = (...content) => make("li", {}, ...content);

function helpPanel() {
  const rows = KEYS.map(([key, what]) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, what)));
  return [make("h2", {}, "Keys"), make("table", {}, make("tbody", {}, ...rows))];
}

// Who said what of the span that has the focus (of all, where none has), and the demonstrations that were read.
function whyPanel(text, span, told) {
  const ballots = text.ballots.filter((one) => !span || (one.start === span.start && one.end === span.end));
  const rows = ballots.map((one) => {
    const votes = one.votes.map(([who, label, sure]) => `${who}: ${label ?? "none"} ${percent(sure)}`.trim());
    const verdicts = one.verdicts.map(([who, label, holds]) => `${who}: ${label}? ${holds ? "yes" : "no"}`);
    const silent = one.silent.map(([who, why]) => `${who}: ${why}`);
    const cells = [text.characters.slice(one.start, one.end).join(""), one.out || one.label, percent(one.score),
      one.proposers.join(", "), [...votes, ...verdicts, ...silent].join("; ")];
    return make("tr", {}, ...cells.map((cell) => make("td", {}, make("bdi", {}, String(cell ?? "")))));
  });
  const head = ["span", "outcome", "score", "proposed by", "said"].map((name) => make("th", { scope: "col" }, name));
  const read = told.demonstrations.map(({ id, text: shown, entities, similarity }) => {
    const said = entities.map(([start, end, label]) => `${Array.from(shown).slice(start, end).join("")} (${label})`);
    return item(make("bdi", {}, shown ?? `${id}, no longer in the pool`), ` — ${said.join("; ") || "none"} · ${percent(similarity)}`);
  });
  const lost = told.ungrounded.map(({ member, text: said, label }) => item(`${member}: ${said} (${label ?? "no type"})`));
  return [
    make("h2", {}, "Who said what"), make("div", { className: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))),
    make("h2", {}, "Because of"), read.length ? make("ol", {}, ...read) : make("p", {}, "No demonstrations: the pool has none yet."),
    ...(lost.length ? [make("h2", {}, "Not in the text"), make("ul", {}, ...lost)] : []),
  ];
}

const svg = (tag, properties, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

function curvePanel(told, estimate, ask) {
  const points = Object.values(told.curves).flat();
  const last = Math.max(2, ...points.map(([texts]) => texts));
  const line = ([window, pairs], n) => svg("polyline", { class: `window w${n}`, points: pairs.map(([texts, f1]) => `${((texts / last) * 300).toFixed(1)},${((1 - f1) * 100).toFixed(1)}`).join(" ") }, svg("title", {}, `over the last ${window} texts`));
  const drawn = svg("svg", { viewBox: "-2 -4 304 108", class: "curve", role: "img", "aria-label": "agreement of what was suggested with what was accepted" },
    svg("path", { d: "M0 0H300 M0 50H300 M0 100H300", class: "grid" }), ...Object.entries(told.curves).map(line));
  const now = Object.entries(told.curves).filter(([, pairs]) => pairs.length).map(([window, pairs]) => `last ${window}: ${pairs.at(-1)[1].toFixed(2)}`);
  const rows = told.types.map(([name, precision, recall, right, , gold]) => make("tr", {}, ...[name, precision.toFixed(2), recall.toFixed(2), `${right} of ${gold}`].map((cell) => make("td", {}, cell))));
  const head = ["type", "precision", "recall", "right"].map((name) => make("th", { scope: "col" }, name));
  const honest = estimate.f1 !== undefined ? `F1 ${estimate.f1.toFixed(3)} [${estimate.low.toFixed(3)}, ${estimate.high.toFixed(3)}] on ${estimate.judged} examples, each left out`
    : estimate.of ? `${estimate.judged} of ${estimate.of} examples are read, each left out …` : "";
  const doubted = (estimate.suspects ?? []).map((one) => make("tr", {}, ...[percent(one.sureness), one.pool, one.found, one.text].map((cell) => make("td", {}, make("bdi", {}, cell)))));
  return [
    make("h2", {}, "Suggestions against what was accepted"),
    make("p", {}, told.texts ? `F1 over the ${now.join(", ")} · ${told.seconds ?? "?"} s a text` : "Nothing was accepted yet."),
    ...(points.length ? [drawn, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))] : []),
    make("h2", {}, "An honest estimate"), make("p", {}, "Every example of the pool, read without itself. ", make("button", { type: "button", onclick: ask }, "estimate"), ` ${honest}`),
    ...(doubted.length ? [make("h2", {}, "Labels it does not believe"), make("div", { className: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...["sure", "in the pool", "found", "text"].map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...doubted)))] : []),
  ];
}

function restPanel(rest, counts, ask) {
  const done = rest.written === null || rest.written === undefined ? "" : `${rest.written} annotations are in ${rest.file}`;
  const said = rest.asked ? `${counts.read - counts.again} of ${counts.open} texts are read …` : done;
  return [
    make("h2", {}, "Annotate the rest"),
    make("p", {}, `All open texts, to ${rest.file}. `, make("button", { type: "button", onclick: ask }, "annotate the rest"), ` ${said}`),
    make("p", {}, make("a", { href: "/api/pool.jsonl", download: "pool.jsonl" }, "the pool"), " · ", make("a", { href: "/api/annotations.jsonl", download: "annotations.jsonl" }, "what is annotated so far")),
  ];
}

function typesPanel(labels, save) {
  const area = make("textarea", { rows: Math.max(4, labels.length + 1), ariaLabel: "types, one a line", spellcheck: false });
  area.value = labels.map(([name, means]) => (means ? `${name}: ${means}` : name)).join("\n");
  const given = () => area.value.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const at = line.indexOf(": ");
    return at < 0 ? { name: line, description: "" } : { name: line.slice(0, at), description: line.slice(at + 2).trim() };
  });
  return [
    make("h2", {}, "Types"), make("p", {}, "One a line, with what it means: ", make("code", {}, "person: names of people")),
    area, make("p", {}, make("button", { type: "button", onclick: () => save(given()) }, "ask for these")),
  ];
}
