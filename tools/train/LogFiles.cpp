// Appends lines as JSON.
#include "tools/train/LogFiles.h"

#include "tools/LogLines.h"
#include "tools/Output.h"
#include "tools/train/Records.h"
#include "tools/train/Run.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace nnc::tools {

using namespace runtime;
using nlohmann::json;

static Status failure(const std::string &path) {
  return {Code::IoError, path + ": cannot be written: " + std::strerror(errno)};
}

/// Whether a line belongs to what the run has behind it. The test at the end of
/// a run does not: it comes again.
static bool isBehind(const std::string &line, const char *key, int64_t last) {
  json record = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object() || record.contains("test_loss"))
    return false;
  auto number = record.find(key);
  return number != record.end() && number->is_number() &&
         number->get<double>() <= double(last);
}

/// The number of bytes that the lines to keep take, from the start.
static int64_t bytesToKeep(const std::string &path, const char *key,
                           int64_t last) {
  int64_t bytes = 0;
  if (last <= 0)
    return bytes;
  // Lines that cannot be read are no run's, and go.
  (void)readLogLines(path, [&](const std::string &line, int64_t) {
    bool isKept = isBehind(line, key, last);
    bytes += isKept ? int64_t(line.size()) + 1 : 0;
    return isKept;
  });
  return bytes;
}

static Status continueFile(std::ofstream &file, const std::string &path,
                           const char *key, int64_t last) {
  int64_t bytes = bytesToKeep(path, key, last);
  if (truncate(path.c_str(), bytes) != 0 && errno != ENOENT)
    return failure(path);
  file.open(path, std::ios::app);
  return file ? Status() : failure(path);
}

/// The lines of two runs in one file would be of no use. Where a file system
/// knows no locks, there is none.
Status LogFiles::takeFolder() {
  lock = OpenFile(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0 || flock(lock.get(), LOCK_EX | LOCK_NB) == 0 ||
      errno != EWOULDBLOCK)
    return {};
  return {Code::InvalidArgument,
          folder + ": another run writes its log there; give each a folder of "
                   "its own"};
}

Status LogFiles::begin(const TrainRun &run) {
  if (Status status = makeFolder(folder); !status.isOk())
    return status;
  if (Status status = takeFolder(); !status.isOk())
    return status;
  if (Status status = continueFile(epochs, folder + "/log.jsonl", "epoch",
                                   run.position.epoch - 1);
      !status.isOk())
    return status;
  return continueFile(steps, folder + "/steps.jsonl", "step", stepsOf(run));
}

void LogFiles::step(const StepRecord &record) {
  steps << toLine(toJson(record)) << '\n';
}

void LogFiles::epoch(const EpochRecord &record) {
  epochs << toLine(toJson(record)) << '\n';
}

void LogFiles::test(const TestRecord &record) {
  epochs << toLine(toJson(record)) << '\n';
}

Status LogFiles::flush() {
  if (epochs.flush() && steps.flush())
    return {};
  return failure(folder);
}

Status LogFiles::end(const EndRecord &) {
  Status status = flush();
  epochs.close(), steps.close();
  return status;
}

} // namespace nnc::tools
