// Calls: of the program's functions, of functions of values known while
// compiling, and which op is meant by a name. How an op is called is in
// OpCall.cpp.
#include "frontend/dsl/Emitter.h"

#include "ir/Layout.h"
#include "ir/OperandCounts.h"
#include "ir/Scopes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"

#include <utility>

using namespace mlir;

namespace nnc::dsl {

std::string usage(const CallExpr &call, ArrayRef<StringRef> names) {
  return (call.callee + "(" + llvm::join(names, ", ") + ")").str();
}

//===-- Functions of values known while compiling ------------------------===//

Datum Emitter::shapeOf(const CallExpr &call, ArrayRef<Datum> arguments) {
  bool takesAxis = call.callee == "shape" && arguments.size() == 2;
  if (arguments.size() != 1 && !takesAxis)
    return error(call.loc, "expected " + call.callee + "(x" +
                               (call.callee == "shape" ? ", axis)" : ")") +
                               ", found " + Twine(arguments.size()) +
                               " arguments");
  if (arguments[0].isError())
    return {};
  if (!arguments[0].isTensor())
    return error(call.loc, "'" + call.callee + "' expects a tensor, found " +
                               arguments[0].describe());
  auto type = cast<RankedTensorType>(arguments[0].tensor().getType());
  auto size = [&](int64_t axis) {
    return type.isDynamicDim(axis) ? Datum(Datum::Batch())
                                   : Datum(type.getDimSize(axis));
  };
  if (call.callee == "rank")
    return Datum(type.getRank());
  if (call.callee == "shape" && !takesAxis) {
    Datum::List sizes;
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      sizes.push_back(size(axis));
    return Datum(std::move(sizes));
  }
  if (takesAxis && !arguments[1].isInteger())
    return error(call.loc, "expected a whole number as an axis, found " +
                               arguments[1].describe());
  int64_t channels = hasChannelsFirst(type.getRank()) ? 1 : -1;
  int64_t axis = takesAxis ? arguments[1].integer() : channels;
  if (axis < -type.getRank() || axis >= type.getRank())
    return error(call.loc,
                 "axis " + Twine(axis) + " is outside of " + printType(type));
  return size(axis < 0 ? axis + type.getRank() : axis);
}

/// A tensor of f32 that holds `value` everywhere; the argument is its shape.
Datum Emitter::filledTensor(const CallExpr &call, double value) {
  Datum shape = evaluate(*call.arguments[0].value);
  if (shape.isError())
    return {};
  AttributeInfo info{"shape", AttributeKind::Dims, "", false, false};
  Attribute dims = toDims(info, shape, call.arguments[0].value->loc);
  mlir::Value number =
      dims ? toTensor(Datum(value), builder.getF32Type(), call.loc)
           : mlir::Value();
  if (!number)
    return {};
  return buildOp(call.loc, "broadcast", number,
                 builder.getNamedAttr("shape", dims));
}

static bool isShapeFunction(StringRef name) {
  return name == "shape" || name == "channels_of" || name == "rank";
}

/// Functions of numbers that are not ops of the same name as well.
static bool isNumberFunction(StringRef name) {
  return llvm::is_contained({"sqrt", "exp", "log", "sin", "cos", "tanh", "abs",
                             "floor", "ceil", "round", "max", "min"},
                            name);
}

//===-- Calls ------------------------------------------------------------===//

Datum Emitter::evaluateCall(const CallExpr &call) {
  if (auto it = functions.find(call.callee); it != functions.end())
    return callFunction(call, *it->second);

  if (call.callee == "scan")
    return evaluateScan(call);
  if (call.callee == "length")
    return lengthOf(call);
  bool isFilled = call.arguments.size() == 1 && !call.arguments[0].name;
  if (isFilled && (call.callee == "zeros" || call.callee == "ones"))
    return filledTensor(call, call.callee == "ones");

  Evaluated evaluated;
  StringRef name = call.callee;
  if (isShapeFunction(name) || isNumberFunction(name)) {
    std::vector<Datum> values;
    for (const Argument &argument : call.arguments) {
      if (argument.name)
        continue;
      values.push_back(evaluate(*argument.value));
      evaluated.try_emplace(argument.value.get(), values.back());
    }
    if (isShapeFunction(name))
      return shapeOf(call, values);
    if (std::optional<Datum> number = evaluateFunction(name, values))
      return *number;
    // max(x) reduces, max(x, y) chooses element by element.
    bool isPair = values.size() == 2 && !values[1].isList();
    if (name == "max")
      name = isPair ? "maximum" : "reduce_max";
    if (name == "min")
      name = isPair ? "minimum" : "reduce_min";
  }
  const Signature *signature = lookupSignature(context, name);
  if (!signature || signature->category == Category::Internal)
    return callUnknown(call);
  if (signature->category == Category::Optimizer ||
      signature->category == Category::Schedule)
    return error(call.loc, "'" + name +
                               "' belongs in the block 'training', "
                               "as in 'optimizer adam(0.001)'");
  return callOp(call, *signature, evaluated);
}

std::vector<StringRef> Emitter::callableNames() const {
  std::vector<StringRef> names = {"channels_of", "length", "max",
                                  "min",         "ones",   "rank",
                                  "scan",        "shape",  "zeros"};
  for (auto &entry : functions)
    names.push_back(entry.getKey());
  for (const Signature *signature : allSignatures(context))
    if (signature->category <= Category::Metric)
      names.push_back(signature->name);
  // Equally near names: the first in the alphabet.
  llvm::sort(names);
  return names;
}

namespace {
struct ForeignName {
  StringRef theirs, ours;
};
} // namespace

// What NumPy, PyTorch and others call what is here by another name.
static constexpr ForeignName kForeignNames[] = {
    {"where", "select(condition, a, b)"},
    {"clip", "clamp(x, min, max)"},
    {"cat", "concat(a, b, axis = 1)"},
    {"concatenate", "concat(a, b, axis = 1)"},
    {"linear", "dense(x, units)"},
    {"fc", "dense(x, units)"},
    {"fully_connected", "dense(x, units)"},
    {"batch_normalization", "batch_norm(x)"},
    {"avg_pool", "average_pool(x, window)"},
    {"upsample", "resize(x, scale = 2)"},
    {"interpolate", "resize(x, size, mode = linear)"},
    {"squeeze", "reshape(x, shape)"},
    {"unsqueeze", "reshape(x, shape)"},
    {"expand_dims", "reshape(x, shape)"},
    {"split", "x[:, 0:n], x[:, n:]"},
    {"chunk", "x[:, 0:n], x[:, n:]"},
    {"bmm", "matmul(a, b)"},
    {"multiply", "a * b"},
    {"subtract", "a - b"},
    {"power", "a ** b"},
    {"reciprocal", "1 / x"},
    {"logistic", "sigmoid(x)"},
    {"argmin", "argmax(-x, axis)"},
    {"amax", "max(x, axes)"},
    {"amin", "min(x, axes)"},
    {"astype", "cast(x, f32)"},
    {"len", "length(list)"},
    {"append", "list = list + [x]"},
    {"range", "0..n, after 'in'"},
    {"permute", "transpose(x, permutation)"},
    {"view", "reshape(x, shape)"},
    {"square", "x ** 2"},
    {"einsum", "matmul(a, b) and transpose(x, permutation)"},
    {"dot", "matmul(a, b)"},
    {"mm", "matmul(a, b)"},
    {"arange", "iota(shape, axis)"},
    {"take", "gather(table, indices)"},
    {"detach", "stop_gradient(x)"},
    {"swish", "silu(x)"},
    {"nll_loss", "cross_entropy(logits, target)"},
    {"categorical_crossentropy", "cross_entropy(logits, target)"},
    {"sparse_categorical_crossentropy", "cross_entropy(logits, target)"},
    {"bce_with_logits", "bce_logits(logits, target)"},
    {"mse_loss", "mse(prediction, target)"},
    {"l1_loss", "mae(prediction, target)"},
    {"huber_loss", "huber(prediction, target)"},
    {"smooth_l1_loss", "smooth_l1(prediction, target)"},
    {"kl_div", "kl_divergence(logits, target)"},
    {"rand", "random_uniform(shape)"},
    {"randn", "random_normal(shape)"},
};

Datum Emitter::callUnknown(const CallExpr &call) {
  if (Binding *binding = lookup(call.callee))
    return error(call.loc, "'" + call.callee + "' is not a function",
                 Note{binding->declaration.loc,
                      "'" + call.callee.str() + "' is declared here"});
  if (isInitializer(call))
    return error(call.loc, "'" + call.callee +
                               "' initializes parameters, as in 'param w: "
                               "f32[4, 2] = " +
                               call.callee + "(...)'");
  for (const ForeignName &foreign : kForeignNames)
    if (call.callee.equals_insensitive(foreign.theirs))
      return error(call.loc, "unknown function '" + call.callee +
                                 "'; here it is " + foreign.ours);
  StringRef dialect = call.callee.split('.').first;
  if (call.callee.contains('.') && !context->getLoadedDialect(dialect))
    return error(call.loc, "unknown function '" + call.callee +
                               "': no plugin with a dialect '" + dialect +
                               "' is loaded; --load-pass-plugin loads one");
  return error(call.loc, "unknown function '" + call.callee + "'" +
                             suggestion(call.callee, callableNames()));
}

//===-- Functions of the program -----------------------------------------===//

bool Emitter::checkCallable(const CallExpr &call,
                            const FunctionDecl &function) {
  for (Frame *f = frame; f; f = f->caller)
    if (f->function == &function) {
      error(call.loc,
            "function '" + function.name.name +
                "' calls itself; calls are unrolled while "
                "compiling, so this would not end",
            Note{function.name.loc,
                 "'" + function.name.name.str() + "' is defined here"});
      return false;
    }
  if (frame)
    return true;
  // In a constant: there is nowhere to put parameters or ops.
  error(call.loc, "a constant cannot call '" + function.name.name + "'");
  return false;
}

Datum Emitter::callFunction(const CallExpr &call,
                            const FunctionDecl &function) {
  Frame callee;
  if (!checkCallable(call, function) || !bindArguments(call, function, callee))
    return {};
  return runFunction(call, function, callee);
}

Datum Emitter::callWith(const CallExpr &call, const FunctionDecl &function,
                        ArrayRef<Datum> given) {
  if (!checkCallable(call, function))
    return {};
  Frame callee;
  callee.caller = frame;
  bool bound = true;
  for (auto [i, parameter] : llvm::enumerate(function.parameters)) {
    Datum value = i < given.size() ? given[i] : Datum();
    if (i < given.size())
      bound &= checkParameterType(parameter, value, call.loc);
    else
      value = evaluateDefault(parameter, callee);
    if (trace)
      trace->named(parameter.name.name, value);
    callee.names[parameter.name.name] = {value, parameter.name};
    if (value.isTensor())
      declared.try_emplace(value.tensor(), parameter.name);
  }
  return bound ? runFunction(call, function, callee) : Datum();
}

Datum Emitter::runFunction(const CallExpr &call, const FunctionDecl &function,
                           Frame &callee) {
  callee.function = &function;
  callee.callLoc = call.loc;
  callee.caller = frame;
  inScope(call, function.name.name, [&](ScopeEntry &scope) {
    callee.scope = &scope;
    frame = &callee;
    emitBlock(function.body);
    frame = callee.caller;
  });
  if (!callee.returned && !diagnostics.failed())
    return error(call.loc,
                 "function '" + function.name.name + "' returns nothing here",
                 Note{function.name.loc,
                      "'" + function.name.name.str() + "' is defined here"});
  return callee.result;
}

Datum Emitter::evaluateDefault(const Parameter &parameter, Frame &callee) {
  Frame *caller = std::exchange(frame, &callee);
  Datum value = evaluate(*parameter.defaultValue);
  frame = caller;
  return value;
}

bool Emitter::checkParameterType(const Parameter &parameter, const Datum &value,
                                 SMLoc loc) {
  if (!parameter.type)
    return true;
  RankedTensorType expected = resolveType(*parameter.type, TypeUse::Function);
  if (!expected)
    return false;
  if (value.isTensor() && value.tensor().getType() == expected)
    return true;
  error(loc,
        "expected " + printType(expected) + " as '" + parameter.name.name +
            "', found " +
            (value.isTensor() ? printType(value.tensor().getType())
                              : value.describe()),
        Note{parameter.name.loc,
             "'" + parameter.name.name.str() + "' is declared here"});
  return false;
}

std::optional<std::vector<const Argument *>>
Emitter::matchArguments(const CallExpr &call, ArrayRef<StringRef> names,
                        ArrayRef<Note> notes) {
  std::vector<const Argument *> matched(names.size());
  llvm::StringMap<size_t> places;
  for (auto [i, name] : llvm::enumerate(names))
    places.try_emplace(name, i);
  bool valid = true;
  auto reject = [&](SMLoc loc, const Twine &message, ArrayRef<Note> notes) {
    error(loc, message, notes);
    valid = false;
  };
  for (auto [i, argument] : llvm::enumerate(call.arguments)) {
    size_t index = i;
    if (argument.name) {
      auto place = places.find(argument.name->name);
      index = place == places.end() ? names.size() : place->second;
    }
    if (index < names.size() && !matched[index]) {
      matched[index] = &argument;
    } else if (index < names.size()) {
      reject(argument.loc(),
             "argument '" + names[index] + "' of '" + call.callee +
                 "' is given twice",
             Note{matched[index]->loc(), "first given here"});
    } else if (argument.name) {
      std::string hint = suggestion(argument.name->name, names);
      if (hint.empty())
        hint = "; expected " + usage(call, names);
      reject(argument.loc(),
             "'" + call.callee + "' has no argument '" + argument.name->name +
                 "'" + hint,
             notes);
    } else {
      reject(argument.loc(),
             "too many arguments; expected " + usage(call, names), notes);
    }
  }
  if (!valid)
    return std::nullopt;
  return matched;
}

Datum Emitter::missingArgument(const CallExpr &call, StringRef name,
                               ArrayRef<StringRef> names,
                               ArrayRef<Note> notes) {
  return error(call.loc,
               "missing argument '" + name + "' of '" + call.callee +
                   "'; expected " + usage(call, names),
               notes);
}

bool Emitter::bindArguments(const CallExpr &call, const FunctionDecl &function,
                            Frame &callee) {
  std::vector<StringRef> names;
  for (const Parameter &parameter : function.parameters)
    names.push_back(parameter.name.name);
  Note definition{function.name.loc,
                  "'" + call.callee.str() + "' is defined here"};
  auto arguments = matchArguments(call, names, definition);
  if (!arguments)
    return false;

  bool bound = true;
  for (auto [parameter, argument] :
       llvm::zip_equal(function.parameters, *arguments)) {
    if (!argument && !parameter.defaultValue) {
      missingArgument(call, parameter.name.name, names, definition);
      return false;
    }
    Datum value;
    if (argument) {
      value = evaluate(*argument->value);
      bound &= checkParameterType(parameter, value, argument->value->loc);
    } else {
      value = evaluateDefault(parameter, callee);
    }
    if (trace)
      trace->named(parameter.name.name, value);
    callee.names[parameter.name.name] = {value, parameter.name};
  }
  return bound;
}

//===-- Ops --------------------------------------------------------------===//

Datum Emitter::buildOp(SMLoc loc, StringRef name,
                       ArrayRef<mlir::Value> operands,
                       ArrayRef<NamedAttribute> attributes) {
  if (!frame)
    return error(loc, "a constant cannot hold a tensor");
  std::string message;
  FailureOr<Operation *> op = failure();
  {
    ScopedDiagnosticHandler capture(context, [&](Diagnostic &diagnostic) {
      if (message.empty())
        message = diagnostic.str();
      return success();
    });
    Location location =
        withScope(diagnostics.location(loc), frame->scope->path);
    op = createByName(builder, location, name, operands, attributes);
  }
  if (failed(op))
    return error(loc, inProgramsNames(name, operands, inUsersTerms(message)),
                 explainOperands(operands));
  return Datum((*op)->getResult(0));
}

// "operand #1" becomes "operand 'target'", and "did you mean transpose(rhs)?"
// "transpose(w)" where rhs is named so.
std::string Emitter::inProgramsNames(StringRef name,
                                     ArrayRef<mlir::Value> operands,
                                     std::string message) {
  const Signature *signature = lookupSignature(context, name);
  if (!signature)
    return message;
  // Those that are there, each by its name; several may share one.
  SmallVector<std::pair<StringRef, mlir::Value>> named;
  auto given = llvm::make_filter_range(
      operands, [](mlir::Value operand) { return bool(operand); });
  auto next = given.begin();
  for (auto [info, count] :
       llvm::zip(signature->operands, countOperands(*signature, operands)))
    for (int32_t i = 0; i < count && next != given.end(); ++i, ++next)
      named.push_back({info.name, *next});
  for (auto [number, operand] : llvm::enumerate(named)) {
    std::string numbered = "operand #" + std::to_string(number) + " ";
    if (size_t place = message.find(numbered); place != std::string::npos)
      message.replace(place, numbered.size(),
                      ("operand '" + operand.first + "' ").str());
  }
  size_t start = message.find("did you mean");
  if (start == std::string::npos)
    return message;
  for (auto [word, operand] : named) {
    auto it = declared.find(operand);
    size_t place = message.find(("(" + word).str(), start);
    if (it != declared.end() && place != std::string::npos)
      message.replace(place + 1, word.size(), it->second.name.str());
  }
  return message;
}

/// Whether `layout nchw` has put a transpose between the program's tensor and
/// an op.
bool Emitter::isChannelsMoved(mlir::Value operand) const {
  auto transpose = operand.getDefiningOp<TransposeOp>();
  if (!transpose || !hasChannelsFirst(transpose.getType().getRank()))
    return false;
  return declared.find(operand) == declared.end() &&
         transpose.getPermutation() ==
             ArrayRef(channelsToLast(transpose.getType().getRank()));
}

std::vector<Note> Emitter::explainOperands(ArrayRef<mlir::Value> operands) {
  std::vector<Note> notes;
  DenseSet<mlir::Value> seen;
  for (mlir::Value operand : operands) {
    if (!operand)
      continue;
    bool isMoved = isChannelsMoved(operand);
    if (isMoved)
      operand = operand.getDefiningOp()->getOperand(0);
    auto it = declared.find(operand);
    if (!seen.insert(operand).second)
      continue;
    if (isMoved)
      notes.push_back({layout->loc, "with this layout, ops are given pictures "
                                    "with their channels last"});
    if (it == declared.end())
      continue;
    const Identifier &identifier = it->second;
    notes.push_back(
        {identifier.loc, ("'" + identifier.name + "' is " +
                          printType(operand.getType()) + ", declared here")
                             .str()});
  }
  return notes;
}

} // namespace nnc::dsl
