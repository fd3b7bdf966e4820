// The sections of the page, each made of the runs that have something for it.

const runs = JSON.parse(document.getElementById("data").textContent);
const COLOURS = ["#1f77b4", "#e4572e", "#2e9e5b", "#9b59b6", "#c99700", "#17a2b8", "#d6569b", "#7f7f7f"];
const HELD = "validation_";
const TEST = "test_";
const charts = [];
if (new Set(runs.map((run) => run.name)).size < runs.length) for (const run of runs) run.name = run.folder;
runs.forEach((run, i) => { run.colour = COLOURS[i % COLOURS.length]; run.isShown = true; });
const has = (part) => runs.filter((run) => run[part] && (!Array.isArray(run[part]) || run[part].length));
const main = document.getElementById("sections");

function addSection(id, title, ...children) {
  main.append(make("section", { id }, make("h2", null, title), children));
}
function chip(run) { return make("span", { class: "chip", style: `background:${run.colour}` }); }
function table(head, rows) {
  const as = (tag, cell) => cell instanceof Node && cell.tagName === tag.toUpperCase() ? cell : make(tag, null, cell);
  return make("table", null, make("tr", null, head.map((cell) => as("th", cell))),
              rows.map((row) => make("tr", null, row.map((cell) => as("td", cell)))));
}
const left = (tag, text) => make(tag, { class: "left" }, text);
// A panel for each run, named where there are several.
function panels(list, body) {
  return list.map((run) => make("div", { class: "panel", style: "margin-bottom:14px" },
    runs.length > 1 ? make("h3", null, chip(run), " ", run.name) : null, body(run)));
}

//-- Curves ------------------------------------------------------------------

const NO_CURVE = new Set(["epoch", "step", "seconds", "data_seconds"]);
const isRate = (name) => name === "learning_rate" || name.endsWith(".learning_rate");

function curvesOfEpochs(name) {
  const curves = [];
  for (const run of has("epochs"))
    for (const key of [name, HELD + name]) {
      const rows = run.epochs.filter((row) => key in row);
      if (rows.length)
        curves.push({ label: (runs.length > 1 ? run.name + " " : "") + key, colour: run.colour, isHeld: key !== name,
                      isShown: () => run.isShown, x: rows.map((row) => row.epoch),
                      y: rows.map((row) => row[key] ?? NaN) });
    }
  return curves;
}
// Training steps that take turns have a chart each.
function addChartsOfSteps() {
  const tables = has("steps").flatMap((run) => run.steps.filter((steps) => steps.columns?.step).map((steps) => ({ run, of: steps.of, columns: steps.columns })));
  const names = new Set(tables.flatMap((table) => Object.keys(table.columns).filter((name) => name !== "step").map((name) => JSON.stringify([name, table.of]))));
  for (const [name, of] of [...names].map(JSON.parse)) {
    const own = tables.filter((table) => table.of === of && name in table.columns);
    charts.push(new Chart(`${name}, step by step${of ? " of " + of : ""}`, own.map(({ run, columns }) => ({
      label: (runs.length > 1 ? run.name + " " : "") + name, colour: run.colour, isHeld: false,
      isShown: () => run.isShown, x: columns.step, y: columns[name].map((value) => value ?? NaN) })), "step"));
  }
}

function addCurves() {
  const names = new Set();
  for (const run of has("epochs"))
    for (const row of run.epochs)
      for (const key of Object.keys(row))
        if (!NO_CURVE.has(key) && !isRate(key)) names.add(key.startsWith(HELD) ? key.slice(HELD.length) : key);
  for (const name of names) charts.push(new Chart(name, curvesOfEpochs(name), "epoch"));
  addChartsOfSteps();
  if (!charts.length) return;
  const setAll = (change) => charts.forEach((chart) => { change(chart); chart.draw(); });
  const controls = make("div", { class: "controls" },
    make("label", null, make("input", { type: "checkbox", id: "log", onchange: (e) => setAll((c) => { c.isLog = e.target.checked; }) }), "logarithmic"),
    make("label", null, "smoothing", make("input", { type: "range", id: "smoothing", min: 0, max: 0.99, step: 0.01, value: 0,
      oninput: (e) => setAll((c) => { c.weight = Number(e.target.value); }) })),
    make("button", { type: "button", id: "whole", onclick: () => charts.forEach((chart) => chart.zoom(null)) }, "whole range"),
    make("span", null, "drag: zoom; double click: back; dashed: held-out samples"));
  addSection("curves", "Curves", controls, make("div", { class: "grid" }, charts.map((chart) => chart.element)));
}

//-- Runs and their settings -------------------------------------------------

// Objects within objects as "recipe.clip_norm".
function flatten(object, prefix = "") {
  const flat = {};
  for (const [name, value] of Object.entries(object || {})) {
    if (value && typeof value === "object" && !Array.isArray(value)) Object.assign(flat, flatten(value, prefix + name + "."));
    else flat[prefix + name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return flat;
}
function resultsOf(run) {
  const last = run.epochs[run.epochs.length - 1] || {};
  const results = { "epochs done": run.epochs.length, "seconds": run.epochs.reduce((sum, row) => sum + (row.seconds || 0), 0) };
  for (const [name, value] of Object.entries(last)) if (!NO_CURVE.has(name)) results[name] = value;
  for (const [name, value] of Object.entries(run.test || {})) if (name.startsWith(TEST)) results[name] = value;
  return results;
}
function addRuns() {
  const rowsOf = (parts) => {
    const names = [...new Set(parts.flatMap(Object.keys))];
    return names.map((name) => {
      const cells = parts.map((part) => numberText(part[name]));
      const differs = new Set(cells).size > 1;
      return [name, ...cells.map((cell) => make("td", { style: differs ? "font-weight:600" : "" }, cell))];
    });
  };
  const head = ["", ...runs.map((run) => make("span", null, chip(run), " ", run.name))];
  addSection("settings", runs.length > 1 ? "Runs" : "Run",
    make("div", { class: "panel scroll" }, table(head, [...rowsOf(runs.map(resultsOf)), ...rowsOf(runs.map((run) => flatten(run.run)))])),
    runs.length > 1 ? make("p", { class: "note" }, "What differs is in bold.") : null);
}

//-- Confusion ---------------------------------------------------------------

/* Each of several training steps has its own, behind its name and a dot. */
function matricesOf(test) {
  return Object.keys(test).filter((key) => /(^|\.)confusion$/.test(key) && Array.isArray(test[key])).map((key) => ({
    step: key.slice(0, -"confusion".length - 1), counts: test[key], classes: test[key.replace(/confusion$/, "classes")] }));
}
function matrixOf({ counts, classes }) {
  const names = counts.map((_, i) => classes?.[i] ?? String(i));
  const sums = counts.map((row) => row.reduce((a, b) => a + b, 0));
  return make("table", { class: "matrix" },
    make("tr", null, make("th", null, "label \\ predicted"), names.map((name) => make("th", null, name)), make("th", null, "recall")),
    counts.map((row, i) => make("tr", null, make("th", null, names[i]),
      row.map((count, j) => {
        const share = sums[i] ? count / sums[i] : 0;
        return make("td", { style: `background:rgba(var(--cell),${(share * 0.9).toFixed(3)})`,
          onmousemove: (event) => showTip(event, `${names[i]} taken for ${names[j]}: ${count} of ${sums[i]} (${(100 * share).toFixed(1)}%)`),
          onmouseleave: hideTip }, count || "");
      }), make("td", null, sums[i] ? (100 * row[i] / sums[i]).toFixed(1) + "%" : "–"))));
}
function addConfusion() {
  const list = runs.filter((run) => matricesOf(run.test ?? {}).length);
  if (list.length) addSection("confusion", "Test samples by class", panels(list, (run) => make("div", null, matricesOf(run.test).map((matrix) =>
    make("div", { class: "scroll" }, matrix.step ? make("p", { class: "note" }, matrix.step) : null, matrixOf(matrix))))));
}

//-- Samples and filters -----------------------------------------------------

function canvasOf(picture, name) {
  const { width, height, channels } = picture;
  const bytes = Uint8Array.from(atob(picture.data), (letter) => letter.charCodeAt(0));
  const canvas = make("canvas", { width, height, class: name });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; ++i)
    for (let c = 0; c < 4; ++c)
      image.data[4 * i + c] = c === 3 ? 255 : bytes[i * channels + (channels >= 3 ? c : 0)];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
function addSamples() {
  const list = has("mistakes");
  if (list.length) addSection("samples", "Samples that are most wrong", panels(list, (run) => make("div", { class: "samples" },
    run.mistakes.map((mistake) => make("div", { class: "sample" },
      mistake.inputs.map((input) => input.picture ? canvasOf(input.picture, "")
        : make("code", null, (input.values || []).slice(0, 8).map(numberText).join("\n"))),
      make("div", null, `${mistake.label_name ?? mistake.label} (${numberText(mistake.label_score)})`),
      make("div", { class: "wrong" }, `taken for ${mistake.predicted_name ?? mistake.predicted} (${numberText(mistake.score)})`),
      make("div", { class: "note" }, `sample ${mistake.sample}`))))));
  const sheets = has("filters");
  if (sheets.length) addSection("filters", "Filters of the first layer", panels(sheets, (run) => make("div", null,
    make("h3", null, run.filters.parameter), run.filters.pictures.filter(Boolean).map((picture) => canvasOf(picture, "filter")))));
}

//-- The model ---------------------------------------------------------------

function summaryOf(summary) {
  const rows = summary.layers.map((layer) => [
    layer.layer, left("td", layer.ops.join(", ")),
    left("td", layer.element_type + (layer.output.length ? `[${layer.output.map((size) => size < 0 ? "batch" : size).join(", ")}]` : "")),
    layer.parameters.trained + layer.parameters.frozen || "", layer.parameters.buffers || "",
    ...[layer.work.forward_flop, layer.work.step_flop].map((flop) => flop ? flopText(flop) : ""),
    layer.work.kept_bytes ? bytesText(layer.work.kept_bytes) : "", left("td", layer.source ?? "")]);
  rows.push(["optimizer", "", "", "", "", "", flopText(summary.optimizer.step_flop), "", ""]);
  const planned = (name) => summary[name] ? `${name}: ${bytesText(summary[name].peak_bytes)}, of it ${bytesText(summary[name].state_bytes)} of state. ` : "";
  return make("div", null,
    make("div", { class: "scroll" }, table(["layer", left("th", "op"), left("th", "output"), "parameters", "buffers", "forward", "step", "kept",
      left("th", "source")], rows)),
    make("p", { class: "note" }, `Batch ${summary.batch}. ${flopText(summary.work.forward_flop)} forward, ${flopText(summary.work.step_flop)} a training step. `
      + planned("training") + planned("inference")));
}
function addSummary() {
  const list = has("summary");
  if (list.length) addSection("summary", "Model", panels(list, (run) => summaryOf(run.summary)));
}

//-- Time and memory ---------------------------------------------------------

function timesOf(profile) {
  const lines = new Map();
  for (const command of profile.commands) {
    const parts = command.source.split(":");
    const place = parts.length >= 3 ? parts.slice(0, -1).join(":") : "";
    const line = lines.get(place) ?? { place, number: parts[parts.length - 2], seconds: 0, kernels: [] };
    line.seconds += command.seconds;
    if (command.seconds > 0) line.kernels.push(`${timeText(command.seconds)}  ${command.kernel}`);
    lines.set(place, line);
  }
  const sorted = [...lines.values()].filter((line) => line.seconds > 0).sort((a, b) => b.seconds - a.seconds);
  const total = sorted.reduce((sum, line) => sum + line.seconds, 0);
  const rows = sorted.map((line) => [
    line.place || "no line of the model", timeText(line.seconds), (100 * line.seconds / total).toFixed(1) + "%",
    make("td", { class: "left", style: "width:180px", onmousemove: (event) => showTip(event, line.kernels.slice(0, 30).join("\n")), onmouseleave: hideTip },
      make("span", { class: "bar", style: `width:${160 * line.seconds / sorted[0].seconds}px` })),
    left("td", make("code", null, (profile.lines?.[line.number] ?? "").trim()))]);
  return make("div", { class: "scroll" }, table(["line", "a step", "share", "", ""], rows),
    make("p", { class: "note" }, `Mean of ${profile.steps} steps, ${timeText(total)} each; forward, gradients and update of a line together.`));
}

// Which bytes of the working memory each command reads and writes: a value's
// place between two touches is lighter.
function memoryOf(profile) {
  const width = 1000, height = 300, count = profile.commands.length, total = profile.arena_bytes || 1;
  const svg = make("svg", { viewBox: `0 0 ${width} ${height + 18}`, class: "memory" });
  const last = new Map();
  const x = (command) => command / count * width, y = (offset) => height - offset / total * height;
  const rect = (from, to, offset, size, share, text) => make("rect", {
    x: x(from), width: Math.max(x(to) - x(from), 0.8), y: y(offset + size), height: Math.max(size / total * height, 0.6),
    fill: `rgba(var(--cell),${share})`, onmousemove: (event) => showTip(event, text), onmouseleave: hideTip });
  const spans = [], touches = [];
  profile.commands.forEach((command, i) => {
    if (command.entry !== profile.commands[i - 1]?.entry) last.clear();
    for (const [offset, size] of command.places) {
      const key = offset + ":" + size, before = last.get(key);
      const text = `${command.kernel}\n${command.source}\n${bytesText(size)} at ${bytesText(offset)}`;
      if (before !== undefined && i > before + 1) spans.push(rect(before + 1, i, offset, size, 0.22, text));
      touches.push(rect(i, i + 1, offset, size, 0.85, text));
      last.set(key, i);
    }
  });
  svg.append(make("rect", { x: 0, y: 0, width, height, fill: "none", class: "axis" }), ...spans, ...touches,
    make("text", { x: 0, y: height + 14 }, `command 0 to ${count - 1} of a step`),
    make("text", { x: width, y: height + 14, "text-anchor": "end" }, bytesText(total)));
  return make("div", null, svg);
}
function addProfile() {
  const list = has("profile");
  if (!list.length) return;
  addSection("time", "Time by line", panels(list, (run) => timesOf(run.profile)));
  addSection("memory", "Working memory over a step", panels(list, (run) => memoryOf(run.profile)),
    make("p", { class: "note" }, "From left to right the commands, from below the addresses: dark where a command reads or writes, light where a place is used again later."));
}

//-- The page ----------------------------------------------------------------

function setTheme(name) { document.documentElement.dataset.theme = name; }
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.getElementById("theme").addEventListener("click", () =>
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

const title = runs.length === 1 ? runs[0].run?.name ?? runs[0].name : `${runs.length} runs`;
document.title = `${title} – nnc report`;
document.getElementById("title").textContent = title;
if (runs.length > 1)
  document.getElementById("runs").append(...runs.map((run) => make("label", null,
    make("input", { type: "checkbox", checked: true, onchange: (event) => { run.isShown = event.target.checked; charts.forEach((chart) => chart.draw()); } }),
    chip(run), run.name)));
// A file of another program may have any form: what cannot be shown is said, and the rest is shown.
for (const [name, add] of Object.entries({ curves: addCurves, settings: addRuns, confusion: addConfusion, samples: addSamples,
                                            model: addSummary, profile: addProfile }))
  try { add(); } catch (error) { main.append(make("p", { class: "note" }, `The ${name} cannot be shown: ${error.message}`)); }
