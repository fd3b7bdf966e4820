// Schedules of learning rates, each defined by other ops.
#ifndef NNC_OPS_SCHEDULE_TD
#define NNC_OPS_SCHEDULE_TD

include "ir/Dialect.td"
include "ir/Types.td"

// The learning rate of a step, counted from 0, out of that of the recipe. Lengths
// are steps, epochs or shares of the run (ir/Length.h), the last two rounded to
// whole steps. `run` has how many steps an epoch and the run have: there where an
// attribute asks for it. While either is 0, nothing is known of the run, and the
// rate stays at `base`.
class Nnc_ScheduleOp<string mnemonic, dag attributes> : Nnc_CompositeOp<mnemonic> {
  let arguments = !con((ins Nnc_FloatScalar:$base, Nnc_CountScalar:$step,
                            Variadic<Nnc_CountScalar>:$run), attributes);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["base"];
  let hidden = ["run"];
  let category = "Schedule";
  let hasExpansion = 1;
  let hasVerifier = 1;
}

defvar Nnc_LeastLength = Nnc_In<"[1, inf)", Nnc_Length>;
defvar Nnc_Warmup = DefaultValuedAttr<Nnc_In<"[0, inf)", Nnc_Length>, "0">;
defvar Nnc_Total = DefaultValuedAttr<Nnc_Length, "\"1 run\"">;
defvar Nnc_FinalRate = DefaultValuedAttr<Nnc_In<"[0, inf)">, "0.0">;

def ConstantRateOp : Nnc_ScheduleOp<"constant_rate", (ins Nnc_Warmup:$warmup)> {
  let summary = "The same rate after a linear warm-up";
  let description = [{
    y = base * (step + 1) / warmup in the first `warmup` steps; then base.

    ```mlir
    // base: 0.1, step: 4
    %y = nnc.constant_rate %base, %step warmup = 20 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.025
    ```
  }];
}

def StepDecayOp : Nnc_ScheduleOp<"step_decay", (ins Nnc_LeastLength:$every, Nnc_In<"(0, inf)">:$factor,
                                                Nnc_Warmup:$warmup)> {
  let summary = "A factor after every so many steps";
  let description = [{
    y = base * factor ^ floor(step / every). In the first `warmup` steps
    y = base * (step + 1) / warmup; they count towards the next factor.

    ```mlir
    // base: 0.1, step: 25
    %y = nnc.step_decay %base, %step every = 10 factor = 0.5 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.025
    ```
  }];
}

def ExponentialDecayOp : Nnc_ScheduleOp<"exponential_decay", (ins Nnc_LeastLength:$every, Nnc_In<"(0, inf)">:$factor,
                                                              Nnc_Warmup:$warmup)> {
  let summary = "A factor over every so many steps, smoothly";
  let description = [{
    y = base * (step + 1) / warmup in the first `warmup` steps; then
    base * factor ^ ((step - warmup) / every).

    ```mlir
    // base: 0.1, step: 5
    %y = nnc.exponential_decay %base, %step every = 10 factor = 0.25 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.05
    ```
  }];
}

def CosineOp : Nnc_ScheduleOp<"cosine", (ins Nnc_Warmup:$warmup, Nnc_Total:$total, Nnc_FinalRate:$final)> {
  let summary = "Half a cosine after a linear warm-up";
  let description = [{
    y = base * (step + 1) / warmup in the first `warmup` steps; then final +
    (base - final) * (1 + cos(pi * t)) / 2, with t from 0 to 1 at step `total`, and
    `final` after it.

    Source: Loshchilov and Hutter 2016, arXiv:1608.03983, equation 5.

    ```mlir
    // base: 0.1, step: 60
    %y = nnc.cosine %base, %step warmup = 20 total = 100 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.05
    ```
  }];
}

def PolynomialOp : Nnc_ScheduleOp<"polynomial", (ins Nnc_Warmup:$warmup, Nnc_Total:$total, Nnc_FinalRate:$final,
                                                 DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$power)> {
  let summary = "A power of what is left of the run, after a linear warm-up";
  let description = [{
    y = base * (step + 1) / warmup in the first `warmup` steps; then final +
    (base - final) * (1 - t) ^ power, with t from 0 to 1 at step `total`, and `final` after
    it. With power = 1 it falls in a straight line.

    ```mlir
    // base: 0.1, step: 60
    %y = nnc.polynomial %base, %step warmup = 20 total = 100 power = 2.0 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.025
    ```
  }];
}

def WsdOp : Nnc_ScheduleOp<"wsd", (ins Nnc_Warmup:$warmup,
                                   DefaultValuedAttr<Nnc_In<"[1, inf)", Nnc_Length>, "\"0.2 run\"">:$decay,
                                   Nnc_Total:$total, Nnc_FinalRate:$final,
                                   DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$power)> {
  let summary = "Warm-up, a stable rate, and a decay at the end";
  let description = [{
    y = base * (step + 1) / warmup in the first `warmup` steps; then base, until the last
    `decay` steps before `total`: final + (base - final) * (1 - t ^ power), with t from 0 to
    1 over them; and `final` after it. power = 0.5 is the decay of the source's section 3.

    Source: Hu et al. 2024, arXiv:2404.06395, section 4; Hägele et al. 2024,
    arXiv:2405.18392.

    ```mlir
    // base: 0.1, step: 90
    %y = nnc.wsd %base, %step warmup = 10 decay = 20 total = 100 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.05
    ```
  }];
}

def OneCycleOp : Nnc_ScheduleOp<"one_cycle", (ins
    DefaultValuedAttr<Nnc_In<"[0, inf)", Nnc_Length>, "\"0.3 run\"">:$warmup, Nnc_Total:$total,
    DefaultValuedAttr<Nnc_In<"(0, inf)">, "25.0">:$div_factor,
    DefaultValuedAttr<Nnc_In<"(0, inf)">, "1e4">:$final_div_factor)> {
  let summary = "Up to the rate by half a cosine, and far down again by another";
  let description = [{
    From base / div_factor at step 0 to base at step warmup - 1, then to
    base / (div_factor * final_div_factor) at step total - 1, and that after it; from a to b
    with t from 0 to 1 as b + (a - b) * (1 + cos(pi * t)) / 2. Momentum stays as it is.

    Source: Smith and Topin 2017, arXiv:1708.07120; the form is that of
    torch.optim.lr_scheduler.OneCycleLR.

    ```mlir
    // base: 0.1, step: 29
    %y = nnc.one_cycle %base, %step warmup = 30 total = 100 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.1
    ```
  }];
}

def PiecewiseOp : Nnc_ScheduleOp<"piecewise", (ins Nnc_Lengths:$at, Nnc_Floats:$factors, Nnc_Warmup:$warmup)> {
  let summary = "Another factor from each of some steps on";
  let description = [{
    y = base * factors[i] from step at[i] on, until the next; base before the first. In the
    first `warmup` steps it is multiplied by (step + 1) / warmup.

    ```mlir
    // base: 0.1, step: 25
    %y = nnc.piecewise %base, %step at = [10, 20] factors = array<f64: 0.5, 0.1>
        : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.01
    ```
  }];
}

def PlateauOp : Nnc_ScheduleOp<"plateau", (ins
    DefaultValuedAttr<Nnc_In<"(0, 1)">, "0.1">:$factor, DefaultValuedAttr<Nnc_In<"[1, inf)", I64Attr>, "10">:$patience,
    OptionalAttr<StrAttr>:$metric, DefaultValuedAttr<Nnc_In<"[0, inf)">, "1e-4">:$least_change,
    Nnc_FinalRate:$final, Nnc_Warmup:$warmup)> {
  let summary = "A smaller rate whenever the validation no longer gets better";
  let description = [{
    y = base * (step + 1) / warmup in the first `warmup` steps; then base. `nnc train`
    multiplies base by `factor`, down to `final`, when `metric` has not become better by
    the share `least_change` for `patience` epochs: the validation loss where it is absent,
    the training loss where nothing is held out. A program that embeds the plan sets
    "learning_rate" itself.

    ```mlir
    // base: 0.1, step: 60
    %y = nnc.plateau %base, %step factor = 0.5 patience = 3 : (tensor<f32>, tensor<i64>) -> tensor<f32>
    // y: 0.1
    ```
  }];
}

#endif // NNC_OPS_SCHEDULE_TD
