// Tokenizers of others: the ids and the text that their makers' libraries give
// (make-tokenizers.py), and files that are none.
#include "runtime/text/TokenizerFile.h"

#include "test/runtime/TestPlan.h"

#include "runtime/text/Json.h"
#include "runtime/text/SentencePiece.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static std::string inputs(const std::string &name) {
  return std::string(NNC_TEXT_INPUTS "/") + name;
}

static std::string contentsOf(const std::string &path) {
  std::stringstream contents;
  contents << std::ifstream(path, std::ios::binary).rdbuf();
  return contents.str();
}

static nlohmann::json records() {
  auto records = parseJson(contentsOf(inputs("cases.json")), "cases.json");
  EXPECT_TRUE(records.isOk());
  return records.isOk() ? std::move(*records) : nlohmann::json();
}

TEST(TokenizerFile, IdsAreThoseOfTheMakersLibraries) {
  for (const nlohmann::json &record : records()) {
    const std::string file = record["file"];
    auto tokenizer = openTokenizer(inputs(file), "", true);
    ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().message();
    for (const nlohmann::json &expected : record["cases"]) {
      std::vector<int32_t> ids;
      Status status =
          (*tokenizer)->encode(expected["text"].get<std::string>(), ids);
      ASSERT_TRUE(status.isOk()) << status.message();
      EXPECT_EQ(ids, expected["ids"].get<std::vector<int32_t>>())
          << file << ": " << expected["text"];
    }
  }
}

TEST(TokenizerFile, TextIsThatOfTheMakersLibraries) {
  for (const nlohmann::json &record : records()) {
    const std::string file = record["file"];
    auto tokenizer = openTokenizer(inputs(file), "", true);
    ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().message();
    for (const nlohmann::json &expected : record["cases"])
      EXPECT_EQ(
          decode(**tokenizer, expected["ids"].get<std::vector<int32_t>>()),
          expected["decoded"].get<std::string>())
          << file << ": " << expected["text"];
  }
}

TEST(TokenizerFile, SpecialIdsAreFoundByTheirNames) {
  const std::pair<const char *, SpecialIds> cases[] = {
      {"gpt2/vocab.json", {-1, -1, 0, 0}},
      {"vocab.txt", {0, 1, 2, 3}},
      {"unigram.model", {-1, 0, 1, 2}}};
  for (const auto &[file, special] : cases) {
    auto tokenizer = openTokenizer(inputs(file), "", true);
    ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().message();
    EXPECT_EQ((*tokenizer)->special(), special) << file;
  }
}

TEST(TokenizerFile, ANoteTellsAFileFromAnother) {
  auto gpt2 = openTokenizer(inputs("gpt2/vocab.json"), "", true);
  ASSERT_TRUE(gpt2.isOk());
  writeFile(temporaryPath("merges.txt"), "q z\n");
  writeFile(temporaryPath("vocab.json"), contentsOf(inputs("gpt2/vocab.json")));
  auto other = openTokenizer(temporaryPath("vocab.json"), "", true);
  ASSERT_FALSE(other.isOk());
  EXPECT_NE(other.status().message().find(
                "merges.txt: merge 1 is of 'q' and 'z', and the vocabulary has "
                "no 'qz'"),
            std::string::npos)
      << other.status().message();
  other = openTokenizer(temporaryPath("vocab.json"), inputs("gpt2/merges.txt"),
                        true);
  ASSERT_TRUE(other.isOk());
  EXPECT_EQ((*other)->save(), (*gpt2)->save());
  writeFile(temporaryPath("merges.txt"), "#version: 0.2\n");
  other = openTokenizer(temporaryPath("vocab.json"), "", true);
  ASSERT_TRUE(other.isOk());
  EXPECT_NE((*other)->save(), (*gpt2)->save());
}

TEST(TokenizerFile, ALongPieceTakesNoSquaredTime) {
  auto gpt2 = openTokenizer(inputs("gpt2/vocab.json"), "", true);
  ASSERT_TRUE(gpt2.isOk());
  std::vector<int32_t> ids;
  const std::string text(1 << 20, 'e');
  ASSERT_TRUE((*gpt2)->encode(text, ids).isOk());
  EXPECT_EQ(decode(**gpt2, ids), text);
}

static void expectRefused(const char *name, const std::string &content,
                          const char *message) {
  writeFile(temporaryPath(name), content);
  auto tokenizer = openTokenizer(temporaryPath(name), "", true);
  ASSERT_FALSE(tokenizer.isOk()) << message;
  EXPECT_NE(tokenizer.status().message().find(message), std::string::npos)
      << tokenizer.status().message();
}

TEST(TokenizerFile, WrongFilesAreRefused) {
  const struct {
    const char *name;
    std::string content;
    const char *message;
  } cases[] = {
      {"a.bin", "", "a.bin: no tokenizer by its name"},
      {"a.json", "{\n]", "a.json:2: no JSON"},
      {"a.json", std::string(1000, '['), "a.json:1: more than 64 levels"},
      {"a.json", R"({"model": {"type": "Letters"}})",
       "a.json: 'model' is 'Letters', nnc knows BPE, WordPiece and Unigram"},
      {"a.json", R"({"model": {"type": "BPE", "vocab": {"a": 0}}})",
       "a.json: a step of 'pre_tokenizer' is 'none', nnc knows ByteLevel"},
      {"a.json",
       R"({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []},
          "pre_tokenizer": {"type": "ByteLevel"}})",
       "a.json: token 'a' has no id from 0 to 4194303"},
      {"a.json",
       R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}},
          "pre_tokenizer": {"type": "ByteLevel"}})",
       "a.json: id 0 is that of 'a' and of 'b'"},
      {"a.json",
       R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["aa"]},
          "pre_tokenizer": {"type": "ByteLevel"}})",
       "a.json: merge 1 is no pair"},
      {"a.json",
       R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
          "pre_tokenizer": {"type": "Split", "behavior": "Isolated",
                            "pattern": {"Regex": "a("}}})",
       "a.json: the pattern 'a(' is wrong at byte 2: missing closing"},
      {"a.json",
       R"({"model": {"type": "WordPiece", "vocab": {"a": 0}},
          "normalizer": {"type": "BertNormalizer"},
          "pre_tokenizer": {"type": "BertPreTokenizer"}})",
       "a.json: the vocabulary has no token '[UNK]'"},
      {"vocab.txt", "a\n", "vocab.txt: the vocabulary has no token '[UNK]'"},
      {"vocab.txt", "\xff\n", "vocab.txt: no UTF-8 at byte 0"},
      {"vocab.txt", "[UNK]\n" + std::string(1025, 'a'),
       "vocab.txt:2: 1025 bytes, a token has at most 1024"},
      {"a.json",
       R"({"model": {"type": "WordPiece", "vocab": {"[UNK]": 0},
                     "max_input_chars_per_word": 1001},
          "normalizer": {"type": "BertNormalizer"},
          "pre_tokenizer": {"type": "BertPreTokenizer"}})",
       "a.json: 'max_input_chars_per_word' is 1001, expected 0 to 1000"},
      {"a.model", "no model", "a.model: no model of SentencePiece"},
      {"a.model", "", "a.model: no pieces"},
  };
  for (const auto &[name, content, message] : cases)
    expectRefused(name, content, message);
}

/// A tokenizer.json of that model.
static std::string unigram(const std::string &model) {
  return R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "\u2581"}]},
    "model": {"type": "Unigram", )" +
         model + "}}";
}

TEST(TokenizerFile, WrongUnigramModelsAreRefused) {
  const struct {
    std::string content;
    const char *message;
  } cases[] = {
      {R"({"model": {"type": "Unigram"}})",
       "a.json: a step of 'pre_tokenizer' of Unigram is 'none', nnc knows "
       "Metaspace"},
      {R"({"model": {"type": "Unigram"}, "normalizer": {"type": "NFKC"}})",
       "a.json: a step of 'normalizer' of Unigram is 'NFKC', nnc knows "
       "Precompiled"},
      {unigram(R"("vocab": [["a", 0]], "unk_id": 1)"),
       "a.json: 'unk_id' is the id of no piece"},
      {unigram(R"("vocab": [["a", 0], ["b"]], "unk_id": 0)"),
       "a.json: piece 1 is no text of 1 to 1024 bytes with a score"},
      {unigram(R"("vocab": [], "unk_id": 0)"),
       "a.json: no vocabulary: a list of pieces with their scores"},
  };
  for (const auto &[content, message] : cases)
    expectRefused("a.json", content, message);
}

TEST(TokenizerFile, APatternThatTakesTooLongIsAnError) {
  writeFile(temporaryPath("a.json"),
            R"json({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
                "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                  {"type": "Split", "behavior": "Isolated",
                   "pattern": {"Regex": "(a+)+(?=[0-9])"}},
                  {"type": "ByteLevel", "use_regex": false}]}})json");
  auto tokenizer = openTokenizer(temporaryPath("a.json"), "", true);
  ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().message();
  std::vector<int32_t> ids;
  Status status = (*tokenizer)->encode(std::string(2000, 'a'), ids);
  EXPECT_EQ(status.message().find("the tokenizer's pattern cannot be matched"),
            0u)
      << status.message();
}

TEST(SentencePiece, DamagedModelsAreFoundBeforeTheLibrarySeesThem) {
  const std::string whole = contentsOf(inputs("unigram.model"));
  EXPECT_EQ(problemOfModel(whole), nullptr);
  for (size_t length : {size_t(1), whole.size() / 2, whole.size() - 1})
    EXPECT_NE(problemOfModel(whole.substr(0, length)), nullptr) << length;
  // Whatever one bit does, text is refused or becomes ids.
  for (size_t place = 0; place < whole.size(); place += 7) {
    std::string changed = whole;
    changed[place] = char(changed[place] ^ (1 << place % 8));
    auto tokenizer = makeSentencePiece(changed, "");
    std::vector<int32_t> ids;
    if (tokenizer.isOk() &&
        !(*tokenizer)->encode("one \xef\xac\x81 two", ids).isOk())
      ids.clear();
  }
}
