"use strict";
// Charts as SVG: axes, lines, marks and paths from the plain values that `ibtui.web.contents` makes.
// A chart is drawn whole when its width, its ensemble or its layers change; moving in time changes little of it.

const SVG = "http://www.w3.org/2000/svg";
const LETTER = 6.6; // pixels of a character of the charts' letters, on average
const APART = 12; // pixels between two labels, and between two dots that share one

function drawn(name, attributes = {}, text = "") {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  if (text) found.textContent = text;
  return found;
}

function coloured(found, colour) {
  found.style.setProperty("--c", `var(--${colour})`);
  return found;
}

/** A number as Python's format does it: ".3f" or ".3g"; a dash where there is none. */
function written(value, form) {
  if (value === null || value === undefined) return "–";
  const digits = Number(form.slice(1, -1));
  if (form.endsWith("f")) return value.toFixed(digits);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 10 ** Math.max(digits, 7))) {
    return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
  }
  return String(Number(value.toPrecision(digits)));
}

/** Where a value lies between the ends of an axis, 0 to 1; null where it has no place. */
function unit(axis, value) {
  if (value === null || value === undefined || (axis.log && value <= 0)) return null;
  if (!axis.log) return (value - axis.low) / (axis.high - axis.low);
  return Math.log(value / axis.low) / Math.log(axis.high / axis.low);
}

/** The area of a chart in pixels, and where values are in it. */
class Area {
  constructor(spec, width, height, right) {
    Object.assign(this, { spec, width, height, left: 62, right: width - right, top: 14, bottom: height - 40 });
  }

  x(value) {
    const place = unit(this.spec.x, value);
    return place === null ? null : this.left + place * (this.right - this.left);
  }

  y(value) {
    const place = unit(this.spec.y, value);
    return place === null ? null : this.bottom - place * (this.bottom - this.top);
  }

  at(x, y) {
    const place = [this.x(x), this.y(y)];
    return place.includes(null) ? null : place;
  }
}

/** The path through points, with gaps where there are none. */
function pathThrough(points) {
  let path = "";
  let joined = false;
  for (const point of points) {
    if (point) path += `${joined ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    joined = Boolean(point);
  }
  return path;
}

/** Labels moved apart from top to bottom, so that none covers another. */
function spreadOut(labels, low, high) {
  labels.sort((one, other) => one.y - other.y);
  let before = low - APART;
  for (const label of labels) before = label.y = Math.max(label.y, before + APART);
  let after = high + APART;
  for (const label of labels.toReversed()) after = label.y = Math.min(label.y, after - APART);
}

/** Numbers that follow one another as a range, other names with commas between. */
function together(names) {
  const parts = [];
  for (const name of names) {
    const last = parts.at(-1);
    if (last && /^\d+$/.test(name) && Number(name) === last.to + 1) last.to += 1;
    else parts.push({ name, from: name, to: /^\d+$/.test(name) ? Number(name) : NaN });
  }
  return parts.map((one) => (one.to > Number(one.from) ? `${one.from}–${one.to}` : one.name)).join(", ");
}

/** One chart in a place of the page. `look`: the chosen layers and what else a viewer chooses. */
class Chart {
  constructor(host, spec, look) {
    this.host = host;
    this.spec = spec;
    this.look = look;
    this.index = 0;
    this.drawnWidth = 0;
    this.watch = new ResizeObserver(() => this.fit());
    this.watch.observe(host);
  }

  close() {
    this.watch.disconnect();
    this.host.replaceChildren();
  }

  get epochs() {
    return this.look.epochs;
  }

  /** What can be read of it: the points that the arrow keys go through, and the numbers of every row there. */
  get readings() {
    return this.spec.readings;
  }

  /** What a reading is of. */
  titleOf(point) {
    const { networks } = this.look;
    return `epoch ${this.readings.epochs[point]}, ${networks} network${networks > 1 ? "s" : ""}`;
  }

  fit() {
    if (this.host.clientWidth && this.host.clientWidth !== this.drawnWidth) this.draw();
  }

  shows(layer) {
    return layer === null || layer === undefined || this.look.shown(layer);
  }

  draw() {
    const width = this.host.clientWidth || 600;
    const height = Math.round(Math.min(Math.max(width * this.ratio, 260), 520));
    this.drawnWidth = width;
    this.area = new Area(this.spec, width, height, this.margin);
    this.svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
    this.svg.setAttribute("aria-label", this.told());
    const clip = `clip-${this.spec.id}`;
    const { left, right, top, bottom } = this.area;
    const inside = drawn("clipPath", { id: clip });
    inside.append(drawn("rect", { x: left - 1, y: top - 6, width: right - left + 7, height: bottom - top + 7 }));
    this.svg.append(inside);
    this.drawFrame();
    this.plot = drawn("g", { "clip-path": `url(#${clip})` });
    this.over = drawn("g");
    this.hair = drawn("g", { class: "hair" });
    this.svg.append(this.plot, this.over, this.hair);
    this.drawData();
    this.host.querySelector("svg")?.remove();
    this.host.prepend(this.svg);
    this.moveTo(this.index);
  }

  drawFrame() {
    const { spec, left, right, top, bottom, width, height } = this.area;
    this.svg.append(drawn("path", { class: "frame", d: `M${left} ${top}V${bottom}H${right}` }));
    let end = -Infinity;
    for (const [value, label] of spec.x.ticks) {
      const x = this.area.x(value);
      const half = (label.length * LETTER) / 2;
      if (x === null || x - half < end + 6) continue;
      end = x + half;
      this.svg.append(drawn("path", { class: "frame", d: `M${x} ${bottom}v4` }));
      this.svg.append(drawn("text", { x, y: bottom + 17, "text-anchor": "middle" }, label));
    }
    for (const [value, label] of spec.y.ticks) {
      const y = this.area.y(value);
      this.svg.append(drawn("path", { class: "frame", d: `M${left} ${y}h-4` }));
      this.svg.append(drawn("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, label));
    }
    this.svg.append(drawn("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, spec.x.label));
    const turn = `translate(11 ${(top + bottom) / 2}) rotate(-90)`;
    this.svg.append(drawn("text", { transform: turn, "text-anchor": "middle" }, spec.y.label));
    let line = bottom - 6;
    for (const [axis, value, label] of spec.guides) {
      const at = axis === "x" ? this.area.x(value) : this.area.y(value);
      if (at === null || at < 0 || at > Math.max(width, height)) continue;
      const across = axis === "x" ? `M${at} ${bottom}V${top}` : `M${left} ${at}H${right}`;
      this.svg.append(drawn("path", { class: "guide", d: across }));
      const after = at + 5 + label.length * LETTER < right;
      const upright = { x: after ? at + 5 : at - 5, y: line, "text-anchor": after ? "start" : "end" };
      const flat = { x: left + 5, y: at - 4, "text-anchor": "start" };
      this.svg.append(drawn("text", { class: "told", ...(axis === "x" ? upright : flat) }, label));
      if (axis === "x") line -= 14;
    }
  }

  drawSeries() {
    const epochs = this.spec.readings?.epochs ?? this.epochs;
    const ends = [];
    for (const band of this.spec.bands) {
      const edge = (values) => band.x.map((x, k) => this.area.at(x, values[k])).filter(Boolean);
      const around = [...edge(band.low), ...edge(band.high).toReversed()];
      if (around.length) {
        this.plot.append(coloured(drawn("path", { class: "band", d: `${pathThrough(around)}Z` }), band.colour));
      }
    }
    for (const series of this.spec.series) {
      if (!this.shows(series.layer)) continue;
      const points = series.y.map((y, k) => this.area.at((series.x ?? epochs)[k], y));
      const group = coloured(drawn("g"), series.colour);
      if (series.kind === "points") {
        for (const point of points) {
          if (point) group.append(drawn("circle", { class: "dot", cx: point[0], cy: point[1], r: 2.5 }));
        }
      } else {
        group.append(drawn("path", { class: `line ${series.kind}`, d: pathThrough(points) }));
      }
      this.plot.append(group);
      const last = points.findLast(Boolean);
      if (last && series.layer !== null && series.label) {
        ends.push({ x: last[0], y: last[1], text: this.look.marks[series.layer], colour: series.colour });
      }
    }
    spreadOut(ends, this.area.top, this.area.bottom);
    for (const one of ends) {
      this.over.append(coloured(drawn("text", { class: "end", x: one.x + 8, y: one.y + 4 }, one.text), one.colour));
    }
    const marks = this.spec.marks
      .map((mark) => ({ ...mark, at: this.shows(mark.layer) && this.area.at(mark.x, mark.y) }))
      .filter((mark) => mark.at);
    for (const mark of marks) this.over.append(this.dot(mark.at, mark.colour, mark.end ? "end" : "mark"));
    this.over.append(...this.labels(marks));
  }

  /** A diamond where drift ends, else a disc. */
  dot([x, y], colour, kind) {
    const shape =
      kind === "end"
        ? drawn("path", { class: "dot", d: `M${x} ${y - 5}l5 5l-5 5l-5-5z` })
        : drawn("circle", { class: kind === "head" ? "head" : "dot", cx: x, cy: y, r: kind === "head" ? 5.5 : 4 });
    return coloured(shape, colour);
  }

  /** Texts beside dots: one for dots that touch, each where it covers no other dot and no other text, if it can be. */
  labels(dots) {
    const groups = [];
    for (const { at, text } of dots.filter((one) => one.text)) {
      const near = groups.find((one) => one.dots.some((dot) => Math.hypot(dot[0] - at[0], dot[1] - at[1]) < APART));
      if (near) [near.texts, near.dots] = [[...near.texts, text], [...near.dots, at]];
      else groups.push({ texts: [text], dots: [at] });
    }
    const taken = dots.map(({ at: [x, y] }) => [x - 6, y - 6, x + 6, y + 6]);
    return groups.map(({ texts, dots: of }) => {
      const text = together(texts);
      const size = text.length * LETTER;
      const [left, right] = [Math.min(...of.map((dot) => dot[0])), Math.max(...of.map((dot) => dot[0]))];
      const [high, low] = [Math.min(...of.map((dot) => dot[1])), Math.max(...of.map((dot) => dot[1]))];
      const middle = (left + right - size) / 2;
      const places = [
        [middle, high - 10],
        [right + 9, high + 4],
        [middle, low + 19],
        [left - 9 - size, high + 4],
        [right + 6, low + 19],
        [left - 6 - size, low + 19],
      ].map(([x, y]) => [x - 3, y - 10, x + size + 3, y + 2]);
      const cost = ([x0, y0, x1, y1]) =>
        taken.filter((one) => x0 < one[2] && x1 > one[0] && y0 < one[3] && y1 > one[1]).length +
        (x0 < this.area.left || x1 > this.area.width || y0 < 0 ? 9 : 0);
      const best = places.reduce((one, other) => (cost(other) < cost(one) ? other : one));
      taken.push(best);
      return drawn("text", { class: "end", x: best[0] + 3, y: best[3] - 2 }, text);
    });
  }
}

/** A chart over epochs: lines, the epoch that is shown, and a cross-hair. */
class Curves extends Chart {
  ratio = 0.52;
  margin = 50;

  told() {
    return `${this.spec.title}: ${this.spec.y.label} over epochs. ${this.spec.caption}`;
  }

  drawData() {
    this.drawSeries();
    this.head = drawn("path", { class: "playhead" });
    this.over.append(this.head);
  }

  moveTo(index) {
    this.index = index;
    if (!this.svg) return;
    const x = this.area.x(Math.max(this.epochs[index], this.spec.x.low));
    this.head.setAttribute("d", `M${x} ${this.area.bottom}V${this.area.top - 4}`);
  }

  /** The point and the row nearest to a place in pixels. */
  nearest(x, y) {
    const { readings } = this.spec;
    const away = (point) => Math.abs((this.area.x(readings.epochs[point]) ?? -1e3) - x);
    const point = readings.epochs.reduce((best, _, k) => (away(k) < away(best) ? k : best), 0);
    let row = null;
    let least = Infinity;
    for (const at of this.places(point)) {
      if (Math.abs(at.place[1] - y) < least) [row, least] = [at.row, Math.abs(at.place[1] - y)];
    }
    return { point, row };
  }

  /** The rows that have a place at a point. */
  places(point) {
    const { readings } = this.spec;
    return readings.names
      .map((_, row) => ({
        row,
        place: this.area.at(readings.epochs[point], readings.columns[0].mean[point][row]),
      }))
      .filter((one) => one.place && this.shows(this.spec.ofLayers ? one.row : null));
  }

  read(at) {
    this.hair.replaceChildren();
    if (!at) return;
    const x = this.area.x(this.spec.readings.epochs[at.point]);
    if (x === null) return;
    this.hair.append(drawn("path", { d: `M${x} ${this.area.bottom}V${this.area.top}` }));
    for (const { row, place } of this.places(at.point)) {
      this.hair.append(drawn("circle", { cx: place[0], cy: place[1], r: row === at.row ? 5 : 3 }));
    }
  }
}

/** The information plane: paths in shades of the epoch, or every network's layers at one epoch. */
class Plane extends Chart {
  ratio = 0.72;
  margin = 22;

  told() {
    return `${this.spec.title}: each layer's I(T;Y) over its I(X;T), at the epoch shown. ${this.spec.caption}`;
  }

  drawData() {
    const { look, spec } = this;
    if (look.bound && spec.curve) {
      const points = spec.curve[0].map((x, k) => this.area.at(x, spec.curve[1][k]));
      const flat = this.area.at(spec.guides[0][1], spec.curve[1].at(-1));
      this.plot.append(coloured(drawn("path", { class: "line", d: pathThrough([...points, flat]) }), "muted"));
    }
    this.points = spec.paths.map((path) => path.x.map((x, k) => this.area.at(x, path.y[k])));
    this.strokes = this.points.map((points, layer) => this.strokesOf(points, layer));
    this.moving = drawn("g");
    this.over.append(this.moving);
  }

  /** A stroke for each shade of a layer's path: the snapshots that it goes through, and the last one it comes from. */
  strokesOf(points, layer) {
    const strokes = [];
    this.spec.levels.forEach((level, k) => {
      if (strokes.at(-1)?.level === level) strokes.at(-1).last = k;
      else strokes.push({ level, first: k, last: k, until: -1 });
    });
    for (const stroke of strokes) {
      stroke.path = coloured(drawn("path", { class: "line thick" }), `shade-${stroke.level}`);
      if (this.shows(layer) && !this.singles) this.plot.append(stroke.path);
    }
    return strokes;
  }

  get singles() {
    return this.look.points && this.spec.points !== null;
  }

  get readings() {
    if (!this.singles) return this.spec.readings;
    const columns = [this.spec.x.label, this.spec.y.label].map((name, k) => ({
      name,
      form: ".3f",
      mean: this.spec.points[k][this.index],
    }));
    return { names: this.spec.readings.names, epochs: columns[0].mean.map(() => this.epochs[this.index]), columns };
  }

  titleOf(point) {
    if (!this.singles) return super.titleOf(point);
    return `epoch ${this.epochs[this.index]}, seed ${this.look.seed + point}`;
  }

  /** The points that are there: of the layers along their paths, or of every network at the epoch shown. */
  get there() {
    if (!this.singles) return this.points.map((points) => points.slice(0, this.index + 1));
    const [across, up] = this.spec.points.map((values) => values[this.index]);
    return this.points.map((_, layer) => across.map((of, k) => this.area.at(of[layer], up[k][layer])));
  }

  moveTo(index) {
    this.index = index;
    if (!this.svg) return;
    this.moving.replaceChildren();
    this.hair.replaceChildren();
    if (this.singles) this.drawNetworks();
    else this.drawPaths();
  }

  drawNetworks() {
    this.there.forEach((points, layer) => {
      for (const point of this.shows(layer) ? points.filter(Boolean) : []) {
        const dot = drawn("circle", { class: "network", cx: point[0], cy: point[1], r: 4 });
        this.moving.append(coloured(dot, `layer-${layer % 8}`));
      }
    });
  }

  drawPaths() {
    this.strokes.forEach((strokes, layer) => {
      for (const stroke of strokes) {
        const until = Math.min(stroke.last, this.index);
        if (until === stroke.until) continue;
        stroke.until = until;
        const points = this.points[layer].slice(Math.max(stroke.first - 1, 0), until + 1);
        stroke.path.setAttribute("d", until < stroke.first ? "" : pathThrough(points));
      }
    });
    for (const end of this.spec.ends) {
      const point = this.area.at(end.x, end.y);
      if (point && this.shows(end.layer) && end.epoch <= this.epochs[this.index]) {
        this.moving.append(this.dot(point, "ink", "end"));
      }
    }
    this.drawIntervals();
    this.drawHeads();
  }

  drawIntervals() {
    const ends = this.spec.intervals?.[this.index];
    if (!ends) return;
    ends[0].forEach((low, layer) => {
      const from = this.area.at(low, ends[2][layer]);
      const to = this.area.at(ends[1][layer], ends[3][layer]);
      if (!from || !to || !this.shows(layer)) return;
      const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
      const cross = `M${from[0]} ${middle[1]}H${to[0]}M${middle[0]} ${from[1]}V${to[1]}`;
      this.moving.append(coloured(drawn("path", { class: "line", d: cross }), `layer-${layer % 8}`));
    });
  }

  drawHeads() {
    const heads = [];
    this.points.forEach((points, layer) => {
      const at = this.shows(layer) ? points.slice(0, this.index + 1).findLast(Boolean) : null;
      if (at) heads.push({ at, text: this.look.marks[layer], layer });
    });
    for (const { at, layer } of heads) this.moving.append(this.dot(at, `layer-${layer % 8}`, "head"));
    this.moving.append(...this.labels(heads));
  }

  nearest(x, y) {
    let found = null;
    let least = Infinity;
    this.there.forEach((points, row) => {
      if (!this.shows(row)) return;
      points.forEach((place, point) => {
        const away = place ? Math.hypot(place[0] - x, place[1] - y) : Infinity;
        if (away <= least) [found, least] = [{ point, row }, away];
      });
    });
    return found;
  }

  places(point) {
    return this.there
      .map((points, row) => ({ row, place: points[point] }))
      .filter((one) => one.place && this.shows(one.row));
  }

  read(at) {
    this.hair.replaceChildren();
    const place = at && this.there[at.row]?.[at.point];
    if (place) this.hair.append(drawn("circle", { cx: place[0], cy: place[1], r: 8 }));
  }
}

/** The layers beside the IB curve: still, at the epoch of the fits. */
class Bound extends Chart {
  ratio = 0.6;
  margin = 22;

  told() {
    return `${this.spec.title}: the IB curve, and each layer beneath it. ${this.spec.caption} The table has the numbers.`;
  }

  drawData() {
    this.drawSeries();
  }

  moveTo() {}

  read() {}
}
