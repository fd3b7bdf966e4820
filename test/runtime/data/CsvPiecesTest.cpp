// Tables by several threads: the same rows and the same messages as by one,
// wherever the pieces that they take end.
#include "test/runtime/data/ReadFor.h"

#include <random>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

namespace {
/// How a table is read.
struct Form {
  std::vector<TensorInfo> inputs = {input("x", ElementType::F32, {-1, 2}),
                                    input("name", ElementType::I32, {-1})};
  std::vector<SampleStep> steps = {{"name", "categories", {}, ""}};
  Arguments arguments = {};
  int64_t mostKeptBytes = int64_t(1) << 29;
};
} // namespace

static StatusOr<std::vector<Column>> readPieces(const std::string &file,
                                                const Form &form, int threads,
                                                int64_t pieceBytes) {
  EntryPoint entry;
  entry.name = "train_step";
  entry.inputs = form.inputs;
  DataBinding binding;
  binding.split = "train";
  for (const TensorInfo &tensor : form.inputs)
    binding.inputs.push_back(tensor.name);
  binding.reader = "csv";
  binding.arguments = form.arguments;
  binding.arguments.insert(binding.arguments.begin(), {"path", file});
  Recipe recipe;
  recipe.data = {binding};
  recipe.sampleSteps = form.steps;
  ReadOptions options;
  options.directories = {temporaryPath("")};
  options.numThreads = threads;
  options.pieceBytes = pieceBytes;
  options.mostKeptBytes = form.mostKeptBytes;
  return readSplit(recipe, "train", entry, options);
}

/// What the steps make of all samples.
static std::vector<std::vector<double>>
prepareAll(std::vector<Column> &columns) {
  std::vector<int64_t> samples;
  for (int64_t i = 0; i < columns[0].numSamples; ++i)
    samples.push_back(i);
  DataFacts facts;
  EXPECT_TRUE(measure(columns, samples, 1, facts).isOk());
  std::vector<std::vector<double>> numbers;
  for (const Column &column : columns)
    numbers.push_back(numbersOf(column));
  return numbers;
}

/// Reads `file` by one thread and by several, in pieces of many sizes.
static void expectSame(const std::string &file, const Form &form = {}) {
  auto one = readPieces(file, form, 1, 1 << 18);
  std::vector<std::vector<double>> numbers;
  if (one.isOk())
    numbers = prepareAll(*one);
  for (int64_t pieceBytes : {1, 7, 64, 1000, 100000}) {
    auto several = readPieces(file, form, 3, pieceBytes);
    ASSERT_EQ(one.status().message(), several.status().message()) << pieceBytes;
    if (!one.isOk())
      continue;
    ASSERT_EQ(one->size(), several->size());
    for (size_t i = 0; i < one->size(); ++i)
      EXPECT_EQ((*one)[i].classes, (*several)[i].classes);
    EXPECT_EQ(numbers, prepareAll(*several)) << pieceBytes;
  }
}

static void expectSameOf(const std::string &content, const Form &form = {}) {
  writeFile(temporaryPath("pieces.csv"), content);
  expectSame("pieces.csv", form);
}

/// `count` rows under a header, of names that may hold ends of lines.
static std::string rowsOf(int count, std::mt19937 &random) {
  static const char *const names[] = {"red",
                                      "\"blue\"",
                                      "\"a\nb\"",
                                      "\"\"\"x\"\"\n\n\"",
                                      "\" , \"",
                                      "5\" pipe",
                                      "\"\n1,2,red\n3,4,red\n\""};
  static const char *const ends[] = {"\n", "\r\n", "\n\n", "\n \n",
                                     "\n# 1,\"2\n"};
  std::string text = "a,b,c\n";
  for (int i = 0; i < count; ++i)
    text += concat(random() % 1000, ",", random() % 10, ".5,",
                   names[random() % std::size(names)],
                   ends[random() % 8 ? 0 : random() % std::size(ends)]);
  return text;
}

TEST(CsvPieces, AreTheRowsOfOneThread) {
  std::mt19937 random(1);
  Form form;
  form.arguments = {{"comment", "#"}};
  for (int count : {1, 2, 5, 30, 300, 5000}) {
    expectSameOf(rowsOf(count, random), form);
    // Without an end of the last line, and as a compressed file.
    std::string text = rowsOf(count, random);
    text += "1,2,red";
    expectSameOf(text, form);
    writeGzip(temporaryPath("pieces.csv.gz"), text);
    expectSame("pieces.csv.gz", form);
  }
}

TEST(CsvPieces, GoToAFileWhereTheyAreMany) {
  std::mt19937 random(2);
  Form form;
  form.arguments = {{"comment", "#"}};
  form.mostKeptBytes = 100;
  expectSameOf(rowsOf(2000, random), form);
}

TEST(CsvPieces, LeaveOutWhatOneThreadDoes) {
  std::mt19937 random(3);
  std::string text = "a,b,c\n";
  for (int i = 0; i < 500; ++i)
    text += concat(i, ",", i % 7 ? "1" : "", ",name", random() % 40, "\n");
  Form form;
  form.inputs[0].shape = {-1, 2};
  form.steps.push_back({"x", "missing", {{"value", "drop"}}, ""});
  expectSameOf(text, form);
}

TEST(CsvPieces, HaveTheMessagesOfOneThread) {
  std::mt19937 random(4);
  const char *const wrong[] = {"1,2\n",          "1,x,red\n",   "1,2,\"red\n",
                               "1,2,\"a\"b\n",   "1,2,3,4\n",   "\"1\n",
                               "1,2,\"\xff\"\n", "1e99,2,red\n"};
  Form form;
  form.arguments = {{"comment", "#"}};
  for (const char *row : wrong)
    for (int before : {0, 1, 40, 3000}) {
      const std::string text =
          rowsOf(before, random) + row + rowsOf(40, random).substr(6);
      expectSameOf(text, form);
      expectSameOf(text + wrong[random() % std::size(wrong)], form);
    }
}

TEST(CsvPieces, MayBeShorterThanARow) {
  std::mt19937 random(5);
  Form form;
  form.arguments = {{"comment", "#"}};
  const std::string text = rowsOf(50, random);
  for (const std::string &name :
       {std::string(200000, 'n'), "\"" + std::string(200000, '\n') + "\"",
        "\"" + std::string(200000, '"') + "\""})
    expectSameOf(text + "1,2," + name + "\n" + rowsOf(50, random).substr(6),
                 form);
  expectSameOf(text + "#" + std::string(300000, '"') + "\n1,2,red\n", form);
  expectSameOf(text + std::string(300000, ' ') + "1,2,red\n", form);
}

TEST(CsvPieces, OfNumbersWithCommas) {
  std::string text;
  for (int i = 0; i < 400; ++i)
    text += concat(i, ";", i, ",5;\"", i, ",25\"\n");
  Form form;
  form.inputs = {input("x", ElementType::F64, {-1, 3})};
  form.steps = {};
  form.arguments = {{"delimiter", ";"}, {"decimal", ","}};
  expectSameOf(text, form);
  expectSameOf(text + "1;2;3.5\n", form);
}
