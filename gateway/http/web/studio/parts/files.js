// Photos among what a person gives at once: many files, folders, and .zip archives, which are unpacked as they are read.

import { wrongWith } from "../words.js";

/** @typedef {{ name: string, file: File | null, wrong: string }} Given a photo, or what could not be taken and why */

export const MOST_PHOTOS = 200;
const MAX_BYTES = 20_000_000;
/** @type {Record<string, string>} */
const KINDS = { jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp" };

/** @param {string} path */
const suffix = (path) => (path.includes(".") ? path.split(".").pop() || "" : "").toLowerCase();
/** @param {string} path */
const hidden = (path) => path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");

/** Whether something that was dropped is more than one photo. @param {DataTransfer | null} transfer */
export function isMany(transfer) {
  if (!transfer) return false;
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() || null);
  return transfer.files.length > 1 || entries.some((entry) => entry?.isDirectory) || [...transfer.files].some(isArchive);
}

/** @param {File} file */
export const isArchive = (file) => suffix(file.name) === "zip" || file.type === "application/zip";

/** What was dropped, folders opened. To be called within the event. @param {DataTransfer} transfer @returns {Promise<Given[]>} */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() || null);
  const files = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return chosen(files);
  const found = await Promise.all(entries.map((entry) => (entry ? within(entry, "") : [])));
  return chosen(found.flat());
}

/**
 * @param {any} entry FileSystemEntry
 * @param {string} place
 * @returns {Promise<File[]>}
 */
async function within(entry, place) {
  const path = `${place}${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [named(file, path)];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader gives some entries at a time, and none when there are no more.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) found.push(...(await within(each, `${path}/`)));
  }
}

/** @param {File} file @param {string} path */
function named(file, path) {
  Object.defineProperty(file, "path", { value: path });
  return file;
}

/** @param {any} file */
const pathOf = (file) => file.path || file.webkitRelativePath || file.name;

/** Photos of files, folders that were picked, and archives. @param {File[]} files @returns {Promise<Given[]>} */
export async function chosen(files) {
  /** @type {Given[]} */
  const found = [];
  const many = files.length > 1;
  for (const file of files) {
    const path = pathOf(file);
    if (hidden(path)) continue;
    if (isArchive(file)) found.push(...(await unpacked(file)));
    // Beside photos, a folder holds what is none; a file that was picked by itself is said to be none.
    else if (file.type.startsWith("image/") || !(many && path.includes("/"))) found.push({ name: plain(path), file, wrong: wrongWith(file) });
  }
  return found.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
}

/** A path as a film's name: without the folder that holds all, and without its suffix. @param {string} path */
function plain(path) {
  const parts = path.split("/");
  return (parts.length > 1 ? parts.slice(1) : parts).join("-").replace(/\.[^.]*$/, "") || path;
}

/** @param {File} archive @returns {Promise<Given[]>} */
async function unpacked(archive) {
  try {
    await import("/web/vendor/zip.js");
    const zip = /** @type {any} */ (globalThis).zip;
    zip.configure({ useWebWorkers: false });
    const reader = new zip.ZipReader(new zip.BlobReader(archive));
    const entries = (await reader.getEntries()).filter((/** @type {any} */ entry) => !entry.directory && !hidden(entry.filename) && KINDS[suffix(entry.filename)]);
    if (!entries.length) return [{ name: archive.name, file: null, wrong: `${archive.name} holds no JPEG, PNG or WebP.` }];
    const found = [];
    for (const entry of entries.slice(0, MOST_PHOTOS + 1)) found.push(await entryOf(zip, entry));
    return found;
  } catch {
    return [{ name: archive.name, file: null, wrong: `${archive.name} cannot be unpacked: it is damaged, or no ZIP.` }];
  }
}

/** @param {any} zip @param {any} entry @returns {Promise<Given>} */
async function entryOf(zip, entry) {
  const name = entry.filename.replace(/\.[^.]*$/, "").replaceAll("/", "-");
  if (entry.encrypted) return { name, file: null, wrong: `${entry.filename} is locked by a password.` };
  if (entry.uncompressedSize > MAX_BYTES) return { name, file: null, wrong: `${entry.filename} has more than 20 MB.` };
  try {
    const type = KINDS[suffix(entry.filename)];
    const data = await entry.getData(new zip.BlobWriter(type));
    return { name, file: new File([data], entry.filename.split("/").pop(), { type }), wrong: "" };
  } catch {
    return { name, file: null, wrong: `${entry.filename} cannot be unpacked: it is damaged.` };
  }
}
