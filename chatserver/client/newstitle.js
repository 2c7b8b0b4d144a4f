/** How much is new, in the title of the page, for whoever looks elsewhere. */

export class NewsTitle {
  /** @param {string} title */
  constructor(title) {
    this.title = title;
    this.counts = { unread: 0, missed: 0 };
  }

  /** @param {number} unread conversations that are not open */
  unread(unread) {
    this.show({ unread });
  }

  /** A frame that came to a page which nobody sees. @param {any} frame */
  hear(frame) {
    const isNews = frame.type === "message" && frame.role !== "user" && document.visibilityState !== "visible";
    if (isNews) this.show({ missed: this.counts.missed + 1 });
  }

  /** The page is looked at. */
  seen() {
    this.show({ missed: 0 });
  }

  /** @param {{unread?: number, missed?: number}} counts */
  show(counts) {
    Object.assign(this.counts, counts);
    const all = this.counts.unread + this.counts.missed;
    document.title = `${all ? `(${all}) ` : ""}${this.title}`;
  }
}
