/** Says how far the viewer has read: what stands at the end of a page that is looked at. */

export class Receipts {
  /** @param {(session: string, seq: number) => void} tell */
  constructor(tell) {
    this.tell = tell;
    this.session = "";
    this.seq = 0;
  }

  /** @param {import("./state.js").State} state @param {boolean} isAtEnd */
  look(state, isAtEnd) {
    const session = state.session?.id;
    if (!session || !isAtEnd || document.visibilityState !== "visible") return;
    if (session === this.session && state.seq <= this.seq) return;
    this.session = session;
    this.seq = state.seq;
    this.tell(session, state.seq);
  }

  /** What was told on a line that is gone may not have arrived. */
  forget() {
    this.seq = 0;
  }
}
