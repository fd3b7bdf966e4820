// Sorts losses, metrics, outputs and updates by the parts that they are of.
#include "passes/DeclaredParts.h"

#include "ir/ModelParts.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

/// The part called `name`, added where there is none yet.
template <typename Part>
static Part &findPart(SmallVectorImpl<Part> &parts, StringRef name) {
  auto found =
      llvm::find_if(parts, [&](const Part &part) { return part.name == name; });
  if (found != parts.end())
    return *found;
  parts.emplace_back().name = name;
  return parts.back();
}

DeclaredParts collectDeclared(ModelOp model) {
  DeclaredParts declared;
  for (Operation &op : model.getBody().front()) {
    if (auto loss = dyn_cast<LossOp>(op))
      findPart(declared.steps, partOf(loss)).losses.push_back(loss);
    else if (auto metric = dyn_cast<MetricOp>(op))
      findPart(declared.steps, partOf(metric)).metrics.push_back(metric);
    else if (auto output = dyn_cast<OutputOp>(op))
      findPart(declared.groups, partOf(output)).outputs.push_back(output);
  }
  return declared;
}

/// `update`, which is said of no step, as `step` makes it.
static RecipeUpdate ofStep(RecipeUpdate update, StringRef step,
                           MLIRContext *context) {
  update.step = step;
  update.name =
      update.name.empty()
          ? step
          : StringAttr::get(context, step + "." + update.name).getValue();
  return update;
}

SmallVector<RecipeUpdate> listUpdates(ModelOp model) {
  SmallVector<RecipeUpdate> written = model.getRecipe().getUpdates(), updates;
  for (const DeclaredStep &step : collectDeclared(model).steps) {
    if (step.name.empty())
      return written;
    auto isItsOwn = [&](const RecipeUpdate &update) {
      return update.step == step.name;
    };
    bool hasOwn = llvm::any_of(written, isItsOwn);
    for (const RecipeUpdate &update : written)
      if (isItsOwn(update))
        updates.push_back(update);
      else if (!hasOwn && update.step.empty())
        updates.push_back(ofStep(update, step.name, model.getContext()));
  }
  return updates.empty() ? written : updates;
}

} // namespace nnc
