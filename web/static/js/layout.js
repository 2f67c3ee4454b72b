// @ts-check
/** How large tiles are: the largest that fit, for any number of them in any room.  Knows nothing of people. */

/** Pixels between tiles, as in the stylesheet. */
const GAP = 8;
const PICTURE = 16 / 9;
/** How narrow and how wide a tile may be.  Narrower than a camera's picture, its sides are cut off. */
const NARROWEST = 3 / 4;
const WIDEST = 1.9;

/**
 * The size of each of `count` equal tiles in a room of width by height, and of all of them together.
 * @param {number} count
 * @param {number} width
 * @param {number} height
 */
export function tileSize(count, width, height) {
  let best = { width: 0, height: 0, columns: 1, rows: 1, worth: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cell = { width: (width - GAP * (columns - 1)) / columns, height: (height - GAP * (rows - 1)) / rows };
    if (cell.width <= 0 || cell.height <= 0) continue;
    const tile = { width: Math.min(cell.width, cell.height * WIDEST), height: Math.min(cell.height, cell.width / NARROWEST) };
    // What counts first is how large a whole picture shows; but a tall tile has room for a face above its caption.
    const worth = Math.min(tile.width, tile.height * PICTURE) * Math.sqrt(tile.width * tile.height);
    if (worth > best.worth) best = { ...tile, columns, rows, worth };
  }
  const [tile, high] = [Math.floor(best.width), Math.floor(best.height)];
  const all = { wide: best.columns * (tile + GAP) - GAP, high: best.rows * (high + GAP) - GAP };
  return { width: tile, height: high, all };
}

/**
 * Whether a picture fills its tile or is shown whole between bars.  Cutting off the sides leaves a face in the middle;
 * cutting off above and below does not.
 * @param {number} picture width by height
 * @param {number} tile width by height
 * @returns {"cover" | "contain"}
 */
export function fit(picture, tile) {
  if (!Number.isFinite(picture) || !Number.isFinite(tile)) return "cover";
  return picture > tile ? (tile / picture > 0.4 ? "cover" : "contain") : (picture / tile > 0.7 ? "cover" : "contain");
}

/** In letters' sizes: the buttons of a shared screen in a row above it or in a column beside it, a line of words, and how
 * wide it must be for words and buttons in one row.  A button is never lower than 44 pixels. */
const ROW = 3;
const COLUMN = 9.5;
const LINE = 2;
const ROOM_FOR_WORDS = 30;
const BUTTON = 52;

/**
 * Where a shared screen's buttons take least of its picture: they may not stand on it.
 * @param {number} width of its tile
 * @param {number} height of its tile
 * @param {number} picture width by height
 * @param {number} letter pixels
 * @param {boolean} said whether words stand there, and not buttons alone
 * @returns {{place: "above" | "around" | "beside", wide: number, bars: number}} wide: of the picture; bars: how high the rows are
 */
export function bars(width, height, picture, letter, said) {
  const narrow = width < ROOM_FOR_WORDS * letter;
  const high = Math.max(BUTTON, ROW * letter) + (narrow && said ? LINE * letter : 0);
  const above = Math.min(width, (height - high) * picture);
  const beside = Math.min(width - COLUMN * letter, height * picture);
  if (beside > above) return { place: "beside", wide: beside, bars: 0 };
  return { place: narrow ? "around" : "above", wide: above, bars: high };
}

/** People beside or under a shared screen have at least this part of the stage, within these pixels. */
const BESIDE = { part: 0.18, least: 150, most: 280 };
const UNDER = { part: 0.22, least: 90, most: 260 };

/**
 * Whether people stand under a shared screen or beside it: where its picture is larger.
 * @param {number} width of the stage
 * @param {number} height of the stage
 * @param {number} picture width by height
 * @param {number} letter pixels
 * @param {boolean} said as of bars()
 * @returns {{stacked: boolean, high: number, full: number}} high: pixels for the screen when they stand under it; full: how
 * high a stage is in which it is as wide as the stage, and people stand under it
 */
export function divide(width, height, picture, letter, said) {
  const share = (/** @type {number} */ of, /** @type {typeof UNDER} */ { part, least, most }) =>
    Math.max(least, Math.min(most, part * of)) + GAP;
  const beside = bars(width - share(width, BESIDE), height, picture, letter, said);
  const most = height - share(height, UNDER);
  const stacked = bars(width, most, picture, letter, said);
  // What the picture does not need, people have.
  const needed = stacked.place === "beside" ? most : Math.ceil(stacked.wide / picture + stacked.bars);
  const full = Math.ceil(width / picture + bars(width, Infinity, picture, letter, said).bars + UNDER.least + GAP);
  return { stacked: stacked.wide > beside.wide, high: Math.min(most, needed), full };
}

/**
 * How wide we are in a corner of the others, in pixels; 0 when we would cover them.
 * @param {number} count of others
 * @param {{width: number, height: number, all: {wide: number, high: number}}} tile of each of them
 * @param {number} shape width by height of our own tile
 */
export function cornerWidth(count, tile, shape) {
  const wide = shape < 1 ? Math.max(72, Math.min(150, tile.all.wide * 0.13)) : Math.max(80, Math.min(96, tile.all.wide * 0.27), Math.min(260, tile.all.wide * 0.17));
  // At the side of a face or under it, but not both wide and high.
  const covers = wide > tile.width * 0.31 && wide / shape > tile.height * 0.2;
  return count === 1 || (count === 2 && !covers) ? Math.round(wide) : 0;
}
