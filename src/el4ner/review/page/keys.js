// What keys do. What the browser does with a key is left to it: with Ctrl, with Alt, and on what takes the key itself.
"use strict";

const ACTS = {
  a: () => decide("accept"), x: () => decide("reject"), " ": () => decide("skip"), Backspace: () => undo(), d: () => removeFocused(), n: () => nextOther(),
  u: () => unfold("why"), "?": () => unfold("help"), m: () => document.querySelector("nav button").focus(),
  Enter: () => text?.other >= 0 && label(text.others[text.other].label),
  Escape: () => {
    document.activeElement.blur();
    if (text) { text = { ...text, range: null, other: -1, focus: null }; paint(); }
    if (panel) unfold(panel);
  },
};
const ONCE = ["a", "x", " ", "Backspace"]; // however long they are held
const EDGES = { "[": ["start", -1], "{": ["start", 1], "]": ["end", 1], "}": ["end", -1] };
const CODES = { BracketLeft: ["[", "{"], BracketRight: ["]", "}"] }; // where Alt makes another sign of the key

function typed(event) {
  const third = event.getModifierState("AltGraph"); // brackets of many keyboards need it; some say that it is Ctrl and Alt
  const alt = event.altKey && !third;
  if ((event.ctrlKey && !third) || event.metaKey || event.target.closest?.("textarea, select, input")) return;
  if (event.target.closest?.("button, a") && ["Enter", " ", "Tab"].includes(event.key)) return;
  const bracket = EDGES[event.key] ?? EDGES[CODES[event.code]?.[Number(event.shiftKey)]];
  if (bracket) edge(...bracket, !alt);
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") arrow(event.key === "ArrowRight" ? 1 : -1, event.shiftKey, alt);
  else if (alt) return;
  else if (event.key === "Tab") {
    if (!text?.entities.length) return; // then Tab goes through the page
    step(event.shiftKey ? -1 : 1);
  } else if (/^[1-9]$/.test(event.key)) label(Number(event.key) - 1);
  else if (!ACTS[event.key]) return;
  else if (!(event.repeat && ONCE.includes(event.key))) ACTS[event.key]();
  event.preventDefault();
}
