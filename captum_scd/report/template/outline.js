/* The border of the region that reaches the cut, as a line between the pixels' centres. */

/* Draw it light on dark, so that it shows on both. */
function outline(context, map, { width, height }, cut, scale) {
  const path = border(map, width, height, cut, scale);
  context.lineCap = "round";
  for (const [style, thickness] of [["black", 4.8], ["white", 2.1]]) {
    context.strokeStyle = style;
    context.lineWidth = thickness;
    context.stroke(path);
  }
}

/* Marching squares: where the line crosses each square of four neighbouring centres; beyond the edge is 0. */
function border(map, width, height, cut, scale) {
  const path = new Path2D();
  const [framed, row] = [withFrame(map, width, height), width + 2];
  for (let y = 0; y <= height; y++) {
    for (let k = y * row; k < y * row + row - 1; k++) {
      const inside = framed[k] >= cut;
      const across = framed[k + 1] >= cut === inside;
      const down = framed[k + row] >= cut === inside;
      if (across && down && framed[k + row + 1] >= cut === inside) continue;
      const corners = [framed[k], framed[k + 1], framed[k + row + 1], framed[k + row]];
      for (const line of crossings(corners, cut)) {
        const [from, to] = line.map(([right, below]) => [k - y * row + right - 0.5, y + below - 0.5]);
        path.moveTo(from[0] * scale, from[1] * scale);
        path.lineTo(to[0] * scale, to[1] * scale);
      }
    }
  }
  return path;
}

/* A map with one more pixel of 0 at each side. */
function withFrame(map, width, height) {
  const framed = new Float32Array((width + 2) * (height + 2));
  for (let y = 0; y < height; y++) {
    framed.set(map.subarray(y * width, (y + 1) * width), (y + 1) * (width + 2) + 1);
  }
  return framed;
}

const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

/* Lines through a square of side 1, given its corners' values clockwise from the top left. */
function crossings(corners, cut) {
  const points = [];
  corners.forEach((here, k) => {
    const next = (k + 1) % 4;
    if (here >= cut === corners[next] >= cut) return;
    const share = (cut - here) / (corners[next] - here);
    points.push(CORNERS[k].map((from, axis) => from + share * (CORNERS[next][axis] - from)));
  });
  return points.length === 2 ? [points] : [points.slice(0, 2), points.slice(2)];
}
