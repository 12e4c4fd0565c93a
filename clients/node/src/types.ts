/** The contract's types by short names. They are generated from the OpenAPI document, in schema.ts. */
import type { components, operations } from "./schema.js";

type Schemas = components["schemas"];
type Body<
  Name extends "transform" | "cutout" | "render" | "share" | "change_view" | "create_batch" | "quote_batch",
> =
  operations[Name]["requestBody"]["content"]["application/json"];

export type Session = Schemas["Session"];
export type View = Schemas["View"];
export type ViewSide = Schemas["ViewSide"];
export type Cutout = Schemas["Cutout"];
export type Prices = Schemas["Prices"];
export type Brand = Schemas["Brand"];
export type BrandList = Schemas["BrandList"];
export type Quote = Schemas["Quote"];
export type JobTicket = Schemas["JobTicket"];
export type Result = Schemas["Result"];
export type Output = Schemas["Output"];
export type Cancellation = Schemas["Cancellation"];
export type JobPage = Schemas["JobPage"];
export type JobStatus = Schemas["JobStatus"];
export type Step = Schemas["Step"];
export type Account = Schemas["Account"];
export type Backplate = Schemas["Backplate"];
export type Share = Schemas["Share"];
export type LedgerPage = Schemas["LedgerPage"];
export type JobEvent = Schemas["JobEvent"];
export type Batch = Schemas["Batch"];
export type BatchItem = Schemas["BatchItem"];
export type BatchTicket = Schemas["BatchTicket"];
export type BatchQuote = Schemas["BatchQuote"];
export type BatchPage = Schemas["BatchPage"];
export type BatchCancellation = Schemas["BatchCancellation"];
export type BatchEnded = Schemas["BatchEnded"];
export type Problem = Schemas["Problem"];
export type CameraMove = Schemas["CameraMove"];
export type OutputFormat = Schemas["OutputFormat"];
export type WebhookEvent = Schemas["WebhookEvent"];

export type TransformRequest = Body<"transform">;
export type CutoutRequest = Body<"cutout">;
export type ViewChange = Body<"change_view">;
export type RenderRequest = Body<"render">;
export type ShareRequest = Body<"share">;
export type BatchRequest = Body<"create_batch">;
export type BatchQuoteRequest = Body<"quote_batch">;
export type Background = NonNullable<TransformRequest["background"]>;

/** The choices of a brand; what it does not say is left to each job. */
export interface BrandChoices {
  background?: Background;
  aspect?: Schemas["Aspect"];
  camera_preset?: CameraMove;
  logo?: Partial<Pick<Schemas["BrandLogo"], "corner" | "size">>;
  /** `#rrggbb`, which the film's last second fades to. */
  end_color?: string;
}

/** A job, by its id, its ticket or one of its results. */
export type Job = string | Pick<Result, "job_id">;

/** A photo: a path, its bytes, or a Blob (a browser's File is one). */
export type Photo = string | Uint8Array | Blob;
