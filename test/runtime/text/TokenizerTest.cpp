// Tokenizers that training text teaches, and text out of numbers.
#include "runtime/text/Learned.h"

#include <gtest/gtest.h>

using namespace nnc::runtime;

static TokenizerPointer learn(const LearnedSettings &settings,
                              const std::vector<std::string> &texts,
                              int64_t mostIds = INT32_MAX) {
  Vocabulary vocabulary(settings);
  for (const std::string &text : texts)
    EXPECT_TRUE(vocabulary.add(text).isOk());
  return vocabulary.finish(mostIds);
}

static std::vector<int32_t> encode(const Tokenizer &tokenizer,
                                   std::string_view text) {
  std::vector<int32_t> ids;
  Status status = tokenizer.encode(text, ids);
  EXPECT_TRUE(status.isOk()) << status.message();
  return ids;
}

using Ids = std::vector<int32_t>;

TEST(TokenizerTest, bytesAreTheirNumbers) {
  TokenizerPointer bytes = learn({Unit::Byte}, {});
  EXPECT_EQ(encode(*bytes, "a\xc3\xa9"), (Ids{97, 0xc3, 0xa9}));
  EXPECT_EQ(bytes->size(), 256);
  EXPECT_EQ(decode(*bytes, {97, 0xc3, 0xa9}), "a\xc3\xa9");
}

TEST(TokenizerTest, beginAndEndComeBehindTheBytes) {
  LearnedSettings settings{Unit::Byte};
  settings.hasBegin = settings.hasEnd = true;
  TokenizerPointer bytes = learn(settings, {});
  EXPECT_EQ(bytes->special(), (SpecialIds{0, -1, 256, 257}));
  EXPECT_EQ(bytes->size(), 258);
  EXPECT_EQ(decode(*bytes, {256, 104, 105, 257, 0}), "hi");
}

TEST(TokenizerTest, charactersAreNumberedByHowOftenTheyAre) {
  TokenizerPointer characters = learn({Unit::Character}, {"b\xc3\xa9", "ab"});
  // Equally frequent ones in the order of their bytes.
  EXPECT_EQ(encode(*characters, "ba\xc3\xa9x"), (Ids{2, 3, 4, 1}));
  EXPECT_EQ(decode(*characters, {2, 3, 4, 1, 0}), "ba\xc3\xa9\xef\xbf\xbd");
}

TEST(TokenizerTest, theMostFrequentWordsAreKept) {
  // Keras's Tokenizer splits so: lower case, and its filters are blanks.
  const std::vector<std::string> texts = {"The cat, the dog.", "A cat's dog!",
                                          "the \xc3\x89t\xc3\xa9"};
  TokenizerPointer words = learn({Unit::Word}, texts, 4);
  EXPECT_EQ(words->size(), 4);
  EXPECT_EQ(encode(*words, "THE dog, the cat"), (Ids{2, 3, 2, 1}));
  EXPECT_EQ(decode(*words, {2, 3, 0}), "the dog");
  words = learn({Unit::Word}, texts);
  EXPECT_EQ(decode(*words, encode(*words, "\xc3\xa9t\xc3\xa9 cat's")),
            "\xc3\xa9t\xc3\xa9 cat's");
}

TEST(TokenizerTest, whatIsNoUtf8IsAnError) {
  for (Unit unit : {Unit::Character, Unit::Word}) {
    std::vector<int32_t> ids;
    Status status = learn({unit}, {})->encode("ab\xff", ids);
    EXPECT_EQ(status.message(), "no UTF-8 at byte 2");
    EXPECT_EQ(Vocabulary({unit}).add("\xc3").message(), "no UTF-8 at byte 0");
  }
}

TEST(TokenizerTest, savedAndRestoredIsEqual) {
  for (Unit unit : {Unit::Byte, Unit::Character, Unit::Word}) {
    LearnedSettings settings{unit, false, "-", true, true};
    TokenizerPointer tokenizer = learn(settings, {"Ab-c \"d\n"});
    StatusOr<TokenizerPointer> restored =
        restoreTokenizer(tokenizer->save(), "note");
    ASSERT_TRUE(restored.isOk()) << restored.status().message();
    EXPECT_EQ((*restored)->save(), tokenizer->save());
    EXPECT_EQ((*restored)->special(), tokenizer->special());
    EXPECT_EQ(encode(**restored, "Ab-c x"), encode(*tokenizer, "Ab-c x"));
  }
}

TEST(TokenizerTest, wrongVocabulariesAreRefused) {
  const std::pair<const char *, const char *> cases[] = {
      {"{", "note:1: no JSON"},
      {"[]", "note: no vocabulary: 'tokenizer' is none of byte, character and "
             "word"},
      {R"({"tokenizer": "word"})",
       "note: 'tokens' is no list of different texts"},
      {R"({"tokenizer": "word", "tokens": ["a", "a"]})",
       "note: 'tokens' is no list of different texts"},
      {R"({"tokenizer": "word", "tokens": [1]})",
       "note: 'tokens' is no list of different texts"},
      {R"({"tokenizer": 1e999})", "note: JSON with a number beyond its range"},
  };
  for (auto [text, message] : cases)
    EXPECT_EQ(restoreTokenizer(text, "note").status().message(), message);
  const std::string deep(100000, '[');
  EXPECT_EQ(restoreTokenizer(deep, "note").status().message(),
            "note:1: more than 64 levels of brackets");
}

TEST(TextStreamTest, charactersComeWhole) {
  TextStream stream(learn({Unit::Byte}, {}));
  EXPECT_EQ(stream.next(0xe2), "");
  EXPECT_EQ(stream.next(0x82), "");
  EXPECT_EQ(stream.next(0xac), "\xe2\x82\xac");
  EXPECT_EQ(stream.next(0xe2), "");
  // It cannot go on so.
  EXPECT_EQ(stream.next('a'), "\xef\xbf\xbd"
                              "a");
  EXPECT_EQ(stream.next(0xff), "\xef\xbf\xbd");
  EXPECT_EQ(stream.next(0xf0), "");
  EXPECT_EQ(stream.finish(), "\xef\xbf\xbd");
}
