// From ballots to entities, as `el4ner.decide` does it: same order of sums, same ties, so the same entities.
// A test runs both over random ballots. Labels, members: numbers; label -1: none of these.
//
// ballot   {start, end, proposers: [member], votes: [[member, label, probability|null]], silent: [[member, reason]],
//           verdicts: [[member, label, holds, probability|null]]}
// decision {rule, verify, proposers, threshold, overlap, weights: [by member], calibration: [slope, shift]|null,
//           without: [member]}
"use strict";

const NONE = -1;
const DOUBT = 0.01; // shares are drawn in from 0 and 1 by this much
const BLOCK = 64; // characters: entities are compared with those near them

// What becomes of each ballot of a text: {label, score, verified, out}; `out` is "" for an entity. Ballots that only
// members proposed who are left out are null.
function outcomes(ballots, decision, rank) {
  const said = ballots.map((ballot) => elect(ballot, decision));
  const standing = said.flatMap((one, i) => (one && !one.out ? [{ ...ballots[i], ...one, at: i }] : []));
  const kept = new Set(resolve(standing, decision.overlap, rank).map((entity) => entity.at));
  for (const entity of standing) if (!kept.has(entity.at)) said[entity.at].out = "overlaps a better one";
  return said;
}

function elect(ballot, decision) {
  const there = (member) => !decision.without.includes(member);
  const proposers = new Set(ballot.proposers.filter(there));
  if (!proposers.size) return null;
  const votes = ballot.votes.filter(([member]) => there(member));
  const { label, share } = winner(votes, decision);
  const verdicts = ballot.verdicts.filter(([member, about]) => there(member) && about === label);
  const verified = upheld(verdicts);
  const score = calibrated(decision.verify ? share * belief(verdicts) : share, decision.calibration);
  const reasons = [
    [proposers.size < decision.proposers, "too few members proposed it"],
    [label === null && !votes.length, "nobody voted"],
    [label === null || label === NONE, "none of these"],
    [decision.verify && verified === false, "refused by the verifier"],
    [score < decision.threshold, "below the threshold"],
  ];
  const out = reasons.find(([holds]) => holds);
  return { label, score, verified, out: out ? out[1] : "" };
}

function winner(votes, decision) {
  const strength = new Map();
  const score = new Map();
  let total = 0;
  for (const [member, label, probability] of votes) {
    const weight = decision.rule === "majority" ? 1 : decision.weights[member];
    const sure = weight * (probability ?? 1);
    strength.set(label, (strength.get(label) ?? 0) + (decision.rule === "probability" ? sure : weight));
    score.set(label, (score.get(label) ?? 0) + sure);
    total += weight;
  }
  if (total <= 0) return { label: null, share: 0 };
  let best; // the first of equals: recipe order
  for (const label of strength.keys()) {
    const more = best === undefined ? 1 : strength.get(label) - strength.get(best) || score.get(label) - score.get(best);
    if (more > 0) best = label;
  }
  return { label: best, share: Math.min(1, score.get(best) / total) };
}

function upheld(verdicts) {
  return verdicts.length ? 2 * verdicts.filter(([, , holds]) => holds).length >= verdicts.length : null;
}

function belief(verdicts) {
  if (!verdicts.length) return 1;
  return verdicts.reduce((sum, [, , holds, probability]) => sum + (probability ?? Number(holds)), 0) / verdicts.length;
}

function calibrated(share, calibration) {
  if (!calibration) return share;
  const inner = DOUBT + (1 - 2 * DOUBT) * share;
  const odds = calibration[0] * Math.log(inner / (1 - inner)) + calibration[1];
  return odds > -700 ? 1 / (1 + Math.exp(-odds)) : 0;
}

// The higher score stays, then the longer, then the earlier; `rank` orders labels as Python orders their names.
function resolve(entities, overlap, rank) {
  const order = (one, other) =>
    other.score - one.score ||
    one.start - one.end - (other.start - other.end) ||
    one.start - other.start ||
    rank[one.label] - rank[other.label];
  const kept = [];
  const near = new Map();
  for (const entity of [...entities].sort(order)) {
    const blocks = [];
    const last = Math.floor(Math.max(entity.start, entity.end - 1) / BLOCK);
    for (let at = Math.floor(entity.start / BLOCK); at <= last; at++) blocks.push(at);
    const clashes = (at) => (near.get(at) ?? []).some((other) => clash(entity, other, overlap));
    if (overlap !== "all" && blocks.some(clashes)) continue;
    kept.push(entity);
    for (const at of blocks) near.set(at, [...(near.get(at) ?? []), entity]);
  }
  return kept;
}

function clash(one, other, overlap) {
  if (one.end <= other.start || other.end <= one.start) return false;
  const inside = one.start >= other.start && one.end <= other.end;
  const around = one.start <= other.start && one.end >= other.end;
  return overlap === "flat" || !(inside || around);
}

// Strict micro precision, recall and F1 of what was found against gold, both as sets of "start end label" a text.
function scored(found, gold) {
  let right = 0, said = 0, wanted = 0;
  found.forEach((own, i) => {
    right += [...own].filter((one) => gold[i].has(one)).length;
    said += own.size;
    wanted += gold[i].size;
  });
  const precision = said ? right / said : 0;
  const recall = wanted ? right / wanted : 0;
  return { precision, recall, f1: said + wanted ? (2 * right) / (said + wanted) : 0 };
}
