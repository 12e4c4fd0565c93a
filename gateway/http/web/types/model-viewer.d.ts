// vendor/model-viewer.min.js: it defines the element <model-viewer>, and exports nothing that the studio uses.
export {};
