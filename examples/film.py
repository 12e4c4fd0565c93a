"""One photo to four files: python film.py mine.jpg. Needs lensora, LENSORA_BASE_URL and LENSORA_API_KEY."""

import os
import sys

from lensora.client import Client, prompt

if len(sys.argv) != 2:
    sys.exit("say which photo: python film.py mine.jpg")
with Client(os.environ["LENSORA_BASE_URL"], os.environ["LENSORA_API_KEY"]) as studio:
    session = studio.init(sys.argv[1])
    for index, thing in enumerate(session.objects):
        print(f"{index}  {thing.label} ({thing.category})")
    ticket = studio.transform(session.session_id, prompt("on a marble countertop with soft natural light"))
    result = studio.wait(ticket, lambda state: print(f"{state.progress:3d}%  {state.step or state.status}"))
    if result.output is None:
        sys.exit(f"{result.error}; {result.credits_refunded} credits came back")
    for name, path in studio.download(result, "out").items():
        print(f"{name}: {path}")
