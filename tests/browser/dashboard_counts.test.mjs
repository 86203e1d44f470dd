// Counts of the dashboard: the chart, drawing over it to zoom, the same as a table; actions and users with their counts.
import { dashboardTest as test, expect, needsLibraries, shopActivities } from './dashboard.mjs';

needsLibraries();

const total = page => page.locator('.total strong');
const chart = page => page.getByRole('region', { name: 'Activities over time' });

test('the chart has all activities, and a stretch drawn over it is zoomed into', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(1200));
  await dashboard.visit();
  await expect(total(page)).toHaveText('1,200');
  await expect(chart(page)).toContainText('in bars of 15 minutes');
  const over = await page.locator('.u-over').boundingBox();
  await page.mouse.move(over.x + over.width * 0.5, over.y + 40);
  await expect(page.locator('.chart-tip')).toHaveText(/^2026-01-1\d \d\d:\d\d +\d+$/);
  await page.mouse.down();
  await page.mouse.move(over.x + over.width * 0.75, over.y + 50, { steps: 4 });
  await page.mouse.up();
  await dashboard.expectAddress('from=2026-01-14T0');
  await expect(chart(page)).toContainText('in bars of 5 minutes');
  const shown = Number((await total(page).textContent()).replace(',', ''));
  expect(shown).toBeGreaterThan(300);
  expect(shown).toBeLessThan(420);
  await expect(dashboard.results).toContainText(`${shown} loaded, all there are`);
});

test('keys move in time, and a table has the same numbers', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(1200));
  await dashboard.visit();
  await expect(total(page)).toHaveText('1,200');
  await dashboard.pressUntil('Tab', dashboard.button('Zoom in'));
  await page.keyboard.press('Enter');
  await dashboard.expectAddress('from=2026-01-13T18:00:00.000Z&to=2026-01-14T06:00:00.000Z');
  await dashboard.pressUntil('Shift+Tab', dashboard.button('Later'));
  await page.keyboard.press('Enter');
  await dashboard.expectAddress('from=2026-01-14T00:00:00.000Z&to=2026-01-14T12:00:00.000Z');
  await dashboard.pressUntil('Tab', dashboard.button('As a table'));
  await page.keyboard.press('Enter');
  const table = page.getByRole('region', { name: 'Data of the chart' });
  await expect(table).toBeVisible();
  // Until then the counts of before stay, and could be replaced between the two looks.
  await expect(page.getByRole('region', { name: 'Activities over time' })).toHaveAttribute('aria-busy', 'false');
  const numbers = (await table.locator('td.number').allTextContents()).map(Number);
  expect(String(numbers.reduce((sum, number) => sum + number, 0))).toBe(await total(page).textContent());
  await table.getByRole('button', { name: 'Zoom to 2026-01-14 12:00' }).click();
  await dashboard.expectAddress('from=2026-01-14T11:00:00.000Z&to=2026-01-14T11:10:00.000Z');
});

test('all time begins where the first activity is', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(30, 3 * 86_400_000));
  await dashboard.visit('#/activities?last=all');
  await expect(total(page)).toHaveText('30');
  await expect(chart(page)).toContainText('in bars of 1 day');
});

test('an action is asked for, left out, and asked for again, by click', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(200));
  await dashboard.visit();
  const actions = page.getByRole('region', { name: 'Actions' });
  const counted = (await (await fetch(`${fresh.url}/api/v1/stats?by=action`)).json()).data;
  await expect(actions.getByRole('listitem')).toHaveText(counted.map(({ key, count }) => `Only ${key} ${count}`));
  await actions.getByRole('button', { name: /^Only search/ }).click();
  await expect(dashboard.chips).toHaveText(['action=search']);
  await expect(total(page)).toHaveText(String(counted.find(({ key }) => key === 'search').count));
  await expect(actions.getByRole('listitem')).toHaveCount(counted.length);
  await actions.getByRole('button', { name: /^Only checkout/ }).click();
  await expect(dashboard.chips).toHaveText(['action=search', 'action=checkout']);
  await actions.getByRole('button', { name: /^Only search/ }).click();
  await actions.getByRole('button', { name: 'Without checkout' }).click();
  await expect(dashboard.chips).toHaveText(['action≠checkout']);
  const checkouts = counted.find(({ key }) => key === 'checkout').count;
  await expect(total(page)).toHaveText(String(200 - checkouts));
  await expect(dashboard.results).toContainText(`${200 - checkouts} loaded, all there are`);
  await expect(actions.getByRole('listitem')).toHaveText(counted.map(({ key, count }) => `Only ${key} ${count}`));
  const users = (await (await fetch(`${fresh.url}/api/v1/stats?by=user&limit=8&not.action=checkout`)).json()).data;
  await expect(page.getByRole('region', { name: 'Users' }).getByRole('listitem'))
    .toHaveText(users.map(({ key, count }) => `Only ${key} ${count}`));
  await actions.getByRole('button', { name: 'Without checkout' }).click();
  await expect(dashboard.chips).toHaveCount(0);
});

test('what is left out by metadata is in no number and no row', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(200));
  await dashboard.visit('#/activities?last=all&%21metadata.paid=true');
  const kept = shopActivities(200).filter(({ metadata }) => !metadata.paid);
  await expect(dashboard.chips).toHaveText(['metadata.paid≠true']);
  await expect(total(page)).toHaveText(String(kept.length));
  await expect(dashboard.results).toContainText(`${kept.length} loaded, all there are`);
  const actions = page.getByRole('region', { name: 'Actions' });
  await expect(actions).toContainText('view_page');
  await expect(actions).not.toContainText('checkout');
});

test('a user is asked for by key, and more of them can be seen', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(200));
  await dashboard.visit();
  const users = page.getByRole('region', { name: 'Users' });
  await expect(users.getByRole('listitem')).toHaveCount(8);
  const first = users.getByRole('button', { name: /^Only / }).first();
  await dashboard.pressUntil('Tab', first, 90);
  await page.keyboard.press('Enter');
  await expect(dashboard.chips).toHaveText([/^userId=user-/]);
  await expect(first).toHaveAttribute('aria-pressed', 'true');
  await dashboard.pressUntil('Tab', users.getByRole('button', { name: / more$/ }));
  await page.keyboard.press('Enter');
  await expect.poll(() => users.getByRole('listitem').count()).toBeGreaterThan(8);
});

test('what cannot be counted is told in its place', async ({ dashboard, page, fresh, watch }) => {
  watch.expect(/^console: Failed to load resource/);
  await fresh.record(shopActivities(20));
  await page.route(/stats\?by=user/, route => route.abort());
  await dashboard.visit();
  await expect(page.getByRole('region', { name: 'Users' }).getByRole('alert')).toContainText('Nothing answers');
  await expect(total(page)).toHaveText('20');
  await expect(dashboard.rows).toHaveCount(20);
});
