// The API's reference by Scalar, from our own document. Nothing is asked of another host.

// Problems link to /docs#code: what a code means stands on the plain page.
if (/^#[a-z_]+$/.test(location.hash)) location.replace(`/docs/plain${location.hash}`);

Scalar.createApiReference("#reference", {
  url: "/openapi.json",
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
  defaultOpenAllTags: false,
  persistAuth: true,
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  hiddenClients: {
    c: true, clojure: true, csharp: true, dart: true, fsharp: true, go: true, http: true, java: true, kotlin: true,
    objc: true, ocaml: true, php: true, powershell: true, r: true, ruby: true, rust: true, swift: true, js: true,
    shell: ["httpie", "wget"], node: ["axios", "ofetch", "undici", "request", "unirest"],
    python: ["python3", "aiohttp", "httpx_async", "httpx_sync"],
  },
  authentication: { preferredSecurityScheme: "apiKey" },
});
