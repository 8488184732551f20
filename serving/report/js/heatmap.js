// Samples by drugs: colour, number and words in every cell.
const RAMP = d3.piecewise(d3.interpolateLab, ["#1b5a9e", "#8fb9de", "#f4f3f0", "#efb17c", "#ad4c08"]);
const FEW_DRUGS = 10;
const heat = { samples: "given", drugs: "given", byDrug: null, direction: -1 };

function cellSays(sample, drug, score) {
  const name = `${sample.name}, ${drugs[drug].label}: `;
  if (!score) return `${name}not scored`;
  const reasons = score.reasons.map((place) => page.reasons[place]);
  if (score.call === "abstain") {
    return `${name}no call. ${reasons.filter(([, , abstains]) => abstains).map(([, text]) => text).join(" ")}${knownText(score)}`;
  }
  const percentile = score.percentile === null ? "no percentile"
    : `percentile ${Math.round(score.percentile)} of the predictions of ${amongOf(score)}`;
  return `${name}${percentile}, probability of resistance ${probabilityText(score)}, ${score.call}. ${intervalText(score)} (${response.unit})${knownText(score)}`;
}

/** Whether a sample is a training line, or of the donor of one. */
const isKnown = (sample) => sample.drugs.some((score) => score.reasons.some((place) => page.reasons[place][0] === "IN_TRAINING"));

/** What was observed of a training line, beside what is predicted by a model that has not seen it. */
function knownText(score) {
  return score.observed === null ? "" : `. Observed in the training study: ${number(score.observed)}`;
}

function heatCell(sample, drug) {
  const score = scoreOf(sample, drug);
  const percentile = shownPercentile(score);
  const says = cellSays(sample, drug, score);
  const cell = el("td", { role: "gridcell", tabindex: -1, title: says, "aria-label": says, "data-drug": drug });
  if (percentile === null) {
    cell.className = "abstained";
    cell.textContent = score ? "–" : "";
    return cell;
  }
  const colour = RAMP(percentile / 100);
  cell.style.backgroundColor = colour;
  cell.textContent = String(Math.round(percentile));
  if (d3.lab(colour).l < 62) cell.classList.add("pale");
  if (score.call !== "uncertain") cell.classList.add("called");
  return cell;
}

/** Places of the samples that are asked for, in the order that is asked for. */
function chosenSamples() {
  const wanted = query("find-sample");
  const found = d3.range(samples.length).filter((n) => matches(samples[n].name, wanted) && passes(samples[n]));
  const keys = {
    name: (a, b) => compareNames(samples[a].name, samples[b].name),
    mean: (a, b) => compare(sampleMean(a), sampleMean(b), -1),
    drug: (a, b) => compare(shownPercentile(scoreOf(samples[a], heat.byDrug)),
      shownPercentile(scoreOf(samples[b], heat.byDrug)), heat.direction),
  };
  if (heat.samples !== "given") found.sort(keys[heat.samples]);
  return grouped === null ? found : found.sort(compareGroups);
}

/** Rows of the samples, below a heading for each group. */
function bodyRows(rows, columns) {
  const sizes = d3.rollup(rows, (those) => those.length, (n) => placeOf(samples[n], grouped));
  let open;
  return rows.flatMap((n) => {
    const row = sampleRow(n, columns), place = grouped === null ? undefined : placeOf(samples[n], grouped);
    if (place === open) return [row];
    open = place;
    return [groupRow(place, sizes.get(place), 1 + tracks.length + columns.length), row];
  });
}

function sampleRow(n, columns) {
  return el("tr", { "data-sample": n },
    el("th", { scope: "row", class: "name",
      title: `${samples[n].name}${isKnown(samples[n]) ? `, a ${response.line} or of its donor: predicted by a model that has not seen it` : ""}` },
      el("a", { href: linkTo(samples[n].name), tabindex: -1 }, samples[n].name),
      isKnown(samples[n]) ? el("span", { class: "known", "aria-label": response.line }, " *") : null),
    tracks.map((_, track) => trackCell(samples[n], track)),
    columns.map((drug) => heatCell(samples[n], drug)));
}

/** Places of the drugs that are asked for, in the order that is asked for. */
function chosenDrugs() {
  const wanted = query("find-drug");
  const found = d3.range(drugs.length).filter((n) => matches(`${drugs[n].label} ${drugs[n].about}`, wanted));
  const keys = {
    name: (a, b) => compareNames(drugs[a].label, drugs[b].label),
    mean: (a, b) => compare(drugMean(a), drugMean(b), -1),
  };
  return heat.drugs === "given" ? found : found.sort(keys[heat.drugs]);
}

const query = (id) => document.getElementById(id).value.trim().toLowerCase();
const matches = (text, wanted) => text.toLowerCase().includes(wanted);
const sampleMean = (n) => meanOf(samples[n].drugs.map(shownPercentile));
const drugMean = (n) => meanOf(samples.map((sample) => shownPercentile(scoreOf(sample, n))));

function drawHeatmap() {
  const rows = chosenSamples(), columns = chosenDrugs();
  const heads = columns.map((n) => {
    const sorted = heat.samples === "drug" && heat.byDrug === n;
    const order = heat.direction < 0 ? "descending" : "ascending";
    const about = `${drugs[n].label}${drugs[n].about ? `, ${drugs[n].about}` : ""}. ${drugs[n].quality}`;
    return el("th", { scope: "col", class: drugs[n].gain === "worse" ? "poor" : null, "aria-sort": sorted ? order : null },
      el("button", { type: "button", class: "name", title: about, "data-drug": n },
        `${drugs[n].label}${sorted ? (heat.direction < 0 ? " ↓" : " ↑") : ""}`),
      el("span", { class: "printed" }, drugs[n].label));
  });
  const body = el("tbody", null, bodyRows(rows, columns));
  const first = body.querySelector("a, td");
  if (first) first.tabIndex = 0;
  document.getElementById("heat").replaceChildren(
    el("table", { class: columns.length > FEW_DRUGS ? "heat" : "heat roomy", role: "grid", "aria-labelledby": "heat-title" },
      el("thead", null, el("tr", null, el("th", { scope: "col" }, el("span", { class: "unseen" }, "Sample")),
        tracks.map((_, track) => trackHead(track)), heads)), body));
  document.getElementById("found").textContent =
    `${rows.length} of ${samples.length} samples, ${columns.length} of ${drugs.length} drugs`;
  showElsewhere();
}

/** Samples on other pages of the report that match what is looked for. */
function showElsewhere() {
  const wanted = query("find-sample");
  const found = wanted === "" ? [] : others.flatMap(([file, names]) =>
    names.filter((name) => matches(name, wanted)).map((name) => [file, name]));
  const shown = found.slice(0, 20).map(([file, name]) => el("li", null,
    el("a", { href: file + linkTo(name), class: "name" }, name), ` in ${file}`));
  if (found.length > shown.length) shown.push(el("li", null, `and ${found.length - shown.length} more`));
  const list = document.getElementById("elsewhere");
  list.replaceChildren(...shown);
  list.hidden = shown.length === 0;
}

function drawLegend() {
  const ramp = el("span", { class: "ramp" });
  ramp.style.background = `linear-gradient(to right, ${d3.range(0, 1.01, 0.125).map(RAMP).join(", ")})`;
  const called = el("span", { class: "cell called" });
  called.style.background = RAMP(0.8);
  document.getElementById("heat-legend").replaceChildren(...[
    el("span", null, "0 sensitive", ramp, "100 resistant"),
    samples.some(isKnown) ? el("span", null, `* ${response.line}, predicted by a model that has not seen it`) : null,
    el("span", null, called, "underlined and bold: a call, else uncertain"),
    el("span", null, el("span", { class: "cell abstained" }), "hatched: no call")].filter(Boolean));
}

/** Arrow keys move between the cells; Enter opens. */
function moveInGrid(event) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const cell = event.target.closest("tbody th, tbody td");
  if (!cell || !(event.key in steps || event.key === "Home" || event.key === "End")) return;
  event.preventDefault();
  const row = cell.parentElement, rows = [...row.parentElement.rows].filter((one) => !one.classList.contains("group"));
  const [down, right] = steps[event.key] ?? [0, 0];
  const column = event.key === "Home" ? 0 : event.key === "End" ? row.cells.length - 1 : cell.cellIndex + right;
  const next = rows[rows.indexOf(row) + down]?.cells[column];
  if (!next) return;
  const focusable = next.querySelector("a") ?? next;
  for (const one of row.parentElement.querySelectorAll('[tabindex="0"]')) one.tabIndex = -1;
  focusable.tabIndex = 0;
  focusable.focus();
}
