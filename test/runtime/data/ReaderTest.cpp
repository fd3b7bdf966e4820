// Data files of every format, right and wrong ones.
#include "test/runtime/data/ReadFor.h"

#include "runtime/data/Npy.h"
#include "runtime/data/Preparation.h"
#include "runtime/data/Reader.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <zlib.h>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static std::string bytes(std::initializer_list<int> values) {
  std::string result;
  for (int value : values)
    result += static_cast<char>(value);
  return result;
}

// Three labels 0, 9, 4.
static std::string idxLabels() {
  return bytes({0, 0, 8, 1, 0, 0, 0, 3, 0, 9, 4});
}

TEST(Idx, ReadsPlainAndCompressed) {
  writeFile(temporaryPath("labels"), idxLabels());
  writeGzip(temporaryPath("packed.gz"), idxLabels());
  // The last is found by its other spelling.
  for (const char *path : {"labels", "packed.gz", "packed", "labels.gz"}) {
    auto read = readFor({label}, "idx", {{"path", path}});
    ASSERT_TRUE(read.isOk()) << read.status().message();
    const Column &column = (*read)[0];
    EXPECT_EQ(column.numSamples, 3);
    EXPECT_EQ(column.sampleShape, Shape());
    EXPECT_EQ(std::memcmp(column.data.data(), "\0\x09\x04", 3), 0);
  }
}

TEST(Idx, ReadsBigEndianFloats) {
  writeFile(temporaryPath("floats"),
            bytes({0, 0, 13,   2,    0, 0, 0,    1, 0, 0,
                   0, 2, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0}));
  auto read = readFor({numbers}, "idx", {{"path", "floats"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(floats((*read)[0]), (std::vector<float>{1, -2}));
}

TEST(Idx, StopsAfterTheMostSamples) {
  writeFile(temporaryPath("labels"), idxLabels());
  auto read = readFor({label}, "idx", {{"path", "labels"}}, 2);
  ASSERT_TRUE(read.isOk());
  EXPECT_EQ((*read)[0].numSamples, 2);
}

TEST(Idx, RefusesWrongFiles) {
  struct {
    std::string content;
    const char *message;
  } cases[] = {
      {"", "ends at byte 0 in the header, expected 4 bytes"},
      {"text", "not an IDX file"},
      {bytes({0, 0, 9, 1, 0, 0, 0, 1, 5}), "byte 2: element type 9, expected"},
      {bytes({0, 0, 8, 1, 0, 0}), "ends at byte 6 in the header"},
      {bytes({0, 0, 8, 1, 0, 0, 0, 3, 1}), "too short for u8[3]"},
      {bytes({0, 0, 8, 1, 0, 0, 0, 1, 1, 2}),
       "has more bytes than its header says, from byte 9 on"},
      {bytes({0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 1}),
       "holds u8[1, 1], input 'label' is u8[batch]"},
      {bytes({0, 0, 8, 0, 1}), "holds a single number"},
      {bytes({0, 0, 8, 1, 0, 0, 0, 2, 3, 10}),
       "sample 1 has 10 for input 'label', expected 0 to 9"},
      {bytes({0, 0, 8, 1, 0, 0, 0, 0}), "the train data has no samples"},
      {bytes({0, 0, 8, 1, 255, 255, 255, 255}), "too short for u8[4294967295]"},
  };
  for (const auto &wrong : cases) {
    writeFile(temporaryPath("wrong"), wrong.content);
    expectFailure(readFor({label}, "idx", {{"path", "wrong"}}),
                  Code::InvalidFile, wrong.message);
  }
}

TEST(Idx, RefusesSizesThatOverflow) {
  std::string content = bytes({0, 0, 8, 4});
  for (int i = 0; i < 16; ++i)
    content += '\xff';
  writeFile(temporaryPath("wrong"), content);
  expectFailure(readFor({input("x", ElementType::U8,
                               {-1, 0xffffffff, 0xffffffff, 0xffffffff})},
                        "idx", {{"path", "wrong"}}),
                Code::InvalidFile, "too short for u8[4294967295, ");
}

TEST(Idx, RefusesDamagedCompression) {
  std::string path = temporaryPath("cut.gz");
  writeGzip(path, idxLabels());
  std::string packed(64, '\0');
  std::FILE *file = std::fopen(path.c_str(), "rb");
  packed.resize(std::fread(packed.data(), 1, packed.size(), file));
  std::fclose(file);
  for (size_t length = 0; length < packed.size(); ++length) {
    writeFile(path, packed.substr(0, length));
    EXPECT_FALSE(readFor({label}, "idx", {{"path", path}}).isOk()) << length;
  }
  for (size_t i = 10; i < packed.size(); ++i) {
    std::string changed = packed;
    changed[i] ^= 0x55;
    writeFile(path, changed);
    EXPECT_FALSE(readFor({label}, "idx", {{"path", path}}).isOk()) << i;
  }
}

static std::string npy(const std::string &header, const std::string &data) {
  return std::string("\x93NUMPY\x01\x00", 8) +
         static_cast<char>(header.size()) + '\0' + header + data;
}

// What numpy.save writes for numpy.array([[1, -2], [0.5, 3]], '<f4').
static std::string smallNpy() {
  const float values[] = {1, -2, 0.5, 3};
  std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  header.append(117 - header.size(), ' ');
  return npy(header + '\n',
             std::string(reinterpret_cast<const char *>(values), 16));
}

TEST(Npy, Reads) {
  writeFile(temporaryPath("a.npy"), smallNpy());
  auto read = readFor({numbers}, "npy", {{"path", "a.npy"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(floats((*read)[0]), (std::vector<float>{1, -2, 0.5, 3}));
}

TEST(Npy, WritesWhatItReads) {
  const float values[] = {1, -2, 0.5, 3};
  ASSERT_TRUE(writeNpy(temporaryPath("b.npy"), ElementType::F32, {2, 2}, values)
                  .isOk());
  auto read = readGiven("b.npy", numbers);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(floats(*read), (std::vector<float>{1, -2, 0.5, 3}));
}

TEST(Npy, RefusesWrongFiles) {
  struct {
    std::string content;
    const char *message;
  } cases[] = {
      {"not an array", "not a .npy file"},
      {std::string("\x93NUMPY\x09\x00\x00\x00", 10), ".npy version 9"},
      {npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", ""),
       "elements are of type '<c8', which nnc does not have"},
      {npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", ""),
       "Fortran order"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2", ""),
       "expected ',' or ')'"},
      {npy("{'descr': [('a', '<f4')], }", ""), "expected a string"},
      {npy("{'shape': (99999999999999999999,), }", ""), "a size below 2^63"},
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }", ""),
       "holds f64[1, 3], input 'x' is f32[batch, 2]"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
           "abc"),
       "too short for f32[1, 2]"},
      {npy("{'descr': '<f4', 'fortran_order': False, "
           "'shape': (4611686018427387904, 2), }",
           ""),
       "too short"},
      {npy("{'what': '<f4'}", ""), "unknown key 'what'"},
  };
  for (const auto &wrong : cases) {
    writeFile(temporaryPath("wrong.npy"), wrong.content);
    expectFailure(readFor({numbers}, "npy", {{"path", "wrong.npy"}}),
                  Code::InvalidFile, wrong.message);
  }
}

// A .npy file of two numbers of any type.
template <typename T>
static std::string npyOf(const char *type, const T (&values)[2]) {
  return npy(
      std::string("{'descr': '") + type +
          "', 'fortran_order': False, 'shape': (2,), }",
      std::string(reinterpret_cast<const char *>(values), sizeof values));
}

static StatusOr<std::vector<Column>> readAs(ElementType type,
                                            const std::string &content) {
  writeFile(temporaryPath("typed.npy"), content);
  return readFor({input("x", type, {-1})}, "npy", {{"path", "typed.npy"}});
}

TEST(Npy, TakesIntegersThatNncHasNoTypeFor) {
  const int16_t shorts[] = {-300, 40};
  const uint16_t unsignedShorts[] = {65535, 1};
  const int8_t bytes[] = {-128, 127};
  const uint64_t large[] = {1, uint64_t(1) << 62};
  const uint64_t tooLarge[] = {1, uint64_t(1) << 63};
  const uint8_t bigEndian[] = {0xfe, 0xd4, 0, 40};
  auto numbers = [](const std::string &file) {
    auto read = readAs(ElementType::I64, file);
    EXPECT_TRUE(read.isOk()) << read.status().message();
    std::vector<int64_t> values(2);
    if (read.isOk())
      std::memcpy(values.data(), (*read)[0].data.data(), 16);
    return values;
  };
  EXPECT_EQ(numbers(npyOf("<i2", shorts)), (std::vector<int64_t>{-300, 40}));
  EXPECT_EQ(numbers(npyOf("<u2", unsignedShorts)),
            (std::vector<int64_t>{65535, 1}));
  EXPECT_EQ(numbers(npyOf("|i1", bytes)), (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(numbers(npyOf("<u8", large)),
            (std::vector<int64_t>{1, int64_t(1) << 62}));
  EXPECT_EQ(
      numbers(npy("{'descr': '>i2', 'fortran_order': False, 'shape': "
                  "(2,), }",
                  std::string(reinterpret_cast<const char *>(bigEndian), 4))),
      (std::vector<int64_t>{-300, 40}));
  expectFailure(readAs(ElementType::I64, npyOf("<u8", tooLarge)),
                Code::InvalidFile, "an element is 2^63 or more");
  expectFailure(readAs(ElementType::U8, npyOf("<i2", shorts)),
                Code::InvalidFile, "convert = \"nearest\" takes the nearest");
}

TEST(Npy, TakesTheNearestWhereThatIsAsked) {
  const double values[] = {0.1, 2.5};
  writeFile(temporaryPath("typed.npy"), npyOf("<f8", values));
  auto read = readFor({input("x", ElementType::F32, {-1})}, "npy",
                      {{"path", "typed.npy"}, {"convert", "nearest"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(floats((*read)[0]), (std::vector<float>{0.1f, 2.5f}));
  expectFailure(readFor({input("x", ElementType::F32, {-1})}, "npy",
                        {{"path", "typed.npy"}, {"convert", "round"}}),
                Code::InvalidArgument, "expected exact or nearest");
}

TEST(Npy, SeveralFilesAreOne) {
  const float first[] = {1, 2}, second[] = {3, 4};
  writeFile(temporaryPath("many-a.npy"), npyOf("<f4", first));
  writeFile(temporaryPath("many-b.npy"), npyOf("<f4", second));
  for (const char *path : {"many-*.npy", "many-a.npy,many-b.npy"}) {
    auto read =
        readFor({input("x", ElementType::F32, {-1})}, "npy", {{"path", path}});
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ(floats((*read)[0]), (std::vector<float>{1, 2, 3, 4}));
  }
  const double other[] = {3, 4};
  writeFile(temporaryPath("many-b.npy"), npyOf("<f8", other));
  EXPECT_TRUE(readFor({input("x", ElementType::F32, {-1})}, "npy",
                      {{"path", "many-*.npy"}})
                  .isOk());
}

TEST(Npy, SamplesOfSeveralFilesAreNumberedThrough) {
  const uint8_t first[] = {1, 2}, second[] = {3, 12};
  writeFile(temporaryPath("label-a.npy"), npyOf("|u1", first));
  writeFile(temporaryPath("label-b.npy"), npyOf("|u1", second));
  expectFailure(readFor({label}, "npy", {{"path", "label-*.npy"}}),
                Code::InvalidFile,
                "label-*.npy: sample 3 has 12 for input 'label', expected 0 to "
                "9");
}

// Larger than what is kept: samples are read where they lie.
TEST(Npy, StaysInItsFile) {
  const double first[] = {1, 2.5}, second[] = {3, 0.1};
  writeFile(temporaryPath("stored-a.npy"), npyOf("<f8", first));
  writeFile(temporaryPath("stored-b.npy"), npyOf("<f8", second));
  EntryPoint entry;
  entry.inputs = {input("x", ElementType::F32, {-1})};
  Recipe recipe;
  recipe.data = {{"train", {"x"}, "npy", {{"path", "stored-*.npy"}}, ""}};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  options.mostKeptBytes = 0;
  auto read = readSplit(recipe, "train", entry, options);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  const Column &column = (*read)[0];
  EXPECT_FALSE(column.isInMemory());
  ASSERT_EQ(column.numSamples, 4);
  Workspace work;
  float value = 0;
  auto write = [&](int64_t index) {
    return writeSample(column, index, nullptr, work,
                       reinterpret_cast<uint8_t *>(&value));
  };
  ASSERT_TRUE(write(2).isOk());
  EXPECT_EQ(value, 3);
  ASSERT_TRUE(write(1).isOk());
  EXPECT_EQ(value, 2.5f);
  const Status status = write(3);
  EXPECT_EQ(status.code(), Code::InvalidFile);
  EXPECT_NE(status.message().find("stored-b.npy: sample 1 has 0.1"),
            std::string::npos)
      << status.message();
  // One that is cut off is found before it is read.
  writeFile(temporaryPath("stored-b.npy"), npyOf("<f8", second).substr(0, 80));
  expectFailure(readSplit(recipe, "train", entry, options), Code::InvalidFile,
                "stored-b.npy: too short for f64[2]");
  writeFile(temporaryPath("stored-b.npy"), npyOf("<f8", second) + "more");
  expectFailure(readSplit(recipe, "train", entry, options), Code::InvalidFile,
                "stored-b.npy: has 20 bytes behind its header");
}

TEST(Npy, ConvertsWhatLosesNothing) {
  struct {
    ElementType type;
    std::string content;
    double first, second;
  } cases[] = {
      {ElementType::F32, npyOf("<f8", {0.5, -16777216.0}), 0.5, -16777216},
      {ElementType::F32, npyOf<int64_t>("<i8", {16777216, -3}), 16777216, -3},
      {ElementType::I32, npyOf<int64_t>("<i8", {2147483647, -2147483648}),
       2147483647, -2147483648.0},
      {ElementType::F64, npyOf("<f4", {0.1f, HUGE_VALF}), 0.1f, HUGE_VAL},
      {ElementType::U8, npyOf("<f8", {255.0, -0.0}), 255, 0},
      {ElementType::Bool, npyOf<uint8_t>("|u1", {1, 0}), 1, 0},
      {ElementType::BF16, npyOf("<f8", {1.0078125, 3.0}), 1.0078125, 3},
      {ElementType::F64, npyOf<int64_t>("<i8", {int64_t(1) << 53, 0}), 0x1p53,
       0},
  };
  for (const auto &good : cases) {
    auto read = readAs(good.type, good.content);
    ASSERT_TRUE(read.isOk()) << read.status().message();
    const Column &column = (*read)[0];
    EXPECT_EQ(column.elementType, good.type);
    EXPECT_EQ(toDouble(good.type, column.data.data()), good.first);
    EXPECT_EQ(toDouble(good.type, column.data.data() + sizeBytes(good.type)),
              good.second);
  }
}

TEST(Npy, RefusesToLoseAnything) {
  struct {
    ElementType type;
    std::string content;
    const char *found;
  } cases[] = {
      {ElementType::F32, npyOf("<f8", {0.5, 0.1}),
       "sample 1 has 0.10000000000000001, of type f64, input 'x' is of type "
       "f32, which does not hold it exactly"},
      {ElementType::F32, npyOf<int64_t>("<i8", {1, 16777217}),
       "sample 1 has 16777217, of type i64"},
      {ElementType::I32, npyOf<int64_t>("<i8", {int64_t(1) << 31, 0}),
       "sample 0 has 2147483648"},
      {ElementType::F64, npyOf<int64_t>("<i8", {9007199254740993, 0}),
       "sample 0 has 9007199254740993"},
      {ElementType::F64, npyOf<int64_t>("<i8", {INT64_MAX, 0}),
       "sample 0 has 9223372036854775807"},
      {ElementType::U8, npyOf<int32_t>("<i4", {-1, 0}), "sample 0 has -1"},
      {ElementType::I32, npyOf("<f4", {1.0f, NAN}), "sample 1 has nan"},
      {ElementType::F16, npyOf("<f4", {65520.0f, 0.0f}), "sample 0 has 65520"},
  };
  for (const auto &wrong : cases)
    expectFailure(readAs(wrong.type, wrong.content), Code::InvalidFile,
                  wrong.found);
}

TEST(Npy, SurvivesEveryChange) {
  const std::string whole = smallNpy();
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] ^= '\x10';
    writeFile(temporaryPath("changed.npy"), changed);
    auto read = readFor({numbers}, "npy", {{"path", "changed.npy"}});
    EXPECT_TRUE(read.isOk() || !read.status().message().empty());
  }
}

static std::string little(uint32_t value, int numBytes) {
  std::string result;
  for (int i = 0; i < numBytes; ++i)
    result += static_cast<char>(value >> 8 * i);
  return result;
}

static std::string deflate(const std::string &content) {
  z_stream state = {};
  deflateInit2(&state, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string packed(content.size() + 64, '\0');
  state.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(content.data()));
  state.avail_in = content.size();
  state.next_out = reinterpret_cast<Bytef *>(packed.data());
  state.avail_out = packed.size();
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

// An archive as numpy.savez_compressed makes it.
static std::string
zip(const std::vector<std::pair<std::string, std::string>> &members) {
  std::string content, directory;
  for (const auto &[name, data] : members) {
    std::string packed = deflate(data);
    std::string common =
        little(20, 2) + little(0, 2) + little(8, 2) + little(0, 4) +
        little(
            crc32(0, reinterpret_cast<const Bytef *>(data.data()), data.size()),
            4) +
        little(packed.size(), 4) + little(data.size(), 4) +
        little(name.size(), 2) + little(0, 2);
    directory += little(0x02014b50, 4) + little(20, 2) + common + little(0, 2) +
                 little(0, 2) + little(0, 2) + little(0, 4) +
                 little(content.size(), 4) + name;
    content += little(0x04034b50, 4) + common + name + packed;
  }
  return content + directory + little(0x06054b50, 4) + little(0, 4) +
         little(members.size(), 2) + little(members.size(), 2) +
         little(directory.size(), 4) + little(content.size(), 4) + little(0, 2);
}

TEST(Npz, ReadsTheNamedArray) {
  writeFile(temporaryPath("a.npz"),
            zip({{"other.npy", "x"}, {"x.npy", smallNpy()}}));
  auto read = readFor({numbers}, "npz", {{"path", "a.npz"}, {"array", "x"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(floats((*read)[0]), (std::vector<float>{1, -2, 0.5, 3}));
  expectFailure(readFor({numbers}, "npz", {{"path", "a.npz"}, {"array", "y"}}),
                Code::NotFound,
                "has no member 'y.npy', it has: 'other.npy', 'x.npy'");
  // Without a name, the one that is called as the input is.
  read = readFor({numbers}, "npz", {{"path", "a.npz"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  expectFailure(readFor({label}, "npz", {{"path", "a.npz"}}), Code::NotFound,
                "holds several arrays and none is 'label.npy', name one by "
                "'array': 'other.npy', 'x.npy'");
}

// A small file may unpack to more than memory keeps: it goes to a file without
// a name.
TEST(Npz, UnpacksWhatMemoryDoesNotKeep) {
  const float elements[] = {1, 3};
  writeGzip(temporaryPath("packed.npy"), npyOf("<f4", elements));
  writeFile(temporaryPath("packed.npz"),
            zip({{"x.npy", npyOf("<f4", elements)}}));
  EntryPoint entry;
  entry.inputs = {input("x", ElementType::F32, {-1})};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  options.mostKeptBytes = 7;
  for (const char *reader : {"npy", "npz"}) {
    Recipe recipe;
    recipe.data = {
        {"train", {"x"}, reader, {{"path", concat("packed.", reader)}}, ""}};
    auto read = readSplit(recipe, "train", entry, options);
    ASSERT_TRUE(read.isOk()) << read.status().message();
    const Column &column = (*read)[0];
    EXPECT_FALSE(column.isInMemory());
    ASSERT_EQ(column.numSamples, 2);
    Workspace work;
    float value = 0;
    ASSERT_TRUE(writeSample(column, 1, nullptr, work,
                            reinterpret_cast<uint8_t *>(&value))
                    .isOk());
    EXPECT_EQ(value, 3);
  }
}

TEST(Npz, SurvivesTruncationAndChange) {
  const std::string whole = zip({{"x.npy", smallNpy()}});
  auto read = [](const std::string &content) {
    writeFile(temporaryPath("b.npz"), content);
    return readFor({numbers}, "npz", {{"path", "b.npz"}});
  };
  ASSERT_TRUE(read(whole).isOk());
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(read(whole.substr(0, length)).isOk());
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] ^= '\x01';
    auto result = read(changed);
    EXPECT_TRUE(result.isOk() || !result.status().message().empty());
  }
}

TEST(Reader, KnowsAFileByHowItBegins) {
  writeFile(temporaryPath("a.npz"), zip({{"x.npy", smallNpy()}}));
  writeGzip(temporaryPath("b.gz"), smallNpy());
  writeFile(temporaryPath("c.csv"), "n,a,b\n1,1,-2\n2,0.5,3\n");
  for (const char *name : {"a.npz", "b.gz", "c.csv"}) {
    auto read = readGiven(name, numbers, std::strchr(name, 'v') ? "1:3" : "");
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ(floats(*read), (std::vector<float>{1, -2, 0.5, 3})) << name;
  }
  writeFile(temporaryPath("d.txt"), "1,2\n");
  auto read = readGiven("d.txt", numbers);
  ASSERT_FALSE(read.isOk());
  EXPECT_NE(read.status().message().find(
                "d.txt: expected a .npy, .npz, IDX, PNG or JPEG file, a "
                "folder of pictures, or a name that ends in .csv"),
            std::string::npos)
      << read.status().message();
}

TEST(Reader, NamesWhatIsMissing) {
  expectFailure(readFor({label}, "idx", {{"path", "none"}}), Code::NotFound,
                "none: no such file in ");
  expectFailure(readFor({label}, "idx", {{"path", "/none"}}), Code::NotFound,
                "/none: no such file");
  expectFailure(readFor({label}, "parquet", {{"path", "none"}}),
                Code::InvalidArgument,
                "no data reader is called 'parquet', there are: cifar10, "
                "cifar100, csv, idx, images, jsonl, npy");
  expectFailure(readFor({label}, "idx", {}), Code::InvalidArgument,
                "idx needs the path of a file");
}

TEST(Reader, LooksIntoTheFolderOfABinding) {
  std::filesystem::create_directories(temporaryPath("folder"));
  writeFile(temporaryPath("folder/labels"), idxLabels());
  writeFile(temporaryPath("folder/lines.txt"), "a b c\n");
  EXPECT_TRUE(
      readFor({label}, "idx", {{"path", "labels"}, {"folder", "folder"}})
          .isOk());
  const TensorInfo tokens = input("tokens", ElementType::I32, {-1, 3});
  EXPECT_TRUE(
      readFor({tokens}, "text", {{"path", "lines.txt"}, {"folder", "folder"}})
          .isOk());
  expectFailure(readFor({label}, "idx", {{"path", "absent"}, {"folder", "/"}}),
                Code::NotFound, ", /");

  const DataBinding binding{
      "train", {"x"}, "idx", {{"path", "a"}, {"folder", "f"}}, ""};
  ReadOptions options;
  options.directories = {"beside", ""};
  EXPECT_EQ(directoriesOf(binding, options),
            (std::vector<std::string>{"beside", "", "beside/f", "f"}));
  options.searchesFolders = false;
  EXPECT_EQ(directoriesOf(binding, options), options.directories);
}

TEST(Reader, ChecksThatInputsAgree) {
  writeFile(temporaryPath("three"), idxLabels());
  writeFile(temporaryPath("two"), bytes({0, 0, 8, 1, 0, 0, 0, 2, 0, 9}));
  EntryPoint entry;
  entry.inputs = {label, input("other", ElementType::U8, {-1})};
  Recipe recipe;
  recipe.data = {{"train", {"label"}, "idx", {{"path", "three"}}, "m.nn:1:2"},
                 {"train", {"other"}, "idx", {{"path", "two"}}, "m.nn:3:4"}};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  expectFailure(readSplit(recipe, "train", entry, options), Code::InvalidFile,
                "input 'label' has 3 samples, 'other' has 2");
  recipe.data.pop_back();
  std::string source;
  expectFailure(readSplit(recipe, "train", entry, options, &source),
                Code::NotFound, "no train data is bound to input 'other'");
  EXPECT_EQ(source, "m.nn:1:2");
  EXPECT_TRUE(hasSplit(recipe, "train"));
  EXPECT_FALSE(hasSplit(recipe, "test"));
}
