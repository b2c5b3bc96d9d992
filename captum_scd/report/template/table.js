/* The table of all numbers, and the summary of its columns. */

let rows = null;

function headings() {
  const named = [["name", "image"], ["label", ""], ...report.columns.map(({ title }) => [title, title])];
  const cells = named.map(([field, words]) => {
    const cell = make("th", "", { scope: "col" });
    if (field === "label") return cell;
    const button = make("button", words, { type: "button", dir: "auto" });
    button.addEventListener("click", () => change(sortedBy(field)));
    cell.append(button);
    cell.dataset.field = field;
    return cell;
  });
  return wrap("thead", [wrap("tr", cells)]);
}

/* Sort by a column, or turn the order round where it is sorted by it already. */
function sortedBy(field) {
  const column = report.columns[columnOf.get(field)];
  const down = state.sort === field ? !state.down : Boolean(column) && column.better !== "lower";
  return { sort: field, down };
}

function row(image, place) {
  const button = nameIn(make("button", "", { type: "button", dir: "auto" }), image.name);
  button.addEventListener("click", () => change({ image: place }));
  const numbers = report.columns.map((column, k) => make("td", shown(image.numbers[k], column)));
  return wrap("tr", [
    wrap("th", [button], { scope: "row" }),
    make("td", image.label, { class: "text", dir: "auto" }),
    ...numbers,
  ]);
}

function showTable(order) {
  if (!rows) {
    rows = images.map(row);
    byId("table").append(headings(), make("tbody"));
  }
  byId("table").querySelector("tbody").replaceChildren(...order.map((place) => rows[place]));
  for (const cell of byId("table").querySelectorAll("thead th[data-field]")) {
    if (cell.dataset.field !== state.sort) cell.removeAttribute("aria-sort");
    else cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
  }
}

/* Mean, median, lowest and highest of each column over some images. */
function showSummary(order) {
  const body = report.columns.map((column, k) => summaryRow(column, valuesOf(k, order)));
  const caption = make("caption", `Over ${howMany(order)}`);
  byId("summary").replaceChildren(caption, summaryHead(), wrap("tbody", body));
}

function summaryHead() {
  const text = (words) => make("th", words, { scope: "col", class: "text" });
  const numbers = ["mean", "median", "lowest", "highest"].map((words) => make("th", words, { scope: "col" }));
  return wrap("thead", [wrap("tr", [make("td"), text("better"), ...numbers, text("what it is")])]);
}

function summaryRow(column, values) {
  return wrap("tr", [
    make("th", column.title, { scope: "row", dir: "auto" }),
    make("td", column.better, { class: "text" }),
    ...statistics(values).map((value) => make("td", shown(value, column))),
    make("td", column.note, { class: "text" }),
  ]);
}

function valuesOf(column, order) {
  return order.map((place) => images[place].numbers[column]).filter((value) => value !== null);
}

function statistics(values) {
  if (!values.length) return [null, null, null, null];
  const sorted = Float64Array.from(values).sort();
  const half = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
  return [mean(values), median, sorted[0], sorted[sorted.length - 1]];
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
