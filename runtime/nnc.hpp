// Ownership for nnc.h in C++17: a plan and a session that close themselves.
#ifndef NNC_NNC_HPP
#define NNC_NNC_HPP

#include "nnc.h"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace nnc {

struct PlanCloser {
  void operator()(nnc_plan_t *plan) const { nnc_plan_close(plan); }
};

struct SessionDestroyer {
  void operator()(nnc_session_t *session) const {
    nnc_session_destroy(session);
  }
};

struct TableCloser {
  void operator()(nnc_table_t *table) const { nnc_table_close(table); }
};

/// The element type that a C++ type is; 16-bit floats are none.
template <typename T> constexpr nnc_element_type_t elementType() {
  if constexpr (std::is_same_v<T, float>)
    return NNC_F32;
  else if constexpr (std::is_same_v<T, double>)
    return NNC_F64;
  else if constexpr (std::is_same_v<T, int32_t>)
    return NNC_I32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return NNC_I64;
  else if constexpr (std::is_same_v<T, bool>)
    return NNC_BOOL;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return NNC_U32;
  else
    static_assert(std::is_same_v<T, uint8_t>, "not an element type");
  return NNC_U8;
}

/// A tensor of elements that lie one after another. Both arguments are
/// borrowed, and outlive the calls that it is passed to.
template <typename T, size_t rank>
nnc_tensor_t tensor(const T *data, const std::array<int64_t, rank> &shape) {
  return {data, elementType<T>(), static_cast<int32_t>(rank), shape.data()};
}

/// Pass `get()` to the calls of nnc.h.
using PlanHandle = std::unique_ptr<nnc_plan_t, PlanCloser>;
using SessionHandle = std::unique_ptr<nnc_session_t, SessionDestroyer>;
using TableHandle = std::unique_ptr<nnc_table_t, TableCloser>;

/// nnc_plan_open into a handle, which is empty on failure.
inline nnc_status_t openPlan(const char *path, PlanHandle &plan) {
  nnc_plan_t *opened = nullptr;
  nnc_status_t status = nnc_plan_open(path, &opened);
  plan.reset(opened);
  return status;
}

/// nnc_plan_open_memory into a handle, which is empty on failure.
inline nnc_status_t openPlan(const void *data, size_t sizeBytes,
                             PlanHandle &plan) {
  nnc_plan_t *opened = nullptr;
  nnc_status_t status = nnc_plan_open_memory(data, sizeBytes, &opened);
  plan.reset(opened);
  return status;
}

/// nnc_session_create into a handle, which is empty on failure.
inline nnc_status_t createSession(const PlanHandle &plan,
                                  const nnc_session_options_t &options,
                                  SessionHandle &session) {
  nnc_session_t *created = nullptr;
  nnc_status_t status = nnc_session_create(plan.get(), &options, &created);
  session.reset(created);
  return status;
}

/// nnc_table_open into a handle, which is empty on failure.
inline nnc_status_t openTable(const PlanHandle &plan, const char *weights,
                              TableHandle &table) {
  nnc_table_t *opened = nullptr;
  nnc_status_t status = nnc_table_open(plan.get(), weights, &opened);
  table.reset(opened);
  return status;
}

/// nnc_session_run_on_device with tensors of addresses of the GPU's, and as
/// many samples as they have.
template <size_t count>
nnc_status_t runOnDevice(const SessionHandle &session, const char *entryPoint,
                         const std::array<nnc_tensor_t, count> &inputs,
                         void *stream = nullptr) {
  return nnc_session_run_on_device(session.get(), entryPoint, inputs.data(),
                                   count, 0, stream);
}

/// Notes in a checkpoint's header, by key.
using Metadata = std::map<std::string, std::string>;

/// nnc_session_save_checkpoint with a map.
inline nnc_status_t saveCheckpoint(const SessionHandle &session,
                                   const char *path,
                                   const Metadata &metadata = {}) {
  std::vector<nnc_metadata_t> notes;
  for (const auto &[key, value] : metadata)
    notes.push_back({key.c_str(), value.c_str()});
  return nnc_session_save_checkpoint(session.get(), path, notes.data(),
                                     notes.size());
}

/// nnc_session_load_checkpoint. `metadata` receives the program's own notes,
/// without nnc's.
inline nnc_status_t loadCheckpoint(const SessionHandle &session,
                                   const char *path, Metadata &metadata) {
  nnc_status_t status = nnc_session_load_checkpoint(session.get(), path);
  if (status.code != NNC_OK)
    return status;
  metadata.clear();
  const nnc_load_report_t *report = nnc_session_last_load(session.get());
  for (size_t i = 0; i < report->num_metadata; ++i) {
    std::string key = report->metadata[i].key;
    if (key.compare(0, 4, "nnc.") != 0)
      metadata[key] = report->metadata[i].value;
  }
  return status;
}

} // namespace nnc

#endif // NNC_NNC_HPP
