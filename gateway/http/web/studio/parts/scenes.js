// Our own scenes: each picture was made from its words by tools/scenes.py.

/** @type {[string, string][]} */
export const SCENES = [
  ["marble", "on a marble countertop with soft natural light"],
  ["desk", "on a wooden desk by a window, warm light"],
  ["beach", "on a sandy beach at sunset"],
  ["concrete", "in a concrete studio with dramatic light"],
  ["forest", "on a mossy forest floor"],
  ["linen", "on white linen in morning light"],
  ["night", "on a dark table at night with neon light"],
  ["garden", "on a garden table in summer sun"],
];
