"""usage: python3 -I -B main.py inside:PROFILE | desk | bare | own | table

Reads the facts of the world from `facts.json` beside it, tries what is to be tried in this place, and
says one line of JSON for each. `table` says of each how it is controlled.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402

place = sys.argv[1]
with open(os.path.join(HERE, "facts.json")) as file:
    vars(harness.facts).update(json.load(file))
harness.facts.place = place
if place.startswith("inside"):
    harness.facts.proxy = 3128
else:
    harness.facts.proxy = harness.facts.naive

import files, kernel, network, processes, proxy, sockets  # noqa: E401, E402, F401

if place == "table":
    for one in harness.ATTEMPTS:
        why = one.control if isinstance(one.control, harness.Unseen) else None
        print(json.dumps({"name": one.name, "control": one.control, "unseen": bool(why), "alive": one.alive}))
else:
    if place == "own":
        import own

        own.furnish()
    harness.main(place)
