/** Elements made from plain values: text becomes text nodes, never markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] `on…` is a listener, `class` and everything else an attribute; a boolean
 *   sets or leaves out
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  fill(element, ...children);
  return element;
}

/** Puts the children in place of what is there. @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren(
    .../** @type {Child[]} */ (children.flat())
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))),
  );
}

/** @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** A link that leads out only to the web: what is scraped may name any scheme. Where it leads stands in its title, with
 * letters that only look like others spelled out.
 * @param {string | null | undefined} url @param {string} text @returns {Child} */
export function outward(url, text) {
  if (!url || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return null;
  const { href, host } = new URL(url);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer", title: `Opens ${host}` }, text);
}

/** Why something could not be read, and the way to try it again. @param {Element} place @param {unknown} error
 * @param {() => any} again */
export function refused(place, error, again) {
  fill(place, el("span", { class: "problem", role: "alert" }, String(/** @type {Error} */ (error).message)), " ",
    button("Try again", again, { class: "soft" }));
}

/** A button whose handler may take a while: it cannot be pressed twice meanwhile.
 * @param {string} label @param {() => any} act @param {Record<string, any>} [properties] */
export function button(label, act, properties = {}) {
  const made = el("button", { type: "button", ...properties }, label);
  made.addEventListener("click", async () => {
    if (made.getAttribute("aria-disabled") === "true") return;
    made.setAttribute("aria-disabled", "true");
    try {
      await act();
    } finally {
      made.removeAttribute("aria-disabled");
    }
  });
  return made;
}
