// Preact, its hooks and htm, which plain scripts have put beside this one: modules of theirs would name each other in a way
// that only a build step, or an inline script, can lead anywhere.
const { preact, preactHooks, htm } = globalThis;

export const { h, render } = preact;
export const { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } = preactHooks;
export const html = htm.bind(h);
