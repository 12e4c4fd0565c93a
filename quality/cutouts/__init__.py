"""Fits the judge of cutouts on made scenes' ``tune`` part and reports what it does on the ``unseen`` part.

``python -m quality.cutouts --scenes DIR`` writes ``services/segment/fitted.py``. The net's maps are kept in
``DIR/nets``, so that a second fit takes seconds. ``samples`` reads scenes and asks the net, ``fit`` does the sums.
"""
