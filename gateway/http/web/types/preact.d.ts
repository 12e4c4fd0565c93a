// What vendor/preact.js holds: htm's standalone build of Preact with its hooks. For the type checker alone.
import type { VNode } from "preact";
export { h, render, Component, createContext } from "preact";
export * from "preact/hooks";
export declare const html: (strings: TemplateStringsArray, ...values: any[]) => VNode;
