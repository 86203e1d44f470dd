// What the tests of the dashboard share: a day of activities, the moment at which they look at it, and the parts of the page.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from './fixtures.mjs';

const LIBRARIES = new URL('../../build/dashboard/node_modules/uplot/', import.meta.url);
export const NOW = Date.parse('2026-01-14T12:00:00Z');
const MINUTE = 60_000;

// Browsers tell each answer from 400 on as an error of the page.
export const REFUSED = /^console: Failed to load resource: the server responded with a status of (400|401|403|404|409|503) /;

export function needsLibraries() {
  test.skip(!existsSync(LIBRARIES), 'tools/setup could not bring what the dashboard is drawn with');
  test.use({ timezoneId: 'Europe/Berlin', locale: 'en-GB' });
}

const ACTIONS = ['view_page', 'search', 'view_page', 'add_to_cart', 'view_page', 'login', 'checkout', 'view_page', 'logout', 'login_attempt'];
const PATHS = ['/products/42', '/', '/orders', '/products/7', '/help/returns', '/search', '/account'];

// Users come for some minutes, a few of them at a time.
const userOf = at => ((Math.floor(at / 12) * 7 + at % 3) * 2654435761 % 4294967296 >>> 5) % 37;

// `count` activities of a shop, the newest a minute before NOW, one every `everyMs`; always the same ones.
export function shopActivities(count, everyMs = MINUTE) {
  return Array.from({ length: count }, (_, at) => {
    const draw = (at * 7919 + 13) % 104_729;
    const action = ACTIONS[draw % ACTIONS.length];
    return {
      id: `shop-${at}`,
      userId: `user-${1000 + userOf(at)}`,
      action,
      timestamp: new Date(NOW - MINUTE - at * everyMs - draw % 977).toISOString(),
      metadata: {
        ...(action === 'view_page' ? { path: PATHS[draw % PATHS.length], durationMs: 40 + draw % 4000 } : {}),
        ...(action === 'checkout' ? { cart: { items: 1 + draw % 5, total: `${19 + draw % 90}.90` }, paid: true } : {}),
        ...(action === 'search' ? { query: ['walking shoes', 'rain jacket', 'tent'][draw % 3], hits: draw % 80 } : {}),
        ip: `192.0.2.${draw % 254}`,
      },
    };
  });
}

const SCENARIO = fileURLToPath(new URL('../scenario', import.meta.url));

// What prepares a folder in which these messages were refused by an earlier store.
export function refused(messages) {
  const words = 'import pathlib, sys, refused_file; refused_file.write(pathlib.Path(sys.argv[1]), [text.encode() for text in sys.argv[2:]])';
  return data => execFileSync('/usr/bin/python3', ['-B', '-c', words, `${data}/refused`, ...messages], { cwd: SCENARIO });
}

// The parts of the page, by the names that people and their tools find them by.
export class Dashboard {
  constructor(page, watch, server) {
    Object.assign(this, { page, watch, server });
    this.table = page.getByRole('table', { name: 'Activities, newest first' });
    this.rows = this.table.locator('tr.row');
    this.filter = page.getByRole('combobox', { name: 'Add a filter' });
    this.chips = page.getByRole('list', { name: 'Filters' }).getByRole('listitem');
    this.detail = page.locator('tr.detail');
    this.results = page.getByRole('region', { name: 'Activities', exact: true });
  }

  async visit(hash = '') {
    await this.page.clock.setFixedTime(NOW);
    await this.watch.visit(`${this.server.url}/${hash}`);
    await expect(this.page.getByRole('banner')).toBeVisible();
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  // The address says what is shown.
  async expectAddress(words) {
    await expect.poll(() => decodeURIComponent(new URL(this.page.url()).hash)).toContain(words);
  }

  // Whether nothing that others recorded has become anything else than text.
  async expectHarmless() {
    expect(await this.page.evaluate(() => window.attacked)).toBeUndefined();
    await expect(this.page.locator('#app').locator('script, img, iframe, svg[onload], [onerror], [href^="javascript:"]')).toHaveCount(0);
  }

  // Presses a key until something has the focus.
  async pressUntil(key, target, times = 60) {
    for (let pressed = 0; pressed < times; pressed++) {
      await this.page.keyboard.press(key);
      if (await target.evaluate(element => element === document.activeElement).catch(() => false)) return;
    }
    throw new Error(`${times} times ${key} do not lead to ${target}`);
  }
}

export const dashboardTest = test.extend({
  dashboard: async ({ page, watch, fresh }, use) => use(new Dashboard(page, watch, fresh)),
});

export { expect };
