// Charts of the console. A plot carries its data and says which chart it is.
(() => {
  const tokens = getComputedStyle(document.documentElement);
  const token = (name) => {
    // ECharts reads no oklch: let the browser paint it and read the colour back.
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = tokens.getPropertyValue(name);
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    return `rgb(${r},${g},${b})`;
  };
  const ink = token("--color-base-content"), line = token("--color-base-300");
  const accent = token("--color-primary");
  const axis = { axisLabel: { color: ink, margin: 12 }, axisLine: { lineStyle: { color: line } },
    splitLine: { lineStyle: { color: line } }, axisTick: { show: false } };
  const base = (data) => ({
    animation: false, grid: { left: 8, right: 12, top: 16, bottom: 8, containLabel: true },
    textStyle: { fontFamily: "system-ui, sans-serif", color: ink },
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, valueFormatter: data.money },
    xAxis: { type: "category", data: data.at, ...axis, splitLine: { show: false } },
    yAxis: { type: "value", ...axis,
      axisLabel: { ...axis.axisLabel, formatter: data.money } },
  });
  const kinds = {
    flow: (data) => ({ ...base(data), series: [
      { name: data.names[0], type: "bar", stack: "flow", data: data.inflow, itemStyle: { color: accent } },
      { name: data.names[1], type: "bar", stack: "flow", data: data.outflow.map((y) => -y || null),
        itemStyle: { color: "transparent", borderColor: ink, borderWidth: 1 } }] }),
    price: (data) => ({ ...base(data), series: [
      { name: data.names[0], type: "line", symbol: "none", data: data.price,
        lineStyle: { color: accent, width: 2 }, itemStyle: { color: accent } },
      { name: data.names[1], type: "line", symbol: "none", data: data.cash,
        lineStyle: { color: ink, width: 1.5, type: "dashed" }, itemStyle: { color: ink } }] }),
  };
  const ghost = { color: "transparent", borderColor: ink, borderWidth: 1 };
  Object.assign(kinds, {
    bars: (data) => ({ ...base(data), series: [
      { name: data.names[0], type: "bar", data: data.first, itemStyle: ghost },
      { name: data.names[1], type: "bar", data: data.second, itemStyle: { color: accent } }] }),
    spread: (data) => ({ ...base(data), series: ["low", "median", "high"].map((name, at) => (
      { name: data.names[at], type: "bar", data: data[name],
        itemStyle: name === "median" ? { color: accent } : ghost })) }),
  });
  for (const plot of document.querySelectorAll("[data-chart]")) {
    const chart = echarts.init(plot, null, { renderer: "svg" });
    const money = (y) => (y == null ? "–" // no value on this day
      : `${y < 0 ? "\u2212" : ""}${plot.dataset.sign} ${Math.abs(y).toLocaleString()}`);
    chart.setOption(kinds[plot.dataset.chart]({ ...JSON.parse(plot.dataset.values), money }));
    new ResizeObserver(() => chart.resize()).observe(plot);
  }
})();
