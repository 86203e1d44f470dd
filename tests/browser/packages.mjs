// The packages of package.json lie in build/browser, where node would not look for them from here.
import { createRequire } from 'node:module';

export const { test, expect } = createRequire(new URL('../../build/browser/package.json', import.meta.url))('@playwright/test');
