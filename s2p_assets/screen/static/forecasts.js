/* The chart of a forecast: what came, what was forecast of it, what is expected with its range, where stock ran out,
   and the price below. Drawn again when the colours of the reader's system change. */
(() => {
  "use strict";
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const see = (name, share) => {
    const hex = colour(name).replace("#", "");
    const full = hex.length === 3 ? [...hex].map((one) => one + one).join("") : hex;
    const [red, green, blue] = [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16));
    return `rgba(${red}, ${green}, ${blue}, ${share})`;
  };
  const charts = [];
  const draw = (place) => {
    const given = JSON.parse(place.dataset.chart);
    const times = given.times.map((day) => Date.parse(`${day.slice(0, 10)}T00:00:00Z`) / 1000);
    if (!times.length) { return; }
    const cut = given.actual.map((value, at) => (given.cut_short[at] && value !== null ? value : null));
    const firstExpected = given.mean.findIndex((value) => value !== null);
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const whole = (_, ticks) => ticks.map((value) => value.toLocaleString("en"));
    const line = (label, name, more = {}) => ({ label, stroke: colour(name), width: 2, points: { show: false }, ...more });
    const size = () => ({ width: place.clientWidth - 2, height: Math.max(220, Math.min(340, place.clientWidth * 0.45)) });
    const now = firstExpected > 0 ? times[firstExpected] : null;
    const markNow = (plot) => {
      if (now === null) { return; }
      const x = plot.valToPos(now, "x", true);
      plot.ctx.save();
      plot.ctx.strokeStyle = colour("--quiet");
      plot.ctx.setLineDash([4, 4]);
      plot.ctx.beginPath();
      plot.ctx.moveTo(x, plot.bbox.top);
      plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
      plot.ctx.stroke();
      plot.ctx.restore();
    };
    const base = { cursor: { sync: { key: "forecast" } }, legend: { show: true, live: true }, tzDate: (at) => window.uPlot.tzDate(new Date(at * 1e3), "Etc/UTC") };
    place.replaceChildren();
    charts.push(new window.uPlot({
      ...size(), ...base,
      hooks: { draw: [markNow] },
      scales: { y: { range: (_, low, high) => [Math.min(0, low), high * 1.05 || 1] } },
      axes: [axis, { ...axis, size: 64, values: whole }],
      bands: [{ series: [6, 5], fill: see("--chart-2", 0.22) }],
      series: [
        { value: (_, at) => (at === null ? "" : new Date(at * 1e3).toISOString().slice(0, 10)) },
        line("came", "--chart-1"),
        line("forecast of it", "--chart-3", { dash: [6, 4] }),
        line("stock ran out", "--fault", { width: 0, points: { show: true, size: 8, fill: colour("--fault") } }),
        line("expected", "--chart-2"),
        line("rarely below", "--chart-2", { width: 0 }),
        line("rarely above", "--chart-2", { width: 0 }),
      ].map((one, at) => (at ? { ...one, value: (_, value) => (value === null ? "–" : Math.round(value * 10) / 10) } : one)),
    }, [times, given.actual, given.told, cut, given.mean, given.low, given.high], place));
    if (given.priced && given.price.some((value) => value !== null)) {
      charts.push(new window.uPlot({
        ...size(), height: 120, ...base,
        axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((value) => value.toFixed(2)) }],
        series: [{ value: () => "" }, line("price", "--chart-4", { paths: window.uPlot.paths.stepped({ align: 1 }) })],
      }, [times, given.price], place));
    }
  };
  const drawAll = () => {
    charts.splice(0).forEach((one) => one.destroy());
    document.querySelectorAll("[data-chart]").forEach(draw);
  };
  document.addEventListener("htmx:after:swap", (event) => { if (document.querySelector("[data-chart]:empty")) { drawAll(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let timer;
  addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(drawAll, 200); });
  addEventListener("load", drawAll);
})();
