// The packages of package.json lie in build/node, where node would not look for them from here.
import { createRequire } from 'node:module';

export const load = createRequire(new URL('../../build/node/package.json', import.meta.url));
