/** Who is writing, as far as was said lately: a device that goes away says no goodbye. No DOM. */

/** More than a composer lets pass until it says it again. */
const FORGOTTEN_MS = 12_000;

export class Typists {
  /** @param {(frame: any) => void} forget hears what the device would have said */
  constructor(forget) {
    this.forget = forget;
    /** @type {Map<string, number>} */
    this.timers = new Map();
  }

  /** @param {any} frame a `typing` */
  hear(frame) {
    const key = `${frame.session} ${frame.user.id}`;
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    if (!frame.on) return;
    this.timers.set(key, setTimeout(() => {
      this.timers.delete(key);
      this.forget({ ...frame, on: false });
    }, FORGOTTEN_MS));
  }
}
