/** Files of answers, on a disk. Node only. */

/**
 * Save the body of an answer. The file is there once it is whole: until then its bytes lie beside it, under `.part`. Nothing stays
 * of one that breaks off.
 *
 * @param brokenOff the error for a body that breaks off; those of the disk are thrown as they are
 */
export async function save(response: Response, path: string, brokenOff: (cause: unknown) => Error): Promise<void> {
  const { createWriteStream } = await import("node:fs");
  const { rename, rm } = await import("node:fs/promises");
  const { pipeline } = await import("node:stream/promises");
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    try {
      for (;;) {
        const piece = await reader?.read().catch((error: unknown) => {
          throw brokenOff(error);
        });
        if (piece === undefined || piece.done) return;
        yield piece.value;
      }
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
  };
  // Piece by piece: an archive may be larger than memory.
  try {
    await pipeline(pieces, createWriteStream(`${path}.part`));
    await rename(`${path}.part`, path);
  } catch (error) {
    await rm(`${path}.part`, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** The last segment of a link's path, never a path of its own. */
export function fileNameOf(url: string, fallback: string): string {
  const last = decodeURIComponent(new URL(url).pathname.split("/").pop() ?? "").split(/[\\/]/).pop() ?? "";
  return ["", ".", ".."].includes(last) || last.includes("\0") ? fallback : last;
}
