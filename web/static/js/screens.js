// @ts-check
/** What a shared screen has beside its picture: closer by, larger, pointing. */

import { text } from "./page.js";
import { Dots, Pointing } from "./pointer.js";
import { tileButton, video } from "./tile.js";
import { Zoom } from "./zoom.js";

export class Screen {
  /**
   * @param {HTMLElement} tile
   * @param {() => void} enlarge let it have all the room, or take that back
   */
  constructor(tile, enlarge) {
    const picture = video(tile);
    const zoom = new Zoom(tile, picture);
    this.dots = new Dots(zoom.sheet, picture);
    const pointing = new Pointing(zoom.sheet, picture, this.dots);
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(pointing.button, ...zoom.buttons, tileButton("enlarge", text("enlarge"), enlarge));
    tile.append(tools);
  }
}
