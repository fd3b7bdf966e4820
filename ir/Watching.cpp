// Lists what epochs report, and looks names up in it.
#include "ir/Watching.h"

#include "ir/ModelParts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc {

namespace {
/// A name that epochs have, and which values are better; empty: nothing says
/// so.
struct Reported {
  std::string name;
  StringRef better;
};
} // namespace

static const Reported *findReported(ArrayRef<Reported> list, StringRef name) {
  const Reported *found = llvm::find_if(
      list, [&](const Reported &one) { return one.name == name; });
  return found == list.end() ? nullptr : found;
}

static void add(Operation *op, StringRef name, StringRef better,
                SmallVector<Reported> &list) {
  StringRef step = partOf(op);
  std::string full = step.empty() ? name.str() : (step + "." + name).str();
  if (!findReported(list, full))
    list.push_back({full, better});
}

/// As an epoch calls what it reports of one split. What is read from the order
/// of a set has no value while weights change.
static SmallVector<Reported> listReported(ModelOp model, bool isOfValidation) {
  SmallVector<Reported> list = {{"loss", kSmallerIsBetter}};
  for (Operation &op : model.getBody().front()) {
    if (auto loss = dyn_cast<LossOp>(op)) {
      if (!partOf(loss).empty())
        add(loss, "loss", kSmallerIsBetter, list);
      if (std::optional<StringRef> name = loss.getName())
        add(loss, *name, kSmallerIsBetter, list);
    } else if (auto metric = dyn_cast<MetricOp>(op)) {
      if (isOfValidation ||
          !isa_and_nonnull<Gathered>(metric.getValue().getDefiningOp()))
        add(metric, metric.getName(), betterOf(metric.getValue()), list);
    }
  }
  return list;
}

StringRef betterOf(Value value) {
  auto op = value.getDefiningOp<Described>();
  return op ? op.getSignature().better : "";
}

std::string explainWatched(ModelOp model, StringRef metric) {
  auto [name, better] = metric.rsplit(':');
  if (metric.contains(':') && better != "min" && better != "max")
    return ("the metric '" + metric + "' ends with '" + better +
            "': expected 'min' or 'max' behind the colon")
        .str();
  SmallVector<Reported> known = listReported(model, /*isOfValidation=*/false);
  for (const Reported &one : listReported(model, /*isOfValidation=*/true))
    known.push_back({"validation_" + one.name, one.better});
  const Reported *found = findReported(known, name);
  if (found && found->better.empty() && better.empty())
    return ("nothing says which values of '" + name + "' are better: watch '" +
            name + ":min' or '" + name + ":max'")
        .str();
  if (found)
    return "";
  SmallVector<std::string> names =
      llvm::map_to_vector(known, [](const Reported &one) { return one.name; });
  return ("epochs have no metric '" + name + "'; they have ").str() +
         llvm::join(names, ", ");
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
