// The page at /docs in a browser: it shows the whole document, asks the server it came from and nobody else, and shows what
// others recorded as text, whatever it is. The watch fails each of these when the policy is broken or the console complains.
import { existsSync } from 'node:fs';

import { expect, test } from './fixtures.mjs';

const SWAGGER_UI = new URL('../../build/swagger-ui/node_modules/swagger-ui-dist/', import.meta.url);
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const TABS_MAX = 60;
const REFUSED = /^console: Failed to load resource: the server responded with a status of (400|401|403) /;

test.skip(!existsSync(SWAGGER_UI), 'tools/setup could not bring Swagger UI');

// One operation as the page shows it.
class Operation {
  constructor(page, id) {
    this.page = page;
    this.block = page.locator(`.opblock[id$="-${id}"]`);
    this.summary = this.block.locator('.opblock-summary-control');
    this.lock = this.block.locator('.authorization__btn');
    this.tryIt = this.block.getByRole('button', { name: 'Try it out' });
    this.execute = this.block.getByRole('button', { name: 'Execute' });
    this.body = this.block.locator('textarea.body-param__text');
    this.answer = this.block.locator('.live-responses-table .response');
    this.status = this.answer.locator('.response-col_status');
    this.text = this.answer.locator('.highlight-code').first();
  }

  async open() {
    await this.summary.click();
    await this.tryIt.click();
  }

  // What is open is drawn anew with each change of anything, so it is closed for the next to be quick.
  async close() {
    await this.summary.click();
    await expect(this.tryIt).toHaveCount(0);
  }

  // Sends what its fields hold; returns the status and the document that the page shows.
  async send() {
    const shown = this.page.waitForResponse(response => response.url().includes('/api/v1/'));
    await this.execute.click();
    const status = String((await shown).status());
    await expect(this.status).toHaveText(status);
    return { status, json: JSON.parse(await this.text.locator('code').innerText()) };
  }

  // Empties each field that is filled in as an example, apart from the ones that are given.
  async ask(parameters) {
    for (const row of await this.block.locator('tr[data-param-name]').all()) {
      const value = parameters[await row.getAttribute('data-param-name')] ?? '';
      const field = row.locator('input, textarea').first();
      if (await field.count() && await field.inputValue() !== value) await field.fill(value);
    }
    return this.send();
  }
}

async function visit(watch, page, server, fragment = '') {
  const answer = await watch.visit(`${server.url}/docs${fragment}`);
  expect(answer.status()).toBe(200);
  await expect(page.locator('.opblock').first()).toBeVisible();
}

test('every operation of the document is shown, and nothing else', async ({ page, usertrail, watch }, info) => {
  await visit(watch, page, usertrail);
  await expect(page).toHaveTitle('usertrail API');
  const { paths } = (await usertrail.fetch('/openapi.json')).json;
  const described = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter(method => method in item).map(method => `${method.toUpperCase()} ${path}`));
  const shown = await page.locator('.opblock-summary-control').evaluateAll(controls => controls.map(control =>
    `${control.querySelector('.opblock-summary-method').innerText} ${control.querySelector('[data-path]').dataset.path}`));
  expect(shown.sort()).toEqual(described.sort());
  await expect(page.locator('.errors-wrapper')).toHaveCount(0);
  await page.screenshot({ path: info.outputPath('wide.png'), fullPage: true });
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.screenshot({ path: info.outputPath('narrow.png') });
  await page.locator('section.models > h4 button').click();
  await expect(page.locator('section.models.is-open')).toBeVisible();
});

test('what is filled in can be sent as it is, and is found', async ({ page, usertrail, watch }) => {
  await visit(watch, page, usertrail);
  const record = new Operation(page, 'recordActivities');
  await record.open();
  await expect(record.block).not.toContainText('Could not resolve reference');
  const recorded = await record.send();
  expect(recorded).toMatchObject({ status: '202', json: { durability: 'local-disk' } });
  await record.close();
  await usertrail.settle();
  const list = new Operation(page, 'listActivities');
  await list.open();
  expect((await list.send()).json.data).toMatchObject([{ id: recorded.json.id, userId: 'user-123' }]);
});

// Each of them runs where it is put into a page as markup; all of them set the same mark.
const RUN = 'window.attacked = 1';
const HOSTILE = {
  userId: `<img src="x" onerror="${RUN}">`,
  action: `</code></pre><script>${RUN}</script>`,
  metadata: {
    [`"><svg onload="${RUN}">`]: `<a href="javascript:${RUN}">click</a>`,
    markdown: `[click](javascript:${RUN}) ![x](x "onerror=${RUN}")`,
    deep: [{ template: `{{constructor.constructor("${RUN}")()}}`, end: `\u2028*/${RUN}//` }],
  },
};

async function expectHarmless(page) {
  expect(await page.evaluate(() => window.attacked)).toBeUndefined();
  const places = page.locator('.live-responses-table, .curl-command, .request-url');
  await expect(places.locator('script, img, svg[onload], [onerror], [href^="javascript:"]')).toHaveCount(0);
}

test('the same texts as markup would have run', async ({ page }) => {
  await page.setContent(`<p>${HOSTILE.userId}</p>`);
  await expect.poll(() => page.evaluate(() => window.attacked)).toBe(1);
});

test('scripts are text, in addresses, requests, answers and problems', async ({ page, usertrail, watch }) => {
  await visit(watch, page, usertrail, `#/${HOSTILE.userId}/${encodeURIComponent(HOSTILE.action)}`);
  watch.expect(REFUSED);
  const record = new Operation(page, 'recordActivities');
  await record.open();
  await record.body.fill(JSON.stringify({ ...HOSTILE, [HOSTILE.userId]: 1 }));
  const refused = await record.send();
  expect(refused.status).toBe('400');
  expect(JSON.stringify(refused.json.errors)).toContain('onerror');
  await expectHarmless(page);
  await record.body.fill(JSON.stringify([{ id: 'hostile', ...HOSTILE }, { ...HOSTILE, action: '' }]));
  expect((await record.send()).json).toMatchObject({ accepted: 1, rejected: 1 });
  await expectHarmless(page);
  await record.close();
  await usertrail.settle();
  const read = new Operation(page, 'getActivity');
  await read.open();
  expect((await read.ask({ id: 'hostile' })).json).toMatchObject(HOSTILE);
  await expectHarmless(page);
});

test('no address brings another document', async ({ usertrail }) => {
  for (const name of ['url', 'configUrl', 'urls.primaryName']) {
    expect((await usertrail.fetch(`/docs/?${name}=http://127.0.0.2:9/evil.json`)).status).toBe(400);
  }
});

function edgeOf(element) {
  const { outlineStyle, borderColor, borderWidth, boxShadow } = getComputedStyle(element);
  return { outlineStyle, borderColor, borderWidth, boxShadow };
}

// Presses Tab until something has the focus, which must show at its edge that it has.
async function tabTo(page, target, tab = 'Tab') {
  const usual = await target.evaluate(edgeOf);
  for (let pressed = 0; pressed < TABS_MAX; pressed++) {
    await page.keyboard.press(tab);
    if (await target.evaluate(element => element === document.activeElement)) {
      expect(await target.evaluate(edgeOf)).not.toEqual(usual);
      return;
    }
  }
  throw new Error(`${TABS_MAX} times ${tab} do not lead to ${target}`);
}

test('a key opens what is shut without one, and a keyboard is enough', async ({ page, keyed, watch }) => {
  await visit(watch, page, keyed);
  watch.expect(REFUSED);
  const record = new Operation(page, 'recordActivities');
  await tabTo(page, record.summary);
  await page.keyboard.press('Enter');
  await tabTo(page, record.tryIt);
  await page.keyboard.press('Enter');
  await tabTo(page, record.body);
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText('{"id": "by-key", "userId": "keyed", "action": "typed"}');
  await tabTo(page, record.execute);
  await page.keyboard.press('Enter');
  await expect(record.status).toHaveText('401');

  await tabTo(page, record.lock, 'Shift+Tab');
  await page.keyboard.press('Enter');
  // The dialog begins in the last of its forms, which is for a name and a password.
  await tabTo(page, page.locator('#auth-bearer-value'), 'Shift+Tab');
  await page.keyboard.insertText(keyed.keys.both);
  await page.keyboard.press('Enter');
  await tabTo(page, page.locator('.dialog-ux form').first().getByRole('button', { name: 'Close' }));
  await page.keyboard.press('Enter');
  await expect(page.locator('.dialog-ux')).toHaveCount(0);
  await tabTo(page, record.execute);
  await page.keyboard.press('Enter');
  await expect(record.status).toHaveText('202');

  await record.close();
  await keyed.settle();
  const read = new Operation(page, 'getActivity');
  await read.open();
  expect(await read.ask({ id: 'by-key' })).toMatchObject({ status: '200', json: { userId: 'keyed' } });
});
