// A finished film: to be looked at, taken away, filmed again, and deleted.

import { html, useState } from "/web/vendor/preact.js";
import { Heading } from "./heading.js";
import { useOwner } from "../account.js";
import { SIDES, ago, credits, title } from "../words.js";
import { Again } from "./again.js";
import { Delete } from "./delete.js";
import { Downloads } from "./downloads.js";
import { ShareFilm } from "./share.js";
import { Viewer } from "./viewer.js";

/** @typedef {import("../types.js").Job} Job */

/**
 * What became of the further photos, in a sentence or two.
 *
 * @param {NonNullable<NonNullable<Job["quality"]>["views"]>} views
 */
function told(views) {
  const named = (/** @type {(typeof views)[number]} */ view) => (view.frames_used !== undefined ? "the video of a turn" : view.side ? SIDES[view.side].toLowerCase() : "a photo of no named side");
  const used = views.filter((view) => view.used).map(named);
  const made = used.length ? `Also made with your photos: ${used.join(", ")}. ` : "";
  const why = views.filter((view) => !view.used).map((view) => `Not used: ${named(view)}. ${view.message || "It would not agree with the model."}`);
  return made + why.join(" ");
}

/**
 * What a background of another camera means for the still scene.
 *
 * @param {NonNullable<NonNullable<Job["quality"]>["still"]>} still
 */
function fitting(still) {
  const looks = `The photo looks ${Math.round(Math.abs(still.pitch_gap_deg))} degrees ${still.pitch_gap_deg > 0 ? "farther" : "less far"} down than your background.`;
  return still.shows === "model" ? `${looks} The still shows the model, seen as the background is.` : `${looks} A background seen from the same height would fit better.`;
}

/** @param {{ job: Job }} properties */
export function Result({ job }) {
  const owner = useOwner();
  const [tab, setTab] = useState("mp4");
  if (!job.output) return null;
  const likeness = job.quality ? `The model's outline matches the photo by ${Math.round(job.quality.silhouette_iou * 100)} %.` : "";
  const price = job.credits_used ? `${credits(job.credits_used)}, ` : "";
  return html`<div class="split">
    <section class="stage card" aria-label="The film and what belongs to it">
      <${Viewer} output=${job.output} tab=${tab} onTab=${setTab} />
    </section>
    <section class="card panel">
      <${Heading}>${title(job.order?.label)} is ready<//>
      <p class="hint">${price}${ago(job.created_at)}. ${likeness}</p>
      ${job.quality?.views && html`<p class="hint">${told(job.quality.views)}</p>`}
      ${job.quality?.still && html`<p class="hint">${fitting(job.quality.still)}</p>`}
      <${Downloads} output=${job.output} onShow=${setTab} />
      <${Again} job=${job} />
      <${ShareFilm} job=${job} />
      <${Delete} jobId=${job.job_id} onDeleted=${owner.refresh} />
    </section>
  </div>`;
}
