# What TensorBoard's own reader finds in a run's folder.
import json
import sys

from tensorboard.backend.event_processing import event_accumulator

run = event_accumulator.EventAccumulator(
    sys.argv[1], size_guidance={event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0}
)
run.Reload()
tags = run.Tags()
assert {"loss/step", "loss/training", "accuracy/training", "loss/test"} <= set(tags["scalars"])
assert {"weights/dense.weight", "weights/dense.bias"} <= set(tags["histograms"])
assert "confusion/test" in tags["images"]
assert "settings/text_summary" in tags["tensors"]
steps = [json.loads(line) for line in open(sys.argv[1] + "/steps.jsonl")]
found = run.Scalars("loss/step")
assert [s.step for s in found] == [s["step"] for s in steps]
assert all(abs(f.value - s["loss"]) <= 1e-6 * abs(s["loss"]) for f, s in zip(found, steps))
histogram = run.Histograms("weights/dense.weight")[-1].histogram_value
assert sum(histogram.bucket) == histogram.num == 4
assert run.Images("confusion/test")[0].width == 64
text = run.Tensors("settings/text_summary")[0].tensor_proto.string_val[0]
assert b"| batch | 4 |" in text
