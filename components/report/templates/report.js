"use strict";
(() => {
  const root = document.documentElement;

  // A canvas needs the colour itself: a custom property still reads light-dark(...).
  function colour(name) {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    root.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  // Sorting: a click on a heading sorts by its column, a second one the other way round.
  function value(cell) {
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const number = Number(text.replace(/,/g, "").match(/^-?[\d.]+/)?.[0] ?? NaN);
    return Number.isNaN(number) ? text.toLowerCase() : number;
  }

  function sortBy(table, column, heading) {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row.cells[column]), row]);
    rows.sort(([a], [b]) => {
      if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1; // figures before "not run"
      return (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1);
    });
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows.map(([, row]) => row));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if ("plain" in heading.dataset) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sortBy(table, column, heading));
      heading.append(button);
    });
  }

  // Training curves.
  const curves = new Map(JSON.parse(document.getElementById("curves").textContent).map((c) => [`${c.stage}:${c.metric}`, c]));
  const drawn = [];

  // As many digits as tell neighbouring ticks apart, and no more than the margin holds.
  function tick(value, step) {
    if (value === 0) return "0";
    if (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6) return value.toExponential(1);
    let digits = 0;
    while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits += 1;
    return value.toFixed(digits);
  }

  function draw(figure) {
    const curve = curves.get(figure.dataset.curve);
    const holder = figure.querySelector(".canvas");
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    const options = {
      width: holder.clientWidth, height: 190, legend: { show: true, live: true }, scales: { x: { time: false } },
      axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] }, { ...axis, size: 76, values: (_, ticks, index, space, step) => ticks.map((v) => tick(v, step)) }],
      series: [{ label: "step" }, { label: curve.metric, value: (_, v) => v?.toPrecision(5) ?? "", stroke: colour("--accent"), width: 2, points: { show: curve.steps.length < 40, size: 5 } }],
    };
    return new uPlot(options, [curve.steps, curve.points], holder);
  }

  function drawAll() {
    while (drawn.length) drawn.pop().destroy();
    for (const figure of document.querySelectorAll("[data-curve]")) drawn.push(draw(figure));
  }

  drawAll();
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => document.querySelectorAll("[data-curve] .canvas").forEach((h, i) => drawn[i].setSize({ width: h.clientWidth, height: 190 })), 100);
  });
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    drawAll();
  });

  // Paper is light, and a canvas does not change its colours by itself.
  let shown;
  addEventListener("beforeprint", () => {
    shown = root.dataset.theme;
    root.dataset.theme = "light";
    drawAll();
  });
  addEventListener("afterprint", () => {
    if (shown) root.dataset.theme = shown;
    else delete root.dataset.theme;
    drawAll();
  });
})();
