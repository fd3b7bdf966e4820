// Weights survive the way through a file; wrong files end in a message.
#include "test/runtime/TestPlan.h"

#include "runtime/Checkpoint.h"

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static std::string readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

static std::string withHeader(const std::string &header,
                              const std::string &data = "") {
  uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + data;
}

static Status openText(const std::string &content) {
  std::string path = temporaryPath("text.safetensors");
  writeFile(path, content);
  return SafetensorsFile::open(path).status();
}

static std::vector<char> bytesOf(const Session &session,
                                 const StateTensor &tensor) {
  std::vector<char> bytes(tensor.sizeBytes());
  EXPECT_TRUE(
      session.readState(tensor.name, bytes.data(), bytes.size()).isOk());
  return bytes;
}

TEST(Checkpoint, RoundTrip) {
  std::string path = temporaryPath("round.safetensors");
  auto session = openSession(linePlan(), 1, 3);
  float moments[4] = {1, 2, 3, 4};
  ASSERT_TRUE(session->writeState("w.m", moments, 16).isOk());
  ASSERT_TRUE(session->setScalar("step", 77).isOk());
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint, {{"epoch", "5\n\"x\""}})
                  .isOk());

  auto other = openSession(linePlan(), 1, 4);
  LoadReport report;
  Status status = other->load(path, SaveKind::Checkpoint, {}, &report);
  ASSERT_TRUE(status.isOk()) << status.message();
  EXPECT_EQ(report.metadata,
            (Metadata{{"epoch", "5\n\"x\""}, {"nnc.file", "checkpoint"}}));
  for (const StateTensor &tensor : session->plan().state)
    EXPECT_EQ(bytesOf(*session, tensor), bytesOf(*other, tensor))
        << tensor.name;
}

// A step on fixed samples: sample b is (b, b + 1, b + 2, b + 3) % 3.
static Status trainStep(Session &session) {
  float x[16];
  for (int i = 0; i < 16; ++i)
    x[i] = (i / 4 + i % 4) % 3;
  const uint8_t label[] = {3, 6, 3, 4};
  const void *inputs[] = {x, label};
  return session.run(*session.plan().findEntryPoint("train_step"), inputs, 4);
}

TEST(Checkpoint, StoppingDoesNotChangeABit) {
  std::string path = temporaryPath("resume.safetensors");
  auto straight = openSession(linePlan(), 2),
       stopped = openSession(linePlan(), 1);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(trainStep(*straight).isOk());
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(trainStep(*stopped).isOk());
  ASSERT_TRUE(stopped->save(path, SaveKind::Checkpoint).isOk());
  auto resumed = openSession(linePlan(), 1, 99);
  ASSERT_TRUE(resumed->load(path, SaveKind::Checkpoint).isOk());
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(trainStep(*resumed).isOk());
  for (const StateTensor &tensor : straight->plan().state)
    EXPECT_EQ(bytesOf(*straight, tensor), bytesOf(*resumed, tensor))
        << tensor.name;
}

// Killed at any moment: the file of the last complete save opens.
TEST(Checkpoint, SurvivesKilling) {
  std::string path = temporaryPath("killed.safetensors");
  std::vector<float> values(1 << 16);
  const TensorToSave tensor{"w", ElementType::F32, {1 << 16}, values.data()};
  ASSERT_TRUE(writeSafetensors(path, {tensor}, {}).isOk());
  for (int i = 0; i < 10; ++i) {
    pid_t child = fork();
    if (child == 0)
      for (;;)
        if (!writeSafetensors(path, {tensor}, {}).isOk())
          _exit(1);
    // Different moments of a save, which takes some milliseconds.
    usleep(2000 + 700 * i);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    auto file = SafetensorsFile::open(path);
    ASSERT_TRUE(file.isOk()) << file.status().message();
    EXPECT_EQ(file->tensors()[0].sizeBytes, 1 << 18);
  }
}

TEST(Checkpoint, WeightsLeaveTheRestAlone) {
  std::string path = temporaryPath("weights.safetensors");
  auto session = openSession(linePlan(), 1, 3),
       other = openSession(linePlan(), 1);
  ASSERT_TRUE(session->save(path, SaveKind::Weights).isOk());
  ASSERT_TRUE(other->setScalar("step", 5).isOk());
  ASSERT_TRUE(other->load(path, SaveKind::Weights).isOk());
  EXPECT_EQ(*other->scalar("step"), 5);
  auto file = SafetensorsFile::open(path);
  ASSERT_EQ(file->tensors().size(), 1u);
  EXPECT_EQ(file->tensors()[0].name, "w");
}

// The layout that other libraries read, byte for byte up to the padding.
TEST(Checkpoint, WritesTheFormat) {
  std::string path = temporaryPath("format.safetensors");
  float f[2] = {1, 2};
  int64_t i = 3;
  ASSERT_TRUE(writeSafetensors(path,
                               {{"f", ElementType::F32, {2}, f},
                                {"i", ElementType::I64, {}, &i}},
                               {{"k", "v"}})
                  .isOk());
  std::string content = readAll(path);
  const std::string header =
      "{\"__metadata__\":{\"k\":\"v\"},"
      "\"i\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
      "\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}";
  EXPECT_EQ(content.substr(8, header.size()), header);
  ASSERT_EQ((content.size() - 16) % 64, 0u);
  EXPECT_EQ(content.find_first_not_of(' ', 8 + header.size()),
            content.size() - 16);
  EXPECT_EQ(std::memcmp(content.data() + content.size() - 8, f, 8), 0);
  EXPECT_FALSE(std::filesystem::exists(path + ".part"));
}

TEST(Checkpoint, FailureLeavesTheOldFile) {
  std::string path = temporaryPath("kept.safetensors");
  auto session = openSession(linePlan(), 1);
  ASSERT_TRUE(session->save(path, SaveKind::Weights).isOk());
  std::string before = readAll(path);
  std::string folder = temporaryPath("folder.safetensors");
  std::filesystem::create_directory(folder);
  EXPECT_EQ(session->save(folder, SaveKind::Weights).code(), Code::IoError);
  EXPECT_EQ(readAll(path), before);
  EXPECT_EQ(
      session->save("/nonexistent/x.safetensors", SaveKind::Weights).code(),
      Code::NotFound);
}

namespace {
/// Which call of the system fails, counted from the next one on; 0: none.
int callThatFails = 0;
int errorOfThatCall = 0;

bool failsNow() {
  if (callThatFails == 0 || --callThatFails > 0)
    return false;
  errno = errorOfThatCall;
  return true;
}
} // namespace

// In place of the C library's, for the whole test program.
extern "C" {
ssize_t write(int file, const void *data, size_t size) {
  return failsNow() ? -1 : syscall(SYS_write, file, data, size);
}
int fsync(int file) { return failsNow() ? -1 : syscall(SYS_fsync, file); }
int ftruncate(int file, off_t size) noexcept {
  return failsNow() ? -1 : syscall(SYS_ftruncate, file, size);
}
int rename(const char *from, const char *to) noexcept {
  return failsNow() ? -1 : syscall(SYS_rename, from, to);
}
}

// Whichever call fails: a status, and the file is the old one or the new one.
TEST(Checkpoint, EveryFailedCallLeavesAFile) {
  std::string path = temporaryPath("faults.safetensors");
  auto session = openSession(linePlan(), 1);
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
  const std::string before = readAll(path);
  ASSERT_TRUE(session->setScalar("step", 5).isOk());
  int numFailures = 0;
  for (;; ++numFailures) {
    callThatFails = numFailures + 1;
    errorOfThatCall = numFailures % 2 ? EIO : ENOSPC;
    Status status = session->save(path, SaveKind::Checkpoint);
    bool failed = callThatFails == 0;
    callThatFails = 0;
    if (!failed) {
      EXPECT_TRUE(status.isOk()) << status.message();
      break;
    }
    EXPECT_EQ(status.code(), Code::IoError) << numFailures;
    EXPECT_NE(status.message().find(std::strerror(errorOfThatCall)),
              std::string::npos)
        << status.message();
    EXPECT_FALSE(std::filesystem::exists(path + ".part"));
    auto file = SafetensorsFile::open(path);
    ASSERT_TRUE(file.isOk()) << file.status().message();
    // The last call flushes the folder: the new file has its name by then.
    if (readAll(path) != before)
      EXPECT_NE(status.message().find("cannot flush"), std::string::npos);
  }
  // To empty, header, five tensors, flush, rename, flush the folder.
  EXPECT_EQ(numFailures, 10);
  EXPECT_NE(readAll(path), before);
}

// The system's limit on file sizes, at any byte: as a disk that is full there.
TEST(Checkpoint, AFullDiskLeavesTheOldFile) {
  std::string path = temporaryPath("full.safetensors");
  auto session = openSession(linePlan(), 1);
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
  const std::string before = readAll(path);
  for (size_t limit = 0; limit < before.size(); limit += 37) {
    pid_t child = fork();
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      rlimit bytes{limit, limit};
      setrlimit(RLIMIT_FSIZE, &bytes);
      _exit(static_cast<int>(session->save(path, SaveKind::Checkpoint).code()));
    }
    int state = 0;
    waitpid(child, &state, 0);
    EXPECT_EQ(WEXITSTATUS(state), static_cast<int>(Code::IoError)) << limit;
    EXPECT_EQ(readAll(path), before);
    EXPECT_FALSE(std::filesystem::exists(path + ".part"));
  }
}

// What a killed writer left is used again.
TEST(Checkpoint, LeftoversAreOverwritten) {
  std::string path = temporaryPath("leftover.safetensors");
  auto session = openSession(linePlan(), 1);
  writeFile(path + ".part", std::string(100000, 'x'));
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
  EXPECT_TRUE(SafetensorsFile::open(path).isOk());
  EXPECT_FALSE(std::filesystem::exists(path + ".part"));
}

// Writers of one path: each file that is ever seen is one of theirs, whole.
TEST(Checkpoint, WritersDoNotMix) {
  std::string path = temporaryPath("shared.safetensors");
  constexpr int numWriters = 4, numElements = 1 << 14;
  std::vector<pid_t> writers;
  for (int writer = 0; writer < numWriters; ++writer) {
    pid_t child = fork();
    if (child == 0) {
      // Of different sizes, so that a mixture has no right one.
      std::vector<float> values(numElements + writer, writer);
      const TensorToSave tensor{
          "w", ElementType::F32, {numElements + writer}, values.data()};
      for (int i = 0; i < 25; ++i)
        if (!writeSafetensors(path, {tensor}, {}).isOk())
          _exit(1);
      _exit(0);
    }
    writers.push_back(child);
  }
  int numSeen = 0;
  for (bool isRunning = true; isRunning;) {
    isRunning = waitpid(writers[0], nullptr, WNOHANG) == 0;
    auto file = SafetensorsFile::open(path);
    if (!file.isOk() && file.status().code() == Code::NotFound)
      continue;
    ASSERT_TRUE(file.isOk()) << file.status().message();
    const SavedTensor &tensor = file->tensors()[0];
    std::vector<float> values(tensor.shape[0]);
    ASSERT_TRUE(file->read(tensor, values.data()).isOk());
    for (float value : values)
      ASSERT_EQ(value, tensor.shape[0] - numElements);
    ++numSeen;
  }
  EXPECT_GT(numSeen, 0);
  for (int writer = 1; writer < numWriters; ++writer) {
    int state = 0;
    waitpid(writers[writer], &state, 0);
    EXPECT_EQ(state, 0);
  }
  EXPECT_FALSE(std::filesystem::exists(path + ".part"));
}

TEST(Checkpoint, NamesEverythingThatDiffers) {
  std::string path = temporaryPath("other.safetensors");
  auto session = openSession(linePlan(), 1);
  float values[6] = {};
  ASSERT_TRUE(writeSafetensors(path,
                               {{"w", ElementType::F32, {2, 2}, values},
                                {"v", ElementType::F32, {1}, values},
                                {"u", ElementType::F32, {1}, values}},
                               {})
                  .isOk());
  Status status = session->load(path, SaveKind::Checkpoint);
  EXPECT_EQ(status.code(), Code::InvalidFile);
  EXPECT_EQ(status.message(),
            path + ": the tensors are not this plan's: missing: "
                   "'nnc.optimizer/w.m', 'nnc.scalar/seed', 'nnc.scalar/step', "
                   "'nnc.scalar/learning_rate'; not in the plan: 'v', 'u'; of "
                   "another shape or type: 'w' is f32[4], the file has "
                   "f32[2, 2]");
  // Neither is anything changed.
  EXPECT_EQ(session->load(path, SaveKind::Weights, {Matching::AllowMissing})
                .message(),
            path + ": the tensors are not this plan's: of another shape or "
                   "type: 'w' is f32[4], the file has f32[2, 2]");
  EXPECT_NE(bytesOf(*session, session->plan().state[0]), std::vector<char>(16));
}

TEST(Checkpoint, ConvertsWeightsThatStayExact) {
  std::string path = temporaryPath("converted.safetensors");
  auto session = openSession(linePlan(), 1);
  const StateTensor &w = session->plan().state[0];
  double wide[4] = {1.5, -2.25, 0.1f, 0x1p-149};
  ASSERT_TRUE(
      writeSafetensors(path, {{"w", ElementType::F64, {4}, wide}}, {}).isOk());
  ASSERT_TRUE(session->load(path, SaveKind::Weights).isOk());
  float found[4];
  ASSERT_TRUE(session->readState("w", found, sizeof found).isOk());
  EXPECT_EQ(std::vector<float>(found, found + 4),
            std::vector<float>(wide, wide + 4));
  // 1.5 and -2 in bf16: the upper halves of these in f32.
  uint16_t narrow[4] = {0x3fc0, 0xc000, 0, 0x7f80};
  ASSERT_TRUE(
      writeSafetensors(path, {{"w", ElementType::BF16, {4}, narrow}}, {})
          .isOk());
  ASSERT_TRUE(session->load(path, SaveKind::Weights).isOk());
  ASSERT_TRUE(session->readState("w", found, sizeof found).isOk());
  EXPECT_EQ(std::vector<float>(found, found + 4),
            (std::vector<float>{1.5f, -2, 0, INFINITY}));
  // Nothing is changed where one number would be.
  std::vector<char> before = bytesOf(*session, w);
  wide[2] = 0.1;
  ASSERT_TRUE(
      writeSafetensors(path, {{"w", ElementType::F64, {4}, wide}}, {}).isOk());
  Status status = session->load(path, SaveKind::Weights);
  EXPECT_EQ(status.code(), Code::InvalidFile);
  EXPECT_EQ(status.message(),
            path + ": element 2 of 'w' is 0.10000000000000001, of type f64; "
                   "the plan has it in f32, which does not hold it exactly");
  EXPECT_EQ(bytesOf(*session, w), before);
}

// The format has types that nnc lacks; other tensors of the file are read.
TEST(Checkpoint, ForeignTypesAreNamed) {
  std::string path = temporaryPath("foreign.safetensors");
  auto session = openSession(linePlan(), 1);
  writeFile(path, withHeader(R"({"w":{"dtype":"F32","shape":[4],)"
                             R"("data_offsets":[0,16]},)"
                             R"("q":{"dtype":"I8","shape":[3],)"
                             R"("data_offsets":[16,19]}})",
                             std::string(19, '\0')));
  EXPECT_EQ(session->load(path, SaveKind::Weights).message(),
            path + ": the tensors are not this plan's: not in the plan: 'q'");
  EXPECT_TRUE(
      session->load(path, SaveKind::Weights, {Matching::AllowMissing}).isOk());
  writeFile(path, withHeader(R"({"w":{"dtype":"I8","shape":[4],)"
                             R"("data_offsets":[0,4]}})",
                             std::string(4, '\0')));
  EXPECT_EQ(session->load(path, SaveKind::Weights).message(),
            path + ": the tensors are not this plan's: of another shape or "
                   "type: 'w' is f32[4], the file has I8[4]");
}

// The same number of bytes, and still another tensor.
TEST(Checkpoint, TypesAreCompared) {
  std::string path = temporaryPath("type.safetensors");
  auto session = openSession(linePlan(), 1);
  int32_t values[4] = {};
  ASSERT_TRUE(writeSafetensors(path, {{"w", ElementType::I32, {4}, values}}, {})
                  .isOk());
  EXPECT_EQ(session->load(path, SaveKind::Weights).message(),
            path + ": the tensors are not this plan's: of another shape or "
                   "type: 'w' is f32[4], the file has i32[4]");
}

TEST(Checkpoint, AllowMissingReadsWhatIsShared) {
  std::string path = temporaryPath("partial.safetensors");
  PlanSource source = linePlan();
  source.state.push_back({"head", Role::Parameter, ElementType::F32, {2}, 320});
  source.stateBytes = 384;
  auto session = openSession(source, 1);
  float head[2] = {5, 6}, values[4] = {1, 2, 3, 4};
  ASSERT_TRUE(session->writeState("head", head, 8).isOk());
  ASSERT_TRUE(writeSafetensors(path,
                               {{"old", ElementType::F32, {4}, values},
                                {"w", ElementType::F32, {4}, values}},
                               {})
                  .isOk());
  EXPECT_EQ(session->load(path, SaveKind::Weights).code(), Code::InvalidFile);
  LoadReport report;
  Status status =
      session->load(path, SaveKind::Weights, {Matching::AllowMissing}, &report);
  ASSERT_TRUE(status.isOk()) << status.message();
  EXPECT_EQ(report.missing, std::vector<std::string>{"head"});
  EXPECT_EQ(report.extra, std::vector<std::string>{"old"});
  float read[4];
  ASSERT_TRUE(session->readState("w", read, 16).isOk());
  EXPECT_EQ(std::memcmp(read, values, 16), 0);
  ASSERT_TRUE(session->readState("head", read, 8).isOk());
  EXPECT_EQ(std::memcmp(read, head, 8), 0);

  // A file of which nothing fits is the wrong file.
  ASSERT_TRUE(
      writeSafetensors(path, {{"old", ElementType::F32, {4}, values}}, {})
          .isOk());
  EXPECT_EQ(session->load(path, SaveKind::Weights, {Matching::AllowMissing})
                .message(),
            path + ": the tensors are not this plan's: missing: 'w', 'head'; "
                   "not in the plan: 'old'");
}

// Its optimizer state and scalars are not weights that the plan lacks.
TEST(Checkpoint, ReadsTheWeightsOfACheckpoint) {
  std::string path = temporaryPath("both.safetensors");
  auto session = openSession(linePlan(), 1, 3),
       other = openSession(linePlan(), 1, 4);
  ASSERT_TRUE(session->setScalar("step", 9).isOk());
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
  Status status = other->load(path, SaveKind::Weights);
  ASSERT_TRUE(status.isOk()) << status.message();
  EXPECT_EQ(*other->scalar("step"), 0);
  float mine[4], theirs[4];
  ASSERT_TRUE(session->readState("w", mine, 16).isOk());
  ASSERT_TRUE(other->readState("w", theirs, 16).isOk());
  EXPECT_EQ(std::memcmp(mine, theirs, 16), 0);
}

TEST(Checkpoint, WritesNothingThatOthersCannotRead) {
  std::string path = temporaryPath("text.safetensors");
  float value = 0;
  const TensorToSave w{"w", ElementType::F32, {}, &value};
  TensorToSave metadata = w;
  metadata.name = "__metadata__";
  EXPECT_EQ(writeSafetensors(path, {metadata}, {}).message(),
            "no tensor can have the name '__metadata__', a key of the header");
  EXPECT_EQ(writeSafetensors(path, {w, w}, {}).message(),
            "two tensors to save have the name 'w'");
  // Cut off, too long, half of a pair, beyond the last.
  for (const char *wrong : {"\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\xff"})
    EXPECT_EQ(writeSafetensors(path, {w}, {{"k", wrong}}).code(),
              Code::InvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(path));
  const std::string right = "\u00e9 \u20ac \U0001f600";
  ASSERT_TRUE(writeSafetensors(path, {w}, {{"k", right}}).isOk());
  EXPECT_EQ(SafetensorsFile::open(path)->metadata().at("k"), right);
}

TEST(Checkpoint, SurvivesTruncationAndChange) {
  std::string path = temporaryPath("whole.safetensors");
  auto session = openSession(linePlan(), 1);
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
  const std::string content = readAll(path);
  // Not every one: each is a file, and a slow disk makes them seconds.
  for (size_t length = 0; length < content.size(); length += 7)
    EXPECT_EQ(openText(content.substr(0, length)).code(), Code::InvalidFile);
  size_t headerEnd = content.find_last_of('}') + 1;
  for (size_t i = 0; i < headerEnd; ++i) {
    std::string changed = content;
    changed[i] ^= 1;
    Status status = openText(changed);
    EXPECT_TRUE(status.isOk() || !status.message().empty());
  }
}

namespace {
struct WrongHeader {
  const char *name;
  const char *header;
  const char *message;
};
} // namespace

// Each is followed by eight bytes of data.
static const WrongHeader wrongHeaders[] = {
    {"Empty", "", "byte 0: expected '{', found the end of the header"},
    {"NotClosed", R"({"a":{"dtype":"F32")", "found the end of the header"},
    {"Trailing", R"({} x)",
     "byte 3: expected the end of the header, found 'x'"},
    {"UnknownType", R"({"a":{"dtype":"F8","shape":[8],"data_offsets":[0,8]}})",
     "tensor 'a' is of type 'F8', which nnc does not know"},
    {"ForeignSizeDiffers",
     R"({"a":{"dtype":"I16","shape":[2,2],"data_offsets":[0,6]}})",
     "tensor 'a' is I16[2, 2], which needs 8 bytes, and has 6"},
    {"UnknownField", R"({"a":{"stride":[1]}})",
     "tensor 'a' has an unknown field 'stride'"},
    {"MissingField", R"({"a":{"dtype":"F32","shape":[2]}})",
     "needs 'dtype', 'shape' and 'data_offsets'"},
    {"FieldTwice", R"({"a":{"dtype":"F32","dtype":"F32"}})",
     "'dtype' stands twice"},
    {"TensorTwice",
     R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{}})",
     "'a' stands twice"},
    {"SizeDiffers", R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
     "tensor 'a' is f32[3], which needs 12 bytes, and has 8"},
    {"ShapeOverflows",
     R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
     "more elements than any memory holds"},
    {"NumberOverflows", R"({"a":{"shape":[99999999999999999999]}})",
     "the number is beyond 63 bits"},
    {"NegativeNumber", R"({"a":{"shape":[-1]}})",
     "expected a whole number of 0 or more, found '-'"},
    {"OffsetsReversed", R"({"a":{"data_offsets":[8,0]}})",
     "needs a begin and an end"},
    {"BeyondTheData",
     R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})",
     "ends at byte 0 + 16 of the data, of which there are 8"},
    {"Gap", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
     "begins at byte 4 of the data, expected 0"},
    {"Overlap",
     R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
     "tensor 'b' begins at byte 4 of the data, expected 8"},
    {"DataLeft", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
     "the tensors take 4 bytes of the data, of which there are 8"},
    {"ControlCharacter", "{\"a\n", "a control character in a string"},
    {"HalfSurrogate", R"({"\ud800":{}})", "half of a surrogate pair"},
    {"WrongEscape", R"({"\q":{}})", "unknown escape 'q'"},
    {"MetadataIsNoText", R"({"__metadata__":{"a":1}})",
     "expected '\"', found '1'"},
};

class WrongHeaderTest : public testing::TestWithParam<WrongHeader> {};

TEST_P(WrongHeaderTest, IsRefused) {
  Status status = openText(withHeader(GetParam().header, "12345678"));
  EXPECT_EQ(status.code(), Code::InvalidFile);
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos)
      << status.message();
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, WrongHeaderTest,
                         testing::ValuesIn(wrongHeaders), [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST(Checkpoint, RefusesAHugeHeader) {
  std::string content = withHeader("{}");
  std::memset(content.data(), 0xff, 8);
  EXPECT_EQ(openText(content).code(), Code::InvalidFile);
}

TEST(Checkpoint, ReadsEscapes) {
  std::string path = temporaryPath("escapes.safetensors");
  writeFile(path,
            withHeader(R"({"__metadata__":{"k":"\u00e9\ud83d\ude00\n\/"}})"));
  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.isOk()) << file.status().message();
  EXPECT_EQ(file->metadata().at("k"), "\xc3\xa9\xf0\x9f\x98\x80\n/");
}
