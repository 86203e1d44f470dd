// The packages of package.json lie in build/browser, where node would not look for them from here.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const PACKAGES = new URL('../../build/browser/', import.meta.url);

export const { test, expect } = createRequire(new URL('package.json', PACKAGES))('@playwright/test');

// The path of a file of one of them.
export const fileOf = (name, file) => fileURLToPath(new URL(`node_modules/${name}/${file}`, PACKAGES));
