"use strict";
// One tag at a time. Decisions stay in the page until they are saved as a file.
const data = JSON.parse(document.getElementById("data").textContent);
const tags = data.tags;
const byId = (id) => document.getElementById(id);
const decisions = new Map();
const history = [];
let at = 0;
let isSaved = true;

function show() {
  const isDone = at === tags.length;
  const one = tags[at];
  byId("done").hidden = !isDone;
  byId("one").hidden = isDone;
  byId("progress").textContent = `${Math.min(at + 1, tags.length)} of ${tags.length}, ${decisions.size} decided`;
  for (const id of ["accept", "refuse", "next"]) byId(id).disabled = isDone;
  byId("back").disabled = at === 0;
  byId("undo").disabled = !history.length;
  const decided = decisions.has(at) ? decisions.get(at).decision : "";
  byId("one").className = isDone ? "" : decided;
  if (isDone) return;
  byId("picture").replaceChildren(byId("gif-" + one.gif).content.cloneNode(true));
  byId("tag").textContent = one.said;
  byId("kind").textContent = kindOf(one);
  byId("decided").textContent = decided;
  byId("views").textContent = one.popularity.toLocaleString("en");
  byId("caption").textContent = one.caption || "-";
  byId("others").textContent = one.others.join(", ") || "-";
  byId("gif").textContent = one.about;
}

function kindOf(one) {
  const chance = one.probability === null ? "" : `, ${Math.round(100 * one.probability)}% likely`;
  return (one.kind === "own" ? "A tag that its uploader gave" : "A tag that is proposed") + chance;
}

function decide(decision) {
  if (at === tags.length) return;
  history.push([at, decisions.get(at)]);
  decisions.set(at, { decision, at: new Date().toISOString() });
  isSaved = false;
  byId("status").textContent = "";
  at += 1;
  show();
}

function undo() {
  if (!history.length) return;
  const [place, before] = history.pop();
  if (before) decisions.set(place, before);
  else decisions.delete(place);
  isSaved = false;
  at = place;
  show();
}

function move(step) {
  at = Math.min(tags.length, Math.max(0, at + step));
  show();
}

function cell(value) {
  // a sheet would run what begins like a formula
  const text = /^[=+\-@\t\r']/.test(value) ? "'" + value : String(value);
  return '"' + text.replaceAll('"', '""') + '"';
}

function csv(by) {
  const rows = [["gif_id", "tag", "decision", "by", "at", "run_id", "probability"]];
  for (const [place, said] of [...decisions].sort((one, other) => one[0] - other[0])) {
    const one = tags[place];
    const chance = one.probability === null ? "" : String(one.probability);
    rows.push([one.gif_id, one.tag, said.decision, by, said.at, data.run_id, chance]);
  }
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function save() {
  const by = byId("by").value.trim();
  byId("by").classList.toggle("missing", !by);
  if (!by) {
    byId("status").textContent = "Write your name first.";
    byId("by").focus();
    return;
  }
  if (!decisions.size) {
    byId("status").textContent = "Nothing is decided yet.";
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(by)], { type: "text/csv" }));
  link.download = "decisions.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  isSaved = true;
  byId("status").textContent = `Saved ${decisions.size} decisions as decisions.csv.`;
}

const actions = {
  a: () => decide("accepted"),
  r: () => decide("refused"),
  u: undo,
  j: () => move(1),
  k: () => move(-1),
  s: save,
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.id === "by") {
    if (event.key === "Enter" || event.key === "Escape") event.target.blur();
    return;
  }
  const action = actions[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});
const buttons = { accept: "a", refuse: "r", undo: "u", next: "j", back: "k", save: "s" };
for (const [id, key] of Object.entries(buttons)) {
  byId(id).addEventListener("click", () => {
    actions[key]();
    byId(id).blur();
  });
}
addEventListener("beforeunload", (event) => {
  if (!isSaved) event.preventDefault();
});
show();
document.body.dataset.ready = "yes";
