// Which numbers of a recipe have a field of graph.fbs each. A setting that has
// none stands in `Recipe.settings`, by its name. Private to the importer and
// the exporter.
#ifndef NNC_FRONTEND_GRAPH_RECIPEFIELDS_H
#define NNC_FRONTEND_GRAPH_RECIPEFIELDS_H

#include "frontend/graph/Schema.h"

namespace nnc::graph {

/// What a field holds where its setting is not said.
inline constexpr int kAbsent = -1;

template <typename T> struct RecipeField {
  llvm::StringRef setting;
  T (Recipe::*get)() const;
  void (RecipeBuilder::*add)(T);
};

inline constexpr RecipeField<int64_t> kIntegerFields[] = {
    {"batch", &Recipe::batch, &RecipeBuilder::add_batch},
    {"epochs", &Recipe::epochs, &RecipeBuilder::add_epochs},
    {"seed", &Recipe::seed, &RecipeBuilder::add_seed},
};
inline constexpr RecipeField<double> kRealFields[] = {
    {"validation", &Recipe::validation, &RecipeBuilder::add_validation},
    {"clip_norm", &Recipe::clip_norm, &RecipeBuilder::add_clip_norm},
    {"clip_value", &Recipe::clip_value, &RecipeBuilder::add_clip_value},
};

} // namespace nnc::graph

#endif // NNC_FRONTEND_GRAPH_RECIPEFIELDS_H
