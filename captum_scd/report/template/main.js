/* The page as a whole: what is chosen changes, and all that depends on it is shown anew. */

let order = [];

/* Choose something, show it, and remember it in the address. */
function change(choices) {
  const before = { ...state };
  Object.assign(state, choices);
  show(before);
  if (before.image === null && state.image !== null) rememberStep();
  else remember();
}

const ORDERING = ["find", "sort", "down", "view"];
const LOOKS = ["map", "way", "cut", "strength"];

function show(before) {
  const changed = (fields) => !before || fields.some((field) => before[field] !== state[field]);
  showChoices();
  if (changed(ORDERING)) showOrder();
  if (before && changed(LOOKS)) paintCards();
  if (changed(["image", ...LOOKS, ...ORDERING])) showDetail(order);
}

function showOrder() {
  order = chosenImages();
  byId("sort").value = state.sort;
  byId("direction").textContent = directionWords();
  if (byId("find").value !== state.find) byId("find").value = state.find;
  byId("count").textContent = howMany(order);
  byId("nothing").hidden = order.length > 0;
  const asTable = state.view === "table";
  byId("gallery").hidden = asTable;
  byId("looks").hidden = asTable;
  byId("table-frame").hidden = !asTable;
  if (asTable) showTable(order);
  else showGallery(order);
  showSummary(order);
}

function directionWords() {
  if (state.sort === "") return state.down ? "Last to first" : "First to last";
  if (state.sort === "name") return state.down ? "Z to A" : "A to Z";
  return state.down ? "Highest first" : "Lowest first";
}

function fillHead() {
  const fill = (id, items) => {
    byId(id).hidden = items.length === 0;
    return items;
  };
  const [first, ...rest] = `${report.unit}s`;
  byId("images-title").textContent = first.toUpperCase() + rest.join("");
  byId("notes").append(...fill("notes", report.notes.map((note) => make("li", note))));
  byId("guide").querySelector("dl").append(...fill("guide", terms(report.guide)));
  const filled = Object.entries(report.settings).filter(([, values]) => Object.keys(values).length);
  const tables = filled.map(([heading, values]) => settingsTable(heading, values));
  byId("settings").querySelector("div").append(...fill("settings", tables));
  const lines = failures.map(({ name, reason }) => wrap("li", [
    make("b", name, { dir: "auto" }), make("span", reason, { dir: "auto" })]));
  byId("failures").querySelector("ul").append(...fill("failures", lines));
  byId("failures").querySelector("summary").textContent = `${count(failures.length, "image")} not explained`;
}

function settingsTable(heading, values) {
  const lines = Object.entries(values).map(([name, value]) => wrap("tr", [
    make("th", name, { scope: "row", dir: "auto" }), make("td", value, { dir: "auto", class: "text" })]));
  return wrap("table", [make("caption", heading), wrap("tbody", lines)]);
}

function fillBar() {
  const fields = ["", "name", ...columnOf.keys()];
  byId("sort").append(...fields.map((value) => make("option", value || "order given", { value })));
  byId("sort").addEventListener("change", () => {
    const field = byId("sort").value;
    change(columnOf.has(field) ? sortedBy(field) : { sort: field, down: false });
  });
  byId("direction").addEventListener("click", () => change({ down: !state.down }));
  byId("find").addEventListener("input", () => change({ find: byId("find").value }));
  choice("view", "", [["gallery", "gallery"], ["table", "table"]], byId("view"));
  addLooks(byId("looks"));
}

function fillDetail() {
  addLooks(byId("detail-looks"));
  byId("previous").addEventListener("click", () => step(order, -1));
  byId("next").addEventListener("click", () => step(order, 1));
  byId("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    if (state.image !== null) leave();
    paintCards();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("input")) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) step(order, by);
  });
  const stops = ANCHORS.map((colour) => `#${colour}`).join(",");
  byId("ramp").style.background = `linear-gradient(to right, ${stops})`;
}

function start() {
  fillHead();
  fillBar();
  fillDetail();
  document.body.classList.toggle("many", images.length > FEW);
  byId("images").hidden = byId("means").hidden = images.length === 0;
  byId("means").open = matchMedia("(min-width: 50rem)").matches && report.columns.length <= 10;
  byId("failures").open = failures.length <= FEW;
  watchCards();
  Object.assign(state, fromAddress());
  show(null);
}

/* Follow an address that the reader gave; those written here may be behind what has been chosen since. */
addEventListener("hashchange", () => {
  if (own > 0) {
    own -= 1;
    return;
  }
  const before = { ...state };
  Object.assign(state, fromAddress());
  show(before);
});
addEventListener("beforeprint", () => showTable(order));
start();
