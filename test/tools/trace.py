# Checks a file of trace events: trace.py STEP.json [PLAN.json BATCH].
import collections
import json
import sys

trace = json.load(open(sys.argv[1]))
assert trace["displayTimeUnit"] == "ns"
assert {"program", "model", "batch", "target", "step_ms", "traced_step_ms"} <= set(
    trace["otherData"]
)
names, slices = {}, collections.defaultdict(list)
for event in trace["traceEvents"]:
    if event["ph"] == "M":
        if event["name"] == "thread_name":
            names[event["tid"]] = event["args"]["name"]
        continue
    assert event["ph"] == "X" and event["pid"] == 1, event
    assert event["dur"] >= 0 and event["ts"] >= 0, event
    slices[event["tid"]].append(event)
assert set(slices) <= set(names), (set(slices), names)

# Perfetto wants slices of a track nested or apart; times have three decimals.
for track in slices.values():
    track.sort(key=lambda event: event["ts"])
    for first, second in zip(track, track[1:]):
        assert first["ts"] + first["dur"] <= second["ts"] + 0.002, (first, second)


def track(name):
    return next((slices[tid] for tid in names if names[tid] == name), [])


steps, commands = track("steps"), track("commands")
assert [step["name"] for step in steps] == ["step 0", "step 1", "step 2"]
for command in commands:
    assert any(
        s["ts"] <= command["ts"] and command["ts"] + command["dur"] <= s["ts"] + s["dur"]
        for s in steps
    ), command
threads = [slices[tid] for tid in names if names[tid].startswith("thread ")]
assert threads and threads[0]
for thread in threads:
    for part in thread:
        if part["name"] == "wait":
            assert part["cat"] == "barrier"
        else:
            assert 0 <= part["args"]["first"] < part["args"]["last"], part

if len(sys.argv) > 2:
    plan, batch = json.load(open(sys.argv[2])), int(sys.argv[3])
    (train,) = [e for e in plan["entry_points"] if e["name"] == "train_step"]
    kernels = [command["kernel"] for command in train["commands"]]
    assert [c["name"] for c in commands] == 3 * kernels
    flop = sum(c["args"].get("flop", 0) for c in commands)
    assert plan["max_batch"] == batch
    assert flop == 3 * sum(c.get("flop", 0) for c in train["commands"])
    # The parts of each launch are its extent, each index once.
    parts = sorted(
        (p for t in threads for p in t if p["name"] != "wait"), key=lambda p: p["ts"]
    )
    for command in commands:
        own = [
            p
            for p in parts
            if p["args"]["command"] == command["args"]["command"]
            and command["ts"] - 0.002 <= p["ts"]
            and p["ts"] + p["dur"] <= command["ts"] + command["dur"] + 0.002
        ]
        places = sorted((p["args"]["first"], p["args"]["last"]) for p in own)
        assert places[0][0] == 0 and places[-1][1] == command["args"]["extent"]
        for first, second in zip(places, places[1:]):
            assert first[1] == second[0], places
