#include "tools/GradientCheck.h"

#include <algorithm>
#include <cmath>

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
    return store();
  }

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
};

/// A difference with step h errs by about h^2 f'''/6, and by eps |f| / h from
/// rounding. With h = 6e-6 (the cube root of eps = 2.2e-16, where the two meet
/// for functions of order one) both stay below 1e-10; 1e-6 leaves room for
/// third derivatives of order 1e4, and a wrong rule errs by far more.
constexpr double kRelativeTolerance = 1e-6;
constexpr double kAbsoluteTolerance = 1e-9;
constexpr double kStep = 6e-6;

static bool agree(double a, double b) {
  return std::abs(a - b) <=
         kAbsoluteTolerance +
             kRelativeTolerance * std::max(std::abs(a), std::abs(b));
}

/// Compares one element. Where the differences at h and at h / 4 disagree, the
/// function bends inside the interval (relu at 0): that says nothing about the
/// gradient and counts as a kink.
static Status checkElement(Probe &probe, double *place, double gradient,
                           Verdict &verdict) {
  double h = kStep * std::max(1.0, std::abs(*place)), slope = 0, finer = 0;
  if (Status status = probe.centralDifference(place, h, slope); !status.isOk())
    return status;
  ++verdict.checked;
  if (!agree(slope, gradient)) {
    if (Status status = probe.centralDifference(place, h / 4, finer);
        !status.isOk())
      return status;
    // Rounding grows fourfold with the smaller step.
    if (!agree(finer, gradient) &&
        std::abs(finer - slope) > 1e-5 * std::max(std::abs(slope), 1e-4)) {
      ++verdict.kinks;
      return {};
    }
    if (!agree(finer, gradient))
      ++verdict.wrong;
    slope = finer;
  }
  double scale = std::max({std::abs(slope), std::abs(gradient),
                           kAbsoluteTolerance / kRelativeTolerance});
  verdict.worst = std::max(verdict.worst, std::abs(slope - gradient) / scale);
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
