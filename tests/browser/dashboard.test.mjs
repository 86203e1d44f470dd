// The dashboard: the table, its details, filters, times, addresses, colours, and what it says when there is nothing, or
// something is wrong; by click and by key. The watch fails each test when the policy is broken or the console complains.
import { NOW, REFUSED, dashboardTest as test, expect, needsLibraries, shopActivities } from './dashboard.mjs';

needsLibraries();

test('the newest come first, with time, user, action and metadata', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(40));
  await dashboard.visit();
  await expect(page).toHaveTitle('Activities · usertrail');
  await expect(dashboard.table.getByRole('columnheader')).toHaveText(['Time (local)', 'User', 'Action', 'Metadata']);
  const [newest] = shopActivities(1);
  const first = dashboard.rows.first();
  await expect(first).toContainText(newest.userId);
  await expect(first).toContainText(newest.action);
  await expect(first).toContainText('192.0.2.');
  await expect(first).toContainText('2026-01-14 12:5');
  const times = await dashboard.table.locator('time').evaluateAll(elements => elements.map(element => element.dateTime));
  expect(times).toEqual([...times].sort().reverse());
  await expect(dashboard.results).toContainText('40 loaded, all there are');
});

test('a row opens by click: members, JSON to the digit, copies, filters for and out', async ({ dashboard, page, fresh, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const exact = '{"id":"exact","userId":"user-1","action":"pay","timestamp":"2026-01-14T11:59:59.000Z","metadata":{"big":12345678901234567890,"cart":{"a.b":[1.10,"x"]}}}';
  await fetch(`${fresh.url}/api/v1/activities`, { method: 'POST', body: exact, headers: { 'Content-Type': 'application/json' } });
  await fresh.record(shopActivities(20));
  await dashboard.visit();
  await dashboard.rows.first().getByRole('cell').nth(3).click();
  await expect(dashboard.detail).toContainText('12345678901234567890');
  await expect(dashboard.detail.getByRole('rowheader')).toHaveText(
    ['id', 'timestamp', 'userId', 'action', 'metadata.big', 'metadata.cart.a\\.b', 'metadata.cart.a\\.b']);
  await dashboard.expectAddress('open=exact');
  await dashboard.detail.getByRole('button', { name: 'Copy', exact: true }).click();
  await expect(page.getByText('The JSON is copied')).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied.replace(/\s/g, '')).toBe(exact);
  await dashboard.detail.getByRole('button', { name: 'Only metadata.big 12345678901234567890' }).click();
  await expect(dashboard.rows).toHaveCount(1);
  await expect(dashboard.chips).toHaveText(['metadata.big=12345678901234567890']);
  await dashboard.button('Remove metadata.big=12345678901234567890').click();
  await expect(dashboard.rows).not.toHaveCount(1);
  await dashboard.detail.getByRole('button', { name: 'Without action pay' }).click();
  await expect(dashboard.results).toContainText('20 loaded, all there are');
  await expect(dashboard.table.getByText('pay', { exact: true })).toHaveCount(0);
});

test('a row opens by key, and arrows lead through the rows', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(300));
  await dashboard.visit();
  const toggle = at => dashboard.table.locator(`[data-serial="${at}"]`);
  await expect(toggle(0)).toBeVisible();
  await dashboard.pressUntil('Tab', toggle(0));
  await page.keyboard.press('ArrowDown');
  await expect(toggle(1)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dashboard.detail).toContainText('shop-1');
  await dashboard.expectAddress('open=shop-1');
  await page.keyboard.press('Enter');
  await expect(dashboard.detail).toHaveCount(0);
  for (const [key, at] of [['PageDown', 21], ['PageDown', 41], ['ArrowUp', 40], ['End', 99], ['Home', 0]]) {
    if (key === 'End') await expect(dashboard.results).toContainText('300 loaded');
    await page.keyboard.press(key);
    await expect(toggle(key === 'End' ? 299 : at)).toBeFocused();
    await expect(toggle(key === 'End' ? 299 : at)).toBeInViewport();
  }
});

test('filters are written, completed and taken away by key', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(60));
  await dashboard.visit();
  await dashboard.filter.click();
  await page.keyboard.type('act');
  const suggestions = page.getByRole('listbox', { name: 'Suggestions' }).getByRole('option');
  await expect(suggestions).toContainText(['action=', 'action!=']);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(dashboard.filter).toHaveValue('action=');
  await page.keyboard.type('check');
  await expect(suggestions).toHaveCount(1);
  await expect(suggestions).toContainText('action=checkout');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(dashboard.chips).toHaveText(['action=checkout']);
  await dashboard.expectAddress('action=checkout');
  await expect.poll(async () => new Set(await dashboard.rows.locator('.action').allTextContents())).toEqual(new Set(['checkout']));
  await page.keyboard.type('usr=1');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText('There is no field “usr”; there are userId, action and metadata.<path>.');
  await expect(dashboard.filter).toHaveAttribute('aria-invalid', 'true');
  await dashboard.filter.fill('metadata.paid=true');
  await page.keyboard.press('Enter');
  await expect(dashboard.chips).toHaveText(['action=checkout', 'metadata.paid=true']);
  await page.keyboard.press('Backspace');
  await expect(dashboard.chips).toHaveText(['action=checkout']);
  await dashboard.button('action=checkout: leave it out instead').click();
  await expect(dashboard.chips).toHaveText(['action≠checkout']);
  const others = shopActivities(60).filter(({ action }) => action !== 'checkout').length;
  await expect(dashboard.results).toContainText(`${others} loaded, all there are`);
});

test('times are chosen by click and written by key, in a zone', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(180));
  await dashboard.visit();
  await dashboard.button('Last 24 hours').click();
  await dashboard.button('Last hour').click();
  await expect(dashboard.results).toContainText('59 loaded, all there are');
  await dashboard.expectAddress('last=1h');
  await page.keyboard.press('Enter');
  await dashboard.pressUntil('Tab', page.getByLabel('From', { exact: true }));
  await page.keyboard.press('Control+A');
  await page.keyboard.type('yesterday');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('“yesterday” is no time: write 2026-01-14 10:00');
  await page.getByLabel('From', { exact: true }).fill('2026-01-14 11:00');
  await page.getByLabel('To', { exact: true }).fill('2026-01-14 11:30');
  await page.keyboard.press('Enter');
  await dashboard.expectAddress('from=2026-01-14T10:00:00.000Z&to=2026-01-14T10:30:00.000Z');
  await expect(dashboard.rows.first()).toContainText('2026-01-14 11:29');
  await dashboard.button('2026-01-14 11:00:00 to 2026-01-14 11:30:00').click();
  await page.getByLabel('Time zone').selectOption('Asia/Tokyo');
  await expect(dashboard.rows.first()).toContainText('2026-01-14 19:29');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(dashboard.button('2026-01-14 19:00:00 to 2026-01-14 19:30:00')).toBeFocused();
});

test('an address shows the same again, and steps can be gone back', async ({ dashboard, page, fresh, context, watch }) => {
  await fresh.record(shopActivities(200));
  const hash = '#/activities?last=6h&zone=UTC&action=view_page&%21userId=user-1001&column=time&column=metadata.path&open=shop-9';
  await dashboard.visit(hash);
  const shown = async target => [await target.locator('tr.row').allTextContents(), await target.locator('.chip').allTextContents(),
    await target.locator('tr.detail').allTextContents(), await target.locator('thead').textContent()];
  await expect(dashboard.chips).toHaveText(['action=view_page', 'userId≠user-1001']);
  await expect(dashboard.table.getByRole('columnheader')).toHaveText(['Time (UTC)', 'path']);
  await expect(dashboard.detail).toContainText('shop-9');
  // Written anew by the page, with another row open.
  await dashboard.rows.first().getByRole('button').click();
  await expect(dashboard.detail).not.toContainText('shop-9');
  const opened = await dashboard.detail.getByRole('cell').first().textContent();
  await dashboard.expectAddress(decodeURIComponent(hash).replace('open=shop-9', `open=${/shop-\d+/.exec(opened)[0]}`));
  const other = await context.newPage();
  await other.clock.setFixedTime(NOW);
  await other.goto(page.url());
  await expect.poll(() => shown(other)).toEqual(await shown(page));
  await other.close();
  await dashboard.button('Remove action=view_page').click();
  await expect(dashboard.chips).toHaveCount(1);
  await page.goBack();
  await expect(dashboard.chips).toHaveText(['action=view_page', 'userId≠user-1001']);
  expect(await watch.complaints()).toEqual([]);
});

test('dark and light come from the system, or from the switch', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(5));
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  // As a canvas reads it, which takes no function of CSS.
  const bar = () => page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--bar').trim());
  await dashboard.visit();
  const light = await ground();
  const lightBar = await bar();
  expect(lightBar).toMatch(/^#[0-9a-f]{6}$/);
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(ground).not.toBe(light);
  const dark = await ground();
  const darkBar = await bar();
  expect(darkBar).toMatch(/^#[0-9a-f]{6}$/);
  expect(darkBar).not.toBe(lightBar);
  await dashboard.button('Theme: automatic').click();
  await expect.poll(ground).toBe(light);
  expect(await bar()).toBe(lightBar);
  await dashboard.pressUntil('Shift+Tab', page.getByRole('link', { name: 'API' }));
  await dashboard.pressUntil('Tab', dashboard.button('Theme: light'));
  await page.keyboard.press('Enter');
  await expect.poll(ground).toBe(dark);
  await page.reload();
  await expect(dashboard.button('Theme: dark')).toBeVisible();
  expect(await ground()).toBe(dark);
  expect(await bar()).toBe(darkBar);
});

// Each of them runs where it is put into a page as markup; all of them set the same mark.
const RUN = 'window.attacked = 1';
const HOSTILE = {
  id: 'hostile',
  userId: `<img src="x" onerror="${RUN}">`,
  action: `</code></pre><script>${RUN}</script>`,
  timestamp: '2026-01-14T11:59:00Z',
  metadata: {
    [`"><svg onload="${RUN}">`]: `<a href="javascript:${RUN}">click</a>`,
    __proto__x: `{{constructor.constructor("${RUN}")()}}`,
    deep: [{ style: `</style><script>${RUN}</script>`, end: `\u2028*/${RUN}//\u202e` }],
    constructor: { prototype: `javascript:${RUN}` },
  },
};

test('scripts are text: in rows, details, columns, counts, filters, addresses and on the page of the user', async ({ dashboard, page, fresh }) => {
  await fresh.record([HOSTILE, ...shopActivities(5)]);
  await dashboard.visit();
  await expect(dashboard.table.getByText(HOSTILE.action)).toBeVisible();
  await dashboard.expectHarmless();
  await dashboard.rows.first().getByRole('button').click();
  await expect(dashboard.detail).toContainText('constructor.constructor');
  await dashboard.expectHarmless();
  for (const column of await dashboard.detail.getByRole('button', { name: /^Column / }).all()) await column.click();
  await dashboard.detail.getByRole('button', { name: `Only userId ${HOSTILE.userId}` }).click();
  await expect(dashboard.rows).toHaveCount(1);
  await expect(dashboard.chips).toHaveCount(1);
  await page.reload();
  await expect(dashboard.rows).toHaveCount(1);
  await dashboard.expectHarmless();
  await dashboard.filter.fill('action=<');
  await expect(page.getByRole('option')).toHaveCount(1);
  await dashboard.filter.fill(`${HOSTILE.userId}=1`);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('<img');
  await dashboard.expectHarmless();
  await dashboard.detail.getByRole('link', { name: 'All about this user' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(HOSTILE.userId);
  await expect(page.locator('.day')).toContainText('constructor');
  await expect(page).toHaveTitle(`${HOSTILE.userId} · usertrail`);
  await dashboard.expectHarmless();
});

test('an address of somebody else is text, too', async ({ dashboard, page, fresh, watch }) => {
  watch.expect(REFUSED);
  await fresh.record(shopActivities(3));
  const words = encodeURIComponent(`<img src=x onerror="${RUN}">`);
  await dashboard.visit(`#/users/${words}`);
  await expect(page.getByText('There are no activities of this user', { exact: true })).toBeVisible();
  await dashboard.visit(`#/activities?userId=${words}&%21metadata.${words}=${words}&column=metadata.${words}&open=${words}&zone=${words}`);
  await expect(page.getByText('No activities', { exact: true })).toBeVisible();
  await dashboard.expectHarmless();
});

test('nothing to show is told, with what else there is', async ({ dashboard, page, fresh }) => {
  await dashboard.visit();
  await expect(page.getByText('No activities', { exact: true })).toBeVisible();
  await expect(page.getByText('Last 24 hours: nothing was recorded.')).toBeVisible();
  await fresh.record(shopActivities(3).map(activity => ({ ...activity, timestamp: '2025-01-01T00:00:00Z' })));
  await dashboard.button('Look at all time').click();
  await expect(dashboard.rows).toHaveCount(3);
  await dashboard.filter.fill('action!=view_page action!=search action!=add_to_cart action!=login_attempt');
  await page.keyboard.press('Enter');
  await expect(page.getByText('with these filters: nothing was recorded')).toBeVisible();
  await dashboard.button('Without filters').click();
  await expect(dashboard.rows).toHaveCount(3);
});

test('what the service refuses is told in its words, and the rest stays', async ({ dashboard, page, fresh, watch }) => {
  watch.expect(REFUSED);
  await fresh.record(shopActivities(10));
  const many = Array.from({ length: 65 }, (_, at) => `userId=u${at}`).join('&');
  await dashboard.visit(`#/activities?${many}`);
  const alerts = page.getByRole('alert');
  await expect(alerts.first()).toContainText('A parameter of the query string is wrong');
  await expect(alerts.first()).toContainText('at most 64 times');
  await expect(dashboard.filter).toBeVisible();
  await dashboard.button('Clear').click();
  await expect(dashboard.rows).toHaveCount(10);
  await expect(alerts).toHaveCount(0);
});

test('a page that cannot be loaded leaves what is there, and can be asked for again', async ({ dashboard, page, fresh, watch }) => {
  watch.expect(/^console: Failed to load resource: net::ERR_FAILED/);
  await fresh.record(shopActivities(2000, 10_000));
  await page.route(/activities\?limit=1000/, route => route.abort());
  await dashboard.visit();
  await expect(page.getByRole('alert')).toContainText('Nothing answers at this address');
  await expect(dashboard.results).toContainText('100 loaded');
  await page.unroute(/activities\?limit=1000/);
  await dashboard.button('Try again').click();
  await expect(dashboard.results).toContainText('1,100 loaded');
});

test('loading is told until there is something', async ({ dashboard, page, fresh }) => {
  await fresh.record(shopActivities(5));
  let go;
  const held = new Promise(resolve => { go = resolve; });
  await page.route(/api\/v1\/activities\?/, async route => {
    await held;
    await route.continue();
  });
  await dashboard.visit();
  await expect(page.getByText('Loading activities…')).toBeVisible();
  await expect(dashboard.results).toHaveAttribute('aria-busy', 'true');
  go();
  await expect(dashboard.rows).toHaveCount(5);
  await expect(dashboard.results).toHaveAttribute('aria-busy', 'false');
});

test('files that the page names are there, and it names all of them', async ({ fresh }) => {
  const { readdirSync } = await import('node:fs');
  const modules = readdirSync(new URL('../../src/interfaces/dashboard/', import.meta.url)).filter(name => name.endsWith('.js'));
  const html = await (await fetch(fresh.url)).text();
  const named = [...html.matchAll(/(?:src|href)="(dashboard\/[^"]+)"/g)].map(([, name]) => name);
  expect(named).toEqual(expect.arrayContaining(modules.map(name => `dashboard/${name}`)));
  for (const name of named) expect((await fetch(`${fresh.url}/${name}`)).status, name).toBe(200);
});
