// The page of a session: what it shows of `contents`, how it moves in time, and what keys, pointers and choices do.
// Texts become text nodes, never HTML. It stands behind `chart.js`, which begins strict mode for both.

const contents = JSON.parse(document.getElementById("contents").textContent);
const byId = (id) => document.getElementById(id);
const state = { ensemble: contents.first, index: 0, hidden: new Set(), points: false, bound: false, heldOut: false, speed: 10, timer: 0 };
let charts = [];
let boxes = [];

function make(name, attributes = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

const shown = () => contents.ensembles[state.ensemble];
const epochNow = () => shown().epochs[state.index];
const isShown = (layer) => !state.hidden.has(layer);

/** The last snapshot that is not after an epoch; the first where there is none before. */
function indexOf(epoch) {
  const after = shown().epochs.findIndex((one) => one > epoch);
  return after === -1 ? shown().epochs.length - 1 : Math.max(after - 1, 0);
}

function say(text) {
  byId("said").textContent = text;
}

// tables

function tableOf(title, columns, rows) {
  const head = make("tr", {}, ...columns.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map(([first, ...rest]) =>
    make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((text) => make("td", {}, text))),
  );
  const table = make("table", {}, make("caption", {}, title), make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table);
}

function cell(column, point, row) {
  const value = column.mean[point][row];
  if (value === null) return "–";
  const spread = column.sd?.[point][row] ?? null;
  const some = column.n && column.n[point][row] < shown().networks ? ` (n ${column.n[point][row]})` : "";
  return written(value, column.form) + (spread === null ? "" : ` ± ${written(spread, column.form)}`) + some;
}

const heading = (column) => (column.sd ? `${column.name} ± sd` : column.name);
const rowsOf = (readings, ofLayers) => readings.names.map((_, row) => row).filter((row) => !ofLayers || isShown(row));

/** All epochs of a chart: a row each, and columns for what is read of each layer or curve. */
function wholeTable(spec) {
  const { readings } = spec;
  const rows = rowsOf(readings, spec.ofLayers);
  const pairs = rows.flatMap((row) => readings.columns.map((column) => ({ row, column })));
  const columns = ["epoch", ...pairs.map(({ row, column }) => `${readings.names[row]} ${heading(column)}`)];
  const lines = readings.epochs.map((epoch, point) => [
    String(epoch),
    ...pairs.map(({ row, column }) => cell(column, point, row)),
  ]);
  return tableOf(spec.title, columns, lines);
}

/** The layers at the epoch shown, and what is to be known of these numbers. */
function showLayers() {
  const readings = shown().table;
  const rows = rowsOf(readings, true);
  const lines = rows.map((row) => [readings.names[row], ...readings.columns.map((one) => cell(one, state.index, row))]);
  const place = byId("now-table");
  const left = place.firstChild?.scrollLeft ?? 0;
  const table = tableOf(`Layers at epoch ${epochNow()}`, ["layer", ...readings.columns.map(heading)], lines);
  const caveats = shown().caveatsAt[state.index].map((k) => make("li", {}, shown().caveats[k]));
  place.replaceChildren(table, make("ul", { id: "caveats" }, ...caveats));
  place.firstChild.scrollLeft = left;
  place.style.minHeight = `${place.offsetHeight}px`; // what is below does not jump when there is less to be known
}

// charts, and what is read in them

function figure(spec, kind, ...further) {
  const host = make("div", { class: "chart" });
  const found = make("figure", {}, make("h2", {}, spec.title), host);
  const legend = spec.series.filter((one) => one.layer === null && one.label);
  if (legend.length) found.append(make("ul", { class: "legend" }, ...legend.map(legendOf)));
  found.append(...further, make("figcaption", {}, spec.caption));
  byId("charts").append(found);
  const chart = new kind(host, spec, {
    epochs: shown().epochs,
    marks: shown().marks,
    networks: shown().networks,
    seed: shown().seed,
    shown: isShown,
    points: state.points,
    bound: state.bound,
  });
  charts.push(chart);
  if (spec.readings) {
    found.append(asTable(spec));
    readable(chart, host);
  }
  return found;
}

function legendOf(series) {
  const swatch = coloured(drawn("svg", { width: 26, height: 10, "aria-hidden": "true" }), series.colour);
  const line = { class: `line ${series.kind}`, d: "M1 5H25" };
  swatch.append(series.kind === "points" ? drawn("circle", { class: "dot", cx: 13, cy: 5, r: 2.5 }) : drawn("path", line));
  return make("li", {}, swatch, series.label);
}

function asTable(spec) {
  const details = make("details", {}, make("summary", {}, "As a table"));
  details.addEventListener("toggle", () => {
    while (details.childNodes.length > 1) details.lastChild.remove();
    if (details.open) details.append(wholeTable(spec));
  });
  return details;
}

/** Let a chart be read by pointer and keys: a cross-hair, and a box with every layer there. */
function readable(chart, host) {
  const { spec } = chart;
  const box = make("div", { class: "box", hidden: "" });
  host.append(box);
  boxes.push(box);
  host.tabIndex = 0;
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", `${spec.title}. Arrow keys read its values.`);
  let at = null;

  function read(place, aloud) {
    at = place;
    for (const one of charts) one.read(at && (one === chart || (!spec.paths && !one.spec.paths)) ? at : null);
    for (const one of boxes) one.hidden = one !== box || !at;
    if (!at) return;
    const { readings } = chart;
    const columns = readings.columns.map((one) => make("th", {}, heading(one)));
    const rows = rowsOf(readings, spec.ofLayers).map((row) => {
      const cells = readings.columns.map((one) => make("td", {}, cell(one, at.point, row)));
      return make("tr", row === at.row ? { class: "here" } : {}, ...cells, make("th", {}, readings.names[row]));
    });
    box.replaceChildren(make("p", {}, chart.titleOf(at.point)), make("table", {}, make("tr", {}, ...columns, make("th")), ...rows));
    const place0 = chart.places(at.point).find((one) => one.row === at.row)?.place ?? [0, 0];
    box.classList.toggle("right", place0[0] < chart.area.width / 2);
    box.classList.toggle("low", place0[1] < chart.area.height / 2);
    if (aloud && at.row !== null) {
      const told = readings.columns.map((one) => `${one.name} ${cell(one, at.point, at.row)}`);
      say(`${readings.names[at.row]}, ${chart.titleOf(at.point)}: ${told.join(", ")}`);
    }
  }

  function under(event) {
    const edge = chart.svg.getBoundingClientRect();
    return chart.nearest(event.clientX - edge.left, event.clientY - edge.top);
  }

  const go = (place) => place && moveTo(indexOf(chart.readings.epochs[place.point]));
  let held = false;
  host.addEventListener("pointermove", (event) => {
    const place = under(event);
    if (held && !spec.paths) go(place);
    read(place, false);
  });
  host.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = true;
    pause();
    const place = under(event);
    if (!spec.paths) go(place);
    read(place, false);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    host.addEventListener(name, (event) => {
      held = false;
      if (name === "pointerleave" && event.pointerType === "mouse") read(null, false);
    });
  }
  host.addEventListener("blur", () => read(null, false));
  host.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (steps) {
      read(stepped(chart, at, steps), true);
    } else if (event.key === "Enter" && at) {
      go(at);
    } else if (event.key === "Escape" && at) {
      read(null, false);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** The point before or after, or the next row above or below, of what is read; the epoch shown where nothing is. */
function stepped(chart, at, [across, down]) {
  const { readings } = chart;
  const there = (point) => chart.places(point).toSorted((one, other) => one.place[1] - other.place[1]);
  const last = chart.spec.paths && !chart.singles ? state.index : readings.epochs.length - 1;
  if (!at) {
    for (let point = chart.singles ? 0 : Math.min(state.index, last); point <= last; point++) {
      if (there(point).length) return { point, row: there(point)[0].row };
    }
    return null;
  }
  if (across) {
    for (let point = at.point + across; point >= 0 && point <= last; point += across) {
      if (there(point).length) {
        return { point, row: there(point).some((one) => one.row === at.row) ? at.row : there(point)[0].row };
      }
    }
    return at;
  }
  const rows = there(at.point).map((one) => one.row);
  const next = rows[Math.min(Math.max(rows.indexOf(at.row) + down, 0), rows.length - 1)];
  return { point: at.point, row: next ?? at.row };
}

function showCharts() {
  for (const chart of charts) chart.close();
  charts = [];
  boxes = [];
  byId("charts").replaceChildren();
  const one = shown();
  const of = state.heldOut && one.heldOut ? one.heldOut : one.plane;
  const singles = state.points && of.points !== null;
  const caption = singles ? of.captionOfPoints : of.caption;
  const plane = { ...of, id: "plane", ofLayers: true, curve: of === one.plane ? one.bound.curve : null, caption };
  const bar = make("div", { class: "bar", "aria-hidden": "true" }, make("span", {}, "epoch"));
  const shades = make("div", { class: "shades" });
  for (let k = 0; k < contents.steps; k++) shades.append(coloured(make("i"), `shade-${k}`));
  for (const [place, text] of plane.bar) {
    const stop = make("b", {}, text);
    stop.style.left = `${100 * place}%`;
    shades.append(stop);
  }
  bar.append(shades);
  const choices = [];
  if (plane.points) choices.push(choice("points", "Every network", state.points));
  if (plane.curve) choices.push(choice("bound", "IB curve", state.bound));
  if (one.heldOut) choices.push(choice("heldOut", "Rows held out", state.heldOut));
  bar.hidden = singles || !plane.bar.length;
  if (plane.none) absent(plane.title, plane.none);
  else figure(plane, Plane, bar, make("div", { class: "ticks" }, ...choices)).classList.add("wide");
  byId("charts").append(make("div", { id: "now-table", class: "figure" }));
  for (const panel of ["gradients", "snr", "learning"]) {
    if (one.charts[panel]) figure({ ...one.charts[panel], id: panel, ofLayers: panel !== "learning" }, Curves);
    else absent(panel === "snr" ? "Gradient SNR" : panel === "gradients" ? "Gradients" : "Learning", one.absent[panel]);
  }
  if (one.bound.chart) {
    const notes = one.bound.notes.map((text) => make("p", { class: "note" }, text));
    const found = figure({ ...one.bound.chart, id: "bound" }, Bound);
    found.append(make("div", { class: "beside" }, table(one.bound.table), ...notes));
    found.classList.add("both");
  } else absent("Layers and the IB curve", one.bound.none);
  for (const chart of charts) {
    chart.index = state.index;
    chart.draw();
  }
}

const table = (plain) => tableOf(plain.title, plain.columns, plain.rows);

function absent(title, why) {
  byId("charts").append(make("div", { class: "figure" }, make("h2", {}, title), make("p", {}, why)));
}

function choice(name, text, on) {
  const input = make("input", { type: "checkbox", id: `choice-${name}` });
  input.checked = on;
  input.addEventListener("change", () => choose(name));
  return make("label", {}, input, ` ${text}`);
}

function choose(name) {
  state[name] = !state[name];
  showCharts();
  showMoment(false);
  byId(`choice-${name}`)?.focus();
}

// what is of an ensemble

function showEnsemble() {
  const one = shown();
  byId("epoch").max = one.epochs.length - 1;
  byId("drift").disabled = one.driftEnd === null;
  byId("boxes").replaceChildren(...one.layers.map(layerBox));
  const strip = byId("strip");
  const ends = one.driftEnd === null ? null : indexOf(one.driftEnd) / Math.max(one.epochs.length - 1, 1);
  strip.hidden = ends === null;
  if (ends !== null) {
    const [drift, diffusion] = [make("span", { class: "drift" }, "drift"), make("span", {}, "diffusion")];
    drift.style.width = `${100 * ends}%`;
    strip.replaceChildren(drift, diffusion);
  }
  byId("phases").lastElementChild.replaceChildren(
    ...one.phases.tables.map(table),
    ...one.phases.sentences.map((text) => make("p", {}, text)),
    ...one.phases.notes.map((text) => make("p", { class: "note" }, text)),
  );
  const facts = make("dl");
  for (const [name, text] of one.about) facts.append(make("dt", {}, name), make("dd", {}, text));
  byId("about").lastElementChild.replaceChildren(make("p", {}, one.basis), facts);
}

function layerBox(name, layer) {
  const input = make("input", { type: "checkbox" });
  input.checked = isShown(layer);
  input.addEventListener("change", () => toggleLayer(layer));
  const swatch = coloured(make("i", { class: "swatch" }), `layer-${layer % 8}`);
  return make("label", {}, input, swatch, name);
}

function toggleLayer(layer) {
  if (layer >= shown().layers.length) return;
  if (!state.hidden.delete(layer)) state.hidden.add(layer);
  layersChanged();
}

function hide(layers) {
  state.hidden = new Set(layers);
  layersChanged();
}

function layersChanged() {
  [...byId("boxes").children].forEach((label, layer) => (label.firstChild.checked = isShown(layer)));
  for (const chart of charts) chart.draw();
  for (const details of document.querySelectorAll("#charts details[open]")) details.dispatchEvent(new Event("toggle"));
  showLayers();
}

function toEnsemble(index) {
  const epoch = epochNow();
  state.ensemble = (index + contents.ensembles.length) % contents.ensembles.length;
  state.index = indexOf(epoch);
  byId("ensemble").value = state.ensemble;
  showEnsemble();
  showCharts();
  showMoment(true);
}

// the moment

function showMoment(aloud) {
  const one = shown();
  const epoch = epochNow();
  byId("epoch").value = state.index;
  byId("epoch").setAttribute("aria-valuetext", `epoch ${epoch}, snapshot ${state.index + 1} of ${one.epochs.length}`);
  byId("now").textContent = `epoch ${epoch}`;
  byId("commentary").textContent = one.commentary[state.index];
  for (const chart of charts) chart.moveTo(state.index);
  showLayers();
  if (aloud) say(one.commentary[state.index]);
}

function moveTo(index, aloud = true) {
  const next = Math.min(Math.max(index, 0), shown().epochs.length - 1);
  if (next === state.index) return;
  state.index = next;
  showMoment(aloud);
}

function pause() {
  if (!state.timer) return;
  clearInterval(state.timer);
  state.timer = 0;
  byId("play").textContent = "Play";
  say(shown().commentary[state.index]);
}

function play() {
  if (state.index === shown().epochs.length - 1) moveTo(0, false);
  byId("play").textContent = "Pause";
  state.timer = setInterval(() => {
    moveTo(state.index + 1, false);
    if (state.index === shown().epochs.length - 1) pause();
  }, 1000 / state.speed);
}

const playOrPause = () => (state.timer ? pause() : play());

function stepTo(index) {
  pause();
  moveTo(index);
}

function faster(steps) {
  const place = contents.speeds.indexOf(state.speed) + steps;
  toSpeed(contents.speeds[Math.min(Math.max(place, 0), contents.speeds.length - 1)]);
}

function toSpeed(speed) {
  state.speed = speed;
  byId("speed").value = speed;
  if (state.timer) {
    clearInterval(state.timer);
    play();
  }
}

/** To the snapshot nearest to the end of drift. */
function toDriftEnd() {
  const { driftEnd, epochs } = shown();
  if (driftEnd === null) return;
  const away = (k) => Math.abs(epochs[k] - driftEnd);
  const before = indexOf(driftEnd);
  stepTo(before + 1 < epochs.length && away(before + 1) < away(before) ? before + 1 : before);
}

function toTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  byId("theme").value = theme;
}

function otherTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  toTheme((document.documentElement.dataset.theme ?? system) === "dark" ? "light" : "dark");
}

// keys

const KEYS = [
  [" ", "space", "Play and pause", playOrPause],
  [",", ",", "One snapshot back", () => stepTo(state.index - 1)],
  [".", ".", "One snapshot forward", () => stepTo(state.index + 1)],
  ["Home", "home", "First epoch", () => stepTo(0)],
  ["End", "end", "Last epoch", () => stepTo(shown().epochs.length - 1)],
  ["t", "t", "To where drift ends", toDriftEnd],
  ["<", "<", "Slower", () => faster(-1)],
  [">", ">", "Faster", () => faster(1)],
  ["[", "[", "Ensemble before", () => toEnsemble(state.ensemble - 1)],
  ["]", "]", "Next ensemble", () => toEnsemble(state.ensemble + 1)],
  ["p", "p", "Every network's points, or the mean's path", () => shown().plane.points && choose("points")],
  ["b", "b", "The IB curve in the plane", () => shown().bound.curve && choose("bound")],
  ["H", "H", "The plane of the rows held out, or of those that train", () => shown().heldOut && choose("heldOut")],
  ["d", "d", "Dark or light", otherTheme],
];

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || !byId("listen").checked) return;
  const { target } = event;
  if (target.matches("select, textarea, input:not([type=checkbox], [type=range])")) return;
  if (event.key === " " && target.matches("button, summary, input[type=checkbox]")) return;
  if (["Home", "End"].includes(event.key) && target.matches("[type=range]")) return;
  const found = KEYS.find(([key]) => key === event.key);
  if (found) found[3]();
  else if (/^[1-9]$/.test(event.key)) toggleLayer(Number(event.key) - 1);
  else return;
  event.preventDefault();
}

function begin() {
  byId("state").textContent = contents.state;
  byId("ensemble").append(...contents.ensembles.map((one, k) => make("option", { value: k }, one.title)));
  byId("ensemble").value = state.ensemble;
  byId("ensemble").parentElement.hidden = contents.ensembles.length < 2;
  byId("speed").append(...contents.speeds.map((one) => make("option", { value: one }, `${one}/s`)));
  byId("speed").value = state.speed;
  state.index = shown().epochs.length - 1;
  const click = (id, action) => byId(id).addEventListener("click", action);
  click("play", playOrPause);
  click("first", () => stepTo(0));
  click("back", () => stepTo(state.index - 1));
  click("forward", () => stepTo(state.index + 1));
  click("last", () => stepTo(shown().epochs.length - 1));
  click("drift", toDriftEnd);
  click("all", () => hide([]));
  click("none", () => hide(shown().layers.keys()));
  byId("epoch").addEventListener("input", () => stepTo(Number(byId("epoch").value)));
  byId("speed").addEventListener("change", () => toSpeed(Number(byId("speed").value)));
  byId("ensemble").addEventListener("change", () => toEnsemble(Number(byId("ensemble").value)));
  byId("theme").addEventListener("change", () => toTheme(byId("theme").value));
  document.addEventListener("keydown", pressed);
  const rows = [...KEYS.map((one) => one.slice(1, 3)), ["1 to 9", "Show or hide that layer"]];
  const body = document.querySelector("#keys tbody");
  body.append(...rows.map(([key, does]) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, does))));
  showEnsemble();
  showCharts();
  showMoment(false);
}

begin();
