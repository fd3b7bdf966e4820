// Ownership for nnc.h in C++17: a plan and a session that close themselves.
#ifndef NNC_NNC_HPP
#define NNC_NNC_HPP

#include "nnc.h"

#include <memory>

namespace nnc {

struct PlanCloser {
  void operator()(nnc_plan_t *plan) const { nnc_plan_close(plan); }
};

struct SessionDestroyer {
  void operator()(nnc_session_t *session) const {
    nnc_session_destroy(session);
  }
};

/// Pass `get()` to the calls of nnc.h.
using PlanHandle = std::unique_ptr<nnc_plan_t, PlanCloser>;
using SessionHandle = std::unique_ptr<nnc_session_t, SessionDestroyer>;

/// nnc_plan_open into a handle, which is empty on failure.
inline nnc_status_t openPlan(const char *path, PlanHandle &plan) {
  nnc_plan_t *opened = nullptr;
  nnc_status_t status = nnc_plan_open(path, &opened);
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

} // namespace nnc

#endif // NNC_NNC_HPP
