/** An answer while it is written: what stands there stays the same node, and what came is added to its end. */

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
      if (place < this.drawn.length) become(this.element.childNodes[place], node);
      else this.element.append(node);
      this.drawn[place] = key;
    });
    while (this.drawn.length > blocks.length) {
      this.element.lastElementChild.remove();
      this.drawn.pop();
    }
  }
}

/** What somebody has selected or turned to must not be made anew under their hands.
 * @param {ChildNode} old @param {Node} fresh */
function become(old, fresh) {
  if (old instanceof Text && fresh instanceof Text) {
    if (fresh.data.startsWith(old.data)) old.appendData(fresh.data.slice(old.length));
    else old.data = fresh.data;
  } else if (old instanceof HTMLElement && fresh instanceof HTMLElement && old.tagName === fresh.tagName && !old.matches("button")) {
    const nodes = [...fresh.childNodes];
    nodes.forEach((node, place) => {
      if (place < old.childNodes.length) become(old.childNodes[place], node);
      else old.append(node);
    });
    while (old.childNodes.length > nodes.length && old.lastChild) old.lastChild.remove();
  } else if (!old.isEqualNode(fresh)) old.replaceWith(fresh);
}
