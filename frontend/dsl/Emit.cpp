// The program: constants, the model and its statements.
#include "frontend/dsl/Emit.h"

#include "frontend/dsl/Emitter.h"
#include "frontend/dsl/Limits.h"

#include "ir/Layout.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc::dsl {

Emitter::Emitter(const Program &program, Diagnostics &diagnostics,
                 MLIRContext *context, Trace *trace)
    : program(program), diagnostics(diagnostics), context(context),
      trace(trace), builder(context) {}

//===-- Errors -----------------------------------------------------------===//

Datum Emitter::error(SMLoc loc, const Twine &message, ArrayRef<Note> notes) {
  // The innermost calls say which of a function's calls is meant.
  constexpr unsigned kMaxCalls = 4;
  SmallVector<Note> all(notes);
  unsigned count = 0;
  for (Frame *f = frame; f && f->function && count < kMaxCalls; f = f->caller) {
    all.push_back({f->callLoc,
                   ("in this call of '" + f->function->name.name + "'").str()});
    ++count;
  }
  diagnostics.error(loc, message, all);
  return {};
}

bool Emitter::expend(SMLoc loc, uint64_t steps) {
  work = llvm::SaturatingAdd(work, steps);
  if (!exhausted && work > kMaxSteps) {
    exhausted = true;
    error(loc, "the program does not come to an end: more than " +
                   Twine(kMaxSteps) +
                   " steps were evaluated while compiling; are its loops too "
                   "long?");
  }
  return !exhausted && !diagnostics.full();
}

//===-- Top level --------------------------------------------------------===//

bool Emitter::checkReserved(const Identifier &name, StringRef what) {
  bool isType = parseElementType(name.name, context) != nullptr;
  if (!isType && name.name != "batch")
    return true;
  error(name.loc, "'" + name.name + "' is " +
                      (isType ? "an element type" : "the symbolic dimension") +
                      " and cannot name " + what);
  return false;
}

void Emitter::declareFunctions() {
  for (const FunctionDecl &function : program.functions) {
    auto [entry, isNew] = functions.try_emplace(function.name.name, &function);
    if (!isNew)
      error(function.name.loc,
            "function '" + function.name.name + "' is defined twice",
            Note{entry->second->name.loc, "first defined here"});
    llvm::StringMap<SMLoc> seen;
    for (const Parameter &parameter : function.parameters) {
      checkReserved(parameter.name, "a parameter");
      auto [first, isFirst] =
          seen.try_emplace(parameter.name.name, parameter.name.loc);
      if (!isFirst)
        error(parameter.name.loc,
              "parameter '" + parameter.name.name + "' is named twice",
              Note{first->second, "first named here"});
    }
  }
}

void Emitter::evaluateConstants(ArrayRef<Override> overrides) {
  for (const ConstDecl &constant : program.constants) {
    const Identifier &name = constant.name;
    checkReserved(name, "a constant");
    if (Binding *first = lookup(name.name)) {
      error(name.loc, "constant '" + name.name + "' is defined twice",
            Note{first->declaration.loc, "first defined here"});
      continue;
    }
    Datum value = evaluate(*constant.value);
    for (const Override &given : overrides)
      if (given.name.name == name.name)
        value = evaluateOverride(constant, given, value);
    if (trace)
      trace->named(name.name, value);
    constants.insert({name.name, {value, name}});
  }
}

Datum Emitter::evaluateOverride(const ConstDecl &constant,
                                const Override &given, const Datum &declared) {
  if (declared.isError())
    return {};
  // A shell's word is enough for a string.
  auto *word = llvm::dyn_cast<NameExpr>(given.value.get());
  if (declared.isString() && word)
    return Datum(word->name.str());
  Datum value = evaluate(*given.value);
  bool fits = (declared.isInteger() && value.isInteger()) ||
              (declared.isReal() && value.isNumber()) ||
              (declared.isBoolean() && value.isBoolean()) ||
              (declared.isString() && value.isString()) ||
              (declared.isList() && value.isList()) ||
              (declared.isElementType() && value.isElementType());
  if (value.isError() || fits)
    return value;
  StringRef expected = declared.isInteger()   ? "a whole number"
                       : declared.isReal()    ? "a number"
                       : declared.isBoolean() ? "true or false"
                       : declared.isString()  ? "a string"
                       : declared.isList()    ? "a list"
                                              : "an element type";
  return error(given.value->loc,
               "expected " + expected + " for the constant '" +
                   given.name.name + "', found " + value.describe(),
               Note{constant.name.loc,
                    "'" + given.name.name.str() + "' is declared here"});
}

OwningOpRef<ModuleOp> Emitter::run(ArrayRef<Override> overrides) {
  declareFunctions();
  evaluateConstants(overrides);
  if (program.models.empty() && !diagnostics.failed())
    error(program.end, "the file has no model; expected 'model NAME(INPUT: "
                       "TYPE, ...) { ... }'");
  if (program.models.size() > 1)
    error(program.models[1].name.loc,
          "a file has one model, and this is another",
          Note{program.models.front().name.loc, "the model is here"});
  if (program.models.size() != 1)
    return nullptr;

  const ModelDecl &declaration = program.models.front();
  module = ModuleOp::create(diagnostics.location(declaration.name.loc));
  OwningOpRef<ModuleOp> owner(module);
  builder.setInsertionPointToEnd(module.getBody());
  emitModel(declaration);
  emitRecipe();
  if (diagnostics.failed())
    return nullptr;
  warnUnused();
  if (failed(verify(module)))
    return nullptr;
  return owner;
}

OwningOpRef<ModuleOp> emit(const Program &program, ArrayRef<Override> overrides,
                           Diagnostics &diagnostics, MLIRContext *context,
                           Trace *trace) {
  return Emitter(program, diagnostics, context, trace).run(overrides);
}

//===-- The model --------------------------------------------------------===//

void Emitter::emitModel(const ModelDecl &declaration) {
  ScopeEntry scope;
  Frame modelFrame;
  modelFrame.scope = &scope;
  frame = &modelFrame;
  llvm::scope_exit leave([&] { frame = nullptr; });
  emitInputs(declaration);
  emitBlock(declaration.body);
  if (!diagnostics.failed())
    checkModel(declaration);
}

void Emitter::emitInputs(const ModelDecl &declaration) {
  SmallVector<Type> types;
  SmallVector<Attribute> attributes;
  SmallVector<const Parameter *> inputs;
  llvm::StringMap<SMLoc> seen;
  for (const Parameter &input : declaration.inputs) {
    checkReserved(input.name, "an input");
    auto [first, isFirst] = seen.try_emplace(input.name.name, input.name.loc);
    if (!isFirst) {
      error(input.name.loc, "input '" + input.name.name + "' is named twice",
            Note{first->second, "first named here"});
      continue;
    }
    RankedTensorType type = resolveType(*input.type, TypeUse::Input);
    if (!type) {
      frame->names[input.name.name] = {Datum(), input.name};
      continue;
    }
    types.push_back(type);
    inputs.push_back(&input);
    attributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr(
        "nnc.name", builder.getStringAttr(input.name.name))));
  }
  model = ModelOp::create(builder, diagnostics.location(declaration.name.loc),
                          builder.getStringAttr(declaration.name.name),
                          TypeAttr::get(builder.getFunctionType(types, {})),
                          /*sym_visibility=*/StringAttr(),
                          builder.getArrayAttr(attributes),
                          /*res_attrs=*/ArrayAttr());
  ::mlir::Block *body = &model.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(body);
  for (auto [input, type] : llvm::zip_equal(inputs, types))
    bind(input->name,
         Datum(body->addArgument(type, diagnostics.location(input->name.loc))));
}

/// The values that `roots` are computed from, themselves included. Where
/// `differentiably`, only those through which a gradient flows.
static DenseSet<mlir::Value> collectSources(SmallVector<mlir::Value> roots,
                                            bool differentiably) {
  DenseSet<mlir::Value> sources;
  while (!roots.empty()) {
    mlir::Value value = roots.pop_back_val();
    if (!sources.insert(value).second)
      continue;
    Operation *op = value.getDefiningOp();
    if (!op)
      continue;
    if (differentiably) {
      auto differentiable = dyn_cast<Differentiable>(op);
      bool stops =
          isa<StopGradientOp>(op) ||
          (differentiable && !differentiable.getNoGradientReason().empty());
      if (stops)
        continue;
    }
    llvm::append_range(roots, op->getOperands());
  }
  return sources;
}

void Emitter::checkModel(const ModelDecl &declaration) {
  SmallVector<mlir::Value> losses, evaluated, results;
  for (Operation &op : model.getBody().front()) {
    if (!isa<LossOp, MetricOp, OutputOp>(op))
      continue;
    results.push_back(op.getOperand(0));
    if (!isa<OutputOp>(op))
      evaluated.push_back(op.getOperand(0));
    if (isa<LossOp>(op))
      losses.push_back(op.getOperand(0));
  }
  if (results.empty()) {
    error(declaration.name.loc, "model '" + declaration.name.name +
                                    "' has neither a loss nor an output");
    return;
  }
  DenseSet<mlir::Value> used = collectSources(results, false);
  for (BlockArgument input : model.getBody().getArguments())
    if (!used.contains(input))
      error(declared[input].loc,
            "input '" + declared[input].name +
                "' is not used by any loss, metric or output");

  if (losses.empty())
    return;
  DenseSet<mlir::Value> read = collectSources(evaluated, false);
  for (BlockArgument input : model.getBody().getArguments())
    if (!read.contains(input))
      inputsOfOutputs.insert(declared[input].name);
  DenseSet<mlir::Value> trained = collectSources(losses, true);
  for (auto &[path, use] : parameters)
    if (use.role == Role::parameter && !trained.contains(use.value))
      diagnostics.warning(use.loc, "no loss depends on the parameter '" + path +
                                       "': it stays as it is initialized");
}

void Emitter::warnUnused() {
  for (auto &[place, use] : assignments)
    if (!use.used)
      diagnostics.warning(use.name.loc, "'" + use.name.name + "' is not used");
  // A branch that is not taken may use these, so that they are looked for in
  // the text.
  for (const ConstDecl &constant : program.constants)
    if (program.mentions.lookup(constant.name.name) == 1)
      diagnostics.warning(constant.name.loc, "the constant '" +
                                                 constant.name.name +
                                                 "' is not used");
  for (const FunctionDecl &function : program.functions)
    if (program.mentions.lookup(function.name.name) == 1)
      diagnostics.warning(function.name.loc, "the function '" +
                                                 function.name.name +
                                                 "' is not called");
}

//===-- Statements -------------------------------------------------------===//

void Emitter::emitBlock(const Block &block) {
  for (const std::unique_ptr<Statement> &statement : block) {
    if (frame->returned || !expend(statement->loc))
      return;
    emitStatement(*statement);
  }
}

void Emitter::emitStatement(const Statement &statement) {
  llvm::TypeSwitch<const Statement *>(&statement)
      .Case<AssignStmt>([&](auto *s) { emitAssign(*s); })
      .Case<ParamStmt>([&](auto *s) { emitParam(*s); })
      .Case<ForStmt>([&](auto *s) { emitFor(*s); })
      .Case<IfStmt>([&](auto *s) { emitIf(*s); })
      .Case<ReturnStmt>([&](auto *s) { emitReturn(*s); })
      .Case<LossStmt>([&](auto *s) { emitLoss(*s); })
      .Case<MetricStmt>([&](auto *s) { emitMetric(*s); })
      .Case<OutputStmt>([&](auto *s) { emitOutput(*s); })
      .Case<LayoutStmt>([&](auto *s) { emitLayout(*s); })
      .Case<OutputGroupStmt>([&](auto *s) { emitOutputGroup(*s); })
      .Case<StepStmt>([&](auto *s) { emitStep(*s); })
      .Case<UpdateStmt>([&](auto *s) { emitUpdate(*s); })
      .Case<SettingStmt>([&](auto *s) { emitStepSetting(*s); });
}

void Emitter::bind(const Identifier &name, Datum value) {
  if (value.isTensor())
    declared.try_emplace(value.tensor(), name);
  if (trace)
    trace->named(name.name, value);
  boundNames()[name.name] = {std::move(value), name};
}

void Emitter::emitAssign(const AssignStmt &statement) {
  ArrayRef<Identifier> names = statement.names;
  for (const Identifier &name : names)
    checkReserved(name, "a value");
  std::vector<Datum> values =
      spread(evaluate(*statement.value), names.size(), statement.value->loc);
  for (auto [name, part] : llvm::zip(names, values)) {
    // Of several, some may be there for the others' sake.
    if (names.size() == 1)
      assignments.try_emplace(name.name.data(), NameUse{name});
    bind(name, std::move(part));
  }
}

void Emitter::emitFor(const ForStmt &statement) {
  forEach(statement.head, statement.loc, [&] { emitBlock(statement.body); });
}

void Emitter::emitIf(const IfStmt &statement) {
  std::optional<bool> condition = expectCondition(*statement.condition);
  if (condition)
    emitBlock(*condition ? statement.thenBody : statement.elseBody);
}

void Emitter::emitReturn(const ReturnStmt &statement) {
  if (!frame->function) {
    error(statement.loc, "'return' stands in functions; a model says 'output "
                         "NAME = VALUE'");
    return;
  }
  frame->result = evaluate(*statement.value);
  frame->returned = true;
}

bool Emitter::checkInModel(const Statement &statement, StringRef word) {
  if (!frame->function)
    return true;
  error(statement.loc, "'" + word +
                           "' stands in the model, not in functions; "
                           "return the value and use it there");
  return false;
}

mlir::Value Emitter::expectScalar(const Expression &expression,
                                  StringRef what) {
  Datum value = evaluate(expression);
  if (value.isError())
    return nullptr;
  auto type = value.isTensor()
                  ? cast<RankedTensorType>(value.tensor().getType())
                  : RankedTensorType();
  if (type && type.getRank() == 0 && isa<FloatType>(type.getElementType()))
    return value.tensor();
  std::string hint;
  if (type && type.getRank() > 0 && isa<FloatType>(type.getElementType()))
    hint = "; mean(...) of it is one";
  error(expression.loc, what +
                            " must be one number, an f32 computed from "
                            "tensors, found " +
                            (type ? printType(type) : value.describe()) + hint);
  return nullptr;
}

void Emitter::emitLoss(const LossStmt &statement) {
  if (!checkInModel(statement, "loss") || !checkTrained(statement, "loss"))
    return;
  for (const NamedValue &item : statement.items)
    if (mlir::Value loss = expectScalar(*item.value, "a loss"))
      checkLoss(loss, item);
}

void Emitter::checkLoss(mlir::Value loss, const NamedValue &item) {
  SMLoc loc = item.value->loc;
  DenseSet<mlir::Value> sources = collectSources({loss}, true);
  bool isTrainable = llvm::any_of(sources, [](mlir::Value value) {
    return value.getDefiningOp<ReadOp>() != nullptr;
  });
  if (!isTrainable) {
    error(loc, "this loss depends on no parameter, so that nothing would be "
               "trained");
    return;
  }
  mark(LossOp::create(builder, diagnostics.location(loc), loss,
                      item.name ? builder.getStringAttr(item.name->name)
                                : StringAttr()));
}

void Emitter::emitLayout(const LayoutStmt &statement) {
  if (!checkInModel(statement, "layout"))
    return;
  const Identifier &given = statement.layout;
  if (!llvm::is_contained(kLayouts, given.name)) {
    std::string hint = suggestion(given.name, kLayouts);
    if (hint.empty())
      hint = "; expected nhwc or nchw";
    error(given.loc, "unknown layout '" + given.name + "'" + hint);
    return;
  }
  if (layout) {
    error(statement.loc, "'layout' is said twice",
          Note{layout->loc, "first said here"});
    return;
  }
  if (!model.getBody().front().empty()) {
    error(statement.loc,
          "'layout' stands before all that is computed: move it to the "
          "beginning of the model");
    return;
  }
  layout = given;
  channelsFirst = given.name == "nchw";
  if (channelsFirst)
    model->setAttr(kLayoutAttr, builder.getStringAttr(given.name));
}

/// The name of a metric or output that is given none.
static StringRef defaultName(const Expression &expression) {
  if (auto *call = llvm::dyn_cast<CallExpr>(&expression))
    return call->callee;
  if (auto *name = llvm::dyn_cast<NameExpr>(&expression))
    return name->name;
  return "";
}

void Emitter::emitMetric(const MetricStmt &statement) {
  if (!checkInModel(statement, "metric") || !checkTrained(statement, "metric"))
    return;
  for (const NamedValue &item : statement.items) {
    StringRef name = item.name ? item.name->name : defaultName(*item.value);
    SMLoc loc = item.name ? item.name->loc : item.value->loc;
    mlir::Value value = expectScalar(*item.value, "a metric");
    if (name.empty())
      error(loc, "this metric needs a name: metric NAME = VALUE");
    if (!value || name.empty())
      continue;
    mark(MetricOp::create(builder, diagnostics.location(loc),
                          builder.getStringAttr(name), value));
  }
}

void Emitter::emitOutput(const OutputStmt &statement) {
  if (!checkInModel(statement, "output") || !checkGiven(statement))
    return;
  for (const NamedValue &item : statement.items) {
    StringRef name = item.name ? item.name->name : defaultName(*item.value);
    SMLoc loc = item.name ? item.name->loc : item.value->loc;
    Datum value = evaluate(*item.value);
    if (value.isError())
      continue;
    if (!value.isTensor()) {
      error(item.value->loc,
            "an output must be a tensor, found " + value.describe());
      continue;
    }
    if (name.empty()) {
      error(loc, "this output needs a name: output NAME = VALUE");
      continue;
    }
    mark(OutputOp::create(builder, diagnostics.location(loc),
                          builder.getStringAttr(name), value.tensor()));
  }
}

} // namespace nnc::dsl
