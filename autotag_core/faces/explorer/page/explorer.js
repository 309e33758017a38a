"use strict";
// Names come from other people: they are set as text alone, and plotly never sees them.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const COLOURS = ["#3366cc", "#dc3912", "#ff9900", "#109618", "#990099", "#0099c6", "#dd4477", "#66aa00", "#b82e2e"];
const OTHERS = "#999999";
const MOST_FOUND = 20;
// Faces are nobody else's business: no button uploads them.
const CONFIG = { displaylogo: false, responsive: true, plotlyServerURL: "", modeBarButtonsToRemove: ["sendChartToCloud"] };
const [xs, ys, zs] = data.points;
// Plotly draws a circle of 23 triangles, a square of six.
const FACE = data.owners.length > 2000 ? { size: 2, symbol: "square" } : { size: 4, symbol: "circle" };
const DIMMED = 0.15;
const facesOf = data.people.map(() => []);
data.owners.forEach((owner, face) => facesOf[owner].push(face));
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const names = data.people.map(([, name]) => folded(name));
const withId = ([id, name]) => (id === name ? name : `${name} (${id})`);

function picked(faces) {
  const at = (values) => faces.map((face) => values[face]);
  return { x: at(xs), y: at(ys), z: at(zs), customdata: faces };
}

function trace(faces, colour, marker) {
  return {
    type: "scatter3d", mode: "markers", hoverinfo: "none", ...picked(faces),
    marker: { color: colour, ...FACE, opacity: chosen.length ? DIMMED : 1, ...marker },
  };
}

/** [{value, colour, faces}], the largest groups first; those beyond the colours are one. */
function groupsBy(attribute) {
  if (!attribute) return [{ value: "", colour: COLOURS[0], faces: data.owners.map((_, face) => face) }];
  const byValue = new Map();
  data.owners.forEach((owner, face) => {
    const value = data.values[attribute][owner];
    if (!byValue.has(value)) byValue.set(value, []);
    byValue.get(value).push(face);
  });
  const unknown = byValue.get("") ?? [];
  byValue.delete("");
  const ranked = [...byValue].sort((a, b) => b[1].length - a[1].length);
  const found = ranked.slice(0, COLOURS.length).map(([value, faces], at) => ({ value, colour: COLOURS[at], faces }));
  const others = ranked.slice(COLOURS.length).flatMap(([, faces]) => faces);
  if (others.length) found.push({ value: "others", colour: OTHERS, faces: others });
  if (unknown.length) found.push({ value: "not known", colour: OTHERS, faces: unknown });
  return found;
}

let groups = [];
let chosen = [];
let hovered = -1;

function draw() {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const marked = { size: 9, symbol: "circle", opacity: 1, line: { color: isDark ? "#ffffff" : "#000000", width: 1 } };
  const axis = { showticklabels: false, title: { text: "" }, showspikes: false, showbackground: false,
    gridcolor: isDark ? "#333333" : "#dddddd", zerolinecolor: isDark ? "#333333" : "#dddddd" };
  const traces = [...groups.map((one) => ({ ...trace(one.faces, one.colour), visible: !one.isHidden })), trace(chosen, "#ffdd00", marked)];
  const layout = {
    margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)", uirevision: "same",
    scene: { xaxis: axis, yaxis: axis, zaxis: axis, aspectmode: "cube" },
  };
  return Plotly.react("cloud", traces, layout, CONFIG);
}

function address(face) {
  return data.pictures[face] ? `data:image/jpeg;base64,${data.pictures[face]}` : "";
}

function show(face) {
  byId("name").textContent = withId(data.people[data.owners[face]]);
  byId("picture").hidden = !data.pictures[face];
  if (data.pictures[face]) byId("picture").src = address(face);
}

function choose(person) {
  chosen = facesOf[person];
  show(chosen[0]);
  byId("faces").replaceChildren(...chosen.filter((face) => data.pictures[face]).map((face) => {
    const image = new Image(48, 48);
    image.alt = "";
    image.src = address(face);
    return image;
  }));
  return draw();
}

function search() {
  const wanted = folded(byId("search").value.trim());
  const found = [];
  for (let at = 0; wanted && at < names.length && found.length < MOST_FOUND; at++) {
    if (names[at].includes(wanted)) found.push(at);
  }
  byId("found").replaceChildren(...found.map((at) => {
    const button = document.createElement("button");
    button.type = "button";
    const isShared = names.indexOf(names[at]) !== names.lastIndexOf(names[at]);
    button.textContent = isShared ? withId(data.people[at]) : data.people[at][1];
    button.addEventListener("click", () => choose(at));
    return button;
  }));
  if (wanted && !found.length) byId("found").textContent = "Nobody of that name is enrolled.";
}

function listGroups(attribute) {
  byId("groups").replaceChildren(...(attribute ? groups : []).map((one) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    const dot = document.createElement("span");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      one.isHidden = !box.checked;
      draw();
    });
    dot.style.background = one.colour;
    label.append(box, dot, `${one.value} (${one.faces.length.toLocaleString("en")})`);
    return label;
  }));
}

async function colour(attribute) {
  groups = groupsBy(attribute);
  listGroups(attribute);
  await draw();
}

async function begin() {
  const attributes = Object.keys(data.values);
  byId("colours").hidden = !attributes.length;
  byId("attribute").append(...attributes.map((name) => new Option(name, name)));
  byId("attribute").addEventListener("change", (event) => colour(event.target.value));
  byId("search").addEventListener("input", search);
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") byId("found").querySelector("button")?.click();
  });
  const number = (count) => count.toLocaleString("en");
  byId("about").textContent =
    `${number(data.owners.length)} faces of ${number(data.people.length)} people, by ${data.method}. Near ones look alike.`;
  await colour(attributes[0]);
  byId("cloud").on("plotly_hover", (event) => {
    const face = event.points[0].customdata;
    if (face !== hovered) show(face); // it is told again whenever the cloud is drawn
    hovered = face;
  });
  byId("cloud").on("plotly_click", (event) => choose(data.owners[event.points[0].customdata]));
  document.body.dataset.ready = "yes";
}

begin();
