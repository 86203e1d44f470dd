// Which rows of a long table are in the page: those that can be seen, and some around them, so that the page stays as quick
// with a hundred thousand rows as with a hundred. All rows are as high but the one that is open. All of it is pure.

export const ROW_HEIGHT = 30;
const ROWS_AROUND = 12;

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

// Where a row begins, in pixels from the first.
export const topOf = (row, { open, openHeight }) => row * ROW_HEIGHT + (open >= 0 && row > open ? openHeight : 0);

function rowAt(top, { open, openHeight }) {
  if (open < 0 || top < (open + 1) * ROW_HEIGHT) return Math.floor(top / ROW_HEIGHT);
  return Math.max(open, Math.floor((top - openHeight) / ROW_HEIGHT));
}

// { first, end, above, below }: rows from `first` to before `end`, and the pixels that stand for the others. `open` is the
// row with its details below it, -1 when there is none.
export function windowOf({ count, top, height, open = -1, openHeight = 0 }) {
  const shape = { open: open < count ? open : -1, openHeight };
  const whole = topOf(count, shape);
  const first = clamp(rowAt(clamp(top, 0, whole), shape) - ROWS_AROUND, 0, count);
  const end = clamp(rowAt(clamp(top + height, 0, whole), shape) + 1 + ROWS_AROUND, first, count);
  return { first, end, above: topOf(first, shape), below: whole - topOf(end, shape) };
}

// Where to scroll so that a row can be seen whole; the same place when it can be already. `heading` covers the upper edge.
export function scrollTo(row, { top, height, heading, open, openHeight }) {
  const begin = topOf(row, { open, openHeight });
  if (begin < top) return begin;
  const end = begin + ROW_HEIGHT + heading;
  return end > top + height ? end - height : top;
}
