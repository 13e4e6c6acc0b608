// The page of a run: controls decide anew, here, over the ballots that are kept; nothing leaves the page.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const names = data.labels.map(([name]) => name);
const judged = data.texts.length > 0 && data.texts.every((text) => text.gold);
const texts = data.texts.map((text) => ({
  ...text,
  characters: Array.from(text.text), // offsets count code points
  right: new Set((text.gold ?? []).map((one) => one.join(" "))),
}));
const form = document.forms.controls;
const list = document.querySelector("main");
const more = document.getElementById("more");
const PAGE = 40; // texts drawn at a time
let shown = [];
let drawn = 0;

function decisionNow() {
  const off = [...form.querySelectorAll("input[name=member]")].flatMap((box, i) => (box.checked ? [] : [i]));
  return {
    ...data.decision,
    rule: form.rule.value,
    overlap: form.overlap.value,
    threshold: Number(form.threshold.value),
    proposers: Number(form.proposers.value),
    verify: form.verify.checked,
    without: off,
  };
}

// How far from sure a text's least sure ballot is: 0, all sure; 1, a score of one half.
const doubt = (said) => Math.max(0, ...said.filter(Boolean).map(({ score }) => 1 - Math.abs(2 * score - 1)));
const split = ({ votes }) => new Set(votes.map(([, label]) => label)).size > 1;

function recompute() {
  const decision = decisionNow();
  for (const text of texts) {
    text.said = outcomes(text.ballots, decision, data.rank);
    text.found = text.said.flatMap((one, i) => (one && !one.out ? [{ ...text.ballots[i], ...one }] : []));
    text.doubt = doubt(text.said);
  }
  filter();
  tell();
}

function filter() {
  const words = form.search.value.trim().toLowerCase();
  const types = new Set([...form.querySelectorAll("input[name=type]:checked")].map((box) => Number(box.value)));
  shown = texts.filter(
    (text) =>
      (!words || text.text.toLowerCase().includes(words) || text.id.toLowerCase().includes(words)) &&
      (!types.size || text.found.some(({ label }) => types.has(label))) &&
      (!form.split.checked || text.ballots.some(split)) &&
      (!form.wrong?.checked || differs(text)),
  );
  if (form.sort.value === "uncertainty") shown.sort((one, other) => other.doubt - one.doubt);
  else if (form.sort.value === "score") shown.sort((one, other) => least(one) - least(other));
  drawn = 0;
  list.replaceChildren();
  draw();
}

const least = ({ found }) => Math.min(2, ...found.map(({ score }) => score));
const keys = (found) => new Set(found.map(({ start, end, label }) => `${start} ${end} ${label}`));
const differs = ({ found, right }) => found.length !== right.size || [...keys(found)].some((one) => !right.has(one));

function tell() {
  const count = texts.reduce((sum, text) => sum + text.found.length, 0);
  let line = `${count.toLocaleString("en")} entities in ${texts.length.toLocaleString("en")} texts`;
  if (judged) {
    const { precision, recall, f1 } = scored(texts.map(({ found }) => keys(found)), texts.map(({ right }) => right));
    line += ` · precision ${precision.toFixed(3)} · recall ${recall.toFixed(3)} · F1 ${f1.toFixed(3)}`;
  }
  document.getElementById("tally").textContent = `${line} · ${shown.length.toLocaleString("en")} shown`;
  form.querySelector("output").textContent = Number(form.threshold.value).toFixed(2);
  const each = new Map();
  for (const { found } of texts) for (const { label } of found) each.set(label, (each.get(label) ?? 0) + 1);
  document.querySelectorAll(".legend b").forEach((b, i) => (b.textContent = each.get(i) ?? 0));
}

function draw() {
  for (const text of shown.slice(drawn, drawn + PAGE)) list.append(article(text));
  drawn += PAGE;
  more.hidden = drawn >= shown.length;
}

function article(text) {
  const line = marked(text.characters, text.found, names, (entity) => ({
    className: `l${entity.label}`,
    "data-label": names[entity.label],
    title: [`${names[entity.label]}, score ${entity.score.toFixed(2)}`, ...entity.votes.map(vote)].join("\n"),
  }));
  const failed = (text.failed ?? []).map((why) => make("p", { className: "failed" }, why));
  const parts = [make("p", { className: "id" }, text.id), line, ...failed];
  if (judged) {
    const gold = text.gold.map(([start, end, label]) => ({ start, end, label }));
    const dress = ({ label }) => ({ className: `l${label}`, "data-label": names[label] });
    parts.push(make("p", { className: "id" }, "gold"), marked(text.characters, gold, names, dress));
  }
  if (text.ballots.length) {
    const summary = `evidence: ${text.ballots.length} candidates, ${text.ballots.length - text.found.length} left out`;
    const details = make("details", {}, make("summary", {}, summary));
    details.addEventListener("toggle", () => details.open && details.children.length < 2 && details.append(table(text)));
    parts.push(details);
  }
  return make("article", {}, ...parts);
}

const percent = (probability) => (probability === null ? "" : ` ${probability.toFixed(2)}`);
const vote = ([member, label, probability]) =>
  `${data.members[member]}: ${label === NONE ? "none" : names[label]}${percent(probability)}`;

function table(text) {
  const head = ["candidate", "outcome", "score", "proposed by", "votes", "verdicts"];
  const rows = text.ballots.map((ballot, i) => {
    const said = text.said[i];
    const silent = ballot.silent.map(([member, why]) => `${data.members[member]}: ${why}`);
    const cells = [
      text.characters.slice(ballot.start, ballot.end).join(""),
      !said ? "not proposed" : said.out ? `out: ${said.out}` : names[said.label],
      said && !said.out ? said.score.toFixed(2) : "",
      ballot.proposers.map((member) => data.members[member]).join(", "),
      [...ballot.votes.map(vote), ...silent].join("; "),
      ballot.verdicts
        .map(([member, label, holds, p]) => `${data.members[member]}: ${names[label]}? ${holds}${percent(p)}`)
        .join("; "),
    ];
    return make("tr", { className: said && !said.out ? "" : "out" }, ...cells.map((cell) => make("td", {}, make("bdi", {}, cell))));
  });
  const body = make("tbody", {}, ...rows);
  const top = make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name))));
  return make("div", { className: "scroll" }, make("table", {}, top, body));
}

form.addEventListener("input", (event) => (event.target.closest(".look") ? (filter(), tell()) : recompute()));
form.addEventListener("reset", () => setTimeout(recompute));
form.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", draw);
new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && draw(), { rootMargin: "600px" }).observe(more);
recompute();
