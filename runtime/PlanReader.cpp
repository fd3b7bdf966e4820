#include "runtime/PlanReader.h"

#include "runtime/abi.h"

#include <algorithm>
#include <set>

namespace nnc::runtime {

static constexpr uint32_t supportedVersion = 1;

Status PlanReader::read() {
  constexpr size_t headerBytes = 8;
  if (sizeBytes < headerBytes || !plan::PlanBufferHasIdentifier(data))
    return {Code::InvalidFile,
            "not a plan: the identifier 'NNCP' is not at byte 4"};
  // FlatBuffers' own limit: its offsets are 31 bits.
  if (sizeBytes >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return {Code::InvalidFile, "damaged plan: larger than 2 GiB"};
  flatbuffers::Verifier verifier(data, sizeBytes);
  if (!plan::VerifyPlanBuffer(verifier))
    return {Code::InvalidFile,
            concat("damaged plan: truncated or altered; ", sizeBytes,
                   " bytes do not hold what its tables refer to")};
  const plan::Plan &from = *plan::GetPlan(data);
  if (from.version() != supportedVersion)
    return {Code::Unsupported,
            concat("the plan is of version ", from.version(),
                   ", this runtime reads version ", supportedVersion,
                   "; compile the model again")};
  if (!readContents(from))
    return {Code::InvalidFile, "damaged plan: " + problem};
  return {};
}

bool PlanReader::readContents(const plan::Plan &from) {
  result.producer = text(from.producer());
  result.model = text(from.model());
  result.maxBatch = from.max_batch();
  if (result.maxBatch < 1 || result.maxBatch > largestBatch)
    return fail("max_batch is ", result.maxBatch, ", expected 1 to ",
                largestBatch);
  result.stateBytes = from.state_bytes();
  if (result.stateBytes < 0 || result.stateBytes > largestBytes)
    return fail("state_bytes is ", result.stateBytes, ", expected 0 to ",
                largestBytes);
  result.constants = {from.constants()->Data(), from.constants()->size()};
  return readCode(*from.code()) && readState(from) && readEntryPoints(from) &&
         (!from.recipe() || readRecipe(*from.recipe())) && checkTotal();
}

bool PlanReader::readCode(const plan::Code &from) {
  MachineCode &code = result.code;
  code.target = text(from.target());
  for (const flatbuffers::String *feature : *from.features())
    code.features.push_back(text(feature));
  code.image = {from.image()->Data(), from.image()->size()};
  std::set<std::string> names;
  for (const plan::Kernel *kernel : *from.kernels()) {
    where = concat("kernel ", quote(text(kernel->name())));
    code.kernels.push_back({text(kernel->name()), kernel->offset_bytes(),
                            text(kernel->kind()), kernel->threads(),
                            kernel->unit()});
    if (!names.insert(text(kernel->name())).second)
      return fail("two kernels have this name");
    if (!checkKernel(code.kernels.back(), from))
      return false;
  }
  if (from.modules())
    for (const plan::Module *module : *from.modules())
      if (!readModule(*module))
        return false;
  if (from.text())
    code.text = text(from.text());
  where.clear();
  return true;
}

bool PlanReader::readModule(const plan::Module &from) {
  where = concat("module ", quote(text(from.architecture())));
  CodeModule &module = result.code.modules.emplace_back();
  module.unit = from.unit();
  module.architecture = text(from.architecture());
  module.image = {from.image()->Data(), from.image()->size()};
  if (!from.resources())
    return true;
  for (const plan::Resources *kernel : *from.resources()) {
    if (kernel->kernel() >= result.code.kernels.size())
      return fail("reports on kernel ", kernel->kernel(), " of ",
                  result.code.kernels.size());
    module.resources.push_back({kernel->kernel(), kernel->registers(),
                                kernel->stack_bytes(), kernel->spill_bytes(),
                                kernel->shared_bytes()});
  }
  return true;
}

/// A kernel of a CPU starts in the image; one of a GPU is found by its name, in
/// a module or in the simulator's image.
bool PlanReader::checkKernel(const Kernel &kernel, const plan::Code &code) {
  constexpr int64_t mostThreads = 1024;
  if (kernel.threads > mostThreads)
    return fail("has ", kernel.threads, " threads a block, expected 0 to ",
                mostThreads);
  const bool isCpu = result.code.target == "cpu";
  if (isCpu && kernel.threads != 0)
    return fail("has ", kernel.threads, " threads a block, and is a CPU's");
  if (kernel.threads == 0)
    return (kernel.offsetBytes >= 0 &&
            kernel.offsetBytes < result.code.image.sizeBytes) ||
           fail("starts at byte ", kernel.offsetBytes, " of a code image of ",
                result.code.image.sizeBytes, " bytes");
  if (result.code.image.sizeBytes > 0)
    return true;
  bool isFound = false;
  if (code.modules())
    for (const plan::Module *module : *code.modules())
      isFound |= module->unit() == kernel.unit;
  return isFound || fail("is in unit ", kernel.unit,
                         ", of which there is no "
                         "code");
}

bool PlanReader::readState(const plan::Plan &from) {
  std::set<std::string> names;
  for (const plan::StateTensor *tensor : *from.state()) {
    where = concat("state tensor ", quote(text(tensor->name())));
    StateTensor &to = result.state.emplace_back();
    if (!readRole(*tensor, to))
      return false;
    if (!names.insert(to.name).second)
      return fail("two state tensors have this name");
  }
  where.clear();
  return checkStateOverlap() && checkScalar("seed", ElementType::I64) &&
         checkScalar("step", ElementType::I64) && checkLearningRate();
}

bool PlanReader::readRole(const plan::StateTensor &from, StateTensor &to) {
  to.name = text(from.name());
  to.offsetBytes = from.offset_bytes();
  if (from.role() < plan::Role::MIN || from.role() > plan::Role::MAX)
    return fail("unknown role ", static_cast<int>(from.role()));
  to.role = static_cast<Role>(from.role());
  if (!readElementType(from.element_type(), to.elementType) ||
      !readShape(from.shape(), to.shape))
    return false;
  if (std::count(to.shape.begin(), to.shape.end(), -1))
    return fail("its shape has the batch in it");
  if (to.offsetBytes < 0 || to.offsetBytes % NNC_ALIGNMENT_BYTES != 0)
    return fail("offset ", to.offsetBytes, " is not a multiple of ",
                NNC_ALIGNMENT_BYTES);
  if (to.offsetBytes > result.stateBytes ||
      to.sizeBytes() > result.stateBytes - to.offsetBytes)
    return fail(to.sizeBytes(), " bytes at offset ", to.offsetBytes,
                " do not fit the state region of ", result.stateBytes,
                " bytes");
  return true;
}

bool PlanReader::checkStateOverlap() {
  std::vector<const StateTensor *> byOffset;
  for (const StateTensor &tensor : result.state)
    if (tensor.sizeBytes() > 0)
      byOffset.push_back(&tensor);
  std::sort(byOffset.begin(), byOffset.end(),
            [](auto *a, auto *b) { return a->offsetBytes < b->offsetBytes; });
  for (size_t i = 1; i < byOffset.size(); ++i) {
    const StateTensor &before = *byOffset[i - 1], &after = *byOffset[i];
    if (before.offsetBytes + before.sizeBytes() > after.offsetBytes)
      return fail("state tensors ", quote(before.name), " and ",
                  quote(after.name), " overlap");
  }
  return true;
}

// A session sets and reads these itself.
bool PlanReader::checkScalar(const char *name, ElementType type) {
  const StateTensor *tensor = result.findState(name);
  if (!tensor || (tensor->elementType == type && tensor->shape.empty()))
    return true;
  return fail("state tensor '", name, "' is ",
              describe(tensor->elementType, tensor->shape), ", expected ",
              describe(type, {}));
}

/// f32, or f64 in a plan that computes in it.
bool PlanReader::checkLearningRate() {
  const StateTensor *tensor = result.findState("learning_rate");
  bool isDouble = tensor && tensor->elementType == ElementType::F64;
  return checkScalar("learning_rate",
                     isDouble ? ElementType::F64 : ElementType::F32);
}

bool PlanReader::readEntryPoints(const plan::Plan &from) {
  std::set<std::string> names;
  // References into it are kept in `entry`.
  result.entryPoints.resize(from.entry_points()->size());
  for (size_t i = 0; i < result.entryPoints.size(); ++i) {
    const plan::EntryPoint &source = *from.entry_points()->Get(i);
    entry = &result.entryPoints[i];
    where = concat("entry point ", quote(text(source.name())));
    if (!readEntryPoint(source, *entry))
      return false;
    if (!names.insert(entry->name).second)
      return fail("two entry points have this name");
  }
  where.clear();
  return true;
}

bool PlanReader::readEntryPoint(const plan::EntryPoint &from, EntryPoint &to) {
  to.name = text(from.name());
  to.arenaBytes = from.arena_bytes();
  to.scratchBytes = from.scratch_bytes();
  if (to.arenaBytes < 0 || to.arenaBytes > largestBytes)
    return fail("arena_bytes is ", to.arenaBytes, ", expected 0 to ",
                largestBytes);
  if (to.scratchBytes < 0 || to.scratchBytes > largestBytes)
    return fail("scratch_bytes is ", to.scratchBytes, ", expected 0 to ",
                largestBytes);
  std::string entryName = where;
  std::set<std::string> inputNames, outputNames;
  for (const plan::Tensor *tensor : *from.inputs()) {
    where = concat(entryName, ", input ", quote(text(tensor->name())));
    if (!readInput(*tensor, to.inputs.emplace_back()))
      return false;
    if (!inputNames.insert(to.inputs.back().name).second)
      return fail("two inputs have this name");
  }
  for (const plan::Tensor *tensor : *from.outputs()) {
    where = concat(entryName, ", output ", quote(text(tensor->name())));
    if (!readOutput(*tensor, to.outputs.emplace_back()))
      return false;
    if (!outputNames.insert(to.outputs.back().name).second)
      return fail("two outputs have this name");
  }
  where = entryName;
  return readCommands(from);
}

bool PlanReader::readTensor(const plan::Tensor &from, TensorInfo &to) {
  to.name = text(from.name());
  return readElementType(from.element_type(), to.elementType) &&
         readShape(from.shape(), to.shape);
}

bool PlanReader::readInput(const plan::Tensor &from, TensorInfo &to) {
  if (!readTensor(from, to))
    return false;
  to.indexLimit = from.index_limit();
  if (to.indexLimit < 0)
    return fail("index_limit is ", to.indexLimit, ", expected 0 or more");
  if (to.indexLimit > 0 && !isInteger(to.elementType))
    return fail("has an index_limit, but is of type ", name(to.elementType));
  return true;
}

bool PlanReader::readOutput(const plan::Tensor &from, TensorInfo &to) {
  if (!readTensor(from, to))
    return false;
  to.kind = text(from.kind());
  static const char *const kinds[] = {"loss",   "metric",   "confusion",
                                      "output", "gradient", "input_gradient"};
  if (std::find(std::begin(kinds), std::end(kinds), to.kind) == std::end(kinds))
    return fail("unknown kind ", quote(to.kind));
  bool isScalar = to.kind == "loss" || to.kind == "metric";
  if (isScalar && !to.shape.empty())
    return fail("a ", to.kind, " must be a scalar, found ",
                describe(to.elementType, to.shape));
  if (!from.buffer())
    return fail("has no buffer");
  if (!readBuffer(*from.buffer(), to.buffer))
    return false;
  // Both are affine in the batch, so that the ends stand for all between.
  for (int64_t batch : {int64_t(1), result.maxBatch})
    if (to.sizeBytes(batch) > to.buffer.sizeBytes.at(batch))
      return fail(to.sizeBytes(batch), " bytes at batch ", batch,
                  " do not fit its buffer of ", to.buffer.sizeBytes.at(batch));
  return true;
}

bool PlanReader::readShape(const flatbuffers::Vector<int64_t> *from,
                           Shape &to) {
  if (!isAligned(from))
    return fail("its shape is not aligned");
  to.assign(from->begin(), from->end());
  for (int64_t size : to)
    if (size < -1)
      return fail("a dimension is ", size);
  if (std::count(to.begin(), to.end(), -1) > 1)
    return fail("more than one dimension is the batch");
  // Without its zeros, so that no partial product can overflow later either.
  Shape factors;
  std::copy_if(to.begin(), to.end(), std::back_inserter(factors),
               [](int64_t size) { return size != 0; });
  std::optional<int64_t> elements =
      runtime::numElements(factors, result.maxBatch);
  constexpr int64_t largestElementBytes = 8;
  if (!elements || *elements > largestBytes / largestElementBytes)
    return fail("more elements than any memory holds");
  return true;
}

bool PlanReader::readElementType(plan::ElementType from, ElementType &to) {
  if (from < plan::ElementType::MIN || from > plan::ElementType::MAX)
    return fail("unknown element type ", static_cast<int>(from));
  to = static_cast<ElementType>(from);
  return true;
}

bool PlanReader::readRecipe(const plan::Recipe &from) {
  Recipe &to = result.recipe;
  where = "recipe";
  to.batch = from.batch();
  to.epochs = from.epochs();
  to.validation = from.validation();
  to.seed = from.seed();
  if (to.batch < 1)
    return fail("batch is ", to.batch, ", expected 1 or more");
  if (to.epochs < 0)
    return fail("epochs is ", to.epochs, ", expected 0 or more");
  // Written so that a NaN fails too.
  if (!(to.validation >= 0 && to.validation < 1))
    return fail("validation is ", to.validation,
                ", expected from 0 to below 1");
  if (from.data())
    for (const plan::DataBinding *binding : *from.data())
      if (!readDataBinding(*binding, to.data.emplace_back()))
        return false;
  where.clear();
  return true;
}

bool PlanReader::readDataBinding(const plan::DataBinding &from,
                                 DataBinding &to) {
  to.split = text(from.split());
  to.reader = text(from.reader());
  to.source = text(from.source());
  for (const flatbuffers::String *input : *from.inputs())
    to.inputs.push_back(text(input));
  size_t numArguments = from.argument_names()->size();
  if (from.argument_values()->size() != numArguments)
    return fail("a data binding has ", numArguments, " argument names and ",
                from.argument_values()->size(), " values");
  for (size_t i = 0; i < numArguments; ++i)
    to.arguments.emplace_back(text(from.argument_names()->Get(i)),
                              text(from.argument_values()->Get(i)));
  return true;
}

// Each is bounded, so that the sum for any number of threads is, too.
bool PlanReader::checkTotal() {
  constexpr int mostThreads = 1 << 12;
  return result.plannedBytes(mostThreads) >= 0 ||
         fail("needs more memory than there can be");
}

} // namespace nnc::runtime
