/** The admin's second page: the figures of the last days, the audit trail, and the users. */

import { byId, fill } from "./dom.js";
import { boot, showView } from "./shell.js";
import { Figures } from "./views/figures.js";
import { People } from "./views/people.js";
import { Trail } from "./views/trail.js";

const FIRST = "figures";

class OverviewPage {
  /** @param {import("./shell.js").Here} here */
  constructor(here) {
    /** @type {Record<string, {element: any, load: () => Promise<void>}>} */
    this.parts = {
      figures: new Figures(here.api), trail: new Trail(here.api), people: new People(here.api, here.me.id),
    };
    fill(byId("main"), Object.values(this.parts).map((part) => part.element));
    for (const one of document.querySelectorAll("#views button")) {
      one.addEventListener("click", () => this.open(/** @type {HTMLElement} */ (one).dataset.view ?? FIRST));
    }
    const wanted = new URLSearchParams(location.search).get("view") ?? FIRST;
    this.open(wanted in this.parts ? wanted : FIRST);
  }

  /** What is opened is read anew: figures of an hour ago look like those of now. @param {string} view */
  open(view) {
    showView(view);
    for (const [name, part] of Object.entries(this.parts)) part.element.hidden = name !== view;
    history.replaceState(null, "", view === FIRST ? location.pathname : `?view=${view}`);
    void this.parts[view].load();
  }
}

void boot("admin", (here) => new OverviewPage(here));
