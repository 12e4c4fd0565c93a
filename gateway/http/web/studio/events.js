// Server-sent events, read from an answer: a browser's own EventSource cannot send a key.

/** No byte for this long means that a stream is dead: the server writes every 15 s. */
const SILENCE_MS = 40_000;

/** The server-sent events of a response; ends where the stream breaks or falls silent. @param {Response} response */
export async function* events(response) {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await withinSilence(reader.read());
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

/** @template T @param {Promise<T>} read @returns {Promise<T | { value: undefined, done: true }>} */
function withinSilence(read) {
  /** @type {number} */
  let timer;
  const silence = /** @type {Promise<{ value: undefined, done: true }>} */ (
    new Promise((resolve) => {
      timer = window.setTimeout(() => resolve({ value: undefined, done: true }), SILENCE_MS);
    })
  );
  return Promise.race([read, silence]).finally(() => clearTimeout(timer));
}
