// The JSON of the Trace Event Format: complete events ("X"), one a slice, and
// metadata ("M") that names the tracks ("Trace Event Format", Google, 2016).
#include "tools/bench/TraceFile.h"

#include "tools/Json.h"
#include "tools/SourcePlace.h"

#include "runtime/AtomicFile.h"

#include <algorithm>

namespace nnc::tools {

using namespace runtime;
using json = nlohmann::ordered_json;

namespace {

/// Tracks of the one process, in the order in which they are shown.
constexpr int stepsTrack = 1, commandsTrack = 2, firstThreadTrack = 3;

class TraceWriter {
public:
  TraceWriter(AtomicFile &file, const std::string &model, const Plan &plan,
              const EntryPoint &entry, const TracedSteps &traced)
      : file(file), lines(readProgram(model)), model(model), plan(plan),
        entry(entry), traced(traced),
        origin(traced.steps.empty() ? 0 : traced.steps.front().begin) {}

  Status write();

private:
  void open();
  void nameTracks();
  void addSteps();
  void addCommands();
  void addParts();
  void addWaits();

  void addName(const char *what, int track, const std::string &name);
  void addSlice(int track, const std::string &name, const std::string &category,
                int64_t begin, int64_t end, json arguments);
  void addEvent(const json &event);
  json describe(const TraceSlice &slice) const;
  json describeWork(const TraceSlice &slice) const;
  const Command &commandOf(const TraceSlice &slice) const {
    return entry.commands[slice.command];
  }

  AtomicFile &file;
  std::vector<std::string> lines;
  const std::string &model;
  const Plan &plan;
  const EntryPoint &entry;
  const TracedSteps &traced;
  int64_t origin;
  std::string pending;
  bool isFirst = true;
  Status status;
};

} // namespace

void TraceWriter::addEvent(const json &event) {
  pending += isFirst ? "\n" : ",\n";
  pending += toLine(event);
  isFirst = false;
  constexpr size_t enough = 1 << 20;
  if (pending.size() < enough || !status.isOk())
    return;
  status = file.write(pending.data(), int64_t(pending.size()));
  pending.clear();
}

void TraceWriter::addName(const char *what, int track,
                          const std::string &name) {
  addEvent({{"ph", "M"},
            {"pid", 1},
            {"tid", track},
            {"name", what},
            {"args", {{"name", name}}}});
}

/// Times of the format are in microseconds.
void TraceWriter::addSlice(int track, const std::string &name,
                           const std::string &category, int64_t begin,
                           int64_t end, json arguments) {
  addEvent({{"ph", "X"},
            {"pid", 1},
            {"tid", track},
            {"name", name},
            {"cat", category},
            {"ts", double(begin - origin) / 1e3},
            {"dur", double(std::max<int64_t>(0, end - begin)) / 1e3},
            {"args", std::move(arguments)}});
}

/// Where a command comes from.
json TraceWriter::describe(const TraceSlice &slice) const {
  const Command &command = commandOf(slice);
  json about{{"command", slice.command}};
  if (command.source.empty())
    return about;
  about["source"] = command.source;
  std::optional<SourcePlace> place = parsePlace(command.source);
  if (place && place->file == model && size_t(place->line) <= lines.size()) {
    const std::string &line = lines[place->line - 1];
    about["line"] =
        line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
  }
  return about;
}

/// But for products of a library, a kernel's work stands at its last phase.
json TraceWriter::describeWork(const TraceSlice &slice) const {
  const Command &command = commandOf(slice);
  json about = describe(slice);
  const double flop = double(command.flop.at(traced.batch));
  const double bytes = double(command.trafficBytes.at(traced.batch));
  const double ns = double(std::max<int64_t>(1, slice.end - slice.begin));
  if (flop > 0) {
    about["flop"] = flop;
    about["GFLOP/s"] = flop / ns;
  }
  if (bytes > 0) {
    about["bytes"] = bytes;
    about["GB/s"] = bytes / ns;
  }
  if (command.kind == Command::Kind::Launch)
    about["extent"] = command.extent.at(traced.batch);
  if (command.isAgain)
    about["again"] = true;
  if (const std::string &refusal = plan.refusalOf(command); !refusal.empty())
    about["slow"] = refusal;
  return about;
}

void TraceWriter::open() {
  json about{{"program", plan.producer}, {"model", plan.model},
             {"batch", traced.batch},    {"target", plan.code.target},
             {"step_ms", traced.stepMs}, {"traced_step_ms", traced.tracedMs}};
  pending = "{\"displayTimeUnit\":\"ns\",\"otherData\":" + toLine(about) +
            ",\"traceEvents\":[";
}

void TraceWriter::nameTracks() {
  addName("process_name", 0,
          plan.model + ", batch " + std::to_string(traced.batch));
  addName("thread_name", stepsTrack, "steps");
  addName("thread_name", commandsTrack,
          plan.code.target == "cuda" ? "GPU stream" : "commands");
  for (size_t i = 0; i < traced.trace.parts.size(); ++i)
    if (!traced.trace.parts[i].empty())
      addName("thread_name", firstThreadTrack + int(i),
              "thread " + std::to_string(i));
  for (int track = stepsTrack;
       track < firstThreadTrack + int(traced.trace.parts.size()); ++track)
    addEvent({{"ph", "M"},
              {"pid", 1},
              {"tid", track},
              {"name", "thread_sort_index"},
              {"args", {{"sort_index", track}}}});
}

void TraceWriter::addSteps() {
  int number = 0;
  for (const TracedSteps::Step &step : traced.steps)
    addSlice(stepsTrack, "step " + std::to_string(number++), "step", step.begin,
             step.end, json::object());
}

void TraceWriter::addCommands() {
  for (const TraceSlice &slice : traced.trace.commands)
    addSlice(commandsTrack, plan.nameOf(commandOf(slice)),
             plan.kindOf(commandOf(slice)), slice.begin, slice.end,
             describeWork(slice));
}

void TraceWriter::addParts() {
  for (size_t i = 0; i < traced.trace.parts.size(); ++i)
    for (const TraceSlice &slice : traced.trace.parts[i]) {
      json about = describe(slice);
      about["first"] = slice.first;
      about["last"] = slice.last;
      addSlice(firstThreadTrack + int(i), plan.nameOf(commandOf(slice)),
               plan.kindOf(commandOf(slice)), slice.begin, slice.end,
               std::move(about));
    }
}

/// From a thread's last part of a command to when all threads are done with it:
/// the next command begins behind that barrier.
void TraceWriter::addWaits() {
  for (size_t i = 0; i < traced.trace.parts.size(); ++i) {
    const std::vector<TraceSlice> &parts = traced.trace.parts[i];
    auto part = parts.begin();
    for (const TraceSlice &whole : traced.trace.commands) {
      int64_t done = 0;
      for (; part != parts.end() && part->begin < whole.end; ++part)
        if (part->begin >= whole.begin)
          done = part->end;
      if (done > 0 && done < whole.end)
        addSlice(firstThreadTrack + int(i), "wait", "barrier", done, whole.end,
                 {{"command", whole.command}});
    }
  }
}

Status TraceWriter::write() {
  open();
  nameTracks();
  addSteps();
  addCommands();
  addParts();
  addWaits();
  pending += "\n]}\n";
  if (!status.isOk())
    return status;
  return file.write(pending.data(), int64_t(pending.size()));
}

Status writeTrace(const std::string &path, const std::string &model,
                  const Plan &plan, const EntryPoint &entry,
                  const TracedSteps &traced) {
  StatusOr<AtomicFile> file = AtomicFile::create(path);
  if (!file.isOk())
    return file.status();
  if (Status status = TraceWriter(*file, model, plan, entry, traced).write();
      !status.isOk())
    return status;
  return file->commit();
}

} // namespace nnc::tools
