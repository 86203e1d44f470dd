// Holds the watch itself, which every other test relies on, to what it must complain of: pages that do it, under the policy
// that the program serves its own page with.
import { createServer } from 'node:http';

import { expect, test } from './fixtures.mjs';
import { Watch } from './watch.mjs';

const PAGES = {
  '/quiet': '<title>quiet</title><link rel="icon" href="data:,"><script src="quiet.js"></script>',
  '/inline-script': '<link rel="icon" href="data:,"><script>window.ran = true</script>',
  '/inline-handler': '<link rel="icon" href="data:,"><img src="data:," onerror="window.ran = true">',
  '/inline-style': '<link rel="icon" href="data:,"><p style="color: red">',
  '/frame': '<link rel="icon" href="data:,"><iframe src="quiet"></iframe>',
  '/foreign': '<link rel="icon" href="data:,"><img src="http://127.0.0.2:9/x.png">',
  '/error': '<link rel="icon" href="data:,"><script src="error.js"></script>',
  '/missing': '<link rel="icon" href="data:,"><script src="missing.js"></script>',
  '/quiet.js': 'document.title = "quiet and run"',
  '/error.js': 'throw new Error("broken")',
};

function answer(policy) {
  return (request, response) => {
    const [path, free] = request.url.split('?');
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(PAGES[path] ? 200 : 404, { 'Content-Type': type, ...(free ? {} : { 'Content-Security-Policy': policy }) });
    response.end(PAGES[path]);
  };
}

const wrong = test.extend({
  // The address of a server with the pages above; "?free" leaves the policy away.
  pages: async ({ usertrail }, use) => {
    const policy = (await fetch(`${usertrail.url}/docs/`)).headers.get('content-security-policy');
    const server = createServer(answer(policy)).listen(0, '127.0.0.1');
    await new Promise(resolve => server.once('listening', resolve));
    await use(`http://127.0.0.1:${server.address().port}`);
    server.closeAllConnections();
    server.close();
  },
});

const CASES = [
  ['/inline-script', /^policy: script-src-elem inline/],
  ['/inline-handler', /^policy: script-src-attr inline/],
  ['/inline-style', /^policy: style-src-attr inline/],
  ['/frame', /^policy: frame-src/],
  ['/foreign', /^policy: img-src http:\/\/127\.0\.0\.2:9/],
  ['/foreign?free', /^origin: http:\/\/127\.0\.0\.2:9\/x\.png$/],
  ['/error', /^script: broken$/],
  ['/missing', /^console: .*404/],
];

for (const [path, pattern] of CASES) {
  wrong(`a page that does what it must not is complained of: ${path}`, async ({ page, pages }) => {
    const watch = await Watch.begin(page);
    await watch.visit(pages + path);
    await expect.poll(() => watch.complaints()).toEqual(expect.arrayContaining([expect.stringMatching(pattern)]));
    expect(await page.evaluate(() => window.ran)).toBeUndefined();
  });
}

wrong('a page that does nothing wrong is not', async ({ page, pages }) => {
  const watch = await Watch.begin(page);
  await watch.visit(`${pages}/quiet`);
  await expect(page).toHaveTitle('quiet and run');
  expect(await watch.complaints()).toEqual([]);
});
