// What editing a text does to its entities. Offsets count characters (code points), as everywhere; nothing here knows
// of a page. An entity is {start, end, label, score, votes, doubtful}; label is the place of the type in the list.
"use strict";

// White space, and the signs that stand for control characters: no part of a name.
const blank = (character) => /[\s\u2400-\u2421]/u.test(character);

// Where words begin and end, in order: white space stands alone, and so does each other sign.
function wordEdges(characters) {
  const kind = (character) => (blank(character) ? "blank" : /[\p{L}\p{N}\p{M}_]/u.test(character) ? "word" : "sign");
  const edges = new Set([0, characters.length]);
  for (let at = 1; at < characters.length; at += 1) {
    const [before, after] = [kind(characters[at - 1]), kind(characters[at])];
    if (before !== after || after === "sign") edges.add(at);
  }
  return [...edges].sort((one, other) => one - other);
}

// The next place for an edge, by word or by character, to the right (1) or the left (-1); blanks are passed over.
function nextEdge(characters, at, direction, byWord) {
  if (!byWord) return Math.min(characters.length, Math.max(0, at + direction));
  const edges = wordEdges(characters);
  const further = direction > 0 ? edges.filter((edge) => edge > at) : edges.filter((edge) => edge < at).reverse();
  for (const edge of further) {
    const beside = direction > 0 ? characters[edge - 1] : characters[edge];
    if (beside !== undefined && !blank(beside)) return edge;
  }
  return at;
}

// The entity with one edge elsewhere ("start" or "end"); null where nothing would be left of it.
function moved(entity, edge, characters, direction, byWord) {
  const next = { ...entity, [edge]: nextEdge(characters, entity[edge], direction, byWord), doubtful: false };
  return next.start < next.end ? next : null;
}

// A stretch without blanks at its edges; null where only blanks are in it.
function trimmed({ start, end }, characters) {
  while (start < end && blank(characters[start])) start += 1;
  while (start < end && blank(characters[end - 1])) end -= 1;
  return start < end ? { start, end } : null;
}

// The word at or behind a place, for the cursor; the last one at the end.
function wordAt(characters, at, direction) {
  const edges = wordEdges(characters);
  const words = edges.slice(0, -1).map((start, n) => ({ start, end: edges[n + 1] }))
    .filter(({ start, end }) => !characters.slice(start, end).every(blank));
  if (!words.length) return null;
  if (direction < 0) return [...words].reverse().find(({ end }) => end <= at) ?? words[0];
  return words.find(({ start }) => start >= at) ?? words.at(-1);
}

const inOrder = (entities) => [...entities].sort((one, other) => one.start - other.start || other.end - one.end || one.label - other.label);
const same = (one, other) => one.start === other.start && one.end === other.end && one.label === other.label;

// The entities with one more; those of the same place and type count once.
const withEntity = (entities, added) => inOrder([...entities.filter((one) => !same(one, added)), added]);

// What the ensemble found, and what it threw out but somebody named, as entities.
function found(ballots, names) {
  const entity = ({ start, end, label, score, votes, doubtful }) =>
    ({ start, end, label: names.indexOf(label), score, doubtful, votes: votes.map(([, said]) => said === label) });
  const known = ballots.filter(({ label }) => names.includes(label));
  return {
    entities: inOrder(known.filter(({ out }) => !out).map(entity)),
    others: known.filter(({ out }) => out).map((one) => ({ ...entity(one), out: one.out })).sort((one, other) => other.score - one.score),
  };
}

// How many code points stand before a place in an element, as the browser names places: in UTF-16.
function charactersBefore(element, node, offset) {
  const range = document.createRange();
  range.selectNodeContents(element);
  range.setEnd(node, offset);
  return Array.from(range.toString()).length;
}
