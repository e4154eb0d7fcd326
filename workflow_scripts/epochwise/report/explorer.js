"use strict";
// The state is what the controls show. `update` draws everything that depends on the epoch, `choose` what depends on the run.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const get = (id) => document.getElementById(id);
const DATA = read("data"), CHARTS = read("charts"), SIZE = read("size");
const LABELS = { clean: "clean data", noisy_given: "noisy data, given labels", noisy_true: "noisy data, true labels", test: "test data" };
const LETTERS = { peak_epoch: "P", fit_epoch: "F", dip_epoch: "D" };
const ROWS = 12; // samples on a page of the table
const SECONDS_PER_STEP = 0.6;
const state = { run: null, seedRun: null, samples: null, views: {}, page: 0, cell: null, timer: null, order: [] };

const unpack = (text, Kind) => new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const unique = (values) => [...new Set(values)];
const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const number = (value, digits = 3) => value === null || value === undefined ? "–" : value.toFixed(digits);
const epochText = (value) => value < 0 ? "never" : String(value);
const last = (epochs, epoch) => Math.max(0, epochs.findLastIndex((e) => e <= epoch));
const epoch = () => state.run.epochs[+get("slider").value];
const snapshotOf = (part) => last(part.epochs, epoch());

function options(id, values, texts = values) {
  const select = get(id), before = select.value;
  select.replaceChildren(...values.map((value, i) => element("option", { value }, String(texts[i]))));
  if (values.map(String).includes(before)) select.value = before;
}

function table(id, caption, head, rows) {
  const numeric = (value) => !(value instanceof Node) && (["never", "–"].includes(value) || !isNaN(parseFloat(value)));
  const numbers = head.map((_, i) => rows.length > 0 && numeric(rows[0].cells[i]));
  const cell = (tag, value) => {
    const made = value instanceof Node ? element(tag, {}, value) : element(tag, {}, String(value));
    if (tag === "th") made.scope = "col";
    made.classList.toggle("number", tag === "th" ? numbers[head.indexOf(value)] : numeric(value));
    return made;
  };
  const body = rows.map(({ cells, ...attributes }) => element("tr", attributes, ...cells.map((value) => cell("td", value))));
  get(id).replaceChildren(element("table", {}, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((value) => cell("th", value)))), element("tbody", {}, ...body)));
}

function draw(canvas, cell) {
  canvas.width = SIZE.width; canvas.height = SIZE.height;
  const x = (cell % SIZE.columns) * SIZE.width, y = Math.floor(cell / SIZE.columns) * SIZE.height;
  canvas.getContext("2d").drawImage(get("sprite"), x, y, SIZE.width, SIZE.height, 0, 0, SIZE.width, SIZE.height);
  return canvas;
}

const isNoisy = (cell) => state.samples.given[cell] !== state.samples.true[cell];
const named = (label) => label < 0 ? "–" : DATA.classes[label];

function imageButton(cell, text = "") {
  const label = `Sample ${DATA.indices[cell]}: true label ${named(state.samples.true[cell])}, given label ${named(state.samples.given[cell])}${text}`;
  const button = element("button", { type: "button", class: "image", "aria-label": label, title: label, "data-cell": cell },
    draw(document.createElement("canvas"), cell));
  button.classList.toggle("noisy", isNoisy(cell));
  button.onclick = () => show(cell, true);
  return button;
}

// -- data of the charts ------------------------------------------------------------------------------------------------

function curveRows() {
  const curves = state.run.curves[get("curve").value];
  return Object.entries(curves).flatMap(([subset, ends]) => state.run.epochs.map((epoch, i) => (
    { epoch, subset: LABELS[subset], mean: ends.mean[i], low: ends.low[i], high: ends.high[i] })));
}

const separationValues = () => state.run.separation.values[`${get("measure").value}|${get("grouping").value}`] ?? [];

function separationRows() {
  return separationValues().flatMap((layers, t) => layers.map((classes, l) => (
    { epoch: state.run.separation.epochs[t], layer: l + 1, value: classes[0] })));
}

function classRows() {
  return separationValues().flatMap((layers, t) => layers.flatMap((classes, l) => classes.slice(1).map((value, c) => (
    { epoch: state.run.separation.epochs[t], layer: l + 1, class: DATA.classes[c], value }))));
}

function rankedRows() {
  const { epochs, ranks, values, neurons, stands_out } = state.run.ranked;
  return values.flatMap((layers, t) => layers.flatMap((values, l) => values.map((largest, r) => (
    { epoch: epochs[t], layer: l + 1, rank: ranks[l][r], largest, stands_out: l + 1 === stands_out[t],
      neuron: ranks[l][r] === 1 && neurons ? neurons[t][l] : "–" }))));
}

function finalRows() {
  const { epochs, final } = state.run.ranked;
  if (final === null) return [];
  return epochs.map((epoch, t) => ({ epoch, layer: final.layer, neuron: final.neuron, rank: final.ranks[t], largest: final.values[t] }));
}

function sampleRows() {
  const { epochs, predicted, percent, given, true: truth } = state.samples, n = DATA.indices.length, cell = state.cell;
  return epochs.map((epoch, t) => {
    const label = predicted[t * n + cell];
    const kind = label === given[cell] ? "given label" : label === truth[cell] ? "true label" : "another class";
    return { epoch, class: named(label), kind, percent: percent[t * n + cell] };
  }).filter((row) => row.class !== "–");
}

function marksRows() {
  return Object.entries(state.run.marks).map(([key, epoch]) => ({ epoch, letter: LETTERS[key] }));
}

function sampleLabels() {
  const { given, true: truth } = state.samples, labels = [{ class: named(given[state.cell]), kind: "given label" }];
  return isNoisy(state.cell) ? [...labels, { class: named(truth[state.cell]), kind: "true label" }] : labels;
}

// The data sets of each chart.
const SETS = {
  curves: () => ({ curves: curveRows(), marks: marksRows() }),
  separation: () => ({ separation: separationRows() }),
  classes: () => ({ classes: classRows() }),
  ranked: () => ({ ranked: rankedRows(), final: finalRows() }),
  sample: () => state.cell === null ? { sample: [], sample_labels: [] } : { sample: sampleRows(), sample_labels: sampleLabels() },
};

function fill(...names) {
  for (const name of names.filter((name) => state.views[name])) {
    for (const [set, rows] of Object.entries(SETS[name]())) state.views[name].data(set, rows);
  }
}

async function embedCharts() {
  const specs = JSON.parse(JSON.stringify(CHARTS[document.documentElement.classList.contains("dark") ? "dark" : "light"])
    .replaceAll("{time}", get("time").value));
  for (const [name, spec] of Object.entries(specs)) {
    state.views[name]?.finalize();
    // With the data from the start, because Vega warns of scales without data.
    const options = { actions: false, renderer: "svg", logLevel: 1 }; // errors, because Vega also warns where a run has no marks
    const made = await vegaEmbed(`#${name}`, { ...spec, datasets: SETS[name]() }, options);
    state.views[name] = made.view;
  }
  update();
}

// -- what follows the slider -------------------------------------------------------------------------------------------

function lowest() {
  return Math.min(0.9, ...separationValues().flat(2).filter((value) => value !== null));
}

function phaseText() {
  const { peak_epoch: peak, fit_epoch: fit, dip_epoch: dip } = state.run.marks, now = epoch();
  const fitted = fit !== undefined && now >= fit ? " The noisy labels are fitted." : "";
  if (peak === undefined || dip === undefined) return `Test accuracy has no peak that is followed by a dip.${fitted}`;
  if (now < peak) return `Before the peak of test accuracy.${fitted}`;
  return (now < dip ? "Between the peak and the dip of test accuracy." : "At or after the dip of test accuracy.") + fitted;
}

const ratePerEpoch = () => DATA.models[get("model").value].per_epoch;
const short = (value) => String(+value.toPrecision(3));

// What the x axes show: 1 epoch is `per_epoch`, and `ticks` are epochs that are powers of ten of it.
function axis() {
  const per_epoch = get("time").value === "epoch" ? 1 : ratePerEpoch(), end = state.run.epochs.at(-1) * per_epoch;
  const powers = [];
  for (let p = Math.ceil(Math.log10(per_epoch) - 1e-9); 10 ** p <= end * (1 + 1e-9); p++) powers.push(10 ** p / per_epoch);
  return { per_epoch, ticks: [0, ...powers] };
}

function update() {
  const now = epoch(), run = state.run, steps = short(now * ratePerEpoch());
  get("epoch-text").textContent = now;
  get("steps-text").textContent = steps;
  get("slider").setAttribute("aria-valuetext", `epoch ${now}, learning rate × steps ${steps}`);
  const snapshot = run.ranked.epochs[snapshotOf(run.ranked)];
  for (const place of document.querySelectorAll(".snapshot")) place.textContent = snapshot;
  if (get("phase").textContent !== phaseText()) get("phase").textContent = phaseText();
  const signals = Object.entries({ epoch: now, snapshot, lowest: lowest(), ...axis() });
  for (const view of Object.values(state.views)) signals.reduce((made, [name, value]) => made.signal(name, value), view).run();
  curvesTable(now); separationTable(snapshot); rankedTable(snapshot); images(); samplesTable();
  if (state.cell !== null) facts();
}

function curvesTable(now) {
  const i = state.run.epochs.indexOf(now), curve = get("curve").value;
  const rows = Object.entries(state.run.curves[curve]).map(([subset, ends]) => (
    { cells: [LABELS[subset], number(ends.mean[i]), ends.low[i] === null ? "–" : `${number(ends.low[i])} to ${number(ends.high[i])}`] }));
  table("curves-table", `${get("curve").selectedOptions[0].text} at the epoch ${now}`, ["samples", "value", "interval"], rows);
}

function separationTable(snapshot) {
  const layers = separationValues()[snapshotOf(state.run.separation)] ?? [];
  const rows = layers.map((classes, l) => ({ cells: [l + 1, ...classes.map((value) => number(value, 2))] }));
  table("separation-table", `Cosine at the epoch ${snapshot}`, ["layer", "mean", ...DATA.classes], rows);
}

function rankedTable(snapshot) {
  const { values, ranks, neurons, stands_out, final } = state.run.ranked, t = snapshotOf(state.run.ranked);
  // A column per rank that any layer shows, because layers may have different numbers of neurons.
  const columns = unique(ranks.flat()).sort((a, b) => a - b);
  const rows = values[t].map((values, l) => ({ cells: [l + 1, neurons ? neurons[t][l] : "–",
    ...columns.map((rank) => number(values[ranks[l].indexOf(rank)], 2))] }));
  const atEnd = final ? ` At the end, neuron ${final.neuron} of layer ${final.layer} does; here it has rank ${final.ranks[t]}.` : "";
  table("ranked-table", `Largest activations at the epoch ${snapshot}. Layer ${stands_out[t]} stands out.${atEnd}`, ["layer", "large neuron", ...columns.map((rank) => `rank ${rank}`)], rows);
}

function images() {
  const found = state.seedRun.responses, t = snapshotOf(found), l = +get("layer").value - 1, rows = [];
  for (const side of ["strongest", "weakest"]) {
    const values = found[`${side}_values`][t][l];
    get(side).replaceChildren(...found[side][t][l].map((cell, i) => {
      rows.push({ cells: [side, DATA.indices[cell], named(state.samples.true[cell]), named(state.samples.given[cell]), number(values[i])] });
      return imageButton(cell, `, response ${number(values[i])}`);
    }));
  }
  const silent = found.strongest_values[t][l][0] === 0;
  get("inactive").textContent = silent ? "This neuron responds to no training sample at this epoch." : "";
  table("images-table", `Responses at the epoch ${found.epochs[t]}`, ["side", "sample", "true label", "given label", "response"], rows);
  markChosen();
}

// -- samples -----------------------------------------------------------------------------------------------------------

function orderSamples() {
  const wanted = get("filter").value, key = get("sort").value, s = state.samples, n = DATA.indices.length;
  const t = snapshotOf(s), sign = get("descending").checked ? -1 : 1;
  const value = (cell) => key === "index" ? DATA.indices[cell] : key === "percent" ? s.percent[t * n + cell] : s[`${key}_given`][cell];
  state.order = [...DATA.indices.keys()].filter((cell) => s.given[cell] >= 0 &&
    (wanted === "all" || (DATA.drawn[cell] && isNoisy(cell) === (wanted === "noisy"))));
  state.order.sort((a, b) => sign * (value(a) - value(b)) || a - b);
}

function samplesTable() {
  orderSamples();
  const pages = Math.max(1, Math.ceil(state.order.length / ROWS)), s = state.samples, t = snapshotOf(s), n = DATA.indices.length;
  state.page = Math.min(state.page, pages - 1);
  const rows = state.order.slice(state.page * ROWS, (state.page + 1) * ROWS).map((cell) => ({ "data-cell": cell, cells: [
    imageButton(cell), DATA.indices[cell], named(s.true[cell]), named(s.given[cell]), named(s.predicted[t * n + cell]),
    `${s.percent[t * n + cell]} %`, epochText(s.learned_given[cell]), epochText(s.forgotten_given[cell]), s.times_given[cell]] }));
  const focused = document.activeElement?.closest?.("#samples-table .image")?.dataset.cell;
  table("samples-table", `Predictions at the epoch ${s.epochs[t]}`,
    ["image", "number", "true", "given", "predicted", "probability", "learned at", "forgotten at", "times forgotten"], rows);
  if (focused !== undefined) get("samples-table").querySelector(`.image[data-cell="${focused}"]`)?.focus();
  get("page").textContent = state.order.length ? `Page ${state.page + 1} of ${pages}` : "There is no such sample.";
  get("previous").disabled = state.page === 0;
  get("next").disabled = state.page >= pages - 1;
  markChosen();
}

function markChosen() {
  for (const place of document.querySelectorAll("[data-cell]")) place.classList.toggle("chosen", +place.dataset.cell === state.cell);
}

function facts() {
  const s = state.samples, cell = state.cell, t = snapshotOf(s), n = DATA.indices.length;
  const when = (label) => `learned: ${epochText(s[`learned_${label}`][cell])}, forgotten: ${epochText(s[`forgotten_${label}`][cell])}` +
    (s[`times_${label}`][cell] > 1 ? `, the last of ${s[`times_${label}`][cell]} times` : "");
  const shown = { "true label": named(s.true[cell]), "given label": named(s.given[cell]),
    [`predicted at ${s.epochs[t]}`]: `${named(s.predicted[t * n + cell])} (${s.percent[t * n + cell]} %)`, "given label was": when("given") };
  if (isNoisy(cell)) shown["true label was"] = when("true");
  get("facts").replaceChildren(...Object.entries(shown).flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]));
}

function show(cell, move = false) {
  state.cell = cell;
  get("detail-title").textContent = `Sample ${DATA.indices[cell]}: ${isNoisy(cell) ? "noisy" : "clean"}`;
  draw(get("portrait"), cell).setAttribute("aria-label", `Image of sample ${DATA.indices[cell]}, true label ${named(state.samples.true[cell])}`);
  facts(); fill("sample"); state.views.sample?.run(); markChosen();
  table("sample-table", "Predictions at the stored epochs", ["epoch", "predicted", "which is the", "probability"],
    sampleRows().map((row) => ({ cells: [row.epoch, row.class, row.kind, `${row.percent} %`] })));
  if (move) { get("detail-title").focus({ preventScroll: true }); get("detail").scrollIntoView({ block: "nearest" }); }
}

// -- controls ----------------------------------------------------------------------------------------------------------

function choose() {
  const keys = Object.keys(DATA.runs).map((key) => key.split("|"));
  options("noise", unique(keys.map((key) => key[0])));
  const ofNoise = keys.filter((key) => key[0] === get("noise").value);
  options("model", unique(ofNoise.map((key) => key[1])));
  const seeds = ofNoise.filter((key) => key[1] === get("model").value && key[2] !== "mean").map((key) => key[2]);
  options("seed", ["mean", ...seeds], ["mean over seeds", ...seeds]);
  const name = (seed) => `${get("noise").value}|${get("model").value}|${seed}`;
  const seed = get("seed").value, ofSeed = seed === "mean" ? seeds[0] : seed, before = state.run ? epoch() : Infinity;
  state.run = DATA.runs[name(seed)];
  state.seedRun = DATA.runs[name(ofSeed)];
  const encoded = state.seedRun.samples;
  state.samples = { epochs: encoded.epochs, percent: unpack(encoded.percent, Uint8Array) };
  for (const key of ["true", "given", "predicted"]) state.samples[key] = unpack(encoded[key], Int16Array);
  for (const key of ["learned", "forgotten", "times"]) {
    for (const label of ["given", "true"]) state.samples[`${key}_${label}`] = unpack(encoded[`${key}_${label}`], Int32Array);
  }
  for (const place of document.querySelectorAll(".of-seed")) place.textContent = seed === "mean" ? `Shown is the seed ${ofSeed}, because single samples have no mean.` : "";
  const layers = [...state.run.ranked.values[0].keys()].map((l) => l + 1), layer = +get("layer").value;
  options("layer", layers, layers.map((l) => l === state.seedRun.ranked.final.layer ? `${l} (stands out at the end)` : l));
  if (layer > layers.length) get("layer").value = layers.length;
  get("slider").max = state.run.epochs.length - 1;
  get("slider").value = last(state.run.epochs, before);
  orderSamples();
  if (state.cell === null || state.samples.given[state.cell] < 0) state.cell = state.order[0] ?? null;
  fill(...Object.keys(SETS)); update();
  if (state.cell !== null) show(state.cell);
}

function play(on) {
  clearInterval(state.timer);
  state.timer = null;
  get("play").textContent = on ? "Pause" : "Play";
  get("play").setAttribute("aria-pressed", on);
  if (!on) return;
  const slider = get("slider");
  if (+slider.value === +slider.max) { slider.value = 0; update(); }
  state.timer = setInterval(() => {
    slider.value = +slider.value + 1;
    update();
    if (+slider.value === +slider.max) play(false);
  }, 1000 * SECONDS_PER_STEP);
}

function setDark(on) {
  document.documentElement.classList.toggle("dark", on);
  get("dark").setAttribute("aria-pressed", on);
  return embedCharts();
}

async function start() {
  await get("sprite").decode();
  choose();
  const { models } = DATA;
  get("model").value = Object.keys(models).reduce((most, name) => models[name].weights > models[most].weights ? name : most);
  state.run = null; // so that the slider is at the end of this model, not of the first one
  choose();
  get("layer").value = state.seedRun.ranked.final.layer;
  for (const id of ["noise", "model", "seed"]) get(id).onchange = choose;
  for (const id of ["curve", "measure", "grouping"]) get(id).onchange = () => { fill("curves", "separation", "classes"); update(); };
  get("time").onchange = embedCharts;
  get("layer").onchange = images;
  for (const id of ["filter", "sort", "descending"]) get(id).onchange = () => { state.page = 0; samplesTable(); };
  get("slider").oninput = () => { play(false); update(); };
  get("play").onclick = () => play(state.timer === null);
  get("previous").onclick = () => { state.page -= 1; samplesTable(); };
  get("next").onclick = () => { state.page += 1; samplesTable(); };
  get("controls").onsubmit = (event) => event.preventDefault();
  get("dark").onclick = () => setDark(!document.documentElement.classList.contains("dark"));
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  preferred.onchange = () => setDark(preferred.matches);
  await setDark(preferred.matches);
  document.documentElement.dataset.ready = "yes";
}

start();
