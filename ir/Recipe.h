// The training recipe: the table of its settings and what each may be. The
// language, text, graphs and plans are checked by it, with one wording.
#ifndef NNC_IR_RECIPE_H
#define NNC_IR_RECIPE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

#include <optional>
#include <string>

namespace nnc {

class RecipeAttr;

/// What an attribute holds that is a setting.
enum class SettingKind {
  Integer,   ///< An IntegerAttr.
  Real,      ///< A FloatAttr.
  Precision, ///< A TypeAttr.
  Optimizer, ///< A dictionary: the op's `name` and its attributes.
  Rate,      ///< A number, or a schedule's dictionary with its `base`.
  Patterns,  ///< Strings that match names of parameters.
  Updates,   ///< Dictionaries, one an optimizer of some of the parameters.
  Order,     ///< Dictionaries, one a training step and how often it runs.
  Groups,    ///< Dictionaries, one a group of parameters.
  Average,   ///< A dictionary: which mean of the weights is kept.
  Data,      ///< Dictionaries, one a binding of inputs.
  Steps,     ///< Dictionaries, one a step of an input's samples.
  Names,     ///< Dictionaries, one a table of names in files of weights.
  Layout,    ///< One of kLayouts (ir/Layout.h).
  Text       ///< A string.
};

/// Where a setting may stand, or several places together.
enum SettingPlace : unsigned {
  kInLanguage = 1, ///< A line of a training block.
  kOnModel = 2,    ///< An attribute of nnc.model.
  kOnUpdate = 4,   ///< An attribute of nnc.optimize.
  kOnModule = 8,   ///< In nnc.recipe, once the model is gone.
};

struct SettingInfo {
  llvm::StringRef name;      ///< As programs spell it.
  llvm::StringRef attribute; ///< As the attribute is called.
  SettingKind kind;
  unsigned places;
  llvm::StringRef expected; ///< In a message: "a number above 0".
};

/// Every setting of a recipe.
llvm::ArrayRef<SettingInfo> allSettings();

/// The setting whose attribute is called so, or null.
const SettingInfo *lookupSetting(llvm::StringRef attribute);

/// What is wrong with `value` as this setting: "'batch' must be a whole number
/// from 1 to 2^24, found 0". Empty if nothing is.
std::string explainSetting(const SettingInfo &info, mlir::Attribute value);

/// The same by the attribute's name, which may be that of no setting at
/// `place`.
std::string explainSetting(llvm::StringRef attribute, mlir::Attribute value,
                           SettingPlace place);

/// What is wrong with `value` as a binding of data. `bound` has the inputs that
/// bindings before gave, "SPLIT/INPUT" each.
std::string explainBinding(mlir::Attribute value, llvm::StringSet<> &bound);

/// What is wrong with `value` as a group of parameters of an update by
/// `optimizer`, which may be null.
std::string explainGroup(mlir::Attribute value, mlir::Attribute optimizer);

/// What is wrong with `value` as a step of an input's samples.
std::string explainStep(mlir::Attribute value);

/// The steps that samples may go through, and the parameters of one that there
/// is, in the order of arguments without a name.
llvm::SmallVector<llvm::StringRef> stepNames();
llvm::SmallVector<llvm::StringRef> stepParameterNames(llvm::StringRef step);
/// Whether the language may write the step `NAME = VALUE`.
bool isStepSetting(llvm::StringRef step);

/// What is wrong with `settings` as a recipe at `place`; empty if nothing is.
std::string explainRecipe(mlir::DictionaryAttr settings, SettingPlace place);

/// The settings among the attributes of an op: those that other dialects have
/// no name for.
mlir::DictionaryAttr collectSettings(mlir::Operation *op);

/// An op that a recipe names: `{name = "adam", beta1 = 0.9, …}`.
struct NamedCall {
  llvm::StringRef name;
  llvm::SmallVector<mlir::NamedAttribute> attributes;
};

/// A constant, or what a schedule makes of its base.
struct LearningRate {
  double base;
  std::optional<NamedCall> schedule;
};

/// Which optimizer changes which parameters, with its own learning rate,
/// schedule and clipping.
struct RecipeUpdate {
  llvm::StringRef name;                        ///< Empty: the model's own.
  llvm::SmallVector<llvm::StringRef> patterns; ///< Empty: of all the others.
  mlir::DictionaryAttr settings;               ///< What nnc.optimize is told.
  llvm::StringRef step = {}; ///< Empty: of each step that has none of its own.
};

/// A training step in the order of a round, and how often it runs in its turn.
struct OrderedStep {
  llvm::StringRef step;
  int64_t times = 1;
};

/// What holds for some of an update's parameters. Of several groups that name a
/// parameter and say the same, the last holds.
struct RecipeGroup {
  llvm::SmallVector<llvm::StringRef> patterns;
  std::optional<double> rate; ///< A factor of the update's.
  std::optional<double> weightDecay;
  std::optional<NamedCall> optimizer;
};

/// The mean of the weights that is evaluated and saved in their place.
struct RecipeAverage {
  /// Of an exponential mean; absent: all count alike.
  std::optional<double> decay;
  mlir::Attribute from; ///< The length after which it begins.
};

// Which files are read for inputs; ir/DataSplits.h has what for. What each
// reader takes besides the file's name is checked where the file is read, at
// the place that `loc` keeps.
llvm::ArrayRef<llvm::StringRef> readerNames();

/// Whether `schedule` has a length that only a run knows: a share of it, or a
/// number of epochs.
bool asksForRun(mlir::MLIRContext *context, const NamedCall &schedule);
/// Whether a schedule of the recipe or its average has.
bool asksForRun(RecipeAttr recipe);

/// Of the module: what the model said, once it is gone.
inline constexpr llvm::StringLiteral kRecipeAttr = "nnc.recipe";

/// The recipe that the module keeps, or an empty one.
RecipeAttr getRecipe(mlir::ModuleOp module);

} // namespace nnc

#endif // NNC_IR_RECIPE_H
