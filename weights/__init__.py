"""An offline tool: published weights written anew as the ONNX files that Lensora runs. Needs the extra ``tools``.

``lensora models pull`` finds these recipes by the entry points ``lensora.recipes``; no process of an installation
imports them.
"""
