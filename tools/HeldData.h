// Sets of samples that live on a GPU while a run trains: its steps take them
// there, and nothing is copied for a step.
#ifndef NNC_TOOLS_HELDDATA_H
#define NNC_TOOLS_HELDDATA_H

#include "runtime/Session.h"
#include "runtime/data/Batches.h"
#include "tools/Data.h"

#include <memory>
#include <string>
#include <vector>

namespace nnc::tools {

/// Whether data are held: where they fit, or else it is an error, or not.
enum class DataOnDevice { Auto, Always, Never };

/// The samples of a set, in columns as a session holds them. Goes before the
/// session.
class HeldColumns {
public:
  /// Brings all samples to the device, prepared as in evaluation. `inputs` are
  /// those of the columns.
  static runtime::StatusOr<std::shared_ptr<const HeldColumns>>
  create(runtime::Session &session,
         const std::vector<runtime::TensorInfo> &inputs,
         const Columns &columns);

  const std::vector<runtime::HeldColumn> &views() const { return columns; }

private:
  std::vector<runtime::DeviceMemory> memory;
  std::vector<runtime::HeldColumn> columns;
};

/// Batches of a set that is held.
class HeldBatches {
public:
  static runtime::StatusOr<HeldBatches>
  create(runtime::Session &session, std::shared_ptr<const HeldColumns> columns,
         runtime::Batches &batches);

  /// Brings the order of the epoch to the device. Waits for what runs.
  runtime::Status beginEpoch(runtime::Session &session,
                             const runtime::Batches &batches) const;

  /// What batches.next() has come to, of the columns in `chosen`; of all where
  /// that is empty.
  runtime::HeldBatch at(const runtime::Batches &batches,
                        const std::vector<size_t> &chosen) const;

private:
  HeldBatches(std::shared_ptr<const HeldColumns> columns,
              runtime::DeviceMemory order)
      : columns(std::move(columns)), order(std::move(order)) {}

  std::shared_ptr<const HeldColumns> columns;
  runtime::DeviceMemory order;
};

/// Memory from which a device copies batches while others are gathered. Goes
/// before the session.
class PinnedMemory : public runtime::BatchMemory {
public:
  explicit PinnedMemory(runtime::Session &session) : session(session) {}

  runtime::StatusOr<uint8_t *> allocate(int64_t sizeBytes) override;
  runtime::Status waitForReaders() override { return session.waitForInputs(); }

private:
  runtime::Session &session;
  std::vector<runtime::DeviceMemory> memory;
};

/// Why samples of these columns cannot be held; empty where they can.
std::string whyNotHeld(const Columns &columns);

/// What holding them takes of the device's memory, orders included.
int64_t heldBytes(const Columns &columns);

/// What may be held: of the free memory, so much that graphs and what libraries
/// load later still have room.
runtime::StatusOr<int64_t> roomForData(const runtime::Session &session);

} // namespace nnc::tools

#endif // NNC_TOOLS_HELDDATA_H
