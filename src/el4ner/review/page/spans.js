// What keys and the pointer do to the spans of the text that is looked at (`text`, of review.js).
"use strict";

function label(n) {
  if (!text || n >= state.labels.length) return;
  if (text.range) {
    add({ ...text.range, label: n, score: 1, votes: [], doubtful: false });
  } else if (text.other >= 0) {
    add({ ...text.others[text.other], label: n, doubtful: false, out: "" });
  } else if (text.focus) {
    replace({ ...text.focus, label: n, doubtful: false });
  }
}

function add(entity) {
  text = { ...text, entities: withEntity(text.entities, entity), focus: entity, range: null, other: -1, dirty: true };
  paint();
}

function replace(entity) {
  const entities = withEntity(text.entities.filter((one) => one !== text.focus), entity);
  text = { ...text, entities, focus: entity, dirty: true };
  paint();
}

function removeFocused() {
  if (!text?.focus) return;
  const at = text.entities.indexOf(text.focus);
  const entities = text.entities.filter((one) => one !== text.focus);
  text = { ...text, entities, focus: entities[Math.min(at, entities.length - 1)] ?? null, dirty: true };
  paint();
}

function edge(which, direction, byWord) {
  if (!text?.focus) return;
  const next = moved(text.focus, which, text.characters, direction, byWord);
  if (next) replace(next);
}

// The next doubtful entity, or the next at all where none is in doubt.
function step(direction) {
  if (!text?.entities.length) return;
  const some = text.entities.some(({ doubtful }) => doubtful) ? text.entities.filter((one) => one.doubtful || one === text.focus) : text.entities;
  const at = some.indexOf(text.focus);
  const next = at < 0 ? (direction > 0 ? 0 : some.length - 1) : (at + direction + some.length) % some.length;
  text = { ...text, focus: some[next], other: -1, range: null };
  paint();
  if (panel === "why") unfold("why", true);
}

function nextOther() {
  if (!text?.others.length) return say("nothing was left out");
  text = { ...text, other: (text.other + 1) % text.others.length, focus: null, range: null };
  return paint();
}

// The cursor: a word, which Shift lengthens at its end, by words, or with Alt by characters.
function arrow(direction, longer, byCharacter) {
  if (!text?.characters.length) return;
  const { characters, range, focus } = text;
  let next;
  if (range && (longer || byCharacter)) {
    const end = nextEdge(characters, range.end, direction, !byCharacter);
    next = end > range.start ? { start: range.start, end } : range;
  } else {
    const from = range ?? focus ?? { start: 0, end: 0 };
    next = wordAt(characters, direction > 0 ? from.end : from.start, direction);
  }
  text = { ...text, range: next, focus: null, other: -1 };
  paint();
}

// A click takes the focus to a mark; what is dragged over is selected.
function pointed() {
  const selection = getSelection();
  const line = $("text").querySelector(".text");
  if (!text || !line || selection.isCollapsed || !line.contains(selection.anchorNode) || !line.contains(selection.focusNode)) return;
  const [one, other] = [[selection.anchorNode, selection.anchorOffset], [selection.focusNode, selection.focusOffset]].map(([node, offset]) => charactersBefore(line, node, offset));
  const range = trimmed({ start: Math.min(one, other), end: Math.max(one, other) }, text.characters);
  if (!range) return;
  selection.removeAllRanges();
  text = { ...text, range, focus: null, other: -1 };
  paint();
}

function clicked(event) {
  const mark = event.target.closest("mark[data-at]");
  if (!mark || !text || text.range) return;
  const [start, end, n] = mark.dataset.at.split(" ").map(Number);
  const entity = text.entities.find((one) => one.start === start && one.end === end && one.label === n);
  if (entity) {
    text = { ...text, focus: entity, other: -1 };
    paint();
    if (panel === "why") unfold("why", true);
  }
}
