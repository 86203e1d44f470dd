// One browser for all tests of this folder, one test after the other: most of their time goes into starting it.
import { fileURLToPath } from 'node:url';

export default {
  testDir: '.',
  testMatch: '*.test.mjs',
  outputDir: fileURLToPath(new URL('../../build/browser/results', import.meta.url)),
  workers: 1,
  // Only "not for ever": other tests run beside these.
  timeout: 60_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  use: {
    browserName: 'chromium',
    colorScheme: 'light',
    contextOptions: { reducedMotion: 'reduce' },
    viewport: { width: 1280, height: 900 },
    launchOptions: {
      executablePath: process.env.USERTRAIL_TEST_CHROMIUM ?? '/usr/bin/chromium',
      // Containers have no room for the sandbox, and root may not use it; what is opened here is our own.
      chromiumSandbox: false,
      // No name leads anywhere, so that a page which needs another machine fails here as it would without a network. Where
      // there is no GPU, playing one costs more than drawing.
      args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--disable-gpu'],
    },
  },
};
