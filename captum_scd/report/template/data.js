"use strict";

/* What the page shows, from its JSON blocks. The pixels of an image are read only when it is painted. */

const byId = (id) => document.getElementById(id);
const blocks = (kind) => [...document.querySelectorAll(`script.${kind}`)];
const read = (block) => JSON.parse(block.textContent);

const report = read(byId("report"));
const images = blocks("facts").map(read);
const failures = blocks("failure").map(read);
const pixelBlocks = blocks("pixels");

const mapNames = [...new Set(images.flatMap((image) => image.maps))];
const places = new Map(images.map((image, place) => [image.name, place]));
const columnOf = new Map(report.columns.map((column, place) => [column.title, place]));

/* Make an element; all text goes through textContent, so that nothing in it is read as HTML. */
function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/* Make an element around others. */
function wrap(tag, children, attributes = {}) {
  const element = make(tag, "", attributes);
  element.append(...children);
  return element;
}

/* Put words into an element that may break them after the marks that join the parts of file names. */
function nameIn(element, words) {
  const parts = words.split(/(?<=[_\-/.])/);
  element.replaceChildren(...parts.flatMap((part, k) => (k ? [make("wbr"), part] : [part])));
  return element;
}

function shown(value, column) {
  if (value === null || value === undefined) return "\u2013";
  return column.percent ? `${(100 * value).toFixed(1)}%` : value.toFixed(3);
}

/* How many of the images, or whatever entries are, are shown. */
function howMany(order) {
  const all = count(images.length, report.unit);
  return order.length === images.length ? all : `${order.length.toLocaleString("en")} of ${all}`;
}

function count(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}
