// Sounds in WAV files, with classes and transcripts.
#include "test/runtime/data/ReadFor.h"

#include "runtime/data/Preparation.h"
#include "runtime/data/WavFile.h"

#include <cmath>
#include <filesystem>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static const TensorInfo sound = input("sound", ElementType::F32, {-1, 4});
static const TensorInfo soundLength = input("length", ElementType::I32, {-1});
static const TensorInfo words = input("words", ElementType::I32, {-1, 3});
static const TensorInfo numWords = input("count", ElementType::I32, {-1});
static const TensorInfo kind = input("label", ElementType::I32, {-1});

template <typename T> static std::string bytesOf(T value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof value);
}

static std::string chunk(const char *name, const std::string &content) {
  return std::string(name, 4) + bytesOf(uint32_t(content.size())) + content +
         std::string(content.size() & 1, '\0');
}

/// A file with a chunk of another kind before the samples.
static std::string wav(const std::string &samples, uint16_t form = 1,
                       uint16_t channels = 1, uint32_t rate = 8,
                       uint16_t bits = 16) {
  const uint16_t frameBytes = uint16_t(channels * bits / 8);
  const std::string format = bytesOf(form) + bytesOf(channels) + bytesOf(rate) +
                             bytesOf(rate * frameBytes) + bytesOf(frameBytes) +
                             bytesOf(bits);
  const std::string content = "WAVE" + chunk("fmt ", format) +
                              chunk("LIST", "odd") + chunk("data", samples);
  return chunk("RIFF", content);
}

static std::string pcm(std::initializer_list<int> values) {
  std::string bytes;
  for (int value : values)
    bytes += bytesOf(int16_t(value));
  return bytes;
}

static std::vector<float> soundOf(const Column &column, int64_t index) {
  std::vector<float> values(size_t(column.sampleShape[0]));
  Workspace work;
  Status status = writeSample(column, index, nullptr, work,
                              reinterpret_cast<uint8_t *>(values.data()));
  EXPECT_TRUE(status.isOk()) << status.message();
  return values;
}

static std::vector<int32_t> idsOf(const Column &column) {
  std::vector<int32_t> values(column.data.size() / sizeof(int32_t));
  std::memcpy(values.data(), column.data.data(), column.data.size());
  return values;
}

using Ids = std::vector<int32_t>;

TEST(Wav, FoldersAreClasses) {
  for (const char *name : {"sounds/no", "sounds/yes"})
    std::filesystem::create_directories(temporaryPath(name));
  writeFile(temporaryPath("sounds/yes/a.wav"), wav(pcm({-32768, 16384})));
  writeFile(temporaryPath("sounds/no/b.wav"), wav(pcm({1, 2, 3, 4, 5, 6})));
  auto read =
      readFor({sound, kind}, "wav",
              {{"path", "sounds"}, {"rate", "8"}, {"truncate", "begin"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  constexpr float unit = 1 / 32768.0f;
  EXPECT_EQ(soundOf((*read)[0], 0),
            (std::vector<float>{3 * unit, 4 * unit, 5 * unit, 6 * unit}));
  EXPECT_EQ(soundOf((*read)[0], 1), (std::vector<float>{-1, 0.5, 0, 0}));
  EXPECT_EQ(idsOf((*read)[1]), (Ids{0, 1}));
  EXPECT_EQ((*read)[1].classes, (std::vector<std::string>{"no", "yes"}));
}

TEST(Wav, ATableHasTranscripts) {
  std::filesystem::create_directories(temporaryPath("talk"));
  const std::string floats =
      bytesOf(0.5f) + bytesOf(-0.25f) + bytesOf(1.0f) + bytesOf(0.0f);
  // Two channels become their mean.
  writeFile(temporaryPath("talk/a.wav"), wav(floats, 3, 2, 8, 32));
  writeFile(temporaryPath("talk/b.wav"), wav(pcm({0, 0, 0})));
  writeFile(temporaryPath("talk/list.tsv"), "a.wav\tab\nb.wav\tb\n");
  auto read = readFor(
      {sound, soundLength, words, numWords}, "wav",
      {{"path", "talk/list.tsv"}, {"rate", "8"}, {"tokenizer", "character"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(soundOf((*read)[0], 0), (std::vector<float>{0.125, 0.5, 0, 0}));
  EXPECT_EQ(idsOf((*read)[1]), (Ids{2, 3}));
  EXPECT_EQ(idsOf((*read)[2]), (Ids{3, 2, 0, 2, 0, 0}));
  EXPECT_EQ(idsOf((*read)[3]), (Ids{2, 1}));
}

TEST(Wav, WrongFilesAreErrors) {
  const std::string right = wav(pcm({1, 2}));
  std::string late = "WAVE" + chunk("data", pcm({1}));
  const struct {
    std::string content;
    const char *message;
  } cases[] = {
      {"", "no WAV file: it does not begin with RIFF and WAVE"},
      {right.substr(0, 30), "cut off: a part of 16 bytes begins at byte 20"},
      {right.substr(0, right.size() - 1), "cut off: a part of 4 bytes begins"},
      {right.substr(0, 36), "cut off before its samples"},
      {wav(pcm({1}), 1, 1, 8, 8), "samples of form 1 and 8 bits, expected PCM"},
      {wav(pcm({1}), 1, 0), "0 channels, expected 1 to 64"},
      {wav(pcm({1}), 1, 1, 0), "0 samples a second"},
      {wav(pcm({1}), 1, 1, 16), "16 samples a second, the model takes 8"},
      {wav(pcm({1, 2, 3, 4, 5})), "5 samples, the input takes 4"},
      {chunk("RIFF", late), "its samples come before their format"},
  };
  for (const auto &[content, message] : cases) {
    writeFile(temporaryPath("x.wav"), content);
    expectFailure(readFor({sound}, "wav", {{"path", "x.wav"}, {"rate", "8"}}),
                  Code::InvalidFile, message);
  }
  // The values of a sound are looked at when it is read.
  writeFile(temporaryPath("x.wav"), wav(bytesOf(HUGE_VALF), 3, 1, 8, 32));
  auto read = readFor({sound}, "wav", {{"path", "x.wav"}, {"rate", "8"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_NE(inMemory(std::move((*read)[0]))
                .status()
                .message()
                .find("x.wav: sample 0 is not finite"),
            std::string::npos);
}

TEST(Wav, WrongArgumentsAreErrors) {
  writeFile(temporaryPath("x.wav"), wav(pcm({1})));
  writeFile(temporaryPath("list.tsv"), "x.wav\tabcd\n");
  writeFile(temporaryPath("none.tsv"), "y.wav\tab\n");
  const struct {
    std::vector<TensorInfo> inputs;
    Arguments arguments;
    const char *message;
  } cases[] = {
      {{sound}, {{"path", "x.wav"}}, "wav: give 'rate'"},
      {{words},
       {{"path", "x.wav"}, {"rate", "8"}},
       "wav fills samples such as"},
      {{sound, kind, words, numWords, soundLength},
       {{"path", "x.wav"}, {"rate", "8"}},
       "the binding names 5 inputs; say what they are given, as in gives = "
       "[\"samples\", "},
      {{sound, soundLength, words, numWords},
       {{"path", "list.tsv"}, {"rate", "8"}, {"tokenizer", "byte"}},
       "list.tsv:1: 4 tokens, the input takes 3"},
      {{sound, soundLength, words, numWords},
       {{"path", "none.tsv"}, {"rate", "8"}, {"tokenizer", "byte"}},
       "none.tsv:1: "},
  };
  for (const auto &[inputs, arguments, message] : cases) {
    auto read = readFor(inputs, "wav", arguments);
    ASSERT_FALSE(read.isOk()) << message;
    EXPECT_NE(read.status().message().find(message), std::string::npos)
        << read.status().message();
  }
}
