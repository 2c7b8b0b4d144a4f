/** Tells an admin who looks elsewhere: in the title always, by the browser and by a sound if they wish, never by sound alone. */

import { needsSomebody } from "./lobby.js";

const TITLE = "Lobby – Ottobon Jobs";
const TONE_HERTZ = 660;
const TONE_SECONDS = 0.18;
const SOUND = "notice-sound";
const BROWSER = "notice-browser";

export class Notices {
  /** @param {import("./kept.js").Kept} storage @param {(session: string) => void} open what a press on a notice leads to */
  constructor(storage, open) {
    this.storage = storage;
    this.open = open;
    /** @type {Set<string> | null} who waited when it was last looked; null before the first list */
    this.waiting = null;
    /** @type {AudioContext | null} */
    this.audio = null;
    this.news = 0;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.count(0);
    });
  }

  /** @param {import("./lobby.js").Summary[]} sessions */
  lobby(sessions) {
    const now = sessions.filter(needsSomebody);
    const fresh = now.filter((one) => this.waiting && !this.waiting.has(one.id));
    this.waiting = new Set(now.map((one) => one.id));
    this.title();
    const [first] = fresh;
    if (first) this.tell(first.id, `${first.user.name} ${first.urgent_since ? "may be in danger" : "asks for a person"}`, first.reason ?? "");
  }

  /** @param {string} session one that this admin holds @param {string} name of its seeker */
  message(session, name) {
    this.aside(session, `${name} has written`, "");
  }

  /** @param {string} session @param {string} name of its seeker */
  ending(session, name) {
    this.aside(session, `You have been silent with ${name}`, "Soon the conversation is free for others.");
  }

  /** What the page shows to who looks at it. @param {string} session @param {string} title @param {string} body */
  aside(session, title, body) {
    if (document.visibilityState === "visible") return;
    this.count(this.news + 1);
    this.tell(session, title, body);
  }

  /** @param {number} news */
  count(news) {
    this.news = news;
    this.title();
  }

  title() {
    const waiting = this.waiting?.size ?? 0;
    const parts = [waiting ? `${waiting} waiting` : "", this.news ? `${this.news} new` : ""].filter(Boolean);
    document.title = parts.length ? `(${parts.join(", ")}) ${TITLE}` : TITLE;
  }

  /** @param {string} session @param {string} title @param {string} body */
  tell(session, title, body) {
    if (this.isOn("browser") && document.visibilityState !== "visible") this.show(session, title, body);
    if (this.isOn("sound")) void this.sound();
  }

  /** @param {string} session @param {string} title @param {string} body */
  show(session, title, body) {
    try {
      const notice = new Notification(title, { body, tag: session });
      notice.addEventListener("click", () => {
        window.focus();
        this.open(session);
        notice.close();
      });
    } catch {
      // Phones know the constructor and refuse it; the title says it there.
    }
  }

  async sound() {
    this.audio ??= new AudioContext();
    const context = this.audio;
    // Until somebody has pressed something on the page, the browser lets no sound out.
    if (context.state === "suspended") await context.resume();
    const tone = context.createOscillator();
    const volume = context.createGain();
    volume.gain.value = 0.1;
    tone.frequency.value = TONE_HERTZ;
    tone.connect(volume).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + TONE_SECONDS);
  }

  /** @param {"sound" | "browser"} kind */
  isOn(kind) {
    if (kind === "browser" && (typeof Notification === "undefined" || Notification.permission !== "granted")) return false;
    return this.storage.getItem(kind === "sound" ? SOUND : BROWSER) === "yes";
  }

  /** @param {"sound" | "browser"} kind @param {boolean} on @returns {Promise<boolean>} whether it is on now */
  async turn(kind, on) {
    if (on && kind === "browser" && (typeof Notification === "undefined" || (await Notification.requestPermission()) !== "granted")) return false;
    this.storage.setItem(kind === "sound" ? SOUND : BROWSER, on ? "yes" : "no");
    if (on && kind === "sound") void this.sound();
    return this.isOn(kind);
  }
}
