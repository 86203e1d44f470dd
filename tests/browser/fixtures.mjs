// What tests of this folder begin with: a running program, with and without keys, and a page that is watched. A test whose
// page gave reason to complain fails, whatever else it looks at.
import { expect, test as base } from './packages.mjs';
import { Usertrail } from './usertrail.mjs';
import { Watch } from './watch.mjs';

async function lend(use, scopes) {
  const one = await Usertrail.start(scopes);
  await use(one);
  await one.stop();
}

// For one test, whose page leaves first: one that goes on asking would complain that nobody answers any more.
export async function lendTo(page, use, scopes, prepare) {
  const one = await Usertrail.start(scopes, prepare);
  await use(one);
  await page.goto('about:blank');
  await one.stop();
}

export const test = base.extend({
  // By any name: one for all tests of a worker.
  usertrail: [async ({}, use) => lend(use), { scope: 'worker' }],
  keyed: [async ({}, use) => lend(use, { both: 'write,read' }), { scope: 'worker' }],
  // Its own for each test, so that what is counted is what the test recorded.
  fresh: async ({ page }, use) => lendTo(page, use),
  watch: async ({ page }, use) => {
    const watch = await Watch.begin(page);
    await use(watch);
    expect(await watch.complaints()).toEqual([]);
  },
});

export { expect };
