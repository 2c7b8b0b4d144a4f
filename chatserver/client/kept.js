/** What the browser keeps: of a tab, or of whoever uses it; where it keeps nothing, as long as the page lives. */

export class Kept {
  /** @param {() => Storage} open some browsers refuse even to be asked */
  constructor(open) {
    /** @type {Map<string, string>} what the browser would not take */
    this.here = new Map();
    /** @type {Storage | null} */
    this.storage = null;
    try {
      this.storage = open();
    } catch {
      // The page works without, until it is closed.
    }
  }

  /** @param {string} key */
  getItem(key) {
    return this.here.get(key) ?? this.storage?.getItem(key) ?? null;
  }

  /** @param {string} key @param {string} value @returns {boolean} whether it outlives the page */
  setItem(key, value) {
    this.here.delete(key);
    try {
      this.storage?.setItem(key, value);
      if (this.storage) return true;
    } catch {
      // It is full. What was there before would come back as if it were this.
      this.storage?.removeItem(key);
    }
    this.here.set(key, value);
    return false;
  }

  /** @param {string} key */
  removeItem(key) {
    this.here.delete(key);
    this.storage?.removeItem(key);
  }

  clear() {
    this.here.clear();
    this.storage?.clear();
  }
}

export const tab = new Kept(() => sessionStorage);
export const browser = new Kept(() => localStorage);
