// The three paths of the gradient through batch norm, for one column of a batch.

const LIMITS = { h: [-5, 5], g: [-3, 3], gamma: [-2, 2], eps: [0, 2] };
const START = { h: [-3, -1.6, -0.7, 1.2, 2.6, 4], g: [-1.4, 1.8, 0.7, 2.4, 1.1, -0.6] };
const HINT = "Drag a point or the tip of an arrow, or focus it and press the arrow keys.";
const UNDEFINED =
  "All points are equal and ε is 0, so s is 0 and dh is not defined. Move a point or raise ε.";

const sum = (v) => v.reduce((a, b) => a + b, 0);
const dot = (v, w) => sum(v.map((x, i) => x * w[i]));
const peak = (v) => Math.max(...v.map(Math.abs));

// Measured from the first point, so that equal points give exactly 0.
function centre(h) {
  const d = h.map((x) => x - h[0]);
  return d.map((x) => x - sum(d) / d.length);
}

export function paths(h, g, gamma, eps) {
  const N = h.length;
  const c = centre(h);
  const s = Math.sqrt(dot(c, c) / N + eps);
  const hHat = c.map((x) => x / s);
  const dgamma = dot(g, hHat);
  const dbeta = sum(g);
  const direct = g.map((x) => (gamma / s) * x);
  const mean = g.map(() => (-gamma / (N * s)) * dbeta);
  const variance = hHat.map((x) => (-gamma / (N * s)) * x * dgamma);
  const dh = direct.map((x, i) => x + mean[i] + variance[i]);
  return { direct, mean, variance, dh, dgamma, dbeta, hHat, s };
}

// The state, and the link to it

function resize({ h, g }, N) {
  const fit = (v, spare) => [...v, ...spare.slice(v.length)].slice(0, N);
  return { h: fit(h, START.h), g: fit(g, START.g) };
}

function write({ h, g, gamma, eps }) {
  const group = (v) => v.map((x) => +x.toFixed(4)).join("_");
  return "#paths=" + [[gamma, eps], h, g].map(group).join("~");
}

function read(hash) {
  const number = (x) => (/^-?\d(\.\d{1,4})?$/.test(x) ? +x : NaN);
  const groups = hash.slice(7).split("~").map((part) => part.split("_").map(number));
  if (!hash.startsWith("#paths=") || groups.length !== 3) return null;
  const [[gamma, eps, ...rest], h, g] = groups;
  if (rest.length || h.length !== g.length || h.length < 2 || h.length > 6) return null;
  const state = { h, g, gamma, eps };
  const within = ([key, [low, high]]) => [state[key]].flat().every((x) => x >= low && x <= high);
  return Object.entries(LIMITS).every(within) ? state : null;
}

// The presets

let seed = 2015;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const tenth = (x) => Math.round(10 * x) / 10;
const stretch = (v) => v.map((x) => (2 * x) / (peak(v) || 1));

// What some vector keeps when its parts along 1 and along h - mu are taken away.
function without(h) {
  const c = centre(h);
  const rest = (v) => centre(v).map((x, i) => x - (c[i] * dot(v, c)) / (dot(c, c) || 1));
  const tries = [h.map((_, i) => (-1) ** i), ...h.map((_, k) => h.map((_, i) => +(i === k)))];
  // From three points on, one of the unit vectors keeps an entry of 1/3 or more.
  return tries.map(rest).find((v) => peak(v) > 0.3) ?? h.map(() => 0);
}

const PRESETS = [
  ["all g equal", (h) => ({ g: h.map(() => 1.5) }),
    "All g are equal: the direct and the mean path cancel, and dh is 0."],
  ["g along ĥ only", (h) => ({ g: stretch(centre(h)) }),
    "The mean path is 0. The variance path takes all of the direct path but for what ε keeps."],
  ["g with neither part", (h) => ({ g: stretch(without(h)) }),
    "The mean and the variance path are 0, and dh is the direct path."],
  ["random", (h) => ({
    h: h.map((_, i) => tenth((9 * (i + 0.25 + random() / 2)) / h.length - 4.5)),
    g: h.map(() => tenth(5 * random() - 2.5)),
  }), "Other points and other gradients."],
];

// Text and HTML

function text(x, digits = 2) {
  if (!Number.isFinite(x)) return "–";
  const fixed = x.toFixed(Math.abs(x) < 100 ? digits : 0);
  return (+fixed ? fixed : fixed.replace("-", "")).replace("-", "−");
}

function sentence({ state: { h, g }, active: i, result: r }) {
  if (r.s === 0) return UNDEFINED;
  if (i < 0) return HINT;
  const [h_i, g_i, ...parts] = [h, g, r.direct, r.mean, r.variance, r.dh].map((v) => text(v[i]));
  return `Point ${i + 1}: h = ${h_i}, g = ${g_i}. ` +
    `Direct ${parts[0]}, mean ${parts[1]}, variance ${parts[2]}: dh = ${parts[3]}.`;
}

const button = (words, data) => `<button type="button" ${data}>${words}</button>`;

const group = (name, content) =>
  `<div class="strip" role="group" aria-label="${name}">${content.join("")}</div>`;

const slider = (key, sign, name) => `<label>${sign} <input type="range" name="${key}"
  min="${LIMITS[key][0]}" max="${LIMITS[key][1]}" step="0.05" aria-label="${sign}, ${name}"
  ><span class="number"></span></label>`;

const sample = (name, words) => `<span class="strip"><svg class="sample" aria-hidden="true">
  <path class="shaft ${name}" d="M2 6H22"/><path class="head ${name}" d="M31 6L23 1.5V10.5Z"/>
  </svg>${words}</span>`;

const sizes = [2, 3, 4, 5, 6].map((N) => button(N, `data-points="${N}"`));
const presets = PRESETS.map(([name], k) => button(name, `data-preset="${k}"`));

const SKELETON = `
  <div class="strip controls">${group("Number of points", ["N", ...sizes])}
    ${group("Presets", presets)}</div>
  <svg class="line" role="group" aria-label="Points h and gradients g">
    <g class="marks"></g><g class="handles"></g></svg>
  <div class="strip legend">${sample("direct", "direct")}${sample("mean", "mean")}
    ${sample("variance", "variance")}${sample("dh", "dh, their sum")}</div>
  <svg class="sums" role="img" aria-label="The paths of dh at each point, as in the table"></svg>
  <div class="strip sliders">${slider("eps", "ε", "epsilon")}${slider("gamma", "γ", "gamma")}</div>
  <div class="strip values"></div>
  <p class="readout" aria-live="polite">${HINT}</p>
  <details><summary>Numbers</summary><table class="numbers"></table></details>
  ${button("Copy link to this state", "data-copy")}`;

// Drawing: a unit of the viewBoxes is a pixel, so that text has one size on every screen.

const MARGIN = 36, TOP = 22, ZERO = 88, AXIS = 176, UNIT = 20;
const TIPS = { 1: "M0 0L7 12H-7Z", 0: "M-7 0L0 -7L7 0L0 7Z", "-1": "M0 0L7 -12H-7Z" };
const END = 'text-anchor="end"';

const label = (x, y, words, rest = "") => `<text x="${x}" y="${y}" ${rest}>${words}</text>`;
const stroke = (name, d) => `<path class="${name}" d="${d}"/>`;
const band = (x, y, width, height) =>
  `<rect class="band" x="${x}" y="${y}" width="${width}" height="${height}"/>`;

function arrow(name, x, from, to) {
  const back = to + Math.min(8, Math.abs(to - from)) * Math.sign(from - to);
  return stroke("shaft " + name, `M${x} ${from}V${back}`) +
    stroke("head " + name, `M${x} ${to}L${x - 4.5} ${back}H${x + 4.5}Z`);
}

function drawLine({ part, state: { h, g }, width, x }) {
  const c = centre(h), mu = h[0] - c[0], sigma = Math.sqrt(dot(c, c) / h.length);
  const left = x(mu - sigma), middle = x(mu), right = x(mu + sigma);
  const scale = (v) => stroke("grid", `M${MARGIN} ${ZERO - UNIT * v}H${width - MARGIN}`) +
    label(MARGIN - 6, ZERO - UNIT * v + 4, text(v, 0), END);
  const gradient = (v, i) => stroke("stem", `M${x(v)} ${AXIS}V${ZERO}`) +
    stroke("shaft", `M${x(v)} ${ZERO}V${ZERO - UNIT * g[i] + 8 * Math.sign(g[i])}`);
  part("line").setAttribute("viewBox", `0 0 ${width} 208`);
  part("marks").innerHTML = band(left, TOP, right - left, AXIS - TOP) +
    stroke("rim", `M${left} ${TOP}V${AXIS}M${right} ${TOP}V${AXIS}`) +
    stroke("mu", `M${middle} ${TOP}V${AXIS}`) + label(middle, TOP - 7, "μ") +
    label(Math.min(left + 12, middle - 9), TOP - 7, "μ−σ", END) +
    label(Math.max(right - 12, middle + 9), TOP - 7, "μ+σ", 'text-anchor="start"') +
    [-3, 0, 3].map(scale).join("") + label(8, ZERO + 4, "g") + label(8, AXIS + 4, "h") +
    stroke("axis", `M${x(-5)} ${AXIS}H${x(5)}`) +
    [-4, -2, 0, 2, 4].map((v) => label(x(v), AXIS + 28, text(v, 0))).join("") +
    h.map(gradient).join("");
}

function placeHandle({ state, x }, { node, key, i }) {
  const value = state[key][i];
  const y = key === "h" ? AXIS : ZERO - UNIT * value;
  node.setAttribute("transform", `translate(${x(state.h[i])} ${y})`);
  node.setAttribute("aria-valuenow", +value.toFixed(2));
  node.setAttribute("aria-valuetext", text(value));
  if (key === "g") node.lastChild.setAttribute("d", TIPS[Math.sign(value)]);
}

function nice(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return power * [1, 1.5, 2, 3, 5, 7, 10].find((step) => step * power > 0.9999 * x);
}

function drawColumn(r, i, y, middle, width) {
  const step = Math.min(width / 4.6, 26);
  const lane = [-1.5, -0.5, 0.5, 1.5].map((k) => middle + k * step);
  const levels = [0, r.direct[i], r.direct[i] + r.mean[i], r.dh[i]].map(y);
  const path = (name, k) => stroke("joint", `M${lane[k]} ${levels[k + 1]}H${lane[k + 1]}`) +
    arrow(name, lane[k], levels[k], levels[k + 1]);
  return ["direct", "mean", "variance"].map(path).join("") +
    arrow("dh", lane[3], y(0), levels[3]) +
    label(middle, 176, "dh" + "₁₂₃₄₅₆"[i]) + label(middle, 193, text(r.dh[i]), 'class="dh"');
}

function drawSums({ part, result: r, width, active }) {
  const N = r.dh.length, column = (width - MARGIN - 4) / N;
  const halfway = r.direct.map((x, i) => x + r.mean[i]);
  const extent = nice(Math.max(0.5, ...[r.direct, halfway, r.dh].map(peak)));
  const y = (v) => 84 - (74 * v) / extent;
  const scale = (v) => stroke(v ? "grid" : "axis", `M${MARGIN} ${y(v)}H${width - 4}`) +
    label(MARGIN - 6, y(v) + 4, text(v, v % 1 ? 1 : 0), END);
  const left = (i) => MARGIN + i * column;
  part("sums").setAttribute("viewBox", `0 0 ${width} 200`);
  part("sums").innerHTML = r.s === 0
    ? label(width / 2, 76, "σ² + ε is 0:") + label(width / 2, 96, "dh is not defined.")
    : (active < 0 ? "" : band(left(active), 4, column, 194)) +
      [-extent, 0, extent].map(scale).join("") +
      r.dh.map((_, i) => drawColumn(r, i, y, left(i + 0.5), column)).join("");
}

function writeValues({ part, state: { h, g, gamma, eps }, result: r }) {
  const value = (name, x) => `${name} <b>${text(x, 3)}</b>`;
  const kept = (eps * gamma * r.dgamma) / r.s ** 3;
  part("values").innerHTML = [
    value("dbeta", r.dbeta), value("dgamma", r.dgamma), value("Σ dh", sum(r.dh)),
    value("Σ dh ĥ", dot(r.dh, r.hHat)), value("ε γ dgamma / s³", kept),
  ].map((words) => `<span>${words}</span>`).join("");
  const columns = { h, g, direct: r.direct, mean: r.mean, variance: r.variance, dh: r.dh };
  const row = (tag, cells) => `<tr>${cells.map((x) => `<${tag}>${x}</${tag}>`).join("")}</tr>`;
  const numbers = (i) => Object.values(columns).map((v) => text(v[i]));
  part("numbers").innerHTML = row("th", ["i", ...Object.keys(columns)]) +
    h.map((_, i) => row("td", [i + 1, ...numbers(i)])).join("");
}

function showControls({ root, state }) {
  for (const input of root.querySelectorAll("input")) {
    input.value = state[input.name];
    input.nextSibling.textContent = text(state[input.name]);
  }
  for (const node of root.querySelectorAll("[data-points]")) {
    node.setAttribute("aria-pressed", +node.dataset.points === state.h.length);
  }
}

function draw(view) {
  drawLine(view);
  view.handles.forEach((handle) => placeHandle(view, handle));
  drawSums(view);
  writeValues(view);
  showControls(view);
}

// Changes of the state

function makeHandle(key, i) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", "g");
  const [min, max] = LIMITS[key];
  const [name, direction, grip] = key === "h"
    ? [`Point ${i + 1}, h`, "horizontal", `<circle class="dot" r="10"/><text y="4">${i + 1}</text>`]
    : [`Point ${i + 1}, gradient g`, "vertical", '<path class="tip"/>'];
  const attributes = {
    class: "handle " + key, role: "slider", tabindex: 0, "aria-label": name,
    "aria-orientation": direction, "aria-valuemin": min, "aria-valuemax": max,
  };
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  node.innerHTML = '<circle class="hit" r="15"/>' + grip;
  return { node, key, i };
}

function say(view, words) {
  const readout = view.part("readout");
  clearTimeout(view.timer);
  view.timer = setTimeout(() => {
    if (readout.textContent !== words) readout.textContent = words;
  }, 400);
}

function update(view, change, words) {
  const state = (view.state = { ...view.state, ...change });
  view.result = paths(state.h, state.g, state.gamma, state.eps);
  if (view.handles.length !== 2 * state.h.length) {
    view.active = -1;
    view.handles = state.h.flatMap((_, i) => [makeHandle("h", i), makeHandle("g", i)]);
    view.part("handles").replaceChildren(...view.handles.map(({ node }) => node));
  }
  draw(view);
  say(view, view.result.s && words ? words : sentence(view));
}

function move(view, { key, i }, value) {
  const [low, high] = LIMITS[key];
  const moved = tenth(Math.min(high, Math.max(low, value)));
  view.active = i;
  update(view, { [key]: view.state[key].map((x, k) => (k === i ? moved : x)) });
}

const STEPS = {
  ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1,
  PageUp: 1, PageDown: -1, Home: -Infinity, End: Infinity,
};

function press(view, event) {
  const target = view.handles.find(({ node }) => node === event.target);
  const step = STEPS[event.key];
  if (!target || !step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const factor = event.shiftKey && event.key.startsWith("Arrow") ? 10 : 1;
  move(view, target, view.state[target.key][target.i] + factor * step);
}

// Where handles lie on top of one another, the nearest one is meant.
function nearest(view, { clientX, clientY }) {
  const distance = ({ node }) => {
    const box = node.firstChild.getBoundingClientRect();
    return Math.hypot(box.x + box.width / 2 - clientX, box.y + box.height / 2 - clientY);
  };
  return view.handles.reduce((a, b) => (distance(b) <= distance(a) ? b : a));
}

function grab(view, event) {
  if (view.drag || event.button || !event.target.closest(".handle")) return;
  event.preventDefault();
  const target = nearest(view, event);
  view.drag = { target, start: event, from: view.state[target.key][target.i] };
  target.node.focus({ preventScroll: true });
  view.part("line").setPointerCapture(event.pointerId);
}

function drag(view, { pointerId, clientX, clientY }) {
  if (view.drag?.start.pointerId !== pointerId) return;
  const { target, start, from } = view.drag;
  const right = (10 * (clientX - start.clientX)) / (view.width - 2 * MARGIN);
  const up = (start.clientY - clientY) / UNIT;
  const value = from + (target.key === "h" ? right : up);
  // A press that does not move must not round a value that a preset has set.
  if (tenth(value) !== tenth(view.state[target.key][target.i])) move(view, target, value);
}

async function copy(view) {
  history.replaceState(history.state, "", write(view.state));
  try {
    await navigator.clipboard.writeText(location.href);
    say(view, "Link copied.");
  } catch {
    say(view, "The link is in the address bar.");
  }
}

function click(view, { target: { dataset } }) {
  if (dataset.points) update(view, resize(view.state, +dataset.points));
  if (dataset.preset) {
    const [, preset, words] = PRESETS[dataset.preset];
    const change = preset(view.state.h);
    update(view, change, peak(change.g) ? words : "Here only g = 0 is of this kind.");
  }
  if ("copy" in dataset) copy(view);
}

function measure(view) {
  view.width = Math.max(280, view.root.clientWidth);
  view.x = (v) => MARGIN + ((v + 5) / 10) * (view.width - 2 * MARGIN);
}

function listen(view) {
  const { root } = view;
  const svg = view.part("line");
  const hold = (event) => event.target.closest(".handle") && event.preventDefault();
  const follow = () => {
    const linked = read(location.hash);
    if (linked) update(view, linked);
  };
  const refit = () => {
    measure(view);
    draw(view);
  };
  root.addEventListener("click", (event) => click(view, event));
  root.addEventListener("keydown", (event) => press(view, event));
  root.addEventListener("input", ({ target }) => update(view, { [target.name]: +target.value }));
  // Not every browser heeds touch-action on a part of a drawing.
  svg.addEventListener("touchstart", hold, { passive: false });
  svg.addEventListener("pointerdown", (event) => grab(view, event));
  svg.addEventListener("pointermove", (event) => drag(view, event));
  svg.addEventListener("lostpointercapture", () => (view.drag = null));
  window.addEventListener("hashchange", follow);
  new ResizeObserver(refit).observe(root);
}

export function mount(root) {
  if (root.classList.contains("paths")) return;
  root.classList.add("explorable", "paths");
  root.innerHTML = SKELETON;
  const part = (name) => root.querySelector("." + name);
  const linked = read(location.hash);
  const view = { root, part, handles: [], active: -1 };
  measure(view);
  update(view, linked ?? { ...resize({ h: [], g: [] }, 5), gamma: 1, eps: 0.1 });
  listen(view);
  if (linked) root.scrollIntoView();
}

globalThis.document?.querySelectorAll('[data-explorable="paths"]').forEach((root) => mount(root));
