// How the dashboard looks: no violation that axe knows of on any page, in light and dark; narrow windows; what it weighs.
// USERTRAIL_TEST_PICTURES names a folder to keep pictures of each page in; docs/images is made so.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Dashboard, NOW, REFUSED, dashboardTest, expect, needsLibraries, refused, shopActivities } from './dashboard.mjs';
import { fileOf } from './packages.mjs';
import { Usertrail } from './usertrail.mjs';

const BYTES_MAX = 200 * 1024;
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const axe = readFileSync(fileOf('axe-core', 'axe.min.js'), 'utf8');

const MESSAGES = [
  '{"userId":"user-1016","action":"checkout","timestamp":"2026-01-14T10:02:11Z","metadata":{"total":"19.90"}}',
  '{"userId":"user-1003","action":"login","timestamp":"2026-01-14T10:04:40Z"}',
  '{"userId":"user-1021"}',
  'GET /health HTTP/1.1',
];
const DAY = 86_400_000;

// More by day than by night.
const inWaves = activities => activities.map(activity => {
  const before = NOW - Date.parse(activity.timestamp);
  return { ...activity, timestamp: new Date(NOW - before - 8_000_000 * (1 - Math.cos(2 * Math.PI * before / DAY))).toISOString() };
});

const test = dashboardTest.extend({
  // Shared, since no test of this file changes anything.
  shop: [async ({}, use) => {
    const one = await Usertrail.start();
    await one.record(inWaves(shopActivities(4200, 20_000)));
    await use(one);
    await one.stop();
  }, { scope: 'worker' }],
  refusing: [async ({}, use) => {
    const one = await Usertrail.start({}, refused(MESSAGES));
    await use(one);
    await one.stop();
  }, { scope: 'worker' }],
  locked: [async ({}, use) => {
    const one = await Usertrail.start({ all: 'write,read' });
    await use(one);
    await one.stop();
  }, { scope: 'worker' }],
});

needsLibraries();

// What is kept where USERTRAIL_TEST_PICTURES says.
const KEPT = ['activities', 'activities-open', 'users', 'user', 'refused', 'sign-in'];
const PICTURES = process.env.USERTRAIL_TEST_PICTURES;

// The first page, where something opens a dialog.
const opened = then => ({ hash: '', ready: page => page.locator('tr.row').first(), then, wait: page => page.getByRole('dialog') });

// Each page, and what of it opens: how to get there, and when it is there.
const PAGES = {
  activities: { hash: '', ready: page => page.locator('tr.row').first() },
  'activities-open': {
    hash: '#/activities?last=6h&action=checkout&%21userId=user-1009',
    ready: page => page.locator('tr.row').first(),
    then: async page => page.locator('tr.row button').nth(2).click(),
    wait: page => page.locator('tr.detail .raw'),
  },
  'chart-as-table': { ...opened(page => page.getByRole('button', { name: 'As a table' }).click()), wait: page => page.locator('.data-table') },
  'time-picker': opened(page => page.getByRole('button', { name: 'Last 24 hours' }).click()),
  columns: opened(page => page.getByRole('button', { name: 'Columns' }).click()),
  completion: {
    ...opened(page => page.getByRole('combobox', { name: 'Add a filter' }).fill('action=')),
    wait: page => page.getByRole('option').first(),
  },
  empty: { hash: '#/activities?userId=nobody', ready: page => page.getByText('No activities', { exact: true }) },
  users: { hash: '#/users', ready: page => page.locator('.plain tbody tr').first() },
  user: { hash: '#/users/user-1009', ready: page => page.locator('.day').first() },
  erase: {
    ...opened(page => page.getByRole('button', { name: 'Erase…' }).click()),
    hash: '#/users/user-1009', ready: page => page.locator('.day').first(),
  },
  refused: { hash: '#/refused', server: 'refusing', ready: page => page.locator('.refused tbody tr').first() },
  'nothing-refused': { hash: '#/refused', ready: page => page.getByText('Nothing is refused') },
  'sign-in': { hash: '', server: 'locked', ready: page => page.getByLabel('Key') },
};

// By the debugger's way into the page, since the policy lets no script in.
async function violations(page) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe);
  const { violations: found } = await page.evaluate(tags => window.axe.run(document, { runOnly: tags }), AXE_TAGS);
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
}

for (const [name, { hash, server = 'shop', ready, then, wait }] of Object.entries(PAGES)) {
  test(`axe finds nothing, in light and dark: ${name}`, async ({ page, watch, shop, refusing, locked }, info) => {
    watch.expect(REFUSED);
    await new Dashboard(page, watch, { shop, refusing, locked }[server]).visit(hash);
    await expect(ready(page)).toBeVisible();
    if (then) {
      await then(page);
      await expect(wait(page)).toBeVisible();
    }
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
      expect(await violations(page)).toEqual([]);
      await page.screenshot({ path: join(KEPT.includes(name) && PICTURES || info.outputDir, `${name}-${colorScheme}.png`) });
    }
  });
}

for (const name of ['activities', 'user', 'users', 'refused', 'sign-in']) {
  test(`a narrow window needs no scrolling sideways: ${name}`, async ({ page, watch, shop, refusing, locked }, info) => {
    watch.expect(REFUSED);
    const { hash, server = 'shop', ready } = PAGES[name];
    await page.setViewportSize({ width: 320, height: 700 });
    await new Dashboard(page, watch, { shop, refusing, locked }[server]).visit(hash);
    await expect(ready(page)).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    await page.screenshot({ path: info.outputPath(`${name}-narrow.png`), fullPage: true });
  });
}

test('the axe of these tests finds what is wrong', async ({ page, watch, shop }) => {
  await new Dashboard(page, watch, shop).visit();
  await expect(page.locator('tr.row').first()).toBeVisible();
  await page.evaluate(() => document.querySelector('.theme').removeAttribute('aria-label'));
  await page.evaluate(() => document.querySelector('.theme').removeAttribute('title'));
  expect(await violations(page)).toEqual([expect.stringMatching(/^button-name: /)]);
});

test('the page weighs little, and asks this server only', async ({ page, watch, shop }, info) => {
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  const names = new Map();
  let bytes = 0;
  client.on('Network.responseReceived', ({ requestId, response }) => names.set(requestId, new URL(response.url).pathname));
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (/^\/(dashboard\/|$)/.test(names.get(requestId) ?? '')) bytes += encodedDataLength;
  });
  await new Dashboard(page, watch, shop).visit();
  await expect(page.locator('tr.row').first()).toBeVisible();
  info.annotations.push({ type: 'bytes', description: String(bytes) });
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThan(BYTES_MAX);
});
