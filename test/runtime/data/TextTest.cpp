// Texts as ids, labels beside them, and windows of a long one.
#include "test/runtime/data/ReadFor.h"

#include "runtime/data/Batches.h"
#include "runtime/data/Preparation.h"
#include "runtime/data/TextTokenizer.h"

#include <filesystem>
#include <numeric>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static const TensorInfo words = input("words", ElementType::I32, {-1, 4});
static const TensorInfo length = input("length", ElementType::I32, {-1});
static const TensorInfo positive = input("positive", ElementType::F32, {-1});
static const TensorInfo next = input("next", ElementType::I32, {-1, 4});

using Numbers = std::vector<int64_t>;

/// A column's values, which are whole.
static Numbers wholes(const Column &column) {
  const std::vector<double> values = numbersOf(column);
  return {values.begin(), values.end()};
}

static std::vector<Column> expectRead(StatusOr<std::vector<Column>> read) {
  EXPECT_TRUE(read.isOk()) << read.status().message();
  return read.isOk() ? std::move(*read) : std::vector<Column>();
}

TEST(Text, ATableHasTextsAndLabels) {
  writeFile(temporaryPath("t.tsv"),
            "good\tA fine \"film\"\nbad\tdull, a dull a "
            "dull film\ngood\t\n");
  auto columns = expectRead(
      readFor({words, length, positive}, "text",
              {{"path", "t.tsv"}, {"columns", "1,0"}, {"tokenizer", "word"}}));
  ASSERT_EQ(columns.size(), 3u);
  // By how often they are: a, dull (3 each), film (2), fine.
  EXPECT_EQ(wholes(columns[0]), (Numbers{2, 5, 4, 0, 3, 2, 3, 2, 0, 0, 0, 0}));
  EXPECT_EQ(wholes(columns[1]), (Numbers{3, 4, 0}));
  EXPECT_EQ(wholes(columns[2]), (Numbers{1, 0, 1}));
  EXPECT_EQ(columns[2].classes, (std::vector<std::string>{"bad", "good"}));
}

TEST(Text, LabelsThatAreNumbersAreThese) {
  writeFile(temporaryPath("n.csv"),
            "review,stars\n\"one, two\",4\nthree,2.5\n");
  auto columns =
      expectRead(readFor({words, positive}, "text",
                         {{"path", "n.csv"}, {"columns", "review,stars"}}));
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_EQ(floats(columns[1]), (std::vector<float>{4, 2.5}));
  EXPECT_TRUE(columns[1].classes.empty());
}

TEST(Text, PaddingAndWhatIsLeftOutHaveSides) {
  writeFile(temporaryPath("l.txt"), "abcdef\r\n\nab\n");
  auto read = [&](const char *padding, const char *truncate) {
    return wholes(expectRead(readFor({words}, "text",
                                     {{"path", "l.txt"},
                                      {"tokenizer", "byte"},
                                      {"padding", padding},
                                      {"truncate", truncate}}))[0]);
  };
  EXPECT_EQ(read("right", "end"),
            (Numbers{'a', 'b', 'c', 'd', 'a', 'b', 0, 0}));
  EXPECT_EQ(read("left", "begin"),
            (Numbers{'c', 'd', 'e', 'f', 0, 0, 'a', 'b'}));
}

TEST(Text, TargetsAreTheTokensThatFollow) {
  writeFile(temporaryPath("l.txt"), "ab\nabcdef\n");
  auto columns = expectRead(readFor({words, next, length}, "text",
                                    {{"path", "l.txt"},
                                     {"tokenizer", "byte"},
                                     {"begin", "true"},
                                     {"end", "true"},
                                     {"gives", "tokens,targets,lengths"}}));
  ASSERT_EQ(columns.size(), 3u);
  EXPECT_EQ(wholes(columns[0]),
            (Numbers{256, 'a', 'b', 0, 256, 'a', 'b', 'c'}));
  EXPECT_EQ(wholes(columns[1]),
            (Numbers{'a', 'b', 257, 0, 'a', 'b', 'c', 257}));
  EXPECT_EQ(wholes(columns[2]), (Numbers{3, 4}));
}

TEST(Text, FilesAreClassesInTheirOrder) {
  writeFile(temporaryPath("songs.txt"), "la\n%\nli\nlo\n%\n%\n");
  writeFile(temporaryPath("code"), "%\nint\n");
  auto columns = expectRead(readFor(
      {words, positive}, "text",
      {{"path", "songs.txt,code"}, {"records", "%"}, {"tokenizer", "byte"}}));
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_EQ(wholes(columns[1]), (Numbers{0, 0, 1}));
  EXPECT_EQ(columns[1].classes, (std::vector<std::string>{"songs", "code"}));
  EXPECT_EQ(wholes(columns[0]), (Numbers{'l', 'a', '\n', 0, 'l', 'i', '\n', 'l',
                                         'i', 'n', 't', '\n'}));
}

TEST(Text, FoldersAreClasses) {
  for (const char *name : {"texts/neg", "texts/pos"})
    std::filesystem::create_directories(temporaryPath(name));
  writeFile(temporaryPath("texts/pos/1.txt"), "yes");
  writeFile(temporaryPath("texts/neg/2.txt"), "no\n");
  auto columns = expectRead(readFor(
      {words, positive}, "text", {{"path", "texts"}, {"tokenizer", "byte"}}));
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_EQ(wholes(columns[0]), (Numbers{'n', 'o', '\n', 0, 'y', 'e', 's', 0}));
  EXPECT_EQ(wholes(columns[1]), (Numbers{0, 1}));
}

TEST(Text, WindowsOverlapByTheirStride) {
  writeFile(temporaryPath("long.txt"), "abcdefghij");
  auto columns = expectRead(readFor({words, next}, "text",
                                    {{"path", "long.txt"},
                                     {"tokenizer", "byte"},
                                     {"window", "4"},
                                     {"stride", "2"}}));
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_EQ(wholes(columns[0]), (Numbers{'a', 'b', 'c', 'd', 'c', 'd', 'e', 'f',
                                         'e', 'f', 'g', 'h'}));
  EXPECT_EQ(wholes(columns[1]), (Numbers{'b', 'c', 'd', 'e', 'd', 'e', 'f', 'g',
                                         'f', 'g', 'h', 'i'}));
}

TEST(Text, WindowsAreShuffledByTheSeedAndTheEpoch) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += char('!' + i % 90);
  writeFile(temporaryPath("long.txt"), text);
  auto columns = expectRead(
      readFor({words, next}, "text",
              {{"path", "long.txt"}, {"tokenizer", "byte"}, {"window", "4"}}));
  std::vector<int64_t> all(size_t(columns[0].numSamples));
  std::iota(all.begin(), all.end(), 0);
  // Of an epoch, batches from `skipped` on.
  auto epoch = [&](int64_t number, int64_t skipped, int numThreads) {
    Batches batches(columns, all, 5, {numThreads});
    batches.shuffle(7, number);
    batches.skip(skipped);
    std::string seen;
    while (*batches.next())
      for (const void *data : {batches.inputs()[0], batches.inputs()[1]})
        seen.append(static_cast<const char *>(data),
                    size_t(batches.size()) * 16);
    return seen;
  };
  const std::string whole = epoch(3, 0, 2);
  EXPECT_EQ(whole, epoch(3, 0, 0));
  EXPECT_NE(whole, epoch(4, 0, 2));
  EXPECT_EQ(whole.substr(4 * 5 * 32), epoch(3, 4, 2));
}

TEST(Text, ALongTextIsReadInPieces) {
  // Three pieces, and characters of two bytes where they might be cut.
  std::string text;
  while (text.size() < (5u << 19))
    text += "\xc3\xa9";
  text += "end";
  writeFile(temporaryPath("long.txt"), text);
  auto columns = expectRead(readFor(
      {words}, "text",
      {{"path", "long.txt"}, {"tokenizer", "character"}, {"window", "4"}}));
  EXPECT_EQ(columns[0].numSamples, int64_t(text.size() - 3) / 8);
}

namespace {
struct WrongText {
  const char *name, *content;
  std::vector<TensorInfo> inputs;
  Arguments arguments;
  const char *message;
};
} // namespace

static void expectWrong(const std::vector<WrongText> &cases) {
  for (const auto &[name, content, inputs, arguments, message] : cases) {
    writeFile(temporaryPath(name), content);
    Arguments all = {{"path", name}, {"tokenizer", "character"}};
    if (!arguments.empty() && arguments[0].first == "tokenizer")
      all.pop_back();
    all.insert(all.end(), arguments.begin(), arguments.end());
    auto read = readFor(inputs, "text", all);
    ASSERT_FALSE(read.isOk()) << message;
    EXPECT_NE(read.status().message().find(message), std::string::npos)
        << read.status().message();
  }
}

TEST(Text, WrongTextsAreErrorsWithTheirLines) {
  expectWrong(
      {{"a.txt",
        "ok\nno\xff\n",
        {words},
        {},
        "a.txt:2: no UTF-8 at byte 2 of "},
       {"a.tsv", "ok\n\xff\n", {words}, {}, "a.tsv:2: column 0: no UTF-8"},
       {"b.tsv",
        "ok\t1\nno\n",
        {words},
        {},
        "b.tsv:2: has 1 fields, the first row has 2"},
       {"c.tsv", "ok\n", {words, positive}, {}, "the file has columns 0 to 0"},
       {"d.tsv",
        "ok\t\n",
        {words, positive},
        {},
        "d.tsv:1: the label is empty"},
       {"e.txt", "", {words}, {}, "the train data has no samples"},
       {"f.txt",
        "abcd",
        {words, next},
        {{"window", "4"}},
        "f.txt: 4 tokens, a window takes 5"},
       {"f.txt",
        "abcd",
        {words},
        {{"window", "5"}},
        "windows of 5 tokens fill an input such as i32[batch, 5], input "
        "'words' is i32["},
       {"f.txt",
        "abcd",
        {words, positive},
        {},
        "f.txt: lines have no labels"}});
}

TEST(Text, WrongArgumentsAreErrors) {
  expectWrong(
      {{"f.txt",
        "abcd",
        {words},
        {{"tokenizer", "letters"}},
        "text: argument 'tokenizer' is 'letters', expected byte, character, "
        "word, or the file of a tokenizer"},
       {"f.txt",
        "abcd",
        {words},
        {{"windows", "4"}},
        "text has no argument 'windows', it has: path, folder, "},
       {"f.txt", "abcd", {words}, {{"stride", "4"}}, "'stride' is for windows"},
       {"f.txt",
        "abcd",
        {words, length, next, positive},
        {},
        "the binding names 4 inputs; say what they are given, as in gives = "},
       {"f.txt",
        "abcd",
        {positive},
        {},
        "text fills tokens such as i32[batch, 100], which have no steps; input "
        "'positive' is f32["}});
}

TEST(Text, AVocabularyFitsItsInput) {
  writeFile(temporaryPath("l.txt"), "a a a b b c\n");
  const TensorInfo few = input("words", ElementType::I32, {-1, 4}, 4);
  auto columns = expectRead(
      readFor({few}, "text", {{"path", "l.txt"}, {"tokenizer", "word"}}));
  // Padding, the unknown, and the two most frequent.
  EXPECT_EQ(wholes(columns[0]), (Numbers{2, 2, 2, 3}));
  expectFailure(
      readFor({few}, "text", {{"path", "l.txt"}, {"tokenizer", "byte"}}),
      Code::InvalidArgument,
      "the tokenizer has 256 ids, input 'words' takes 0 to 3");
}

TEST(Tokens, AreReadFromFiles) {
  const uint16_t narrow[] = {1, 2, 3, 40000, 5};
  const std::string raw(reinterpret_cast<const char *>(narrow), sizeof narrow);
  std::string header = "{'descr': '<u2', 'fortran_order': False, "
                       "'shape': (5,), }";
  header.resize(117, ' ');
  writeFile(temporaryPath("t.npy"),
            std::string("\x93NUMPY\1\0\x76\0", 10) + header + "\n" + raw);
  writeFile(temporaryPath("t.bin"), raw);
  for (const Arguments &arguments :
       {Arguments{{"path", "t.npy"}},
        Arguments{{"path", "t.bin"}, {"type", "u16"}}}) {
    Arguments all = arguments;
    all.emplace_back("window", "4");
    auto columns = expectRead(readFor({words, next}, "tokens", all));
    ASSERT_EQ(columns.size(), 2u);
    EXPECT_EQ(wholes(columns[0]), (Numbers{1, 2, 3, 40000}));
    EXPECT_EQ(wholes(columns[1]), (Numbers{2, 3, 40000, 5}));
  }
}

TEST(Tokens, WrongFilesAreErrors) {
  writeFile(temporaryPath("t.bin"), std::string("\1\0\2\0\3\0\4\0", 8));
  struct {
    Arguments arguments;
    const char *message;
  } cases[] = {
      {{{"path", "t.bin"}}, "t.bin: not a .npy file"},
      {{{"type", "u64"}}, "expected u8, u16, u32 or i32"},
      {{{"type", "u16"}, {"window", "0"}}, "expected a whole number from 1"},
      {{{"type", "u32"}}, "t.bin: 2 tokens, a window takes 4"},
  };
  for (const auto &[arguments, message] : cases) {
    Arguments all = arguments;
    if (all[0].first != "path")
      all.insert(all.begin(), {"path", "t.bin"});
    if (all.back().first != "window")
      all.emplace_back("window", "4");
    auto read = readFor({words}, "tokens", all);
    ASSERT_FALSE(read.isOk()) << message;
    EXPECT_NE(read.status().message().find(message), std::string::npos)
        << read.status().message();
  }
  // Of a file that does not fit into memory, only a window that has it tells.
  const TensorInfo few = input("words", ElementType::I32, {-1, 4}, 4);
  auto columns = expectRead(readFor(
      {few}, "tokens", {{"path", "t.bin"}, {"type", "u16"}, {"window", "4"}}));
  StatusOr<Column> there = inMemory(std::move(columns[0]));
  EXPECT_NE(there.status().message().find(
                "t.bin: token 3 is 4, input 'words' of type i32 takes 0 to 3"),
            std::string::npos)
      << there.status().message();
}
