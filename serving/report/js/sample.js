// One sample: its drugs in order, and the one that is open.
const ranking = { sort: "resistant", wanted: "", open: null };
const RANKINGS = {
  resistant: ["most resistant first", (a, b) => compare(shownPercentile(a), shownPercentile(b), -1)],
  sensitive: ["most sensitive first", (a, b) => compare(shownPercentile(a), shownPercentile(b), 1)],
  narrow: ["narrowest interval first", (a, b) => compare(widthOf(a), widthOf(b), 1)],
  name: ["by name", (a, b) => compareNames(drugs[a.drug].label, drugs[b.drug].label)],
};

/** Width of an interval as a share of the spread of the training lines; null if there is none. */
function widthOf(score) {
  const [, lower, upper] = score.at, lines = linesOf(score, "observed");
  if (lower === null || upper === null) return null;
  return (upper - lower) / (lines ? lines.at(-1) - lines[0] || 1 : 1);
}

/** Scores of a sample in the order that is asked for; those without a call come last. */
function rankedScores(sample) {
  const found = sample.drugs.filter(({ drug }) =>
    matches(`${drugs[drug].label} ${drugs[drug].about}`, ranking.wanted));
  return found.sort(RANKINGS[ranking.sort][1]);
}

function rankingRow(sample, score, open) {
  const { name, label, about } = drugs[score.drug];
  const percentile = score.percentile === null ? "–" : String(Math.round(score.percentile));
  return el("tr", { "data-drug": score.drug, "aria-current": score.drug === open ? "true" : null },
    el("th", { scope: "row", class: "name", title: about ? `${label}, ${about}` : label },
      el("a", { href: linkTo(sample.name, name) }, label)),
    el("td", { class: "number" }, score.call === "abstain" ? "–" : percentile),
    el("td", { class: "number c-p" }, score.call === "abstain" ? "–" : probabilityText(score)),
    el("td", { title: intervalText(score) }, chartPlace((width) => intervalChart(score, width), "interval")),
    el("td", null, badge(score.call)));
}

function rankingTable(sample, open) {
  const scores = rankedScores(sample);
  const body = el("tbody", null, scores.map((score) => rankingRow(sample, score, open)));
  return el("table", { class: "ranking" },
    el("thead", null, el("tr", null,
      el("th", { scope: "col", class: "c-drug" }, "Drug"),
      el("th", { scope: "col", class: "c-percentile number" }, "Percentile"),
      el("th", { scope: "col", class: "c-p number", title: "Probability of resistance" }, "P"),
      el("th", { scope: "col" }, el("span", { class: "ends" },
        el("span", null, "← sensitive"), el("span", null, "resistant →"))),
      el("th", { scope: "col", class: "c-call" }, el("span", { class: "word" }, "Call")))),
    body);
}

/** What is to be kept in mind over all drugs; what was not measured is told before. */
function sampleNotes(sample) {
  const counts = new Map();
  for (const place of sample.drugs.flatMap((score) => score.reasons)) {
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const notes = [...counts].map(([place, count]) => [...page.reasons[place], count])
    .filter(([code]) => !code.startsWith("MODALITY_MISSING"))
    .sort((a, b) => b[2] - a[2] || b[3] - a[3]);
  if (!notes.length) return null;
  return el("ul", { class: "notes", "aria-label": "Warnings" }, notes.map(([code, text, abstains, count]) =>
    el("li", { class: abstains ? "grave" : null, title: code },
      `${text}${abstains ? " No call is made." : ""} (${count} of ${sample.drugs.length} ${sample.drugs.length === 1 ? "drug" : "drugs"})`)));
}

function crumbs(sample) {
  const at = places.get(sample.name);
  const step = (n, text, rel) => samples[n]
    ? el("a", { href: linkTo(samples[n].name), rel, title: samples[n].name }, text) : null;
  return el("nav", { class: "crumbs", "aria-label": "Samples" },
    el("a", { href: "#" }, "← All samples"), el("span", { class: "spring" }),
    step(at - 1, "‹ Previous sample", "prev"), step(at + 1, "Next sample ›", "next"));
}

/** What is known of a sample beside its molecules; HER2 is told in a sentence. */
function knownOf(sample) {
  const told = d3.range(tracks.length).filter((track) => tracks[track].name !== "her2" && placeOf(sample, track) !== null);
  return told.length ? el("p", { class: "quiet name", id: "known" }, told.map((track) => valueSays(sample, track)).join(" · ")) : null;
}

/** Sort and search the drugs of the open sample anew. */
function drawRanking(sample) {
  document.getElementById("ranked").replaceChildren(rankingTable(sample, ranking.open));
  drawCharts(document.getElementById("ranked"));
}

/** Show a sample, and one of its drugs: the first in order unless one is asked for. */
function drawSample(sample, wanted) {
  const drug = wanted ?? rankedScores(sample)[0]?.drug ?? 0;
  ranking.open = drug;
  const options = Object.entries(RANKINGS).map(([key, [text]]) =>
    el("option", { value: key, selected: key === ranking.sort }, text));
  document.getElementById("sample").replaceChildren(
    crumbs(sample),
    el("h1", { class: "name", id: "sample-title", tabindex: -1 }, sample.name),
    ...sample.says.map((text) => el("p", { class: "says" }, text)),
    knownOf(sample) ?? "",
    sampleNotes(sample) ?? "",
    el("div", { class: "split" },
      el("section", { class: "ranked", "aria-labelledby": "ranking-title" },
        el("div", { class: "ranking-tools" },
          el("h2", { id: "ranking-title" }, "Drugs"),
          el("input", { type: "search", id: "find-ranked", "aria-label": "Find drugs", value: ranking.wanted,
            placeholder: "find drugs", autocomplete: "off", spellcheck: "false" }),
          el("select", { id: "sort-ranking", "aria-label": "Sort drugs" }, options)),
        el("div", { id: "ranked" }, rankingTable(sample, drug)),
        el("p", { class: "key" }, `On each drug's own scale. Grey: ${response.line}s, the middle half of them broad; `
          + "upright: the typical one. Coloured: prediction and interval; broken and hollow: no call.")),
      el("article", { class: "drug", id: "drug", "aria-labelledby": "drug-title" }, drugPanel(sample, drug))));
  drawCharts(document.getElementById("sample"));
}

/** Draw the charts that are on the page, as wide as there is room. */
function drawCharts(part) {
  for (const place of part.querySelectorAll(".chart")) place.draw();
}
