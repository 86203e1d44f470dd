// A bar chart by uPlot, in which a stretch can be drawn to zoom into. What it shows is also there as a table (histogram.js).
import { html, useEffect, useRef } from './runtime.js';
import { formatTime } from './times.js';

const HEIGHT = 116;
const { uPlot } = globalThis;

// Of the axis of counts: no half activities.
const STEPS = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat();

const colourOf = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The time of a mark, the day where one begins, the year where nothing less is told apart.
function markOf(seconds, zone) {
  const time = formatTime(seconds * 1000, zone, { seconds: true });
  if (seconds % 60 !== 0) return time.slice(11);
  if (!time.endsWith('00:00:00')) return time.slice(11, 16);
  return time.slice(5, 10) === '01-01' ? time.slice(0, 4) : time.slice(5, 10);
}

function optionsOf({ width, interval, zone, onZoom }) {
  const seconds = interval / 1000;
  const axis = { stroke: colourOf('--muted'), font: '11px system-ui, sans-serif', ticks: { show: false } };
  return {
    width, height: HEIGHT,
    tzDate: zone === 'local' ? undefined : time => uPlot.tzDate(new Date(time * 1000), zone),
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    padding: [8, 20, 0, 0],
    scales: {
      // Half a bar more on each side, or the outer ones would be cut.
      x: { range: (plot, least, most) => [least - seconds / 2, most + seconds / 2] },
      y: { range: (plot, least, most) => [0, Math.max(1, most * 1.08)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 80, values: (plot, marks) => marks.map(mark => markOf(mark, zone)) },
      { ...axis, grid: { stroke: colourOf('--line'), width: 1 }, size: 46, space: 32, incrs: STEPS,
        values: (plot, values) => values.map(value => new Intl.NumberFormat('en-US', { notation: 'compact' }).format(value)) },
    ],
    series: [{}, { fill: colourOf('--bar'), stroke: colourOf('--bar'), width: 0, points: { show: false },
      paths: uPlot.paths.bars({ size: [0.82, 48], radius: 0.12 }) }],
    hooks: {
      setSelect: [plot => {
        if (plot.select.width < 3) return;
        const at = pixels => Math.round(plot.posToVal(pixels, 'x') * 1000);
        onZoom({ from: at(plot.select.left), to: at(plot.select.left + plot.select.width) });
        plot.setSelect({ left: 0, width: 0 }, false);
      }],
    },
  };
}

// Bars stand in the middle of their stretch, so that what is drawn over one zooms into it. `describe` has words for one bar.
export function Chart({ times, counts, interval, zone, theme, label, describe, onZoom }) {
  const place = useRef(null);
  const tip = useRef(null);
  useEffect(() => {
    const box = place.current;
    const middles = times.map(time => (time + interval / 2) / 1000);
    const options = optionsOf({ width: box.clientWidth, interval, zone, onZoom });
    options.hooks.setCursor = [plot => {
      const { idx, left } = plot.cursor;
      tip.current.hidden = idx == null || left < 0;
      if (!tip.current.hidden) {
        tip.current.textContent = describe(idx);
        tip.current.style.left = `${Math.min(left + 52, box.clientWidth - tip.current.offsetWidth)}px`;
      }
    }];
    const plot = new uPlot(options, [middles, counts], box);
    const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    observer.observe(box);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, counts, interval, zone, theme]);
  return html`
    <div class="chart">
      <div class="chart-canvas" role="img" aria-label=${label} ref=${place}></div>
      <div class="chart-tip" aria-hidden="true" ref=${tip} hidden></div>
    </div>`;
}
