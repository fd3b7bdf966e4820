// Which outputs are ids of a text, and of which tokenizer.
#ifndef NNC_TOOLS_TEXTOUTPUTS_H
#define NNC_TOOLS_TEXTOUTPUTS_H

#include "runtime/data/Reader.h"
#include "runtime/text/Tokenizer.h"

namespace nnc::tools {

/// The tokenizer of an output of whole numbers, [batch, places]: that of the
/// texts that `entry` does not read, as a translator's, or where there are none
/// that of all texts. Null for other outputs, and where texts differ in theirs.
///
/// facts    what the training data of the weights taught.
/// options  where the file of a tokenizer is that others have trained.
runtime::StatusOr<runtime::TokenizerPointer>
tokenizerOfOutput(const runtime::Plan &plan, const runtime::EntryPoint &entry,
                  const runtime::TensorInfo &output,
                  const runtime::DataFacts &facts,
                  const runtime::ReadOptions &options);

} // namespace nnc::tools

#endif // NNC_TOOLS_TEXTOUTPUTS_H
