// When a page of the dashboard has painted its first rows, its chart and its counts: milliseconds after the browser began to ask
// for it, of a person who never was there before. Prints an object for each visit.
//
//     first_paint.mjs --count N --url URL
import { createRequire } from 'node:module';

import { printLine, readArguments } from '../tests/node/command.mjs';
import config from '../tests/browser/playwright.config.mjs';

const load = createRequire(new URL('../build/browser/package.json', import.meta.url));
const { chromium } = load('@playwright/test');

const options = readArguments({ url: null, count: 10 });
const WAIT_MS = 20_000;

// In the page, before anything of it runs. What is posted while a frame is prepared arrives when that frame was painted.
function watch() {
  const parts = { rows: 'tr.row', chart: '.histogram canvas', counts: '.facets .facet' };
  window.painted = {};
  const look = () => {
    for (const [name, selector] of Object.entries(parts)) {
      if (name in window.painted || !document.querySelector(selector)) continue;
      window.painted[name] = null;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { window.painted[name] = performance.now(); };
      requestAnimationFrame(() => port2.postMessage(null));
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}

const complete = () => ['rows', 'chart', 'counts'].every(name => window.painted[name]);

async function visit(browser) {
  const context = await browser.newContext({ viewport: config.use.viewport });
  const page = await context.newPage();
  await page.addInitScript(watch);
  await page.goto(options.url);
  await page.waitForFunction(complete, undefined, { timeout: WAIT_MS });
  await page.waitForLoadState('networkidle'); // what is still counted would be work beside the next visit
  const painted = await page.evaluate(() => window.painted);
  await context.close();
  return painted;
}

const browser = await chromium.launch(config.use.launchOptions);
await visit(browser); // the browser's own first steps
for (let left = options.count; left > 0; left--) printLine(await visit(browser));
await browser.close();
