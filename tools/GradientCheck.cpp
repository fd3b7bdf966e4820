// Moves single elements of parameters, and compares.
#include "tools/GradientCheck.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nnc::tools {

using namespace runtime;

/// A tensor that is changed element by element.
struct Variable {
  std::string name;
  /// Of an input its own memory; of a state tensor a copy, which the session is
  /// given before each run.
  double *values = nullptr;
  std::vector<double> copy = {};
};

/// The slopes at both sides of a point.
struct Sides {
  double above = 0, below = 0;

  double jump() const { return std::abs(above - below); }
  double mean() const { return (above + below) / 2; }
};

/// The loss as a function of one element of a variable, everything else fixed.
class Probe {
public:
  Probe(Session &session, const EntryPoint &entry,
        const std::vector<const void *> &inputs, int64_t batch,
        Variable &variable)
      : session(session), entry(entry), inputs(inputs), batch(batch),
        variable(variable) {}

  double *place(int64_t index) { return variable.values + index; }

  Status lossAt(double *place, double value, double &loss) {
    double kept = *place;
    *place = value;
    Status status = store();
    if (status.isOk())
      status = session.run(entry, inputs.data(), batch);
    *place = kept;
    if (!status.isOk())
      return status;
    StatusOr<double> sum = session.outputSum("loss");
    if (!sum.isOk())
      return sum.status();
    loss = *sum;
    largest = std::max(largest, std::abs(loss));
    return store();
  }

  /// The largest magnitude of the loss so far.
  double largestLoss() const { return largest; }

  /// (f(x + h) - f(x - h)) / 2h
  Status centralDifference(double *place, double h, double &slope) {
    double above = 0, below = 0, x = *place;
    if (Status status = lossAt(place, x + h, above); !status.isOk())
      return status;
    if (Status status = lossAt(place, x - h, below); !status.isOk())
      return status;
    slope = (above - below) / ((x + h) - (x - h));
    return {};
  }

  /// The slopes above and below x over steps of h.
  Status slopesAround(double *place, double h, Sides &sides) {
    double above = 0, at = 0, below = 0, x = *place;
    if (Status status = lossAt(place, x + h, above); !status.isOk())
      return status;
    if (Status status = lossAt(place, x, at); !status.isOk())
      return status;
    if (Status status = lossAt(place, x - h, below); !status.isOk())
      return status;
    sides = {(above - at) / h, (at - below) / h};
    return {};
  }

private:
  Status store() {
    if (variable.copy.empty())
      return {};
    return session.writeState(variable.name, variable.copy.data(),
                              variable.copy.size() * sizeof(double));
  }

  Session &session;
  const EntryPoint &entry;
  const std::vector<const void *> &inputs;
  int64_t batch;
  Variable &variable;
  double largest = 0;
};

/// A correct gradient errs by some roundings, a wrong rule by far more: 1e-6 of
/// the slope, or 1e-9 where the slope is nothing beside a loss of order one.
constexpr double kRelativeTolerance = 1e-6;
constexpr double kAbsoluteTolerance = 1e-9;
/// A difference with step h errs by about h^2 f'''/6, and by eps |f| / h from
/// rounding. Both are below 1e-10 for functions of order one with the cube root
/// of eps = 2.2e-16, where they meet.
constexpr double kStep = 6e-6;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

namespace {
/// What differences make of a derivative.
struct Estimate {
  double slope = 0;
  /// How far the derivative may be from it: what the differences tell, and what
  /// the loss's rounding may add.
  double change = 0, noise = 0;

  double error() const { return change + noise; }
};
} // namespace

static bool agree(const Estimate &estimate, double gradient) {
  double scale = std::max(std::abs(estimate.slope), std::abs(gradient));
  return std::abs(estimate.slope - gradient) <=
         kAbsoluteTolerance + kRelativeTolerance * scale + estimate.error();
}

/// The derivative where one step does not do: f bends too much for it, or is so
/// large that its rounding hides a small slope. Differences with steps from
/// 256 h down to h / 4 are extrapolated to step 0, which takes away the terms
/// in h^2, h^4 and so on one after another (Ridders 1982,
/// doi:10.1016/S0141-1195(82)80057-0). Of all results the one counts that
/// differs least from those it was made of; this difference is its error, and
/// so is what a few roundings of the loss make of a difference.
static Status extrapolate(Probe &probe, double *place, double h,
                          Estimate &best) {
  best.change = std::numeric_limits<double>::infinity();
  std::vector<double> previous;
  for (int power = 8; power >= -2; --power) {
    double step = std::ldexp(h, power);
    std::vector<double> row(1);
    if (Status status = probe.centralDifference(place, step, row.front());
        !status.isOk())
      return status;
    double noise = 4 * kEpsilon * probe.largestLoss() / step;
    double factor = 1;
    for (size_t j = 0; j < previous.size(); ++j) {
      // Halving the step divides the term in h^(2 j + 2) by 4^(j + 1).
      factor *= 4;
      row.push_back((factor * row[j] - previous[j]) / (factor - 1));
      double change = std::max(std::abs(row[j + 1] - row[j]),
                               std::abs(row[j + 1] - previous[j]));
      if (change + noise < best.error())
        best = {row[j + 1], change, noise};
    }
    previous = std::move(row);
  }
  return {};
}

/// Whether the differences never settled, as far as rounding lets them: the
/// function has a kink within every step (relu at 0).
static bool isKink(const Estimate &estimate) {
  return estimate.change >
         1e-5 * std::max(std::abs(estimate.slope), 1e-4) + estimate.noise;
}

/// What a gradient may be beside a kink that differences do not show: one at x
/// itself, as where relu's operand is a sum of zeros, gives the mean of both
/// slopes at every step, and one near x misleads the larger steps.
struct KinkCheck {
  bool isKink = false;
  /// Whether the gradient is one of the slopes at its sides, or between them.
  bool isBetween = false;
};

/// Looks at steps so small that no other kink is near. The slope's change over
/// a step is h f'' where f is smooth, and stays where it is not.
static Status checkKink(Probe &probe, double *place, double h,
                        const Estimate &estimate, double gradient,
                        KinkCheck &check) {
  double step = h / 64;
  Sides far, near;
  if (Status status = probe.slopesAround(place, 4 * step, far); !status.isOk())
    return status;
  if (Status status = probe.slopesAround(place, step, near); !status.isOk())
    return status;
  double noise = 8 * kEpsilon * probe.largestLoss() / step;
  double least = 1e-5 * std::max(std::abs(estimate.slope), 1e-4) + 4 * noise;
  bool isAt = near.jump() > least && far.jump() < 2 * near.jump();
  bool isNear =
      std::abs(near.mean() - estimate.slope) > least + near.jump() / 2;
  check.isKink = std::isfinite(gradient) && (isAt || isNear);
  double allowed = kAbsoluteTolerance + noise +
                   kRelativeTolerance * std::abs(gradient) + near.jump() / 2;
  check.isBetween = std::abs(near.mean() - gradient) <= allowed;
  return {};
}

/// Compares one element. A kink says nothing about the gradient, but that it is
/// between the slopes at its sides if there is no other.
static Status checkElement(Probe &probe, double *place, double gradient,
                           Verdict &verdict) {
  double h = kStep * std::max(1.0, std::abs(*place));
  Estimate estimate;
  if (Status status = probe.centralDifference(place, h, estimate.slope);
      !status.isOk())
    return status;
  ++verdict.checked;
  if (!agree(estimate, gradient)) {
    if (Status status = extrapolate(probe, place, h, estimate); !status.isOk())
      return status;
    bool isUnsettled = std::isfinite(gradient) && isKink(estimate);
    KinkCheck check;
    if (isUnsettled || !agree(estimate, gradient))
      if (Status status = checkKink(probe, place, h, estimate, gradient, check);
          !status.isOk())
        return status;
    if (isUnsettled || check.isKink) {
      verdict.kinks += !check.isBetween;
      return {};
    }
    verdict.wrong += !agree(estimate, gradient);
  }
  double scale = std::max({std::abs(estimate.slope), std::abs(gradient),
                           kAbsoluteTolerance / kRelativeTolerance});
  verdict.worst =
      std::max(verdict.worst, std::abs(estimate.slope - gradient) / scale);
  return {};
}

/// At most `limit` places spread evenly over `count`.
static std::vector<int64_t> spread(int64_t count, int64_t limit) {
  std::vector<int64_t> places;
  int64_t wanted = limit == 0 ? count : std::min(count, limit);
  for (int64_t i = 0; i < wanted; ++i)
    places.push_back(i * count / wanted);
  return places;
}

static Status checkTensor(Probe &probe, const std::string &name,
                          const std::vector<double> &gradient, int64_t limit,
                          std::vector<Verdict> &verdicts) {
  Verdict verdict{name};
  for (int64_t i : spread(int64_t(gradient.size()), limit))
    if (Status status =
            checkElement(probe, probe.place(i), gradient[i], verdict);
        !status.isOk())
      return status;
  verdicts.push_back(verdict);
  return {};
}

static Status findVariable(Session &session, const EntryPoint &entry,
                           Columns &columns, Variable &variable) {
  if (const StateTensor *tensor = session.plan().findState(variable.name)) {
    variable.copy.resize(tensor->numElements());
    variable.values = variable.copy.data();
    return session.readState(variable.name, variable.values,
                             tensor->sizeBytes());
  }
  for (size_t i = 0; i < entry.inputs.size(); ++i)
    if (entry.inputs[i].name == variable.name)
      variable.values = reinterpret_cast<double *>(columns[i].data.data());
  if (variable.values)
    return {};
  return {Code::InvalidFile,
          "gradient of an unknown tensor '" + variable.name + "'"};
}

bool isGood(const Verdict &verdict) {
  return verdict.wrong == 0 &&
         (verdict.checked == 0 || verdict.kinks < verdict.checked);
}

Status checkGradients(Session &session, const EntryPoint &entry,
                      Columns &columns, int64_t batch, int64_t limit,
                      std::vector<Verdict> &verdicts) {
  std::vector<const void *> inputs = pointersAt(columns, 0);
  if (Status status = session.run(entry, inputs.data(), batch); !status.isOk())
    return status;
  std::vector<std::pair<std::string, std::vector<double>>> gradients;
  for (const TensorInfo &output : entry.outputs) {
    if (output.kind != "gradient" && output.kind != "input_gradient")
      continue;
    if (output.elementType != ElementType::F64)
      return {Code::Unsupported,
              concat("the gradient of '", output.name, "' is computed in ",
                     name(output.elementType), "; only f64 can be checked")};
    StatusOr<const void *> data = session.outputData(output);
    if (!data.isOk())
      return data.status();
    const auto *values = static_cast<const double *>(*data);
    gradients.emplace_back(
        output.name,
        std::vector<double>(values, values + output.numElements(batch)));
  }
  for (auto &[name, gradient] : gradients) {
    Variable variable{name};
    if (Status status = findVariable(session, entry, columns, variable);
        !status.isOk())
      return status;
    Probe probe(session, entry, inputs, batch, variable);
    if (Status status = checkTensor(probe, name, gradient, limit, verdicts);
        !status.isOk())
      return status;
  }
  return {};
}

} // namespace nnc::tools
