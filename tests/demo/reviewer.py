"""A reviewer for the demo: JSON in, JSON out.

A team would put a model or its own rules here. This one lets an agent write for ten minutes at most
where it was never refused before, and sends everything else to a person. It looks at nothing that the
agent said.
"""

import json
import sys

case = json.load(sys.stdin)
request, refusals = case["request"], case["session_so_far"]["refusals"]
routine = all(scope.endswith(":write") for scope in request["scopes"])

if routine and request["lifetime_seconds"] <= 600 and refusals == 0:
    verdict, risk, rationale = "approve", "low", "writes for ten minutes, in a session without refusals"
else:
    verdict, risk, rationale = "escalate", "medium", "not routine"
json.dump({"verdict": verdict, "risk": risk, "rationale": rationale}, sys.stdout)
