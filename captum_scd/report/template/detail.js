/* One image, large, with all that is known about it. */

const dialog = byId("detail");
const means = report.columns.map((_, k) => statistics(valuesOf(k, [...images.keys()]))[0]);

function showDetail(order) {
  if (state.image === null) {
    if (dialog.open) dialog.close();
    return;
  }
  const image = images[state.image];
  nameIn(byId("detail-name"), image.name);
  byId("detail-label").textContent = image.label;
  byId("detail-doubts").replaceChildren(...image.doubts.map((doubt) => make("li", doubt)));
  byId("detail-numbers").replaceChildren(...numbersOf(image));
  byId("detail-facts").replaceChildren(...terms(image.facts));
  const at = order.indexOf(state.image);
  byId("previous").disabled = at <= 0;
  byId("next").disabled = at < 0 || at >= order.length - 1;
  if (!dialog.open) {
    dialog.showModal();
    byId("detail-name").focus();
  }
  paintDetail();
}

async function paintDetail() {
  const place = state.image;
  const loaded = await scene(place);
  if (state.image !== place) return;
  const canvas = byId("detail-picture");
  paint(canvas, loaded, state, 3);
  canvas.setAttribute("aria-label", described(place));
  byId("caption").textContent = caption(loaded);
  byId("meaning").textContent = meaning(loaded);
  byId("key").hidden = wayOf(loaded, state) !== "colours";
}

function caption(scene) {
  const map = scene.maps[state.map];
  if (!map) return `There is no ${state.map} of this image.`;
  if (state.way === "photo") return "What the network saw.";
  const share = `${(100 * area(map, state.cut)).toFixed(1)}% of the image`;
  const words = {
    colours: `Outlined: ${share}`,
    outline: `Outlined: ${share}`,
    remains: `Replaced: all but ${share}`,
    removed: `Replaced: ${share}`,
  }[wayOf(scene, state)];
  return `${words}, where ${state.map} is at least ${state.cut.toFixed(2)}.`;
}

function meaning(scene) {
  const known = scene.maps[state.map] && state.way !== "photo" && report.guide[state.map];
  return known ? `${state.map}: ${known}` : "";
}

function numbersOf(image) {
  const names = wrap("tr", ["", "here", "mean"].map((name) => make("th", name, { scope: "col" })));
  const lines = report.columns.map((column, k) => {
    const cells = [make("td", shown(image.numbers[k], column)), make("td", shown(means[k], column))];
    const line = wrap("tr", [make("th", column.title, { scope: "row", dir: "auto" }), ...cells]);
    if (column.of === state.map) line.className = "chosen";
    return line;
  });
  return [wrap("thead", [names]), wrap("tbody", lines)];
}

function terms(facts) {
  return Object.entries(facts).flatMap(([term, words]) => [
    make("dt", term, { dir: "auto" }),
    make("dd", words, { dir: "auto" }),
  ]);
}

/* Go on to the image that is some steps further in the order shown. */
function step(order, by) {
  const next = order[order.indexOf(state.image) + by];
  if (order.includes(state.image) && next !== undefined) change({ image: next });
}

function leave() {
  const place = state.image;
  change({ image: null });
  cards[place]?.querySelector("button").focus();
}
