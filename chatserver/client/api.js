/** The REST side: requests with the token of the tab, refusals as sentences. */

const TIMEOUT_MS = 60_000;
const UPLOAD_TIMEOUT_MS = 120_000;
const AWAY = "The server cannot be reached; check your connection and try again.";

/** A refusal (RFC 9457); the message is the sentence to show. */
export class Problem extends Error {
  /** @param {number} status @param {any} document */
  constructor(status, document) {
    super(String(document?.detail ?? document?.message ?? document?.title ?? "That did not work; try again."));
    this.status = status;
    this.code = String(document?.code ?? "internal");
  }
}

export class Api {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  /** @param {string} path @param {Record<string, string | number | null | undefined>} [query] */
  get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return this.send("GET", search ? `${path}?${search}` : path);
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  async send(method, path, body) {
    const answer = await this.attempt(method, path, body, false);
    return answer.status === 401 ? read(await this.attempt(method, path, body, true)) : read(answer);
  }

  /** What is to be saved as it is. @param {string} path @returns {Promise<Blob>} */
  async file(path) {
    let answer = await this.attempt("GET", path, undefined, false);
    if (answer.status === 401) answer = await this.attempt("GET", path, undefined, true);
    return answer.ok ? answer.blob() : read(answer);
  }

  /** @param {string} method @param {string} path @param {object | undefined} body @param {boolean} renew */
  async attempt(method, path, body, renew) {
    /** @type {Record<string, string>} */
    const headers = { authorization: `Bearer ${(await this.session.current(renew)) ?? ""}` };
    if (body) headers["content-type"] = "application/json";
    try {
      return await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      throw new Problem(0, { detail: AWAY, code: "unavailable" });
    }
  }

  /** A file, with progress: `fetch` cannot tell how much of a body has gone.
   * @param {string} path @param {File} file @param {(part: number) => void} onProgress 0 to 1
   * @returns {Promise<any>} */
  async upload(path, file, onProgress) {
    const token = await this.session.current();
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", path);
      request.timeout = UPLOAD_TIMEOUT_MS;
      request.setRequestHeader("authorization", `Bearer ${token ?? ""}`);
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      };
      request.onload = () => {
        const said = parsed(request.responseText);
        if (request.status >= 200 && request.status < 300) resolve(said);
        else reject(new Problem(request.status, said));
      };
      request.onerror = request.ontimeout = () => reject(new Problem(0, { detail: AWAY, code: "unavailable" }));
      const form = new FormData();
      form.append("file", file);
      request.send(form);
    });
  }
}

/** What the web client needs before anybody has signed in. */
export async function config() {
  const answer = await fetch("/api/config");
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
  return answer.json();
}

/** @param {Response} answer */
async function read(answer) {
  const said = parsed(await answer.text());
  if (!answer.ok) throw new Problem(answer.status, said);
  return said;
}

/** @param {string} text */
function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
