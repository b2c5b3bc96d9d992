/* What the reader has chosen. It is kept in the address, so that a link leads to the same view. */

const WAYS = {
  photo: "Photo",
  colours: "Colours",
  outline: "Outline",
  remains: "Kept alone",
  removed: "Taken away",
};
const NEEDS_INFILL = ["remains", "removed"];
const ways = Object.keys(WAYS).filter(
  (way) => images.some((image) => image.infill) || !NEEDS_INFILL.includes(way));

const DEFAULTS = {
  find: "",
  sort: "",
  down: false,
  view: "gallery",
  map: mapNames[0] ?? "",
  way: mapNames.length ? "colours" : "photo",
  cut: report.cut,
  strength: 1,
  image: null,
};
const state = { ...DEFAULTS };

/* Names of what an address may choose from; anything else in it is passed over. */
const CHOICES = {
  sort: ["", "name", ...columnOf.keys()],
  view: ["gallery", "table"],
  map: mapNames,
  way: ways,
};

function within(text, low, high, otherwise) {
  const value = Number.parseFloat(text);
  return value >= low && value <= high ? value : otherwise;
}

function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = { ...DEFAULTS };
  for (const [name, allowed] of Object.entries(CHOICES)) {
    if (allowed.includes(given.get(name))) found[name] = given.get(name);
  }
  found.find = given.get("find") ?? "";
  found.down = given.get("down") === "1";
  found.cut = within(given.get("cut"), 0.01, 0.99, DEFAULTS.cut);
  found.strength = within(given.get("strength"), 0, 1, DEFAULTS.strength);
  found.image = places.get(given.get("image")) ?? null;
  return found;
}

/* The view is always named: an address that ends in a bare # would lead to the top of the page. */
function toAddress() {
  const chosen = new URLSearchParams({ view: state.view });
  for (const [name, value] of Object.entries(state)) {
    if (value === DEFAULTS[name]) continue;
    const text = name === "image" ? images[value].name : name === "down" ? "1" : String(value);
    chosen.set(name, text);
  }
  return `#${chosen}`;
}

let waiting = 0;
let own = 0;

/* Write the choices into the address; soon, since browsers take it ill when a slider writes at every step. */
function remember() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (toAddress() === location.hash) return;
    own += 1;
    location.replace(toAddress());
  }, 200);
}

/* Write them at once and as a step of their own, so that the way back leads to where the reader was. */
function rememberStep() {
  clearTimeout(waiting);
  if (toAddress() === location.hash) return;
  own += 1;
  location.hash = toAddress();
}
