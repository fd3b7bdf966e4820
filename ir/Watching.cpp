// Lists what epochs report, and looks names up in it.
#include "ir/Watching.h"

#include "ir/ModelParts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc {

using Names = SmallVector<std::string>;

static void addName(Operation *op, StringRef name, Names &names) {
  StringRef step = partOf(op);
  std::string full = step.empty() ? name.str() : (step + "." + name).str();
  if (!llvm::is_contained(names, full))
    names.push_back(full);
}

/// As an epoch calls what it reports of one split. What is read from the order
/// of a set has no value while weights change.
static Names listReported(ModelOp model, bool isOfValidation) {
  Names names = {"loss"};
  for (Operation &op : model.getBody().front()) {
    if (auto loss = dyn_cast<LossOp>(op)) {
      if (!partOf(loss).empty())
        addName(loss, "loss", names);
      if (std::optional<StringRef> name = loss.getName())
        addName(loss, *name, names);
    } else if (auto metric = dyn_cast<MetricOp>(op)) {
      if (isOfValidation ||
          !isa_and_nonnull<Gathered>(metric.getValue().getDefiningOp()))
        addName(metric, metric.getName(), names);
    }
  }
  return names;
}

std::string explainWatched(ModelOp model, StringRef metric) {
  auto [name, better] = metric.rsplit(':');
  if (metric.contains(':') && better != "min" && better != "max")
    return ("the metric '" + metric + "' ends with '" + better +
            "': expected 'min' or 'max' behind the colon")
        .str();
  SmallVector<std::string> known;
  for (bool isOfValidation : {false, true})
    for (const std::string &reported : listReported(model, isOfValidation))
      known.push_back((isOfValidation ? "validation_" : "") + reported);
  if (llvm::is_contained(known, name))
    return "";
  return ("epochs have no metric '" + name + "'; they have ").str() +
         llvm::join(known, ", ");
}

/// The metric that the schedule of `update` goes by; empty: none by name.
static StringRef metricOf(const RecipeUpdate &update, MLIRContext *context) {
  std::optional<LearningRate> rate =
      RecipeAttr::get(context, update.settings).getLearningRate();
  if (rate && rate->schedule)
    for (NamedAttribute attribute : rate->schedule->attributes)
      if (attribute.getName() == "metric")
        if (auto text = dyn_cast<StringAttr>(attribute.getValue()))
          return text.getValue();
  return "";
}

std::string explainAllWatched(ModelOp model) {
  RecipeAttr recipe = model.getRecipe();
  if (auto stop = dyn_cast_or_null<StringAttr>(recipe.get("stop_metric")))
    if (std::string problem = explainWatched(model, stop); !problem.empty())
      return problem;
  for (const RecipeUpdate &update : recipe.getUpdates())
    if (StringRef metric = metricOf(update, model.getContext());
        !metric.empty())
      if (std::string problem = explainWatched(model, metric); !problem.empty())
        return problem;
  return "";
}

} // namespace nnc
