"""Losses and metrics of random programs, with operands that fit them: a part of the Generator in generate.py."""
from program import BATCH

# Of elements; of rows of classes, or elements that decide for themselves; of rows of classes alone.
OF_ELEMENTS = ["mse", "mae", "huber", "smooth_l1", "log_cosh", "quantile_loss", "poisson_nll", "gaussian_nll", "hinge_loss",
               "bce_logits", "binary_cross_entropy"]
OF_NUMBERS = ["mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "r2", "explained_variance"]
OF_EITHER = ["focal_loss", "dice_loss", "accuracy", "precision", "recall", "f1", "f_beta", "mean_iou", "balanced_accuracy", "mcc",
             "cohen_kappa", "log_loss", "brier_score", "expected_calibration_error"]
OF_CLASSES = ["cross_entropy", "multiclass_hinge_loss", "kl_divergence", "top_k_accuracy", "perplexity", "bits_per_byte"]
OF_VECTORS = ["cosine_embedding_loss", "triplet_loss", "contrastive_loss"]
OF_ORDER = ["roc_auc", "average_precision"]


class MeasureForms:
    def same_as(self, x):
        """A value of x's type and shape: one that is there, or a new input or parameter."""
        found = self.pick(lambda v: v.type == x.type and v.shape == x.shape)
        if found and self.chance(0.7):
            return found
        return self.add_input(x.type, x.shape) if x.shape[:1] == (BATCH,) else self.add_parameter(x.type, x.shape)

    def label(self, shape, is_truth=False):
        """An input of integers, or of what is or is not."""
        type = self.one_of(["ui8"] if is_truth and self.chance(0.7) else ["i32", "i64", "ui8"])
        found = self.pick(lambda v: v.is_input and v.type == type and v.shape == shape)
        return found if found and self.chance(0.5) else self.add_input(type, shape)

    def term_weights(self, shape):
        """An operand that weighs terms of a shape, as an argument."""
        sizes = tuple(1 if self.chance(0.2) and d != BATCH else d for d in shape[:self.rng.integers(len(shape) + 1)])
        type = self.one_of(["i1", "ui8", self.float_type, self.float_type])
        w = self.add_input(type, sizes) if sizes[:1] == (BATCH,) else self.add_parameter(self.float_type, sizes)
        if w.is_float:
            w = self.emit(f"abs({w.name})" + self.one_of(["", " + 0.5"]), w.type, w.shape, w)
        return w, f"weights = {w.name}"

    def targets(self, name, x):
        """Operands beside x, as arguments; whether an integer of them may be ignored."""
        classes = x.shape[-1] not in (1, BATCH)
        if name in OF_VECTORS:
            others = [self.same_as(x) for _ in range(2 if name == "triplet_loss" else 1)]
            if name == "cosine_embedding_loss":
                others.append(self.label(x.shape[:-1]) if self.chance(0.5) else self.same_float(x.shape[:-1]))
            return others, False
        if name == "kl_divergence":
            t = self.same_as(x)
            return [self.emit(f"softmax({t.name})" if self.chance(0.7) else f"relu({t.name})", t.type, t.shape, t)], False
        if name in OF_CLASSES or name in OF_EITHER + OF_ORDER and classes and self.chance(0.5):
            return ([self.label(x.shape[:-1])], True) if self.chance(0.7) else ([self.same_as(x)], False)
        is_truth = name in OF_EITHER + OF_ORDER
        if self.chance(0.5):
            return [self.label(x.shape, is_truth)], True
        t = self.same_as(x)
        others = [self.emit(f"sigmoid({t.name})", t.type, t.shape, t) if is_truth else t]
        return others, False

    def same_float(self, shape):
        return self.pick_float(lambda v: v.type == self.float_type and v.shape == shape) or (
            self.add_input(self.float_type, shape) if shape[:1] == (BATCH,) else self.add_parameter(self.float_type, shape))

    def measured(self, name):
        """A call of a loss or metric as text, and its operands; None where nothing fits."""
        has_classes = name in OF_CLASSES or name in OF_VECTORS
        least = {"contrastive_loss": 3, "dice_loss": 2}.get(name, 2 if has_classes else 1)
        def fits(v):
            if v.type != self.float_type or v.rank < least or v.rank > 4 or v.shape[0] != BATCH or BATCH in v.shape[1:]:
                return False
            return not has_classes or v.shape[-1] > 1
        x = self.pick_float(fits)
        if not x or name == "contrastive_loss" and x.rank != 3:
            return None
        others, may_ignore = self.targets(name, x)
        if name == "poisson_nll" and self.chance(0.3):
            x = self.emit(f"abs({x.name})", x.type, x.shape, x)
        operands, arguments = [x, *others], [x.name, *(v.name for v in others)]
        if name == "gaussian_nll":
            variance = self.partner_of(x)
            operands.append(variance)
            arguments.append(f"abs({variance.name}) + 0.25")
        record = self.records[name]
        known = {info["name"] for info in record["operands"]}
        rows = x.shape[:-1] if x.rank > others[0].rank or has_classes else x.shape
        if "weights" in known and self.chance(0.3):
            weights, text = self.term_weights((BATCH,) if name == "dice_loss" else rows)
            operands.append(weights)
            arguments.append(text)
        for of in ("class_weights", "positive_weights"):
            if of in known and x.shape[-1] > 1 and self.chance(0.2):
                weights = self.add_parameter(x.type, (x.shape[-1],))
                operands.append(weights)
                arguments.append(f"{of} = abs({weights.name}) + 0.25")
        for info in record["attributes"]:
            is_index = info["name"] == "ignore_index"
            if is_index and not may_ignore or info["name"] in ("l1", "l2") or not self.chance(0.4 if is_index else 0.25):
                continue
            arguments.append(f"{info['name']} = " + (self.one_of(["1", "2", "255"]) if is_index else self.attribute(info)))
        return f"{name}({', '.join(arguments)})", operands

    def partner_of(self, x):
        shape = [1 if d == BATCH or self.chance(0.3) else d for d in x.shape]
        return self.add_parameter(x.type, shape[self.rng.integers(len(shape) + 1):])

    def measure(self):
        """A loss or metric as a number that is computed with."""
        names = OF_ELEMENTS * 2 + OF_NUMBERS + OF_EITHER + OF_CLASSES + OF_VECTORS * 2
        return self.offered(self.one_of(names), lambda text, operands: self.emit(text, operands[0].type, (), *operands))

    def reported(self):
        """A metric of a whole set."""
        names = OF_NUMBERS + OF_EITHER[2:] + OF_CLASSES[3:] + OF_ORDER * 4
        def add(text, operands):
            self.use(*operands)
            self.program.body.append(f"metric measured{len(self.program.body)} = {text}")
        return self.offered(self.one_of(names), add)

    def offered(self, name, add):
        """Adds a call if the compiler takes it: which arguments go together is said in the records' shape rules."""
        before, values = self.program.copy(), list(self.values)
        call = self.measured(name)
        if not call:
            return None
        text, operands = call
        trial = self.program.copy()
        trial.body += [f"metric offered = {text}", *(f"output used_{x} = {x}" for x in trial.inputs)]
        if self.check(trial) is not None:
            return add(text, operands)
        self.program, self.values = before, values
        return None
