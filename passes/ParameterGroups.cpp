// Groups of parameters: by patterns of their names.
#include "passes/ParameterGroups.h"

#include "ir/Freezing.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc {

FailureOr<ParameterGroups> ParameterGroups::create(OptimizeOp op,
                                                   const NamedCall &optimizer) {
  ParameterGroups result(optimizer);
  result.groups = op.getRecipe().getGroups();
  auto module = op->getParentOfType<ModuleOp>();
  for (auto [index, group] : llvm::enumerate(result.groups)) {
    SmallVector<ParameterOp> matches;
    for (StringRef pattern : group.patterns)
      if (std::string problem = matchParameters(module, pattern, matches);
          !problem.empty())
        return op.emitOpError() << "has a group: " << problem;
    for (ParameterOp parameter : matches) {
      SmallVector<unsigned> &groups = result.members[parameter];
      if (groups.empty() || groups.back() != index)
        groups.push_back(index);
    }
  }
  return result;
}

/// Sets the attribute `name` of `call`.
static void setAttribute(NamedCall &call, StringAttr name, Attribute value) {
  llvm::erase_if(call.attributes, [&](NamedAttribute attribute) {
    return attribute.getName() == name;
  });
  call.attributes.push_back({name, value});
}

ParameterUpdate ParameterGroups::updateOf(ParameterOp parameter) const {
  ParameterUpdate update{optimizer};
  auto found = members.find(parameter);
  if (found == members.end())
    return update;
  Builder builder(parameter.getContext());
  std::optional<double> decay;
  for (unsigned index : found->second) {
    const RecipeGroup &group = groups[index];
    if (group.optimizer)
      update.optimizer = *group.optimizer;
    update.rate = group.rate.value_or(update.rate);
    if (group.weightDecay)
      decay = group.weightDecay;
  }
  if (decay)
    setAttribute(update.optimizer, builder.getStringAttr("weight_decay"),
                 builder.getF64FloatAttr(*decay));
  return update;
}

SmallVector<GroupRate> listGroupRates(OptimizeOp op) {
  SmallVector<GroupRate> rates;
  for (const RecipeGroup &group : op.getRecipe().getGroups()) {
    std::string name = llvm::join(group.patterns, ",");
    bool isNew = llvm::none_of(
        rates, [&](const GroupRate &known) { return known.name == name; });
    if (group.rate && isNew)
      rates.push_back({name, *group.rate});
  }
  return rates;
}

} // namespace nnc
