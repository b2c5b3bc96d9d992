/* From bytes to pictures: maps are interpolated and coloured here, by the rules of the package's figures. */

const ANCHORS = [
  "000004", "0a0822", "1d1147", "36106b", "51127c", "6a1c81", "832681", "9c2e7f", "b73779",
  "cf4070", "e55064", "f4695c", "fb8761", "fea571", "fec287", "fde0a1", "fcfdbf",
];
const LEVELS = 256;
const COLOURS = colourTable();
const MOST_KEPT = 80;
const scenes = new Map();

/* The magma colours at all levels, three bytes each, between anchors on a straight line. */
function colourTable() {
  const table = new Uint8ClampedArray(3 * LEVELS);
  for (let level = 0; level < LEVELS; level++) {
    const place = (level / (LEVELS - 1)) * (ANCHORS.length - 1);
    const first = Math.min(Math.floor(place), ANCHORS.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [a, b] = [0, 1].map((step) => Number.parseInt(ANCHORS[first + step].substr(2 * channel, 2), 16));
      table[3 * level + channel] = a + (place - first) * (b - a);
    }
  }
  return table;
}

/* Pixels of an image: the photo, its infill, and its maps at the photo's size; the latest ones are kept. */
function scene(place) {
  const known = scenes.get(place) ?? load(read(pixelBlocks[place]));
  scenes.delete(place);
  scenes.set(place, known);
  if (scenes.size > MOST_KEPT) scenes.delete(scenes.keys().next().value);
  return known;
}

async function load(pixels) {
  const photo = await picture(pixels.picture);
  const { width, height } = photo;
  const infill = pixels.infill ? await picture(pixels.infill, width, height) : null;
  const maps = {};
  for (const map of pixels.maps) {
    if (!map.of) maps[map.name] = enlarged(map, width, height);
  }
  for (const map of pixels.maps) {
    if (map.of) maps[map.name] = geometricMean(map.of.map((name) => maps[name]));
  }
  return { photo, infill, maps, width, height };
}

async function picture(address, width, height) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = new OffscreenCanvas(width ?? image.naturalWidth, height ?? image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/* Interpolate a map bilinearly, cell centres in the middle of their areas, the outermost held to the edge. */
function enlarged(map, width, height) {
  const bytes = Uint8Array.from(atob(map.values), (character) => character.charCodeAt(0));
  const across = neighbours(map.width, width);
  const down = neighbours(map.height, height);
  const values = new Float32Array(width * height);
  for (let y = 0, k = 0; y < height; y++) {
    const top = down.first[y] * map.width;
    const bottom = down.second[y] * map.width;
    for (let x = 0; x < width; x++, k++) {
      const [left, right, share] = [across.first[x], across.second[x], across.share[x]];
      const above = bytes[top + left] * (1 - share) + bytes[top + right] * share;
      const below = bytes[bottom + left] * (1 - share) + bytes[bottom + right] * share;
      values[k] = (above * (1 - down.share[y]) + below * down.share[y]) / 255;
    }
  }
  return values;
}

/* For each pixel of a side the two cells it lies between, and how far it is towards the second. */
function neighbours(cells, pixels) {
  const [first, second, share] = [new Int32Array(pixels), new Int32Array(pixels), new Float32Array(pixels)];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const place = Math.max(0, ((pixel + 0.5) * cells) / pixels - 0.5);
    first[pixel] = Math.min(Math.floor(place), cells - 1);
    second[pixel] = Math.min(first[pixel] + 1, cells - 1);
    share[pixel] = place - first[pixel];
  }
  return { first, second, share };
}

function geometricMean(maps) {
  return maps[0].map((_, k) => maps.reduce((product, map) => product * map[k], 1) ** (1 / maps.length));
}

/* Share of the pixels that reach the cut. */
function area(map, cut) {
  return map.reduce((sum, value) => sum + (value >= cut), 0) / map.length;
}

/* Paint an image as it was chosen, each of its pixels `scale` wide. */
function paint(canvas, scene, chosen, scale) {
  const map = scene.maps[chosen.map];
  const way = wayOf(scene, chosen);
  canvas.width = scale * scene.width;
  canvas.height = scale * scene.height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(plain(mixed(scene, map, way, chosen)), 0, 0, canvas.width, canvas.height);
  if (way === "colours" || way === "outline") outline(context, map, scene, chosen.cut, scale);
}

/* How an image can be shown: not every image need have every map, or an infill. */
function wayOf(scene, chosen) {
  if (!scene.maps[chosen.map]) return "photo";
  return NEEDS_INFILL.includes(chosen.way) && !scene.infill ? "outline" : chosen.way;
}

function plain(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function mixed(scene, map, way, chosen) {
  if (way === "photo" || way === "outline") return scene.photo;
  const result = new ImageData(scene.width, scene.height);
  if (way === "colours") colour(result.data, scene.photo.data, map, chosen.strength);
  else choose(result.data, scene, map, chosen.cut, way === "remains");
  return result;
}

/* A dark grey photo where the map is 0, bright colour where it is 1; less of both below full strength. */
function colour(result, photo, map, strength) {
  for (let k = 0, p = 0; k < map.length; k++, p += 4) {
    const grey = (0.6 * (photo[p] + photo[p + 1] + photo[p + 2])) / 3;
    const level = 3 * Math.min(LEVELS - 1, Math.floor(map[k] * LEVELS));
    const cover = 0.75 * map[k];
    for (let channel = 0; channel < 3; channel++) {
      const painted = (1 - cover) * grey + cover * COLOURS[level + channel];
      result[p + channel] = photo[p + channel] + strength * (painted - photo[p + channel]);
    }
    result[p + 3] = 255;
  }
}

/* The photo inside the cut region and the infill outside, or the other way round. */
function choose(result, scene, map, cut, inside) {
  const [photo, infill] = [scene.photo.data, scene.infill.data];
  for (let k = 0, p = 0; k < map.length; k++, p += 4) {
    const source = map[k] >= cut === inside ? photo : infill;
    for (let channel = 0; channel < 4; channel++) result[p + channel] = source[p + channel];
  }
}
