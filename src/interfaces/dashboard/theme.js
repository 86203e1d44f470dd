// Dark and light: as the system has it, or as it was chosen here.
const KEY = 'usertrail.theme';
const THEMES = ['automatic', 'light', 'dark'];

export function readTheme() {
  const kept = localStorage.getItem(KEY);
  return THEMES.includes(kept) ? kept : 'automatic';
}

export function applyTheme(theme) {
  localStorage.setItem(KEY, theme);
  if (theme === 'automatic') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export const nextTheme = theme => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
