// The data block: which files feed the inputs, and what their samples go
// through; attributes of the model, listed in docs/architecture.md section 1.
#include "frontend/dsl/Emitter.h"
#include "frontend/dsl/Limits.h"

#include "ir/DataSplits.h"
#include "ir/Recipe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

/// What a data block says of where its files are.
std::optional<std::string> Emitter::emitFolder(const DataDecl &data) {
  if (!data.folder)
    return std::nullopt;
  Datum folder = evaluate(*data.folder);
  if (folder.isString() && !folder.string().empty())
    return std::string(folder.string());
  if (!folder.isError())
    error(data.folder->loc,
          "the folder of the data must be a string that is not empty, found " +
              folder.describe());
  return std::nullopt;
}

/// The inputs that steps fill: they say where another has a value.
static llvm::StringSet<> masksOf(const DataDecl &data) {
  llvm::StringSet<> masks;
  for (const DataSteps &line : data.steps)
    for (const ExpressionPtr &step : line.steps) {
      auto *call = llvm::dyn_cast<CallExpr>(step.get());
      if (!call || call->callee != "mask" || call->arguments.size() != 1)
        continue;
      if (auto *word = llvm::dyn_cast<NameExpr>(call->arguments[0].value.get()))
        masks.insert(word->name);
    }
  return masks;
}

void Emitter::emitData(const DataDecl &data) {
  dataFolder = emitFolder(data);
  SmallVector<Attribute> bindings;
  const llvm::StringSet<> masks = masksOf(data);
  llvm::StringMap<SMLoc> seen;
  for (const DataSplit &split : data.splits) {
    const Identifier &name = split.name;
    if (!llvm::is_contained(kDataSplits, name.name)) {
      std::string hint = suggestion(name.name, kDataSplits);
      if (hint.empty())
        hint = "; expected train, validation or test";
      error(name.loc, "unknown split '" + name.name + "'" + hint);
      continue;
    }
    auto [first, isFirst] = seen.try_emplace(name.name, name.loc);
    if (!isFirst)
      error(name.loc, "the split '" + name.name + "' is given twice",
            Note{first->second, "first given here"});
    else
      emitSplit(split, masks, bindings);
  }
  setRecipe("data", builder.getArrayAttr(bindings));
  SmallVector<Attribute> steps;
  for (const DataSteps &line : data.steps)
    emitSteps(line, steps);
  if (!steps.empty())
    setRecipe("sample_steps", builder.getArrayAttr(steps));
}

void Emitter::emitSplit(const DataSplit &split, const llvm::StringSet<> &masks,
                        SmallVectorImpl<Attribute> &bindings) {
  const ModelDecl &declaration = program.models.front();
  std::vector<StringRef> names;
  for (const Parameter &input : declaration.inputs)
    names.push_back(input.name.name);
  llvm::StringSet<> known;
  known.insert_range(names);
  llvm::StringMap<SMLoc> bound;
  for (const DataBinding &binding : split.bindings) {
    for (const Identifier &input : binding.inputs) {
      if (!known.contains(input.name))
        error(input.loc,
              "the model has no input '" + input.name + "'" +
                  suggestion(input.name, names),
              Note{declaration.name.loc, "the model is here"});
      auto [first, isFirst] = bound.try_emplace(input.name, input.loc);
      if (!isFirst)
        error(input.loc, "input '" + input.name + "' is given twice",
              Note{first->second, "first given here"});
    }
    bindings.push_back(emitBinding(split, binding));
    if (!bindings.back())
      bindings.pop_back();
  }
  for (const Parameter &input : declaration.inputs)
    if (!bound.contains(input.name.name) && !masks.contains(input.name.name) &&
        !inputsOfOutputs.contains(input.name.name))
      error(split.name.loc,
            "'" + split.name.name + "' gives no data for input '" +
                input.name.name + "'",
            Note{input.name.loc,
                 "'" + input.name.name.str() + "' is declared here"});
}

/// A string of a list: in quotes where a reader would see several items in it,
/// or a number or range.
static std::string listItem(StringRef text) {
  const bool isPlain = !text.empty() && !llvm::isDigit(text[0]) &&
                       text[0] != '-' && !text.contains(',') &&
                       !text.contains('"') && text.trim() == text;
  std::string quoted = "\"";
  for (char c : text)
    quoted += c == '"' ? std::string(2, c) : std::string(1, c);
  return isPlain ? text.str() : quoted + "\"";
}

/// The text of a value as its reader sees it. Nothing after an error.
std::optional<std::string> Emitter::readerArgument(const Expression &expression,
                                                   bool isInList) {
  if (auto *range = llvm::dyn_cast<RangeExpr>(&expression)) {
    std::optional<int64_t> lower = expectInteger(*range->lower, "a bound");
    std::optional<int64_t> upper = expectInteger(*range->upper, "a bound");
    if (!lower || !upper)
      return std::nullopt;
    return std::to_string(*lower) + ":" + std::to_string(*upper);
  }
  if (auto *list = llvm::dyn_cast<ListExpr>(&expression)) {
    std::string joined;
    for (const ExpressionPtr &element : list->elements) {
      std::optional<std::string> part = readerArgument(*element, true);
      if (!part)
        return std::nullopt;
      joined += (joined.empty() ? "" : ",") + *part;
      if (joined.size() > kMaxArgumentBytes) {
        error(element->loc, "this list is longer than " +
                                Twine(kMaxArgumentBytes) + " bytes of text");
        return std::nullopt;
      }
    }
    return joined;
  }
  Datum value = evaluate(expression);
  if (value.isString())
    return isInList ? listItem(value.string()) : std::string(value.string());
  if (value.isNumber() || value.isBoolean())
    return value.describe();
  if (!value.isError())
    error(expression.loc, "expected a string, a number or a list of them, "
                          "found " +
                              value.describe());
  return std::nullopt;
}

/// Whether any of the inputs is of pictures with their channels first, as files
/// of pictures have 1 or 3 of them.
bool Emitter::takesChannelsFirst(const DataBinding &binding) {
  auto isChannels = [](int64_t size) { return size == 1 || size == 3; };
  const std::vector<Parameter> &inputs = program.models.front().inputs;
  return llvm::any_of(binding.inputs, [&](const Identifier &name) {
    auto input = llvm::find_if(inputs, [&](const Parameter &input) {
      return input.name.name == name.name;
    });
    mlir::Block &body = model.getBody().front();
    // What is unknown, or of no type, is an error elsewhere.
    if (input == inputs.end() || body.getNumArguments() != inputs.size())
      return false;
    BlockArgument argument = body.getArgument(input - inputs.begin());
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(argument.getType()).getShape();
    // Both may be: then the layout says it.
    return shape.size() == 4 && isChannels(shape[1]);
  });
}

/// The arguments of a reader as they are given, as text.
bool Emitter::fillReaderArguments(const CallExpr &call,
                                  NamedAttrList &arguments) {
  for (auto [i, argument] : llvm::enumerate(call.arguments)) {
    StringRef name = argument.name ? argument.name->name : "path";
    if (!argument.name && i > 0) {
      error(argument.loc(), "only the file's name stands without a name; "
                            "write NAME = VALUE");
      return false;
    }
    if (arguments.get(name)) {
      error(argument.loc(),
            "argument '" + name + "' of '" + call.callee + "' is given twice");
      return false;
    }
    std::optional<std::string> text = readerArgument(*argument.value);
    if (!text)
      return false;
    arguments.append(name, builder.getStringAttr(*text));
  }
  if (arguments.get("path"))
    return true;
  error(call.loc, "'" + call.callee + "' needs the name of a file, as in " +
                      call.callee + "(\"FILE\")");
  return false;
}

Attribute Emitter::emitBinding(const DataSplit &split,
                               const DataBinding &binding) {
  auto *call = llvm::dyn_cast<CallExpr>(binding.reader.get());
  if (!call) {
    error(binding.reader->loc,
          "expected a reader of a file, as in idx(\"FILE\")");
    return nullptr;
  }
  if (!llvm::is_contained(readerNames(), call->callee)) {
    std::string hint = suggestion(call->callee, readerNames());
    if (hint.empty())
      hint = "; expected one of " + llvm::join(readerNames(), ", ");
    error(call->loc, "unknown reader '" + call->callee + "'" + hint);
    return nullptr;
  }
  NamedAttrList arguments;
  if (!fillReaderArguments(*call, arguments))
    return nullptr;
  // Arrays are what they are, in any layout.
  bool turnsPictures = llvm::is_contained({"cifar10", "cifar100", "images"},
                                          StringRef(call->callee));
  if (channelsFirst && turnsPictures && !arguments.get("order") &&
      takesChannelsFirst(binding))
    arguments.append("order", builder.getStringAttr("chw"));
  if (dataFolder && !arguments.get("folder"))
    arguments.append("folder", builder.getStringAttr(*dataFolder));
  SmallVector<Attribute> inputs;
  for (const Identifier &input : binding.inputs)
    inputs.push_back(builder.getStringAttr(input.name));
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("split", builder.getStringAttr(split.name.name)),
       builder.getNamedAttr("inputs", builder.getArrayAttr(inputs)),
       builder.getNamedAttr("reader", builder.getStringAttr(call->callee)),
       builder.getNamedAttr("arguments", arguments.getDictionary(context)),
       builder.getNamedAttr("loc",
                            LocationAttr(diagnostics.location(call->loc)))});
}

//===-- Steps of samples -------------------------------------------------===//

void Emitter::emitSteps(const DataSteps &line,
                        SmallVectorImpl<Attribute> &steps) {
  const ModelDecl &declaration = program.models.front();
  std::vector<StringRef> names;
  for (const Parameter &input : declaration.inputs)
    names.push_back(input.name.name);
  if (!llvm::is_contained(names, line.input.name)) {
    llvm::append_range(names, kDataSplits);
    error(line.input.loc,
          "expected train, validation, test or an input of the model, found '" +
              line.input.name + "'" + suggestion(line.input.name, names),
          Note{declaration.name.loc, "the model is here"});
    return;
  }
  for (const ExpressionPtr &step : line.steps)
    if (Attribute emitted = emitStep(line.input, *step))
      steps.push_back(emitted);
}

/// The arguments of a step by name, as text.
bool Emitter::fillStepArguments(const CallExpr &call, StringRef step,
                                NamedAttrList &arguments) {
  SmallVector<StringRef> names = stepParameterNames(step);
  auto matched = matchArguments(call, names);
  if (!matched)
    return false;
  for (auto [name, argument] : llvm::zip_equal(names, *matched)) {
    if (!argument)
      continue;
    // A word such as `measured` stands for itself.
    auto *word = llvm::dyn_cast<NameExpr>(argument->value.get());
    std::optional<std::string> text = word && !lookup(word->name)
                                          ? word->name.str()
                                          : readerArgument(*argument->value);
    if (!text)
      return false;
    arguments.set(name, builder.getStringAttr(*text));
  }
  return true;
}

/// What is wrong with `mask` as the input that tells where `input` has values.
std::string Emitter::explainMask(const Identifier &input, StringAttr mask) {
  std::vector<StringRef> names;
  for (const Parameter &other : program.models.front().inputs)
    if (other.name.name != input.name)
      names.push_back(other.name.name);
  StringRef name = mask.getValue();
  if (llvm::is_contained(names, name))
    return "";
  return ("'mask' must be another input of the model, found '" + name + "'")
             .str() +
         suggestion(name, names);
}

Attribute Emitter::emitStep(const Identifier &input,
                            const Expression &expression) {
  auto *call = llvm::dyn_cast<CallExpr>(&expression);
  auto *word = llvm::dyn_cast<NameExpr>(&expression);
  StringRef name = call ? call->callee : word ? word->name : "";
  SmallVector<StringRef> names = stepNames();
  if (!llvm::is_contained(names, name)) {
    std::string hint = name.empty() ? "" : suggestion(name, names);
    if (hint.empty())
      hint = "; expected one of " + llvm::join(names, ", ");
    error(expression.loc, name.empty()
                              ? "this is no step of samples" + hint
                              : "unknown step '" + name.str() + "'" + hint);
    return nullptr;
  }
  NamedAttrList arguments;
  if (call && !fillStepArguments(*call, name, arguments))
    return nullptr;
  auto step = builder.getDictionaryAttr(
      {builder.getNamedAttr("input", builder.getStringAttr(input.name)),
       builder.getNamedAttr("step", builder.getStringAttr(name)),
       builder.getNamedAttr("arguments", arguments.getDictionary(context)),
       builder.getNamedAttr(
           "loc", LocationAttr(diagnostics.location(expression.loc)))});
  std::string problem = explainStep(step);
  if (problem.empty() && name == "mask")
    problem = explainMask(input, cast<StringAttr>(arguments.get("input")));
  if (problem.empty())
    return step;
  error(expression.loc, problem);
  return nullptr;
}

} // namespace nnc::dsl
