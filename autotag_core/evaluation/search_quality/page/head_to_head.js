"use strict";
// One pair at a time. Choices stay in the page until they are saved as a file.
const pairs = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const choices = new Map();
let at = 0;
let isSaved = true;

function showSide(side, places) {
  const box = byId(side + "-gifs");
  const gifs = places.map((place) => byId("gif-" + place).content.cloneNode(true));
  if (!gifs.length) {
    const nothing = document.createElement("p");
    nothing.textContent = "Nothing was found.";
    gifs.push(nothing);
  }
  box.replaceChildren(...gifs);
}

function show() {
  const isDone = at === pairs.length;
  byId("done").hidden = !isDone;
  byId("sides").hidden = isDone;
  document.querySelector("h1").hidden = isDone;
  byId("progress").textContent = `${Math.min(at + 1, pairs.length)} of ${pairs.length}, ${choices.size} decided`;
  byId("back").disabled = at === 0;
  byId("tie").disabled = isDone;
  if (!isDone) {
    byId("query").textContent = pairs[at].query;
    showSide("left", pairs[at].left);
    showSide("right", pairs[at].right);
  }
  for (const choice of ["left", "right", "tie"]) {
    byId(choice).classList.toggle("chosen", !isDone && choices.get(at) === choice);
  }
}

function choose(choice) {
  if (at === pairs.length) return;
  choices.set(at, choice);
  isSaved = false;
  byId("status").textContent = "";
  at += 1;
  show();
}

function back() {
  at = Math.max(0, at - 1);
  show();
}

function cell(value) {
  // a sheet would run what begins like a formula
  const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
  return '"' + text.replaceAll('"', '""') + '"';
}

function csv() {
  const rows = [["page", "number", "pair", "choice", "query"]];
  for (const [place, choice] of [...choices].sort((one, other) => one[0] - other[0])) {
    const pair = pairs[place];
    rows.push([pair.page, pair.number, pair.pair, choice, pair.query]);
  }
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function save() {
  if (!choices.size) {
    byId("status").textContent = "Nothing is decided yet.";
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = "choices.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  isSaved = true;
  byId("status").textContent = `Saved ${choices.size} choices as choices.csv.`;
}

const keys = { ArrowLeft: () => choose("left"), ArrowRight: () => choose("right"), ArrowDown: () => choose("tie"), Backspace: back, s: save, S: save };
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (!(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});
for (const choice of ["left", "right", "tie"]) byId(choice).addEventListener("click", () => choose(choice));
byId("back").addEventListener("click", back);
byId("save").addEventListener("click", save);
addEventListener("beforeunload", (event) => {
  if (!isSaved) event.preventDefault();
});
show();
document.body.dataset.ready = "yes";
