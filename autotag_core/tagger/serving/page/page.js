"use strict";
// A GIF goes to page/suggest; what its uploader takes, refuses and adds goes to page/choices.
const at = (id) => document.getElementById(id);
const gifId = new URLSearchParams(location.search).get("gif_id");
let about = null;
let shown = null;   // {gif, offered: {tag: probability}, added: [tag]}
let asked = 0;

function say(text, isWrong = false) {
  at("status").textContent = text;
  at("status").className = isWrong ? "wrong" : "";
}

async function ask(path, body, type) {
  const headers = { "content-type": type };
  if (about && about.token_header) headers[about.token_header] = at("token").value;
  const answer = await fetch(path, { method: "POST", headers, body });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || `the server answered ${answer.status}`);
  return found;
}

function tagButton(tag, probability, isTaken) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.tag = tag;
  button.setAttribute("aria-pressed", String(isTaken));
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = tag;
  const sure = document.createElement("span");
  sure.textContent = probability === null ? "yours" : `${Math.round(100 * probability)}%`;
  button.append(name, sure);
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    at("save").disabled = !about.keeps_choices;
  });
  const item = document.createElement("li");
  item.append(button);
  at("tags").append(item);
  return button;
}

async function suggest(file) {
  const mine = ++asked;
  at("result").hidden = true;
  URL.revokeObjectURL(at("gif").src);
  say(`Looking at ${file.name} …`);
  try {
    const found = await ask("page/suggest", file, "application/octet-stream");
    if (mine !== asked) return;   // another GIF was chosen meanwhile
    shown = { gif: found.gif, offered: {}, added: [] };
    at("gif").src = URL.createObjectURL(file);
    at("tags").replaceChildren();
    for (const { tag, probability, accepted } of found.tags) {
      shown.offered[tag] = probability;
      tagButton(tag, probability, accepted);
    }
    at("result").hidden = false;
    at("save").disabled = !about.keeps_choices;
    say("Take the tags that fit, leave the others.");
    at("tags").querySelector("button")?.focus();
  } catch (error) {
    if (mine === asked) say(`No tags for ${file.name}: ${error.message}`, true);
  }
}

function addOwn(event) {
  event.preventDefault();
  const tag = at("tag").value.trim();
  if (!tag) return;
  const there = [...at("tags").querySelectorAll("button")].find((one) => one.dataset.tag === tag);
  if (there) there.setAttribute("aria-pressed", "true");
  else {
    shown.added.push(tag);
    tagButton(tag, null, true);
  }
  at("tag").value = "";
  at("save").disabled = !about.keeps_choices;
  say(`${tag} is added.`);
}

async function save() {
  const pressed = (tag) => [...at("tags").querySelectorAll("button")]
    .some((one) => one.dataset.tag === tag && one.getAttribute("aria-pressed") === "true");
  const offered = Object.keys(shown.offered);
  const choice = {
    gif: shown.gif,
    offered: shown.offered,
    taken: offered.filter(pressed),
    refused: offered.filter((tag) => !pressed(tag)),
    added: shown.added.filter(pressed),
  };
  if (gifId) choice.gif_id = gifId;
  at("save").disabled = true;
  say("Saving …");
  try {
    await ask("page/choices", JSON.stringify(choice), "application/json");
    say(`Saved ${choice.taken.length + choice.added.length} tags. Thank you!`);
  } catch (error) {
    at("save").disabled = false;
    say(`Not saved: ${error.message}`, true);
  }
}

async function start() {
  about = await (await fetch("page/about")).json();
  at("token-row").hidden = !about.token_header;
  at("save").hidden = !about.keeps_choices;
  at("people").hidden = !about.names_people;
  for (const tag of about.vocabulary) at("vocabulary").append(new Option(tag, tag));
  at("file").addEventListener("change", () => at("file").files[0] && suggest(at("file").files[0]));
  at("own").addEventListener("submit", addOwn);
  at("save").addEventListener("click", save);
  const drop = at("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files[0]) suggest(event.dataTransfer.files[0]);
    });
  }
}

start().catch(() => say("The server does not answer: load this page again.", true));
