// State, entry points and buffers of a plan; commands are in
// PlanReaderCommands.cpp.
#include "runtime/PlanReader.h"
#include "runtime/MetricScores.h"
#include "runtime/MetricSums.h"

#include "runtime/abi.h"

#include <algorithm>

namespace nnc::runtime {

static constexpr uint32_t oldestVersion = 1, newestVersion = 3;

Status PlanReader::checkStart(const uint8_t *start, size_t sizeBytes) {
  if (sizeBytes < startBytes || !plan::PlanBufferHasIdentifier(start))
    return {Code::InvalidFile,
            "not a plan: the identifier 'NNCP' is not at byte 4"};
  // FlatBuffers' own limit: its offsets are 31 bits.
  if (sizeBytes >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return {Code::InvalidFile, "damaged plan: larger than 2 GiB"};
  return {};
}

Status PlanReader::read() {
  Status start = checkStart(data, sizeBytes);
  if (!start.isOk())
    return start;
  flatbuffers::Verifier verifier(data, sizeBytes);
  if (!plan::VerifyPlanBuffer(verifier))
    return {Code::InvalidFile,
            concat("damaged plan: truncated or altered; ", sizeBytes,
                   " bytes do not hold what its tables refer to")};
  const plan::Plan &from = *plan::GetPlan(data);
  if (from.version() < oldestVersion || from.version() > newestVersion)
    return {Code::Unsupported,
            concat("the plan is of version ", from.version(),
                   ", this runtime reads versions ", oldestVersion, " to ",
                   newestVersion, "; compile the model again")};
  if (!readContents(from))
    return {Code::InvalidFile, "damaged plan: " + problem};
  return {};
}

// Offsets may share what they refer to, a thousand of them one string of a
// megabyte: what is made of it would be a thousand times the file. Nothing that
// a compiler writes is shared, so all of it fits into the file.
bool PlanReader::take(size_t count, size_t bytesEach) {
  // Each is below 2^31.
  if (count * bytesEach > unread)
    return fail("refers to some of its ", sizeBytes, " bytes more than once");
  unread -= count * bytesEach;
  return true;
}

/// Absent: empty.
bool PlanReader::readText(const flatbuffers::String *from, std::string &to,
                          Lines lines) {
  if (!from)
    return true;
  if (!take(from->size(), 1))
    return false;
  if (const char *wrong = problemOfText(from->string_view(), lines))
    return fail("the text ", quoted(from), " ", wrong);
  to = from->str();
  return true;
}

bool PlanReader::readTexts(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> &from,
    std::vector<std::string> &to, Lines lines) {
  if (!take(from.size(), 4))
    return false;
  for (const flatbuffers::String *text : from)
    if (!readText(text, to.emplace_back(), lines))
      return false;
  return true;
}

bool PlanReader::readName(const flatbuffers::String *from, std::string &to) {
  if (!readText(from, to))
    return false;
  const char *wrong = problemOfName(to);
  return !wrong || fail("its name ", wrong);
}

bool PlanReader::readContents(const plan::Plan &from) {
  result.maxBatch = from.max_batch();
  if (result.maxBatch < 1 || result.maxBatch > largestBatch)
    return fail("max_batch is ", result.maxBatch, ", expected 1 to ",
                largestBatch);
  result.stateBytes = from.state_bytes();
  if (result.stateBytes < 0 || result.stateBytes > largestBytes)
    return fail("state_bytes is ", result.stateBytes, ", expected 0 to ",
                largestBytes);
  result.constants = {from.constants()->Data(), from.constants()->size()};
  return readText(from.producer(), result.producer) &&
         readName(from.model(), result.model) && readCode(*from.code()) &&
         readWeightsOrder(from) && readState(from) && readEntryPoints(from) &&
         (!from.recipe() || readRecipe(*from.recipe())) &&
         readTrainingSteps(from.recipe() ? from.recipe()->steps() : nullptr) &&
         readNameTables(from) && checkTotal();
}

bool PlanReader::readCode(const plan::Code &from) {
  MachineCode &code = result.code;
  code.image = {from.image()->Data(), from.image()->size()};
  if (!readText(from.target(), code.target) ||
      !readTexts(*from.features(), code.features) ||
      !takeTables(from.kernels()) || !takeTables(from.modules()))
    return false;
  std::set<std::string> names;
  std::set<uint32_t> units;
  if (from.modules())
    for (const plan::Module *module : *from.modules())
      units.insert(module->unit());
  for (const plan::Kernel *kernel : *from.kernels()) {
    where = concat("kernel ", quoted(kernel->name()));
    Kernel &to = code.kernels.emplace_back();
    if (!readKernel(*kernel, to) || !checkKernel(to, units))
      return false;
    if (!names.insert(to.name).second)
      return fail("two kernels have this name");
  }
  if (from.modules())
    for (const plan::Module *module : *from.modules())
      if (!readModule(*module))
        return false;
  where.clear();
  return readText(from.text(), code.text, Lines::Several);
}

bool PlanReader::readKernel(const plan::Kernel &from, Kernel &to) {
  to.offsetBytes = from.offset_bytes();
  to.threads = from.threads();
  to.unit = from.unit();
  return readName(from.name(), to.name) && readText(from.kind(), to.kind) &&
         readText(from.refusal(), to.refusal);
}

bool PlanReader::readModule(const plan::Module &from) {
  where = concat("module ", quoted(from.architecture()));
  CodeModule &module = result.code.modules.emplace_back();
  module.unit = from.unit();
  module.image = {from.image()->Data(), from.image()->size()};
  if (!readText(from.architecture(), module.architecture))
    return false;
  if (!from.resources())
    return true;
  if (!take(from.resources()->size(), sizeof(plan::Resources)))
    return false;
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
bool PlanReader::checkKernel(const Kernel &kernel,
                             const std::set<uint32_t> &units) {
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
  return units.count(kernel.unit) ||
         fail("is in unit ", kernel.unit, ", of which there is no code");
}

bool PlanReader::readState(const plan::Plan &from) {
  if (!takeTables(from.state()))
    return false;
  std::set<std::string> names;
  for (const plan::StateTensor *tensor : *from.state()) {
    where = concat("state tensor ", quoted(tensor->name()));
    StateTensor &to = result.state.emplace_back();
    if (!readRole(*tensor, to))
      return false;
    if (!names.insert(to.name).second)
      return fail("two state tensors have this name");
    if (const char *wrong = problemOfStateName(to.name))
      return fail("its name ", wrong);
  }
  where.clear();
  return checkStateOverlap() && checkAppending() && checkAverages() &&
         checkCopies() && checkScalar("seed", ElementType::I64) &&
         checkScalar("step", ElementType::I64) &&
         checkScalar(firstSampleName, ElementType::I64) && checkLearningRate();
}

bool PlanReader::readRole(const plan::StateTensor &from, StateTensor &to) {
  if (!readName(from.name(), to.name))
    return false;
  to.offsetBytes = from.offset_bytes();
  if (from.role() < plan::Role::MIN || from.role() > plan::Role::MAX)
    return fail("unknown role ", static_cast<int>(from.role()));
  to.role = static_cast<Role>(from.role());
  to.frozen = from.frozen();
  to.appendsTo = from.appends_to();
  to.averageOf = from.average_of();
  to.roundedFrom = from.rounded_from();
  if (!readElementType(from.element_type(), to.elementType) ||
      !readShape(from.shape(), to.shape))
    return false;
  if (std::count(to.shape.begin(), to.shape.end(), -1))
    return fail("its shape has the batch in it");
  if (!readPytorchDims(from.pytorch_dims(), to))
    return false;
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

bool PlanReader::readPytorchDims(const flatbuffers::Vector<int64_t> *from,
                                 StateTensor &to) {
  if (!from || from->size() == 0)
    return true;
  if (!isAligned(from))
    return fail("its pytorch_dims are not aligned");
  if (!take(from->size(), sizeof(int64_t)))
    return false;
  if (to.role != Role::Parameter && to.role != Role::Buffer)
    return fail("has pytorch_dims, but is no weight");
  to.pytorchDims.assign(from->begin(), from->end());
  std::vector<int64_t> sorted = to.pytorchDims;
  std::sort(sorted.begin(), sorted.end());
  bool isPermutation = sorted.size() == to.shape.size();
  for (size_t i = 0; isPermutation && i < sorted.size(); ++i)
    isPermutation = sorted[i] == static_cast<int64_t>(i);
  return isPermutation || fail("its pytorch_dims are not each of its ",
                               to.shape.size(), " dimensions once");
}

bool PlanReader::readWeightsOrder(const plan::Plan &from) {
  if (from.weights_order() < plan::WeightsOrder::MIN ||
      from.weights_order() > plan::WeightsOrder::MAX)
    return fail("unknown weights_order ",
                static_cast<int>(from.weights_order()));
  result.weightsOrder = static_cast<WeightsOrder>(from.weights_order());
  return true;
}

bool PlanReader::readNameTables(const plan::Plan &from) {
  if (!from.name_tables())
    return true;
  if (from.name_tables()->size() > mostNameTables)
    return fail("has ", from.name_tables()->size(),
                " tables of names, expected at most ", mostNameTables);
  if (!takeTables(from.name_tables()))
    return false;
  std::set<std::string> names;
  for (const plan::NameTable *table : *from.name_tables()) {
    where = concat("table of names ", quoted(table->name()));
    NameTable &to = result.nameTables.emplace_back();
    if (!readNameTable(*table, to))
      return false;
    if (!names.insert(to.name).second)
      return fail("two tables of names have this name");
  }
  where.clear();
  return true;
}

bool PlanReader::readNameTable(const plan::NameTable &from, NameTable &to) {
  if (!readName(from.name(), to.name))
    return false;
  if (from.lines()->size() > mostNameLines)
    return fail("has ", from.lines()->size(), " lines, expected at most ",
                mostNameLines);
  std::vector<std::string> lines;
  if (!readTexts(*from.lines(), lines))
    return false;
  for (const std::string &text : lines)
    if (std::string problem = readNameLine(text, to.lines.emplace_back());
        !problem.empty())
      return fail("line ", quote(text), ": ", problem);
  return true;
}

/// What is appended is one place of dimension 1 of what it is appended to.
bool PlanReader::checkAppending() {
  const int64_t count = result.state.size();
  for (const StateTensor &tensor : result.state) {
    if (tensor.appendsTo == -1)
      continue;
    if (tensor.appendsTo < -1 || tensor.appendsTo >= count)
      return fail("state tensor ", quote(tensor.name), " appends to number ",
                  tensor.appendsTo, " of ", count);
    const StateTensor &all = result.state[tensor.appendsTo];
    Shape one = all.shape;
    if (one.size() >= 2)
      one[1] = 1;
    if (tensor.role != Role::Generation || all.role != Role::Generation ||
        one.size() < 2 || tensor.shape != one ||
        tensor.elementType != all.elementType)
      return fail("state tensor ", quote(tensor.name), ", ",
                  describe(tensor.elementType, tensor.shape),
                  ", is no place of ", quote(all.name), ", ",
                  describe(all.elementType, all.shape));
  }
  return true;
}

/// An average is of one tensor of the weights, which has no other.
bool PlanReader::checkAverages() {
  const int64_t count = result.state.size();
  for (int64_t i = 0; i < count; ++i) {
    const StateTensor &tensor = result.state[i];
    if (tensor.averageOf == -1)
      continue;
    if (tensor.averageOf < -1 || tensor.averageOf >= count)
      return fail("state tensor ", quote(tensor.name),
                  " is the average of number ", tensor.averageOf, " of ",
                  count);
    StateTensor &of = result.state[tensor.averageOf];
    if (tensor.role != Role::OptimizerState ||
        (of.role != Role::Parameter && of.role != Role::Buffer) ||
        tensor.shape != of.shape || tensor.elementType != of.elementType)
      return fail("state tensor ", quote(tensor.name), ", ",
                  describe(tensor.elementType, tensor.shape),
                  ", is no average of ", quote(of.name), ", ",
                  describe(of.elementType, of.shape));
    if (of.average != -1)
      return fail("state tensor ", quote(of.name), " has two averages");
    of.average = int32_t(i);
  }
  return true;
}

/// A copy is of one parameter, of floats with more bits, which has no other.
bool PlanReader::checkCopies() {
  const int64_t count = result.state.size();
  for (int64_t i = 0; i < count; ++i) {
    const StateTensor &tensor = result.state[i];
    if (tensor.roundedFrom == -1)
      continue;
    if (tensor.roundedFrom < -1 || tensor.roundedFrom >= count)
      return fail("state tensor ", quote(tensor.name),
                  " is rounded from number ", tensor.roundedFrom, " of ",
                  count);
    StateTensor &from = result.state[tensor.roundedFrom];
    if (tensor.role != Role::OptimizerState || tensor.averageOf != -1 ||
        from.role != Role::Parameter || tensor.shape != from.shape ||
        !isFloat(tensor.elementType) || !isFloat(from.elementType) ||
        runtime::sizeBytes(tensor.elementType) >=
            runtime::sizeBytes(from.elementType))
      return fail("state tensor ", quote(tensor.name), ", ",
                  describe(tensor.elementType, tensor.shape),
                  ", is not rounded from ", quote(from.name), ", ",
                  describe(from.elementType, from.shape));
    if (from.rounded != -1)
      return fail("state tensor ", quote(from.name), " has two copies");
    from.rounded = int32_t(i);
  }
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
  if (!takeTables(from.entry_points()))
    return false;
  std::set<std::string> names;
  // References into it are kept in `entry`.
  result.entryPoints.resize(from.entry_points()->size());
  for (size_t i = 0; i < result.entryPoints.size(); ++i) {
    const plan::EntryPoint &source = *from.entry_points()->Get(i);
    entry = &result.entryPoints[i];
    where = concat("entry point ", quoted(source.name()));
    if (!readEntryPoint(source, *entry))
      return false;
    if (!names.insert(entry->name).second)
      return fail("two entry points have this name");
  }
  where.clear();
  return checkShortForms();
}

bool PlanReader::readEntryPoint(const plan::EntryPoint &from, EntryPoint &to) {
  if (!readName(from.name(), to.name) || !takeTables(from.inputs()) ||
      !takeTables(from.outputs()))
    return false;
  to.arenaBytes = from.arena_bytes();
  to.scratchBytes = from.scratch_bytes();
  if (to.arenaBytes < 0 || to.arenaBytes > largestBytes)
    return fail("arena_bytes is ", to.arenaBytes, ", expected 0 to ",
                largestBytes);
  if (to.scratchBytes < 0 || to.scratchBytes > largestBytes)
    return fail("scratch_bytes is ", to.scratchBytes, ", expected 0 to ",
                largestBytes);
  to.context = from.context();
  if (to.context < 0)
    return fail("context is ", to.context, ", expected 0 or more");
  if (!readText(from.short_of(), to.shortOf))
    return false;
  std::string entryName = where;
  std::set<std::string> inputNames, outputNames;
  for (const plan::Tensor *tensor : *from.inputs()) {
    where = concat(entryName, ", input ", quoted(tensor->name()));
    if (!readInput(*tensor, to.inputs.emplace_back()))
      return false;
    if (!inputNames.insert(to.inputs.back().name).second)
      return fail("two inputs have this name");
  }
  for (const plan::Tensor *tensor : *from.outputs()) {
    where = concat(entryName, ", output ", quoted(tensor->name()));
    if (!readOutput(*tensor, to.outputs.emplace_back()))
      return false;
    if (!outputNames.insert(to.outputs.back().name).second)
      return fail("two outputs have this name");
  }
  where = entryName;
  return readCommands(from);
}

bool PlanReader::readTensor(const plan::Tensor &from, TensorInfo &to) {
  return readName(from.name(), to.name) &&
         readElementType(from.element_type(), to.elementType) &&
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

/// Whether the output has what `reading` reads.
static bool areSums(const TensorInfo &output, const MetricReading &reading) {
  const Shape &shape = output.shape;
  return shape.size() == (reading.hasColumns ? 2 : 1) &&
         shape[0] == reading.numRows && shape.back() > 0;
}

bool PlanReader::checkClassesOf(const TensorInfo &output) {
  const std::vector<TensorInfo> &inputs = entry->inputs;
  const bool isInput =
      std::any_of(inputs.begin(), inputs.end(), [&](const TensorInfo &input) {
        return input.name == output.classesOf;
      });
  return output.classesOf.empty() || isInput ||
         fail("its classes are of ", quote(output.classesOf),
              ", which is no input");
}

bool PlanReader::readOutput(const plan::Tensor &from, TensorInfo &to) {
  if (!readTensor(from, to))
    return false;
  if (!readText(from.kind(), to.kind))
    return false;
  if (from.better() < plan::Better::MIN || from.better() > plan::Better::MAX)
    return fail("unknown value ", static_cast<int>(from.better()),
                " of 'better'");
  to.better = static_cast<Better>(from.better());
  if (!readText(from.classes_of(), to.classesOf) || !checkClassesOf(to))
    return false;
  static const char *const kinds[] = {
      "loss",     "metric",         "confusion", "output",
      "gradient", "input_gradient", "layer",     "layer_gradient"};
  const MetricReading *reading = findMetricReading(to.kind);
  const ScoreReading *ranking = findScoreReading(to.kind);
  if (!reading && !ranking &&
      std::find(std::begin(kinds), std::end(kinds), to.kind) == std::end(kinds))
    return fail("unknown kind ", quote(to.kind));
  if (reading && !areSums(to, *reading))
    return fail("sums of kind ", quote(to.kind), " must be ", reading->numRows,
                reading->hasColumns ? " rows of" : "", " numbers, found ",
                describe(to.elementType, to.shape));
  const bool areFloats =
      to.elementType == ElementType::F32 || to.elementType == ElementType::F64;
  if (ranking && (!areFloats || to.shape.empty() ||
                  to.shape.back() < ranking->columnsOfClass() ||
                  to.shape.back() % ranking->columnsOfClass()))
    return fail("scores of kind ", quote(to.kind),
                " must be f32 or f64, with as many labels",
                ranking->isWeighted ? " and weights" : "", " in a row, found ",
                describe(to.elementType, to.shape));
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
  if (!take(from->size(), sizeof(int64_t)))
    return false;
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

// Each is bounded, so that the sum for any number of threads is, too.
bool PlanReader::checkTotal() {
  constexpr int mostThreads = 1 << 12;
  return result.plannedBytes(mostThreads) >= 0 ||
         fail("needs more memory than there can be");
}

} // namespace nnc::runtime
