// Names for the API's shapes, as the npm package has them from the OpenAPI document. Types alone: nothing runs.

/** @typedef {import("../../../../clients/node/src/schema").components["schemas"]} Schemas */
/** @typedef {Schemas["Session"]} Session */
/** @typedef {Schemas["DetectedObject"]} DetectedObject */
/** @typedef {Schemas["Result"]} Job */
/** @typedef {Schemas["Cutout"]} Cutout */
/** @typedef {Schemas["Backplate"]} Backplate */
/** @typedef {Schemas["Batch"]} Batch */
/** @typedef {Schemas["BatchItem"]} BatchItem */
/** @typedef {Schemas["View"]} View */
/** @typedef {Schemas["Share"]} Share */
/** @typedef {Schemas["Quote"]} Quote */
/** @typedef {Schemas["Account"]} Account */
/** @typedef {{ x: number, y: number, keep: boolean }} Point */
/** @typedef {[number, number, number, number]} Corners */

/**
 * What is meant in a photo: one of its objects, or a box that was drawn, and points.
 *
 * @typedef {{ index: number, box: Corners | null, points: Point[] }} Choice
 */

/** @typedef {Schemas["Brand"]} Brand */
/** @typedef {Schemas["Prices"]} Prices */

/**
 * `clear`: none, which a film of its own shows; `brand`: that of the brand, or of each film.
 *
 * @typedef {"prompt" | "image" | "color" | "remove" | "clear" | "brand"} BackgroundKind
 */

/**
 * A background as it is being chosen: each kind keeps what was entered for it.
 *
 * @typedef {{ kind: BackgroundKind, prompt: string, url: string, color: string, backplate: { id: string, url: string } | null }} Setting
 */

/**
 * The film as it is being chosen, and the thing's true height in centimetres as it was entered; "" where nobody said.
 *
 * @typedef {{ camera: string, aspect: string, size: number, seconds: number, fps: number, formats: string[], height: string }} Film
 */

/** @typedef {{ choice: Choice, cutout: Cutout | null, setting: Setting, film: Film, brand: string }} Draft */

/**
 * A photo on its way to a batch.
 *
 * @typedef {object} ManyPhoto
 * @property {string} key
 * @property {string} name
 * @property {File | null} file null for one that was uploaded before the page was loaded
 * @property {string} url to show it by; empty where it cannot be shown
 * @property {"waiting" | "looking" | "ready" | "wrong"} state
 * @property {string} wrong why it is no photo of ours, or why it has to be tried again
 * @property {string} sessionId once it is ready
 * @property {string} label what was found in it
 */

/**
 * A batch as it is being put together. ``sent`` is the key under which the order was sent, so that it is paid once.
 *
 * @typedef {{ photos: ManyPhoto[], setting: Setting, film: Film, brand: string, sent: string }} Many
 */

/** @typedef {Record<string, unknown>} Order */

export {};
