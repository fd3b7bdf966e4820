// nnc bench: the time of a training step, and of each kernel in it against what
// the machine could do.
#include "tools/Data.h"
#include "tools/HeldData.h"
#include "tools/Json.h"
#include "tools/MachinePeak.h"
#include "tools/Text.h"
#include "tools/bench/TraceFile.h"
#include "tools/commands/Commands.h"

#include "runtime/AtomicFile.h"
#include "runtime/Session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

namespace nnc::tools {

using namespace runtime;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

struct BenchOptions {
  CompileRequest request;
  std::string dataFolder;
  int64_t batch = 0;
  int threads = 0;
  int warmup = 5;
  int steps = 50;
  /// Steps a timing.
  int group = 1;
  bool asJson = false;
  /// Where a trace goes; empty: nowhere.
  std::string trace;
};

struct Measurement {
  std::vector<double> stepMs;
  double compileMs = 0, firstStepMs = 0, loss = 0;
  int64_t peakBytes = 0, growthBytes = 0;
  bool dataOnDevice = false;
  Profile profile;
};

static double millisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

static int64_t residentBytes() {
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

/// Since this process started, the loader's work included (proc(5), stat, field
/// 22 in clock ticks after boot; uptime's first number in seconds).
static double processAgeMs() {
  std::ifstream file("/proc/self/stat");
  std::string stat((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 22; ++field)
    fields >> skipped;
  double startTicks = 0, uptimeSeconds = 0;
  fields >> startTicks;
  std::ifstream("/proc/uptime") >> uptimeSeconds;
  return (uptimeSeconds - startTicks / sysconf(_SC_CLK_TCK)) * 1e3;
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 ? values[half]
                           : (values[half - 1] + values[half]) / 2;
}

static int64_t numParameters(const Plan &plan) {
  int64_t sum = 0;
  for (const StateTensor &tensor : plan.state)
    if (tensor.role == Role::Parameter && !tensor.frozen)
      sum += tensor.numElements();
  return sum;
}

namespace {
/// Runs steps, each on the next batch of neighbouring samples: where a GPU
/// holds them, as in training, or else from the host.
class Steps {
public:
  /// `columns` outlive this.
  Steps(Session &session, const EntryPoint &entry, const Columns &columns,
        int64_t batch)
      : session(session), entry(entry), columns(columns), batch(batch),
        numBatches(std::max<int64_t>(1, numSamples(columns) / batch)) {}

  /// Has the device hold the samples, if it can and they fit.
  Status hold();
  bool isHeld() const { return held != nullptr; }
  Status runOne();

private:
  Session &session;
  const EntryPoint &entry;
  const Columns &columns;
  int64_t batch, numBatches, step = 0;
  std::shared_ptr<const HeldColumns> held;
  DeviceMemory order;
};
} // namespace

Status Steps::hold() {
  // Without the file of a set there may be an input, and no samples.
  if (!session.holdsSamples() || columns.empty())
    return {};
  StatusOr<int64_t> room = roomForData(session);
  if (!room.isOk() || heldBytes(columns) > *room)
    return room.status();
  auto made = HeldColumns::create(session, entry.inputs, columns);
  if (!made.isOk())
    return made.status();
  auto memory = session.allocateOrder(numSamples(columns));
  if (!memory.isOk())
    return memory.status();
  held = std::move(*made);
  order = std::move(*memory);
  std::vector<int64_t> samples(size_t(numSamples(columns)));
  std::iota(samples.begin(), samples.end(), 0);
  return session.writeOrder(order, samples);
}

Status Steps::runOne() {
  const int64_t first = step++ % numBatches * batch;
  if (!held)
    return session.run(entry, pointersAt(columns, first).data(), batch);
  return session.run(entry, {held->views(),
                             reinterpret_cast<const int64_t *>(order.data()),
                             first, batch});
}

/// Runs the steps that are timed.
static Status measure(Session &session, const EntryPoint &entry, Steps &steps,
                      const BenchOptions &options, Measurement &result) {
  auto runOne = [&] { return steps.runOne(); };
  auto waitForDevice = [&]() -> Status {
    StatusOr<double> loss = session.outputSum("loss");
    if (loss.isOk())
      result.loss = *loss;
    return loss.status();
  };
  for (int i = 0; i < std::max(options.warmup, 1); ++i) {
    if (Status status = runOne(); !status.isOk())
      return status;
    if (i > 0)
      continue;
    if (Status status = waitForDevice(); !status.isOk())
      return status;
    result.firstStepMs = processAgeMs();
  }
  if (Status status = waitForDevice(); !status.isOk())
    return status;
  for (int i = 0; i < options.steps; i += options.group) {
    Clock::time_point begin = Clock::now();
    for (int j = 0; j < options.group; ++j)
      if (Status status = runOne(); !status.isOk())
        return status;
    if (Status status = waitForDevice(); !status.isOk())
      return status;
    result.stepMs.push_back(millisecondsSince(begin) / options.group);
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  result.peakBytes = int64_t(usage.ru_maxrss) * 1024;
  if (options.asJson)
    return {};
  session.setProfile(entry, &result.profile);
  for (int i = 0; i < options.steps; ++i)
    if (Status status = runOne(); !status.isOk())
      return status;
  session.setProfile(entry, nullptr);
  return {};
}

/// 1,024 samples as the other programs of a comparison use, or one batch.
static Columns columnsFor(const Plan &plan, const EntryPoint &entry,
                          const BenchOptions &options, int64_t batch) {
  const int64_t count = std::max<int64_t>(1024, batch);
  Columns columns = loadOrInvent(plan, entry, options.request.model,
                                 options.dataFolder, count);
  return numSamples(columns) < batch ? inventInputs(entry, count)
                                     : std::move(columns);
}

/// Steps by turns without and with a trace, for what it costs; then some that
/// the file has, when the threads are awake and the caches filled.
static StatusOr<TracedSteps> traceSteps(Session &session,
                                        const EntryPoint &entry, Steps &steps,
                                        int64_t batch) {
  constexpr int numCompared = 20, numKept = 3;
  TracedSteps traced(session.numThreads());
  traced.batch = batch;
  std::vector<double> plainMs, tracedMs;
  Profile profile;
  profile.trace = &traced.trace;
  for (int i = 0; i < numCompared + numKept; ++i) {
    const bool isKept = i >= numCompared, isTraced = isKept || i % 2 == 1;
    if (i == numCompared)
      traced.trace.clear();
    session.setProfile(entry, isTraced ? &profile : nullptr);
    Clock::time_point begin = Clock::now();
    Status status = steps.runOne();
    // Waits for the device.
    if (StatusOr<double> loss = session.outputSum("loss");
        status.isOk() && !loss.isOk())
      status = loss.status();
    if (!status.isOk())
      return status;
    Clock::time_point end = Clock::now();
    if (isKept)
      traced.steps.push_back({nanoseconds(begin), nanoseconds(end)});
    else
      (isTraced ? tracedMs : plainMs)
          .push_back(
              std::chrono::duration<double, std::milli>(end - begin).count());
  }
  session.setProfile(entry, nullptr);
  traced.stepMs = median(plainMs);
  traced.tracedMs = median(tracedMs);
  return traced;
}

/// --trace: the exit status.
static int trace(Session &session, const EntryPoint &entry, int64_t batch,
                 const BenchOptions &options) {
  const Columns columns = columnsFor(session.plan(), entry, options, batch);
  Steps steps(session, entry, columns, batch);
  if (Status status = steps.hold(); !status.isOk())
    return fail(status);
  StatusOr<TracedSteps> traced = traceSteps(session, entry, steps, batch);
  if (!traced.isOk())
    return fail(traced.status());
  if (Status status = writeTrace(options.trace, options.request.model,
                                 session.plan(), entry, *traced);
      !status.isOk())
    return fail(status);
  if (!options.asJson)
    std::printf("\ntrace       %s: %zu steps; tracing, a step takes %.3f ms, "
                "%.2f times as long\n",
                printable(options.trace).c_str(), traced->steps.size(),
                traced->tracedMs,
                traced->tracedMs / std::max(traced->stepMs, 1e-9));
  return Done;
}

/// The name of a step where the model has several.
static std::string stepOf(const Plan &plan, const EntryPoint &entry) {
  return entry.name == "train_step" && plan.recipe.steps.size() == 1
             ? ""
             : entry.name;
}

static void printJson(const Plan &plan, const EntryPoint &entry,
                      const BenchOptions &options, int64_t batch, int threads,
                      const Measurement &m) {
  auto [low, high] = std::minmax_element(m.stepMs.begin(), m.stepMs.end());
  json object = {
      {"program", "nnc"},
      {"version", plan.producer},
      {"model", stemOf(options.request.model)},
      {"batch", batch},
      {"threads", threads},
      {"steps", options.steps},
      {"parameters", numParameters(plan)},
      {"step_ms",
       {{"min", *low}, {"median", median(m.stepMs)}, {"max", *high}}},
      {"compile_ms", m.compileMs},
      {"first_step_ms", m.firstStepMs},
      {"peak_bytes", m.peakBytes},
      {"growth_bytes", m.growthBytes},
      {"planned_bytes", plan.plannedBytes(threads)},
      {"loss", m.loss}};
  if (std::string step = stepOf(plan, entry); !step.empty())
    object["step"] = step;
  std::cout << toLine(object) << '\n';
}

namespace {
/// A kernel, copy or product in the table: all its phases that follow one
/// another, in all the steps of its loop.
struct Row {
  std::string name, source;
  double seconds = 0, flop = 0, bytes = 0;
};
} // namespace

/// "matmul_8x4" of the phase "matmul_8x4.pack", and "pack".
static std::pair<std::string, std::string> splitName(const std::string &name) {
  size_t dot = name.rfind('.');
  return dot == std::string::npos
             ? std::pair(name, std::string())
             : std::pair(name.substr(0, dot), name.substr(dot + 1));
}

/// Commands `first` to `last`, the phases of one kernel: its work stands at the
/// last of them, whichever does it.
static Row makeRow(const Plan &plan, const EntryPoint &entry, size_t first,
                   size_t last, int64_t steps, int64_t batch,
                   const Profile &profile) {
  const Command &command = entry.commands[last];
  Row row;
  for (size_t i = first; i <= last; ++i)
    row.seconds += profile.seconds[i] / profile.runs;
  row.flop = double(command.flop.at(batch)) * steps;
  row.bytes = double(command.trafficBytes.at(batch)) * steps;
  row.source = command.source;
  row.name = plan.nameOf(command);
  for (size_t i = first; i < last; ++i) {
    auto [stem, phase] = splitName(plan.nameOf(entry.commands[i]));
    double share =
        profile.seconds[i] / profile.runs / std::max(row.seconds, 1e-12);
    char text[32];
    std::snprintf(text, sizeof text, " %.0f%%", 100 * share);
    row.name += (i == first ? ", of it " : ", ") + phase + text;
  }
  if (steps > 1)
    row.name += ", " + std::to_string(steps) + " times";
  return row;
}

/// Whether command `i` is a phase before another of the same kernel.
static bool hasMorePhases(const Plan &plan, const EntryPoint &entry, size_t i) {
  if (i + 1 >= entry.commands.size())
    return false;
  const Command &command = entry.commands[i], &next = entry.commands[i + 1];
  return command.kind == Command::Kind::Launch && next.kind == command.kind &&
         command.flop.perBatch + command.flop.constant == 0 &&
         command.trafficBytes.perBatch + command.trafficBytes.constant == 0 &&
         splitName(plan.nameOf(command)).first ==
             splitName(plan.nameOf(next)).first;
}

/// The slowest first.
static std::vector<Row> makeRows(const Plan &plan, const EntryPoint &entry,
                                 int64_t batch, const Profile &profile) {
  std::vector<Row> rows;
  int64_t steps = 1;
  size_t endOfLoop = 0, first = 0;
  for (size_t i = 0; i < entry.commands.size(); ++i) {
    const Command &command = entry.commands[i];
    if (i >= endOfLoop)
      steps = 1;
    if (command.kind == Command::Kind::Loop) {
      steps = command.loop.steps;
      endOfLoop = i + 1 + command.loop.length;
      first = i + 1;
    } else if (i + 1 == endOfLoop || !hasMorePhases(plan, entry, i)) {
      rows.push_back(makeRow(plan, entry, first, i, steps, batch, profile));
      first = i + 1;
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) {
    return std::pair(-a.seconds, a.name) < std::pair(-b.seconds, b.name);
  });
  return rows;
}

/// The roofline: no kernel runs faster than its arithmetic at peak rate, or
/// than its traffic at peak bandwidth (Williams et al. 2009); that of a cache
/// where its data fit into one.
static std::string rooflineOf(const Row &row, const MachinePeak &peak) {
  double bound =
      std::max(row.flop / peak.flopPerSecond,
               row.bytes / peak.bytesPerSecondFor(int64_t(row.bytes)));
  char text[16];
  std::snprintf(text, sizeof text, "%.0f%%", 100 * bound / row.seconds);
  return text;
}

static void printKernelTable(const Plan &plan, const EntryPoint &entry,
                             int64_t batch, int threads, const Measurement &m) {
  // Of a GPU it is not known: the columns that need no peak are enough.
  const bool hasPeak = plan.code.target == "cpu";
  const MachinePeak peak = hasPeak ? measurePeak(threads) : MachinePeak();
  const std::vector<Row> rows = makeRows(plan, entry, batch, m.profile);
  double sum = 0;
  for (const Row &row : rows)
    sum += row.seconds;
  std::printf("\n  %8s %6s %9s %8s %9s  %s\n", "us", "share", "GFLOP/s", "GB/s",
              "roofline", "kernel");
  for (const Row &row : rows)
    std::printf("  %8.2f %5.1f%% %9.1f %8.1f %9s  %s%s%s\n", row.seconds * 1e6,
                100 * row.seconds / sum, row.flop / row.seconds / 1e9,
                row.bytes / row.seconds / 1e9,
                hasPeak ? rooflineOf(row, peak).c_str() : "-",
                printable(row.name).c_str(), row.source.empty() ? "" : "  ",
                printable(row.source).c_str());
  if (!hasPeak)
    return;
  std::printf("\npeak of this machine on %d threads: %.1f GFLOP/s (f32)",
              threads, peak.flopPerSecond / 1e9);
  for (auto [workingSet, rate] : peak.bytesPerSecond)
    std::printf(", %.1f GB/s in %s", rate / 1e9, sizeText(workingSet).c_str());
  std::printf("\n");
}

static void printText(const Plan &plan, const EntryPoint &entry, int64_t batch,
                      int threads, const Measurement &m) {
  auto [low, high] = std::minmax_element(m.stepMs.begin(), m.stepMs.end());
  const std::string step = stepOf(plan, entry);
  std::printf("%s%s, batch %lld, %d threads, %lld parameters\n",
              printable(plan.model).c_str(),
              step.empty() ? "" : (", step " + printable(step)).c_str(),
              (long long)batch, threads, (long long)numParameters(plan));
  std::printf("step        %.3f ms median (%.3f to %.3f over %zu steps)\n",
              median(m.stepMs), *low, *high, m.stepMs.size());
  std::printf("first step  %.0f ms after the start, %.0f ms of it compiling\n",
              m.firstStepMs, m.compileMs);
  std::printf("memory      %s planned, %s peak of the process\n",
              sizeText(plan.plannedBytes(threads)).c_str(),
              sizeText(m.peakBytes).c_str());
  if (m.dataOnDevice)
    std::printf("data        on the GPU, as in training\n");
  printKernelTable(plan, entry, batch, threads, m);
}

/// Measures one training step, and prints it.
static Status benchStep(Session &session, const EntryPoint &entry,
                        const BenchOptions &options, int64_t batch,
                        int64_t atStart, Measurement result) {
  const Plan &plan = session.plan();
  const Columns columns = columnsFor(plan, entry, options, batch);
  Steps steps(session, entry, columns, batch);
  if (Status status = steps.hold(); !status.isOk())
    return status;
  if (Status status = measure(session, entry, steps, options, result);
      !status.isOk())
    return status;
  result.dataOnDevice = steps.isHeld();
  result.growthBytes = result.peakBytes - atStart;
  if (options.asJson)
    printJson(plan, entry, options, batch, session.numThreads(), result);
  else
    printText(plan, entry, batch, session.numThreads(), result);
  return {};
}

/// The training steps of a round, each once.
static std::vector<const EntryPoint *> stepsOf(const Plan &plan) {
  std::vector<const EntryPoint *> steps;
  for (const TrainingStep &step : plan.recipe.steps) {
    const EntryPoint *entry = plan.findEntryPoint(step.entryPoint);
    if (std::find(steps.begin(), steps.end(), entry) == steps.end())
      steps.push_back(entry);
  }
  return steps;
}

static int bench(const BenchOptions &options) {
  // Before the steps, not after.
  if (!options.trace.empty())
    if (Status status = checkReplaceable(options.trace); !status.isOk())
      return fail(status);
  int64_t atStart = residentBytes();
  Measurement result;
  CompileRequest request = options.request;
  request.maxBatch = options.batch;
  Clock::time_point begin = Clock::now();
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  result.compileMs = millisecondsSince(begin);
  const Plan &plan = *opened.plan;
  const std::vector<const EntryPoint *> steps = stepsOf(plan);
  if (steps.empty())
    return fail(
        {Code::InvalidArgument,
         options.request.model + " has no training step: it has no loss"});
  int64_t batch = options.batch > 0
                      ? options.batch
                      : std::min(plan.recipe.batch, plan.maxBatch);
  auto session = Session::create(opened.plan,
                                 {options.threads, plan.recipe.seed, nullptr});
  if (!session.isOk())
    return fail(session.status());
  for (const EntryPoint *entry : steps) {
    if (!options.asJson && entry != steps.front())
      std::printf("\n");
    if (Status status =
            benchStep(**session, *entry, options, batch, atStart, result);
        !status.isOk())
      return fail(status);
  }
  if (!options.trace.empty())
    return trace(**session, *steps.front(), batch, options);
  return Done;
}

void addBenchCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command = app.add_subcommand(
      "bench", "measure the training step, kernel by kernel");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
  command
      ->add_option("--batch", options->batch,
                   "samples a step (default: the model's batch)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  addDataOption(*command, options->dataFolder,
                "; without the files, inputs are random");
  command->add_option("--warmup", options->warmup, "steps before the timing")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--steps", options->steps, "timed steps")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--group", options->group,
                   "steps a timing: the loss is read at the end of each")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--trace", options->trace,
                   "write what runs when in a few steps, for Perfetto or "
                   "chrome://tracing")
      ->type_name("FILE.json");
  command->add_flag("--json", options->asJson, "one JSON object on one line");
  addHelp(*command,
          "nnc bench net.nn\n"
          "nnc bench net.nn --batch 64 --threads 2 --json\n",
          "one object: program, version, model, batch, threads, steps, "
          "parameters,\n"
          "step_ms (min, median, max), compile_ms, first_step_ms (from the "
          "start of the\n"
          "process), peak_bytes and growth_bytes of the process, "
          "planned_bytes, loss; one a line for each of several training steps, "
          "with step\n");
  command->callback([options, &exit] { exit = bench(*options); });
}

} // namespace nnc::tools
