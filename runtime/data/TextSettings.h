// What the arguments of a reader of text say.
#ifndef NNC_RUNTIME_DATA_TEXTSETTINGS_H
#define NNC_RUNTIME_DATA_TEXTSETTINGS_H

#include "runtime/data/Reader.h"
#include "runtime/text/Learned.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc::runtime {

/// What an input may be given of a text, or of a sound and its transcript.
enum class TextPart {
  Tokens,        ///< The numbers of its tokens, [batch, T].
  Targets,       ///< At each place the token that follows, [batch, T].
  Lengths,       ///< How many of the T places are no padding, [batch].
  Label,         ///< The number of its class, or a number of a table, [batch].
  Samples,       ///< The sound, [batch, T].
  SampleLengths, ///< How many of the T samples are the sound's, [batch].
};

/// How a file becomes texts. A folder's files are a text each.
enum class TextForm { Table, Lines, Records };

/// What the tokenizer of a binding is, before any text is read.
struct TokenizerChoice {
  /// A file; empty for one that the text teaches.
  std::string file;
  /// Of a vocab.json, its merges; empty: merges.txt beside it.
  std::string merges;
  LearnedSettings learned;
  /// Ids at most, those of no text included; 0: as many as the input takes.
  int64_t mostIds = 0;
  /// The input whose vocabulary it is; empty: that of its own.
  std::string owner = {};
};

struct TextSettings {
  /// One an input.
  std::vector<TextPart> parts;
  TextForm form = TextForm::Lines;
  /// Of a table.
  char delimiter = ',';
  bool hasQuotes = true;
  std::optional<bool> hasHeader;
  std::string columns;
  /// The input whose tokenizer this one's text goes through, too.
  std::string vocabularyOf;
  /// Of records: the line between them.
  std::string separator;
  TokenizerChoice tokenizer;
  bool hasBegin = false, hasEnd = false;
  /// On which side padding stands, and which end of a long text is left out.
  bool padsLeft = false, cutsBegin = false;
  /// Whether it is said that something may be left out, which sounds and their
  /// transcripts are not without.
  bool mayCut = false;
  /// Samples of a sound a second.
  int64_t rate = 0;
  /// Of windows: how many tokens an input takes, and how many lie between the
  /// begin of one and that of the next; 0 where each text is a sample.
  int64_t window = 0, stride = 0;

  /// Its place among the inputs, or -1.
  int64_t find(TextPart part) const;
  bool has(TextPart part) const { return find(part) >= 0; }
  bool isWindows() const { return window > 0; }
};

/// Reads the arguments of a binding of reader text, tokens or wav;
/// InvalidArgument for what is none.
StatusOr<TextSettings> readTextSettings(const DataBinding &binding);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TEXTSETTINGS_H
