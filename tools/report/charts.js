"use strict";
// Elements, numbers as text, and curves with zoom, a logarithmic scale,
// smoothing and values under the pointer.

// Text is never markup: it comes from files.
function make(tag, attributes, ...children) {
  const isSvg = ["svg", "g", "path", "line", "rect", "text", "circle", "title"].includes(tag);
  const element = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag)
                        : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "style") element.style.cssText = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined)
      element.append(child instanceof Node ? child : String(child));
  return element;
}

function numberText(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return String(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

function withUnit(value, base, units) {
  let unit = 0;
  while (Math.abs(value) >= base * 0.9995 && unit + 1 < units.length) { value /= base; ++unit; }
  return (unit ? value.toFixed(1) : value.toFixed(0)) + " " + units[unit];
}
const bytesText = (value) => withUnit(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
const flopText = (value) => withUnit(value, 1000, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"]);
const timeText = (seconds) => withUnit(seconds * 1e9, 1000, ["ns", "µs", "ms", "s"]);

const tip = document.getElementById("tip");
function showTip(event, text) {
  tip.textContent = text;
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8);
  tip.style.left = Math.max(left, 0) + "px";
  tip.style.top = Math.max(top, 0) + "px";
}
function hideTip() { tip.hidden = true; }

// The exponential mean of what came before, without the bias of its start.
function smooth(values, weight) {
  let mean = 0, total = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    mean = mean * weight + value * (1 - weight);
    total = total * weight + (1 - weight);
    return mean / total;
  });
}

// About `count` round numbers from `low` to `high`; never many more, where numbers tell no such steps apart.
function ticks(low, high, count) {
  const raw = (high - low) / count;
  if (!(raw > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw;
  const first = Math.ceil(low / step), marks = [];
  for (let i = 0; i <= count && (first + i) * step <= high + step * 1e-9; ++i) marks.push((first + i) * step);
  return marks;
}

function powersOfTen(low, high) {
  const marks = [];
  for (let power = Math.ceil(low); power <= high; ++power) marks.push(power);
  return marks.length >= 2 ? marks : ticks(low, high, 4);
}

const WIDTH = 420, HEIGHT = 220, LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 24;

// A chart of `curves`: each {label, colour, isHeld, isShown(), x, y}.
class Chart {
  constructor(title, curves, xLabel) {
    Object.assign(this, { title, curves, xLabel, range: null, isLog: false, weight: 0 });
    this.svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title });
    this.element = make("div", { class: "panel chart" }, make("h3", null, title), this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.beginDrag(event));
    this.svg.addEventListener("pointermove", (event) => this.move(event));
    this.svg.addEventListener("pointerup", (event) => this.endDrag(event));
    this.svg.addEventListener("pointerleave", () => { hideTip(); this.cross?.remove(); });
    this.svg.addEventListener("dblclick", () => this.zoom(null));
    this.draw();
  }

  // From and to as values of x; null: all.
  zoom(range) { this.range = range; this.draw(); }

  placeOf(event) {
    const box = this.svg.getBoundingClientRect();
    return (event.clientX - box.left) * WIDTH / box.width;
  }
  valueAt(place) {
    const share = (place - LEFT) / (WIDTH - LEFT - RIGHT);
    return this.xs[0] + Math.min(Math.max(share, 0), 1) * (this.xs[1] - this.xs[0]);
  }
  toX(value) { return LEFT + (value - this.xs[0]) / (this.xs[1] - this.xs[0] || 1) * (WIDTH - LEFT - RIGHT); }
  toY(value) {
    const scaled = this.isLog ? Math.log10(value) : value;
    return TOP + (this.ys[1] - scaled) / (this.ys[1] - this.ys[0] || 1) * (HEIGHT - TOP - BOTTOM);
  }

  beginDrag(event) {
    this.dragFrom = this.placeOf(event);
    this.svg.setPointerCapture(event.pointerId);
    this.selection = make("rect", { class: "selection", y: TOP, height: HEIGHT - TOP - BOTTOM, width: 0 });
    this.svg.append(this.selection);
  }
  endDrag(event) {
    if (this.dragFrom === undefined) return;
    const places = [this.dragFrom, this.placeOf(event)].sort((a, b) => a - b);
    this.dragFrom = undefined;
    this.selection.remove();
    if (places[1] - places[0] > 4) this.zoom(places.map((place) => this.valueAt(place)));
  }
  move(event) {
    const place = this.placeOf(event);
    if (this.dragFrom !== undefined) {
      this.selection.setAttribute("x", Math.min(place, this.dragFrom));
      this.selection.setAttribute("width", Math.abs(place - this.dragFrom));
      return;
    }
    const x = this.valueAt(place);
    const lines = [];
    let nearest = null;
    for (const curve of this.shown) {
      let best = -1;
      curve.x.forEach((value, i) => {
        if (Number.isFinite(curve.y[i]) && (best < 0 || Math.abs(value - x) < Math.abs(curve.x[best] - x))) best = i;
      });
      if (best < 0) continue;
      nearest = nearest ?? curve.x[best];
      lines.push(`${curve.label}  ${numberText(curve.y[best])}`);
    }
    this.cross?.remove();
    if (nearest === null) return;
    const at = this.toX(nearest);
    this.cross = make("line", { class: "crosshair", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM });
    this.svg.append(this.cross);
    showTip(event, [`${this.xLabel} ${numberText(nearest)}`, ...lines].join("\n"));
  }

  // What is drawn of the curves, and the least and largest of both axes.
  measure() {
    this.shown = this.curves.filter((curve) => curve.isShown());
    const inRange = (x) => !this.range || (x >= this.range[0] && x <= this.range[1]);
    const xs = [], ys = [];
    for (const curve of this.shown)
      curve.x.forEach((x, i) => {
        const y = curve.y[i];
        if (!inRange(x) || !Number.isFinite(y) || (this.isLog && y <= 0)) return;
        xs.push(x);
        ys.push(this.isLog ? Math.log10(y) : y);
      });
    const span = (values) => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
    this.xs = this.range || (xs.length ? span(xs) : [0, 1]);
    this.ys = ys.length ? span(ys) : [0, 1];
    // What differs by rounding alone is one line.
    const extent = this.ys[1] - this.ys[0], size = Math.max(...this.ys.map(Math.abs));
    const margin = extent > size * 1e-12 ? extent * 0.05 : size * 0.05 || 0.5;
    this.ys = [this.ys[0] - margin, this.ys[1] + margin];
  }

  drawAxes() {
    const lines = [];
    for (const mark of this.isLog ? powersOfTen(...this.ys) : ticks(...this.ys, 4)) {
      const y = this.toY(this.isLog ? 10 ** mark : mark);
      lines.push(make("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }),
                 make("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" },
                      numberText(this.isLog ? 10 ** mark : Number(mark.toPrecision(12)))));
    }
    for (const mark of ticks(...this.xs, 5))
      lines.push(make("text", { x: this.toX(mark), y: HEIGHT - 8, "text-anchor": "middle" },
                      numberText(Number(mark.toPrecision(12)))));
    return lines;
  }

  // Breaks where there is no number, or none that the scale has.
  pathOf(xs, ys) {
    let path = "", isDown = false;
    xs.forEach((x, i) => {
      const y = ys[i];
      const isThere = Number.isFinite(y) && !(this.isLog && y <= 0) && x >= this.xs[0] && x <= this.xs[1];
      if (isThere) path += `${isDown ? "L" : "M"}${this.toX(x).toFixed(1)} ${this.toY(y).toFixed(1)}`;
      isDown = isThere;
    });
    return path;
  }

  draw() {
    this.measure();
    this.svg.replaceChildren(...this.drawAxes());
    for (const curve of this.shown) {
      const add = (ys, kind) => this.svg.append(make("path", {
        class: `curve ${kind} ${curve.isHeld ? "held" : ""}`, stroke: curve.colour, d: this.pathOf(curve.x, ys) }));
      if (this.weight > 0) add(curve.y, "raw");
      add(smooth(curve.y, this.weight), "");
      if (curve.x.length === 1 && Number.isFinite(curve.y[0]))
        this.svg.append(make("circle", { cx: this.toX(curve.x[0]), cy: this.toY(curve.y[0]), r: 3, fill: curve.colour }));
    }
  }
}
