// What is open, by the address; and what happens when somebody types, clicks or prints.
const overview = document.getElementById("overview"), opened = document.getElementById("sample");
const title = document.title;
let shown = null, scrolled = 0;

function asked() {
  const parts = new URLSearchParams(location.hash.slice(1));
  return { sample: parts.get("sample"), drug: parts.get("drug") };
}

/** File of the report that holds a sample which is not on this page; null if none is known. */
function fileOf(name) {
  const found = others.find(([, names]) => names.includes(name));
  if (found) return found[0];
  return document.querySelector('a[rel="prev"][href$=".html"]') ? "report.html" : null;
}

function openSample(name, drugName) {
  const sample = samples[places.get(name)];
  const change = shown !== name;
  if (overview.hidden === false) scrolled = window.scrollY;
  overview.hidden = true;
  opened.hidden = false;
  document.title = `${name} · ${title}`;
  drawSample(sample, drugPlaces.get(drugName));
  if (change) {
    window.scrollTo(0, 0);
    document.getElementById("sample-title").focus({ preventScroll: true });
  } else if (window.matchMedia("(max-width: 960px)").matches) {
    document.getElementById("drug").scrollIntoView();
  }
  shown = name;
}

function openOverview() {
  overview.hidden = false;
  opened.hidden = true;
  document.title = title;
  if (shown !== null) {
    window.scrollTo(0, scrolled);
    const link = [...document.querySelectorAll("#heat tbody a")].find((one) => one.textContent === shown);
    if (link) link.focus({ preventScroll: true });
  }
  shown = null;
}

function follow() {
  if (location.hash === "#content") return;
  const { sample, drug } = asked();
  if (sample !== null && !places.has(sample)) {
    const file = fileOf(sample);
    if (file) return location.replace(file + location.hash);
    document.getElementById("find-sample").value = sample;
    drawHeatmap();
    document.getElementById("found").textContent = `There is no sample ${sample} in this report.`;
  }
  if (places.has(sample)) openSample(sample, drug);
  else openOverview();
}

function choices(id, options, change) {
  const select = document.getElementById(id);
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
  select.addEventListener("change", () => { change(select.value); drawHeatmap(); });
}

/** Sort the samples by a drug: most resistant first, then most sensitive first, then as before. */
function sortByDrug(drug) {
  const again = heat.samples === "drug" && heat.byDrug === drug;
  if (again && heat.direction > 0) Object.assign(heat, { samples: "given", direction: -1 });
  else Object.assign(heat, { samples: "drug", byDrug: drug, direction: again ? 1 : -1 });
  const select = document.getElementById("sort-samples");
  select.querySelector('[value="drug"]').hidden = heat.samples !== "drug";
  select.value = heat.samples;
  drawHeatmap();
  document.querySelector(`#heat thead [data-drug="${drug}"]`)?.focus();
}

choices("sort-samples",
  [["given", "as in the study"], ["name", "by name"], ["mean", "most resistant first"], ["drug", "by a drug"]],
  (value) => { heat.samples = value; });
document.querySelector('#sort-samples [value="drug"]').hidden = true;
choices("sort-drugs",
  [["given", "as in the model"], ["name", "by name"], ["mean", "most resistant first"]],
  (value) => { heat.drugs = value; });

for (const id of ["find-sample", "find-drug"]) {
  const field = document.getElementById(id);
  field.addEventListener("input", drawHeatmap);
  field.addEventListener("keydown", (event) => {
    const first = document.querySelector("#heat tbody a");
    if (event.key === "Enter" && first) location.hash = first.getAttribute("href");
  });
}

document.getElementById("heat").addEventListener("click", (event) => {
  const head = event.target.closest("thead [data-drug]"), cell = event.target.closest("td");
  const track = event.target.closest("thead [data-track]");
  if (head) sortByDrug(Number(head.dataset.drug));
  if (track) {
    const place = Number(track.dataset.track);
    groupBy(grouped === place ? null : place);
    document.querySelector(`#heat thead [data-track="${place}"]`)?.focus();
  }
  if (cell) openCell(cell);
});
document.getElementById("heat").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("td")) openCell(event.target);
  else moveInGrid(event);
});
function openCell(cell) {
  const sample = samples[Number(cell.parentElement.dataset.sample)];
  location.hash = linkTo(sample.name, cell.dataset.drug === undefined ? undefined : drugs[Number(cell.dataset.drug)].name);
}

opened.addEventListener("click", (event) => {
  const row = event.target.closest(".ranking tbody tr");
  if (row && !event.target.closest("a")) location.hash = row.querySelector("a").getAttribute("href");
});
opened.addEventListener("change", (event) => {
  if (event.target.id !== "sort-ranking") return;
  ranking.sort = event.target.value;
  drawRanking(samples[places.get(shown)]);
});
opened.addEventListener("input", (event) => {
  if (event.target.id !== "find-ranked") return;
  ranking.wanted = event.target.value.trim().toLowerCase();
  drawRanking(samples[places.get(shown)]);
});

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth !== width && !opened.hidden) drawCharts(opened);
  width = window.innerWidth;
});
window.addEventListener("hashchange", follow);

startTracks();
drawLegend();
drawHeatmap();
if (samples.length === 1 && others.length === 0 && location.hash === "") openSample(samples[0].name);
else follow();
