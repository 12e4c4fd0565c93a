// The calls of the public API, as any program would make them.

/** An answer that is no success: `code` for programs, `message` for people. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered with status ${status}.`);
    this.status = status;
    this.code = body.code || "";
    this.requestId = body.request_id || "";
  }
}

/** A random id; `randomUUID` exists only on https and localhost. */
function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Api {
  constructor(key) {
    this.key = key;
  }

  async call(method, path, { body, headers = {}, signal } = {}) {
    let response;
    try {
      response = await fetch(path, { method, body, signal, headers: { Authorization: `Bearer ${this.key}`, ...headers } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, { detail: "The studio's server does not answer. Is it running?", code: "unreachable" });
    }
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response;
  }

  async post(path, value) {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": randomId() };
    return (await this.call("POST", path, { body: JSON.stringify(value), headers })).json();
  }

  async account() {
    return (await this.call("GET", "/v1/account")).json();
  }

  async init(file) {
    const body = new FormData();
    body.append("image", file);
    body.append("max_objects", "6");
    return (await this.call("POST", "/v1/studio/init", { body, headers: { "Idempotency-Key": randomId() } })).json();
  }

  transform(order) {
    return this.post("/v1/studio/transform", order);
  }

  render(jobId, changes) {
    return this.post(`/v1/studio/jobs/${jobId}/render`, changes);
  }

  async cancel(jobId) {
    return (await this.call("POST", `/v1/studio/jobs/${jobId}/cancel`)).json();
  }

  /** Calls `onState` with each state of a job up to its last; resumes where a connection broke. */
  async follow(jobId, onState, signal) {
    let lastId = "";
    let failures = 0;
    while (!signal.aborted) {
      try {
        const headers = lastId ? { "Last-Event-ID": lastId } : {};
        const response = await this.call("GET", `/v1/studio/result/${jobId}/stream`, { headers, signal });
        for await (const event of events(response)) {
          failures = 0;
          lastId = event.id || lastId;
          const state = JSON.parse(event.data);
          onState(state);
          if (["completed", "failed", "canceled"].includes(state.status)) return;
        }
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
        failures += 1;
        if (failures > 30) throw error;
      }
      await pause(1000);
    }
  }
}

/** The server-sent events of a response. */
async function* events(response) {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      let end;
      while ((end = text.indexOf("\n\n")) >= 0) {
        const event = { id: "", data: "" };
        for (const line of text.slice(0, end).split("\n")) {
          if (line.startsWith("id: ")) event.id = line.slice(4);
          if (line.startsWith("data: ")) event.data += line.slice(6);
        }
        text = text.slice(end + 2);
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
