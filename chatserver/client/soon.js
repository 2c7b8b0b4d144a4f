/** Drawing what streams: once for each frame of the screen, however many pieces came meanwhile. */

const HIDDEN_MS = 500;

/** @param {() => void} draw @returns {() => void} asks for it to be drawn soon */
export function soon(draw) {
  let isAsked = false;
  const act = () => {
    isAsked = false;
    draw();
  };
  return () => {
    if (isAsked) return;
    isAsked = true;
    // A page that nobody sees gets no frames.
    if (document.visibilityState === "visible") requestAnimationFrame(act);
    else setTimeout(act, HIDDEN_MS);
  };
}
