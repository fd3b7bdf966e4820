// Enumerations and attributes of the dialect.
#ifndef NNC_ATTRIBUTES_TD
#define NNC_ATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "ir/Dialect.td"

class Nnc_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::nnc";
  let genSpecializedAttr = 0;
}
class Nnc_EnumAttr<EnumInfo info, string name> : EnumAttr<Nnc_Dialect, info, name> {
  let assemblyFormat = "`<` $value `>`";
}

def Nnc_Predicate : Nnc_Enum<"Predicate", "how two numbers compare", [
  I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ne", 1>, I32EnumAttrCase<"lt", 2>,
  I32EnumAttrCase<"le", 3>, I32EnumAttrCase<"gt", 4>, I32EnumAttrCase<"ge", 5>]>;
def Nnc_PredicateAttr : Nnc_EnumAttr<Nnc_Predicate, "predicate">;

def Nnc_Role : Nnc_Enum<"Role", "what a piece of state is for", [
  I32EnumAttrCase<"parameter", 0>,       // trained by the optimizer
  I32EnumAttrCase<"buffer", 1>,          // kept with the parameters, not trained
  I32EnumAttrCase<"optimizer_state", 2>, // moments and the like
  I32EnumAttrCase<"scalar", 3>,          // seed, step, learning rate
  I32EnumAttrCase<"generation", 4>]>;    // what a sequence's next token needs of those before it
def Nnc_RoleAttr : Nnc_EnumAttr<Nnc_Role, "role">;

def Nnc_Convention : Nnc_Enum<"Convention", "how running statistics follow those of a batch", [
  I32EnumAttrCase<"pytorch", 0>,  // momentum is the share of the batch; unbiased variance
  I32EnumAttrCase<"keras", 1>]>;  // momentum is what is kept; variance of the population
def Nnc_ConventionAttr : Nnc_EnumAttr<Nnc_Convention, "convention">;

def Nnc_Mode : Nnc_Enum<"Mode", "what lies between elements", [
  I32EnumAttrCase<"nearest", 0>, I32EnumAttrCase<"linear", 1>]>;
def Nnc_ModeAttr : Nnc_EnumAttr<Nnc_Mode, "mode">;

def Nnc_Corners : Nnc_Enum<"Corners", "where the elements of one size lie in another", [
  I32EnumAttrCase<"half_pixel", 0>, I32EnumAttrCase<"align_corners", 1>,
  I32EnumAttrCase<"asymmetric", 2>]>;
def Nnc_CornersAttr : Nnc_EnumAttr<Nnc_Corners, "corners">;

def Nnc_Rounding : Nnc_Enum<"Rounding", "which element is the nearest", [
  I32EnumAttrCase<"prefer_floor", 0>, I32EnumAttrCase<"prefer_ceil", 1>,
  I32EnumAttrCase<"floor", 2>, I32EnumAttrCase<"ceil", 3>]>;
def Nnc_RoundingAttr : Nnc_EnumAttr<Nnc_Rounding, "rounding">;

def Nnc_RecurrentActivation : Nnc_Enum<"RecurrentActivation", "what a state goes through in a step", [
  I32EnumAttrCase<"tanh", 0>, I32EnumAttrCase<"relu", 1>]>;
def Nnc_RecurrentActivationAttr : Nnc_EnumAttr<Nnc_RecurrentActivation, "activation">;

def Nnc_Scores : Nnc_Enum<"Scores", "what a model predicts of classes", [
  I32EnumAttrCase<"logits", 0>, I32EnumAttrCase<"probabilities", 1>]>;
def Nnc_ScoresAttr : Nnc_EnumAttr<Nnc_Scores, "from">; // called as the attribute is

def Nnc_Average : Nnc_Enum<"Average", "how the shares of classes become one", [
  I32EnumAttrCase<"binary", 0>,     // of the positive class alone
  I32EnumAttrCase<"micro", 1>,      // of the counts of all classes
  I32EnumAttrCase<"macro", 2>,      // the mean over classes
  I32EnumAttrCase<"weighted", 3>]>; // the mean by how often each is the target
def Nnc_AverageAttr : Nnc_EnumAttr<Nnc_Average, "average">;

def Nnc_Weighting : Nnc_Enum<"Weighting", "how wrong a class is by its distance from the right one", [
  I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"linear", 1>, I32EnumAttrCase<"quadratic", 2>]>;
def Nnc_WeightingAttr : Nnc_EnumAttr<Nnc_Weighting, "weighting">;

def Nnc_Multioutput : Nnc_Enum<"Multioutput", "how the scores of several outputs become one", [
  I32EnumAttrCase<"uniform_average", 0>,   // their mean
  I32EnumAttrCase<"variance_weighted", 1>, // their mean by the targets' variance
  I32EnumAttrCase<"flattened", 2>]>;       // all are one output
def Nnc_MultioutputAttr : Nnc_EnumAttr<Nnc_Multioutput, "multioutput">;

def Nnc_InitializerAttr : AttrDef<Nnc_Dialect, "Initializer"> {
  let mnemonic = "init";
  let summary = "How a parameter begins";
  let description = [{
    The name of an initializer and its arguments: `#nnc.init<normal, {stddev =
    0.02}>`. ir/Initializer.h lists the names, and which arguments each takes.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::DictionaryAttr":$arguments);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Nnc_RecipeAttr : AttrDef<Nnc_Dialect, "Recipe"> {
  let mnemonic = "recipe";
  let summary = "How a model is trained";
  let description = [{
    Settings by name, each within its range: `#nnc.recipe<{batch = 32 : i64}>`.
    ir/Recipe.h lists them. What is not said is absent. On nnc.model and
    nnc.optimize the settings are written as attributes of the op.
  }];
  let parameters = (ins "::mlir::DictionaryAttr":$settings);
  let assemblyFormat = "`<` $settings `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The setting whose attribute is called so. Null where it is absent.
    ::mlir::Attribute get(::llvm::StringRef name) const;
    std::optional<int64_t> getInteger(::llvm::StringRef name) const;
    std::optional<double> getNumber(::llvm::StringRef name) const;
    std::optional<::nnc::NamedCall> getOptimizer() const;
    std::optional<::nnc::LearningRate> getLearningRate() const;
    /// Every optimizer: the recipe's own first, if it has one. None where
    /// nothing is trained.
    ::llvm::SmallVector<::nnc::RecipeUpdate> getUpdates() const;
    /// Which steps a round runs, in which order; empty where nothing is said.
    ::llvm::SmallVector<::nnc::OrderedStep> getOrder() const;
    ::llvm::SmallVector<::nnc::RecipeGroup> getGroups() const;
    std::optional<::nnc::RecipeAverage> getAverage() const;
  }];
}

#endif // NNC_ATTRIBUTES_TD
