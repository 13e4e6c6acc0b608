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

const names = () => state.labels.map(([name]) => name);
const colour = (label) => `l${label % COLOURS}`;

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  return { status: answer.status, told: await answer.json() };
}

// A text as it is edited. What was accepted of it, and taken back, is where editing goes on.
function opened(record) {
  const characters = Array.from(record.text);
  const { entities, others } = found(record.ballots ?? [], names());
  const before = record.before?.map(([start, end, label]) => ({ start, end, label: names().indexOf(label), score: 1, votes: [], doubtful: false }));
  return { ...record, characters, ballots: record.ballots ?? [], read: record.ballots !== null, suggested: entities, others,
    entities: before ?? entities, focus: null, other: -1, range: null, dirty: Boolean(before), began: performance.now() };
}

function show(record) {
  text = record ? opened(record) : null;
  if (text && !text.dirty) text.focus = text.entities.find(({ doubtful }) => doubtful) ?? null;
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
  const mine = text && (state.texts.find(({ ref }) => ref === text.ref) ?? state.shown);
  if (!text || !mine?.open || (!text.read && !text.dirty && next.length && mine.ballots === null && next[0].ballots)) show(next[0]);
  else if (!text.dirty && mine.ballots && JSON.stringify(mine.ballots) !== JSON.stringify(text.ballots)) show(mine);
  tell();
  if (!state.labels.length && panel !== "types") unfold("types");
  return undefined;
}

function decide(decision) {
  if (!text) return;
  const done = text;
  const rows = (entities) => entities.map(({ start, end, label: n }) => [start, end, names()[n]]);
  const body = {
    key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, ref: done.ref, decision, seconds: (performance.now() - done.began) / 1000,
    entities: decision === "accept" ? rows(done.entities) : [],
    suggested: done.read ? done.suggested.map(({ start, end, label: n, score }) => [start, end, names()[n], score]) : null,
  };
  sent.add(done.ref);
  show(state.texts.find(({ ref }) => !sent.has(ref)));
  tell();
  send("/api/judge", body, decision === "accept", done);
}

// One after the other: a decision names the pool's state that it was made on.
function send(path, body, accepted, done) {
  sending = sending.then(async () => {
    try {
      const { status, told } = await ask(path, { ...body, digest: state.digest });
      if (done) sent.delete(done.ref);
      if (status === 200) {
        take(told);
        say(accepted ? `saved; ${many(told.touched)} would now be read differently` : "saved");
      } else refuse(told, done);
    } catch {
      if (done) sent.delete(done.ref);
      refuse({ detail: "the server does not answer; nothing was lost: it is sent again when you decide again" }, done);
    }
  });
}

// What was refused comes back as it was edited.
function refuse(told, done) {
  say(told.detail);
  if (told.state) state = told.state;
  if (done && told.open !== false) text = done;
  else if (done) text = null;
  if (told.state) take(told.state);
  paint();
  tell();
}

function undo() {
  const edited = text;
  undoing += 1;
  text = null;
  paint();
  sending = sending.then(async () => {
    const { status, told } = state.undo ? await ask("/api/undo", { digest: state.digest, number: state.undo }) : { status: 0 };
    undoing -= 1;
    if (status === 200) {
      take(told);
      say("taken back");
    } else {
      text = undoing ? null : edited;
      if (status) refuse(told);
      else say("nothing to take back");
      paint();
    }
  }).catch(() => {
    undoing = 0;
    text = edited;
    say("the server does not answer; nothing was taken back");
    paint();
  });
}

const ACTS = {
  a: () => decide("accept"), x: () => decide("reject"), " ": () => decide("skip"), Backspace: undo, d: removeFocused, n: nextOther,
  u: () => unfold("why"), "?": () => unfold("help"),
  Enter: () => text?.other >= 0 && label(text.others[text.other].label),
  Escape: () => { if (text) { text = { ...text, range: null, other: -1, focus: null }; paint(); } if (panel) unfold(panel); },
};
const EDGES = { "[": ["start", -1], "{": ["start", 1], "]": ["end", 1], "}": ["end", -1] };
const CODES = { BracketLeft: ["[", "{"], BracketRight: ["]", "}"] }; // where Alt makes another sign of the key

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.target.closest?.("textarea, select, input")) return;
  if (event.target.closest?.("button, a") && ["Enter", " "].includes(event.key)) return;
  const bracket = EDGES[event.key] ?? EDGES[CODES[event.code]?.[Number(event.shiftKey)]];
  if (event.key === "Tab") {
    if (!text?.entities.length) return; // then Tab goes through the page
    step(event.shiftKey ? -1 : 1);
  } else if (bracket) edge(...bracket, !event.altKey);
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") arrow(event.key === "ArrowRight" ? 1 : -1, event.shiftKey, event.altKey);
  else if (/^[1-9]$/.test(event.key)) label(Number(event.key) - 1);
  else if (ACTS[event.key]) ACTS[event.key]();
  else return;
  event.preventDefault();
}

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
  if (name === "types") return typesPanel(state.labels, (labels) => act("/api/types", { labels }, () => { text = null; }));
  return helpPanel();
}

async function act(path, body = {}, before = () => {}) {
  const { status, told } = await ask(path, body);
  if (status !== 200) return say(told.detail);
  before();
  take(told);
  say("done");
  return panel && panel !== "types" ? unfold(panel, true) : unfold(panel);
}

async function look() {
  try {
    await sending;
    const { status, told } = await ask(`/api/state${text ? `?shown=${text.ref}` : ""}`);
    if (status === 200 && !sent.size) {
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
$("text").addEventListener("click", clicked);
$("sorting").addEventListener("change", async (event) => { text = text?.dirty ? text : null; await act("/api/sorting", { sorting: event.target.value }); });
for (const button of document.querySelectorAll("[data-panel]")) button.addEventListener("click", () => unfold(button.dataset.panel));
for (const button of document.querySelectorAll("[data-key]")) button.addEventListener("click", () => { button.blur(); ACTS[button.dataset.key](); });
look();
