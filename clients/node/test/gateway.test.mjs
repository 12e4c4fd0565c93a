// Against a real gateway whose jobs somebody completes: LENSORA_BASE_URL, LENSORA_API_KEY, LENSORA_PHOTO.
import assert from "node:assert/strict";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";

import { backgroundOf, Lensora, LensoraError } from "../dist/index.js";

const { LENSORA_BASE_URL: baseUrl, LENSORA_API_KEY: apiKey, LENSORA_PHOTO: photo } = process.env;
const studio = new Lensora({ baseUrl: `${baseUrl}/`, apiKey });

test("the whole way: photo, cutout, job, progress, files, second film, account", async () => {
  const session = await studio.init(photo, { maxObjects: 2 });
  assert.deepEqual(session.objects.map((one) => one.category), ["product", "full_frame"]);
  const back = await studio.addView(session, photo, { view: "back" });
  const any = await studio.addView(session.session_id, photo, { bbox: [0.2, 0.2, 0.7, 0.7], objectIndex: 0 });
  assert.deepEqual([back.side, back.credits_used, any.side, any.bbox[0]], ["back", 2, undefined, 0.2]);
  assert.equal((await studio.changeView(any, { view: "left" })).side, "left");
  assert.deepEqual((await studio.views(session)).map((one) => one.view_id), [back.view_id, any.view_id]);
  await studio.deleteView(any);
  // What the cheap detector takes for a film: the start of an MP4.
  const film = await studio.addTurn(session, Buffer.concat([Buffer.alloc(4), Buffer.from("ftyp"), Buffer.alloc(600)]));
  assert.deepEqual([film.frames.length, film.credits_used], [8, 10]);
  const cutout = await studio.cutout({ session_id: session.session_id, bbox: [0.2, 0.2, 0.7, 0.7] });
  const ticket = await studio.transform({
    session_id: session.session_id,
    cutout_id: cutout.cutout_id,
    background: backgroundOf("a marble table"),
  });
  assert.equal(ticket.credits_used, 75);
  const order = { session_id: session.session_id, background: { type: "remove" } };
  assert.equal((await studio.quote(order)).credits, 75);
  const shown = [];
  const result = await studio.wait(ticket, { onProgress: (state) => shown.push(state.progress), timeoutMs: 60_000 });
  assert.equal(result.status, "completed");
  assert.equal(shown.at(-1), 100);
  const files = await studio.download(result, await mkdtemp(join(tmpdir(), "lensora-")));
  assert.deepEqual(Object.keys(files).sort(), ["glb", "mp4", "removed_bg", "scene"]);
  assert.ok((await stat(files.mp4)).size > 1_000);
  const again = await studio.render(result, { camera_preset: "dolly" });
  assert.equal(again.credits_used, 25);
  await studio.cancel(again);
  assert.equal((await studio.jobs({ limit: 2 })).jobs.length, 2);
  await studio.delete(again);
  assert.ok((await studio.jobs()).jobs.every((job) => job.job_id !== again.job_id));
  assert.deepEqual((await studio.session(session.session_id)).objects, session.objects);
  assert.ok((await studio.ledger()).entries.some((entry) => entry.amount === -75));
  assert.ok((await studio.account()).balance > 0);
  const secret = await studio.webhookSecret();
  assert.match(secret, /^whsec_/);
  assert.notEqual(await studio.rotateWebhookSecret(), secret);
  const share = await studio.share(result, { hours: 1, downloads: false });
  assert.deepEqual([share.downloads, share.listed], [false, false]);
  await studio.unshare(result);
  assert.equal((await studio.result(result)).share, undefined);
  assert.match((await studio.backplate(photo)).picture_url, /^http/);
});

/** A white PNG of 16 x 16 pixels. */
function logo() {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  const header = Buffer.from([0, 0, 0, 16, 0, 0, 0, 16, 8, 0, 0, 0, 0]);
  const rows = deflateSync(Buffer.concat(Array.from({ length: 16 }, () => Buffer.from([0, ...Array(16).fill(255)]))));
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("a brand: saved with its logo, ordered with, listed, deleted; and what a film's files cost", async () => {
  const saved = await studio.saveBrand("Shop", { background: backgroundOf("#1f5c57"), logo: { corner: "top_left" } }, logo());
  assert.deepEqual([saved.name, saved.background.value, saved.logo.corner, saved.logo.width], ["shop", "#1f5c57", "top_left", 16]);
  const session = await studio.init(photo);
  const ticket = await studio.transform({ session_id: session.session_id, brand: "shop" });
  assert.equal((await studio.result(ticket)).order.brand, "shop");
  await studio.cancel(ticket);
  assert.deepEqual((await studio.brands()).brands.map((brand) => brand.name), ["shop"]);
  assert.equal((await studio.brand("shop")).logo.height, 16);
  await studio.deleteBrand("shop");
  await assert.rejects(studio.brand("shop"), { code: "not_found" });
  const prices = await studio.prices({ seconds: 8 });
  assert.equal(prices.outputs.find((row) => row.name === "webp").credits, 25);
});

test("many photos at once: price, batch, wait, archive, list, delete", async () => {
  const body = { background: { type: "remove" } };
  assert.equal((await studio.batches.quote({ ...body, photos: 3 })).credits, 240);
  const sessions = await Promise.all([studio.init(photo), studio.init(photo)]);
  const items = sessions.map((session, place) => ({ session_id: session.session_id, name: `mug ${place}` }));
  const ticket = await studio.batches.create({ ...body, items: [...items, { session_id: "lost" }] });
  assert.deepEqual([ticket.jobs, ticket.credits_used, ticket.refused[0].code], [2, 150, "session_not_found"]);
  const shown = [];
  const batch = await studio.batches.wait(ticket, { onProgress: (state) => shown.push(state.progress), timeoutMs: 60_000 });
  assert.equal(batch.status, "completed");
  assert.equal(shown.at(-1), 100);
  assert.deepEqual(batch.items.map((item) => item.status), ["completed", "completed", "failed"]);
  const path = await studio.batches.archive(batch, join(await mkdtemp(join(tmpdir(), "lensora-")), "films.zip"));
  assert.equal((await readFile(path)).subarray(0, 2).toString(), "PK");
  assert.equal((await studio.batches.list({ limit: 1 })).batches[0].batch_id, batch.batch_id);
  assert.equal((await studio.batches.cancel(batch)).already_terminal, true);
  await studio.batches.delete(batch);
  await assert.rejects(studio.batches.get(batch), { code: "batch_not_found" });
});

test("a stream gives each state up to the end", async () => {
  const session = await studio.init(await readFile(photo));
  const ticket = await studio.transform({ session_id: session.session_id, background: { type: "remove" } });
  const states = [];
  for await (const state of studio.stream(ticket)) states.push(state);
  assert.equal(states.at(-1).status, "completed");
  assert.ok(states.length > 1);
});

test("errors have the API's code, and bad input is not tried again", async () => {
  let sent = 0;
  const counted = new Lensora({ baseUrl, apiKey, fetch: (...given) => ((sent += 1), fetch(...given)) });
  await assert.rejects(counted.init(Buffer.from("no picture")), (error) => {
    assert.ok(error instanceof LensoraError);
    assert.deepEqual([error.code, error.status, error.retryable], ["invalid_image", 400, false]);
    return true;
  });
  assert.equal(sent, 1);
  const stranger = new Lensora({ baseUrl, apiKey: "wrong" });
  await assert.rejects(stranger.account(), { code: "unauthorized" });
});

test("what the network loses is sent again under the same key", async () => {
  const keys = [];
  let broken = 1;
  const flaky = async (url, init) => {
    keys.push(init.headers["Idempotency-Key"]);
    if (broken-- > 0) throw new TypeError("fetch failed");
    return fetch(url, init);
  };
  const client = new Lensora({ baseUrl, apiKey, fetch: flaky });
  await client.init(photo);
  assert.equal(keys.length, 2);
  assert.ok(keys[0]);
  assert.equal(keys[0], keys[1]);
});
