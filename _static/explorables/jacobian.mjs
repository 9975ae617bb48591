// The Jacobian explorer: the derivative of every y_kl = gamma_l hhat_kl by every h_ij of a batch.
// Indices count from zero in the code and from one in all that is shown or linked.

const BATCH = [[1, 2, 2], [3, 0, 5], [8, 4, 4], [4, 5, 1]]; // the chapter's, and what a larger one is filled from
const START = { N: 3, H: 2, h: BATCH, gamma: [1, 1, 1], eps: 1 / 3, at: [1, 0, 1, 0] }; // at: k, l, i, j
const LARGEST = 1000;
const NUMBER = /^-?\d+(\.\d+)?(e-\d+)?$/;

/** The three terms of dy_kl/dh_ij, or null where sigma_l^2 + eps is 0. */
export function terms(h, gamma, eps, k, l, i, j) {
  const N = h.length;
  const { centred, s } = statistics(h, eps, l);
  if (s === 0) return null;
  const slope = l === j ? gamma[l] / s : 0;
  return {
    direct: k === i ? slope : 0,
    mean: -slope / N,
    variance: ((-slope / N) * (centred[k] / s) * centred[i]) / s,
  };
}

function statistics(h, eps, l) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  // counted from the first entry: nothing is rounded away in a column that is constant or nearly so
  const moved = h.map((row) => row[l] - h[0][l]);
  const middle = mean(moved);
  const centred = moved.map((value) => value - middle);
  return { mu: h[0][l] + middle, centred, s: Math.sqrt(mean(centred.map((value) => value ** 2)) + eps) };
}

// Where the terms cancel, rounding leaves about 1e-17: shown as the 0 it stands for.
function total({ direct, mean, variance }) {
  const sum = direct + mean + variance;
  return Math.abs(sum) < 1e-14 * Math.abs(mean) ? 0 : sum;
}

const range = (length) => Array.from({ length }, (_, place) => place);
const cut = (h, N, H) => h.slice(0, N).map((row) => row.slice(0, H));
const sign = (value) => ["−", "0", "+"][Math.sign(value) + 1];
const minus = (text) => text.replace("e+", "e").replaceAll("-", "−");

// At least two digits that are not leading zeros.
function show(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e4) return minus(value.toExponential(1));
  return minus(size < 0.1 ? value.toPrecision(2) : value.toFixed(2));
}

// About five characters, for a cell.
function brief(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e3) return minus(value.toExponential(0));
  return minus(value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0));
}

// The least of 1, 2, 5, 10, ... times a power of ten that is not below value.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value * (1 - 1e-9));
  return Number((step * power).toPrecision(1));
}

function toHash({ N, H, h, gamma, eps, at }) {
  const rows = cut(h, N, H).join(";");
  return `#jacobian=${rows}&eps=${eps}&gamma=${gamma.slice(0, H)}&at=${at.map((index) => index + 1)}`;
}

// The state in a hash, or null if any of it is not what toHash writes.
function fromHash(hash) {
  const part = new URLSearchParams(hash.slice(1));
  const list = (text, low, high) => (text ?? "").split(",").map((word) => {
    const value = NUMBER.test(word) ? Number(word) : NaN;
    return value >= low && value <= high ? value : NaN;
  });
  const h = (part.get("jacobian") ?? "").split(";").map((row) => list(row, -LARGEST, LARGEST));
  const eps = list(part.get("eps"), 0, 2);
  const gamma = list(part.get("gamma"), -2, 2);
  const at = list(part.get("at"), 1, 4).map((index) => index - 1);
  const [N, H] = [h.length, h[0].length];
  const fits = N >= 2 && N <= 4 && H <= 3 && h.every((row) => row.length === H)
    && eps.length === 1 && gamma.length === H && at.length === 4
    && at.every((index, place) => Number.isInteger(index) && index < (place % 2 ? H : N));
  if (!fits || [h, eps, gamma].flat(2).some(Number.isNaN)) return null;
  return {
    N, H, at, eps: eps[0],
    h: BATCH.map((row, r) => row.map((value, c) => h[r]?.[c] ?? value)),
    gamma: START.gamma.map((value, l) => gamma[l] ?? value),
  };
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function math(tag, attributes, html) {
  const node = make(tag, attributes);
  node.innerHTML = html;
  return node;
}

const letter = (name, index, power = "") => `<var>${name}</var><sub>${index}</sub>${power}`;
const delta = (pair) => `<span class="jac-switch" data-pair="${pair}">${letter("δ", pair)}<span
  class="jac-hidden"></span></span>`;
const centred = (pair) => `(${letter("h", pair)} − ${letter("μ", "l")})`;
const JACOBIAN = `∂${letter("y", "kl")} / ∂${letter("h", "ij")}`;
const FORMULAS = {
  direct: `${letter("γ", "l")} / ${letter("s", "l")} · ${delta("ik")} ${delta("jl")}`,
  mean: `− ${letter("γ", "l")} / (<var>N</var> ${letter("s", "l")}) · ${delta("jl")}`,
  variance: `− ${letter("γ", "l")} / (<var>N</var> ${letter("s", "l", "<sup>3</sup>")}) ·
    ${centred("kl")} ${centred("il")} ${delta("jl")}`,
  sum: JACOBIAN,
};
const KEY = ["kl", "ij"].map((pair) => `<span data-mark="${pair}"></span><span>${letter("h", pair)}</span>`).join("");

class Explorer {
  constructor(element) {
    this.element = element;
    this.frame();
    this.load();
    addEventListener("hashchange", () => this.load());
  }

  load() {
    const linked = fromHash(location.hash);
    if (!linked && this.state) return;
    this.state = structuredClone(linked ?? START);
    this.resize();
    if (linked) this.element.scrollIntoView();
  }

  frame() {
    const box = (name, ...children) => make("div", { class: `jac-${name}` }, ...children);
    const button = make("button", { type: "button" }, "Copy link to this state");
    button.addEventListener("click", () => this.copy());
    this.batch = make("table", { class: "jac-batch", "aria-label": "Batch h" });
    this.sliders = box("sliders");
    this.legend = box("legend");
    this.readout = make("p", { class: "jac-readout", "aria-live": "polite" });
    this.status = make("span", { role: "status" });
    const title = math("p", {}, `${JACOBIAN}: rows <var>kl</var>, columns <var>ij</var>`);
    this.element.classList.add("explorable");
    this.element.replaceChildren(box("frame",
      box("set", box("sizes", this.size("N", 2, 4), this.size("H", 1, 3)), this.batch,
        math("p", { class: "jac-key" }, KEY), this.sliders),
      box("map", title, this.chart(), this.legend),
      this.readout,
      box("terms", ...this.bars()),
      box("share", button, this.status)));
  }

  size(name, low, high) {
    const options = range(high - low + 1).map((step) => make("option", {}, low + step));
    const select = (this[name] = make("select", {}, ...options));
    select.addEventListener("change", () => {
      this.state[name] = Number(select.value);
      this.resize();
    });
    return make("label", {}, make("var", {}, name), select);
  }

  chart() {
    this.grid = make("div", { class: "jac-grid", role: "grid", "aria-label": "Jacobian, rows k l, columns i j" });
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("focusin", (event) => this.point(event, true));
    this.grid.addEventListener("click", (event) => this.point(event, true));
    // pointing only looks: on its way to a slider the pointer crosses other cells
    this.grid.addEventListener("pointerover", (event) => this.point(event, false));
    this.grid.addEventListener("pointerleave", () => this.select(this.state.at));
    return this.grid;
  }

  bars() {
    this.rows = Object.entries(FORMULAS).map(([name, formula]) => {
      const fill = make("span", { class: "jac-fill" });
      const value = make("span", { class: "jac-value" });
      const row = make("div", { class: `jac-term jac-${name}` }, make("b", {}, name),
        math("span", { class: "jac-formula" }, formula), make("span", { class: "jac-bar" }, fill), value);
      return { name, row, fill, value };
    });
    this.scale = range(3).map(() => make("span"));
    const scale = make("div", { class: "jac-bar jac-scale" }, ...this.scale);
    return [...this.rows.map(({ row }) => row), make("div", { class: "jac-term", "aria-hidden": true }, scale)];
  }

  // Everything that depends on N and H.
  resize() {
    const { state } = this;
    const { N, H } = state;
    state.at = state.at.map((index, place) => Math.min(index, (place % 2 ? H : N) - 1));
    [this.N.value, this.H.value] = [N, H];
    this.batch.replaceChildren(...this.table());
    this.sliders.replaceChildren(
      this.slider("ε", 0, state.eps, (value) => (state.eps = value)),
      ...state.gamma.slice(0, H).map((gamma, l) =>
        this.slider(letter("γ", l + 1), -2, gamma, (value) => (state.gamma[l] = value))));
    this.grid.replaceChildren(...this.lines());
    this.grid.style.setProperty("--n", N * H);
    this.status.textContent = "";
    this.update();
  }

  table() {
    const { N, H } = this.state;
    const line = (head, cells) => make("tr", {}, math("th", { scope: "row" }, head), ...cells);
    const heads = range(H).map((c) => make("th", { scope: "col" }, c + 1));
    this.entries = range(N).map((r) => range(H).map((c) => make("td", {}, this.entry(r, c))));
    [this.mu, this.s] = range(2).map(() => range(H).map(() => make("td")));
    return [
      make("thead", {}, make("tr", {}, math("td", {}, "<var>h</var>"), ...heads)),
      make("tbody", {}, ...this.entries.map((cells, r) => line(r + 1, cells)),
        line("<var>μ</var>", this.mu), line("<var>s</var>", this.s)),
    ];
  }

  entry(r, c) {
    const row = this.state.h[r];
    const input = make("input", { type: "number", step: "any", min: -LARGEST, max: LARGEST, required: "",
      value: row[c], "aria-label": `h, row ${r + 1}, column ${c + 1}` });
    input.addEventListener("input", () => {
      const valid = input.checkValidity();
      if (valid) row[c] = input.valueAsNumber;
      input.setAttribute("aria-invalid", !valid);
      this.status.textContent = valid ? ""
        : minus(`Enter a number from -${LARGEST} to ${LARGEST}. Until then it is ${row[c]}.`);
      this.update();
    });
    return input;
  }

  slider(name, low, value, store) {
    const input = make("input", { type: "range", min: low, max: 2, step: 0.01, value });
    const text = make("span", { class: "jac-value" }, minus(value.toFixed(2)));
    input.addEventListener("input", () => {
      store(input.valueAsNumber);
      text.textContent = minus(input.valueAsNumber.toFixed(2));
      this.update();
    });
    return make("div", { class: "jac-slider" }, make("label", {}, math("span", {}, name), input), text);
  }

  lines() {
    const { N, H } = this.state;
    const places = range(N * H);
    const edge = (place) => (place % N ? "" : "jac-edge");
    const pair = (place) => `${(place % N) + 1}${Math.floor(place / N) + 1}`;
    const heads = (role) => places.map((place) => make("span", { role }, pair(place)));
    const corner = math("span", { role: "columnheader" }, "<var>kl</var> <var>ij</var>");
    this.heads = [heads("rowheader"), heads("columnheader")];
    this.cells = places.map((r) => places.map((c) => make("span", { role: "gridcell", class: edge(c),
      "data-at": `${r},${c}`, "aria-selected": false, tabindex: -1 }, make("span"))));
    return [
      make("div", { role: "row" }, corner, ...this.heads[1]),
      ...places.map((r) => make("div", { role: "row", class: edge(r) }, this.heads[0][r], ...this.cells[r])),
    ];
  }

  // The indices k, l, i, j of the cell in a row and a column of the grid.
  indices(r, c) {
    const { N } = this.state;
    return [r % N, Math.floor(r / N), c % N, Math.floor(c / N)];
  }

  terms(at) {
    const { N, H, h, gamma, eps } = this.state;
    const found = terms(cut(h, N, H), gamma, eps, ...at);
    return found && { ...found, sum: total(found) };
  }

  point({ target }, keep) {
    const cell = target.closest("[data-at]");
    if (!cell) return;
    const at = this.indices(...cell.dataset.at.split(",").map(Number));
    if (keep) this.state.at = at;
    this.select(at);
  }

  key(event) {
    if (event.altKey || event.metaKey) return;
    const [r, c] = event.target.dataset.at.split(",").map(Number);
    const last = this.cells.length - 1;
    const move = {
      ArrowUp: [r - 1, c],
      ArrowDown: [r + 1, c],
      ArrowLeft: [r, c - 1],
      ArrowRight: [r, c + 1],
      Home: [event.ctrlKey ? 0 : r, 0],
      End: [event.ctrlKey ? last : r, last],
    }[event.key];
    if (!move) return;
    event.preventDefault();
    this.cells[move[0]]?.[move[1]]?.focus();
  }

  // Everything that depends on the numbers.
  update() {
    const { N, H, h, eps, at } = this.state;
    const values = this.cells.map((row, r) => row.map((_, c) => this.terms(this.indices(r, c))?.sum));
    const top = Math.max(...values.flat().map((value) => Math.abs(value ?? 0)));
    this.cells.forEach((row, r) => row.forEach((cell, c) => this.paint(cell, values[r][c], top)));
    range(H).forEach((l) => {
      const { mu, s } = statistics(cut(h, N, H), eps, l);
      this.mu[l].textContent = show(mu);
      this.s[l].textContent = show(s);
    });
    this.legend.replaceChildren(brief(-top), make("span"), brief(top));
    this.select(at);
  }

  paint(cell, value, top) {
    cell.dataset.sign = value === undefined ? "none" : sign(value);
    // no less than a tenth, so that a small number does not look like a 0
    cell.style.setProperty("--share", value ? 0.1 + (0.9 * Math.abs(value)) / top : 0);
    cell.firstChild.textContent = value === undefined ? "–" : brief(value);
  }

  select(at) {
    const { N } = this.state;
    const [k, l, i, j] = at;
    const [r, c] = [l * N + k, j * N + i];
    const mark = (cell, chosen) => {
      cell.setAttribute("aria-selected", chosen);
      cell.tabIndex = chosen ? 0 : -1;
    };
    this.grid.querySelectorAll('[aria-selected="true"]').forEach((cell) => mark(cell, false));
    mark(this.cells[r][c], true);
    this.grid.querySelectorAll(".jac-on").forEach((head) => head.classList.remove("jac-on"));
    [this.heads[0][r], this.heads[1][c]].forEach((head) => head.classList.add("jac-on"));
    this.entries.flat().forEach((entry) => (entry.dataset.mark = ""));
    this.entries[k][l].dataset.mark = "kl";
    this.entries[i][j].dataset.mark += " ij";
    this.explain(at, this.terms(at));
  }

  explain(at, found) {
    const { N, H, h, gamma, eps } = this.state;
    const [k, l, i, j] = at;
    for (const node of this.element.querySelectorAll(".jac-switch")) {
      const on = node.dataset.pair === "ik" ? i === k : j === l;
      node.classList.toggle("jac-on", on);
      node.lastChild.textContent = on ? " = 1" : " = 0";
    }
    const said = found
      ? Object.entries(found).map(([name, value]) => `${name} ${show(value)}`).join(", ")
      : `column ${l + 1} is constant and ε is 0, so there is no derivative`;
    this.readout.textContent = `k=${k + 1}, l=${l + 1}, i=${i + 1}, j=${j + 1}: ${said}`;
    this.draw(found, found ? roundUp(Math.abs(gamma[l]) / statistics(cut(h, N, H), eps, l).s) : 1);
  }

  draw(found, top) {
    for (const { name, fill, value } of this.rows) {
      const share = found ? found[name] / top : 0;
      fill.dataset.sign = sign(share);
      fill.style.width = `${50 * Math.abs(share)}%`;
      value.textContent = found ? show(found[name]) : "–";
    }
    [-top, 0, top].forEach((value, place) => (this.scale[place].textContent = show(value)));
  }

  async copy() {
    // not by location.hash, which would load the state again and scroll
    history.replaceState(history.state, "", toHash(this.state));
    try {
      await navigator.clipboard.writeText(location.href);
      this.status.textContent = "Copied.";
    } catch {
      this.status.textContent = "The link is in the address bar.";
    }
  }
}

export function mount(element) {
  new Explorer(element);
}

if (typeof document !== "undefined") {
  document.querySelectorAll('[data-explorable="jacobian"]').forEach(mount);
}
