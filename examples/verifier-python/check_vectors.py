"""Holds this verifier against docs/feed/vectors.json: python3 check_vectors.py path/to/vectors.json"""
import json, struct, sys, time

import verifier

vectors = json.load(open(sys.argv[1]))
salt = verifier.decode(vectors["salt"])
for each in vectors["subjects"]:
    before = bytes.fromhex(each["before"])
    if "name" in each: assert verifier.named(each["scope"], each["name"]) == before, each
    assert verifier.hashed(salt, each["scope"], before) == verifier.decode(each["hashed"]), each

data = bytes.fromhex(vectors["snapshot"]["hex"])
snapshot = verifier.read_snapshot(data)
assert [snapshot[name] for name in ("epoch", "epoch_start", "head", "tag")] == [vectors["snapshot"][name] for name in ("epoch", "epoch_start", "head", "tag")]
slots = {(kind, scope, verifier.decode(subject)): (seq, expires) for seq, kind, scope, subject, expires in vectors["snapshot"]["slots"]}
assert snapshot["slots"] == slots
for wrong in [data[:length] for length in range(len(data))] + [data + b"\0"]:
    try: verifier.read_snapshot(wrong)
    except (ValueError, struct.error): continue
    raise AssertionError(f"{len(wrong)} bytes were read as a snapshot")


class Then:
    """The clocks as they were when the pull was answered."""
    time, monotonic, sleep = staticmethod(lambda: float(vectors["pull"]["now"])), time.monotonic, time.sleep


verifier.time = Then
copy = verifier.Copy()
assert copy.load(snapshot)
pull, clocks = vectors["pull"], (Then.monotonic(), Then.time())
assert not copy.apply({**pull, "entries": None}, copy.cursor, *clocks) and not copy.fresh()
assert copy.apply(pull, copy.cursor, *clocks) and copy.fresh()
for line in vectors["hints"].split("\n"):
    if line.startswith("data: "): copy.hint(json.loads(line[6:]))
for case in vectors["verdicts"]:
    verdict = copy.judge(case["facts"], case["facts"]["kid"])
    assert verdict == case["verdict"], (case, verdict)
print(f"{len(vectors['verdicts'])} verdicts and {len(vectors['subjects'])} subjects hold")
