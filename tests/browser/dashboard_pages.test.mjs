// The other pages of the dashboard, and what concerns all of them: a user, erasing one, refused messages, the state of the
// service, files to take along, and keys.
import { readFileSync } from 'node:fs';

import { Dashboard, REFUSED, dashboardTest, expect, needsLibraries, refused, shopActivities } from './dashboard.mjs';
import { lendTo } from './fixtures.mjs';

const KEYS = { all: 'write,read,admin,erase', reader: 'read' };

// Entries that an earlier store refused: two that this one takes, and one that is no activity.
const MESSAGES = [
  '{"id":"r-1","userId":"user-1","action":"act","timestamp":"2026-01-14T10:00:00Z"}',
  '{"id":"r-2","userId":"user-2","action":"act","timestamp":"2026-01-14T10:00:00Z"}',
  '<img src=x onerror="window.attacked = 1">',
];

const test = dashboardTest.extend({
  refusing: async ({ page }, use) => lendTo(page, use, {}, refused(MESSAGES)),
  locked: async ({ page }, use) => lendTo(page, use, KEYS),
});

needsLibraries();

const file = async (page, deed) => {
  const [download] = await Promise.all([page.waitForEvent('download'), deed()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
};

// --- a user ---

test('a user is shown in short, in sessions and day by day', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(4500));
  await dashboard.visit();
  await page.getByRole('link', { name: 'Users', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Users');
  const [{ key, count }] = (await fresh.fetch('/api/v1/stats?by=user')).json.data;
  await page.getByRole('link', { name: key, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(key);
  const { json } = await fresh.fetch(`/api/v1/users/${key}`);
  await expect(page.locator('.figures dd').first()).toHaveText(String(count));
  await expect(page.locator('.figures dd').nth(1)).toHaveText(String(json.sessions.count));
  const sessions = page.getByRole('region', { name: 'Sessions' });
  await expect(sessions.getByRole('link')).toHaveCount(10);
  await dashboard.pressUntil('Tab', dashboard.button('Earlier sessions'), 90);
  await page.keyboard.press('Enter');
  await expect(sessions.getByRole('link')).toHaveCount(Math.min(20, json.sessions.count));
  await expect(page.locator('.day').first().getByRole('heading')).toContainText('2026-01-14');
  await page.locator('.day').first().getByRole('link').first().click();
  await expect(dashboard.detail).toContainText(key);
  await page.goBack();
  await sessions.getByRole('link').first().click();
  await expect(dashboard.chips).toHaveText([`userId=${key}`]);
  await expect(dashboard.rows).toHaveCount(json.sessions.data[0].activities);
});

test('a user is looked for by key, also with a slash', async ({ dashboard, page, fresh, watch }) => {
  watch.expect(REFUSED);
  await fresh.record([{ userId: 'team/user 8', action: 'scroll', timestamp: '2026-01-14T11:00:00Z' }]);
  await dashboard.visit('#/users');
  await dashboard.pressUntil('Tab', page.getByLabel('User id'));
  await page.keyboard.type('team/user 8');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('team/user 8');
  await expect(page.getByRole('main')).toBeFocused();
  await expect(page.locator('.day').getByRole('listitem')).toHaveCount(1);
  await dashboard.visit('#/users/nobody');
  await expect(page.getByText('There are no activities of this user', { exact: true })).toBeVisible();
});

test('who is erased was named by hand', async ({ dashboard, page, fresh, watch }) => {
  watch.expect(REFUSED);
  await fresh.record(shopActivities(100));
  const { json: { data: [{ key, count }] } } = await fresh.fetch('/api/v1/stats?by=user');
  await dashboard.visit(`#/users/${key}`);
  await dashboard.button('Erase…').click();
  const dialog = page.getByRole('dialog', { name: `Erase ${key}` });
  const deed = dialog.getByRole('button', { name: 'Erase this user' });
  await expect(deed).toBeDisabled();
  await dialog.getByRole('textbox').fill(`${key}x`);
  await expect(deed).toBeDisabled();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  expect((await fresh.fetch(`/api/v1/users/${key}`)).json.activities).toBe(count);
  await dashboard.button('Erase…').focus();
  await page.keyboard.press('Enter');
  await dialog.getByRole('textbox').focus();
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('status')).toContainText(`${count} activities and 0 refused entries are erased`);
  await expect(dialog.getByLabel('Receipt')).toContainText('"erasedAt"');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByText('There are no activities of this user', { exact: true })).toBeVisible();
  expect((await fresh.fetch(`/api/v1/users/${key}`)).status).toBe(404);
});

// --- refused messages ---

test('refused messages are shown as text, and sent again one by one and together', async ({ page, watch, refusing }) => {
  watch.expect(REFUSED);
  const dashboard = new Dashboard(page, watch, refusing);
  await dashboard.visit();
  await page.getByRole('link', { name: 'Refused' }).click();
  const entries = page.locator('.refused tbody tr');
  await expect(entries).toHaveCount(3);
  await expect(entries.first()).toContainText('<img src=x onerror');
  await expect(page.getByRole('list', { name: 'Service' })).toContainText('Refused 3');
  await dashboard.expectHarmless();
  await entries.nth(1).getByRole('button').click();
  await expect(entries).toHaveCount(2);
  await entries.first().getByRole('button').focus();
  await page.keyboard.press('Enter');
  await expect(entries.first().getByRole('alert')).toContainText('This refused activity cannot be sent again as it is');
  await dashboard.button('Send the first 100 again').click();
  await expect(page.locator('.outcome')).toContainText('1 message was sent again, 1 stays:');
  await expect(entries).toHaveCount(1);
  await refusing.settle();
  expect((await refusing.fetch('/api/v1/activities/r-2')).json.userId).toBe('user-2');
  await dashboard.expectHarmless();
});

test('nothing refused is told', async ({ dashboard, page }) => {
  await dashboard.visit('#/refused');
  await expect(page.getByText('Nothing is refused')).toBeVisible();
});

// --- the state of the service ---

test('the state of the service is told, also when it is gone', async ({ dashboard, page, fresh, watch }) => {
  watch.expect(/^console: Failed to load resource/);
  await fresh.record(shopActivities(3));
  await fetch(`${fresh.url}/api/v1/activities`, { method: 'POST', body: '[{"userId":"u"}]', headers: { 'Content-Type': 'application/json' } });
  await dashboard.visit();
  const status = page.getByRole('list', { name: 'Service' }).getByRole('listitem');
  await expect(status).toHaveText(['Service ok', 'Lag 0', 'Rejected 1', 'Refused 0', 'Sums add up']);
  await page.route(/\/health$/, route => route.abort());
  await expect(status).toHaveText(['Service cannot be reached']);
  await page.unroute(/\/health$/);
  await expect(status.first()).toHaveText('Service ok');
});

// --- files ---

test('what the filter lets through is exported, in both formats', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(50));
  const searches = shopActivities(50).filter(({ action }) => action === 'search');
  await dashboard.visit(`#/activities?action=search&%21userId=${searches[0].userId}`);
  await expect(dashboard.rows.first()).toBeVisible();
  await dashboard.button('Export').click();
  const lines = await file(page, () => dashboard.button('JSON lines').click());
  expect(lines.name).toBe('activities.ndjson');
  const wanted = searches.filter(({ userId }) => userId !== searches[0].userId).map(({ id }) => id);
  expect(wanted.length).toBeGreaterThan(0);
  expect(lines.text.trim().split('\n').map(line => JSON.parse(line).id).sort()).toEqual(wanted.sort());
  await dashboard.pressUntil('Tab', dashboard.button('CSV'));
  const csv = await file(page, () => page.keyboard.press('Enter'));
  expect(csv.name).toBe('activities.csv');
  expect(csv.text.trim().split('\n').length).toBe(wanted.length + 1);
});

// --- keys ---

test('a key opens what is shut, stays in the tab, and goes with it', async ({ page, watch, locked, context }) => {
  watch.expect(REFUSED);
  await locked.record(shopActivities(20), locked.keys.all);
  const dashboard = new Dashboard(page, watch, locked);
  await dashboard.visit('#/activities?action=view_page');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This service needs a key');
  await expect(page.getByLabel('Key')).toBeFocused();
  await page.keyboard.type('ut_wrong');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('Nobody here has this key');
  await page.getByLabel('Key').fill(locked.keys.all);
  await dashboard.button('Sign in').click();
  await expect(dashboard.chips).toHaveText(['action=view_page']);
  await expect(dashboard.rows.first()).toBeVisible();
  await expect(page.getByRole('list', { name: 'Service' })).toContainText('Sums add up');
  expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([1, '']);
  expect(page.url()).not.toContain(locked.keys.all);
  await page.reload();
  await expect(dashboard.rows.first()).toBeVisible();
  const lines = await file(page, async () => {
    await dashboard.button('Export').click();
    await dashboard.button('JSON lines').click();
  });
  expect(lines.text).toContain('view_page');
  await page.keyboard.press('Escape');
  await dashboard.button('Live').click();
  await expect(page.locator('.live-words')).toHaveText('Live');
  await locked.record([{ userId: 'u', action: 'view_page', id: 'by-live' }], locked.keys.all);
  await dashboard.expectAddress('live=1');
  await dashboard.button('Live').click();
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('This service needs a key');
  await other.close();
  await dashboard.button('Sign out').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This service needs a key');
});

test('a key that may less is told what it lacks', async ({ page, watch, locked }) => {
  watch.expect(REFUSED);
  await locked.record(shopActivities(5), locked.keys.all);
  const dashboard = new Dashboard(page, watch, locked);
  await dashboard.visit();
  await page.getByLabel('Key').fill(locked.keys.reader);
  await page.keyboard.press('Enter');
  await expect(dashboard.rows).toHaveCount(5);
  await expect(page.getByRole('list', { name: 'Service' })).toContainText('need the scope admin');
  await page.getByRole('link', { name: 'Refused' }).click();
  await expect(page.getByRole('alert')).toContainText('this needs a key with the scope admin');
  await dashboard.visit(`#/users/${shopActivities(1)[0].userId}`);
  await dashboard.button('Erase…').click();
  await page.getByRole('dialog').getByRole('textbox').fill(shopActivities(1)[0].userId);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('this needs a key with the scope erase');
});
