// The price curve of members and of the public page, and figures that follow the pool live.
(() => {
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

  function draw(plot) {
    const [at, price, cash] = JSON.parse(plot.dataset.series);
    const ink = getComputedStyle(plot).color;
    const grid = color("--color-base-300");
    const money = (y) => `${plot.dataset.sign} ${y.toLocaleString()}`;
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false },
      font: "12px system-ui, sans-serif" };
    const dates = plot.dataset.by === "date";
    const months = at[at.length - 1] - at[0] > 200 * 86400;
    const day = new Intl.DateTimeFormat(document.documentElement.lang, months
      ? { year: "2-digit", month: "numeric" } : { month: "numeric", day: "numeric" });
    const chart = new uPlot({
      width: plot.clientWidth, height: plot.clientHeight, legend: { show: false },
      cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: dates }, y: { range: (_, low, high) => [0, (high || 1) * 1.08] } },
      axes: [
        { ...axis, grid: { show: false }, space: 72, size: 34, gap: 9,
          values: (_, splits) => splits.map((x) => dates ? day.format(x * 1000)
            : Math.round(x).toLocaleString()) },
        { ...axis, values: (_, splits) => splits.map(money),
          size: (_, said) => 16 + 7 * Math.max(...(said || [""]).map((text) => text.length)) },
      ],
      series: [{},
        { stroke: color("--color-primary"), width: 2, points: { show: false } },
        { stroke: ink, width: 1.5, dash: [5, 4], points: { show: false } }],
    }, [at, price, cash], plot);
    new ResizeObserver(() => chart.setSize(
      { width: plot.clientWidth, height: plot.clientHeight })).observe(plot);
    return chart;
  }

  function follow(root, charts) {
    const source = new EventSource(root.dataset.live);
    source.onmessage = (message) => {
      const news = JSON.parse(message.data);
      for (const [name, { text, exact }] of Object.entries(news.figures)) {
        for (const figure of root.querySelectorAll(`[data-figure="${name}"]`)) {
          if (figure.textContent === text) continue;
          figure.textContent = text;
          figure.title = figure.value = exact;
          figure.classList.remove("changed");
          void figure.offsetWidth;
          figure.classList.add("changed");
        }
      }
      for (const chart of charts) {
        const [at, price, cash] = chart.data;
        if (news.point && news.point[0] > at[at.length - 1]) {
          chart.setData([[...at, news.point[0]], [...price, news.point[1]],
            [...cash, news.point[2]]]);
        }
      }
    };
  }

  const charts = [...document.querySelectorAll("[data-series]")].map(draw);
  document.querySelectorAll("[data-live]").forEach((root) => follow(root, charts));
})();
