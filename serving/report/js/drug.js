// One drug of one sample: what is predicted, how sure that is, and why.

function reasonList(score) {
  if (!score.reasons.length) return null;
  return el("ul", { class: "notes" }, score.reasons.map((place) => {
    const [code, text, abstains] = page.reasons[place];
    return el("li", { class: abstains ? "grave" : null, title: code }, text);
  }));
}

function evidenceTable(score) {
  if (!score.evidence) return [];
  const heads = ["Fact", "Direction", "Strength", "The model"];
  return [
    el("h3", null, "Evidence from the literature"),
    page.evidenceFrom ? el("p", { class: "quiet" }, page.evidenceFrom) : null,
    el("div", { class: "scroll" }, el("table", { class: "plain evidence" },
      el("thead", null, el("tr", null, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", null, score.evidence.map(factRow)))),
  ];
}

/** What assays of this sample found: no fact of the literature, and no part of the prediction. */
function measuredTable(score) {
  if (!score.measured) return [];
  return [
    el("h3", null, "Measured in this sample"),
    el("p", { class: "quiet" }, "Found by assays that were given with --assays. The model learned none of it, and no contribution holds it."),
    el("div", { class: "scroll" }, el("table", { class: "plain evidence", id: "measured" },
      el("thead", null, el("tr", null, ["Finding", "Direction", "How", "The model"].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", null, score.measured.map(factRow)))),
  ];
}

function factRow([fact, direction, strength, source, agreement, alternatives, statement]) {
  const notes = [page.sentences[statement], alternatives && `Drugs to think of: ${alternatives.replaceAll(";", ", ")}.`, source];
  return el("tr", null,
    el("td", null, fact, notes.filter(Boolean).map((text) => el("small", { class: "note" }, text))),
    [direction, strength, agreement].map((text) => el("td", null, text)));
}

/** Every number of the explanation, for reading aloud, copying and checking. */
function numbersTable(score) {
  const [prediction, , , base] = score.at;
  const largest = Math.max(Math.abs(score.rest), ...score.contributions.map(Math.abs));
  const heads = ["Feature", "Mechanism", "Value", "Contribution", "In folds' top", "Stability"];
  const line = (name, value, text) => el("tr", { "data-row": name },
    el("th", { scope: "row", colspan: 3 }, name), el("td", { class: "number", "data-value": value }, text),
    el("td"), el("td"));
  const rows = featuresOf(score).map((one) => el("tr", { "data-feature": one.feature },
    el("th", { scope: "row", class: "name", title: one.feature }, one.label),
    el("td", null, one.mechanism),
    el("td", { class: "whole" }, valueText(one.kind, one.value)),
    el("td", { class: "number", "data-value": one.contribution }, number(one.contribution, true, largest)),
    el("td", { class: "number" }, one.share === null ? "–" : `${Math.round(100 * one.share)} %`),
    el("td", null, one.stable ? "stable" : "unstable")));
  return el("details", { class: "numbers-details" },
    el("summary", null, "The numbers"),
    el("div", { class: "scroll" }, el("table", { class: "plain numbers" },
      el("thead", null, el("tr", null, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", null, line("base value", base, number(base)), rows,
        line(OTHER, score.rest, number(score.rest, true, largest)), line("prediction", prediction, number(prediction))))));
}

/** Partner drugs where this one is predicted to fail, the strongest evidence first. */
function partnerTable(score) {
  if (!score.partners) return [];
  const rows = score.partners.map(([partner, evidence, mechanism, view, reason, caveat, source]) => el("tr", null,
    el("td", null, el("span", { class: "name" }, mechanism ? `${partner}: ${mechanism}` : partner),
      el("details", { class: "note" }, el("summary", null, "Why, and what that does not say"),
        el("p", null, page.sentences[reason]), el("p", null, page.sentences[caveat]), el("p", { class: "name" }, page.sentences[source]))),
    el("td", null, evidence), el("td", null, view)));
  return [
    el("h3", { id: "partners-title" }, "Partner drugs to think of"),
    el("p", { class: "quiet" }, "Where this drug is predicted to fail. Published rules come first, what only the model says last; no synergy is claimed."),
    el("div", { class: "scroll" }, el("table", { class: "plain evidence partners", "aria-labelledby": "partners-title" },
      el("thead", null, el("tr", null, ["Partner", "Evidence", "The model on it"].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", null, rows))),
  ];
}

function sidesKey(...more) {
  return el("p", { class: "key" },
    el("span", { class: "towards-sensitive" }, "← towards sensitive"), " · ",
    el("span", { class: "towards-resistant" }, "towards resistant →"), ...more);
}

/** A place for a chart, which is drawn once it is known how wide it may be. */
function chartPlace(draw, name) {
  const place = el("div", { class: "chart", "data-chart": name });
  place.draw = () => {
    if (place.clientWidth) place.replaceChildren(draw(Math.min(place.clientWidth, 760)));
  };
  return place;
}

function drugPanel(sample, drug) {
  const score = scoreOf(sample, drug);
  const { label, about, quality } = drugs[drug];
  if (!score) return [el("h2", { class: "name" }, label), el("p", null, "This drug was not scored.")];
  const [predicted, called, marker, driven, stability] = score.says.map((place) => page.sentences[place]);
  const modalities = sumsOf(page.modalities, score.modalities);
  const mechanisms = sumsOf(page.mechanisms, score.mechanisms);
  const near = score.applicability === null ? ""
    : ` Applicability ${fixed(score.applicability, 2)}: the share of ${score.among === undefined ? `held-out ${response.line}s that lie as far from the rest` : `the ${amongOf(score)}, or of held-out lines, that lie as far from the training lines, less what all tumours share`}.`;
  return [
    el("h2", { class: "name", id: "drug-title", tabindex: -1 }, label), badge(score.call),
    about ? el("p", { class: "quiet" }, about) : null,
    el("p", { class: "says" }, `${predicted} ${called} ${marker}`),
    reasonList(score),
    el("p", { class: "quiet" }, quality + near),
    el("h3", null, `Among the ${score.among === undefined ? `${response.line}s` : amongOf(score)}`),
    chartPlace((width) => stripChart(score, width), "strip"),
    sidesKey(` · marks: a hundredth of the ${score.among === undefined ? response.lines : `observed lines, and of the predicted ${amongOf(score)}`}; band: interval; dotted: typical ${response.line.split(" ")[1]}`),
    el("h3", null, "What moves the prediction"),
    el("p", { class: "says" }, driven),
    el("div", { class: "pair" },
      el("div", null, el("h3", null, "By mechanism"),
        chartPlace((width) => sumsChart(mechanisms, "mechanism", width), "mechanisms")),
      el("div", null, el("h3", null, "By modality"),
        chartPlace((width) => sumsChart(modalities, "modality", width), "modalities"))),
    el("h3", null, "Feature by feature"),
    chartPlace((width) => waterfallChart(score, width), "waterfall"),
    sidesKey(" · solid: stable; pale with a broken edge: unstable"),
    stability ? el("p", { class: "quiet" }, stability) : null,
    numbersTable(score),
    ...partnerTable(score),
    ...measuredTable(score),
    ...evidenceTable(score),
  ].filter(Boolean);
}
