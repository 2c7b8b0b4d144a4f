/** A list whose nodes stay: what is pressed or has the focus is not made anew under the hand. */

export class Rows {
  /**
   * @param {HTMLElement} list
   * @param {(item: any) => HTMLElement} make an empty node for an item, with its listeners
   * @param {(node: HTMLElement, item: any) => void} draw fills it; called again when the item's key has changed
   */
  constructor(list, make, draw) {
    this.list = list;
    this.make = make;
    this.draw = draw;
    /** @type {Map<string, {node: HTMLElement, key: string}>} */
    this.rows = new Map();
  }

  /** @param {{id: string}[]} items in their order @param {(item: any) => string} keyOf says what is shown of an item */
  show(items, keyOf) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const wanted = new Set(items.map((one) => one.id));
    const place = focused ? [...this.list.children].findIndex((one) => one.contains(focused)) : -1;
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.node.remove();
      this.rows.delete(id);
    }
    items.forEach((item, nth) => {
      const row = this.rows.get(item.id) ?? { node: this.make(item), key: "" };
      this.rows.set(item.id, row);
      const key = keyOf(item);
      if (row.key !== key) this.draw(row.node, item);
      row.key = key;
      if (this.list.children[nth] !== row.node) this.list.insertBefore(row.node, this.list.children[nth] ?? null);
    });
    if (place < 0 || document.activeElement === focused) return;
    // A node that is moved loses the focus; of one that is gone the next inherits it.
    const next = focused?.isConnected ? focused : this.list.children[Math.min(place, items.length - 1)]?.querySelector("button");
    /** @type {HTMLElement | null | undefined} */ (next)?.focus({ preventScroll: true });
  }
}
