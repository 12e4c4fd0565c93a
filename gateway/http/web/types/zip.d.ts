// vendor/zip.js: it puts the library into globalThis.zip, and exports nothing.
export {};
