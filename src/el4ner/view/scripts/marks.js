// Draws a text with nested marks, as `el4ner.text.marks` does. Nothing is parsed as HTML: all text is set as text.
"use strict";

// The steps from left to right: ["text", piece], ["open", entity, broken], ["close", entity, broken]. Where two
// entities cross, one is closed and opened again. `characters` are code points, which offsets count.
function steps(characters, entities, names) {
  const order = (one, other) => one.start - other.start || other.end - one.end || (names[one.label] < names[other.label] ? -1 : 1);
  const waiting = [...entities].sort(order);
  const places = new Set([0, characters.length, ...entities.flatMap(({ start, end }) => [start, end])]);
  const edges = [...places].sort((one, other) => one - other);
  const made = [];
  let stack = [];
  edges.forEach((start, n) => {
    const lowest = stack.findIndex((entity) => entity.end === start);
    const closed = lowest < 0 ? [] : stack.splice(lowest);
    for (const entity of [...closed].reverse()) made.push(["close", entity, entity.end !== start]);
    for (const entity of closed.filter((entity) => entity.end !== start)) {
      stack.push(entity);
      made.push(["open", entity, true]);
    }
    while (waiting.length && waiting[0].start === start) {
      stack.push(waiting[0]);
      made.push(["open", waiting.shift(), false]);
    }
    const end = edges[n + 1] ?? characters.length;
    if (end > start) made.push(["text", characters.slice(start, end).join("")]);
  });
  return made;
}

// An element: its properties, then its children, which are elements or strings.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "style" && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// A paragraph with the text and its marks; `dress` gives a mark its properties.
function marked(characters, entities, names, dress) {
  const line = make("p", { className: "text", dir: "auto" });
  const stack = [line];
  for (const [kind, what, broken] of steps(characters, entities, names)) {
    if (kind === "text") stack.at(-1).append(what);
    else if (kind === "close") stack.pop();
    else {
      const mark = make("mark", dress(what));
      if (broken) mark.classList.add("broken");
      stack.at(-1).append(mark);
      stack.push(mark);
    }
  }
  return line;
}
