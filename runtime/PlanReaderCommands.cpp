// What an entry point does: commands, and the buffers that they touch. Loops
// are in PlanReaderLoops.cpp.
#include "runtime/PlanReader.h"

#include "runtime/abi.h"

#include <algorithm>

namespace nnc::runtime {

bool PlanReader::readCommands(const plan::EntryPoint &from) {
  std::string entryName = where;
  const auto &types = *from.commands_type();
  if (types.size() != from.commands()->size())
    return fail(types.size(), " command types for ", from.commands()->size(),
                " commands");
  // A type's byte, an offset, and where the fields are.
  if (!take(types.size(), 1 + 4 + 4))
    return false;
  for (size_t i = 0; i < types.size(); ++i) {
    where = concat(entryName, ", command ", i);
    if (!readCommand(types.GetEnum<plan::Command>(i), from.commands()->Get(i),
                     entry->commands.emplace_back()))
      return false;
  }
  where = entryName;
  return bodyLeft == 0 ||
         fail("ends ", bodyLeft, " commands before a loop of ", loop.length);
}

bool PlanReader::readCommand(plan::Command type, const void *from,
                             Command &to) {
  bool isRead = false;
  switch (type) {
  case plan::Command::Launch:
    isRead = readLaunch(*static_cast<const plan::Launch *>(from), to);
    break;
  case plan::Command::Matmul:
    isRead = readMatmul(*static_cast<const plan::Matmul *>(from), to);
    break;
  case plan::Command::Copy:
    isRead = readCopy(*static_cast<const plan::Copy *>(from), to);
    break;
  case plan::Command::Loop:
    return readLoop(*static_cast<const plan::Loop *>(from), to);
  default:
    fail("unknown kind ", static_cast<int>(type));
  }
  if (!isRead || bodyLeft == 0)
    return isRead;
  --bodyLeft;
  return checkBody(to);
}

static bool isWritable(const BufferRef &buffer) {
  return buffer.region == Region::State || buffer.region == Region::Arena ||
         buffer.region == Region::Thread;
}

template <typename From>
bool PlanReader::readBuffers(const From &from, Command &to) {
  if (!isAligned(from.buffers()))
    return fail("its buffers are not aligned");
  if (!take(from.buffers()->size(), sizeof(plan::Buffer)) ||
      !readText(from.source(), to.source))
    return false;
  for (const plan::Buffer *buffer : *from.buffers())
    if (!readBuffer(*buffer, to.buffers.emplace_back()))
      return false;
  to.isAgain = from.again();
  return readSlots(from.slots(), to);
}

bool PlanReader::readWritten(const plan::Written &from, Command &to) {
  Written &written = to.written.emplace_back();
  written.buffer = from.buffer();
  if (written.buffer >= to.buffers.size())
    return fail("writes buffer ", written.buffer, " of ", to.buffers.size());
  return readElementType(from.element_type(), written.elementType);
}

bool PlanReader::readLaunch(const plan::Launch &from, Command &to) {
  to.kind = Command::Kind::Launch;
  to.kernel = from.kernel();
  if (to.kernel >= result.code.kernels.size())
    return fail("launches kernel ", to.kernel, " of ",
                result.code.kernels.size());
  where += concat(" (", quote(result.code.kernels[to.kernel].name), ")");
  if (!readBuffers(from, to) || !readText(from.op(), to.op))
    return false;
  if (!from.extent())
    return fail("has no extent");
  to.grain = from.grain();
  if (to.grain < 1)
    return fail("grain is ", to.grain, ", expected 1 or more");
  if (from.written() && from.written()->size() > to.buffers.size())
    return fail("writes ", from.written()->size(), " buffers of ",
                to.buffers.size());
  if (from.written())
    for (const plan::Written *written : *from.written())
      if (!readWritten(*written, to))
        return false;
  return readExtent(*from.extent(), "extent", to.extent) &&
         (!from.flop() || readExtent(*from.flop(), "flop", to.flop)) &&
         (!from.traffic_bytes() ||
          readExtent(*from.traffic_bytes(), "traffic_bytes", to.trafficBytes));
}

bool PlanReader::readMatmul(const plan::Matmul &from, Command &to) {
  to.kind = Command::Kind::Matmul;
  Matmul &matmul = to.matmul;
  if (!readName(from.name(), matmul.name))
    return false;
  where += concat(" (", quote(matmul.name), ")");
  if (!readBuffers(from, to))
    return false;
  if (from.epilogue() < plan::Epilogue::MIN ||
      from.epilogue() > plan::Epilogue::MAX)
    return fail("unknown epilogue ", static_cast<int>(from.epilogue()));
  matmul.epilogue = static_cast<Matmul::Epilogue>(from.epilogue());
  matmul.allowTf32 = from.allow_tf32();
  size_t least = matmul.hasBias() ? 4 : 3;
  if (to.buffers.size() != least && to.buffers.size() != least + 1)
    return fail("has ", to.buffers.size(), " buffers, expected ", least, " or ",
                least + 1);
  if (!isWritable(to.buffers[2]))
    return fail("multiplies into a region that is only read");
  if (to.buffers.size() > least && !isWritable(to.buffers[least]))
    return fail("has its workspace in a region that is only read");
  if (!readMatmulSizes(from, matmul) ||
      !readElementType(from.operand_type(), matmul.operandType) ||
      !readElementType(from.result_type(), matmul.resultType))
    return false;
  for (ElementType type : {matmul.operandType, matmul.resultType})
    if (isInteger(type))
      return fail("multiplies elements of type ", name(type));
  to.written = {{2, matmul.resultType}};
  if (matmul.d.transposed)
    return fail("its result is transposed");
  constexpr Extent one{1, 0, 1};
  return checkMatrix(to, 0, matmul.a, matmul.m, matmul.k, matmul.operandType) &&
         checkMatrix(to, 1, matmul.b, matmul.k, matmul.n, matmul.operandType) &&
         checkMatrix(to, 2, matmul.d, matmul.m, matmul.n, matmul.resultType) &&
         (!matmul.hasBias() || checkMatrix(to, 3, {false, matmul.n, {}}, one,
                                           matmul.n, matmul.resultType)) &&
         (!from.flop() || readExtent(*from.flop(), "flop", to.flop)) &&
         (!from.traffic_bytes() ||
          readExtent(*from.traffic_bytes(), "traffic_bytes", to.trafficBytes));
}

bool PlanReader::readMatmulSizes(const plan::Matmul &from, Matmul &to) {
  const struct {
    const plan::Extent *from;
    const char *what;
    Extent &to;
  } sizes[] = {{from.count(), "count", to.count},
               {from.m(), "m", to.m},
               {from.n(), "n", to.n},
               {from.k(), "k", to.k}};
  for (const auto &size : sizes)
    if (!size.from)
      return fail("has no ", size.what);
    else if (!readSize(*size.from, size.what, size.to))
      return false;
  return readLayout(from.a(), "a", to.a) && readLayout(from.b(), "b", to.b) &&
         readLayout(from.d(), "d", to.d);
}

bool PlanReader::readLayout(const plan::MatrixLayout *from, const char *what,
                            MatrixLayout &to) {
  if (!from)
    return fail("has no layout of ", what);
  to.transposed = from->transposed();
  return readSize(from->leading(), "a leading dimension", to.leading) &&
         readSize(from->stride(), "a stride", to.stride);
}

/// What a product's sizes may be, so that what it touches is convex in the
/// batch: affine and never falling. A size is 0 for all batches or for none.
bool PlanReader::readSize(const plan::Extent &from, const char *what,
                          Extent &to) {
  if (!readExtent(from, what, to))
    return false;
  if (to.divisor != 1 || to.perBatch < 0)
    return fail(what, " of a product is (", to.constant, " + ", to.perBatch,
                " * batch) / ", to.divisor,
                ", expected no divisor and no negative factor");
  bool isZero = to.constant == 0 && to.perBatch == 0;
  return isZero || to.at(1) > 0 ||
         fail(what, " of a product is 0 at batch 1, and not beyond");
}

/// Whether the matrices of a product lie in their buffer. What they touch is a
/// sum of products of sizes that never fall with the batch, and so convex in
/// it; the buffer's size is affine before it is divided and rounded up to a
/// whole number. So the ends stand for all between.
bool PlanReader::checkMatrix(const Command &command, size_t buffer,
                             const MatrixLayout &layout, Extent rows,
                             Extent columns, ElementType type) {
  constexpr Extent one{1, 0, 1};
  // A bias is the same for all the products.
  Extent count = buffer < 3 ? command.matmul.count : one;
  if (layout.transposed)
    std::swap(rows, columns);
  for (int64_t batch : {int64_t(1), result.maxBatch}) {
    int64_t numRows = rows.at(batch), numColumns = columns.at(batch);
    if (numRows == 0 || numColumns == 0 || count.at(batch) == 0)
      return true;
    if (layout.leading.at(batch) < numColumns)
      return fail("matrix ", buffer, " has rows of ", numColumns,
                  " elements that are ", layout.leading.at(batch), " apart");
    int64_t inner, outer, elements, bytes;
    if (__builtin_mul_overflow(numRows - 1, layout.leading.at(batch), &inner) ||
        __builtin_mul_overflow(count.at(batch) - 1, layout.stride.at(batch),
                               &outer) ||
        __builtin_add_overflow(inner, outer, &elements) ||
        __builtin_add_overflow(elements, numColumns, &elements) ||
        __builtin_mul_overflow(elements, runtime::sizeBytes(type), &bytes))
      return fail("the size of matrix ", buffer, " overflows 64 bits");
    int64_t limit = command.buffers[buffer].sizeBytes.at(batch);
    if (bytes > limit)
      return fail("matrix ", buffer, " has ", bytes, " bytes at batch ", batch,
                  ", its buffer ", limit);
  }
  return true;
}

bool PlanReader::readCopy(const plan::Copy &from, Command &to) {
  to.kind = Command::Kind::Copy;
  if (!from.from() || !from.to())
    return fail("a copy needs both 'from' and 'to'");
  to.buffers.resize(2);
  BufferRef &source = to.buffers[0], &target = to.buffers[1];
  if (!readBuffer(*from.from(), source) || !readBuffer(*from.to(), target) ||
      !readSlots(from.slots(), to))
    return false;
  if (!isWritable(target))
    return fail("copies into a region that is only read");
  // Without rounding both are affine, so that the ends stand for all between.
  for (const BufferRef &buffer : to.buffers)
    if (buffer.sizeBytes.divisor != 1)
      return fail("a copy's size is divided by ", buffer.sizeBytes.divisor);
  for (int64_t batch : {int64_t(1), result.maxBatch})
    if (target.sizeBytes.at(batch) > source.sizeBytes.at(batch))
      return fail("copies ", target.sizeBytes.at(batch), " bytes at batch ",
                  batch, " from a buffer of ", source.sizeBytes.at(batch));
  return checkOverlap(to);
}

bool PlanReader::readBuffer(const plan::Buffer &from, BufferRef &to) {
  if (from.region() < plan::Region::MIN || from.region() > plan::Region::MAX)
    return fail("a buffer is in unknown region ",
                static_cast<int>(from.region()));
  to.region = static_cast<Region>(from.region());
  to.index = from.index();
  to.offsetBytes = from.offset_bytes();
  if (to.region == Region::Thread && (bodyLeft == 0 || loop.rows == 0))
    return fail("a buffer is a thread's own, in no loop that shares out "
                "samples");
  int64_t numIndices =
      to.region == Region::Input ? int64_t(entry->inputs.size()) : 1;
  if (to.index < 0 || to.index >= numIndices)
    return fail("a buffer has index ", to.index, " of ", numIndices);
  if (to.offsetBytes < 0 || to.offsetBytes > largestBytes ||
      to.offsetBytes % NNC_ALIGNMENT_BYTES != 0)
    return fail("a buffer is at offset ", to.offsetBytes,
                ", expected a multiple of ", NNC_ALIGNMENT_BYTES);
  return readExtent(from.size_bytes(), "a buffer's size", to.sizeBytes) &&
         checkInside(to);
}

int64_t PlanReader::regionBytes(const BufferRef &buffer, int64_t batch) const {
  switch (buffer.region) {
  case Region::State:
    return result.stateBytes;
  case Region::Arena:
    return entry->arenaBytes;
  case Region::Input:
    return entry->inputs[buffer.index].sizeBytes(batch);
  case Region::Constant:
    return result.constants.sizeBytes;
  case Region::Thread:
    return entry->scratchBytes;
  }
  return 0;
}

/// A thread has no more than its share of the samples in its own memory.
int64_t PlanReader::largestBatchOf(const BufferRef &buffer) const {
  return buffer.region == Region::Thread ? std::min(loop.rows, result.maxBatch)
                                         : result.maxBatch;
}

bool PlanReader::checkInside(const BufferRef &buffer) {
  for (int64_t batch : {int64_t(1), largestBatchOf(buffer)}) {
    int64_t limit = regionBytes(buffer, batch);
    int64_t size = buffer.sizeBytes.at(batch);
    if (buffer.offsetBytes > limit || size > limit - buffer.offsetBytes)
      return fail("a buffer of ", size, " bytes at offset ", buffer.offsetBytes,
                  " leaves its region of ", limit, " bytes at batch ", batch);
  }
  return true;
}

// Affine in the batch before the division, and so between its values at the
// two ends, which bound it: whatever it is compared with is a constant, or
// affine with whole numbers as values, for which rounding up changes nothing.
bool PlanReader::readExtent(const plan::Extent &from, const char *what,
                            Extent &to) {
  to = {from.constant(), from.per_batch(), from.divisor()};
  if (to.divisor < 1)
    return fail(what, " is divided by ", to.divisor, ", expected 1 or more");
  int64_t product, numerator;
  if (__builtin_mul_overflow(to.perBatch, result.maxBatch, &product) ||
      __builtin_add_overflow(to.constant, product, &numerator) ||
      __builtin_add_overflow(to.constant, to.perBatch, &product))
    return fail(what, " overflows 64 bits at batch ", result.maxBatch);
  if (numerator < 0 || product < 0)
    return fail(what, " is negative: ", to.constant, " + ", to.perBatch,
                " * batch");
  return true;
}

} // namespace nnc::runtime
