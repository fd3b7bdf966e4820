// What an editor asks of a program, and the answers as the protocol has them.
#ifndef NNC_TOOLS_LANGUAGE_ANSWERS_H
#define NNC_TOOLS_LANGUAGE_ANSWERS_H

#include "tools/language/Analysis.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace nnc::tools {

llvm::json::Value toJson(Position position);
llvm::json::Value toJson(const Analysis &analysis, llvm::StringRef part);

/// The findings as the protocol's diagnostics of the document `uri`.
llvm::json::Array diagnosticsOf(const Analysis &analysis, llvm::StringRef uri);

// Each is null where there is nothing to say.
llvm::json::Value hover(Analysis &analysis, size_t offset);
llvm::json::Value definition(const Analysis &analysis, size_t offset,
                             llvm::StringRef uri);
llvm::json::Value references(const Analysis &analysis, size_t offset,
                             llvm::StringRef uri, bool withDeclaration);
llvm::json::Value highlights(const Analysis &analysis, size_t offset);
llvm::json::Value outline(const Analysis &analysis);
llvm::json::Value formatting(const Analysis &analysis);
llvm::json::Value signatureHelp(Analysis &analysis, size_t offset);
llvm::json::Value completion(Analysis &analysis, size_t offset);

/// The name at a place that can have another, with its range.
llvm::json::Value renameable(const Analysis &analysis, size_t offset);
/// The edits that give it the name `newName`, or why it cannot have that.
llvm::Expected<llvm::json::Value> rename(const Analysis &analysis,
                                         size_t offset, llvm::StringRef newName,
                                         llvm::StringRef uri);

} // namespace nnc::tools

#endif // NNC_TOOLS_LANGUAGE_ANSWERS_H
