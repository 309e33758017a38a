"use strict";
// A picture goes to faces/alike; names come from other people and are set as text alone.
const at = (id) => document.getElementById(id);
let tokenHeader = null;
let asked = 0;

function say(text, isWrong = false) {
  at("status").textContent = text;
  at("status").className = isWrong ? "wrong" : "";
}

function row({ name, distance, probability, picture }) {
  const item = document.createElement("li");
  if (picture) {
    const face = new Image(48, 48);
    face.alt = "";
    face.src = `data:image/jpeg;base64,${picture}`;
    item.append(face, " ");
  }
  const sure = probability >= 0.5 ? `probably the same person, ${Math.round(100 * probability)}%` : "probably somebody else";
  item.append(`${name}: distance ${distance.toFixed(2)}, ${sure}`);
  return item;
}

async function ask(file) {
  const mine = ++asked;
  at("result").hidden = true;
  URL.revokeObjectURL(at("gif").src);
  say(`Looking at ${file.name} …`);
  try {
    const headers = { "content-type": "application/octet-stream" };
    if (tokenHeader) headers[tokenHeader] = at("token").value;
    const answer = await fetch("/faces/alike", { method: "POST", headers, body: file });
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(found.error || `the server answered ${answer.status}`);
    if (mine !== asked) return; // another picture was chosen meanwhile
    at("gif").src = URL.createObjectURL(file);
    at("people").replaceChildren(...found.people.map(row));
    at("result").hidden = false;
    say(found.people.length ? "Near is alike: below a distance of 0.53 it is probably the same person." : "No face was found.");
  } catch (error) {
    if (mine === asked) say(`No answer for ${file.name}: ${error.message}`, true);
  }
}

async function start() {
  tokenHeader = (await (await fetch("/faces/about")).json()).token_header;
  at("token-row").hidden = !tokenHeader;
  at("file").addEventListener("change", () => at("file").files[0] && ask(at("file").files[0]));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      at("drop").classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files[0]) ask(event.dataTransfer.files[0]);
    });
  }
  document.body.dataset.ready = "yes";
}

start().catch(() => say("The server does not answer: load this page again.", true));
