// Words for people: stages, times, prices, states.

/** So long after its time, in seconds, something is late. */
const LATE_S = 4;

/** @type {Record<string, string>} */
export const STEPS = {
  "cropping": "Cropping",
  "removing-bg": "Cutting out the subject",
  "generating-bg": "Building the scene",
  "compositing": "Composing the still",
  "generating-3d": "Modelling in 3D",
  "rendering-video": "Filming",
};

/** @type {Record<string, string>} */
export const STATES = { queued: "Waiting", processing: "In the making", completed: "Ready", failed: "Failed", canceled: "Cancelled" };

/** @type {Record<string, [string, string]>} */
export const FILES = {
  mp4: ["Film", "MP4 (H.264)"],
  poster: ["Poster", "JPEG, one frame"],
  gif: ["Animated picture", "GIF"],
  webp: ["Moving picture", "WebP, in more colours"],
  webm_alpha: ["Film without background", "WebM with alpha"],
  scene: ["Still", "JPEG"],
  removed_bg: ["Cutout", "PNG with alpha"],
  glb: ["3D model", "GLB"],
  usdz: ["Model for iPhone and iPad", "USDZ"],
  obj: ["Model as OBJ", "ZIP"],
  stl: ["Model for 3D printing", "STL"],
};

/** @type {Record<string, string>} */
export const CAMERAS = { turntable: "Turntable", dolly: "Dolly", cinematic: "Cinematic" };

/** @type {Record<string, string>} */
export const SIDES = { back: "The back", left: "The left side", right: "The right side", top: "From above", front: "The front again", detail: "A part, closer" };

/** What a thing is called whose name is not known. */
const NAMELESS = ["object", "product"];

/** A subject's words with a capital letter. @param {string} [label] @param {string} [otherwise] for one that says nothing */
export function title(label, otherwise = "Your film") {
  const says = label && !NAMELESS.includes(label) && !label.startsWith("entire image");
  return says ? label[0].toUpperCase() + label.slice(1) : otherwise;
}

/** What each object of a photo is called: those that are called alike are numbered. @param {import("./types.js").DetectedObject[]} objects */
export function names(objects) {
  const plain = objects.map(({ category, label }) => (category === "full_frame" ? "Entire photo" : label));
  const count = (/** @type {string} */ name, end = plain.length) => plain.slice(0, end).filter((each) => each === name).length;
  return plain.map((name, index) => (count(name) > 1 ? `${name} ${count(name, index + 1)}` : name));
}

/** @param {number} count */
export const credits = (count) => `${count.toLocaleString("en")} ${count === 1 ? "credit" : "credits"}`;

/** A time to wait, no more exact than it is known. @param {number} seconds */
export function wait(seconds) {
  if (seconds <= 2) return "a few seconds";
  if (seconds < 20) return `about ${seconds} s`;
  if (seconds < 90) return `about ${5 * Math.round(seconds / 5)} s`;
  return `about ${Math.round(seconds / 60)} min`;
}

/**
 * What is left of a time that was said some while ago: never less than is known, never "at once".
 *
 * @param {number} said seconds that were left
 * @param {number} ago seconds since that was said
 */
export function left(said, ago) {
  const seconds = Math.round(said - ago);
  if (seconds > 2) return wait(seconds);
  return ago > said + LATE_S ? "longer than usual" : "a few seconds";
}

/** When something was, as a person says it. @param {string} moment RFC 3339 @param {number} [now] Unix ms */
export function ago(moment, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(moment)) / 1000);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (seconds < 60) return "just now";
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), "hour");
  return format.format(-Math.floor(seconds / 86_400), "day");
}

/** @param {number} bytes */
export function bytes(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Whether a file is meant as a film of a thing turning. @param {File} file */
export const isFilm = (file) => file.type.startsWith("video/");

/** What kind of file it is, by its name. @param {File} file */
const kindOf = (file) => (file.name.includes(".") ? `“.${file.name.split(".").pop()}”` : "this kind of file");

/** What is wrong with a film, before it is sent; empty where nothing is. @param {File} file */
export function wrongWithFilm(file) {
  if (!["video/mp4", "video/quicktime"].includes(file.type)) {
    return `${file.name || "This file"} is not a video that the studio takes (${kindOf(file)}). Please choose an MP4 or MOV.`;
  }
  return file.size > 20_000_000 ? `${file.name} has ${bytes(file.size)}; a film may have at most 20 MB. Film it smaller: 720p is enough.` : "";
}

/** What is wrong with a file that is no photo of ours, before it is sent; empty where nothing is. @param {File} file */
export function wrongWith(file) {
  const kinds = ["image/jpeg", "image/png", "image/webp"];
  if (!kinds.includes(file.type)) {
    return `${file.name || "This file"} is not a photo that the studio takes (${kindOf(file)}). Please choose a JPEG, PNG or WebP.`;
  }
  if (file.size > 20_000_000) return `${file.name} has ${bytes(file.size)}; a photo may have at most 20 MB.`;
  return "";
}
