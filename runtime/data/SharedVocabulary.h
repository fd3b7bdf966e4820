// One vocabulary for the texts of several inputs, as a translator may have for
// what it reads and what it writes.
#ifndef NNC_RUNTIME_DATA_SHAREDVOCABULARY_H
#define NNC_RUNTIME_DATA_SHAREDVOCABULARY_H

#include "runtime/data/ReadBinding.h"
#include "runtime/data/TextSettings.h"

namespace nnc::runtime {

/// Gives `settings`, which are of `binding`, the tokenizer of the input whose
/// vocabulary it shares, and begin and end where any that share it have them.
/// Where none is shared, nothing changes. InvalidArgument for an input that has
/// no text, and where the binding asks for a tokenizer of its own too.
Status shareTokenizer(const Recipe &recipe, const DataBinding &binding,
                      TextSettings &settings);

/// Has the training texts of all inputs that share a vocabulary teach it, and
/// puts it among the facts of the input that it is of, unless it is there.
Status learnShared(const EntryPoint &entry, const ReadContext &context);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_SHAREDVOCABULARY_H
