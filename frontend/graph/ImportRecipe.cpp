// A graph's recipe: attributes of the model, checked by the table of settings
// (ir/Recipe.h).
#include "frontend/graph/Importer.h"
#include "frontend/graph/RecipeFields.h"

#include "ir/Recipe.h"
#include "ir/Shapes.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc::graph {

LogicalResult Importer::readRecipe(const Recipe &from) {
  if ((from.optimizer() && failed(readOptimizer(*from.optimizer()))) ||
      failed(readLearningRate(from)) || failed(readNumbers(from)) ||
      failed(readPrecision(from)) || failed(readSettings(from)) ||
      failed(readData(from.data())) || failed(readSteps(from.sample_steps())))
    return failure();
  std::string problem = explainRecipe(collectSettings(model), kOnModel);
  return problem.empty() ? success() : reader.fail(problem);
}

LogicalResult Importer::set(StringRef name, mlir::Attribute value) {
  if (std::string problem = explainSetting(name, value, kOnModel);
      !problem.empty())
    return reader.fail(problem);
  if (model->hasAttr(name))
    return reader.fail("'" + name + "' is set twice");
  model->setAttr(name, value);
  return success();
}

//===-- Optimizer and learning rate --------------------------------------===//

/// The name of an op and its attributes, which an op that is none of the wanted
/// category may not have: the table says so.
FailureOr<Reader::Attributes> Importer::readCall(const Call &from) {
  FailureOr<StringRef> name = reader.readName(from.name(), "its name");
  if (failed(name))
    return failure();
  FailureOr<Reader::Attributes> attributes = Reader::Attributes();
  if (const Signature *signature = lookupSignature(context, *name))
    attributes = reader.readArguments(*signature, from.arguments());
  if (succeeded(attributes))
    attributes->push_back(
        builder.getNamedAttr("name", builder.getStringAttr(*name)));
  return attributes;
}

LogicalResult Importer::readOptimizer(const Call &from) {
  Reader::Scope scope(reader, "optimizer");
  FailureOr<Reader::Attributes> call = readCall(from);
  if (failed(call))
    return failure();
  return set("optimizer", builder.getDictionaryAttr(*call));
}

LogicalResult Importer::readLearningRate(const Recipe &from) {
  // A rate that is no number is not absent.
  bool isGiven = from.learning_rate() != kAbsent;
  mlir::Attribute rate = builder.getF64FloatAttr(from.learning_rate());
  if (!from.schedule())
    return isGiven ? set("learning_rate", rate) : success();
  Reader::Scope scope(reader, "schedule");
  FailureOr<Reader::Attributes> call = readCall(*from.schedule());
  if (failed(call))
    return failure();
  if (isGiven)
    call->push_back(builder.getNamedAttr("base", rate));
  return set("learning_rate", builder.getDictionaryAttr(*call));
}

//===-- Settings of one value --------------------------------------------===//

LogicalResult Importer::readNumbers(const Recipe &from) {
  for (const RecipeField<int64_t> &field : kIntegerFields)
    if (int64_t value = (from.*field.get)(); value != kAbsent)
      if (failed(set(field.setting, builder.getI64IntegerAttr(value))))
        return failure();
  for (const RecipeField<double> &field : kRealFields)
    if (double value = (from.*field.get)(); value != kAbsent)
      if (failed(set(field.setting, builder.getF64FloatAttr(value))))
        return failure();
  return success();
}

LogicalResult Importer::readPrecision(const Recipe &from) {
  if (from.precision() == ElementType::F32)
    return success();
  Type precision = toElementType(from.precision(), context);
  if (!precision)
    return reader.fail("'precision' is an unknown element type");
  return set("precision", TypeAttr::get(precision));
}

LogicalResult Importer::readSettings(const Recipe &from) {
  FailureOr<Reader::Attributes> settings =
      reader.readAttributes(from.settings());
  if (failed(settings))
    return failure();
  for (NamedAttribute setting : *settings)
    if (failed(set(setting.getName(), setting.getValue())))
      return failure();
  return success();
}

//===-- Data -------------------------------------------------------------===//

FailureOr<mlir::Attribute> Importer::readBoundInputs(const DataBinding &from) {
  SmallVector<mlir::Attribute> inputs;
  FailureOr<ArrayRef<int32_t>> indices = reader.readNumbers(from.inputs());
  if (failed(indices))
    return failure();
  for (int32_t index : *indices) {
    if (index < 0 || size_t(index) >= inputNames.size())
      return reader.fail("there is no input " + llvm::Twine(index) +
                         ": the model has " + llvm::Twine(inputNames.size()));
    inputs.push_back(builder.getStringAttr(inputNames[index]));
  }
  return mlir::Attribute(builder.getArrayAttr(inputs));
}

FailureOr<mlir::Attribute>
Importer::readReaderArguments(const Offsets<ReaderArgument> *from) {
  Reader::Attributes arguments;
  llvm::StringSet<> names;
  for (const ReaderArgument *argument : elements(from)) {
    auto name = reader.readName(argument->name(), "an argument's name");
    auto text = reader.readText(argument->text(), "an argument's text");
    if (failed(name) || failed(text))
      return failure();
    if (!names.insert(*name).second)
      return reader.fail("argument '" + *name + "' is given twice");
    arguments.push_back(
        builder.getNamedAttr(*name, builder.getStringAttr(*text)));
  }
  return mlir::Attribute(builder.getDictionaryAttr(arguments));
}

LogicalResult Importer::setPlace(const Location *from, NamedAttrList &to) {
  if (!from)
    return success();
  FailureOr<mlir::Location> location = reader.readLocation(from);
  if (failed(location))
    return failure();
  to.set("loc", LocationAttr(*location));
  return success();
}

FailureOr<mlir::Attribute> Importer::readBinding(const DataBinding &from) {
  auto split = reader.readName(from.split(), "its split");
  auto kind = reader.readName(from.reader(), "its reader");
  FailureOr<mlir::Attribute> inputs = failure(), arguments = failure();
  if (succeeded(split) && succeeded(kind))
    inputs = readBoundInputs(from);
  if (succeeded(inputs))
    arguments = readReaderArguments(from.arguments());
  if (failed(arguments))
    return failure();
  NamedAttrList binding;
  binding.set("split", builder.getStringAttr(*split));
  binding.set("inputs", *inputs);
  binding.set("reader", builder.getStringAttr(*kind));
  binding.set("arguments", *arguments);
  if (failed(setPlace(from.location(), binding)))
    return failure();
  return mlir::Attribute(binding.getDictionary(context));
}

LogicalResult Importer::readData(const Offsets<DataBinding> *from) {
  if (!from)
    return success();
  SmallVector<mlir::Attribute> bindings;
  llvm::StringSet<> bound;
  for (const DataBinding *binding : *from) {
    Reader::Scope scope(reader, "data binding " + llvm::Twine(bindings.size()),
                        binding->location());
    FailureOr<mlir::Attribute> attribute = readBinding(*binding);
    if (failed(attribute))
      return failure();
    if (std::string problem = explainBinding(*attribute, bound);
        !problem.empty())
      return reader.fail(problem);
    bindings.push_back(*attribute);
  }
  return set("data", builder.getArrayAttr(bindings));
}

//===-- Steps of samples -------------------------------------------------===//

FailureOr<mlir::Attribute> Importer::readStep(const SampleStep &from) {
  auto name = reader.readName(from.step(), "its name");
  if (failed(name))
    return failure();
  if (from.input() < 0 || size_t(from.input()) >= inputNames.size())
    return reader.fail("there is no input " + llvm::Twine(from.input()) +
                       ": the model has " + llvm::Twine(inputNames.size()));
  FailureOr<mlir::Attribute> arguments = readReaderArguments(from.arguments());
  NamedAttrList step;
  if (failed(arguments) || failed(setPlace(from.location(), step)))
    return failure();
  step.set("input", builder.getStringAttr(inputNames[from.input()]));
  step.set("step", builder.getStringAttr(*name));
  step.set("arguments", *arguments);
  return mlir::Attribute(step.getDictionary(context));
}

LogicalResult Importer::readSteps(const Offsets<SampleStep> *from) {
  if (!from)
    return success();
  SmallVector<mlir::Attribute> steps;
  for (const SampleStep *step : *from) {
    Reader::Scope scope(reader, "step of samples " + llvm::Twine(steps.size()),
                        step->location());
    FailureOr<mlir::Attribute> attribute = readStep(*step);
    if (failed(attribute))
      return failure();
    if (std::string problem = explainStep(*attribute); !problem.empty())
      return reader.fail(problem);
    steps.push_back(*attribute);
  }
  return set("sample_steps", builder.getArrayAttr(steps));
}

} // namespace nnc::graph
