import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { LensoraError, verifyWebhook } from "../dist/index.js";

const KEY = Buffer.from("secret of the account!");
const SECRET = `whsec_${KEY.toString("base64")}`;
const NOW = 1_795_000_000;
const BODY = JSON.stringify({ type: "job.failed", timestamp: "2026-11-29T09:31:00+00:00", data: { job_id: "j" } });

function headers(body = BODY, at = NOW, key = KEY) {
  const signature = createHmac("sha256", key).update(`msg-1.${at}.${body}`).digest("base64");
  return { "Webhook-Id": "msg-1", "webhook-timestamp": String(at), "webhook-signature": `v1,bm8= v1,${signature}` };
}

test("a signed event is read, from Node's headers and from Headers", () => {
  assert.equal(verifyWebhook(SECRET, headers(), BODY, { now: NOW + 10 }).data.job_id, "j");
  assert.equal(verifyWebhook(SECRET, new Headers(headers()), Buffer.from(BODY), { now: NOW }).type, "job.failed");
});

test("anything else is refused", () => {
  const refused = [
    [headers(), BODY.replace("j", "k")],
    [headers(BODY, NOW - 301), BODY],
    [headers(BODY, NOW, Buffer.from("other")), BODY],
    [{ ...headers(), "Webhook-Id": "msg-2" }, BODY],
    [{ ...headers(), "webhook-timestamp": "soon" }, BODY],
    [{}, BODY],
  ];
  for (const [given, body] of refused) {
    assert.throws(() => verifyWebhook(SECRET, given, body, { now: NOW }), LensoraError);
  }
});

test("an empty secret lets nothing through, though anybody can sign with it", () => {
  for (const secret of ["", "whsec_"]) {
    const signed = headers(BODY, NOW, Buffer.alloc(0));
    assert.throws(() => verifyWebhook(secret, signed, BODY, { now: NOW }), { code: "unauthorized", message: "The secret is empty." });
  }
});
