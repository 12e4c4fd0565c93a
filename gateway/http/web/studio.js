// The studio in the browser: photo, subject, background, camera, progress, film.

import { Api, Problem } from "/web/api.js";

const $ = (id) => document.getElementById(id);
const KEY = "lensora-api-key";
const STEPS = {
  "cropping": "Cropping",
  "removing-bg": "Cutting out the subject",
  "generating-bg": "Building the scene",
  "compositing": "Composing the still",
  "generating-3d": "Modelling in 3D",
  "rendering-video": "Filming",
};
const IDEAS = ["marble kitchen, morning light", "wooden desk by a window", "sandy beach at sunset", "concrete studio, dramatic light", "mossy forest floor"];
const FILES = {
  mp4_url: ["Film", "MP4, 4 s"],
  glb_url: ["3D model", "GLB"],
  scene_url: ["Scene", "JPEG"],
  removed_bg_url: ["Cutout", "PNG"],
};

const state = { api: null, session: null, object: 0, job: null, filmed: null, output: null, following: null, pending: null, photoUrl: "" };

// --- the key -------------------------------------------------------------------------------------------------------

function useKey(key) {
  state.api = new Api(key);
  localStorage.setItem(KEY, key);
  $("key-button").textContent = "Change key";
}

async function refreshBalance() {
  if (!state.api) return;
  try {
    const account = await state.api.account();
    $("balance").textContent = `${account.balance.toLocaleString()} credits`;
    $("balance").hidden = false;
  } catch (error) {
    $("balance").hidden = true;
    if (error.code === "unauthorized") askForKey("This key is unknown or revoked.");
  }
}

function askForKey(message) {
  $("key-error").hidden = !message;
  $("key-error").textContent = message || "";
  $("key-input").value = "";
  if (!$("key-dialog").open) $("key-dialog").showModal();
}

$("key-button").addEventListener("click", () => askForKey(""));
$("key-form").addEventListener("submit", async (event) => {
  if (event.submitter && event.submitter.value !== "save") return;
  event.preventDefault();
  const key = $("key-input").value.trim();
  try {
    await new Api(key).account();
  } catch (error) {
    askForKey(error.message);
    return;
  }
  useKey(key);
  $("key-dialog").close();
  refreshBalance();
  if (state.pending) open(state.pending);
});

// --- what is shown -------------------------------------------------------------------------------------------------

function show(stage, panel) {
  for (const id of ["drop", "canvas", "making", "result"]) $(id).hidden = id !== stage;
  for (const id of ["intro", "options", "summary"]) $(id).hidden = id !== panel;
  if (stage !== "result") $("view").replaceChildren();
  document.querySelector(".studio").classList.toggle("busy", stage === "making");
}

function tell(error, plain = false) {
  const notice = $("notice");
  notice.hidden = !error;
  notice.classList.toggle("plain", plain);
  if (!error) return;
  notice.textContent = error.message || String(error);
  if (error instanceof Problem && error.requestId && error.status >= 500) {
    const small = document.createElement("small");
    small.textContent = `Request ${error.requestId}`;
    notice.append(small);
  }
  if (error.code === "unauthorized") askForKey(error.message);
  notice.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// --- the photo and its objects -------------------------------------------------------------------------------------

async function open(file) {
  tell(null);
  state.pending = null;
  if (!state.api) {
    state.pending = file;
    askForKey("");
    return;
  }
  URL.revokeObjectURL(state.photoUrl);
  state.photoUrl = URL.createObjectURL(file);
  $("photo").src = state.photoUrl;
  $("boxes").replaceChildren();
  $("scan").hidden = false;
  show("canvas", "intro");
  try {
    state.session = await state.api.init(file);
  } catch (error) {
    show("drop", "intro");
    tell(error);
    return;
  } finally {
    $("scan").hidden = true;
    refreshBalance();
  }
  offer();
}

function offer() {
  const boxes = $("boxes");
  const chips = $("subjects");
  boxes.replaceChildren();
  chips.replaceChildren();
  state.session.objects.forEach((object, index) => {
    const [x1, y1, x2, y2] = object.bbox;
    const whole = object.category === "full_frame";
    const label = whole ? "Entire photo" : object.label;
    const chip = element("button", { type: "button" }, label);
    if (!whole) chip.append(element("small", {}, object.category));
    chip.addEventListener("click", () => choose(index));
    chips.append(chip);
    const box = element("button", { type: "button", class: x2 - x1 < 0.12 ? "box tiny" : "box", "aria-label": label }, element("span", {}, label));
    box.style.cssText = `left:${x1 * 100}%;top:${y1 * 100}%;width:${(x2 - x1) * 100}%;height:${(y2 - y1) * 100}%`;
    // Small boxes lie above large ones, so that each can be clicked.
    box.style.zIndex = String(1 + Math.round(100 * (1 - (x2 - x1) * (y2 - y1))));
    box.addEventListener("click", () => choose(index));
    if (whole) box.hidden = true;
    boxes.append(box);
  });
  const advice = $("advice");
  advice.replaceChildren(...state.session.suggested_actions.map((action) => element("li", {}, action.message)));
  advice.hidden = state.session.suggested_actions.length === 0;
  choose(0);
  show("canvas", "options");
}

function choose(index) {
  state.object = index;
  [...$("subjects").children].forEach((chip, place) => chip.setAttribute("aria-pressed", String(place === index)));
  [...$("boxes").children].forEach((box, place) => box.setAttribute("aria-pressed", String(place === index)));
}

function restart() {
  tell(null);
  state.session = state.job = state.output = null;
  $("file").value = "";
  show("drop", "intro");
}

$("file").addEventListener("change", (event) => event.target.files[0] && open(event.target.files[0]));
for (const kind of ["dragover", "dragenter"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => event.relatedTarget || $("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file && $("making").hidden) open(file);
});
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files || [])].find((entry) => entry.type.startsWith("image/"));
  if (file && $("making").hidden) open(file);
});

// --- the order -----------------------------------------------------------------------------------------------------

function chosen(name) {
  return document.querySelector(`input[name=${name}]:checked`).value;
}

function background() {
  const type = chosen("background");
  if (type === "prompt") return { type, prompt: $("prompt").value };
  if (type === "image") return { type, url: $("url").value.trim() };
  return { type };
}

for (const radio of document.querySelectorAll("input[name=background]")) {
  radio.addEventListener("change", () => {
    for (const type of ["prompt", "image", "remove"]) $(`background-${type}`).hidden = type !== chosen("background");
  });
}
$("ideas").append(...IDEAS.map((idea) => {
  const chip = element("button", { type: "button" }, idea);
  chip.addEventListener("click", () => { $("prompt").value = idea; });
  return chip;
}));

$("options").addEventListener("submit", async (event) => {
  event.preventDefault();
  tell(null);
  $("create").disabled = true;
  try {
    const ticket = await state.api.transform({
      session_id: state.session.session_id,
      object_index: state.object,
      background: background(),
      camera_preset: chosen("camera"),
    });
    await watch(ticket);
  } catch (error) {
    if (error.code === "session_not_found") restart();
    tell(error);
  } finally {
    $("create").disabled = false;
    refreshBalance();
  }
});
$("restart").addEventListener("click", restart);
$("fresh").addEventListener("click", restart);
$("more").addEventListener("click", () => show("canvas", "options"));

// --- progress ------------------------------------------------------------------------------------------------------

async function watch(ticket) {
  state.job = ticket.job_id;
  for (const [id, word] of [["slot-cutout", "Cutout"], ["slot-scene", "Scene"]]) $(id).replaceChildren(element("span", {}, word));
  $("steps").replaceChildren(...Object.entries(STEPS).map(([name, text]) => element("li", { "data-step": name }, text)));
  $("meter").style.width = "0";
  $("cancel").disabled = false;
  show("making", null);
  refreshBalance();
  state.following = new AbortController();
  try {
    await state.api.follow(ticket.job_id, progress, state.following.signal);
  } finally {
    refreshBalance();
  }
}

function progress(job) {
  $("meter").style.width = `${job.progress}%`;
  $("now").textContent = job.status === "queued" ? waiting(job) : STEPS[job.step] || "Starting";
  $("eta").textContent = job.eta_seconds ? `about ${job.eta_seconds} s` : "";
  for (const stage of job.stages || []) {
    const row = document.querySelector(`[data-step="${stage.name}"]`);
    row.dataset.status = stage.status;
    if (stage.ms !== null && !row.querySelector("time")) row.append(element("time", {}, `${(stage.ms / 1000).toFixed(1)} s`));
  }
  fill("slot-cutout", job.removed_bg_url, "The subject without its background");
  fill("slot-scene", job.scene_url, "The new scene");
  if (job.status === "completed") finish(job);
  if (job.status === "failed" || job.status === "canceled") {
    show("canvas", "options");
    const text = job.status === "failed" ? `${job.error}.` : "Cancelled.";
    const back = job.credits_refunded ? ` ${job.credits_refunded} credits came back.` : "";
    tell({ message: text + back }, job.status === "canceled");
  }
}

function waiting(job) {
  return job.queue_position ? `Waiting, ${job.queue_position} before this one` : "Waiting for a free place";
}

function fill(id, url, alt) {
  const slot = $(id);
  if (!url || slot.querySelector("img")) return;
  slot.replaceChildren(element("img", { src: url, alt }));
}

$("cancel").addEventListener("click", async () => {
  $("cancel").disabled = true;
  try {
    await state.api.cancel(state.job);
  } catch (error) {
    tell(error);
  }
});

// --- the result ----------------------------------------------------------------------------------------------------

function finish(job) {
  state.output = job.output;
  state.filmed = job.job_id;
  show("result", "summary");
  const seconds = (job.stages || []).reduce((sum, stage) => sum + (stage.ms || 0), 0) / 1000;
  const likeness = job.quality ? ` The model's outline matches the photo by ${Math.round(job.quality.silhouette_iou * 100)} %.` : "";
  $("summary-text").textContent = `Made with ${seconds.toFixed(0)} s of work.${likeness}`;
  $("tabs").replaceChildren(...Object.entries(FILES).map(([name, [title]]) => {
    const tab = element("button", { type: "button", role: "tab", "data-name": name }, title);
    tab.addEventListener("click", () => view(name));
    return tab;
  }));
  $("downloads").replaceChildren(...Object.entries(FILES).map(([name, [title, kind]]) => {
    const link = element("a", { href: job.output[name], download: "" }, title, element("small", {}, kind));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      save(job.output[name]).catch(tell);
    });
    return element("li", {}, link);
  }));
  $("again-cameras").replaceChildren(...["turntable", "dolly", "cinematic"].map((camera) => {
    const button = element("button", { type: "button", class: "quiet" }, camera[0].toUpperCase() + camera.slice(1));
    button.addEventListener("click", () => again(camera));
    return button;
  }));
  view("mp4_url");
}

async function view(name) {
  for (const tab of $("tabs").children) tab.setAttribute("aria-selected", String(tab.dataset.name === name));
  const url = state.output[name];
  if (name === "mp4_url") {
    const film = element("video", { src: url, controls: "", loop: "", playsinline: "" });
    film.muted = true;
    film.autoplay = true;
    $("view").replaceChildren(film);
  } else if (name === "glb_url") {
    $("view").replaceChildren(await viewer(url));
  } else {
    const picture = element("img", { src: url, alt: FILES[name][0] });
    $("view").replaceChildren(element("div", { class: name === "removed_bg_url" ? "checker" : "" }, picture));
  }
}

let viewerLoaded = null;

/** The 3D view where it is installed beside this page, else a line that says how to look at the file. */
async function viewer(url) {
  viewerLoaded ??= import("/web/vendor/model-viewer.min.js").then(() => true, () => false);
  if (await viewerLoaded) {
    return element("model-viewer", {
      src: url, "camera-controls": "", "auto-rotate": "", "shadow-intensity": "0.6", "touch-action": "pan-y", alt: "The 3D model",
    });
  }
  return element("p", { class: "empty" }, "The 3D view is not installed here. Download the GLB and open it in Blender, Windows 3D Viewer, Xcode or any glTF viewer.");
}

async function again(camera) {
  tell(null);
  try {
    await watch(await state.api.render(state.filmed, { camera_preset: camera }));
  } catch (error) {
    show("result", "summary");
    view("mp4_url");
    tell(error);
  }
}

async function save(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  const address = URL.createObjectURL(await response.blob());
  const link = element("a", { href: address, download: decodeURIComponent(new URL(url).pathname.split("/").pop()) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

$("download-all").addEventListener("click", async () => {
  $("download-all").disabled = true;
  try {
    for (const name of Object.keys(FILES)) await save(state.output[name]);
  } catch (error) {
    tell(error);
  } finally {
    $("download-all").disabled = false;
  }
});

// --- start ---------------------------------------------------------------------------------------------------------

const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) history.replaceState(null, "", location.pathname);
const kept = given || localStorage.getItem(KEY);
if (kept) {
  useKey(kept);
  refreshBalance();
}
