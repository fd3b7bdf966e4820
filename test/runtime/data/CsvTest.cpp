// Tables, right and wrong ones.
#include "test/runtime/data/ReadFor.h"

#include <cstring>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static StatusOr<std::vector<Column>>
readTable(const std::string &content, Arguments arguments = {},
          std::vector<TensorInfo> inputs = {numbers, label}) {
  writeFile(temporaryPath("table.csv"), content);
  arguments.insert(arguments.begin(), {"path", "table.csv"});
  return readFor(inputs, "csv", std::move(arguments));
}

TEST(Csv, SplitsColumnsOverInputs) {
  auto read = readTable("0.5,-1e3,7\r\n\n+2,.25, 3 \n");
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ((*read)[0].numSamples, 2);
  EXPECT_EQ(floats((*read)[0]), (std::vector<float>{0.5, -1000, 2, 0.25}));
  EXPECT_EQ((*read)[1].data.data()[1], 3);
}

TEST(Csv, ChoosesColumns) {
  const std::string table = "a,\"b \"\"c\"\"\",d,e\n1,2,3,4\n5,6,7,8\n";
  for (const char *columns : {"0:2", "0,1", "a, b \"c\"", "a,1"}) {
    auto read = readTable(table, {{"columns", columns}}, {numbers});
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ(floats((*read)[0]), (std::vector<float>{1, 2, 5, 6})) << columns;
  }
  auto read = readTable(table, {{"column", "d"}}, {label});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ((*read)[0].data.data()[1], 7);
}

TEST(Csv, HeaderAndDelimiter) {
  auto read = readTable("1;2\n3;4\n", {{"delimiter", ";"}, {"header", "true"}},
                        {numbers});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ((*read)[0].numSamples, 1);
  EXPECT_TRUE(readTable("1\t2", {{"delimiter", "tab"}}, {numbers}).isOk());
}

TEST(Csv, RefusesWrongTables) {
  struct {
    const char *content;
    const char *message;
  } cases[] = {
      {"", "table.csv: has no rows"},
      {"a,b,c\n", "the train data has no samples"},
      {"1,2,3\n1,2\n", "table.csv:2: has 2 fields, the first row has 3"},
      {"1,2,3\n\n1,x,3\n",
       "table.csv:3: column 1: expected a number, found 'x'"},
      {"1,2,3\n1,,3\n", "column 1: expected a number, found ''"},
      {"1,2,300\n",
       "table.csv:1: column 2: '300' does not fit input 'label' of "
       "type u8"},
      {"1,2,0.5\n", "'0.5' does not fit"},
      {"1,2,10\n", "found 10 for input 'label', expected 0 to 9"},
      {"1,2\n", "2 columns are chosen, 'x' f32[batch, 2], 'label' u8[batch] "
                "takes 3"},
      {"1,\"2", "table.csv:1: column 1: its quote is never closed"},
      {"1,2,3\n1,\"2\n3,4\n", "table.csv:2: column 1: its quote is never"},
      {"1,2,3\n\"1\"9,2,3\n",
       "table.csv:2: column 0: expected the end of the field after its closing "
       "quote, found '9'"},
      {"1,2,3\n+-1,2,3\n", "table.csv:2: column 0: expected a number, found"},
      {"1,2,3\n1,0x10,3\n", "column 1: expected a number, found '0x10'"},
      {"1,2,3\n1,\"1,000\",3\n", "column 1: expected a number, found '1,000'"},
      {"a,b,c\n1,nan,3\n",
       "table.csv:2: column 1 ('b'): expected a finite number, found 'nan'"},
      {"1,2,3\n-inf,2,3\n", "column 0: expected a finite number, found '-inf'"},
      {"1,1e39,3\n", "column 1: '1e39' does not fit input 'x' of type f32"},
  };
  for (const auto &wrong : cases)
    expectFailure(readTable(wrong.content), Code::InvalidFile, wrong.message);
}

TEST(Csv, RefusesWrongArguments) {
  struct {
    Arguments arguments;
    const char *message;
  } cases[] = {
      {{{"colums", "0"}},
       "csv has no argument 'colums', it has: path, folder, columns"},
      {{{"columns", "0:9"}}, "has '0:9', the file has columns 0 to 2"},
      {{{"columns", "2:1"}}, "has '2:1'"},
      {{{"columns", "z"}},
       "is 'z', expected a number or a range such as 0:20: the file has no "
       "header"},
      {{{"delimiter", "."}}, "expected one character that no number has"},
      {{{"columns", "0"}, {"column", "0"}}, "are given both"},
      {{{"header", "maybe"}}, "expected true, false or auto"},
      {{{"delimiter", "::"}},
       "expected one character that no number has, or tab"},
  };
  for (const auto &wrong : cases)
    expectFailure(readTable("1,2,3\n", wrong.arguments), Code::InvalidArgument,
                  wrong.message);
}

// A first row of names is a header, of numbers is data, and of anything else is
// the user's to name: no row is lost without a word.
TEST(Csv, TellsAHeaderFromData) {
  for (const char *header :
       {"a,b,c", ",b,c", "Na,_x,\xc3\xa9", "\"a\",b , c"}) {
    auto read = readTable(std::string(header) + "\n1,2,3\n");
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ((*read)[0].numSamples, 1) << header;
  }
  for (const char *row : {"NA,2,3", "1,0x10,3", "1,\"1,000\",3", "x,2,3",
                          "NA,NA,NA", "a,0x10,c", ",,", "a,,3"}) {
    const std::string table = std::string(row) + "\n1,2,3\n";
    expectFailure(readTable(table), Code::InvalidFile,
                  "in the first row, which");
    expectFailure(readTable(table, {{"header", "false"}}), Code::InvalidFile,
                  "table.csv:1: column");
    auto read = readTable(table, {{"header", "true"}});
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ((*read)[0].numSamples, 1) << row;
  }
  expectFailure(readTable("NA,2,3\n"), Code::InvalidFile,
                "table.csv:1: column 0: found 'NA' in the first row, which has "
                "numbers: write header = true if it is a header, header = "
                "false if it is data");
}

TEST(Csv, PassesOverAByteOrderMark) {
  for (const char *table : {"\xef\xbb\xbf"
                            "1,2,3\n4,5,6\n",
                            "\xef\xbb\xbf"
                            "a,b,c\n1,2,3\n4,5,6\n",
                            "\xef\xbb\xbf"
                            "\"a\",b,c\n1,2,3\n4,5,6\n"}) {
    auto read = readTable(table);
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ((*read)[0].numSamples, 2);
    EXPECT_EQ(floats((*read)[0]), (std::vector<float>{1, 2, 4, 5}));
  }
  auto read = readTable("\xef\xbb\xbf"
                        "a,b\n1,2\n",
                        {{"columns", "b,a"}}, {numbers});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(floats((*read)[0]), (std::vector<float>{2, 1}));
}

// A number is a place, whatever the header says; a name that looks like one
// stands in quotes.
TEST(Csv, TellsPlacesFromNames) {
  const std::string table = "1,0,\"a,b\"\n5,6,7\n";
  struct {
    const char *columns;
    std::vector<float> values;
  } cases[] = {{"0,1", {5, 6}},
               {"0:2", {5, 6}},
               {"\"0\",\"1\"", {6, 5}},
               {"\"a,b\", 0", {7, 5}}};
  for (const auto &good : cases) {
    auto read = readTable(
        table, {{"columns", good.columns}, {"header", "true"}}, {numbers});
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ(floats((*read)[0]), good.values) << good.columns;
  }
}

TEST(Csv, SuggestsANameAndRefusesTwo) {
  auto choose = [](const char *columns) {
    return readTable("width,height,width\n1,2,3\n", {{"columns", columns}},
                     {numbers});
  };
  expectFailure(choose("hieght,0"), Code::InvalidArgument,
                "has 'hieght', the header has 'width', 'height', 'width'; did "
                "you mean 'height'?");
  expectFailure(choose("width,0"), Code::InvalidArgument,
                "'width', which is the name of column 0 and of column 2");
}

TEST(Csv, WholeNumbersAreExact) {
  auto read = readTable("9007199254740993\n-9223372036854775808\n+7\n1e3\n", {},
                        {input("x", ElementType::I64, {-1})});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  int64_t values[4];
  std::memcpy(values, (*read)[0].data.data(), sizeof values);
  EXPECT_EQ(values[0], 9007199254740993);
  EXPECT_EQ(values[1], INT64_MIN);
  EXPECT_EQ(values[2], 7);
  EXPECT_EQ(values[3], 1000);
  for (const char *beyond : {"9223372036854775808", "9007199254740993.0"})
    expectFailure(readTable(std::string(beyond) + "\n", {},
                            {input("x", ElementType::I64, {-1})}),
                  Code::InvalidFile, "does not fit input 'x' of type i64");
}

// A few bytes may say very much; what is taken for them has a bound.
TEST(Csv, BoundsWhatARowTakes) {
  const std::string path = temporaryPath("commas.csv.gz");
  writeGzip(path, std::string(3 << 20, ','));
  expectFailure(readFor({numbers}, "csv", {{"path", path}}), Code::InvalidFile,
                "commas.csv.gz:1: has more than 1048576 fields");
  writeGzip(path, "1,2\n" + std::string(65 << 20, '1'));
  expectFailure(readFor({numbers}, "csv", {{"path", path}}), Code::InvalidFile,
                "commas.csv.gz:2: the row is longer than 67108864 bytes");
}

// Rows that begin, end or are quoted at every place of the reader's buffer.
TEST(Csv, ReadsRowsAcrossItsBuffer) {
  std::string table;
  for (int i = 0; table.size() < 200000; ++i)
    table += std::to_string(i) + ",\"" + std::string(i % 7, ' ') + "2\"\r\n";
  auto read = readTable(table, {}, {numbers});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  std::vector<float> values = floats((*read)[0]);
  for (size_t i = 0; i < values.size(); i += 2)
    ASSERT_TRUE(values[i] == i / 2 && values[i + 1] == 2) << i;
  EXPECT_GT(values.size(), 20000u);
}
