"""How good the work is: corpora with a fixed split, the renderer that draws them, fitting scripts and the gate."""
