// The recipe of a model, which its verifier has found sound.
#include "frontend/graph/Exporter.h"
#include "frontend/graph/RecipeFields.h"

#include "ir/Recipe.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::graph {

Maybe<Call> Exporter::writeCall(mlir::Location location, DictionaryAttr from,
                                ArrayRef<StringRef> leaveOut) {
  auto name = from.getAs<StringAttr>("name");
  const Signature *signature =
      lookupSignature(location.getContext(), name.getValue());
  SmallVector<NamedAttribute> others;
  Builder builder(location.getContext());
  for (NamedAttribute attribute : from) {
    if (attribute.getName() == "name" ||
        llvm::is_contained(leaveOut, attribute.getName().getValue()))
      continue;
    bool isEnum =
        signature && llvm::any_of(signature->attributes, [&](auto &info) {
          return info.name == attribute.getName() &&
                 info.kind == AttributeKind::Enum;
        });
    mlir::Attribute value = attribute.getValue();
    if (isEnum)
      value = builder.getStringAttr(keywordOf(value));
    others.push_back(builder.getNamedAttr(attribute.getName(), value));
  }
  List<Attribute> arguments = writeAttributes(location, others);
  if (failed(arguments))
    return failure();
  return CreateCall(buffer, text(name), *arguments);
}

//===-- Data -------------------------------------------------------------===//

/// The place of a string in the names of a model's inputs, or -1.
static int32_t findInput(ModelOp model, mlir::Attribute name) {
  for (unsigned i = 0; i < model.getNumArguments(); ++i)
    if (model.getArgAttr(i, "nnc.name") == name)
      return int32_t(i);
  return -1;
}

Exporter::List<ReaderArgument> Exporter::writeArguments(DictionaryAttr from) {
  std::vector<Offset<ReaderArgument>> written;
  for (NamedAttribute argument : from.getAs<DictionaryAttr>("arguments")) {
    auto name = text(argument.getName());
    written.push_back(CreateReaderArgument(
        buffer, name, text(cast<StringAttr>(argument.getValue()))));
  }
  return buffer.CreateVector(written);
}

llvm::LogicalResult Exporter::writePlace(DictionaryAttr from, Location &place,
                                         const Location *&placeOrNull) {
  auto loc = from.getAs<LocationAttr>("loc");
  return loc ? writeLocation(mlir::Location(loc), place, placeOrNull)
             : success();
}

Maybe<DataBinding> Exporter::writeBinding(ModelOp model, DictionaryAttr from) {
  SmallVector<int32_t> indices;
  for (mlir::Attribute name : from.getAs<ArrayAttr>("inputs"))
    indices.push_back(findInput(model, name));
  List<ReaderArgument> arguments = writeArguments(from);
  Location place;
  const Location *placeOrNull = nullptr;
  if (failed(writePlace(from, place, placeOrNull)))
    return failure();
  auto split = text(from.getAs<StringAttr>("split"));
  auto reader = text(from.getAs<StringAttr>("reader"));
  auto inputs = buffer.CreateVector(indices.data(), indices.size());
  return CreateDataBinding(buffer, split, inputs, reader, *arguments,
                           placeOrNull);
}

Maybe<SampleStep> Exporter::writeStep(ModelOp model, DictionaryAttr from) {
  List<ReaderArgument> arguments = writeArguments(from);
  Location place;
  const Location *placeOrNull = nullptr;
  if (failed(writePlace(from, place, placeOrNull)))
    return failure();
  auto step = text(from.getAs<StringAttr>("step"));
  return CreateSampleStep(buffer, findInput(model, from.get("input")), step,
                          *arguments, placeOrNull);
}

template <typename T>
Exporter::List<T>
Exporter::writeEach(ModelOp model, ArrayAttr from,
                    Maybe<T> (Exporter::*write)(ModelOp, DictionaryAttr)) {
  std::vector<Offset<T>> all;
  for (auto one : from.getAsRange<DictionaryAttr>()) {
    Maybe<T> written = (this->*write)(model, one);
    if (failed(written))
      return failure();
    all.push_back(*written);
  }
  return buffer.CreateVector(all);
}

//===-- The whole --------------------------------------------------------===//

namespace {
/// The parts of a recipe that are made before its table is begun.
struct RecipeParts {
  Offset<Call> optimizer = 0, schedule = 0;
  Offset<flatbuffers::Vector<Offset<DataBinding>>> data = 0;
  Offset<flatbuffers::Vector<Offset<SampleStep>>> steps = 0;
  Offset<flatbuffers::Vector<Offset<Attribute>>> settings = 0;
};
} // namespace

/// The settings that have no field of their own.
static SmallVector<NamedAttribute> otherSettings(DictionaryAttr settings) {
  SmallVector<StringRef> inFields = {"optimizer", "learning_rate", "precision",
                                     "data", "sample_steps"};
  for (const auto &field : kIntegerFields)
    inFields.push_back(field.setting);
  for (const auto &field : kRealFields)
    inFields.push_back(field.setting);
  SmallVector<NamedAttribute> others;
  for (NamedAttribute setting : settings) {
    StringRef name = setting.getName();
    // With a dot they stand among the model's attributes.
    if (!name.contains('.') && !llvm::is_contained(inFields, name))
      others.push_back(setting);
  }
  return others;
}

/// Writes `from` into `to`; a recipe leaves out what is not said.
template <typename T>
static LogicalResult keep(FailureOr<Offset<T>> from, Offset<T> &to) {
  if (failed(from))
    return failure();
  to = *from;
  return success();
}

Maybe<Recipe> Exporter::writeRecipe(ModelOp model) {
  mlir::Location location = model.getLoc();
  RecipeAttr recipe = model.getRecipe();
  RecipeParts parts;
  if (auto call = cast_or_null<DictionaryAttr>(recipe.get("optimizer")))
    if (failed(keep(writeCall(location, call, {}), parts.optimizer)))
      return failure();
  if (auto call = dyn_cast_or_null<DictionaryAttr>(recipe.get("learning_rate")))
    if (failed(keep(writeCall(location, call, {"base"}), parts.schedule)))
      return failure();
  if (auto data = cast_or_null<ArrayAttr>(recipe.get("data")))
    if (failed(
            keep(writeEach(model, data, &Exporter::writeBinding), parts.data)))
      return failure();
  if (auto steps = cast_or_null<ArrayAttr>(recipe.get("sample_steps")))
    if (failed(
            keep(writeEach(model, steps, &Exporter::writeStep), parts.steps)))
      return failure();
  SmallVector<NamedAttribute> others = otherSettings(recipe.getSettings());
  if (!others.empty() &&
      failed(keep(writeAttributes(location, others), parts.settings)))
    return failure();

  RecipeBuilder builder(buffer);
  builder.add_optimizer(parts.optimizer);
  builder.add_schedule(parts.schedule);
  if (std::optional<LearningRate> rate = recipe.getLearningRate())
    builder.add_learning_rate(rate->base);
  for (const RecipeField<int64_t> &field : kIntegerFields)
    (builder.*field.add)(recipe.getInteger(field.setting).value_or(kAbsent));
  for (const RecipeField<double> &field : kRealFields)
    (builder.*field.add)(recipe.getNumber(field.setting).value_or(kAbsent));
  if (auto precision = cast_or_null<TypeAttr>(recipe.get("precision")))
    builder.add_precision(*fromElementType(precision.getValue()));
  builder.add_data(parts.data);
  builder.add_settings(parts.settings);
  builder.add_sample_steps(parts.steps);
  return builder.Finish();
}

} // namespace nnc::graph
