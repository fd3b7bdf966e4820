// Why a run's numbers are not finite: which of them, where they come from, and
// whether the data have such.
#include "tools/NumericsText.h"
#include "tools/train/Run.h"

#include <algorithm>

namespace nnc::tools {

using namespace runtime;

namespace {
/// A number of the training data that is not finite.
struct BadDatum {
  const Column *column;
  int64_t sample, element;
};
} // namespace

static std::optional<BadDatum> findBadDatum(const Columns &columns) {
  for (const Column &given : columns) {
    // Pictures of files are finite, and so are numbers of tokens.
    const Column *column = given.isInMemory() ? &given
                           : given.samples    ? given.samples->array()
                                              : nullptr;
    if (!column)
      continue;
    const int64_t elements = *numElements(column->sampleShape);
    const int64_t bytes = sizeBytes(column->elementType);
    for (int64_t sample = 0; sample < column->numSamples; ++sample) {
      const uint8_t *data =
          column->data.data() + sample * column->sampleBytes();
      if (!countNonFinite(column->elementType, data, elements))
        continue;
      int64_t element = 0;
      while (!countNonFinite(column->elementType, data + element * bytes, 1))
        ++element;
      return BadDatum{column, sample, element};
    }
  }
  return std::nullopt;
}

static std::string argumentOf(const DataBinding &binding,
                              std::string_view name) {
  for (auto &[known, text] : binding.arguments)
    if (known == name)
      return text;
  return "";
}

/// " (row 13 of churn.csv, column 3)", where the input comes from a table.
static std::string placeInTable(const TrainRun &run, const BadDatum &bad) {
  for (const DataBinding &binding : run.plan.recipe.data) {
    auto input = std::find(binding.inputs.begin(), binding.inputs.end(),
                           bad.column->name);
    if (binding.split != "train" || binding.reader != "csv" ||
        input == binding.inputs.end())
      continue;
    // Columns go to inputs in their order.
    int64_t column = bad.element + 1;
    for (auto before = binding.inputs.begin(); before != input; ++before)
      for (const Column &other : run.training)
        if (other.name == *before)
          column += *numElements(other.sampleShape);
    return concat(" (row ", bad.sample + 1, " of ", argumentOf(binding, "path"),
                  " below its header, number ", column,
                  " of the columns that are taken)");
  }
  return "";
}

/// What --check-numerics has found: in a training step, whose numbers may have
/// been those of one before the last run, or in that itself, as in validation.
static std::string describeOrigin(const TrainRun &run) {
  const bool isOfStep = run.found.firstInfinity || run.found.firstNan;
  const EntryPoint *entry = isOfStep ? run.foundIn : run.session.lastRun();
  return entry ? describe(isOfStep ? run.found : run.numerics, run.plan, *entry)
               : "";
}

Status explain(const TrainRun &run, const Status &status) {
  if (status.code() != Code::NotFinite)
    return status;
  std::string text =
      concat("step ", run.stepsTold ? *run.stepsTold : stepsOf(run), ": ",
             status.message());
  if (Status state = run.session.checkFinite();
      !state.isOk() && state.message() != status.message())
    text += "; " + state.message();
  if (const std::string origin = describeOrigin(run); !origin.empty())
    text += "; " + origin;
  if (std::optional<BadDatum> bad = findBadDatum(run.training))
    return {Code::NotFinite,
            concat(text, "; the data of input ", quote(bad->column->name),
                   " are not finite themselves, first in sample ", bad->sample,
                   ", element ", bad->element, placeInTable(run, *bad))};
  text += "; a smaller learning rate or clip_norm may help";
  if (!run.options.checksNumerics)
    text += ", and --check-numerics says which op it was";
  return {Code::NotFinite, text};
}

} // namespace nnc::tools
