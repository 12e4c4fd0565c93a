// One photo to four files: node film.mjs mine.jpg. Needs @lensora/client, LENSORA_BASE_URL and LENSORA_API_KEY.
import { backgroundOf, Lensora } from "@lensora/client";

if (process.argv.length !== 3) throw new Error("say which photo: node film.mjs mine.jpg");
const studio = new Lensora({ baseUrl: process.env.LENSORA_BASE_URL, apiKey: process.env.LENSORA_API_KEY });
const session = await studio.init(process.argv[2]);
session.objects.forEach((thing, index) => console.log(`${index}  ${thing.label} (${thing.category})`));
const ticket = await studio.transform({
  session_id: session.session_id,
  background: backgroundOf("on a marble countertop with soft natural light"),
});
const result = await studio.wait(ticket, {
  onProgress: (state) => console.log(`${state.progress}%  ${state.step ?? state.status}`),
});
if (!result.output) throw new Error(`${result.error}; ${result.credits_refunded} credits came back`);
for (const [name, path] of Object.entries(await studio.download(result, "out"))) console.log(`${name}: ${path}`);
