// How things are put on the page: text is only ever text.

/** An element with attributes (false, null and undefined are left out) and children. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Three significant digits, or the decimals of a larger number beside it, as `wording.number`. */
function number(value, signed = false, beside = value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(Number(beside.toPrecision(3)));
  return fixed(value, size > 0 ? Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(size)))) : 0, signed);
}

/** A number with that many decimals and a true minus sign; what is rounded to zero has no sign. */
function fixed(value, digits, signed = false) {
  const text = Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? "\u2212" : signed ? "+" : "") + text;
}

/** A feature's value in words, as `wording.value_text` writes it. */
function valueText(kind, value) {
  if (value === null) return "not measured";
  if (kind === "flag") return value > 0 ? "yes" : "no";
  if (kind === "number") return number(value);
  return `${fixed(value, 1, true)} ${kind}`;
}

/** Link inside the report to a sample, and to a drug of it. */
function linkTo(sample, drug) {
  const parts = new URLSearchParams({ sample, ...(drug === undefined ? {} : { drug }) });
  return `#${parts}`;
}

const CALLS = {
  resistant: ["▲", "resistant"], sensitive: ["▼", "sensitive"],
  uncertain: ["●", "uncertain"], abstain: ["–", "no call"],
};
const CALL_COLOURS = {
  resistant: "#ad4c08", sensitive: "#1b5a9e", uncertain: "#5b6774", abstain: "#8a95a1",
};

function badge(call) {
  const [mark, word] = CALLS[call] ?? ["", call];
  return el("span", { class: `badge ${call}` },
    el("span", { "aria-hidden": "true" }, `${mark} `), el("span", { class: "word" }, word));
}

/** A probability of resistance with two decimals, as `wording.probability`; none is certain. */
function probabilityText(score) {
  if (score.p === null) return "–";
  return score.p > 0.99 ? "over 0.99" : score.p < 0.01 ? "under 0.01" : fixed(score.p, 2);
}

/** An interval in words. */
function intervalText(score) {
  const [prediction, lower, upper] = score.at;
  if (lower === null || upper === null) return `${number(prediction)}, no interval`;
  const ends = [lower, upper].map((end) => number(end, false, prediction));
  return `${number(prediction)}, ${+(100 * response.level).toFixed(1)} % interval ${ends.join(" to ")}`;
}
