// Every place that a plan names, for several batches.
#include "test/fuzz/CheckPlan.h"

#include "runtime/SampleSteps.h"
#include "runtime/abi.h"
#include "test/fuzz/CheckText.h"
#include "test/fuzz/Require.h"

#include <algorithm>
#include <set>

namespace nnc::fuzz {

using namespace runtime;

// No product of three numbers of a sound plan reaches its end.
using Wide = __int128;

/// What the checks of one entry point share.
namespace {
struct At {
  const Plan &plan;
  const EntryPoint &entry;
  int64_t batch;
  /// Around the command that is checked; null: none.
  const Loop *loop = nullptr;

  /// What phases find in a buffer of their own thread's.
  int64_t batchIn(Region region) const {
    return region == Region::Thread ? std::min(loop->rows, batch) : batch;
  }
};
} // namespace

static Wide valueOf(const Extent &extent, int64_t batch) {
  require(extent.divisor >= 1, "a divisor is at least 1");
  const Wide numerator = Wide(extent.constant) + Wide(extent.perBatch) * batch;
  require(numerator >= 0, "no extent is negative");
  const Wide value =
      numerator / extent.divisor + (numerator % extent.divisor > 0 ? 1 : 0);
  require(numerator <= INT64_MAX && value == extent.at(batch),
          "an extent is what its formula says");
  return value;
}

static Wide bytesOf(ElementType type, const Shape &shape, int64_t batch) {
  Wide bytes = sizeBytes(type);
  for (int64_t size : shape) {
    require(size >= -1, "a dimension is a size or the batch");
    bytes *= size == -1 ? batch : size;
    require(bytes <= INT64_MAX, "a tensor's size does not overflow");
  }
  return bytes;
}

static Wide regionBytes(const BufferRef &buffer, const At &at) {
  switch (buffer.region) {
  case Region::State:
    return at.plan.stateBytes;
  case Region::Arena:
    return at.entry.arenaBytes;
  case Region::Constant:
    return at.plan.constants.sizeBytes;
  case Region::Thread:
    require(at.loop && at.loop->rows > 0,
            "threads have memory of their own in loops alone");
    return at.entry.scratchBytes;
  case Region::Input:
    break;
  }
  require(buffer.region == Region::Input && buffer.index >= 0 &&
              size_t(buffer.index) < at.entry.inputs.size(),
          "a buffer is in a region that there is");
  const TensorInfo &input = at.entry.inputs[buffer.index];
  return bytesOf(input.elementType, input.shape, at.batch);
}

static void checkBuffer(const BufferRef &buffer, const At &at) {
  require(buffer.offsetBytes >= 0 &&
              buffer.offsetBytes % NNC_ALIGNMENT_BYTES == 0,
          "a buffer is aligned");
  const Wide limit = regionBytes(buffer, at);
  require(buffer.offsetBytes +
                  valueOf(buffer.sizeBytes, at.batchIn(buffer.region)) <=
              limit,
          "a buffer is inside its region", std::to_string(at.batch));
}

/// Of each step: the numbers of slots are what the formula says and there.
static void checkSlots(const Command &command, const At &at) {
  for (const Slot &slot : command.slots) {
    require(slot.buffer < command.buffers.size(), "slots are of a buffer");
    require(!slot.moves || at.loop, "only a loop's buffers move");
    const BufferRef &buffer = command.buffers[slot.buffer];
    const int64_t steps = slot.moves ? at.loop->steps : 1;
    for (int64_t step : {int64_t(0), steps / 2, steps - 1}) {
      const Wide number = slot.at(step);
      require(number >= 0 && number < slot.count, "a slot is there");
      require(buffer.offsetBytes + number * valueOf(slot.stride, at.batch) +
                      valueOf(buffer.sizeBytes, at.batch) <=
                  regionBytes(buffer, at),
              "a slot is inside its region", std::to_string(at.batch));
    }
  }
}

static bool isWritable(const BufferRef &buffer) {
  return buffer.region == Region::State || buffer.region == Region::Arena ||
         buffer.region == Region::Thread;
}

static void checkCopy(const Command &command, const At &at) {
  require(command.buffers.size() == 2, "a copy has two buffers");
  const BufferRef &from = command.buffers[0], &to = command.buffers[1];
  const Wide bytes = valueOf(to.sizeBytes, at.batch);
  require(isWritable(to), "a copy goes where it may write");
  require(bytes <= valueOf(from.sizeBytes, at.batch),
          "a copy reads no more than there is", std::to_string(at.batch));
  const int64_t steps = at.loop ? at.loop->steps : 1;
  for (int64_t step : {int64_t(0), steps / 2, steps - 1}) {
    Wide starts[] = {from.offsetBytes, to.offsetBytes};
    for (const Slot &slot : command.slots)
      starts[slot.buffer] += slot.at(step) * valueOf(slot.stride, at.batch);
    require(from.region != to.region || bytes == 0 ||
                starts[0] + bytes <= starts[1] ||
                starts[1] + bytes <= starts[0],
            "a copy does not overlap itself", std::to_string(at.batch));
  }
}

/// The last element that the `count` matrices touch is inside their buffer.
static void checkMatrices(const Command &command, size_t buffer,
                          const MatrixLayout &layout, Wide rows, Wide columns,
                          Wide count, ElementType type, const At &at) {
  if (rows == 0 || columns == 0 || count == 0)
    return;
  if (layout.transposed)
    std::swap(rows, columns);
  const Wide last = (count - 1) * valueOf(layout.stride, at.batch) +
                    (rows - 1) * valueOf(layout.leading, at.batch) + columns -
                    1;
  require((last + 1) * sizeBytes(type) <=
              valueOf(command.buffers[buffer].sizeBytes, at.batch),
          "the matrices of a product are in their buffer",
          std::to_string(at.batch));
}

static void checkMatmul(const Command &command, const At &at) {
  const Matmul &product = command.matmul;
  const size_t least = product.hasBias() ? 4 : 3;
  require(command.buffers.size() >= least, "a product has its operands");
  const Wide count = valueOf(product.count, at.batch);
  const Wide m = valueOf(product.m, at.batch);
  const Wide n = valueOf(product.n, at.batch);
  const Wide k = valueOf(product.k, at.batch);
  require(!isInteger(product.operandType) && !isInteger(product.resultType),
          "a product is of floats");
  require(!product.d.transposed, "a result is not transposed");
  require(isWritable(command.buffers[2]), "a product goes where it may write");
  if (command.buffers.size() > least)
    require(isWritable(command.buffers[least]),
            "a product works where it may write");
  checkMatrices(command, 0, product.a, m, k, count, product.operandType, at);
  checkMatrices(command, 1, product.b, k, n, count, product.operandType, at);
  checkMatrices(command, 2, product.d, m, n, count, product.resultType, at);
  if (product.hasBias())
    checkMatrices(command, 3, {false, product.n, {}}, 1, n, 1,
                  product.resultType, at);
}

static void checkCommand(const Command &command, const At &at) {
  for (const BufferRef &buffer : command.buffers)
    checkBuffer(buffer, at);
  checkSlots(command, at);
  valueOf(command.flop, at.batch);
  valueOf(command.trafficBytes, at.batch);
  switch (command.kind) {
  case Command::Kind::Launch:
    require(command.kernel < at.plan.code.kernels.size(),
            "a launched kernel exists");
    require(command.grain >= 1, "a grain is at least 1");
    valueOf(command.extent, at.batch);
    return;
  case Command::Kind::Copy:
    return checkCopy(command, at);
  case Command::Kind::Matmul:
    return checkMatmul(command, at);
  case Command::Kind::Loop:
    require(!at.loop, "no loop is in a loop");
    require(command.loop.steps >= 1 && command.loop.grain >= 1,
            "a loop has steps, and a grain");
    return;
  }
}

/// Loops, and what is in them.
static void checkCommands(const At &at) {
  const std::vector<Command> &commands = at.entry.commands;
  size_t end = 0;
  const Loop *loop = nullptr;
  for (size_t i = 0; i < commands.size(); ++i) {
    if (i >= end)
      loop = nullptr;
    checkCommand(commands[i], {at.plan, at.entry, at.batch, loop});
    if (commands[i].kind != Command::Kind::Loop)
      continue;
    loop = &commands[i].loop;
    end = i + 1 + loop->length;
    require(end <= commands.size(), "the body of a loop is there");
  }
}

static void checkAtBatch(const At &at) {
  for (const TensorInfo &input : at.entry.inputs)
    require(bytesOf(input.elementType, input.shape, at.batch) ==
                input.sizeBytes(at.batch),
            "an input has the bytes of its shape");
  for (const TensorInfo &output : at.entry.outputs) {
    checkBuffer(output.buffer, at);
    require(bytesOf(output.elementType, output.shape, at.batch) <=
                valueOf(output.buffer.sizeBytes, at.batch),
            "an output is inside its buffer", std::to_string(at.batch));
  }
  checkCommands(at);
}

/// Every batch of a small plan; of another the first, the last, and some that
/// neither a power of two nor a simple fraction favours.
static std::vector<int64_t> batchesOf(const Plan &plan) {
  constexpr int64_t allUpTo = 64;
  std::vector<int64_t> batches;
  for (int64_t batch = 1; batch <= std::min(plan.maxBatch, allUpTo); ++batch)
    batches.push_back(batch);
  for (int64_t i = 1; plan.maxBatch > allUpTo && i <= 32; ++i) {
    batches.push_back(plan.maxBatch + 1 - i);
    batches.push_back(std::max<int64_t>(1, plan.maxBatch / 33 * i));
  }
  return batches;
}

template <typename T>
static void checkNames(const std::vector<T> &all, const char *what) {
  std::set<std::string> names;
  for (const T &one : all) {
    checkText(one.name, what);
    require(names.insert(one.name).second, "names are unique", what);
  }
}

static void checkCode(const MachineCode &code) {
  checkNames(code.kernels, "the name of a kernel");
  checkText(code.target, "the target");
  for (const std::string &feature : code.features)
    checkText(feature, "a feature");
  checkText(code.text, "the kernels' text", /*hasLines=*/true);
  for (const Kernel &kernel : code.kernels) {
    checkText(kernel.kind, "the kind of a kernel");
    if (code.target == "cpu")
      require(kernel.offsetBytes >= 0 &&
                  kernel.offsetBytes < code.image.sizeBytes,
              "a kernel of a CPU starts in the image");
  }
  for (const CodeModule &module : code.modules) {
    checkText(module.architecture, "an architecture");
    for (const CodeModule::Resources &used : module.resources)
      require(used.kernel < code.kernels.size(), "a report is on a kernel");
  }
}

static void checkState(const Plan &plan) {
  checkNames(plan.state, "the name of a state tensor");
  std::vector<std::pair<Wide, Wide>> ranges;
  for (const StateTensor &tensor : plan.state) {
    const Wide bytes = bytesOf(tensor.elementType, tensor.shape, -1);
    require(bytes >= 0, "state has no batch in its shape");
    require(tensor.offsetBytes >= 0 &&
                tensor.offsetBytes % NNC_ALIGNMENT_BYTES == 0 &&
                tensor.offsetBytes + bytes <= plan.stateBytes,
            "a state tensor is inside the state");
    std::vector<int64_t> dims = tensor.pytorchDims;
    std::sort(dims.begin(), dims.end());
    require(dims.empty() || dims.size() == tensor.shape.size(),
            "a weight has as many dimensions in files");
    for (size_t i = 0; i < dims.size(); ++i)
      require(dims[i] == int64_t(i), "a weight has each dimension in files");
    if (bytes > 0)
      ranges.push_back({tensor.offsetBytes, tensor.offsetBytes + bytes});
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i)
    require(ranges[i - 1].second <= ranges[i].first,
            "state tensors do not overlap");
}

static void
checkArguments(const std::vector<std::pair<std::string, std::string>> &given) {
  for (const auto &[name, value] : given) {
    checkText(name, "the name of an argument");
    // A delimiter may be a tab.
    checkText(value, "an argument", /*hasLines=*/true);
  }
}

static void checkRecipe(const Recipe &recipe) {
  require(recipe.sampleSteps.size() <= mostSampleSteps,
          "steps of samples are bounded");
  for (const SampleStep &step : recipe.sampleSteps) {
    checkText(step.input, "the input of a step");
    checkText(step.source, "where a step is said");
    checkArguments(step.arguments);
    require(explainSampleStep(step.step, step.arguments).empty(),
            "a step is one that there is");
  }
  for (const DataBinding &binding : recipe.data) {
    checkText(binding.split, "a split");
    checkText(binding.reader, "a reader");
    checkText(binding.source, "where data are bound");
    for (const std::string &input : binding.inputs)
      checkText(input, "an input that is bound");
    checkArguments(binding.arguments);
  }
}

static void checkEntryPoint(const Plan &plan, const EntryPoint &entry) {
  checkNames(entry.inputs, "the name of an input");
  checkNames(entry.outputs, "the name of an output");
  for (const Command &command : entry.commands) {
    checkText(command.source, "where a command comes from");
    checkText(command.matmul.name, "the name of a product");
  }
  for (int64_t batch : batchesOf(plan))
    checkAtBatch({plan, entry, batch, nullptr});
}

void checkPlan(const Plan &plan) {
  checkText(plan.model, "the model's name");
  checkText(plan.producer, "the producer");
  checkCode(plan.code);
  checkState(plan);
  checkNames(plan.entryPoints, "the name of an entry point");
  for (const EntryPoint &entry : plan.entryPoints)
    checkEntryPoint(plan, entry);
  checkRecipe(plan.recipe);
  for (int threads : {1, 64, 4096})
    require(plan.plannedBytes(threads) >= 0, "a session's memory is a number");
}

} // namespace nnc::fuzz
