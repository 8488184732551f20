// What is known of the samples: a narrow column a track, its legend, and filters by value.
const tracks = page.tracks ?? [];
// Paul Tol's muted colours, which those who see red and green alike can tell apart; ranges of numbers
// and the like go from light to dark, and what is positive, negative or between looks alike everywhere.
const QUALITATIVE = ["#88ccee", "#cc6677", "#ddcc77", "#117733", "#332288", "#aa4499", "#44aa99", "#999933", "#882255"];
const SEQUENTIAL = d3.piecewise(d3.interpolateLab, ["#e7e1ef", "#9ebcda", "#6e4fa3", "#2f0a4f"]);
const POLES = new Map([...["high", "positive", "yes", "pcr"].map((word) => [word, "#882255"]),
  ...["not high", "negative", "no", "rd"].map((word) => [word, "#d5dbe0"]),
  ...["equivocal", "indeterminate"].map((word) => [word, "#ddcc77"])]);
const NOT_KNOWN = "not known";
// Which samples are shown: track -> values that are asked for; and which track they stand together by.
const filters = new Map();
let grouped = null;

/** Place of a sample's value in a track; null where none is known. */
function placeOf(sample, track) {
  const known = sample.known?.[track] ?? null;
  return Array.isArray(known) ? known[0] : known;
}

function trackColour(track, place) {
  const { values, ordered } = tracks[track];
  if (place === null) return null;
  const words = values.map((value) => value.toLowerCase());
  if (words.every((word) => POLES.has(word))) return POLES.get(words[place]);
  if (ordered) return SEQUENTIAL(values.length < 2 ? 1 : place / (values.length - 1));
  return QUALITATIVE[place % QUALITATIVE.length];
}

/** A sample's value in words, with what is told beside it. */
function valueSays(sample, track) {
  const known = sample.known?.[track] ?? null, { label, values } = tracks[track];
  if (known === null) return `${label}: ${NOT_KNOWN}`;
  if (!Array.isArray(known)) return `${label}: ${values[known]}`;
  const beside = page.sentences[known[1]];
  return tracks[track].name === "her2" ? `${label}: ${values[known[0]]}, by ${beside}` : `${label}: ${beside} (${values[known[0]]})`;
}

function trackCell(sample, track) {
  const says = `${sample.name}, ${valueSays(sample, track)}`, colour = trackColour(track, placeOf(sample, track));
  const cell = el("td", { role: "gridcell", tabindex: -1, class: colour === null ? "track unknown" : "track", title: says, "aria-label": says, "data-track": track });
  if (colour !== null) cell.style.backgroundColor = colour;
  return cell;
}

function trackHead(track) {
  const { label } = tracks[track], on = grouped === track;
  return el("th", { scope: "col", class: "track", "aria-sort": on ? "other" : null },
    el("button", { type: "button", class: "name", title: `${label}: group the samples by it`, "data-track": track, "aria-pressed": String(on) }, label),
    el("span", { class: "printed" }, label));
}

/** Whether a sample has one of the values that are asked for, in every track. */
const passes = (sample) => [...filters].every(([track, wanted]) => wanted.has(placeOf(sample, track)));

/** Samples by the track that they stand together by; those of whom nothing is known come last. */
function compareGroups(a, b) {
  return grouped === null ? 0 : compare(placeOf(samples[a], grouped), placeOf(samples[b], grouped), 1);
}

function groupRow(place, count, width) {
  const name = place === null ? NOT_KNOWN : tracks[grouped].values[place];
  return el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: width, class: "name" },
    `${tracks[grouped].label}: ${name}`, el("small", null, ` ${count} ${count === 1 ? "sample" : "samples"}`)));
}

/** The legend of the tracks; each value is a button that shows its samples alone. */
function drawTracks() {
  const rows = tracks.map(({ label, values }, track) => {
    const counts = d3.rollup(samples, (those) => those.length, (sample) => placeOf(sample, track));
    const places = [...d3.range(values.length), null].filter((place) => counts.has(place));
    return el("div", { class: "track-values" }, el("span", { class: "track-label name", title: label }, label),
      places.map((place) => valueButton(track, place, counts.get(place))));
  });
  const clear = el("button", { type: "button", id: "clear-tracks", hidden: filters.size === 0 }, "Show all samples");
  const node = document.getElementById("tracks");
  node.replaceChildren(...rows, clear);
  node.hidden = tracks.length === 0;
}

function valueButton(track, place, count) {
  const name = place === null ? NOT_KNOWN : tracks[track].values[place];
  const swatch = el("span", { class: place === null ? "swatch unknown" : "swatch", "aria-hidden": "true" });
  if (place !== null) swatch.style.backgroundColor = trackColour(track, place);
  return el("button", { type: "button", class: "value name", title: `${tracks[track].label}: ${name}`, "data-track": track,
    "data-place": place === null ? "" : place, "aria-pressed": String(Boolean(filters.get(track)?.has(place))) },
    swatch, el("span", { class: "word" }, name), ` ${count}`);
}

/** Ask for a value of a track, or no longer; values of one track add up, tracks narrow each other. */
function toggleValue(track, place) {
  const wanted = filters.get(track) ?? new Set();
  if (!wanted.delete(place)) wanted.add(place);
  if (wanted.size) filters.set(track, wanted);
  else filters.delete(track);
  drawTracks();
  drawHeatmap();
  document.querySelector(`#tracks [data-track="${track}"][data-place="${place ?? ""}"]`)?.focus();
}

function groupBy(track) {
  grouped = track;
  document.getElementById("group-samples").value = track === null ? "" : String(track);
  drawHeatmap();
}

function startTracks() {
  const choice = document.getElementById("group-samples");
  choice.replaceChildren(el("option", { value: "" }, "no groups"),
    ...tracks.map(({ label }, n) => el("option", { value: n }, `by ${label}`)));
  choice.addEventListener("change", () => groupBy(choice.value === "" ? null : Number(choice.value)));
  document.getElementById("group-choice").hidden = tracks.length === 0;
  document.getElementById("tracks").addEventListener("click", (event) => {
    const value = event.target.closest("button.value");
    if (value) toggleValue(Number(value.dataset.track), value.dataset.place === "" ? null : Number(value.dataset.place));
    else if (event.target.closest("#clear-tracks")) {
      filters.clear();
      drawTracks();
      drawHeatmap();
      document.querySelector("#tracks button.value")?.focus();
    }
  });
  const asked = tracks.findIndex(({ name, label }) => [name, label].includes(document.getElementById("heat").dataset.group));
  if (asked >= 0) {
    grouped = asked;
    choice.value = String(asked);
  }
  drawTracks();
}
