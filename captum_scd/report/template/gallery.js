/* The gallery: a card for each image, painted when it comes near the window, wiped when it is far again. */

const FEW = 60;
const cards = images.map(card);
const near = new Set();
const painted = new Map();
const observer = new IntersectionObserver(noteNear, { rootMargin: "500px 0px" });
let busy = false;

function card(image, place) {
  const picture = wrap("span", [make("canvas", "", { role: "img" })], { class: "picture" });
  const words = [
    nameIn(make("span", "", { class: "name", dir: "auto" }), image.name),
    make("span", image.label, { class: "label", dir: "auto" }),
    make("span", "", { class: "number" }),
  ];
  if (image.doubts.length) words.push(make("span", image.doubts.join("; "), { class: "doubt" }));
  const button = wrap("button", [picture, ...words], { type: "button" });
  button.addEventListener("click", () => change({ image: place }));
  return wrap("li", [button]);
}

function showGallery(order) {
  const k = columnOf.get(state.sort) ?? 0;
  const column = report.columns[k];
  for (const place of order) {
    const words = column ? `${column.title} ${shown(images[place].numbers[k], column)}` : "";
    cards[place].querySelector(".number").textContent = words;
  }
  byId("gallery").replaceChildren(...order.map((place) => cards[place]));
}

function watchCards() {
  cards.forEach((element, place) => {
    element.dataset.place = place;
    observer.observe(element);
  });
}

function noteNear(changes) {
  for (const { target, isIntersecting } of changes) {
    const place = Number(target.dataset.place);
    if (isIntersecting || images.length <= FEW) near.add(place);
    else if (near.delete(place)) wipe(place);
  }
  paintCards();
}

/* Paint all cards near the window that are not painted as chosen, a few at a time, the middle ones first. */
async function paintCards() {
  if (busy) return;
  busy = true;
  for (let places = stale(); places.length; places = stale()) {
    await paintFor(25, places);
    await new Promise(requestAnimationFrame);
  }
  busy = false;
}

/* Cards to be painted; none while they are behind a large picture. */
function stale() {
  if (dialog.open) return [];
  const places = [...near].filter((place) => painted.get(place) !== looks());
  const middles = new Map(places.map((place) => [place, fromMiddle(cards[place])]));
  return places.sort((a, b) => middles.get(a) - middles.get(b));
}

function fromMiddle(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return Math.abs(top + bottom - innerHeight);
}

async function paintFor(milliseconds, places) {
  const end = performance.now() + milliseconds;
  for (const place of places) {
    await paintCard(place);
    if (performance.now() > end) return;
  }
}

async function paintCard(place) {
  painted.set(place, looks());
  const loaded = await scene(place).catch(() => null);
  if (!loaded || !near.has(place)) return;
  const canvas = cards[place].querySelector("canvas");
  canvas.setAttribute("aria-label", described(place));
  paint(canvas, loaded, state, 2);
}

function looks() {
  return [state.map, state.way, state.cut, state.strength].join();
}

function wipe(place) {
  painted.delete(place);
  const canvas = cards[place].querySelector("canvas");
  canvas.width = canvas.height = 0;
}

/* What a picture shows, in words. */
function described(place) {
  const { name, maps } = images[place];
  const way = maps.includes(state.map) ? state.way : "photo";
  return {
    photo: name,
    colours: `${name}, ${state.map} in colours`,
    outline: `${name}, ${state.map} outlined`,
    remains: `${name}, only the ${state.map} is left`,
    removed: `${name}, the ${state.map} is taken away`,
  }[way];
}
