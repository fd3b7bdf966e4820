// A session as C has it, and what every function on one does first.
#ifndef NNC_RUNTIME_SESSIONHANDLE_H
#define NNC_RUNTIME_SESSIONHANDLE_H

#include "runtime/Generation.h"
#include "runtime/Interface.h"
#include "runtime/Session.h"

#include <algorithm>
#include <atomic>
#include <map>

namespace nnc::runtime {

/// A LoadReport as C sees it: the arrays point into `owner`.
struct CLoadReport {
  LoadReport owner;
  std::vector<nnc_metadata_t> metadata;
  std::vector<const char *> missing, extra;
  nnc_load_report_t view = {};
};

} // namespace nnc::runtime

struct nnc_session_t {
  std::unique_ptr<nnc::runtime::Session> session;
  /// A call is under way.
  std::atomic<bool> inUse{false};
  /// Of the run under way; kept so that a step allocates nothing.
  std::vector<const void *> inputs = {};
  /// Shapes handed out by nnc_session_output.
  std::map<const nnc::runtime::TensorInfo *, nnc::runtime::Shape> shapes = {};
  /// What nnc_session_last_load hands out.
  nnc::runtime::CLoadReport lastLoad = {};
  /// Null until sequences are asked for.
  std::unique_ptr<nnc::runtime::Generator> generator = {};
};

namespace nnc::runtime {

/// Marks a session as being in a call, unless it is already.
class Use {
public:
  explicit Use(nnc_session_t &session)
      : session(session), alone(!session.inUse.exchange(true)) {}
  ~Use() {
    if (alone)
      session.inUse = false;
  }
  bool isAlone() const { return alone; }

private:
  nnc_session_t &session;
  bool alone;
};

/// Every call on a session goes through here.
template <typename Body>
nnc_status_t callOn(nnc_session_t *session, Body &&body) {
  return call([&]() -> Status {
    if (!session)
      return nullArgument("session");
    Use use(*session);
    if (!use.isAlone())
      return {Code::InvalidArgument,
              "another call on this session is under way: a session is for one "
              "thread at a time"};
    return body();
  });
}

/// Fields of options that a later version has, and this one would not heed.
template <size_t count> Status checkReserved(const int64_t (&fields)[count]) {
  if (std::all_of(std::begin(fields), std::end(fields),
                  [](int64_t field) { return field == 0; }))
    return {};
  return {Code::InvalidArgument,
          "the options have a field that this version of the library does "
          "not know: start from zeros"};
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_SESSIONHANDLE_H
