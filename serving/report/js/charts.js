// The four kinds of charts. In all of them, right is resistant.
const INK = "#18222d", SOFT = "#55616e", RAIL = "#c9d0d7";
const TINTS = { resistant: "#f3d3b4", sensitive: "#c3daf0" };
const STYLE = { fontSize: "12px", fontFamily: "inherit", fontVariantNumeric: "tabular-nums" };
const MOST_BARS = 25;

/** Colour of the side that a contribution moves the prediction to. */
const colourOf = (contribution) => (contribution === 0 ? SOFT : CALL_COLOURS[towards(contribution)]);

/** Draw with Plot, as a picture that says in words what it shows. */
function drawn(says, options) {
  const chart = Plot.plot({ style: STYLE, ...options });
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", says);
  return chart;
}

/** What a score is compared with: training lines, or the tumours of a cohort. */
const amongOf = (score) => (score.among === undefined ? response.lines : page.sentences[score.among]);

/** Quantiles 0 to 100 of the training lines that a score is compared with; null if missing. */
function linesOf(score, which) {
  const lines = score.lines === null ? null : page.lines[score.lines][which];
  return lines && lines.every((value) => value !== null) ? lines : null;
}

/** Dot and whisker on the scale of the drug's training lines, the typical line in the middle. */
function intervalChart(score, width) {
  const [prediction, lower, upper] = score.at;
  const lines = linesOf(score, "observed") ?? [lower ?? prediction, upper ?? prediction];
  const middle = drugs[score.drug].typical ?? lines[Math.floor(lines.length / 2)];
  const half = Math.max(...[lines[0], lines.at(-1)].map((value) => Math.abs(value - middle))) || 1;
  const place = (value) => Math.max(-1.14, Math.min(1.14, (sign * (value - middle)) / half));
  const colour = CALL_COLOURS[score.call] ?? SOFT;
  const hollow = score.call === "abstain";
  const span = (a, b, options) => Plot.ruleY([0], { x1: place(a), x2: place(b), ...options });
  const mark = { resistant: "triangle", sensitive: "triangle" }[score.call] ?? "circle";
  return drawn(intervalText(score), {
    width, height: 26, margin: 0,
    x: { domain: [-1.18, 1.18], axis: null }, y: { domain: [-1, 1], axis: null },
    marks: [
      span(lines[0], lines.at(-1), { stroke: "#e4e8ec", strokeWidth: 2 }),
      lines.length > 2 ? span(lines[25], lines[75], { stroke: "#e4e8ec", strokeWidth: 12 }) : null,
      Plot.ruleX([0], { stroke: "#8a95a1", strokeWidth: 1 }),
      lower === null ? null
        : span(lower, upper, { stroke: colour, strokeWidth: 2, strokeDasharray: hollow ? "3 3" : null }),
      Plot.dot([0], {
        x: place(prediction), y: 0, r: 4.5, symbol: mark, rotate: score.call === "sensitive" ? 180 : 0,
        fill: hollow ? "#fff" : colour, stroke: hollow ? colour : "#fff", strokeWidth: hollow ? 1.5 : 1,
      }),
    ],
  });
}

/** Where a prediction lies among the training lines: observed responses and held-out predictions. */
function stripChart(score, width) {
  const [prediction, lower, upper] = score.at;
  const colour = CALL_COLOURS[score.call] ?? SOFT;
  const kinds = [["observed", "observed"], ["predicted", "predicted"]];
  const told = kinds.map(([key, label]) => [label, linesOf(score, key)]).filter(([, lines]) => lines);
  const ticks = told.flatMap(([label, lines]) => lines.map((value) => ({ label, value })));
  const halves = told.map(([label, lines]) => ({ label, low: lines[25], high: lines[75] }));
  const typical = drugs[score.drug].typical;
  return drawn(`${intervalText(score)}, among ${amongOf(score)}`, {
    width, height: 46 + 34 * told.length, marginLeft: 72, marginRight: 12, marginTop: 20, marginBottom: 30,
    x: { reverse: !response.higherIsResistant, nice: true, label: null, ticks: Math.max(3, width / 90) },
    y: { domain: told.map(([label]) => label), label: null, tickSize: 0, padding: 0.35 },
    marks: [
      Plot.axisX({ tickSize: 4, color: SOFT, label: null }),
      lower === null ? null : Plot.rect([0], { x1: lower, x2: upper, fill: colour, fillOpacity: 0.13 }),
      Plot.barX(halves, { x1: "low", x2: "high", y: "label", fill: "#dfe4e9", insetTop: 5, insetBottom: 5 }),
      Plot.tickX(ticks, { x: "value", y: "label", stroke: INK, strokeOpacity: 0.28 }),
      typical === null ? null : Plot.ruleX([typical], { stroke: SOFT, strokeDasharray: "2 3" }),
      Plot.ruleX([prediction], { stroke: colour, strokeWidth: 2.5 }),
      Plot.text([prediction], {
        x: (value) => value, text: () => number(prediction), frameAnchor: "top", dy: -14, fill: colour,
        fontWeight: 700, fontSize: 13,
      }),
    ],
  });
}

/** Steps of a waterfall, from the base value over the largest features and the rest to the end. */
function waterfallSteps(score) {
  const [prediction, , , base] = score.at;
  const features = featuresOf(score);
  const shown = features.slice(0, MOST_BARS);
  const hidden = features.slice(MOST_BARS).reduce((sum, one) => sum + one.contribution, score.rest);
  let at = base;
  const steps = [...shown, { label: OTHER, contribution: hidden, stable: true }].map((one) => {
    const from = at;
    at += one.contribution;
    return { ...one, from, to: at, side: towards(one.contribution) };
  });
  return { base, prediction, steps };
}

/** From the base value to the prediction, feature by feature. */
function waterfallChart(score, width) {
  const { base, prediction, steps } = waterfallSteps(score);
  const left = Math.min(210, Math.round(width * 0.4));
  const rows = steps.map((step, n) => ({ ...step, row: n + 1 }));
  const names = ["base value", ...steps.map((step) => step.label), "prediction"];
  const ends = [{ row: 0, at: base }, { row: names.length - 1, at: prediction }];
  const largest = d3.max(rows, (row) => Math.abs(row.contribution)) || 1;
  const joints = [
    { at: base, row: 0 }, ...rows.map((row) => ({ at: row.to, row: row.row })),
  ];
  const describe = (row) => row.feature === undefined ? OTHER
    : `${row.feature}, ${valueText(row.kind, row.value)}, ${row.mechanism}, ${row.stable ? "stable" : "unstable"}`;
  const solid = rows.filter((row) => row.stable), dashed = rows.filter((row) => !row.stable);
  return drawn(`From ${number(base)} to ${number(prediction)} in ${steps.length} steps`, {
    width, height: 30 + 19 * names.length, marginLeft: left, marginRight: 58, marginTop: 4, marginBottom: 26,
    x: { reverse: !response.higherIsResistant, label: null, ticks: Math.max(3, width / 130), inset: 8 },
    y: { type: "band", domain: d3.range(names.length), label: null, padding: 0.22 },
    marks: [
      Plot.axisX({ tickSize: 4, color: SOFT, label: null }),
      Plot.axisY({
        tickSize: 0, tickFormat: (n) => names[n], lineWidth: left / 12.4, textOverflow: "ellipsis-end",
      }),
      Plot.ruleX([base], { stroke: RAIL, strokeDasharray: "2 3" }),
      Plot.link(joints, {
        x1: "at", x2: "at", y1: "row", y2: (joint) => joint.row + 1, stroke: RAIL, strokeWidth: 1,
      }),
      Plot.barX(solid, { x1: "from", x2: "to", y: "row", fill: (row) => CALL_COLOURS[row.side], title: describe }),
      Plot.barX(dashed, {
        x1: "from", x2: "to", y: "row", fill: (row) => TINTS[row.side],
        stroke: (row) => CALL_COLOURS[row.side], strokeDasharray: "3 2", title: describe,
      }),
      Plot.tickX(ends, { x: "at", y: "row", stroke: INK, strokeWidth: 3 }),
      Plot.text(rows, {
        y: "row", text: (row) => number(row.contribution, true, largest), frameAnchor: "right", dx: 54,
        fill: (row) => colourOf(row.contribution),
      }),
      Plot.text(ends, {
        y: "row", text: (end) => number(end.at), frameAnchor: "right", dx: 54, fill: INK, fontWeight: 700,
      }),
    ],
  });
}

/** Bars to either side of nothing, for sums by modality or mechanism. */
function sumsChart(sums, what, width) {
  const left = Math.min(148, Math.round(width * 0.5));
  const most = Math.max(...sums.map((one) => Math.abs(one.contribution))) || 1;
  return drawn(`Contributions by ${what}`, {
    width, height: 10 + 20 * sums.length, marginLeft: left, marginRight: 58, marginTop: 2, marginBottom: 4,
    x: { reverse: !response.higherIsResistant, domain: [-most, most], axis: null },
    y: { domain: sums.map((one) => one.label), label: null, padding: 0.25 },
    marks: [
      Plot.axisY({ tickSize: 0, label: null }),
      Plot.ruleX([0], { stroke: "#8a95a1" }),
      Plot.barX(sums, { x: "contribution", y: "label", fill: (one) => colourOf(one.contribution) }),
      Plot.text(sums, {
        y: "label", text: (one) => number(one.contribution, true, most), frameAnchor: "right", dx: 54,
        fill: (one) => colourOf(one.contribution),
      }),
    ],
  });
}
