// The page: one text at a time, by keyboard. The next texts are here before they are looked at, and a decision is painted
// before it is sent; what is sent goes one after the other, each on the state that the one before has left.
"use strict";

const $ = (id) => document.getElementById(id);
const COLOURS = 20;
const LOOK = 1000; // milliseconds between two looks at what the ensemble has read meanwhile
let state = null;
let text = null; // the text that is looked at, with what was done to it
let panel = null; // the name of what is unfolded
let sending = Promise.resolve(); // the last of what is being sent
let undoing = 0; // decisions that are being taken back: until it is known what is looked at next, no key decides
const sent = new Set(); // texts whose decision is on its way
const drafts = new Map(); // texts with what was marked in them, by ref, while others are looked at
let turns = 0; // begins and ends of changes: what was asked in another turn may be older than what is known

const names = () => state.labels.map(([name]) => name);
const colour = (label) => `l${label % COLOURS}`;

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  if (body !== undefined) turns += 1;
  try {
    const answer = await fetch(path, options);
    return { status: answer.status, told: await answer.json() };
  } finally {
    if (body !== undefined) turns += 1;
  }
}

// A text as it is edited. What was accepted of it, and taken back, is where editing goes on.
function opened(record) {
  const characters = Array.from(record.text);
  const { entities, others } = found(record.ballots ?? [], names());
  const before = record.before?.map(([start, end, label]) => ({ start, end, label: names().indexOf(label), score: 1, votes: [], doubtful: false }))
    .filter(({ label }) => label >= 0);
  return { ...record, names: names(), characters, ballots: record.ballots ?? [], read: record.ballots !== null, suggested: entities, others,
    entities: before ?? entities, focus: null, other: -1, range: null, dirty: Boolean(before), began: performance.now() };
}

// An entity's type is a place in the list of types: where that is another list by now, it keeps its name.
function settled(one) {
  if (JSON.stringify(one.names) === JSON.stringify(names())) return one;
  const entities = one.entities.map((entity) => ({ ...entity, label: names().indexOf(one.names[entity.label]) })).filter(({ label }) => label >= 0);
  const { entities: suggested, others } = found(one.ballots, names());
  return { ...one, names: names(), entities, suggested, others, focus: null, other: -1 };
}

// What was marked in the text is there when it is looked at again.
function leave() {
  if (text?.dirty && !sent.has(text.ref)) drafts.set(text.ref, text);
}

function show(record) {
  leave();
  const draft = drafts.get(record?.ref);
  drafts.delete(record?.ref);
  text = draft ? settled(draft) : record ? opened(record) : null;
  if (text && !text.dirty) text.focus = text.entities.find(({ doubtful }) => doubtful) ?? null;
  paint();
  if (panel === "why") unfold("why", true);
}

// The text as it was read meanwhile; the span that has the focus keeps it, or none gets it.
function renew(record) {
  const { focus, began, read } = text;
  text = { ...opened(record), began };
  text.focus = text.entities.find((one) => (focus ? same(one, focus) : !read && one.doubtful)) ?? null;
  paint();
  if (panel === "why") unfold("why", true);
}

function paint() {
  const line = text ? marked(text.characters, drawn(), names(), dress) : make("p", { className: "text" }, nothing());
  $("text").replaceChildren(line);
  $("id").textContent = text ? text.id : "";
  $("about").textContent = about();
  $("text").querySelector("mark.focus, mark.range")?.scrollIntoView({ block: "nearest" });
}

// All marks: the entities, the candidate that was left out, and what is selected.
function drawn() {
  const other = text.other >= 0 ? [text.others[text.other]] : [];
  return [...text.entities, ...other, ...(text.range ? [{ ...text.range, label: 0, range: true }] : [])];
}

function dress(entity) {
  if (entity.range) return { className: "range" };
  const classes = [colour(entity.label), `s${Math.ceil((entity.score ?? 1) * 4)}`];
  if (entity.doubtful) classes.push("doubtful");
  if (entity === text.focus) classes.push("focus");
  if (entity === text.others[text.other]) classes.push("other", "focus");
  return { className: classes.join(" "), "data-label": names()[entity.label], "data-dots": dots(entity), "data-at": `${entity.start} ${entity.end} ${entity.label}` };
}

const dots = ({ votes }) => (votes ?? []).map((agrees) => (agrees ? "●" : "○")).join("");

function nothing() {
  if (undoing) return "Taking back …";
  if (!state.labels.length) return "Name the types first.";
  if (state.counts.open) return "The next text is being read …";
  return "All texts are decided.";
}

// The span that has the focus, in words: for the eye, and for a screen reader.
function about() {
  if (!text) return "";
  if (text.range) return `selected: “${piece(text.range)}”`;
  const one = text.other >= 0 ? text.others[text.other] : text.focus;
  if (!one) return text.read ? "" : "not read yet: you can mark it already";
  const agree = one.votes?.length ? `, ${one.votes.filter(Boolean).length} of ${one.votes.length} votes` : "";
  const why = one.out ? `, left out: ${one.out}` : one.doubtful ? ", doubtful" : "";
  return `${piece(one)}: ${names()[one.label]}, ${(one.score ?? 1).toFixed(2)}${agree}${why}`;
}

const many = (count) => `${count} text${count === 1 ? "" : "s"}`;
const piece = ({ start, end }) => text.characters.slice(start, end).join("");

// What stands beside the text.
function tell() {
  const { counts } = state;
  $("counts").textContent = `${counts.accepted} accepted · ${counts.open} of ${counts.all} open · ${counts.read} read${counts.again ? ` (${counts.again} again)` : ""}`;
  $("sorting").value = state.sorting;
  const trouble = [state.problem, state.trouble, ...(text?.failed ?? [])].filter(Boolean).join(" · ");
  $("trouble").hidden = !trouble;
  $("trouble").textContent = trouble;
  const worth = text?.worth;
  $("worth").textContent = worth ? `disagreement ${percent(worth.disagreement) || "?"} × read by ${many(worth.readers)} × ${percent(worth.distance)} from the pool` : "";
  if ($("labels").dataset.shown !== JSON.stringify(state.labels)) {
    $("labels").dataset.shown = JSON.stringify(state.labels);
    $("labels").replaceChildren(...state.labels.map(([name, means], n) =>
      make("button", { type: "button", className: colour(n), title: means, onclick: () => label(n) }, n < 9 ? `${n + 1} ` : "", make("bdi", {}, name))));
  }
}

function say(words) {
  $("status").textContent = words;
}

// A newer state: the text that is looked at stays, and is drawn anew where it was read meanwhile and nobody has changed it.
function take(told) {
  state = told;
  if (undoing) return tell();
  const next = state.texts.filter(({ ref }) => !sent.has(ref));
  const mine = text && [...state.texts, state.shown].find((one) => one?.ref === text.ref); // not every answer tells of it
  if (!text || (mine && !mine.open)) show(next[0]);
  else if (text !== settled(text)) {
    text = settled(text);
    paint();
  } else if (mine && !busy()) {
    if (!text.read && mine.ballots === null && next[0]?.ballots) show(next[0]);
    else if (mine.ballots && JSON.stringify(mine.ballots) !== JSON.stringify(text.ballots)) renew(mine);
  }
  tell();
  if (!state.labels.length && panel !== "types") unfold("types");
  return undefined;
}

// Whether something is under way in the text that must not be taken from under somebody's hands.
const busy = () => text.dirty || text.range || text.other >= 0 || !getSelection().isCollapsed;

// Unfold what a button names, or fold it; `again`: what is unfolded, anew.
async function unfold(name, again = false) {
  panel = panel === name && !again ? null : name;
  for (const button of document.querySelectorAll("[data-panel]")) button.setAttribute("aria-pressed", String(button.dataset.panel === panel));
  $("panel").hidden = !panel;
  if (!panel) return;
  const parts = await content(name);
  if (panel === name) $("panel").replaceChildren(...parts);
}

async function content(name) {
  if (name === "why") {
    const span = text?.other >= 0 ? text.others[text.other] : text?.focus;
    return text ? whyPanel(text, span, (await ask(`/api/why/${text.ref}`)).told) : [];
  }
  if (name === "curve") return curvePanel((await ask("/api/curve")).told, state.estimate, () => act("/api/estimate"));
  if (name === "rest") return restPanel(state.rest, state.counts, () => act("/api/rest"));
  if (name === "types") return typesPanel(state.labels, (labels) => act("/api/types", { labels }));
  return helpPanel();
}

async function act(path, body = {}) {
  const { status, told } = await ask(path, body);
  if (status !== 200) return say(told.detail);
  take(told);
  say("done");
  return panel && panel !== "types" ? unfold(panel, true) : unfold(panel);
}

async function look() {
  try {
    await sending;
    const asked = turns;
    const { status, told } = await ask(`/api/state${text ? `?shown=${text.ref}` : ""}`);
    if (status === 200 && asked === turns) {
      take(told);
      if (["curve", "rest"].includes(panel) && !$("panel").contains(document.activeElement)) unfold(panel, true);
    }
  } catch {
    say("the server does not answer; start it again, and go on here");
  }
  setTimeout(look, LOOK);
}

document.addEventListener("keydown", typed);
document.addEventListener("mouseup", pointed);
document.addEventListener("click", (event) => { if (event.detail) event.target.closest("button")?.blur(); }); // keys are the text's again
addEventListener("beforeunload", (event) => { if (sent.size) event.preventDefault(); });
$("text").addEventListener("click", clicked);
$("sorting").addEventListener("change", async (event) => { text = text?.dirty ? text : null; await act("/api/sorting", { sorting: event.target.value }); });
for (const button of document.querySelectorAll("[data-panel]")) button.addEventListener("click", () => unfold(button.dataset.panel));
for (const button of document.querySelectorAll("[data-key]")) button.addEventListener("click", () => ACTS[button.dataset.key]());
look();
