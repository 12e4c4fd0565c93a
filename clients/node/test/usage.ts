// What README shows, held to the types: compiled by the tests, not run.
import { backgroundOf, Lensora, type Result, type TransformRequest } from "../dist/index.js";

const smallest: TransformRequest = { session_id: "2a91884c-1bb5-44e3-a6e0-7db0a5a56668", background: { type: "remove" } };
const larger: TransformRequest = { ...smallest, output: { size: 1024 }, camera_preset: "dolly" };
// @ts-expect-error: there is no such move.
const wrong: TransformRequest = { ...smallest, camera_preset: "orbit" };

export async function usage(): Promise<Result> {
  const studio = new Lensora({ baseUrl: "http://127.0.0.1:8000", apiKey: process.env.LENSORA_API_KEY! });
  const session = await studio.init("mine.jpg");
  const ticket = await studio.transform({
    session_id: session.session_id,
    background: backgroundOf("on a marble countertop"),
  });
  const result = await studio.wait(ticket, { onProgress: (state) => console.log(state.step, state.progress) });
  const batch = await studio.batches.create({
    items: [{ session_id: session.session_id, name: "red mug" }],
    background: { type: "remove" },
  });
  await studio.batches.archive(await studio.batches.wait(batch), "films.zip");
  console.log(await studio.download(result, "out"), larger, wrong);
  return result;
}
