/** The banner that says how the line stands, whenever it does not stand well. */

import { button, el, fill } from "../dom.js";

const QUIET_MS = 400;

export class Banner {
  /** @param {HTMLElement} element a live region @param {() => void} now reconnects at once */
  constructor(element, now) {
    this.element = element;
    this.now = now;
    this.timer = 0;
  }

  /** @param {import("../socket.js").LineStatus} status */
  show(status) {
    clearTimeout(this.timer);
    const troubled = status.state === "ended" || status.state === "waiting" || (status.state === "connecting" && status.lost);
    document.documentElement.dataset.line = status.state;
    if (!troubled) return this.hide();
    // A change of nodes takes less than this: nobody needs to hear of it.
    if (this.element.hidden && status.state !== "ended") {
      this.timer = setTimeout(() => this.write(status), QUIET_MS);
    } else this.write(status);
  }

  hide() {
    this.element.hidden = true;
    fill(this.element);
  }

  /** @param {import("../socket.js").LineStatus} status */
  write(status) {
    const online = navigator.onLine !== false;
    const what = status.state === "ended" ? status.message
      : !online ? "You are offline. What you write is kept and sent when you are back."
      : `${status.message ?? "The connection was lost."} ${status.isTold ? "It goes on by itself." : "Reconnecting…"} What you write is kept.`;
    const act = status.state === "ended"
      ? button("Reload", () => location.reload(), { class: "plain" })
      : online && !status.isTold ? button("Reconnect now", this.now, { class: "plain" }) : null;
    fill(this.element, el("span", {}, what), act);
    this.element.hidden = false;
  }
}
