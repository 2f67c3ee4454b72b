// @ts-check
/** How large tiles are: the largest that fit, for any number of them in any room.  Knows nothing of people. */

/** Pixels between tiles, as in the stylesheet. */
const GAP = 8;
const PICTURE = 16 / 9;
/** How narrow and how wide a tile may be.  Narrower than a camera's picture, its sides are cut off. */
const NARROWEST = 3 / 4;
const WIDEST = 1.9;

/**
 * The size of each of `count` equal tiles in a room of width by height.
 * @param {number} count
 * @param {number} width
 * @param {number} height
 */
export function tileSize(count, width, height) {
  let best = { width: 0, height: 0, worth: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cell = { width: (width - GAP * (columns - 1)) / columns, height: (height - GAP * (rows - 1)) / rows };
    if (cell.width <= 0 || cell.height <= 0) continue;
    const tile = { width: Math.min(cell.width, cell.height * WIDEST), height: Math.min(cell.height, cell.width / NARROWEST) };
    // What counts first is how large a whole picture shows; but a tall tile has room for a face above its caption.
    const worth = Math.min(tile.width, tile.height * PICTURE) * Math.sqrt(tile.width * tile.height);
    if (worth > best.worth) best = { ...tile, worth };
  }
  return { width: Math.floor(best.width), height: Math.floor(best.height) };
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
