// From the memory plan and the code image to FlatBuffers, field by field.
#include "codegen/PlanWriter.h"

#include "codegen/ShortEntries.h"
#include "ir/Layout.h"
#include "ir/Ops.h"
#include "ir/RecipeReading.h"
#include "ir/Shapes.h"
#include "passes/EntryPoints.h"
#include "passes/NameOrigins.h"
#include "passes/StepState.h"
#include "runtime/PlanNames.h"
#include "runtime/abi.h"
#include "runtime/plan_generated.h"

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnc;

template <typename T> using Offset = flatbuffers::Offset<T>;
using TextOffset = Offset<flatbuffers::String>;

//===----------------------------------------------------------------------===//
// Small things
//===----------------------------------------------------------------------===//

/// "file:line:column" of the model's source; empty where nothing is known.
static std::string describeSource(LocationAttr loc) {
  FileLineColLoc found;
  loc.walk([&](Location part) {
    found = dyn_cast<FileLineColLoc>(part);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (!found)
    return "";
  // A file's name may be any bytes.
  return runtime::printable((found.getFilename().getValue() + ":" +
                             Twine(found.getLine()) + ":" +
                             Twine(found.getColumn()))
                                .str());
}

/// Nothing where plans have no such type.
static std::optional<plan::ElementType> findElementType(Type type) {
  using Found = std::optional<plan::ElementType>;
  return TypeSwitch<Type, Found>(getElementTypeOrSelf(type))
      .Case([](Float32Type) -> Found { return plan::ElementType::F32; })
      .Case([](Float64Type) -> Found { return plan::ElementType::F64; })
      .Case([](Float16Type) -> Found { return plan::ElementType::F16; })
      .Case([](BFloat16Type) -> Found { return plan::ElementType::BF16; })
      .Case([](IntegerType integer) -> Found {
        switch (integer.getWidth()) {
        case 1:
          return plan::ElementType::Bool;
        case 8:
          return plan::ElementType::U8;
        case 32:
          return integer.isUnsigned() ? plan::ElementType::U32
                                      : plan::ElementType::I32;
        case 64:
          return plan::ElementType::I64;
        default:
          return std::nullopt;
        }
      })
      .Default([](Type) -> Found { return std::nullopt; });
}

/// -1 is the batch.
static std::vector<int64_t> shapeOf(Type type) {
  std::vector<int64_t> shape;
  for (int64_t size : cast<RankedTensorType>(type).getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return shape;
}

static plan::Extent convert(Extent extent) {
  return plan::Extent(extent.constant, extent.perBatch, extent.divisor);
}

static plan::Buffer convert(const PlannedBuffer &buffer) {
  return plan::Buffer(static_cast<plan::Region>(buffer.region), buffer.index,
                      buffer.offsetBytes, convert(buffer.sizeBytes));
}

/// The texts among `attributes`.
static std::vector<std::string> textsOf(ArrayAttr attributes) {
  std::vector<std::string> texts;
  if (attributes)
    for (auto text : attributes.getAsRange<StringAttr>())
      texts.push_back(text.str());
  return texts;
}

static std::string textOr(DictionaryAttr dictionary, StringRef name,
                          StringRef otherwise = "") {
  auto text = dictionary ? dictionary.getAs<StringAttr>(name) : StringAttr();
  return text ? text.str() : otherwise.str();
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

namespace {
class PlanWriter {
public:
  PlanWriter(ModuleOp module, const MemoryPlan &plan, const Schedule &schedule,
             const CodeImage &image, StringRef target)
      : module(module), plan(plan), schedule(schedule), image(image),
        target(target), recipe(getRecipe(module)) {}

  FailureOr<std::vector<uint8_t>> write(StringRef producer);

private:
  /// What is wrong with what is to be written; the first is enough. Nobody sees
  /// a plan with a fault in it.
  void addFault(const Twine &what) {
    if (fault.empty())
      fault = what.str();
  }
  plan::ElementType elementTypeOf(Type type);
  /// The entry of a table that other parts made, which has to be there.
  template <typename T>
  T find(const llvm::StringMap<T> &table, StringRef name, StringRef what);

  Offset<plan::Code> writeCode();
  Offset<plan::Module> writeModule(const CodeImage::Module &module);
  std::vector<Offset<plan::StateTensor>> writeState();
  Offset<flatbuffers::Vector<int64_t>> writePytorchDims(ParameterOp parameter);
  plan::WeightsOrder weightsOrder();
  Offset<flatbuffers::Vector<Offset<plan::NameTable>>> writeNameTables();
  std::vector<Offset<plan::EntryPoint>> writeEntryPoints();
  Offset<plan::EntryPoint> writeEntryPoint(const PlannedEntryPoint &entry);
  std::vector<Offset<plan::Tensor>> writeInputs(func::FuncOp function);
  std::vector<Offset<plan::Tensor>>
  writeOutputs(const PlannedEntryPoint &entry);
  Offset<void> writeCommand(const PlannedLaunch &launch);
  Offset<void> writeCommand(const PlannedMatmul &matmul);
  Offset<void> writeCommand(const PlannedCopy &copy);
  Offset<void> writeCommand(const PlannedLoop &loop);
  Offset<flatbuffers::Vector<const plan::Slot *>>
  writeSlots(ArrayRef<PlannedBuffer> buffers);
  Offset<flatbuffers::Vector<const plan::Written *>>
  writeWritten(ArrayRef<PlannedResult> results);
  Offset<plan::Recipe> writeRecipe();
  std::vector<Offset<plan::Setting>> writeSettings();
  Offset<flatbuffers::Vector<Offset<plan::TrainingStep>>> writeTrainingSteps();
  std::vector<Offset<plan::Plateau>> writePlateaus();
  Offset<plan::DataBinding> writeBinding(DictionaryAttr binding);
  Offset<plan::SampleStep> writeStep(DictionaryAttr step);

  TextOffset writeText(StringRef text) {
    return fbb.CreateString(text.data(), text.size());
  }
  template <typename Range> auto writeTexts(const Range &texts) {
    std::vector<TextOffset> offsets;
    for (const auto &text : texts)
      offsets.push_back(writeText(text));
    return fbb.CreateVector(offsets);
  }

  ModuleOp module;
  const MemoryPlan &plan;
  const Schedule &schedule;
  const CodeImage &image;
  StringRef target;
  RecipeAttr recipe;
  flatbuffers::FlatBufferBuilder fbb;
  /// Index of each phase in Code.kernels.
  llvm::StringMap<uint32_t> kernelIndex;
  std::string fault;
};

} // namespace

plan::ElementType PlanWriter::elementTypeOf(Type type) {
  if (auto found = findElementType(type))
    return *found;
  addFault("plans have no element type " +
           printElementType(getElementTypeOrSelf(type)));
  return {};
}

template <typename T>
T PlanWriter::find(const llvm::StringMap<T> &table, StringRef name,
                   StringRef what) {
  auto found = table.find(name);
  if (found != table.end())
    return found->second;
  addFault("'" + name + "' has no " + what);
  return {};
}

Offset<plan::Code> PlanWriter::writeCode() {
  std::vector<Offset<plan::Kernel>> kernels;
  for (const CodeImage::Kernel &kernel : image.kernels) {
    kernelIndex[kernel.name] = kernels.size();
    Schedule::PhaseInfo info =
        find(schedule.phaseInfos, kernel.name, "schedule");
    kernels.push_back(plan::CreateKernel(
        fbb, writeText(kernel.name), kernel.offsetBytes, writeText(info.kind),
        uint32_t(info.threads), kernel.unit,
        info.refusal.empty() ? TextOffset()
                             : writeText(runtime::printable(info.refusal))));
  }
  std::vector<Offset<plan::Module>> modules;
  for (const CodeImage::Module &module : image.modules)
    modules.push_back(writeModule(module));
  // Aligned in the file, so that a mapped plan's code could run where it lies.
  fbb.ForceVectorAlignment(image.bytes.size(), sizeof(uint8_t),
                           NNC_ALIGNMENT_BYTES);
  auto bytes = fbb.CreateVector(image.bytes);
  return plan::CreateCode(
      fbb, writeText(target), writeTexts(image.features), bytes,
      fbb.CreateVector(kernels),
      modules.empty() ? 0 : fbb.CreateVector(modules),
      image.text.empty()
          ? 0
          : writeText(runtime::printable(image.text, runtime::Lines::Several)));
}

Offset<plan::Module> PlanWriter::writeModule(const CodeImage::Module &module) {
  std::vector<plan::Resources> resources;
  for (const CodeImage::Resources &kernel : module.resources)
    resources.emplace_back(find(kernelIndex, kernel.kernel, "code"),
                           kernel.registers, kernel.stackBytes,
                           kernel.spillBytes, kernel.sharedBytes);
  return plan::CreateModule(fbb, module.unit, writeText(module.architecture),
                            fbb.CreateVector(module.bytes),
                            fbb.CreateVectorOfStructs(resources));
}

Offset<flatbuffers::Vector<int64_t>>
PlanWriter::writePytorchDims(ParameterOp parameter) {
  auto dims = parameter->getAttrOfType<DenseI64ArrayAttr>(kPytorchDimsAttr);
  return dims ? fbb.CreateVector(dims.asArrayRef().data(), dims.size()) : 0;
}

std::vector<Offset<plan::StateTensor>> PlanWriter::writeState() {
  std::vector<Offset<plan::StateTensor>> state;
  llvm::StringMap<int32_t> places;
  for (auto parameter : module.getOps<ParameterOp>())
    places.try_emplace(parameter.getSymName(), places.size());
  auto placeOf = [&](ParameterOp parameter, StringRef attribute) {
    auto other = parameter->getAttrOfType<FlatSymbolRefAttr>(attribute);
    return other ? find(places, other.getValue(), "place in the state") : -1;
  };
  for (auto parameter : module.getOps<ParameterOp>())
    state.push_back(plan::CreateStateTensor(
        fbb, writeText(parameter.getSymName()),
        static_cast<plan::Role>(parameter.getRole()),
        elementTypeOf(parameter.getType()),
        fbb.CreateVector(shapeOf(parameter.getType())),
        find(plan.stateOffsetsBytes, parameter.getSymName(),
             "place in the state"),
        parameter.isFrozen(), writePytorchDims(parameter),
        placeOf(parameter, kAppendsToAttr), placeOf(parameter, kAverageOfAttr),
        placeOf(parameter, kRoundedFromAttr)));
  return state;
}

/// Who writes channels as PyTorch does has its weights too.
plan::WeightsOrder PlanWriter::weightsOrder() {
  auto layout = dyn_cast_or_null<StringAttr>(recipe.get(kLayoutAttr));
  return layout && layout.getValue() == "nchw" ? plan::WeightsOrder::Pytorch
                                               : plan::WeightsOrder::Nnc;
}

Offset<flatbuffers::Vector<Offset<plan::NameTable>>>
PlanWriter::writeNameTables() {
  auto tables = dyn_cast_or_null<ArrayAttr>(recipe.get("weight_names"));
  if (!tables)
    return 0;
  std::vector<Offset<plan::NameTable>> written;
  for (auto table : tables.getAsRange<DictionaryAttr>())
    written.push_back(plan::CreateNameTable(
        fbb, writeText(textOr(table, "name")),
        writeTexts(textsOf(table.getAs<ArrayAttr>("lines")))));
  return fbb.CreateVector(written);
}

static std::vector<plan::Buffer> convert(ArrayRef<PlannedBuffer> buffers) {
  std::vector<plan::Buffer> converted;
  for (const PlannedBuffer &buffer : buffers)
    converted.push_back(convert(buffer));
  return converted;
}

/// Null where no buffer lies in slots.
Offset<flatbuffers::Vector<const plan::Slot *>>
PlanWriter::writeSlots(ArrayRef<PlannedBuffer> buffers) {
  std::vector<plan::Slot> slots;
  for (auto [i, buffer] : llvm::enumerate(buffers))
    if (const auto &slot = buffer.slot)
      slots.emplace_back(uint32_t(i), slot->moves, slot->first, slot->count,
                         convert(slot->stride));
  return slots.empty() ? 0 : fbb.CreateVectorOfStructs(slots);
}

Offset<flatbuffers::Vector<const plan::Written *>>
PlanWriter::writeWritten(ArrayRef<PlannedResult> results) {
  std::vector<plan::Written> written;
  for (const PlannedResult &result : results)
    written.emplace_back(result.buffer, elementTypeOf(result.elementType));
  return written.empty() ? 0 : fbb.CreateVectorOfStructs(written);
}

Offset<void> PlanWriter::writeCommand(const PlannedLaunch &launch) {
  plan::Extent extent = convert(launch.extent);
  plan::Extent flop = convert(launch.flop);
  plan::Extent traffic = convert(launch.trafficBytes);
  std::string source = describeSource(launch.loc);
  std::string op = runtime::printable(originOf(launch.loc));
  auto slots = writeSlots(launch.buffers);
  auto written = writeWritten(launch.written);
  return plan::CreateLaunch(fbb, find(kernelIndex, launch.phase, "code"),
                            fbb.CreateVectorOfStructs(convert(launch.buffers)),
                            &extent, launch.grain, &flop, &traffic,
                            source.empty() ? TextOffset() : writeText(source),
                            slots, launch.isAgain, written,
                            op.empty() ? TextOffset() : writeText(op))
      .Union();
}

static plan::MatrixLayout convert(const MatrixLayout &layout) {
  return plan::MatrixLayout(layout.transposed, convert(layout.leading),
                            convert(layout.stride));
}

Offset<void> PlanWriter::writeCommand(const PlannedMatmul &matmul) {
  const MatmulCall &call = matmul.call;
  plan::Extent count = convert(call.count), m = convert(call.m),
               n = convert(call.n), k = convert(call.k),
               flop = convert(matmul.flop),
               traffic = convert(matmul.trafficBytes);
  plan::MatrixLayout a = convert(call.a), b = convert(call.b),
                     d = convert(call.d);
  std::string source = describeSource(matmul.loc);
  auto slots = writeSlots(matmul.buffers);
  return plan::CreateMatmul(
             fbb, writeText(matmul.name),
             fbb.CreateVectorOfStructs(convert(matmul.buffers)), &count, &m, &n,
             &k, &a, &b, &d, elementTypeOf(call.operandType),
             elementTypeOf(call.resultType), call.allowTf32,
             static_cast<plan::Epilogue>(call.epilogue), &flop, &traffic,
             source.empty() ? TextOffset() : writeText(source), slots,
             matmul.isAgain)
      .Union();
}

Offset<void> PlanWriter::writeCommand(const PlannedCopy &copy) {
  plan::Buffer from = convert(copy.from), to = convert(copy.to);
  auto slots = writeSlots({copy.from, copy.to});
  return plan::CreateCopy(fbb, &from, &to, slots).Union();
}

Offset<void> PlanWriter::writeCommand(const PlannedLoop &loop) {
  std::string source = describeSource(loop.loc);
  return plan::CreateLoop(fbb, loop.steps, uint32_t(loop.length), loop.reverse,
                          loop.rows, loop.grain,
                          source.empty() ? TextOffset() : writeText(source))
      .Union();
}

std::vector<Offset<plan::Tensor>>
PlanWriter::writeInputs(func::FuncOp function) {
  std::vector<Offset<plan::Tensor>> inputs;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto attributes = function.getArgAttrDict(i);
    auto limit = attributes ? attributes.getAs<IntegerAttr>(kIndexLimitAttr)
                            : IntegerAttr();
    std::string name =
        textOr(attributes, kNameAttr, "input" + std::to_string(i));
    inputs.push_back(plan::CreateTensor(
        fbb, writeText(name), elementTypeOf(type),
        fbb.CreateVector(shapeOf(type)), limit ? limit.getInt() : 0));
  }
  return inputs;
}

static plan::Better betterOf(DictionaryAttr attributes) {
  std::string better = textOr(attributes, kBetterAttr);
  if (better.empty())
    return plan::Better::Unknown;
  return better == "smaller" ? plan::Better::Smaller : plan::Better::Larger;
}

std::vector<Offset<plan::Tensor>>
PlanWriter::writeOutputs(const PlannedEntryPoint &entry) {
  std::vector<Offset<plan::Tensor>> outputs;
  func::FuncOp function = entry.function;
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    DictionaryAttr attributes = function.getResultAttrDict(i);
    plan::Buffer buffer = convert(entry.outputs[i]);
    std::string name =
        textOr(attributes, kNameAttr, "output" + std::to_string(i));
    std::string labels = textOr(attributes, kClassesOfAttr);
    outputs.push_back(plan::CreateTensor(
        fbb, writeText(name), elementTypeOf(type),
        fbb.CreateVector(shapeOf(type)), /*index_limit=*/0, &buffer,
        writeText(textOr(attributes, kResultAttr, kOutputKind)),
        betterOf(attributes),
        labels.empty() ? TextOffset() : writeText(labels)));
  }
  return outputs;
}

Offset<plan::EntryPoint>
PlanWriter::writeEntryPoint(const PlannedEntryPoint &entry) {
  // In the order of PlannedCommand's alternatives.
  static constexpr plan::Command commandTypes[] = {
      plan::Command::Launch, plan::Command::Matmul, plan::Command::Copy,
      plan::Command::Loop};
  std::vector<plan::Command> types;
  std::vector<Offset<void>> commands;
  for (const PlannedCommand &command : entry.commands) {
    types.push_back(commandTypes[command.index()]);
    commands.push_back(std::visit(
        [&](const auto &known) { return writeCommand(known); }, command));
  }
  func::FuncOp function = entry.function;
  auto context = function->getAttrOfType<IntegerAttr>(kContextAttr);
  auto whole = function->getAttrOfType<StringAttr>(kShortOfAttr);
  return plan::CreateEntryPoint(
      fbb, writeText(function.getName()),
      fbb.CreateVector(writeInputs(function)),
      fbb.CreateVector(writeOutputs(entry)), fbb.CreateVector(types),
      fbb.CreateVector(commands), entry.arenaBytes, entry.scratchBytes,
      context ? context.getInt() : 0, whole ? writeText(whole) : TextOffset());
}

std::vector<Offset<plan::EntryPoint>> PlanWriter::writeEntryPoints() {
  std::vector<Offset<plan::EntryPoint>> entryPoints;
  for (const PlannedEntryPoint &entry : plan.entryPoints)
    entryPoints.push_back(writeEntryPoint(entry));
  return entryPoints;
}

/// The names and the texts of a reader's or a step's arguments.
static std::pair<std::vector<std::string>, std::vector<std::string>>
argumentsOf(DictionaryAttr call) {
  std::vector<std::string> names, values;
  auto arguments = call.getAs<DictionaryAttr>("arguments");
  for (NamedAttribute argument : arguments) {
    names.push_back(argument.getName().str());
    values.push_back(textOr(arguments, argument.getName()));
  }
  return {names, values};
}

static std::string sourceOf(DictionaryAttr call) {
  auto loc = call.getAs<LocationAttr>("loc");
  return loc ? describeSource(loc) : "";
}

Offset<plan::DataBinding> PlanWriter::writeBinding(DictionaryAttr binding) {
  auto [names, values] = argumentsOf(binding);
  return plan::CreateDataBinding(
      fbb, writeText(textOr(binding, "split")),
      writeTexts(textsOf(binding.getAs<ArrayAttr>("inputs"))),
      writeText(textOr(binding, "reader")), writeTexts(names),
      writeTexts(values), writeText(sourceOf(binding)));
}

Offset<plan::SampleStep> PlanWriter::writeStep(DictionaryAttr step) {
  auto [names, values] = argumentsOf(step);
  return plan::CreateSampleStep(
      fbb, writeText(textOr(step, "input")), writeText(textOr(step, "step")),
      writeTexts(names), writeTexts(values), writeText(sourceOf(step)));
}

/// Numbers and texts that have no field of the schema.
std::vector<Offset<plan::Setting>> PlanWriter::writeSettings() {
  static constexpr StringRef kFields[] = {"batch", "epochs", "validation",
                                          "seed", "model"};
  std::vector<Offset<plan::Setting>> settings;
  for (NamedAttribute setting : recipe.getSettings()) {
    StringRef name = setting.getName();
    SettingKind kind = lookupSetting(name)->kind;
    if (llvm::is_contained(kFields, name))
      continue;
    if (kind == SettingKind::Integer)
      settings.push_back(
          plan::CreateSetting(fbb, writeText(name), *recipe.getInteger(name)));
    else if (kind == SettingKind::Real)
      settings.push_back(plan::CreateSetting(
          fbb, writeText(name), /*integer=*/0, *recipe.getNumber(name)));
    else if (kind == SettingKind::Text)
      settings.push_back(plan::CreateSetting(
          fbb, writeText(name), /*integer=*/0, /*real=*/0,
          writeText(cast<StringAttr>(setting.getValue()).getValue())));
  }
  return settings;
}

/// Null where there is one step alone, which has no name of its own.
Offset<flatbuffers::Vector<Offset<plan::TrainingStep>>>
PlanWriter::writeTrainingSteps() {
  SmallVector<OrderedStep> order = recipe.getOrder();
  if (order.empty())
    return 0;
  std::vector<Offset<plan::TrainingStep>> written;
  for (const OrderedStep &turn : order)
    written.push_back(
        plan::CreateTrainingStep(fbb, writeText(turn.step), turn.times));
  return fbb.CreateVector(written);
}

/// The rates that whoever runs the epochs makes smaller.
std::vector<Offset<plan::Plateau>> PlanWriter::writePlateaus() {
  MLIRContext *context = module.getContext();
  const Signature &signature = PlateauOp::getSignature();
  std::vector<Offset<plan::Plateau>> plateaus;
  for (const RecipeUpdate &update : recipe.getUpdates()) {
    std::optional<LearningRate> rate =
        RecipeAttr::get(context, update.settings).getLearningRate();
    if (!rate || !rate->schedule || rate->schedule->name != signature.name)
      continue;
    NamedAttrList attributes(signature.defaults(
        OperationName(PlateauOp::getOperationName(), context)));
    for (NamedAttribute given : rate->schedule->attributes)
      attributes.set(given.getName(), given.getValue());
    auto number = [&](StringRef name) {
      return *toNumber(attributes.get(name));
    };
    auto metric = dyn_cast_or_null<StringAttr>(attributes.get("metric"));
    plateaus.push_back(plan::CreatePlateau(
        fbb, writeText(rateNameOf(update)),
        metric ? writeText(metric) : TextOffset(), number("factor"),
        int64_t(number("patience")), number("least_change"), number("final")));
  }
  return plateaus;
}

Offset<plan::Recipe> PlanWriter::writeRecipe() {
  std::vector<Offset<plan::DataBinding>> data;
  if (auto bindings = cast_or_null<ArrayAttr>(recipe.get("data")))
    for (auto binding : bindings.getAsRange<DictionaryAttr>())
      data.push_back(writeBinding(binding));
  std::vector<Offset<plan::SampleStep>> steps;
  if (auto list = cast_or_null<ArrayAttr>(recipe.get("sample_steps")))
    for (auto step : list.getAsRange<DictionaryAttr>())
      steps.push_back(writeStep(step));
  std::vector<Offset<plan::Setting>> settings = writeSettings();
  auto settingVector = settings.empty() ? 0 : fbb.CreateVector(settings);
  auto stepVector = steps.empty() ? 0 : fbb.CreateVector(steps);
  auto trainingSteps = writeTrainingSteps();
  std::vector<Offset<plan::Plateau>> plateaus = writePlateaus();
  auto plateauVector = plateaus.empty() ? 0 : fbb.CreateVector(plateaus);
  return plan::CreateRecipe(
      fbb, recipe.getInteger("batch").value_or(32),
      recipe.getInteger("epochs").value_or(1),
      recipe.getNumber("validation").value_or(0), fbb.CreateVector(data),
      recipe.getInteger("seed").value_or(0), settingVector, stepVector,
      trainingSteps, plateauVector);
}

/// The first version whose runtimes run it.
static uint32_t versionOf(ModuleOp module, const MemoryPlan &plan) {
  for (auto parameter : module.getOps<ParameterOp>())
    if (parameter->hasAttr(kRoundedFromAttr))
      return 3;
  for (const PlannedEntryPoint &entry : plan.entryPoints)
    for (const PlannedCommand &command : entry.commands)
      if (std::holds_alternative<PlannedLoop>(command))
        return 2;
  return 1;
}

FailureOr<std::vector<uint8_t>> PlanWriter::write(StringRef producer) {
  std::string name = textOr(recipe.getSettings(), "model", "model");
  auto code = writeCode();
  auto entryPoints = fbb.CreateVector(writeEntryPoints());
  auto state = fbb.CreateVector(writeState());
  fbb.ForceVectorAlignment(plan.constants.size(), sizeof(uint8_t),
                           NNC_ALIGNMENT_BYTES);
  auto constants = fbb.CreateVector(plan.constants);
  auto recipe = writeRecipe();
  auto nameTables = writeNameTables();
  fbb.Finish(plan::CreatePlan(fbb, versionOf(module, plan), writeText(producer),
                              writeText(name), plan.maxBatch, code, entryPoints,
                              state, plan.stateBytes, constants, recipe,
                              weightsOrder(), nameTables),
             plan::PlanIdentifier());
  if (!fault.empty())
    return module.emitError("a fault of the compiler: ") << fault;
  return std::vector<uint8_t>(fbb.GetBufferPointer(),
                              fbb.GetBufferPointer() + fbb.GetSize());
}

FailureOr<std::vector<uint8_t>>
nnc::writePlan(ModuleOp module, const MemoryPlan &plan,
               const Schedule &schedule, const CodeImage &image,
               StringRef target, StringRef producer) {
  return PlanWriter(module, plan, schedule, image, target).write(producer);
}
