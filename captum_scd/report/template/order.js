/* Which images are shown, and in which order. */

const collator = new Intl.Collator("en", { numeric: true });
const texts = images.map((image) =>
  [image.name, image.label, ...Object.values(image.facts), ...image.doubts].join("\n").toLowerCase());

/* Places of the images in which all words of the search are found, sorted as chosen. */
function chosenImages() {
  const words = state.find.toLowerCase().split(/\s+/);
  const found = [...images.keys()].filter((place) => words.every((word) => texts[place].includes(word)));
  if (state.sort === "") return state.down ? found.reverse() : found;
  const compare = state.sort === "name" ? byName : byNumber(columnOf.get(state.sort));
  return found.sort(compare);
}

function byName(a, b) {
  return (state.down ? -1 : 1) * collator.compare(images[a].name, images[b].name);
}

/* Compare by a number; images without it come last either way. */
function byNumber(column) {
  return (a, b) => {
    const [first, second] = [images[a].numbers[column], images[b].numbers[column]];
    if (first === null || second === null) return (first === null) - (second === null) || a - b;
    return (state.down ? second - first : first - second) || a - b;
  };
}
