// A server that breaks off: what came is not taken for the whole, and what is asked for is asked again.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Lensora, LensoraError } from "../dist/index.js";

const JOB = { job_id: "j", status: "failed", progress: 0, stages: [] };
let server;
let studio;
let breaks = 0;
const keys = [];

before(async () => {
  server = createServer((request, response) => {
    keys.push(request.headers["idempotency-key"]);
    request.resume();
    if (request.method === "DELETE") {
      if (breaks-- > 0) return response.destroy();
      const found = request.url.endsWith("/there");
      response.writeHead(found ? 204 : 404, { "Content-Type": "application/problem+json" });
      return response.end(found ? undefined : JSON.stringify({ code: "not_found", detail: "No such job." }));
    }
    const url = `http://127.0.0.1:${server.address().port}/films.zip`;
    const whole = request.url === "/films.zip" ? "x".repeat(100_000) : JSON.stringify({ ...JOB, archive_url: url });
    response.writeHead(200, { "Content-Length": String(whole.length), "Content-Type": "application/json" });
    if (request.url.includes("batches") || breaks-- <= 0) return response.end(whole);
    response.write(whole.slice(0, whole.length / 2));
    return setTimeout(() => response.destroy(), 20);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  studio = new Lensora({ baseUrl: `http://127.0.0.1:${server.address().port}`, apiKey: "key" });
});
after(() => server.close());

test("an answer that breaks off is asked for again, under the same key", async () => {
  breaks = 1;
  keys.length = 0;
  assert.equal((await studio.transform({ session_id: "s" })).job_id, "j");
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

test("a deletion whose answer was lost is asked for again, and has happened where nothing is found then", async () => {
  breaks = 1;
  await studio.delete({ job_id: "gone" });
  breaks = 1;
  await studio.delete({ job_id: "there" });
  breaks = 0;
  await assert.rejects(studio.delete({ job_id: "gone" }), { code: "not_found" });
  breaks = 99;
  await assert.rejects(studio.deleteBrand("there"), { code: "unreachable" });
});

test("one that always breaks off is an error of ours", async () => {
  breaks = 99;
  await assert.rejects(studio.account(), (error) => error instanceof LensoraError && error.code === "unreachable");
});

test("a file is there once it is whole", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lensora-"));
  breaks = 99;
  await assert.rejects(studio.batches.archive("b", join(folder, "films.zip")), { code: "unreachable" });
  assert.deepEqual(await readdir(folder), []);
  breaks = 1;
  await studio.batches.archive("b", join(folder, "films.zip"));
  assert.equal((await readFile(join(folder, "films.zip"))).length, 100_000);
  breaks = 1;
  const result = { ...JOB, status: "completed", output: { mp4_url: `http://127.0.0.1:${server.address().port}/films.zip` } };
  const { mp4 } = await studio.download(result, join(folder, "job"));
  assert.equal((await readFile(mp4)).length, 100_000);
});

test("a disk's error is the disk's", async () => {
  breaks = 0;
  await assert.rejects(studio.batches.archive("b", join(tmpdir(), "no such folder", "films.zip")), { code: "ENOENT" });
});

test("waiting for a server that is away ends at its time, and leaves nothing on the signal", async () => {
  const nobody = new Lensora({ baseUrl: "http://127.0.0.1:1", apiKey: "key", fetch: () => Promise.reject(new TypeError("fetch failed")) });
  const { signal } = new AbortController();
  const started = Date.now();
  await assert.rejects(nobody.wait("j", { timeoutMs: 2_500, signal }), { code: "unreachable" });
  assert.ok(Date.now() - started < 15_000);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("waiting ends at its time where the server takes the poll and is silent", async () => {
  const silent = createServer((request) => request.resume());
  await new Promise((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const waiting = new Lensora({ baseUrl: `http://127.0.0.1:${silent.address().port}`, apiKey: "key" });
  const { signal } = new AbortController();
  const started = Date.now();
  await assert.rejects(waiting.wait("j", { timeoutMs: 500, signal }), { code: "unreachable" });
  await assert.rejects(waiting.batches.wait("b", { timeoutMs: 500, signal }), { code: "unreachable" });
  assert.ok(Date.now() - started < 30_000);
  assert.equal(getEventListeners(signal, "abort").length, 0);
  const given = new AbortController();
  setTimeout(() => given.abort(new Error("enough")), 100);
  await assert.rejects(waiting.wait("j", { timeoutMs: 60_000, signal: given.signal }), { message: "enough" });
  silent.closeAllConnections();
  silent.close();
});

test("no pause is begun that would end after the time", async () => {
  let polls = 0;
  const busy = async () => {
    polls += 1;
    const headers = { "Content-Type": "application/problem+json", "Retry-After": "15" };
    return new Response(JSON.stringify({ code: "overloaded", detail: "Too much." }), { status: 503, headers });
  };
  const waiting = new Lensora({ baseUrl: "http://127.0.0.1:1", apiKey: "key", fetch: busy });
  await assert.rejects(waiting.wait("j", { timeoutMs: 0 }), { code: "overloaded" });
  assert.equal(polls, 1);
});

test("what no request can hold is refused before one is sent", async () => {
  const asked = [];
  const given = { baseUrl: " http://127.0.0.1:1/ ", apiKey: " key\n", fetch: async (url) => asked.push(url) && Response.json({}) };
  assert.throws(() => new Lensora({ ...given, apiKey: "schl\u00fcssel" }), { code: "unauthorized" });
  assert.throws(() => new Lensora({ ...given, apiKey: "" }), { code: "unauthorized" });
  for (const baseUrl of ["127.0.0.1:8000", "ftp://a.example", "http://", "http://a b", ""]) {
    assert.throws(() => new Lensora({ ...given, baseUrl }), TypeError);
  }
  const lensora = new Lensora(given);
  for (const idempotencyKey of ["schl\u00fcssel", "", "k".repeat(256), "a\nb"]) {
    await assert.rejects(lensora.transform({ session_id: "s" }, { idempotencyKey }), /idempotencyKey must have 1 to 255/);
  }
  await assert.rejects(lensora.brand("."), /name must be a name or an id, not "\."/);
  await assert.rejects(lensora.result(""), { code: "invalid_request" });
  await assert.rejects(lensora.batches.get(".."), { code: "invalid_request" });
  assert.deepEqual(asked, []);
  await lensora.account();
  assert.deepEqual(asked, ["http://127.0.0.1:1/v1/account"]);
});
