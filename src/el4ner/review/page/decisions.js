// What is decided of the text that is looked at (`text`, of review.js), how it is sent, and what is refused or taken back.
"use strict";

function decide(decision) {
  if (!text) return;
  if (decision === "accept" && !text.read && !text.dirty && !text.sure) {
    text.sure = true;
    say("not read yet, and nothing is marked: once more accepts it so");
    return;
  }
  const done = text;
  const rows = (entities) => entities.map(({ start, end, label: n }) => [start, end, names()[n]]);
  const body = {
    key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, ref: done.ref, decision, seconds: Math.min(1e6, (performance.now() - done.began) / 1000),
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
  if (done && text !== done) leave();
  if (done) text = told.open === false ? null : settled(done);
  if (told.state) take(told.state);
  paint();
  tell();
}

function undo() {
  const edited = text;
  leave();
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
