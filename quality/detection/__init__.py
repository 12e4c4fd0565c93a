"""Fits what the detect stage proposes on made scenes' ``tune`` part and reports what it does on the ``unseen`` part.

``python -m quality.detection --scenes DIR`` writes ``services/detect/fitted.py``. What the nets found is kept in
``DIR/found``, so that a second fit takes seconds.
``python -m quality.detection.division`` fits what parts two things that touch (``services/detect/fitted_division.py``).
"""
