// Verifies plan.fbs and turns it into a Plan. Private to Plan.cpp.
#ifndef NNC_RUNTIME_PLANREADER_H
#define NNC_RUNTIME_PLANREADER_H

#include "runtime/Plan.h"
#include "runtime/PlanNames.h"
#include "runtime/SampleSteps.h"
#include "runtime/plan_generated.h"

#include <set>

namespace nnc::runtime {

class PlanReader {
public:
  PlanReader(const uint8_t *data, size_t sizeBytes, Plan &result)
      : data(data), sizeBytes(sizeBytes), unread(sizeBytes), result(result) {}

  /// How much of a plan checkStart wants to see.
  static constexpr size_t startBytes = 8;

  /// InvalidFile unless that is how a plan of this size begins. `start` has
  /// startBytes bytes, zeros where there are fewer.
  static Status checkStart(const uint8_t *start, size_t sizeBytes);

  /// InvalidFile or Unsupported, with what was expected and found.
  Status read();

private:
  // Each returns false after it has set `problem`.
  bool take(size_t count, size_t bytesEach);
  template <typename T>
  bool takeTables(const flatbuffers::Vector<flatbuffers::Offset<T>> *tables) {
    // An offset each, and where its fields are.
    return !tables || take(tables->size(), 4 + 4);
  }
  bool readText(const flatbuffers::String *from, std::string &to,
                Lines lines = Lines::One);
  bool readTexts(
      const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> &from,
      std::vector<std::string> &to, Lines lines = Lines::One);
  bool readName(const flatbuffers::String *from, std::string &to);
  bool readContents(const plan::Plan &from);
  bool readCode(const plan::Code &from);
  bool readModule(const plan::Module &from);
  bool readKernel(const plan::Kernel &from, Kernel &to);
  bool checkKernel(const Kernel &kernel, const std::set<uint32_t> &units);
  bool readState(const plan::Plan &from);
  bool readRole(const plan::StateTensor &from, StateTensor &to);
  bool readPytorchDims(const flatbuffers::Vector<int64_t> *from,
                       StateTensor &to);
  bool checkAppending();
  bool checkAverages();
  bool checkCopies();
  bool readWeightsOrder(const plan::Plan &from);
  bool readNameTables(const plan::Plan &from);
  bool readNameTable(const plan::NameTable &from, NameTable &to);
  bool checkStateOverlap();
  bool checkScalar(const char *name, ElementType type);
  bool checkLearningRate();
  bool readEntryPoints(const plan::Plan &from);
  bool readEntryPoint(const plan::EntryPoint &from, EntryPoint &to);
  bool checkShortForms();
  bool checkShortForm(const EntryPoint &form);
  bool readInput(const plan::Tensor &from, TensorInfo &to);
  bool readOutput(const plan::Tensor &from, TensorInfo &to);
  bool checkClassesOf(const TensorInfo &output);
  bool readTensor(const plan::Tensor &from, TensorInfo &to);
  bool readCommands(const plan::EntryPoint &from);
  /// The buffers of a command, and where it is from.
  template <typename From> bool readBuffers(const From &from, Command &to);
  bool readWritten(const plan::Written &from, Command &to);
  bool readLaunch(const plan::Launch &from, Command &to);
  bool readMatmul(const plan::Matmul &from, Command &to);
  bool readMatmulSizes(const plan::Matmul &from, Matmul &to);
  bool readLayout(const plan::MatrixLayout *from, const char *what,
                  MatrixLayout &to);
  bool checkMatrix(const Command &command, size_t buffer,
                   const MatrixLayout &layout, Extent rows, Extent columns,
                   ElementType type);
  bool readCopy(const plan::Copy &from, Command &to);
  bool readLoop(const plan::Loop &from, Command &to);
  bool readCommand(plan::Command type, const void *from, Command &to);
  bool checkBody(const Command &command);
  bool readSlots(const flatbuffers::Vector<const plan::Slot *> *from,
                 Command &to);
  bool readSlot(const plan::Slot &from, const Command &command, Slot &to);
  bool checkSlots(const Command &command);
  bool checkOverlap(const Command &copy);
  bool readBuffer(const plan::Buffer &from, BufferRef &to);
  int64_t regionBytes(const BufferRef &buffer, int64_t batch) const;
  int64_t largestBatchOf(const BufferRef &buffer) const;
  bool checkInside(const BufferRef &buffer);
  bool readSize(const plan::Extent &from, const char *what, Extent &to);
  bool readExtent(const plan::Extent &from, const char *what, Extent &to);
  bool readShape(const flatbuffers::Vector<int64_t> *from, Shape &to);
  bool readElementType(plan::ElementType from, ElementType &to);
  bool readRecipe(const plan::Recipe &from);
  template <typename T> bool checkNumber(std::string_view name, T value);
  bool readSetting(const plan::Setting &from, Setting &to);
  bool readDataBinding(const plan::DataBinding &from, DataBinding &to);
  bool readPlateaus(const plan::Recipe &from);
  bool readSampleStep(const plan::SampleStep &from, SampleStep &to);
  bool readTrainingSteps(
      const flatbuffers::Vector<flatbuffers::Offset<plan::TrainingStep>> *from);
  bool checkAccumulating(const EntryPoint &step);
  bool readTrainingStep(const plan::TrainingStep &from, TrainingStep &to);
  template <typename Table>
  bool readArguments(const Table &from, const char *what, StepArguments &to);
  bool checkTotal();

  // Beyond it `constant + perBatch * batch` and a tensor's size would need
  // wider arithmetic, and no machine has the memory.
  static constexpr int64_t largestBatch = int64_t(1) << 31;
  static constexpr int64_t largestBytes = int64_t(1) << 46;
  static constexpr int64_t mostSteps = int64_t(1) << 24;

  /// For messages: text that is not checked yet.
  static std::string quoted(const flatbuffers::String *from) {
    return quote(from ? from->string_view() : std::string_view());
  }

  // FlatBuffers' verifier checks where a vector starts, but not that its
  // elements are aligned beyond the four bytes of its length; its builder
  // aligns them all unless there are none.
  template <typename Vector> static bool isAligned(const Vector *vector) {
    return vector->size() == 0 ||
           reinterpret_cast<uintptr_t>(vector->Data()) % 8 == 0;
  }

  template <typename... Parts> bool fail(const Parts &...parts) {
    problem = concat(where.empty() ? "" : where + ": ", parts...);
    return false;
  }

  const uint8_t *data;
  size_t sizeBytes;
  /// Bytes that nothing read so far can lie in.
  size_t unread;
  Plan &result;
  /// The entry point that is being read.
  EntryPoint *entry = nullptr;
  /// The loop whose body is being read, and how many of its commands are left.
  Loop loop;
  size_t bodyLeft = 0;
  /// Names the part of the plan that is being read, for messages.
  std::string where;
  std::string problem;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_PLANREADER_H
