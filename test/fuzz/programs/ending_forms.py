"""How random programs end: losses, steps, outputs and the recipe. A part of the Generator in generate.py."""
from program import BATCH, broadcast_shape


class EndingForms:
    def as_scalar(self, x):
        name = x.name if x.type == "f32" or self.chance(0.3) else f"cast({x.name}, f32)"
        if x.rank == 0:
            return name
        return self.one_of(["mean({})", "mean({})", "sum({}) * 0.01", "mean(tanh({}))"]).format(name)

    def loss(self, x):
        """A loss of x, and perhaps a metric."""
        body = self.program.body
        whole = x.type == "f32"
        if whole and x.rank >= 2 and x.shape[-1] not in (1, BATCH) and x.shape[0] == BATCH and self.chance(0.3):
            label = self.add_input(self.one_of(["i32", "i64", "ui8"]), x.shape[:-1])
            self.use(label)
            for metric in ("accuracy({x}, {label})", "top_k_accuracy({x}, {label}, k = 2)"):
                line = "metric " + metric.format(x=x.name, label=label.name)
                # One of a name.
                if self.chance(0.3) and not any(line.split("(")[0] in other for other in body):
                    body.append(line)
            return f"cross_entropy({x.name}, {label.name}{self.penalty()})"
        if whole and x.rank >= 1 and x.shape[0] == BATCH and self.chance(0.6):
            target = self.pick(lambda v: v.is_input and v.type == x.type and v.shape == x.shape) or self.add_input(x.type, x.shape)
            self.use(target)
            op = self.one_of(["mse", "mae", "huber", "bce_logits", "mse"])
            distance = self.one_of(["mean_squared_error", "mean_absolute_error"])
            if self.chance(0.15):
                body.append(f"metric distance{len(body)} = {distance}({x.name}, {target.name})")
            if op == "huber" and self.chance(0.5):
                return f"huber({x.name}, {target.name}, delta = 0.5{self.penalty()})"
            return f"{op}({x.name}, {target.name}{self.penalty()})"
        return self.as_scalar(x)

    def penalty(self):
        return self.one_of([""] * 4 + [", l2 = 0.01", ", l1 = 0.001"])

    def finish(self):
        body = self.program.body
        if self.chance(0.05):
            # Prediction alone.
            self.outputs()
            return
        trained = [v for v in self.values if v.trained and v.is_float]
        if not trained:
            x = self.pick_float()
            w = self.partner(x)
            while not w.trained:
                w = self.add_parameter(x.type, ())
            trained = [self.emit(f"{x.name} * {w.name}", x.type, broadcast_shape(x.shape, w.shape), x, w)]
        unused = [v for v in trained if not v.uses] or trained
        for i in range(self.one_of([1, 1, 1, 2, 3])):
            x = self.one_of(unused[-3:])
            body.append("loss " + self.loss(x))
            self.use(x)
        if self.chance(0.3):
            x = self.pick_float()
            body.append(f"metric m0 = {self.as_scalar(x)}")
            self.use(x)
        while self.chance(0.3):
            self.reported()
        steps = self.divide_into_steps() if self.chance(0.15) else ()
        self.outputs()
        self.settings(steps)

    def outputs(self):
        lines = []
        for value in list(self.values):
            if value.name.startswith("v") and (self.chance(0.6) if not value.uses else self.chance(0.15)):
                lines.append(f"output {value.name}")
        if len(lines) > 1 and self.chance(0.2):
            # As entry points of their own.
            cut = int(self.rng.integers(1, len(lines)))
            groups = [lines[:cut], lines[cut:]] if self.chance(0.5) else [lines[:cut]]
            lines = lines[cut:] if len(groups) == 1 else []
            lines += [self.block(f"output group{i}", group) for i, group in enumerate(groups)]
        # Each input must be used.
        self.program.body += lines + [f"output used_{name} = {name}" for name in self.program.inputs]

    def block(self, head, lines):
        return f"{head} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }"

    def divide_into_steps(self):
        """Losses, and metrics with them, as those of several training steps; the steps' names."""
        body = self.program.body
        losses, metrics = ([line for line in body if line.startswith(kind)] for kind in ("loss ", "metric "))
        self.program.body = [line for line in body if line not in losses + metrics]
        names = [f"step{i}" for i in range(len(losses))]
        for name, loss in zip(names, losses):
            lines = [loss, *metrics]
            metrics = []
            if self.chance(0.6):
                lines.append(f"update with {self.optimizer()}")
                lines += self.one_of([[], [], ["clip_norm 0.5"], ["clip_value 0.1"]])
            self.program.body.append(self.block(f"step {name}", lines))
        return names

    def optimizer(self):
        optimizer = self.one_of(self.by_category["optimizer"])
        rate = self.one_of(["0.1", "0.01", "0.5"])
        if self.chance(0.3):
            rate = self.one_of(["step(0.1, every = 2, factor = 0.5)", "exponential(0.1, every = 3, factor = 0.7)",
                                "cosine(0.1, warmup = 2, total = 6)", "cosine(0.1, total = 4, final = 0.01)",
                                "polynomial(0.1, warmup = 2, total = 6, power = 2)", "constant(0.1, warmup = 3)",
                                "wsd(0.1, warmup = 1, decay = 2, total = 4)", "one_cycle(0.1, warmup = 2, total = 4)",
                                "piecewise(0.1, at = [1, 3], factors = [0.5, 0.25])", "cosine(0.1, warmup = 0.1 run)",
                                "step(0.1, every = 2 epochs, factor = 0.5)", "wsd(0.1, warmup = 1 epochs, decay = 0.25 run)"])
        values = {"bool": ["true", "false"], "integer": [1, 2, 3], "float": [0.1, 0.5, 0.9]}
        more = [f"{a['name']} = {self.one_of(values[a['kind']])}" for a in optimizer["attributes"] if self.chance(0.2)]
        # None of these is an increase, which rprop refuses.
        more = [setting for setting in more if not setting.startswith("increase")]
        return f"{optimizer['name']}({', '.join(['learning_rate = ' + rate] + more)})"

    def settings(self, steps=()):
        is_needed = not steps or sum("update with" in line for line in self.program.body) < len(steps)
        self.program.training = [f"optimizer {self.optimizer()}"] if is_needed else ["batch 8"]
        apart = [("clip_norm 0.5", 0.15), ("clip_value 0.1", 0.15), (f"accumulate {self.one_of([2, 3])}", 0.1)]
        for setting, p in [("seed 7", 0.2), ("precision bf16", 0.12), ("average 0.75", 0.06), ("average uniform", 0.04),
                           ("average uniform from 0.5 run", 0.04), *([] if steps else apart)]:
            averages = any(line.startswith("average") for line in self.program.training)
            if self.chance(p) and not (averages and setting.startswith("average")):
                self.program.training.append(setting)
        parameters = [line.split()[1].rstrip(":") for line in self.program.body if line.startswith("param ")]
        if len(parameters) > 1 and self.chance(0.15):
            self.program.training.append(f'freeze "{self.one_of(parameters)}"')
        for _ in range(self.one_of([0] * 6 + [1, 2]) if parameters else 0):
            decays = ["weight_decay 0", "weight_decay 0.25"] if "optimizer adamw" in self.program.training[0] and not steps else []
            others = ["optimizer adamw(0.05)", "optimizer sgd(0.2)"] if "optimizer" in self.program.training[0] else []
            said = self.one_of(["rate 0.5", *others, *decays])
            self.program.training.append(f'group "{self.one_of([*parameters, "*", "p*"])}" {{ {said} }}')
        if steps and self.chance(0.5):
            self.program.training.append("order " + ", ".join(f"{name} {self.one_of([1, 2])}" for name in reversed(steps)))
