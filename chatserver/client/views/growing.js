/** An answer while it is written: block by block, and a block that has not changed is not touched. */

import { el } from "../dom.js";
import { build, parse, settled } from "../markdown.js";

export class GrowingText {
  /** @param {import("../markdown.js").Chip} chip */
  constructor(chip) {
    this.chip = chip;
    /** @type {string[]} what each block on the screen was made of */
    this.drawn = [];
    this.element = el("div", { class: "content" });
  }

  /** @param {string} text all of it so far */
  show(text) {
    const blocks = parse(settled(text));
    blocks.forEach((block, place) => {
      const key = JSON.stringify(block);
      if (key === this.drawn[place]) return;
      const node = build(block, this.chip);
      if (place < this.drawn.length) this.element.children[place].replaceWith(node);
      else this.element.append(node);
      this.drawn[place] = key;
    });
    while (this.drawn.length > blocks.length) {
      this.element.lastElementChild.remove();
      this.drawn.pop();
    }
  }
}
