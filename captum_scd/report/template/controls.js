/* What the reader chooses by. The controls stand twice: above the gallery, and beside a large picture. */

/* Radio buttons in a row, inside a fieldset that is there or made. */
function choice(field, legend, options, fieldset = wrap("fieldset", [make("legend", legend)])) {
  const group = `${field}-${document.querySelectorAll(`[data-field="${field}"]`).length}`;
  fieldset.classList.add("choice");
  fieldset.dataset.field = field;
  for (const [value, words] of options) {
    const input = make("input", "", { type: "radio", name: group, value });
    input.addEventListener("change", () => change({ [field]: value }));
    fieldset.append(wrap("label", [input, make("span", words, { dir: "auto" })]));
  }
  return fieldset;
}

function slider(field, words, low) {
  const input = make("input", "", { type: "range", min: low, max: 1 - low, step: 0.01 });
  input.addEventListener("input", () => change({ [field]: Number(input.value) }));
  const label = wrap("label", [make("span", words), input, make("output")], { class: "slider" });
  label.dataset.field = field;
  return label;
}

function addLooks(container) {
  if (!mapNames.length) return;
  container.append(choice("map", "Map", mapNames.map((name) => [name, name])));
  container.append(choice("way", "Shown as", ways.map((way) => [way, WAYS[way]])));
  container.append(wrap("div", [slider("cut", "Cut at", 0.01), slider("strength", "Strength", 0)]));
}

/* Let all controls say what is chosen. */
function showChoices() {
  for (const input of document.querySelectorAll(".choice input")) {
    input.checked = input.value === state[input.closest(".choice").dataset.field];
  }
  for (const label of document.querySelectorAll(".slider")) {
    const [input, value] = [label.querySelector("input"), state[label.dataset.field]];
    if (Number(input.value) !== value) input.value = value;
    label.querySelector("output").textContent = value.toFixed(2);
    input.disabled = label.dataset.field === "cut" ? state.way === "photo" : state.way !== "colours";
  }
}
