// What the page knows, as `contents.py` wrote it down.
const page = JSON.parse(document.getElementById("data").textContent);
const others = JSON.parse(document.getElementById("others").textContent);
const { response, drugs, samples } = page;
const places = new Map(samples.map((sample, n) => [sample.name, n]));
const drugPlaces = new Map(drugs.map((drug, n) => [drug.name, n]));
const OTHER = "(other)";

// Right is resistant in every chart, whatever the response's direction.
const sign = response.higherIsResistant ? 1 : -1;
const towards = (contribution) => (contribution * sign > 0 ? "resistant" : "sensitive");

/** Score of a sample and a drug by their places; undefined if the drug was not scored. */
function scoreOf(sample, drug) {
  const score = sample.drugs[drug];
  if (score && score.drug === drug) return score;
  return sample.drugs.find((one) => one.drug === drug);
}

/** Named features of a score, largest first, with what is known of them. */
function featuresOf(score) {
  return score.features.map((place, n) => {
    const [feature, label, modality, mechanism, kind] = page.features[place];
    return {
      feature, label, modality, mechanism, kind,
      value: score.values[n], contribution: score.contributions[n],
      share: score.shares[n], stable: Boolean(score.stable[n]),
    };
  });
}

/** Contributions by modality or mechanism, largest first; what the model lacks is left out. */
function sumsOf(names, values) {
  return names
    .map((label, n) => ({ label, contribution: values[n] ?? null }))
    .filter((one) => one.contribution !== null)
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
}


/** Percentile of a score that makes a call or is unsure; null where it abstains. */
function shownPercentile(score) {
  return !score || score.call === "abstain" ? null : score.percentile;
}

/** Mean of the numbers that are there; null if none is. */
function meanOf(values) {
  const told = values.filter((value) => value !== null && value !== undefined);
  return told.length ? told.reduce((sum, value) => sum + value, 0) / told.length : null;
}

/** Order for sorting, with missing values last whichever the direction. */
function compare(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  return direction * (a - b);
}
const compareNames = new Intl.Collator("en", { numeric: true }).compare;
